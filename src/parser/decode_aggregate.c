/* SPDX-License-Identifier: MIT */
/* decode_aggregate: GET /metrics/aggregate. Its own parameters say what is worked out, those of a list of which
 * metrics; together they are a plan. */
#include "parser.h"

#include <telemetry/clock.h>

#include "grant.h"
#include "list_parameters.h"
#include "query/filters.h"
#include "question.h"
#include "refuse.h"

/* One request being read. */
struct aggregate {
    struct list_query list;
    struct zones *zones;
    struct plan plan;
    bool has_measures;    /* the measures of the plan are the request's own */
    uint32_t given;       /* own parameters that came: a bit each */
    struct slice compare; /* read when the range is known */
};

struct own_parameter {
    const char *name;
    bool repeats;
    /* Takes one value; returns NULL, or a sentence, static or in the job's arena. Keeps text. */
    const char *(*read)(struct aggregate *aggregate, struct slice text);
};

static const char no_memory[] = "there is no memory for it";

/* A sentence that quotes the client's text. */
static const char *quoting(struct aggregate *aggregate, struct slice text, const char *what)
{
    struct slice made = sentence(&aggregate->list.job->arena, "\"%.*s\" is %s", QUOTE(text), what);
    return made.data == NULL ? no_memory : made.data;
}

static const char *rank(struct aggregate *aggregate, enum plan_op op)
{
    if (aggregate->plan.op != PLAN_AGGREGATE)
        return "top or bottom is given once";
    aggregate->plan.op = (uint8_t)op;
    return NULL;
}

static const char *add_measure(struct aggregate *aggregate, struct slice name)
{
    struct plan *plan = &aggregate->plan;
    struct plan_measure measure;
    if (slice_equal(name, SLICE("top")))
        return rank(aggregate, PLAN_TOP);
    if (slice_equal(name, SLICE("bottom")))
        return rank(aggregate, PLAN_BOTTOM);
    if (!plan_measure_parse(name, &measure))
        return quoting(aggregate, name,
                       "none of count, sum, avg, min, max, stddev, median, p0..p100, rate, distinct, first, latest, "
                       "names, tags, top, bottom");
    if (!aggregate->has_measures)
        plan->n_measures = 0;
    aggregate->has_measures = true;
    if (plan->n_measures == PLAN_MEASURES_MAX)
        return "at most 8 measures are worked out at once";
    plan->measures[plan->n_measures++] = measure;
    return NULL;
}
_Static_assert(PLAN_MEASURES_MAX == 8, "a sentence names it");

static const char *read_op(struct aggregate *aggregate, struct slice text)
{
    for (;;) {
        const char *comma = text.len == 0 ? NULL : memchr(text.data, ',', text.len);
        struct slice name = { text.data, comma == NULL ? text.len : (size_t)(comma - text.data) };
        const char *fault = add_measure(aggregate, name);
        if (fault != NULL || comma == NULL)
            return fault;
        text = (struct slice){ comma + 1, text.len - name.len - 1 };
    }
}

static const char *read_by(struct aggregate *aggregate, struct slice text)
{
    struct plan *plan = &aggregate->plan;
    bool is_name = slice_equal(text, SLICE("name"));
    if (text.len == 0)
        return "it must be name, tag, or the beginning of a tag such as host:";
    plan->group_by = is_name ? GROUP_NAME : GROUP_TAG;
    plan->tag_prefix = is_name || slice_equal(text, SLICE("tag")) ? (struct slice){ NULL, 0 } : text;
    return NULL;
}

static const char *read_interval(struct aggregate *aggregate, struct slice text)
{
    if (!plan_bucket_parse(text, &aggregate->plan.bucket))
        return quoting(aggregate, text, "no length such as 10s, 5m, 1h, 1d, 1w, 1mo, 1q, 1y or auto");
    return NULL;
}

static const char *read_k(struct aggregate *aggregate, struct slice text)
{
    return count_parse(text, &aggregate->plan.k);
}

