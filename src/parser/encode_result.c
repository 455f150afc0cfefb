/* SPDX-License-Identifier: MIT */
/* encode_result: what the store worked out, as the shared part of an answer.
 *
 * Without buckets, or with buckets that are ranked: columns and rows. With buckets: a series for each group. */
#include "parser.h"

#include <math.h>

#include <telemetry/hash.h>
#include <telemetry/number.h>
#include <telemetry/rfc3339.h>

#include "query/trend.h"
#include "question.h"
#include "refuse.h"

enum { CELLS_MAX = 1 << 20, HEAD_BYTES = 1024, CELL_BYTES = 16 };

/* One answer being written. */
struct sheet {
    const struct plan *plan;
    const struct result *result;
    struct text *out;
};

static void append_number(struct text *out, double number)
{
    char digits[NUMBER_BYTES_MAX];
    if (isfinite(number))
        text_append(out, digits, number_format(number, digits));
    else
        text_literal(out, "null");
}

static void append_time(struct text *out, int64_t ms)
{
    char *place = text_reserve(out, RFC3339_BYTES + 2);
    if (place == NULL)
        return;
    place[0] = place[RFC3339_BYTES + 1] = '"';
    rfc3339_format(ms, place + 1);
    text_advance(out, RFC3339_BYTES + 2);
}

/* Whether buckets are places of a series; else they are ranked, or there are none. */
static bool has_series(const struct plan *plan)
{
    return plan->bucket.unit != UNIT_NONE && (plan->op == PLAN_AGGREGATE || plan->group_by != GROUP_NONE);
}

/* Columns ---------------------------------------------------------------------- */

static void append_measures(const struct sheet *sheet, const char *prefix)
{
    struct text *out = sheet->out;
    for (unsigned i = 0; i < sheet->plan->n_measures; i++) {
        text_printf(out, ",\"%s", prefix);
        plan_measure_append(&sheet->plan->measures[i], out);
        text_literal(out, "\"");
    }
}

/* What stands in front of the measures of a row or point. */
static const char *key_columns(const struct sheet *sheet)
{
    if (has_series(sheet->plan))
        return ",\"time\"";
    if (sheet->plan->bucket.unit != UNIT_NONE)
        return ",\"from\",\"to\"";
    if (sheet->plan->group_by == GROUP_NONE)
        return "";
    return sheet->plan->group_by == GROUP_NAME ? ",\"name\"" : ",\"tag\"";
}

static void append_columns(const struct sheet *sheet)
{
    const char *keys = key_columns(sheet);
    size_t start = sheet->out->len;
    text_append(sheet->out, keys, strlen(keys));
    append_measures(sheet, "");
    if (sheet->result->previous != NULL) {
        append_measures(sheet, "previous_");
        append_measures(sheet, "change_");
    }
    if (!sheet->out->failed)
        sheet->out->data[start] = '['; /* for the first comma */
    text_literal(sheet->out, "]");
}

/* Values ----------------------------------------------------------------------- */

/* In percent; NAN where there is nothing to compare with. */
static double change(double value, double previous)
{
    return previous == 0 ? NAN : 100 * (value - previous) / fabs(previous);
}

