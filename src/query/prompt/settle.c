/* SPDX-License-Identifier: MIT */
/* settle: slots become a plan. What a prompt leaves out has a fixed meaning; what would have to be guessed is
 * refused. */
#include "query/calendar.h"
#include "query/prompt/reader.h"

enum { PART_LETTERS_MIN = 5, PART_NAMES_MAX = 1024 };

/* Ranges ------------------------------------------------------------------------------ */

static enum take apply_day_time(struct reader *reader)
{
    const struct zone *zone = reader->zone;
    struct period day = reader->range;
    if (!reader->filled[SLOT_RANGE])
        day = periods_so_far(reader, UNIT_DAY);
    else if (day.unit != UNIT_DAY || day.count != 1 || day.from_ms != calendar_start(zone, UNIT_DAY, day.from_ms))
        return reader_refuse_words(reader, reader->spans[SLOT_DAY_TIME], "needs one day, such as yesterday");
    struct calendar_date date = calendar_date_at(zone, day.from_ms, NULL);
    if (!reader->filled[SLOT_RANGE] && calendar_moment(zone, date, reader->day_from_ms) > reader->setting->now_ms)
        date = calendar_date_at(zone, calendar_add(zone, UNIT_DAY, -1, day.from_ms), NULL);
    reader->range = (struct period){ .from_ms = calendar_moment(zone, date, reader->day_from_ms),
                                     .to_ms = calendar_moment(zone, date, reader->day_to_ms),
                                     .unit = UNIT_DAY,
                                     .count = 1 };
    reader->filled[SLOT_RANGE] = true;
    return TAKEN;
}

/* "this week" goes without saying in "compared to last week". */
static enum take infer_range(struct reader *reader)
{
    const struct period *other = &reader->compare;
    bool unit = reader->compare_kind == COMPARE_PERIOD && other->unit != UNIT_NONE && other->count == 1;
    struct period so_far = periods_so_far(reader, unit ? other->unit : UNIT_DAY);
    if (!unit || other->is_moment || other->to_ms != calendar_start(reader->zone, other->unit, so_far.from_ms))
        return reader_refuse_words(reader, reader->spans[SLOT_COMPARE], "needs a range to compare with, such as today");
    reader->range = so_far;
    reader->filled[SLOT_RANGE] = true;
    return TAKEN;
}

static bool are_as_long(const struct period *a, const struct period *b)
{
    bool fixed = a->unit != UNIT_NONE && b->unit != UNIT_NONE && a->unit <= UNIT_HOUR && b->unit <= UNIT_HOUR;
    return fixed ? a->to_ms - a->from_ms == b->to_ms - b->from_ms
                 : a->unit != UNIT_NONE && a->unit == b->unit && a->count == b->count;
}

/* "the last hour vs the previous hour": the hour before that one, and not most of it once more. */
static bool goes_back_from_range(const struct reader *reader)
{
    const struct period *range = &reader->range, *other = &reader->compare;
    bool says_before = false;
    for (unsigned i = reader->spans[SLOT_COMPARE].first; i < reader->spans[SLOT_COMPARE].end; i++)
        says_before = says_before || reader_is(reader, i, LEX_PREVIOUS) || reader_is(reader, i, LEX_LAST);
    return reader->compare_kind == COMPARE_PERIOD && says_before && other->from_ms < range->to_ms &&
           range->from_ms < other->to_ms && are_as_long(range, other);
}

static enum take apply_compare(struct reader *reader, struct plan *plan)
{
    if (!reader->filled[SLOT_COMPARE])
        return reader->compare_asked ? reader_refuse(reader, "compare with what? say with yesterday, or the like")
                                     : TAKEN;
    if (!reader->filled[SLOT_RANGE] && infer_range(reader) != TAKEN)
        return REFUSED;
    if (goes_back_from_range(reader))
        reader->compare_kind = COMPARE_PREVIOUS;
    const struct period *range = &reader->range;
    if (range->from_ms == INT64_MIN || range->to_ms == INT64_MAX)
        return reader_refuse(reader, "only a range with both ends can be compared");
    struct period other = reader->compare;
    enum plan_unit unit = reader->compare_unit;
    int64_t count = reader->compare_count;
    if (reader->compare_kind == COMPARE_PREVIOUS) {
        unit = range->unit;
        count = range->count;
        other = (struct period){ .from_ms = range->from_ms - (range->to_ms - range->from_ms), .to_ms = range->from_ms };
    }
    if (reader->compare_kind != COMPARE_PERIOD && unit != UNIT_NONE) {
        other.from_ms = calendar_add(reader->zone, unit, -count, range->from_ms);
        other.to_ms = calendar_add(reader->zone, unit, -count, range->to_ms);
    }
    plan->compare = true;
    plan->compare_from_ms = other.from_ms;
    plan->compare_to_ms = other.to_ms;
    return TAKEN;
}