static const char *read_zone(struct aggregate *aggregate, struct slice text)
{
    const struct zone *zone = zones_find(aggregate->zones, text);
    if (zone == NULL)
        return quoting(aggregate, text, "no time zone such as Europe/Berlin, UTC or +02:00");
    aggregate->plan.zone = zone;
    return NULL;
}

static const char *read_compare(struct aggregate *aggregate, struct slice text)
{
    aggregate->compare = text;
    return text.len == 0 ? "it must be previous, or from/to" : NULL;
}

static const char *read_trend(struct aggregate *aggregate, struct slice text)
{
    aggregate->plan.trend = slice_equal(text, SLICE("true"));
    return aggregate->plan.trend || slice_equal(text, SLICE("false")) ? NULL : "it must be true or false";
}

enum { OWN_PARAMETERS = 7, OWN_ZONE = 4 };

static const struct own_parameter own_parameters[OWN_PARAMETERS] = {
    { "op", true, read_op },
    { "by", false, read_by },
    { "interval", false, read_interval },
    { "k", false, read_k },
    [OWN_ZONE] = { "tz", false, read_zone },
    { "compare", false, read_compare },
    { "trend", false, read_trend },
};

static const struct own_parameter *find(struct slice name)
{
    for (const struct own_parameter *own = own_parameters; own < own_parameters + OWN_PARAMETERS; own++)
        if (slice_equal(name, slice_of(own->name)))
            return own;
    return NULL;
}

static bool read_own(struct aggregate *aggregate, const struct own_parameter *own, struct slice value)
{
    uint32_t bit = 1U << (own - own_parameters);
    const char *fault = (aggregate->given & bit) != 0 && !own->repeats ? "it is given twice" : NULL;
    aggregate->given |= bit;
    if (fault == NULL)
        fault = own->read(aggregate, value);
    if (fault != NULL)
        job_refuse(aggregate->list.job, STATUS_BAD_PLAN, "%s: %s", own->name, fault);
    return fault == NULL;
}

/* A page of a list is none of an aggregate. */
static bool is_paging(struct slice name)
{
    return slice_equal(name, SLICE("limit")) || slice_equal(name, SLICE("order")) || slice_equal(name, SLICE("cursor"));
}

static bool read_parameter(struct parser *parser, struct aggregate *aggregate, const struct parameter *parameter)
{
    const struct own_parameter *own = find(parameter->name);
    if (own == &own_parameters[OWN_ZONE])
        return true;
    if (own != NULL)
        return read_own(aggregate, own, parameter->value);
    if (list_parameter_is_known(parameter->name) && !is_paging(parameter->name))
        return list_parameter_read(parser, &aggregate->list, parameter);
    job_refuse(
        aggregate->list.job, STATUS_BAD_PLAN,
        "GET /metrics/aggregate has no parameter \"%.*s\"; it takes op, by, interval, k, tz, compare, trend, and "
        "the filters of GET /metrics",
        QUOTE(parameter->name));
    return false;
}

/* The zone comes first: dates are midnights in it. */
static bool read_zone_first(struct aggregate *aggregate)
{
    struct job *job = aggregate->list.job;
    struct slice rest = job_query(job);
    struct parameter parameter;
    while (parameter_next(job, &rest, &parameter))
        if (slice_equal(parameter.name, SLICE("tz")) &&
            !read_own(aggregate, &own_parameters[OWN_ZONE], parameter.value))
            return false;
    aggregate->list.zone = aggregate->plan.zone;
    return job->status == STATUS_OK;
}

static bool read_parameters(struct parser *parser, struct aggregate *aggregate)
{
    struct job *job = aggregate->list.job;
    struct slice rest = job_query(job);
    struct parameter parameter;
    while (parameter_next(job, &rest, &parameter))
        if (!read_parameter(parser, aggregate, &parameter))
            return false;
    return job->status == STATUS_OK;
}

