/* SPDX-License-Identifier: MIT */
/* measures: what is worked out, and what is ranked. */
#include "query/prompt/reader.h"

#include <math.h>

enum { HUNDREDTHS = 100, PERCENT_MAX = 100 };

/* One measure ------------------------------------------------------------------------ */

static enum take quantile(struct reader *reader, struct span span, double percent, struct plan_measure *ret_measure)
{
    double hundredths = percent * HUNDREDTHS, rounded = round(hundredths);
    if (percent < 0 || percent > PERCENT_MAX || fabs(hundredths - rounded) > 1e-6)
        return reader_refuse_words(reader, span, "is no percentile from 0 to 100");
    *ret_measure = (struct plan_measure){ AGGREGATE_QUANTILE, (uint32_t)rounded };
    return TAKEN;
}

/* "p95", "p99.9". */
static bool is_short_quantile(const struct reader *reader, unsigned index)
{
    struct slice text = reader_text(reader, index);
    bool plain = index < reader->words.n && reader->words.at[index].kind == WORD_PLAIN;
    return plain && text.len > 1 && text.data[0] == 'p' && text.data[1] >= '0' && text.data[1] <= '9';
}

/* "95th percentile", "percentile 95", "p95": NOT_HERE when there is none of these. */
static enum take read_quantile(struct reader *reader, unsigned *index, struct plan_measure *ret_measure)
{
    double percent;
    unsigned end = *index;
    if (is_short_quantile(reader, *index)) {
        if (!plan_measure_parse(reader_text(reader, *index), ret_measure))
            return NOT_HERE;
        ++*index;
        return TAKEN;
    }
    bool first = reader_is(reader, end, LEX_PERCENTILE);
    end += first ? 1 : 0;
    if (!reader_number(reader, &end, false, &percent))
        return NOT_HERE;
    if (!first && !reader_is(reader, end, LEX_PERCENTILE))
        return NOT_HERE;
    end += first ? 0 : 1;
    struct span span = { *index, end };
    *index = end;
    return quantile(reader, span, percent, ret_measure);
}

/* "how many different names": what is counted stands behind. */
static void read_counted(struct reader *reader, unsigned *index, struct plan_measure *measure)
{
    bool different = measure->aggregate == AGGREGATE_DISTINCT || reader_is(reader, *index, LEX_DIFFERENT) ||
                     reader_says(reader, *index, "distinct");
    unsigned noun = *index + (measure->aggregate != AGGREGATE_DISTINCT && different ? 1 : 0);
    bool plural;
    if (reader_is(reader, *index, LEX_AGGREGATE) && reader->lexemes[*index].value == AGGREGATE_DISTINCT) {
        measure->aggregate = AGGREGATE_DISTINCT; /* "different values" is a phrase of its own */
        *index = reader_past(reader, *index);
        if (!reader_is(reader, *index, LEX_SUBJECT))
            return;
        noun = *index;
    }
    int subject = reader_is(reader, noun, LEX_SUBJECT) ? reader->lexemes[noun].value : SUBJECT_NONE;
    struct slice prefix = tags_prefix(reader, noun, &plural);
    if (subject == SUBJECT_NAMES || (subject == SUBJECT_EVENTS && different))
        measure->aggregate = AGGREGATE_NAMES;
    else if (subject == SUBJECT_TAGS)
        measure->aggregate = AGGREGATE_TAGS;
    else if (different && reader_is(reader, noun, LEX_NOUN))
        measure->aggregate = AGGREGATE_DISTINCT;
    else if (prefix.data != NULL && plural && !reader->filled[SLOT_GROUP]) {
        measure->aggregate = AGGREGATE_TAGS;
        reader->counts_tags = true;
        reader->tag_prefix = reader_keep(reader, prefix);
    } else if (subject != SUBJECT_EVENTS)
        return;
    *index = reader_past(reader, noun);
}

