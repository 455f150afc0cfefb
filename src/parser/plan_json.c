/* SPDX-License-Identifier: MIT */
/* plan_json: each member is read by a row of a table; the filter by the rows that lists have. */
#include "plan_json.h"

#include <math.h>

#include <telemetry/rfc3339.h>

#include "json_object.h"
#include "list_filters.h"
#include "query/filters.h"
#include "refuse.h"

enum { PLAN_DEPTH_MAX = 4 };

/* One plan being read. */
struct reading {
    struct parser *parser;
    struct job *job;
    struct plan *plan;
    struct slice place;                /* JSON pointer of the plan */
    struct slice pointer;              /* of the member under way */
    const struct json_object *members; /* at the member under way */
};

static bool refuse(struct reading *reading, struct slice pointer, const char *why)
{
    job_refuse_at(reading->job, STATUS_BAD_PLAN, pointer, "%s", why);
    return false;
}

static bool refuse_text(struct reading *reading, struct slice pointer, struct slice text, const char *what)
{
    job_refuse_at(reading->job, STATUS_BAD_PLAN, pointer, "\"%.*s\" is %s", QUOTE(text), what);
    return false;
}

static struct slice below(struct reading *reading, struct slice place, struct slice name)
{
    return sentence(&reading->job->arena, "%.*s/%.*s", (int)place.len, place.data, (int)name.len, name.data);
}

/* A string of the tree, which lives as long as the job. */
static bool read_string(struct reading *reading, const cJSON *node, struct slice *ret_text)
{
    if (!cJSON_IsString(node))
        return refuse(reading, reading->pointer, "it must be a string");
    *ret_text = slice_of(node->valuestring);
    return !utf8_text_has_control(*ret_text) ||
           refuse(reading, reading->pointer, "there must be no control characters");
}

static bool read_op(struct reading *reading, const cJSON *node)
{
    static const char *const names[] = { [PLAN_AGGREGATE] = "aggregate", [PLAN_TOP] = "top", [PLAN_BOTTOM] = "bottom" };
    struct slice text;
    if (!read_string(reading, node, &text))
        return false;
    for (unsigned op = PLAN_AGGREGATE; op <= PLAN_BOTTOM; op++) {
        if (!slice_equal(text, slice_of(names[op])))
            continue;
        reading->plan->op = (uint8_t)op;
        return true;
    }
    return refuse_text(reading, reading->pointer, text, "none of aggregate, top, bottom");
}

static bool read_k(struct reading *reading, const cJSON *node)
{
    double k = node->valuedouble;
    if (!cJSON_IsNumber(node) || k < 1 || k > PLAN_K_MAX || k != floor(k))
        return refuse(reading, reading->pointer, "it must be a whole number of 1 to 1000");
    reading->plan->k = (uint32_t)k;
    return true;
}
_Static_assert(PLAN_K_MAX == 1000 && PLAN_MEASURES_MAX == 8, "sentences name them");

static bool read_agg(struct reading *reading, const cJSON *node)
{
    struct plan *plan = reading->plan;
    struct slice text;
    int n = cJSON_IsArray(node) ? cJSON_GetArraySize(node) : 0;
    if (n < 1 || n > PLAN_MEASURES_MAX)
        return refuse(reading, reading->pointer, "it must be an array of 1 to 8 measures");
    plan->n_measures = 0;
    for (const cJSON *item = node->child; item != NULL; item = item->next) {
        if (!read_string(reading, item, &text))
            return false;
        if (!plan_measure_parse(text, &plan->measures[plan->n_measures++]))
            return refuse_text(reading, reading->pointer, text,
                               "none of count, sum, avg, min, max, stddev, median, p0..p100, rate, distinct, first, "
                               "latest, names, tags");
    }
    return true;
}

static bool read_filter(struct reading *reading, const cJSON *node)
{
    struct job *job = reading->job;
    struct list_query query = { .job = job, .place = reading->pointer };
    if (!cJSON_IsObject(node))
        return refuse(reading, reading->pointer, "it must be an object");
    return list_filters_read(reading->parser, &query, json_object_text(reading->members));
}

/* A moment, or null for an open end. */
static bool read_end(struct reading *reading, const cJSON *node, struct slice pointer, int64_t *ret_ms)
{
    double ms = node->valuedouble;
    if (cJSON_IsNull(node))
        return true;
    if (cJSON_IsString(node) && rfc3339_parse(slice_of(node->valuestring), ret_ms))
        return true;
    if (!cJSON_IsNumber(node) || ms < (double)METRIC_TIMESTAMP_MIN || ms > (double)METRIC_TIMESTAMP_MAX ||
        ms != floor(ms))
        return refuse(reading, pointer, "it must be a point in time: RFC 3339, or whole epoch milliseconds");
    *ret_ms = (int64_t)ms;
    return true;
}

