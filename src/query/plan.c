/* SPDX-License-Identifier: MIT */
/* plan: whatever asked, the same question ends in the same fields, and what cannot be worked out is refused with
 * a sentence that says what could. Each check takes the plan and returns such a sentence or NULL. */
#include "query/plan_own.h"

#include <math.h>

#include "query/filters.h"

void plan_init(struct plan *plan, const struct zone *zone)
{
    *plan = (struct plan){ .op = PLAN_AGGREGATE,
                           .n_measures = 1,
                           .measures = { { AGGREGATE_COUNT, 0 } },
                           .bucket = { UNIT_NONE, 1 },
                           .zone = zone };
    filter_init(&plan->filter);
}

static bool plan_ranks(const struct plan *plan)
{
    return plan->op != PLAN_AGGREGATE;
}

static bool has_measure(const struct plan *plan, unsigned n, struct plan_measure measure)
{
    for (unsigned i = 0; i < n; i++)
        if (plan->measures[i].aggregate == measure.aggregate && plan->measures[i].hundredths == measure.hundredths)
            return true;
    return false;
}

/* Their order stays: it is that of the answer, and the first one ranks. */
static const char *settle_measures(struct plan *plan)
{
    unsigned n = 0;
    if (plan->n_measures < 1 || plan->n_measures > PLAN_MEASURES_MAX)
        return "`agg` must name 1 to 8 measures, such as count or avg";
    for (unsigned i = 0; i < plan->n_measures; i++) {
        struct plan_measure measure = plan->measures[i];
        if (measure.aggregate >= AGGREGATE_COUNT_OF)
            return "`agg` names a measure that does not exist";
        if (measure.aggregate != AGGREGATE_QUANTILE)
            measure.hundredths = 0;
        if (measure.hundredths > 10000)
            return "a quantile must be p0 to p100";
        if (!has_measure(plan, n, measure))
            plan->measures[n++] = measure;
    }
    for (unsigned i = n; i < PLAN_MEASURES_MAX; i++)
        plan->measures[i] = (struct plan_measure){ 0, 0 };
    plan->n_measures = (uint8_t)n;
    return NULL;
}
_Static_assert(PLAN_MEASURES_MAX == 8, "a sentence names it");

static const char *settle_rank(struct plan *plan)
{
    if (plan->op > PLAN_BOTTOM)
        return "`op` must be aggregate, top or bottom";
    if (!plan_ranks(plan))
        return plan->k == 0 ? NULL : "`k` goes with top and bottom only; leave it out or set `op` to top";
    if (plan->k == 0)
        plan->k = PLAN_K_DEFAULT;
    if (plan->k > PLAN_K_MAX)
        return "`k` must be 1 to 1000";
    if (plan->group_by == GROUP_NONE && plan->bucket.unit == UNIT_NONE)
        return "top and bottom need something to rank: set `group_by` to name, or `bucket` to a length such as 1h";
    if (plan->group_by == GROUP_NONE && plan->trend)
        return "`trend` needs all buckets in the order of time, and top and bottom without `group_by` rank them: "
               "leave out `trend`, or set `op` to aggregate";
    return NULL;
}
_Static_assert(PLAN_K_MAX == 1000, "a sentence names it");

static const char *settle_groups(struct plan *plan)
{
    struct slice prefix = plan->tag_prefix;
    if (plan->group_by > GROUP_TAG)
        return "`group_by` must be name, tag, or the beginning of a tag such as host:";
    if (plan->group_by != GROUP_TAG || prefix.len == 0)
        plan->tag_prefix = (struct slice){ NULL, 0 };
    else if (prefix.len > METRIC_TAG_MAX)
        return "the tag that `group_by` begins must be shorter: a tag has at most 128 bytes";
    else if (slice_equal(prefix, SLICE("name")) || slice_equal(prefix, SLICE("tag")))
        return "`group_by` cannot tell the tags that begin with name or tag from names and tags themselves: "
               "add the byte that follows, such as name:";
    return NULL;
}
_Static_assert(METRIC_TAG_MAX == 128, "a sentence names it");

static bool is_open_or_time(int64_t ms)
{
    return ms == INT64_MIN || ms == INT64_MAX || (ms >= METRIC_TIMESTAMP_MIN && ms <= METRIC_TIMESTAMP_MAX);
}