/* Measures ------------------------------------------------------------------------------ */

static bool is_about_metrics(const struct plan_measure *measure)
{
    return measure->aggregate == AGGREGATE_COUNT || measure->aggregate == AGGREGATE_RATE ||
           measure->aggregate == AGGREGATE_NAMES || measure->aggregate == AGGREGATE_TAGS;
}

/* Whether no measure looks at values, so that metrics of several names may be mixed. */
static bool all_about_metrics(const struct plan *plan)
{
    for (unsigned i = 0; i < plan->n_measures; i++)
        if (!is_about_metrics(&plan->measures[i]))
            return false;
    return true;
}

static bool is_of_values(enum rank_word rank)
{
    return rank == RANK_HIGHEST || rank == RANK_LOWEST;
}

/* What is meant when no measure is said. */
static enum plan_aggregate implied_aggregate(const struct reader *reader)
{
    bool values = reader->filled[SLOT_NAME] && reader->subject != SUBJECT_EVENTS;
    if (reader->filled[SLOT_RANK] && reader->rank == RANK_HIGHEST)
        return values || reader->value_word ? AGGREGATE_MAX : AGGREGATE_COUNT;
    if (reader->filled[SLOT_RANK] && reader->rank == RANK_LOWEST)
        return values || reader->value_word ? AGGREGATE_MIN : AGGREGATE_COUNT;
    if (reader->filled[SLOT_RANK] && (reader->rank == RANK_BUSIEST || reader->rank == RANK_QUIETEST))
        return AGGREGATE_COUNT;
    return values && !reader->filled[SLOT_VALUE] ? AGGREGATE_AVG : AGGREGATE_COUNT;
}

/* Ranks whose measure is not said, and would have to be guessed. */
static enum take check_rank(struct reader *reader)
{
    static const char *const measures[] = { " by count", " by sum", " by max" };
    bool named = reader->filled[SLOT_NAME], most = reader->rank == RANK_MOST || reader->rank == RANK_FEWEST;
    if (!reader->filled[SLOT_RANK] || reader->n_measures > 0 || reader->subject != SUBJECT_NONE || reader->value_word)
        return TAKEN;
    if (!named && is_of_values(reader->rank))
        return reader_refuse_words(reader, reader->spans[SLOT_RANK],
                                   "goes by the values of a metric: name it, or say busiest to go by counts");
    if (!named || !most)
        return TAKEN;
    struct slice name = reader_raw(reader, reader->spans[SLOT_NAME]);
    for (unsigned i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        struct text text = text_in(reader->arena, name.len + 16);
        text_append(&text, name.data, name.len);
        text_append(&text, measures[i], strlen(measures[i]));
        reader_candidate(reader, reader->spans[SLOT_NAME], text_slice(&text));
    }
    return reader_refuse_words(reader, reader->spans[SLOT_RANK], "by what? say by count, by sum or by max");
}

