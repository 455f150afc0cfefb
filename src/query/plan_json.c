/* SPDX-License-Identifier: MIT */
/* plan_json: the members that docs/query.md names, in its order. What is absent when it says nothing is left out, but
 * `op`, `agg`, `range` and `tz` always stand. */
#include "query/plan_own.h"

#include <math.h>

#include <telemetry/number.h>
#include <telemetry/rfc3339.h>

static void put_range(struct text *out, int64_t from_ms, int64_t to_ms)
{
    const int64_t ends[] = { from_ms, to_ms };
    static const char *const names[] = { "{\"from\":", ",\"to\":" };
    for (unsigned i = 0; i < 2; i++) {
        char time[RFC3339_BYTES];
        text_append(out, names[i], strlen(names[i]));
        if (ends[i] == INT64_MIN || ends[i] == INT64_MAX) {
            text_literal(out, "null");
            continue;
        }
        rfc3339_format(ends[i], time);
        text_json(out, (struct slice){ time, sizeof(time) });
    }
    text_literal(out, "}");
}

/* Starts a member of the filter: what stands before the first is its brace. */
static void put_name(struct text *out, bool *first, const char *name)
{
    text_printf(out, "%s\"%s\":", *first ? ",\"filter\":{" : ",", name);
    *first = false;
}

static void put_tags(struct text *out, bool *first, const char *name, struct slice tags[], unsigned n_tags)
{
    if (n_tags == 0)
        return;
    put_name(out, first, name);
    for (unsigned i = 0; i < n_tags; i++) {
        text_append(out, i == 0 ? "[" : ",", 1);
        text_json(out, tags[i]);
    }
    text_literal(out, "]");
}

static void put_bound(struct text *out, bool *first, const char *name, double number)
{
    char digits[NUMBER_BYTES_MAX];
    if (!isfinite(number))
        return;
    put_name(out, first, name);
    text_append(out, digits, number_format(number, digits));
}

static void put_metric_name(struct text *out, bool *first, const struct filter *filter)
{
    char name[METRIC_NAME_MAX + 1];
    memcpy(name, filter->name.data, filter->name.len);
    name[filter->name.len] = '*';
    put_name(out, first, "name");
    text_json(out, (struct slice){ name, filter->name.len + filter->name_is_prefix });
}

static void put_filter(struct text *out, const struct filter *filter)
{
    bool first = true;
    if (filter->name.len > 0)
        put_metric_name(out, &first, filter);
    put_tags(out, &first, "tags", filter->tags, filter->n_tags);
    put_tags(out, &first, "any_tags", filter->any_tags, filter->n_any_tags);
    put_tags(out, &first, "not_tags", filter->not_tags, filter->n_not_tags);
    put_bound(out, &first, "min", filter->min);
    put_bound(out, &first, "max", filter->max);
    if (!first)
        text_literal(out, "}");
}

static void put_measures(struct text *out, const struct plan *plan)
{
    for (unsigned i = 0; i < plan->n_measures; i++) {
        text_append(out, i == 0 ? "[" : ",", 1);
        text_literal(out, "\"");
        plan_measure_append(&plan->measures[i], out);
        text_literal(out, "\"");
    }
    text_literal(out, "]");
}

static void put_groups(struct text *out, const struct plan *plan)
{
    if (plan->group_by == GROUP_NONE)
        return;
    text_literal(out, ",\"group_by\":");
    if (plan->group_by == GROUP_NAME)
        text_literal(out, "\"name\"");
    else
        text_json(out, plan->tag_prefix.len == 0 ? SLICE("tag") : plan->tag_prefix);
}

static void put_bucket(struct text *out, const struct plan_bucket *bucket)
{
    if (bucket->unit == UNIT_NONE)
        return;
    text_literal(out, ",\"bucket\":\"");
    plan_bucket_append(bucket, out);
    text_literal(out, "\"");
}

void plan_json(const struct plan *plan, struct text *out)
{
    static const char *const ops[] = { "aggregate", "top", "bottom" };
    text_printf(out, "{\"op\":\"%s\"", ops[plan->op]);
    if (plan->op != PLAN_AGGREGATE)
        text_printf(out, ",\"k\":%u", plan->k);
    text_literal(out, ",\"agg\":");
    put_measures(out, plan);
    put_filter(out, &plan->filter);
    text_literal(out, ",\"range\":");
    put_range(out, plan->filter.from_ms, plan->filter.to_ms);
    put_groups(out, plan);
    put_bucket(out, &plan->bucket);
    text_literal(out, ",\"tz\":");
    text_json(out, zone_name(plan->zone));
    if (plan->compare) {
        text_literal(out, ",\"compare\":");
        put_range(out, plan->compare_from_ms, plan->compare_to_ms);
    }
    if (plan->trend)
        text_literal(out, ",\"trend\":true");
    text_literal(out, "}");
}