static enum take read_measure(struct reader *reader, unsigned *index, struct plan_measure *ret_measure)
{
    enum take take = read_quantile(reader, index, ret_measure);
    if (take != NOT_HERE)
        return take;
    if (reader_is(reader, *index, LEX_DIFFERENT)) {
        *ret_measure = (struct plan_measure){ AGGREGATE_COUNT, 0 };
        unsigned end = *index;
        read_counted(reader, &end, ret_measure);
        take = end > *index ? TAKEN : NOT_HERE;
        *index = end;
        return take;
    }
    bool last = reader_is(reader, *index, LEX_LAST) || reader_is(reader, *index, LEX_NOW);
    if (!last && !reader_is(reader, *index, LEX_AGGREGATE))
        return NOT_HERE;
    *ret_measure = (struct plan_measure){ (uint8_t)(last ? AGGREGATE_LATEST : reader->lexemes[*index].value), 0 };
    if (ret_measure->aggregate == AGGREGATE_QUANTILE)
        ret_measure->hundredths = 50 * HUNDREDTHS;
    *index = reader_past(reader, *index);
    if (ret_measure->aggregate == AGGREGATE_COUNT || ret_measure->aggregate == AGGREGATE_DISTINCT)
        read_counted(reader, index, ret_measure);
    return TAKEN;
}

/* A list of them ----------------------------------------------------------------------- */

/* "how many events per second" is a rate. */
static bool is_rate_of_count(const struct reader *reader, const struct plan_measure *measure)
{
    return measure->aggregate == AGGREGATE_RATE && reader->n_measures == 1 &&
           reader->measures[0].aggregate == AGGREGATE_COUNT;
}

static enum take add(struct reader *reader, const struct plan_measure *measure)
{
    if (reader->n_measures == PLAN_MEASURES_MAX)
        return reader_refuse(reader, "more than %d measures", PLAN_MEASURES_MAX);
    reader->measures[reader->n_measures++] = *measure;
    return TAKEN;
}

/* Measures behind the first, each behind `and` or a comma. */
static enum take read_more(struct reader *reader, unsigned *index)
{
    for (;;) {
        struct plan_measure measure = { AGGREGATE_COUNT, 0 };
        unsigned at = *index + (reader_is(reader, *index, LEX_AND) ? 1 : 0);
        bool comma = at < reader->words.n && reader->words.at[at].after_comma;
        bool now = reader_is(reader, at, LEX_NOW) || reader_is(reader, at, LEX_LAST);
        if ((at == *index && !comma) || now)
            return TAKEN;
        enum take take = read_measure(reader, &at, &measure);
        if (take != TAKEN)
            return take == REFUSED ? REFUSED : TAKEN;
        if (add(reader, &measure) != TAKEN)
            return REFUSED;
        *index = at;
    }
}

enum take measures_take(struct reader *reader)
{
    struct plan_measure measure = { AGGREGATE_COUNT, 0 };
    unsigned end = reader->at;
    enum take take = read_measure(reader, &end, &measure);
    if (take != TAKEN)
        return take;
    bool latest = reader->n_measures == 1 && reader->measures[0].aggregate == AGGREGATE_LATEST;
    if (reader_is(reader, reader->at, LEX_NOW) && latest) { /* "current cpu now" */
        reader->at = end;
        return TAKEN;
    }
    if (is_rate_of_count(reader, &measure)) {
        reader->measures[0] = measure;
        reader->at = end;
        return TAKEN;
    }
    struct span span = { reader->at, end };
    if (!reader->filled[SLOT_MEASURE] && (add(reader, &measure) != TAKEN || read_more(reader, &end) != TAKEN))
        return REFUSED;
    bool doubled = reader->filled[SLOT_MEASURE];
    return reader_fill(reader, SLOT_MEASURE, doubled ? span.end : end);
}

/* Ranks --------------------------------------------------------------------------------- */

enum take ranks_set_k(struct reader *reader, struct span span, double number)
{
    if (number < 1 || number > PLAN_K_MAX || number != floor(number))
        return reader_refuse_words(reader, span, "must rank a whole number, 1 to 1,000");
    if (reader->k > 0)
        return reader_refuse_words(reader, span, "is a second number of what to rank");
    reader->k = (unsigned)number;
    return TAKEN;
}
_Static_assert(PLAN_K_MAX == 1000, "the sentence about k names it");