static enum take apply_measures(struct reader *reader, struct plan *plan)
{
    if (reader->counts_tags) {
        struct slice words = reader_quote(reader_raw(reader, reader->spans[SLOT_MEASURE]));
        struct text by = text_in(reader->arena, 64);
        text_literal(&by, "count by ");
        text_append(&by, reader->tag_prefix.data, reader->tag_prefix.len - 1);
        reader_candidate(reader, reader->spans[SLOT_MEASURE], text_slice(&by));
        return reader_refuse(reader, "\"%.*s\" counts tags of one kind; ask for a %.*s", QUOTED(words), (int)by.len,
                             by.data);
    }
    plan->n_measures = reader->n_measures;
    memcpy(plan->measures, reader->measures, sizeof(plan->measures));
    if (reader->n_measures == 0) {
        plan->n_measures = 1;
        plan->measures[0] = (struct plan_measure){ (uint8_t)implied_aggregate(reader), 0 };
    }
    bool total = plan->n_measures == 1 && plan->measures[0].aggregate == AGGREGATE_SUM;
    if (total && reader->subject == SUBJECT_EVENTS && !reader->filled[SLOT_NAME] && !reader->value_word)
        plan->measures[0].aggregate = AGGREGATE_COUNT; /* "total events" */
    if (reader->filled[SLOT_VALUE] && !reader->value_word && !all_about_metrics(plan))
        reader_doubt(reader, 0.8); /* "average cpu above 90": of values, not of averages */
    return TAKEN;
}

/* Groups and ranks ------------------------------------------------------------------------ */

static bool counts_kinds(const struct plan *plan)
{
    return plan->measures[0].aggregate == AGGREGATE_NAMES || plan->measures[0].aggregate == AGGREGATE_TAGS;
}

static void apply_group(struct reader *reader, struct plan *plan)
{
    plan->group_by = (uint8_t)reader->group;
    plan->tag_prefix = reader->tag_prefix;
    if (plan->group_by != GROUP_NONE || counts_kinds(plan))
        return;
    if (reader->subject == SUBJECT_NAMES)
        plan->group_by = GROUP_NAME;
    if (reader->subject == SUBJECT_TAGS)
        plan->group_by = GROUP_TAG;
}

static bool is_bottom(enum rank_word rank)
{
    return rank == RANK_BOTTOM || rank == RANK_LOWEST || rank == RANK_QUIETEST || rank == RANK_FEWEST;
}

static enum take apply_rank(struct reader *reader, struct plan *plan)
{
    if (!reader->filled[SLOT_RANK])
        return TAKEN;
    bool one_name = reader->filled[SLOT_NAME] && !reader->name_is_prefix;
    bool plain = is_of_values(reader->rank) && reader->k == 0 && reader->n_measures == 0 && !reader->rank_of_one;
    if (plan->group_by == GROUP_NONE && one_name && !reader->bucket_ranks && plain)
        return TAKEN; /* "highest cpu.usage": the greatest value */
    if (plan->group_by == GROUP_NONE && !one_name && !reader->filled[SLOT_BUCKET])
        plan->group_by = GROUP_NAME;
    if (plan->group_by == GROUP_NONE && !reader->filled[SLOT_BUCKET])
        return reader_refuse_words(reader, reader->spans[SLOT_RANK],
                                   "ranks what? say by which tag, or per hour, day or the like");
    plan->op = is_bottom(reader->rank) ? PLAN_BOTTOM : PLAN_TOP;
    plan->k = reader->k > 0 ? reader->k : reader->rank_of_one ? 1 : PLAN_K_DEFAULT;
    return TAKEN;
}

/* Values of several names say nothing together, unless that is asked for. */
static enum take check_names(struct reader *reader, const struct plan *plan)
{
    bool apart = plan->group_by == GROUP_NAME || all_about_metrics(plan);
    if (apart)
        return TAKEN;
    if (reader->filled[SLOT_NAME] && reader->name_kind == NAME_SHARED_PREFIX) {
        struct slice words = reader_quote(reader_raw(reader, reader->spans[SLOT_NAME]));
        struct slice one = reader_quote(reader->candidates[0]), other = reader_quote(reader->candidates[1]);
        return reader_refuse(reader, "\"%.*s\" may be %.*s or %.*s, or ask by name", QUOTED(words), QUOTED(one),
                             QUOTED(other));
    }
    if (!reader->filled[SLOT_NAME] && !reader->value_word && reader->subject != SUBJECT_EVENTS)
        return reader_refuse(reader, "of which metric? name one, or ask by name");
    if (!reader->filled[SLOT_NAME])
        reader_doubt(reader, 0.7);
    return TAKEN;
}

/* ------------------------------------------------------------------------------------------- */

