/* SPDX-License-Identifier: MIT */
/* plan_english: "Top 5 names by average value of metrics with tag "env:prod", per hour, from ... to ... (UTC)."
 * What is ranked or measured comes first, then which metrics, groups, buckets, the range, and what is told besides. */
#include "query/plan_own.h"

#include <math.h>

#include <telemetry/number.h>

#include "query/calendar.h"

enum { MS_PER_S = 1000, S_PER_MINUTE = 60, S_PER_HOUR = 3600, MS_PER_MINUTE = 60000 };

static void put(struct text *out, const char *words)
{
    text_append(out, words, strlen(words));
}

static void put_quoted(struct text *out, struct slice name, const char *behind)
{
    text_literal(out, "\"");
    text_append(out, name.data, name.len);
    put(out, behind);
    text_literal(out, "\"");
}

/* What stands before item i of n: nothing, a comma, or the last word. */
static void put_joint(struct text *out, unsigned i, unsigned n, const char *last)
{
    if (i > 0)
        put(out, i + 1 < n ? ", " : last);
}

/* 1st, 2nd, 3rd, 4th, 11th, 99.9th */
static void put_percentile(struct text *out, uint32_t hundredths)
{
    char digits[NUMBER_BYTES_MAX];
    uint32_t whole = hundredths / 100;
    bool regular = hundredths % 100 != 0 || whole % 10 > 3 || whole % 10 == 0 || (whole >= 11 && whole <= 13);
    static const char *const endings[] = { "", "st", "nd", "rd" };
    text_append(out, digits, number_format(hundredths / 100.0, digits));
    put(out, regular ? "th" : endings[whole % 10]);
    text_literal(out, " percentile");
}

static void put_measure(struct text *out, struct plan_measure measure)
{
    static const char *const phrases[] = {
        [AGGREGATE_COUNT] = "number of metrics",
        [AGGREGATE_SUM] = "sum of values",
        [AGGREGATE_AVG] = "average value",
        [AGGREGATE_MIN] = "lowest value",
        [AGGREGATE_MAX] = "highest value",
        [AGGREGATE_STDDEV] = "standard deviation",
        [AGGREGATE_QUANTILE] = "median",
        [AGGREGATE_RATE] = "rate per second",
        [AGGREGATE_DISTINCT] = "number of different values",
        [AGGREGATE_FIRST] = "first value",
        [AGGREGATE_LATEST] = "latest value",
        [AGGREGATE_NAMES] = "number of different names",
        [AGGREGATE_TAGS] = "number of different tags",
    };
    if (measure.aggregate == AGGREGATE_QUANTILE && measure.hundredths != 5000)
        put_percentile(out, measure.hundredths);
    else
        put(out, phrases[measure.aggregate]);
}

static void put_measures(struct text *out, const struct plan *plan, unsigned first)
{
    for (unsigned i = first; i < plan->n_measures; i++) {
        put_joint(out, i - first, plan->n_measures - first, " and ");
        put_measure(out, plan->measures[i]);
    }
}

/* "hour" or "5 minutes"; with `many`, "hours" or "stretches of 5 minutes". */
static void put_bucket(struct text *out, const struct plan_bucket *bucket, bool many)
{
    static const char *const units[] = { [UNIT_AUTO] = "stretch of time",
                                         [UNIT_SECOND] = "second",
                                         [UNIT_MINUTE] = "minute",
                                         [UNIT_HOUR] = "hour",
                                         [UNIT_DAY] = "day",
                                         [UNIT_WEEK] = "week",
                                         [UNIT_MONTH] = "month",
                                         [UNIT_QUARTER] = "quarter",
                                         [UNIT_YEAR] = "year" };
    if (bucket->unit == UNIT_AUTO) {
        put(out, many ? "stretches of time" : "stretch of time");
        return;
    }
    if (bucket->count > 1)
        text_printf(out, "%s%u ", many ? "stretches of " : "", bucket->count);
    put(out, units[bucket->unit]);
    put(out, many || bucket->count > 1 ? "s" : "");
}

static void put_ranked(struct text *out, const struct plan *plan)
{
    text_printf(out, "%s %u ", plan->op == PLAN_TOP ? "Top" : "Bottom", plan->k);
    if (plan->group_by == GROUP_NONE)
        put_bucket(out, &plan->bucket, true);
    else
        put(out, plan->group_by == GROUP_NAME ? "names" : "tags");
    if (plan->tag_prefix.len > 0) {
        put(out, " that begin with ");
        put_quoted(out, plan->tag_prefix, "");
    }
    put(out, " by ");
    put_measure(out, plan->measures[0]);
}

/* All measures, the first letter a capital. */
static void put_measured(struct text *out, const struct plan *plan)
{
    size_t start = out->len;
    put_measures(out, plan, 0);
    if (!out->failed && out->data[start] >= 'a' && out->data[start] <= 'z')
        out->data[start] = (char)(out->data[start] - 'a' + 'A');
}

static void put_tags(struct text *out, const char *words[2], const struct slice tags[], unsigned n_tags)
{
    if (n_tags == 0)
        return;
    put(out, words[n_tags > 1]);
    for (unsigned i = 0; i < n_tags; i++) {
        put_joint(out, i, n_tags, " and ");
        put_quoted(out, tags[i], "");
    }
}

static void put_number(struct text *out, const char *words, double number)
{
    char digits[NUMBER_BYTES_MAX];
    put(out, words);
    text_append(out, digits, number_format(number, digits));
}