static bool read_ends(struct reading *reading, const cJSON *node, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    if (!cJSON_IsObject(node))
        return refuse(reading, reading->pointer, "it must be an object with from and to");
    for (const cJSON *end = node->child; end != NULL; end = end->next) {
        struct slice name = slice_of(end->string);
        bool is_from = slice_equal(name, SLICE("from"));
        if (!is_from && !slice_equal(name, SLICE("to")))
            return refuse_text(reading, reading->pointer, name, "no member of it: there are from and to");
        struct slice pointer = below(reading, reading->pointer, name);
        if (!read_end(reading, end, pointer, is_from ? ret_from_ms : ret_to_ms))
            return false;
    }
    return true;
}

static bool read_range(struct reading *reading, const cJSON *node)
{
    return read_ends(reading, node, &reading->job->filter.from_ms, &reading->job->filter.to_ms);
}

static bool read_compare(struct reading *reading, const cJSON *node)
{
    struct plan *plan = reading->plan;
    plan->compare = true;
    plan->compare_from_ms = INT64_MIN;
    plan->compare_to_ms = INT64_MAX;
    return read_ends(reading, node, &plan->compare_from_ms, &plan->compare_to_ms);
}

static bool read_group_by(struct reading *reading, const cJSON *node)
{
    struct plan *plan = reading->plan;
    struct slice text;
    if (!read_string(reading, node, &text))
        return false;
    if (text.len == 0)
        return refuse(reading, reading->pointer, "it must be name, tag, or the beginning of a tag such as host:");
    bool is_name = slice_equal(text, SLICE("name"));
    plan->group_by = is_name ? GROUP_NAME : GROUP_TAG;
    plan->tag_prefix = is_name || slice_equal(text, SLICE("tag")) ? (struct slice){ NULL, 0 } : text;
    return true;
}

static bool read_bucket(struct reading *reading, const cJSON *node)
{
    struct slice text;
    if (!read_string(reading, node, &text))
        return false;
    return plan_bucket_parse(text, &reading->plan->bucket) ||
           refuse_text(reading, reading->pointer, text, "no length such as 10s, 5m, 1h, 1d, 1w, 1mo, 1q, 1y or auto");
}

static bool read_zone(struct reading *reading, const cJSON *node)
{
    struct slice text;
    if (!read_string(reading, node, &text))
        return false;
    const struct zone *zone = zones_find(reading->parser->zones, text);
    if (zone == NULL)
        return refuse_text(reading, reading->pointer, text, "no time zone such as Europe/Berlin, UTC or +02:00");
    reading->plan->zone = zone;
    return true;
}

static bool read_trend(struct reading *reading, const cJSON *node)
{
    if (!cJSON_IsBool(node))
        return refuse(reading, reading->pointer, "it must be true or false");
    reading->plan->trend = cJSON_IsTrue(node);
    return true;
}

static const struct member {
    const char *name;
    bool (*read)(struct reading *reading, const cJSON *node);
} members[] = {
    { "op", read_op },         { "k", read_k },         { "agg", read_agg },
    { "filter", read_filter }, { "range", read_range }, { "group_by", read_group_by },
    { "bucket", read_bucket }, { "tz", read_zone },     { "compare", read_compare },
    { "trend", read_trend },
};

static bool read_member(struct reading *reading)
{
    const struct json_object *object = reading->members;
    struct slice name = json_object_name(object);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!slice_equal(name, slice_of(members[i].name)))
            continue;
        reading->pointer = below(reading, reading->place, name);
        return cJSON_IsNull(object->node) || members[i].read(reading, object->node);
    }
    return refuse_text(
        reading, reading->place, name,
        "no member of a plan: there are op, k, agg, filter, range, group_by, bucket, tz, compare, trend");
}

/* What no single member shows. */
static bool finish(struct reading *reading)
{
    reading->plan->filter = reading->job->filter;
    const char *fault = plan_settle(reading->plan, &reading->job->arena);
    return fault == NULL || refuse(reading, reading->place, fault);
}

bool plan_json_read(struct parser *parser, struct job *job, struct slice text, const char *place, struct plan *ret_plan)
{
    struct json_gate gate;
    struct json_value value;
    struct json_object object;
    struct reading reading = {
        .parser = parser, .job = job, .plan = ret_plan, .place = slice_of(place), .members = &object
    };
    gate_open(&gate, text, PLAN_DEPTH_MAX);
    if (!gate_value(&gate, &value) || !gate_end(&gate))
        return refuse(&reading, reading.place, gate.reason);
    if (value.kind != JSON_OBJECT)
        return refuse(&reading, reading.place, "a plan is an object");
    enum status status = json_object_open(&object, &value, &job->arena);
    if (status != STATUS_OK) {
        job_fail(job, status, SLICE(""));
        return false;
    }
    filter_init(&job->filter);
    plan_init(ret_plan, zones_find(parser->zones, SLICE("UTC")));
    while (json_object_next(&object))
        if (!read_member(&reading))
            return false;
    return finish(&reading);
}
