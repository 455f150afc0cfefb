/* SPDX-License-Identifier: MIT */
/* names: which metric is meant.
 *
 * Words that stand in a name in their order mean it, as many of them as one name has: "ec2 cpu utilization" is
 * awscloudwatch.ec2_cpu_utilization when no other name holds these. A name that is written out goes before one whose
 * parts all are said, and that before one that holds them; among equals nothing is chosen. Names that share a
 * beginning which no other name has may stand for it, where values of several may be mixed (settle.c). */
#include "query/prompt/reader.h"
#include "query/prompt/search.h"

static const double doubts[] = {
    [NAME_LITERAL] = 0.5, [NAME_EXACT] = 1, [NAME_ALL_PARTS] = 0.95, [NAME_SOME_PARTS] = 0.8, [NAME_SHARED_PREFIX] = 0.7
};

static const struct catalogue *catalogue_of(const struct reader *reader)
{
    return reader->setting->catalogue;
}

static bool is_plain_language(const struct reader *reader, unsigned index)
{
    return reader->lexemes[index].class == LEX_NONE && reader->words.at[index].kind == WORD_PLAIN;
}

static enum take fill(struct reader *reader, struct slice name, bool is_prefix, enum name_kind kind, unsigned end)
{
    if (reader_fill(reader, SLOT_NAME, end) != TAKEN)
        return REFUSED;
    if (name.len > METRIC_NAME_MAX)
        return reader_refuse(reader, "a name has at most %d bytes", METRIC_NAME_MAX);
    reader->name = reader_keep(reader, name);
    reader->name_is_prefix = is_prefix;
    reader->name_kind = kind;
    reader_doubt(reader, doubts[kind]);
    return TAKEN;
}

static void note_candidates(struct reader *reader, struct span span, const struct found *found)
{
    for (uint32_t i = 0; i < found->n && i < SEARCH_FOUND_MAX; i++)
        reader_candidate(reader, span, catalogue_of(reader)->names[found->texts[i]]);
}

/* "cpu usgae": the next word may have told. */
static bool is_followed_by_slip(struct reader *reader, unsigned end)
{
    return end < reader->words.n && is_plain_language(reader, end) && near_note(reader, end);
}

static enum take refuse_several(struct reader *reader, struct span span, const struct found *found)
{
    if (is_followed_by_slip(reader, span.end))
        return grammar_refuse_unknown(reader, span.end);
    struct slice words = reader_quote(reader_raw(reader, span));
    struct slice one = reader_quote(catalogue_of(reader)->names[found->texts[0]]);
    struct slice other = reader_quote(catalogue_of(reader)->names[found->texts[1]]);
    note_candidates(reader, span, found);
    if (found->n == 2 && !found->incomplete)
        return reader_refuse(reader, "\"%.*s\" may be %.*s or %.*s", QUOTED(words), QUOTED(one), QUOTED(other));
    return reader_refuse(reader, "\"%.*s\" may be %.*s, %.*s or %s%u more names", QUOTED(words), QUOTED(one),
                         QUOTED(other), found->incomplete ? "over " : "", found->n - 2);
}

static unsigned longest_run(const struct reader *reader, unsigned first, struct query *ret_query);

/* "cpu usage of service17" is service17.cpu.usage. */
static enum take take_turned(struct reader *reader, const struct query *query, unsigned end)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    struct query turned;
    struct found found;
    if (!reader_is(reader, end, LEX_OF))
        return NOT_HERE;
    unsigned behind = longest_run(reader, end + 1, &turned);
    if (behind == end + 1 || turned.n + query->n > SEARCH_PARTS_MAX)
        return NOT_HERE;
    for (unsigned i = 0; i < query->n; i++, turned.n++) {
        turned.parts[turned.n] = query->parts[i];
        turned.glued[turned.n] = i > 0 && query->glued[i];
    }
    search(&catalogue->name_index, catalogue->names, &turned, &found);
    if (found.incomplete || (found.n_whole != 1 && found.n != 1))
        return NOT_HERE;
    uint32_t number = found.n_whole == 1 ? found.whole : found.texts[0];
    return fill(reader, catalogue->names[number], false, NAME_SOME_PARTS, behind);
}

