/* SPDX-License-Identifier: MIT */
/* groups: what the answer falls into: groups of names or tags, buckets of time, a trend over them. */
#include "query/prompt/reader.h"

enum { BUCKET_COUNT_MAX = 1000000 };

static enum take fill_group(struct reader *reader, enum plan_group group, struct slice prefix, unsigned end)
{
    if (reader_fill(reader, SLOT_GROUP, end) != TAKEN)
        return REFUSED;
    reader->group = group;
    reader->tag_prefix = prefix.len > 0 ? reader_keep(reader, prefix) : prefix;
    return TAKEN;
}

static enum take fill_bucket(struct reader *reader, enum plan_unit unit, double count, unsigned end)
{
    struct span span = { reader->at, end };
    if (count < 1 || count > BUCKET_COUNT_MAX || count != (double)(uint32_t)count)
        return reader_refuse_words(reader, span, "is no length of a bucket");
    if (reader_fill(reader, SLOT_BUCKET, end) != TAKEN)
        return REFUSED;
    reader->bucket = (struct plan_bucket){ (uint8_t)unit, (uint32_t)count };
    return TAKEN;
}

/* "15 minutes", "hour" at *index: behind it. */
static bool read_length(const struct reader *reader, unsigned *index, enum plan_unit *ret_unit, double *ret_count)
{
    unsigned end = *index;
    bool number = reader_number(reader, &end, true, ret_count);
    *ret_unit = reader_unit(reader, &end, number);
    if (*ret_unit == UNIT_NONE)
        return false;
    *ret_count = number ? *ret_count : 1;
    *index = end;
    return true;
}

/* "name", "metric", "event": groups by name. */
static bool is_name_noun(const struct reader *reader, unsigned index)
{
    int value = index < reader->words.n ? reader->lexemes[index].value : 0;
    if (reader_is(reader, index, LEX_SUBJECT))
        return value == SUBJECT_NAMES || value == SUBJECT_EVENTS;
    return reader_says(reader, index, "metric");
}

/* What stands behind `by` or `per`, at `target`. */
static enum take take_target(struct reader *reader, unsigned target)
{
    enum plan_unit unit;
    double count;
    bool plural;
    unsigned end = target;
    struct slice none = { NULL, 0 };
    if (read_length(reader, &end, &unit, &count))
        return fill_bucket(reader, unit, count, end);
    if (is_name_noun(reader, target))
        return fill_group(reader, GROUP_NAME, none, reader_past(reader, target));
    if (reader_is(reader, target, LEX_SUBJECT)) {
        struct slice prefix = tags_prefix(reader, target + 1, &plural);
        return fill_group(reader, GROUP_TAG, prefix, target + (prefix.data == NULL ? 1 : 2));
    }
    struct slice prefix = tags_prefix(reader, target, &plural);
    return prefix.data == NULL ? NOT_HERE : fill_group(reader, GROUP_TAG, prefix, target + 1);
}

/* "by host and hour": the second target. */
static enum take take_second_target(struct reader *reader)
{
    if (!reader_is(reader, reader->at, LEX_AND))
        return TAKEN;
    unsigned target = reader->at + 1;
    if (reader_is(reader, target, LEX_BY) || reader_is(reader, target, LEX_PER))
        target = reader_past(reader, target);
    return take_target(reader, target) == REFUSED ? REFUSED : TAKEN;
}

static enum take take_by(struct reader *reader)
{
    unsigned target = reader_past(reader, reader->at);
    if (reader_is(reader, target, LEX_PER))
        target = reader_past(reader, target);
    enum take take = take_target(reader, target);
    if (take == TAKEN)
        return take_second_target(reader);
    if (take == NOT_HERE && target >= reader->words.n)
        return reader_refuse_words(reader, (struct span){ reader->at, target }, "must be followed by what to group by");
    if (take == NOT_HERE && reader_is(reader, reader->at, LEX_PER) && reader_is(reader, target, LEX_NONE))
        return grammar_refuse_unknown(reader, target);
    return take;
}

/* "hourly", "in hourly buckets", "over time". */
static enum take take_bucket_word(struct reader *reader)
{
    enum plan_unit unit = (enum plan_unit)reader->lexemes[reader->at].value;
    unsigned end = reader_past(reader, reader->at);
    if (unit == UNIT_AUTO && reader->filled[SLOT_BUCKET]) { /* "hourly over time" */
        reader->at = end;
        return TAKEN;
    }
    return fill_bucket(reader, unit, 1, reader_is(reader, end, LEX_STEP) ? end + 1 : end);
}

