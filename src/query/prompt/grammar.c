/* SPDX-License-Identifier: MIT */
/* grammar: from the first word to the last, each phrase that begins at a word fills its slot.
 *
 * Words that nothing takes are unknown. One that could change the meaning is refused: where a name, a tag or a time is
 * expected, next to a measure, or a slip of the pen away from a known word. Only adverbs ("roughly"), signs such as
 * emoji, and what stands before the question ("computer, show ..") may be passed over, two at most; they are listed,
 * and each lowers the confidence. */
#include "query/prompt/reader.h"

enum { PASSED_OVER_MAX = 2 };

static const char *const cannots[] = {
    [CANNOT_CHANGE] = "asks for a change; prompts only read",
    [CANNOT_FORETELL] = "is about the future; only what is stored can be asked for",
    [CANNOT_EXCLUDE] = "leaves something out; say without and a tag",
    [CANNOT_EXPLAIN] = "asks for a cause; only figures can be asked for",
    [CANNOT_DATE] = "asks for a moment; ask for the hour or day with the highest ..",
    [CANNOT_DIRECT] = "may be the highest or the lowest; say which, and of what metric",
};

/* Words that nothing took ---------------------------------------------------------------- */

static bool ends_with(struct slice text, struct slice end)
{
    return text.len > end.len && memcmp(text.data + text.len - end.len, end.data, end.len) == 0;
}

/* Emoji and other pictures: U+2000..U+2FFF and U+1F000 on. */
static bool is_picture(const struct word *word)
{
    unsigned char first = word->text.len > 0 ? (unsigned char)word->text.data[0] : 0;
    return word->kind == WORD_PLAIN && (first == 0xe2 || first == 0xf0);
}

static bool is_letters(const struct word *word)
{
    for (size_t i = 0; i < word->text.len; i++)
        if (word->text.data[i] < 'a' || word->text.data[i] > 'z')
            return false;
    return word->kind == WORD_PLAIN;
}

static bool nothing_filled(const struct reader *reader)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        if (reader->filled[i])
            return false;
    return reader->subject == SUBJECT_NONE;
}

/* What stands before the question: a filler or the question's first word comes next. */
static bool is_address(const struct reader *reader)
{
    enum lexeme_class next = reader_class(reader, reader->at + 1);
    return nothing_filled(reader) && (next == LEX_FILLER || next == LEX_WHICH || next == LEX_AGGREGATE);
}

static bool may_pass_over(struct reader *reader)
{
    const struct word *word = &reader->words.at[reader->at];
    if (reader->n_unknown > PASSED_OVER_MAX || reader->opening != OPENING_NONE)
        return false;
    if (is_picture(word))
        return true;
    if (!is_letters(word) || (!ends_with(word->text, SLICE("ly")) && !is_address(reader)))
        return false;
    return !near_note(reader, reader->at);
}

static void note_unknown(struct reader *reader, unsigned index)
{
    if (reader->n_unknown < PROMPT_UNKNOWN_MAX)
        reader->unknown[reader->n_unknown++] = index;
}

static enum take refuse_unknown(struct reader *reader, unsigned index)
{
    struct span span = { index, index + 1 };
    if (!near_note(reader, index))
        return reader_refuse_words(reader, span, "is no word, name or tag that is known here");
    struct slice word = reader_quote(reader_raw(reader, span)), near = reader_quote(reader->candidates[0]);
    return reader_refuse(reader, "\"%.*s\" is no word, name or tag that is known here; \"%.*s\" is", QUOTED(word),
                         QUOTED(near));
}

enum take grammar_refuse_unknown(struct reader *reader, unsigned index)
{
    note_unknown(reader, index);
    return refuse_unknown(reader, index);
}

static enum take take_unknown(struct reader *reader)
{
    note_unknown(reader, reader->at);
    if (!may_pass_over(reader))
        return refuse_unknown(reader, reader->at);
    reader_doubt(reader, 0.7);
    reader->at++;
    return TAKEN;
}

/* Words that open another phrase, and fillers ------------------------------------------------ */

static bool is_opening(enum lexeme_class class)
{
    return class == LEX_AT || class == LEX_OF || class == LEX_OVER || class == LEX_FROM || class == LEX_WITH ||
           class == LEX_BY || class == LEX_AND;
}