/* The words [reader->at, end), which some names hold. */
static enum take take_found(struct reader *reader, const struct query *query, unsigned end)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    struct span span = { reader->at, end };
    struct found found;
    search(&catalogue->name_index, catalogue->names, query, &found);
    if (found.n == 0)
        return NOT_HERE;
    if (found.n_whole == 1)
        return fill(reader, catalogue->names[found.whole], false, NAME_ALL_PARTS, end);
    if (found.n == 1 && !found.incomplete)
        return fill(reader, catalogue->names[found.texts[0]], false, NAME_SOME_PARTS, end);
    enum take turned = take_turned(reader, query, end);
    if (turned != NOT_HERE)
        return turned;
    if (found.n < 2)
        return reader_refuse_words(reader, span, "is in more names than can be looked at; write the name out");
    if (!found.shares_prefix || found.incomplete)
        return refuse_several(reader, span, &found);
    note_candidates(reader, span, &found);
    return fill(reader, found.prefix, true, NAME_SHARED_PREFIX, end);
}

/* Written out ------------------------------------------------------------------------ */

static bool ends_with_star(struct slice text)
{
    return text.len > 1 && text.data[text.len - 1] == '*';
}

/* "awscloudwatch.*"; "ec2_*" where all names that have this part begin alike. */
static enum take take_prefix(struct reader *reader, struct slice text, unsigned end)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    struct slice prefix = { text.data, text.len - 1 }, example;
    struct query query = { .n = 0 };
    struct found found;
    if (search_prefix(&catalogue->name_index, catalogue->names, prefix, &example))
        return fill(reader, (struct slice){ example.data, prefix.len }, true, NAME_EXACT, end);
    if (!query_add(&query, prefix, false) || query.n == 0)
        return NOT_HERE;
    search(&catalogue->name_index, catalogue->names, &query, &found);
    if (found.n > 0 && found.shares_prefix && !found.incomplete)
        return fill(reader, found.prefix, true, NAME_SOME_PARTS, end);
    return reader_refuse_words(reader, (struct span){ reader->at, end }, "is the beginning of no name");
}

static enum take take_written(struct reader *reader, struct slice text, unsigned end)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    uint32_t number;
    if (ends_with_star(text))
        return take_prefix(reader, text, end);
    if (search_text(&catalogue->name_index, catalogue->names, text, &number))
        return fill(reader, catalogue->names[number], false, NAME_EXACT, end);
    return NOT_HERE;
}

/* In words ---------------------------------------------------------------------------- */

/* Whether a word may be part of a name together with others; words of the lexicon only glued to their neighbours. */
static bool may_be_part(const struct reader *reader, unsigned first, unsigned index)
{
    uint8_t kind = reader->words.at[index].kind;
    return (kind == WORD_PLAIN || kind == WORD_NUMBER) && !(index > first && reader->words.at[index].after_comma);
}

/* "memory is used": what says that something is may stand between. */
static bool is_verb(const struct reader *reader, unsigned index)
{
    return reader_says(reader, index, "is") || reader_says(reader, index, "are") || reader_says(reader, index, "was") ||
           reader_says(reader, index, "were");
}

/* The end of the longest run of words from `first` on that some name holds, and its parts. */
static unsigned longest_run(const struct reader *reader, unsigned first, struct query *ret_query)
{
    unsigned end = first;
    bool glued = false;
    ret_query->n = 0;
    for (unsigned i = first; i < reader->words.n && may_be_part(reader, first, i); i++) {
        struct query longer = *ret_query;
        bool plain = is_plain_language(reader, i);
        if (i > first && is_verb(reader, i) && end == i && i + 1 < reader->words.n && is_plain_language(reader, i + 1))
            continue;
        if (!query_add(&longer, reader_text(reader, i), glued || !plain) || longer.n == ret_query->n ||
            !search_any(&catalogue_of(reader)->name_index, &longer))
            break;
        *ret_query = longer;
        glued = !plain;
        end = i + 1;
    }
    return end;
}