static enum take check_asks(struct reader *reader)
{
    static const enum slot asking[] = { SLOT_RANK, SLOT_MEASURE, SLOT_SUBJECT, SLOT_NAME, SLOT_GROUP, SLOT_TREND };
    bool any = reader->subject != SUBJECT_NONE, some = false;
    for (unsigned i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
        any = any || reader->filled[asking[i]];
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        some = some || reader->filled[i];
    if (any)
        return TAKEN;
    return reader_refuse(reader, some ? "it does not say what to work out: name a metric, or ask for a count"
                                      : "there is no question about metrics in it");
}

static void apply_filter(struct reader *reader, struct filter *filter)
{
    filter->name = reader->name;
    filter->name_is_prefix = reader->name_is_prefix;
    filter->tags = reader->tags;
    filter->any_tags = reader->any_tags;
    filter->not_tags = reader->not_tags;
    filter->n_tags = (uint8_t)reader->n_tags;
    filter->n_any_tags = (uint8_t)reader->n_any_tags;
    filter->n_not_tags = (uint8_t)reader->n_not_tags;
    if (reader->has_min)
        filter->min = reader->min;
    if (reader->has_max)
        filter->max = reader->max;
    if (reader->filled[SLOT_RANGE]) {
        filter->from_ms = reader->range.from_ms;
        filter->to_ms = reader->range.to_ms;
    }
}

/* The lists of a filter move from the reader to the arena. */
static void keep_tags(struct reader *reader, struct slice **tags, unsigned n)
{
    struct slice *copy = arena_alloc(reader->arena, (n + 1) * sizeof(*copy));
    if (copy == NULL)
        reader->no_memory = true;
    else if (n > 0)
        memcpy(copy, *tags, n * sizeof(*copy));
    *tags = copy;
}

/* "bytes received" beside a name without "received", which is in another one. */
static bool leaves_out_part(const struct reader *reader, unsigned index)
{
    const struct catalogue *catalogue = reader->setting->catalogue;
    struct slice word = reader_text(reader, index);
    const struct catalogue_term *term = catalogue_term_find(&catalogue->name_index, word);
    if (word.len < PART_LETTERS_MIN || term == NULL || term->n > PART_NAMES_MAX)
        return false;
    for (uint32_t i = 0; i < term->n; i++)
        if (slice_equal(catalogue->names[catalogue->name_index.refs[term->first + i]], reader->name))
            return false;
    return true;
}

static void doubt_name(struct reader *reader)
{
    if (!reader->filled[SLOT_NAME] || reader->name_kind != NAME_SOME_PARTS)
        return;
    for (unsigned i = reader->spans[SLOT_NAME].end; reader_is(reader, i, LEX_FILLER); i++)
        if (leaves_out_part(reader, i)) {
            reader_doubt(reader, 0.5);
            return;
        }
}

bool settle(struct reader *reader, struct plan *ret_plan)
{
    plan_init(ret_plan, reader->zone);
    if (check_asks(reader) != TAKEN)
        return false;
    if (reader->filled[SLOT_DAY_TIME] && apply_day_time(reader) != TAKEN)
        return false;
    if (check_rank(reader) != TAKEN || apply_measures(reader, ret_plan) != TAKEN)
        return false;
    doubt_name(reader);
    apply_group(reader, ret_plan);
    if (apply_rank(reader, ret_plan) != TAKEN || check_names(reader, ret_plan) != TAKEN ||
        apply_compare(reader, ret_plan) != TAKEN)
        return false;
    ret_plan->trend = reader->filled[SLOT_TREND];
    if (reader->filled[SLOT_BUCKET])
        ret_plan->bucket = reader->bucket;
    apply_filter(reader, &ret_plan->filter);
    keep_tags(reader, &ret_plan->filter.tags, reader->n_tags);
    keep_tags(reader, &ret_plan->filter.any_tags, reader->n_any_tags);
    keep_tags(reader, &ret_plan->filter.not_tags, reader->n_not_tags);
    if (reader->no_memory)
        return false;
    const char *wrong = plan_settle(ret_plan, reader->arena);
    if (wrong != NULL)
        reader_refuse(reader, "%s", wrong);
    return wrong == NULL;
}