/* "a" before a noun; "this" too. */
static bool is_article(const struct reader *reader)
{
    return reader_says(reader, reader->at, "a") || reader_says(reader, reader->at, "an") ||
           reader_says(reader, reader->at, "this");
}

static enum take take_opening(struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    if (is_opening(class))
        reader->opening = reader->at;
    else if (class != LEX_FILLER && class != LEX_WHICH && !is_article(reader))
        return NOT_HERE;
    reader->at = reader_past(reader, reader->at);
    return TAKEN;
}

static enum take take_cannot(struct reader *reader)
{
    if (!reader_is(reader, reader->at, LEX_CANNOT))
        return NOT_HERE;
    struct span span = { reader->at, reader_past(reader, reader->at) };
    return reader_refuse_words(reader, span, cannots[reader->lexemes[reader->at].value]);
}

/* "cpu usage": behind a name and before `of` it says nothing, else it may be a name itself. */
static enum take take_noun(struct reader *reader)
{
    bool behind = reader->filled[SLOT_NAME] || reader_is(reader, reader->at + 1, LEX_OF);
    if (!reader_is(reader, reader->at, LEX_NOUN) || behind || reader->lexemes[reader->at].value == 1)
        return NOT_HERE;
    return names_take_single(reader);
}

/* Known words in a place where they mean nothing. */
static enum take take_misplaced(struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    if (class == LEX_NONE || class == LEX_NUMBER)
        return NOT_HERE;
    struct span span = { reader->at, reader_past(reader, reader->at) };
    return reader_refuse_words(reader, span, "means nothing in this place");
}

/* ---------------------------------------------------------------------------------------------- */

static enum take take_next(struct reader *reader)
{
    static enum take (*const phrases[])(struct reader *) = {
        take_cannot,        zones_take,          values_take,       compare_take,      ranges_take,
        tags_take,          names_take,          groups_take,       ranks_take,        measures_take,
        take_noun,          subjects_take,       names_take_quoted, names_take_single, tags_take_bare,
        tags_take_unlisted, names_take_unlisted, take_opening,      take_misplaced,    take_unknown,
    };
    enum take take = NOT_HERE;
    for (unsigned i = 0; take == NOT_HERE; i++) {
        take = phrases[i](reader);
        if (reader->detail.data != NULL)
            return REFUSED;
    }
    return take;
}

/* `the` means nothing anywhere; without it fewer phrases need a row of their own. */
static void drop_articles(struct words *words)
{
    unsigned n = 0;
    for (unsigned i = 0; i < words->n; i++) {
        bool article = words->at[i].kind == WORD_PLAIN && slice_equal(words->at[i].text, SLICE("the"));
        if (!article)
            words->at[n++] = words->at[i];
    }
    words->n = n;
}

static void reader_init(struct reader *reader, struct slice prompt, const struct prompt_setting *setting,
                        struct arena *arena)
{
    memset(reader, 0, sizeof(*reader));
    reader->setting = setting;
    reader->arena = arena;
    reader->zone = setting->zone;
    reader->prompt = prompt;
    reader->confidence = 1;
    reader->opening = OPENING_NONE;
    int64_t second = setting->now_ms % 1000;
    reader->now_ms = setting->now_ms - second + (second > 0 ? 1000 : 0);
}

bool grammar_read(struct reader *reader, struct slice prompt, const struct prompt_setting *setting, struct arena *arena)
{
    reader_init(reader, prompt, setting, arena);
    const char *wrong = words_cut(prompt, &reader->words);
    if (wrong != NULL) {
        reader->words.n = 0;
        reader_refuse(reader, "%s", wrong);
        return false;
    }
    drop_articles(&reader->words);
    for (unsigned i = 0; i < reader->words.n; i++)
        reader->lexemes[i] = lexicon_find(&reader->words, i);
    zones_scan(reader);
    while (reader->at < reader->words.n && !reader->no_memory)
        if (take_next(reader) == REFUSED)
            return false;
    if (reader->opening != OPENING_NONE)
        reader_refuse_words(reader, (struct span){ reader->opening, reader_past(reader, reader->opening) },
                            "is the last word; something must follow");
    return reader->detail.data == NULL && !reader->no_memory;
}