/* A run that begins with a word of the lexicon must be a whole name: "total bytes" is the sum of bytes unless there
 * is a total.bytes. */
static bool is_whole_name(const struct reader *reader, const struct query *query)
{
    struct found found;
    search(&catalogue_of(reader)->name_index, catalogue_of(reader)->names, query, &found);
    return found.n_whole == 1;
}

static enum take take_named(struct reader *reader)
{
    unsigned named = reader->at;
    struct query query;
    reader->at = reader_past(reader, named);
    if (reader->at >= reader->words.n)
        return reader_refuse_words(reader, (struct span){ named, reader->at }, "must be followed by a name");
    if (reader->words.at[reader->at].kind == WORD_QUOTED)
        return names_take_quoted(reader);
    enum take take = take_written(reader, reader_text(reader, reader->at), reader->at + 1);
    if (take == NOT_HERE) {
        unsigned end = longest_run(reader, reader->at, &query);
        take = end > reader->at ? take_found(reader, &query, end) : NOT_HERE;
    }
    if (take == NOT_HERE)
        return reader_refuse_words(reader, (struct span){ reader->at, reader->at + 1 },
                                   "is no name that is stored here");
    return take;
}

enum take names_take(struct reader *reader)
{
    struct query query;
    if (reader_is(reader, reader->at, LEX_NAMED))
        return take_named(reader);
    if (!may_be_part(reader, reader->at, reader->at))
        return NOT_HERE;
    bool plain = is_plain_language(reader, reader->at);
    unsigned end = longest_run(reader, reader->at, &query);
    if (end > reader->at + 1 && (plain || is_whole_name(reader, &query)))
        return take_found(reader, &query, end);
    if (!plain)
        return NOT_HERE;
    enum take take = take_written(reader, reader_text(reader, reader->at), reader->at + 1);
    return take == NOT_HERE && query.n > 1 ? take_found(reader, &query, reader->at + 1) : take;
}

bool names_begin(const struct reader *reader, unsigned index)
{
    struct query query;
    return index < reader->words.n && is_plain_language(reader, index) &&
           longest_run(reader, index, &query) > index + 1;
}

enum take names_take_single(struct reader *reader)
{
    struct query query = { .n = 0 };
    bool noun = reader_is(reader, reader->at, LEX_NOUN);
    if (!noun && !is_plain_language(reader, reader->at))
        return NOT_HERE;
    if (!query_add(&query, reader_text(reader, reader->at), false) || query.n == 0)
        return NOT_HERE;
    return take_found(reader, &query, reader->at + 1);
}

/* What stands in quotes is a name, as it is written, unless it is a tag that is stored and no name. */
enum take names_take_quoted(struct reader *reader)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    if (reader->at >= reader->words.n || reader->words.at[reader->at].kind != WORD_QUOTED)
        return NOT_HERE;
    struct slice text = reader_text(reader, reader->at);
    if (text.len == 0 || text.len > METRIC_NAME_MAX)
        return reader_refuse_words(reader, (struct span){ reader->at, reader->at + 1 }, "is no name");
    if (catalogue_has_name(catalogue, text))
        return fill(reader, text, false, NAME_EXACT, reader->at + 1);
    enum take take = take_written(reader, text, reader->at + 1);
    return take == NOT_HERE ? fill(reader, text, false, NAME_LITERAL, reader->at + 1) : take;
}

enum take names_take_unlisted(struct reader *reader)
{
    struct slice text = reader_text(reader, reader->at);
    bool marked =
        text.len > 0 && (memchr(text.data, '.', text.len) != NULL || memchr(text.data, '_', text.len) != NULL);
    if (catalogue_of(reader)->complete || !marked || !is_plain_language(reader, reader->at))
        return NOT_HERE;
    return fill(reader, reader_written(reader, reader->at), false, NAME_LITERAL, reader->at + 1);
}