/* "5 minute buckets", "in 5 minute steps". */
static enum take take_steps(struct reader *reader)
{
    bool preposition = reader_is(reader, reader->at, LEX_AT) || reader_is(reader, reader->at, LEX_WITH);
    unsigned end = reader->at + (preposition ? 1 : 0);
    enum plan_unit unit;
    double count;
    if (!read_length(reader, &end, &unit, &count) || !reader_is(reader, end, LEX_STEP))
        return NOT_HERE;
    return fill_bucket(reader, unit, count, end + 1);
}

/* "across all hosts": no groups, as without it. */
static enum take take_across(struct reader *reader)
{
    bool plural;
    unsigned end = reader_past(reader, reader->at);
    if (tags_prefix(reader, end, &plural).data != NULL || reader_is(reader, end, LEX_SUBJECT))
        end = reader_past(reader, end);
    else
        reader->opening = reader->at;
    reader->at = end;
    return TAKEN;
}

static bool ranks_somewhere(const struct reader *reader)
{
    for (unsigned i = 0; i < reader->words.n; i++)
        if (reader_is(reader, i, LEX_RANK))
            return true;
    return false;
}

/* "which host", "which hour"; "hosts with the highest ..", "hour with the most ..". */
static enum take take_which(struct reader *reader, bool which)
{
    unsigned noun = reader->at + (which ? 1 : 0), end = noun;
    bool plural = noun < reader->words.n && reader->lexemes[noun].plural, ranks = ranks_somewhere(reader);
    enum plan_unit unit = reader_unit(reader, &end, false);
    if (unit != UNIT_NONE && ranks && (which || reader_is(reader, end, LEX_WITH))) {
        reader->rank_of_one = !plural;
        reader->bucket_ranks = true;
        return fill_bucket(reader, unit, 1, end);
    }
    struct slice prefix = tags_prefix(reader, noun, &plural), none = { NULL, 0 };
    bool name = prefix.data == NULL && which && is_name_noun(reader, noun);
    if ((prefix.data == NULL && !name) || (!which && !(ranks && (plural || reader_is(reader, noun + 1, LEX_WITH)))))
        return NOT_HERE;
    reader->rank_of_one = name ? !reader->lexemes[noun].plural : !plural;
    return name ? fill_group(reader, GROUP_NAME, none, reader_past(reader, noun))
                : fill_group(reader, GROUP_TAG, prefix, noun + 1);
}

/* "5 hosts with the highest ..". */
static enum take take_number(struct reader *reader)
{
    double number;
    bool plural;
    unsigned end = reader->at, start = reader->at;
    if (!ranks_somewhere(reader) || !reader_number(reader, &end, false, &number))
        return NOT_HERE;
    unsigned unit_end = end;
    bool unit = reader_unit(reader, &unit_end, false) != UNIT_NONE && reader_is(reader, unit_end, LEX_WITH);
    if (!unit && tags_prefix(reader, end, &plural).data == NULL)
        return NOT_HERE;
    if (ranks_set_k(reader, (struct span){ start, end }, number) != TAKEN)
        return REFUSED;
    reader->at = end;
    return take_which(reader, false);
}

enum take groups_take(struct reader *reader)
{
    switch (reader_class(reader, reader->at)) {
    case LEX_BY:
    case LEX_PER:
        return take_by(reader);
    case LEX_BUCKET:
        return take_bucket_word(reader);
    case LEX_ACROSS:
        return take_across(reader);
    case LEX_TREND:
        return reader_fill(reader, SLOT_TREND, reader_past(reader, reader->at));
    case LEX_WHICH:
        return take_which(reader, true);
    case LEX_NONE:
    case LEX_UNIT:
    case LEX_ZONE_WORD: {
        enum take take = take_which(reader, false);
        if (take == NOT_HERE)
            take = take_steps(reader);
        return take == NOT_HERE ? take_number(reader) : take;
    }
    case LEX_NUMBER: {
        enum take take = take_steps(reader);
        return take == NOT_HERE ? take_number(reader) : take;
    }
    default:
        return take_steps(reader);
    }
}