/* What a list has and a plan has not is as filter_init() makes it. */
static const char *settle_filter(struct plan *plan)
{
    struct filter *filter = &plan->filter, plain;
    filter_init(&plain);
    filter->limit = plain.limit;
    filter->after = plain.after;
    filter->ascending = filter->has_after = filter->from_moves = filter->to_moves = false;
    const char *wrong = filter_normalise(filter);
    if (wrong != NULL)
        return wrong;
    if (!is_open_or_time(filter->from_ms) || !is_open_or_time(filter->to_ms))
        return "`range` must be within the years 0001 to 9999";
    if (filter->min == INFINITY || filter->max == -INFINITY)
        return "`min` and `max` must be finite";
    if (!filter->name_is_prefix && filter->name.len > 0 && filter->name.data[filter->name.len - 1] == '*')
        return "a name that ends with * can only be asked for by its beginning, such as cpu.*";
    return NULL;
}

static const char *settle_compare(struct plan *plan)
{
    if (!plan->compare) {
        plan->compare_from_ms = plan->compare_to_ms = 0;
        return NULL;
    }
    if (!plan_range_closed(plan->compare_from_ms, plan->compare_to_ms))
        return "`compare` needs both ends, `from` and `to`";
    if (!is_open_or_time(plan->compare_from_ms) || !is_open_or_time(plan->compare_to_ms))
        return "`compare` must be within the years 0001 to 9999";
    if (plan->compare_from_ms >= plan->compare_to_ms)
        return "`from` must be before `to`, in `compare` too";
    return NULL;
}

static const char *too_many(const struct plan *plan, int64_t from_ms, int64_t to_ms, struct arena *arena)
{
    struct plan_bucket fits = plan_bucket_choose(plan->zone, from_ms, to_ms, PLAN_BUCKETS_MAX);
    struct text text = text_in(arena, 128);
    text_literal(&text, "buckets of ");
    plan_bucket_append(&plan->bucket, &text);
    text_printf(&text, " would be more than %u over this range; set `bucket` to ", PLAN_BUCKETS_MAX);
    plan_bucket_append(&fits, &text);
    text_append(&text, " or longer, or to auto", sizeof(" or longer, or to auto"));
    return text.failed ? "there would be more buckets than 10000 over this range; set `bucket` to auto" : text.data;
}
_Static_assert(PLAN_BUCKETS_MAX == 10000, "a sentence names it");

static const char *check_buckets(const struct plan *plan, int64_t from_ms, int64_t to_ms, struct arena *arena)
{
    if (plan_bucket_count(plan->zone, plan->bucket, from_ms, to_ms, PLAN_BUCKETS_MAX) > PLAN_BUCKETS_MAX)
        return too_many(plan, from_ms, to_ms, arena);
    return NULL;
}

/* Both ranges are cut into buckets of one length, so it follows the longer range. */
static struct plan_bucket choose_for_both(const struct plan *plan)
{
    int64_t from_ms = plan->filter.from_ms, to_ms = plan->filter.to_ms;
    if (plan->compare && plan->compare_to_ms - plan->compare_from_ms > to_ms - from_ms) {
        from_ms = plan->compare_from_ms;
        to_ms = plan->compare_to_ms;
    }
    return plan_bucket_choose(plan->zone, from_ms, to_ms, PLAN_AUTO_BUCKETS);
}

static const char *settle_buckets(struct plan *plan, struct arena *arena)
{
    const struct filter *filter = &plan->filter;
    struct plan_bucket *bucket = &plan->bucket;
    bool closed = plan_range_closed(filter->from_ms, filter->to_ms);
    if (bucket->unit > UNIT_YEAR)
        return "`bucket` must be a length such as 10s, 5m, 1h, 1d, 1w, 1mo, 1q, 1y, or auto";
    if (bucket->count < 1 || bucket->count > PLAN_UNITS_MAX)
        return "`bucket` must be of 1 to 100000 units";
    if (plan->trend && bucket->unit == UNIT_NONE)
        bucket->unit = UNIT_AUTO;
    if (bucket->unit == UNIT_AUTO && closed)
        *bucket = choose_for_both(plan);
    plan_bucket_settle(bucket);
    if (bucket->unit <= UNIT_AUTO)
        return NULL;
    const char *wrong = closed ? check_buckets(plan, filter->from_ms, filter->to_ms, arena) : NULL;
    if (wrong == NULL && plan->compare)
        wrong = check_buckets(plan, plan->compare_from_ms, plan->compare_to_ms, arena);
    return wrong;
}
_Static_assert(PLAN_UNITS_MAX == 100000, "a sentence names it");

const char *plan_settle(struct plan *plan, struct arena *arena)
{
    const char *wrong = settle_measures(plan);
    if (wrong == NULL)
        wrong = settle_rank(plan);
    if (wrong == NULL)
        wrong = settle_groups(plan);
    if (wrong == NULL)
        wrong = settle_filter(plan);
    if (wrong == NULL)
        wrong = settle_compare(plan);
    return wrong != NULL ? wrong : settle_buckets(plan, arena);
}