/* "above 90" is at least the number behind 90: the one that is said has fewer digits. */
static bool is_shorter(double other, double limit)
{
    char digits[NUMBER_BYTES_MAX];
    return isfinite(other) && number_format(other, digits) < number_format(limit, digits);
}

static void put_min(struct text *out, double min)
{
    double before = nextafter(min, -INFINITY);
    bool above = is_shorter(before, min);
    put_number(out, above ? "above " : "of at least ", above ? before : min);
}

static void put_max(struct text *out, double max)
{
    double behind = nextafter(max, INFINITY);
    bool below = is_shorter(behind, max);
    put_number(out, below ? "below " : "of at most ", below ? behind : max);
}

static void put_values(struct text *out, double min, double max)
{
    if (isfinite(min) || isfinite(max))
        put(out, " with values ");
    if (isfinite(min))
        put_min(out, min);
    if (isfinite(min) && isfinite(max))
        put(out, " and ");
    if (isfinite(max))
        put_max(out, max);
}

static bool takes_all(const struct filter *filter)
{
    return filter->name.len == 0 && filter->n_tags + filter->n_any_tags + filter->n_not_tags == 0 &&
           !isfinite(filter->min) && !isfinite(filter->max);
}

/* Which metrics. `named` when the words before it end in "metrics". */
static void put_filter(struct text *out, const struct filter *filter, bool named)
{
    static const char *all_tags[] = { " with tag ", " with tags " };
    static const char *any_tags[] = { " with tag ", " with any of the tags " };
    static const char *not_tags[] = { " without tag ", " without the tags " };
    if (!named)
        put(out, takes_all(filter) ? " of all metrics" : " of metrics");
    if (filter->name.len > 0) {
        put(out, " named ");
        put_quoted(out, filter->name, filter->name_is_prefix ? "*" : "");
    }
    put_tags(out, all_tags, filter->tags, filter->n_tags);
    put_tags(out, any_tags, filter->any_tags, filter->n_any_tags);
    put_tags(out, not_tags, filter->not_tags, filter->n_not_tags);
    put_values(out, filter->min, filter->max);
}

/* "2026-11-23 00:00", with seconds where there are some, and with the offset where the clock shows this twice. */
static void put_time(struct text *out, const struct zone *zone, int64_t utc_ms)
{
    int64_t ms, offset_ms = zone_offset_ms(zone, utc_ms);
    struct calendar_date date = calendar_date_at(zone, utc_ms, &ms);
    unsigned second = (unsigned)(ms / MS_PER_S), thousandths = (unsigned)(ms % MS_PER_S);
    text_printf(out, "%04d-%02u-%02u %02u:%02u", date.year, date.month, date.day, second / S_PER_HOUR,
                second / S_PER_MINUTE % 60);
    if (ms % MS_PER_MINUTE != 0)
        text_printf(out, ":%02u", second % S_PER_MINUTE);
    if (thousandths != 0)
        text_printf(out, ".%03u", thousandths);
    if (zone_to_utc(zone, utc_ms + offset_ms) != utc_ms) {
        unsigned minutes = (unsigned)((offset_ms < 0 ? -offset_ms : offset_ms) / MS_PER_MINUTE);
        text_printf(out, " UTC%c%02u:%02u", offset_ms < 0 ? '-' : '+', minutes / 60, minutes % 60);
    }
}

static void put_range(struct text *out, const struct zone *zone, int64_t from_ms, int64_t to_ms)
{
    if (from_ms == INT64_MIN && to_ms == INT64_MAX) {
        put(out, ", of all time");
        return;
    }
    if (from_ms == INT64_MIN) {
        put(out, ", before ");
        put_time(out, zone, to_ms);
        return;
    }
    put(out, to_ms == INT64_MAX ? ", since " : ", from ");
    put_time(out, zone, from_ms);
    if (to_ms == INT64_MAX)
        return;
    put(out, " to ");
    put_time(out, zone, to_ms);
}

static void put_besides(struct text *out, const struct plan *plan)
{
    struct slice zone = zone_name(plan->zone);
    put(out, " (");
    text_append(out, zone.data, zone.len);
    put(out, ")");
    if (plan->compare) {
        put(out, ", compared with ");
        put_time(out, plan->zone, plan->compare_from_ms);
        put(out, " to ");
        put_time(out, plan->zone, plan->compare_to_ms);
    }
    put(out, plan->trend ? ", and whether it rises or falls." : ".");
}

static void put_groups(struct text *out, const struct plan *plan)
{
    if (plan->group_by == GROUP_NONE)
        return;
    put(out, plan->group_by == GROUP_NAME ? ", for each name" : ", for each tag");
    if (plan->tag_prefix.len == 0)
        return;
    put(out, " that begins with ");
    put_quoted(out, plan->tag_prefix, "");
}

void plan_english(const struct plan *plan, struct text *out)
{
    bool ranks = plan->op != PLAN_AGGREGATE;
    unsigned last = ranks ? 0 : plan->n_measures - 1U;
    if (ranks)
        put_ranked(out, plan);
    else
        put_measured(out, plan);
    put_filter(out, &plan->filter, plan->measures[last].aggregate == AGGREGATE_COUNT);
    if (!ranks)
        put_groups(out, plan);
    if (ranks && plan->n_measures > 1) {
        put(out, ", with ");
        put_measures(out, plan, 1);
    }
    if (plan->bucket.unit != UNIT_NONE && !(ranks && plan->group_by == GROUP_NONE)) {
        put(out, ", per ");
        put_bucket(out, &plan->bucket, false);
    }
    put_range(out, plan->zone, plan->filter.from_ms, plan->filter.to_ms);
    put_besides(out, plan);
}