/* The measures at one place of the result, each behind a comma. */
static void append_values(const struct sheet *sheet, size_t place)
{
    struct text *out = sheet->out;
    unsigned n = sheet->plan->n_measures;
    const double *values = &sheet->result->values[place * n];
    for (unsigned i = 0; i < n; i++) {
        text_literal(out, ",");
        append_number(out, values[i]);
    }
    if (sheet->result->previous == NULL)
        return;
    const double *previous = &sheet->result->previous[place * n];
    for (unsigned i = 0; i < n; i++) {
        text_literal(out, ",");
        append_number(out, previous[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        text_literal(out, ",");
        append_number(out, change(values[i], previous[i]));
    }
}

/* Rows ------------------------------------------------------------------------- */

static void append_row(const struct sheet *sheet, size_t row)
{
    const struct result *result = sheet->result;
    struct text *out = sheet->out;
    size_t start = out->len;
    if (result->spans != NULL) {
        text_literal(out, ",");
        append_time(out, result->spans[row][0]);
        text_literal(out, ",");
        append_time(out, result->spans[row][1]);
    } else if (result->groups != NULL) {
        text_literal(out, ",");
        text_json(out, result->groups[row]);
    }
    append_values(sheet, row);
    if (!out->failed)
        out->data[start] = '[';
    text_literal(out, "]");
}

static void append_rows(const struct sheet *sheet)
{
    size_t n_rows = (size_t)sheet->result->n_groups * sheet->result->n_buckets;
    text_literal(sheet->out, ",\"rows\":[");
    for (size_t row = 0; row < n_rows; row++) {
        text_append(sheet->out, ",", row > 0);
        append_row(sheet, row);
    }
    text_literal(sheet->out, "]");
}

/* Series ------------------------------------------------------------------------ */

/* A line through the first measure; null where there are not two buckets to lay it through. */
static void append_trend(const struct sheet *sheet, uint32_t group)
{
    static const char *const directions[] = {
        [TREND_FLAT] = "flat", [TREND_RISING] = "rising", [TREND_FALLING] = "falling"
    };
    struct text *out = sheet->out;
    struct trend trend;
    if (!trend_of(sheet->result, sheet->plan->n_measures, group, &trend)) {
        text_literal(out, ",\"trend\":null");
        return;
    }
    text_printf(out, ",\"trend\":{\"direction\":\"%s\",\"slope_per_hour\":", directions[trend.direction]);
    append_number(out, trend.slope_per_hour);
    text_literal(out, ",\"change_percent\":");
    append_number(out, trend.change_percent);
    text_literal(out, "}");
}

static void append_points(const struct sheet *sheet, size_t group)
{
    const struct result *result = sheet->result;
    struct text *out = sheet->out;
    text_literal(out, ",\"points\":[");
    for (uint32_t bucket = 0; bucket < result->n_buckets; bucket++) {
        text_append(out, ",", bucket > 0);
        text_literal(out, "[");
        append_time(out, result->edges[bucket]);
        append_values(sheet, group * result->n_buckets + bucket);
        text_literal(out, "]");
    }
    text_literal(out, "]");
}

static void append_series(const struct sheet *sheet)
{
    const struct result *result = sheet->result;
    struct text *out = sheet->out;
    text_literal(out, ",\"series\":[");
    for (uint32_t group = 0; group < result->n_groups; group++) {
        text_append(out, ",", group > 0);
        text_literal(out, "{\"group\":");
        if (result->groups == NULL)
            text_literal(out, "null");
        else
            text_json(out, result->groups[group]);
        if (sheet->plan->trend)
            append_trend(sheet, group);
        append_points(sheet, group);
        text_literal(out, "}");
    }
    text_literal(out, "]");
}

/* ------------------------------------------------------------------------------- */

/* In values of the answer. */
static uint64_t cells_of(const struct plan *plan, const struct result *result)
{
    unsigned per_place = plan->n_measures * (result->previous == NULL ? 1U : 3U);
    return (uint64_t)result->n_groups * result->n_buckets * (per_place + 1);
}

/* The range as it was counted; as it was asked where nothing is. */
static void append_head(const struct sheet *sheet)
{
    const struct filter *filter = &sheet->plan->filter;
    const struct result *result = sheet->result;
    bool is_empty = result->from_ms == result->to_ms;
    question_json(sheet->out, sheet->plan, is_empty ? filter->from_ms : result->from_ms,
                  is_empty ? filter->to_ms : result->to_ms);
    text_literal(sheet->out, ",\"columns\":");
    append_columns(sheet);
}

static void append_tail(const struct sheet *sheet)
{
    struct text *out = sheet->out;
    text_literal(out, ",\"matched\":");
    text_u64(out, sheet->result->n_metrics);
    if (sheet->plan->group_by != GROUP_NONE) {
        text_literal(out, ",\"groups\":");
        text_u64(out, sheet->result->n_groups_all);
    }
    text_printf(out, ",\"approximate\":%s}", sheet->result->approximate ? "true" : "false");
}

static void answer(struct job *job, const struct text *body)
{
    if (body->failed) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return;
    }
    job->reply.http = 200;
    job->reply.media = MEDIA_JSON;
    job->reply.body = text_slice(body);
    job->reply.has_etag = true;
    job->reply.etag = hash_stable(job->reply.body);
}

void encode_result(struct job *job)
{
    uint64_t n_cells = cells_of(job->plan, job->result);
    if (n_cells > CELLS_MAX) {
        job_refuse(job, STATUS_QUERY_TOO_LARGE,
                   "the answer would have %llu values, and %d are the most: ask for longer buckets, a shorter range, "
                   "fewer groups (top) or fewer measures",
                   (unsigned long long)n_cells, (int)CELLS_MAX);
        return;
    }
    struct text body = text_in(&job->arena, HEAD_BYTES + CELL_BYTES * (size_t)n_cells);
    struct sheet sheet = { .plan = job->plan, .result = job->result, .out = &body };
    append_head(&sheet);
    if (has_series(job->plan))
        append_series(&sheet);
    else
        append_rows(&sheet);
    append_tail(&sheet);
    answer(job, &body);
}