/* What is ranked, where it stands right behind: "hosts", "hour", "events". */
static enum take take_ranked(struct reader *reader, unsigned rank, unsigned end)
{
    bool plural;
    unsigned unit_end = end;
    struct slice none = { NULL, 0 };
    struct slice prefix = names_begin(reader, end) ? none : tags_prefix(reader, end, &plural);
    enum plan_unit unit = reader_unit(reader, &unit_end, false);
    bool noun = reader_is(reader, end, LEX_SUBJECT) || reader_says(reader, end, "metric");
    bool one = end < reader->words.n && !reader->lexemes[end].plural;
    reader->at = rank;
    if (prefix.data != NULL) {
        if (reader_fill(reader, SLOT_RANK, end) != TAKEN || reader_fill(reader, SLOT_GROUP, end + 1) != TAKEN)
            return REFUSED;
        reader->group = GROUP_TAG;
        reader->tag_prefix = reader_keep(reader, prefix);
        reader->rank_of_one = !plural;
        return TAKEN;
    }
    if (unit != UNIT_NONE) {
        if (reader_fill(reader, SLOT_RANK, end) != TAKEN || reader_fill(reader, SLOT_BUCKET, unit_end) != TAKEN)
            return REFUSED;
        reader->bucket = (struct plan_bucket){ (uint8_t)unit, 1 };
        reader->bucket_ranks = true;
        reader->rank_of_one = one;
        return TAKEN;
    }
    if (noun) {
        reader->subject =
            reader_is(reader, end, LEX_SUBJECT) ? (enum subject)reader->lexemes[end].value : SUBJECT_EVENTS;
        if (!reader->filled[SLOT_GROUP] && !reader->bucket_ranks)
            reader->rank_of_one = one;
        end = reader_past(reader, end);
    }
    return reader_fill(reader, SLOT_RANK, end);
}

/* "top 3 busiest names": the second word says of what, in the direction of the first. */
static bool sharpens(enum rank_word word, enum rank_word next)
{
    return word == RANK_TOP ? next == RANK_HIGHEST || next == RANK_BUSIEST
                            : word == RANK_BOTTOM && (next == RANK_LOWEST || next == RANK_QUIETEST);
}

enum take ranks_take(struct reader *reader)
{
    double number;
    unsigned rank = reader->at, end = reader->at;
    bool before = reader_number(reader, &end, false, &number);
    if (!reader_is(reader, end, LEX_RANK))
        return NOT_HERE;
    enum rank_word word = (enum rank_word)reader->lexemes[end].value;
    end = reader_past(reader, end);
    bool has_number = before || reader_number(reader, &end, false, &number);
    if (has_number && ranks_set_k(reader, (struct span){ rank, end }, number) != TAKEN)
        return REFUSED;
    if (reader_is(reader, end, LEX_RANK) && sharpens(word, (enum rank_word)reader->lexemes[end].value)) {
        word = (enum rank_word)reader->lexemes[end].value;
        end = reader_past(reader, end);
    }
    if (!reader->filled[SLOT_RANK])
        reader->rank = word;
    return take_ranked(reader, rank, end);
}

/* Subjects -------------------------------------------------------------------------------- */

enum take subjects_take(struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    if (class == LEX_NOUN) {
        reader->value_word = reader->value_word || reader->lexemes[reader->at].value == 1;
        reader->at++;
        return TAKEN;
    }
    if (class != LEX_SUBJECT)
        return NOT_HERE;
    enum subject subject = (enum subject)reader->lexemes[reader->at].value;
    unsigned end = reader_past(reader, reader->at);
    if (reader->subject == subject || (subject == SUBJECT_EVENTS && reader->subject != SUBJECT_NONE)) {
        reader->at = end;
        return TAKEN;
    }
    if (reader->subject == SUBJECT_EVENTS)
        reader->filled[SLOT_SUBJECT] = false;
    reader->subject = subject;
    return reader_fill(reader, SLOT_SUBJECT, end);
}