static const char *read_point(struct aggregate *aggregate, struct slice text, int64_t *ret_ms)
{
    const char *fault = time_point_parse(text, aggregate->list.now_ms, ret_ms);
    if (fault == NULL && time_point_is_date(text))
        *ret_ms = zone_to_utc(aggregate->plan.zone, *ret_ms);
    return fault;
}

/* As long as the range, and just before it. A range that ends nowhere ends now. */
static const char *compare_previous(struct aggregate *aggregate)
{
    struct plan *plan = &aggregate->plan;
    struct filter *filter = &plan->filter;
    if (filter->from_ms == INT64_MIN)
        return "previous needs a range: give from, and to if it does not end now";
    if (filter->to_ms == INT64_MAX)
        filter->to_ms = aggregate->list.now_ms;
    plan->compare_to_ms = filter->from_ms;
    plan->compare_from_ms = filter->from_ms - (filter->to_ms - filter->from_ms);
    return NULL;
}

static const char *compare_range(struct aggregate *aggregate)
{
    struct plan *plan = &aggregate->plan;
    struct slice text = aggregate->compare;
    const char *slash = memchr(text.data, '/', text.len);
    if (slash == NULL)
        return "it must be previous, or two points in time with a / between them";
    struct slice from = { text.data, (size_t)(slash - text.data) };
    const char *fault = read_point(aggregate, from, &plan->compare_from_ms);
    if (fault != NULL)
        return fault;
    return read_point(aggregate, (struct slice){ slash + 1, text.len - from.len - 1 }, &plan->compare_to_ms);
}

static const char *finish_compare(struct aggregate *aggregate)
{
    if (aggregate->compare.len == 0)
        return NULL;
    aggregate->plan.compare = true;
    return slice_equal(aggregate->compare, SLICE("previous")) ? compare_previous(aggregate) : compare_range(aggregate);
}

/* Plans name their members; here they are parameters. */
static struct slice in_parameters(struct job *job, struct slice fault)
{
    static const struct {
        struct slice member, parameter;
    } names[] = { { SLICE("`agg`"), SLICE("`op`") },
                  { SLICE("`group_by`"), SLICE("`by`") },
                  { SLICE("`bucket`"), SLICE("`interval`") },
                  { SLICE("`range`"), SLICE("`from` and `to`") } };
    struct text text = text_in(&job->arena, fault.len + 32);
    while (fault.len > 0) {
        struct slice piece = { fault.data, 1 };
        size_t used = 1;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (!slice_starts_with(fault, names[i].member))
                continue;
            piece = names[i].parameter;
            used = names[i].member.len;
        }
        text_append(&text, piece.data, piece.len);
        fault = (struct slice){ fault.data + used, fault.len - used };
    }
    return text_slice(&text);
}

/* What no single parameter shows. */
static bool finish_plan(struct aggregate *aggregate)
{
    struct job *job = aggregate->list.job;
    aggregate->plan.filter = job->filter;
    const char *fault = finish_compare(aggregate);
    if (fault != NULL) {
        job_refuse(job, STATUS_BAD_PLAN, "compare: %s", fault);
        return false;
    }
    fault = plan_settle(&aggregate->plan, &job->arena);
    if (fault != NULL)
        job_fail(job, STATUS_BAD_PLAN, in_parameters(job, slice_of(fault)));
    return fault == NULL;
}

void decode_aggregate(struct parser *parser, struct job *job)
{
    struct aggregate aggregate = { .list = { .job = job, .now_ms = clock_wall_ms() }, .zones = parser->zones };
    filter_init(&job->filter);
    plan_init(&aggregate.plan, parser->zone);
    if (read_zone_first(&aggregate) && read_parameters(parser, &aggregate) && list_parameters_end(&aggregate.list) &&
        finish_plan(&aggregate) && grant_filter(job, &aggregate.plan.filter))
        question_ask(job, &aggregate.plan, SLICE("{"));
}
