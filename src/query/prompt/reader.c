/* SPDX-License-Identifier: MIT */
#include "query/prompt/reader.h"

#include <stdarg.h>
#include <stdio.h>

enum { DETAIL_BYTES = 400, KEPT_QUOTE = 60 };

/* Two of a kind, as a refusal names them. */
static const char *const slot_names[SLOT_COUNT] = {
    [SLOT_RANK] = "rankings",   [SLOT_MEASURE] = "measures",          [SLOT_SUBJECT] = "subjects",
    [SLOT_NAME] = "names",      [SLOT_TAGS] = "sets of tags",         [SLOT_VALUE] = "limits of values",
    [SLOT_GROUP] = "groups",    [SLOT_BUCKET] = "lengths of buckets", [SLOT_TREND] = "trends",
    [SLOT_RANGE] = "ranges",    [SLOT_DAY_TIME] = "times of day",     [SLOT_COMPARE] = "comparisons",
    [SLOT_ZONE] = "time zones",
};

enum lexeme_class reader_class(const struct reader *reader, unsigned index)
{
    return index < reader->words.n ? (enum lexeme_class)reader->lexemes[index].class : LEX_NONE;
}

bool reader_is(const struct reader *reader, unsigned index, enum lexeme_class class)
{
    return reader_class(reader, index) == class;
}

unsigned reader_past(const struct reader *reader, unsigned index)
{
    return index < reader->words.n ? index + reader->lexemes[index].n_words : index;
}

struct slice reader_text(const struct reader *reader, unsigned index)
{
    return index < reader->words.n ? reader->words.at[index].text : (struct slice){ "", 0 };
}

struct slice reader_written(const struct reader *reader, unsigned index)
{
    const struct word *word = &reader->words.at[index];
    return (struct slice){ word->raw.data, word->text.len < word->raw.len ? word->text.len : word->raw.len };
}

bool reader_says(const struct reader *reader, unsigned index, const char *word)
{
    return slice_equal(reader_text(reader, index), slice_of(word));
}

bool reader_number(const struct reader *reader, unsigned *index, bool with_a, double *ret_number)
{
    if (*index >= reader->words.n)
        return false;
    const struct word *word = &reader->words.at[*index];
    if (word->kind == WORD_NUMBER) {
        *ret_number = word->number;
        ++*index;
        return true;
    }
    if (!reader_is(reader, *index, LEX_NUMBER))
        return false;
    if (!with_a && (reader_says(reader, *index, "a") || reader_says(reader, *index, "an")))
        return false;
    *ret_number = reader->lexemes[*index].value;
    *index = reader_past(reader, *index);
    return true;
}

enum plan_unit reader_unit(const struct reader *reader, unsigned *index, bool behind_number)
{
    enum plan_unit unit = UNIT_NONE;
    if (behind_number && reader_says(reader, *index, "min"))
        unit = UNIT_MINUTE;
    else if (reader_is(reader, *index, LEX_UNIT)) {
        int value = reader->lexemes[*index].value;
        if (behind_number || (value & LEX_UNIT_LETTER) == 0)
            unit = (enum plan_unit)(value & ~LEX_UNIT_LETTER);
    }
    if (unit != UNIT_NONE)
        ++*index;
    return unit;
}

struct slice reader_raw(const struct reader *reader, struct span span)
{
    if (span.first >= span.end || span.end > reader->words.n)
        return (struct slice){ "", 0 };
    struct slice first = reader->words.at[span.first].raw, last = reader->words.at[span.end - 1].raw;
    return (struct slice){ first.data, (size_t)(last.data + last.len - first.data) };
}

/* No character is cut in two. */
struct slice reader_quote(struct slice text)
{
    if (text.len <= KEPT_QUOTE)
        return text;
    size_t len = KEPT_QUOTE;
    while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    return (struct slice){ text.data, len };
}

enum take reader_fill(struct reader *reader, enum slot slot, unsigned end)
{
    struct span span = { reader->at, end };
    if (reader->filled[slot]) {
        reader_candidate(reader, span, (struct slice){ "", 0 }); /* without the second it may do */
        struct slice one = reader_quote(reader_raw(reader, reader->spans[slot]));
        struct slice other = reader_quote(reader_raw(reader, span));
        return reader_refuse(reader, "two %s: %.*s, and %.*s", slot_names[slot], QUOTED(one), QUOTED(other));
    }
    reader->filled[slot] = true;
    reader->spans[slot] = span;
    reader->at = end;
    reader->opening = OPENING_NONE;
    return TAKEN;
}

enum take reader_refuse(struct reader *reader, const char *format, ...)
{
    if (reader->detail.data != NULL)
        return REFUSED;
    char sentence[DETAIL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof(sentence) ? (size_t)len : sizeof(sentence) - 1;
    reader->detail = reader_keep(reader, (struct slice){ sentence, kept });
    return REFUSED;
}

enum take reader_refuse_words(struct reader *reader, struct span span, const char *what)
{
    struct slice quote = reader_quote(reader_raw(reader, span));
    return reader_refuse(reader, "\"%.*s\" %s", QUOTED(quote), what);
}

void reader_doubt(struct reader *reader, double factor)
{
    reader->confidence *= factor;
}

struct slice reader_keep(struct reader *reader, struct slice text)
{
    struct slice copy = arena_copy(reader->arena, text);
    reader->no_memory = reader->no_memory || copy.data == NULL;
    return copy;
}

void reader_candidate(struct reader *reader, struct span doubtful, struct slice text)
{
    reader->doubtful = doubtful;
    for (unsigned i = 0; i < reader->n_candidates; i++)
        if (slice_equal(reader->candidates[i], text))
            return;
    if (reader->n_candidates < CANDIDATES_MAX)
        reader->candidates[reader->n_candidates++] = text;
}
