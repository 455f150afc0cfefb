/* SPDX-License-Identifier: MIT */
/* encode_result: results made by hand, as the shared part of an answer. */
#include "parser_fixture.h"

#include <math.h>

#include "suite.h"

enum { HOUR_MS = 3600 * 1000 };

struct bench {
    struct fixture *fixture;
    struct job *job;
    struct plan plan;
    struct result result;
};

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    assert_int_equal(fixture_setup((void **)&bench->fixture), 0);
    bench->job = fixture_job(bench->fixture, METHOD_GET, "/metrics/aggregate", SLICE(""));
    plan_init(&bench->plan, bench->fixture->parser.zone);
    bench->result = (struct result){ .n_groups = 1, .n_buckets = 1, .from_ms = 0, .to_ms = HOUR_MS };
    bench->job->plan = &bench->plan;
    bench->job->result = &bench->result;
    *state = bench;
    return 0;
}

static int free_bench(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(fixture_teardown((void **)&bench->fixture), 0);
    free(bench);
    return 0;
}

static void set_measures(struct bench *bench, const char *const names[], unsigned n)
{
    bench->plan.n_measures = (uint8_t)n;
    for (unsigned i = 0; i < n; i++)
        assert_true(plan_measure_parse(slice_of(names[i]), &bench->plan.measures[i]));
}

/* The body behind the plan, whose JSON is another's. */
static void assert_behind_plan(struct bench *bench, const char *expected)
{
    struct job *job = bench->job;
    encode_result(job);
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->reply.http, 200);
    assert_int_equal(job->reply.media, MEDIA_JSON);
    assert_true(job->reply.has_etag);
    struct slice body = job->reply.body;
    assert_true(slice_starts_with(body, SLICE("\"plan\":{")));
    const char *range = body.data + body.len - 9;
    while (memcmp(range, ",\"range\":", 9) != 0) /* the plan has one, too */
        range--;
    assert_slice((struct slice){ range + 1, (size_t)(body.data + body.len - range - 1) }, expected);
}

#define RANGE "\"range\":{\"from\":\"1970-01-01T00:00:00.000Z\",\"to\":\"1970-01-01T01:00:00.000Z\",\"tz\":\"UTC\"}"

static void one_row_without_groups(void **state)
{
    struct bench *bench = *state;
    double values[] = { 3, 0.1, NAN };
    set_measures(bench, (const char *[]){ "count", "avg", "p99.9" }, 3);
    bench->result.values = values;
    bench->result.n_metrics = 3;
    assert_behind_plan(bench, RANGE ",\"columns\":[\"count\",\"avg\",\"p99.9\"],\"rows\":[[3,0.1,null]],\"matched\":3,"
                                    "\"approximate\":false}");
}

static void a_row_for_each_group(void **state)
{
    struct bench *bench = *state;
    struct slice groups[] = { SLICE("cpu"), SLICE("a \"b\"") };
    double values[] = { 2, 1e21, 1, -0.5 };
    set_measures(bench, (const char *[]){ "count", "sum" }, 2);
    bench->plan.op = PLAN_TOP;
    bench->plan.k = 2;
    bench->plan.group_by = GROUP_NAME;
    bench->result.groups = groups;
    bench->result.values = values;
    bench->result.n_groups = 2;
    bench->result.n_groups_all = 7;
    bench->result.n_metrics = 9;
    bench->result.approximate = true;
    assert_behind_plan(bench, RANGE ",\"columns\":[\"name\",\"count\",\"sum\"],\"rows\":[[\"cpu\",2,1e+21],"
                                    "[\"a \\\"b\\\"\",1,-0.5]],\"matched\":9,\"groups\":7,\"approximate\":true}");
    bench->plan.group_by = GROUP_TAG;
    encode_result(bench->job);
    assert_contains(bench->job->reply.body, "\"columns\":[\"tag\",");
}

/* An empty bucket has its place: nothing was counted, and there is no average of nothing. */
static void a_series_for_each_group(void **state)
{
    struct bench *bench = *state;
    struct slice groups[] = { SLICE("a"), SLICE("b") };
    int64_t edges[] = { 0, HOUR_MS, 2 * HOUR_MS };
    double values[] = { 1, 5, 0, NAN, 2, 1.5, 1, 0 };
    set_measures(bench, (const char *[]){ "count", "avg" }, 2);
    bench->plan.group_by = GROUP_NAME;
    bench->plan.bucket = (struct plan_bucket){ UNIT_HOUR, 1 };
    bench->result.groups = groups;
    bench->result.n_groups = 2;
    bench->result.n_groups_all = 2;
    bench->result.n_buckets = 2;
    bench->result.edges = edges;
    bench->result.values = values;
    assert_behind_plan(
        bench,
        RANGE ",\"columns\":[\"time\",\"count\",\"avg\"],\"series\":["
              "{\"group\":\"a\",\"points\":[[\"1970-01-01T00:00:00.000Z\",1,5],[\"1970-01-01T01:00:00.000Z\",0,null]]},"
              "{\"group\":\"b\",\"points\":[[\"1970-01-01T00:00:00.000Z\",2,1.5],[\"1970-01-01T01:00:00.000Z\",1,0]]}],"
              "\"matched\":0,\"groups\":2,\"approximate\":false}");
}

static void a_series_without_groups(void **state)
{
    struct bench *bench = *state;
    int64_t edges[] = { 0, HOUR_MS };
    double values[] = { 4 };
    bench->plan.bucket = (struct plan_bucket){ UNIT_HOUR, 1 };
    bench->result.edges = edges;
    bench->result.values = values;
    assert_behind_plan(bench, RANGE ",\"columns\":[\"time\",\"count\"],\"series\":[{\"group\":null,\"points\":[["
                                    "\"1970-01-01T00:00:00.000Z\",4]]}],\"matched\":0,\"approximate\":false}");
}

static void ranked_buckets_are_rows_with_both_ends(void **state)
{
    struct bench *bench = *state;
    int64_t spans[][2] = { { HOUR_MS, 2 * HOUR_MS }, { 0, HOUR_MS } };
    double values[] = { 4, 2 };
    bench->plan.op = PLAN_TOP;
    bench->plan.bucket = (struct plan_bucket){ UNIT_HOUR, 1 };
    bench->result.n_buckets = 2;
    bench->result.spans = spans;
    bench->result.values = values;
    assert_behind_plan(bench, RANGE ",\"columns\":[\"from\",\"to\",\"count\"],\"rows\":["
                                    "[\"1970-01-01T01:00:00.000Z\",\"1970-01-01T02:00:00.000Z\",4],"
                                    "[\"1970-01-01T00:00:00.000Z\",\"1970-01-01T01:00:00.000Z\",2]],\"matched\":0,"
                                    "\"approximate\":false}");
}

/* Nothing can be said in percent of nothing. */
static void compare_adds_previous_and_change(void **state)
{
    static const struct {
        double value, previous;
        const char *row;
    } cases[] = { { 3, 2, "[[3,2,50]]" },     { 1, 4, "[[1,4,-75]]" },       { 3, 0, "[[3,0,null]]" },
                  { -1, -2, "[[-1,-2,50]]" }, { NAN, 2, "[[null,2,null]]" }, { 2, NAN, "[[2,null,null]]" },
                  { 0, 0, "[[0,0,null]]" },   { 5, 5, "[[5,5,0]]" } };
    struct bench *bench = *state;
    for (size_t i = 0; i < N_CASES(cases); i++) {
        double value = cases[i].value, previous = cases[i].previous;
        bench->result.values = &value;
        bench->result.previous = &previous;
        encode_result(bench->job);
        assert_contains(bench->job->reply.body, "\"columns\":[\"count\",\"previous_count\",\"change_count\"]");
        assert_contains(bench->job->reply.body, cases[i].row);
    }
}

static void trend_stands_with_each_series(void **state)
{
    struct bench *bench = *state;
    int64_t edges[] = { 0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS };
    double values[] = { 1, 2, 3 };
    bench->plan.trend = true;
    bench->plan.bucket = (struct plan_bucket){ UNIT_HOUR, 1 };
    bench->result.to_ms = 3 * HOUR_MS;
    bench->result.n_buckets = 3;
    bench->result.edges = edges;
    bench->result.values = values;
    encode_result(bench->job);
    assert_contains(bench->job->reply.body,
                    "{\"group\":null,\"trend\":{\"direction\":\"rising\",\"slope_per_hour\":1,\"change_percent\":200");
    assert_contains(bench->job->reply.body, "},\"points\":[");
    bench->result.n_buckets = 1;
    encode_result(bench->job);
    assert_contains(bench->job->reply.body, "{\"group\":null,\"trend\":null,\"points\":[");
}

static void open_ends_are_null_where_nothing_is(void **state)
{
    struct bench *bench = *state;
    double values[] = { 0 };
    bench->result.values = values;
    bench->result.to_ms = bench->result.from_ms;
    assert_behind_plan(bench, "\"range\":{\"from\":null,\"to\":null,\"tz\":\"UTC\"},\"columns\":[\"count\"],"
                              "\"rows\":[[0]],\"matched\":0,\"approximate\":false}");
    bench->plan.filter.from_ms = 0;
    encode_result(bench->job);
    assert_contains(bench->job->reply.body, "\"range\":{\"from\":\"1970-01-01T00:00:00.000Z\",\"to\":null,");
}

static void too_many_values_are_refused(void **state)
{
    struct bench *bench = *state;
    bench->result.n_groups = 1000;
    bench->result.n_buckets = 1000;
    bench->plan.bucket = (struct plan_bucket){ UNIT_HOUR, 1 };
    encode_result(bench->job);
    assert_int_equal(bench->job->status, STATUS_QUERY_TOO_LARGE);
    assert_contains(bench->job->reply.detail, "2000000 values");
}

static void equal_results_have_equal_tags(void **state)
{
    struct bench *bench = *state;
    double values[] = { 1 };
    bench->result.values = values;
    encode_result(bench->job);
    uint64_t etag = bench->job->reply.etag;
    encode_result(bench->job);
    assert_true(bench->job->reply.etag == etag);
    values[0] = 2;
    encode_result(bench->job);
    assert_true(bench->job->reply.etag != etag);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_bench, free_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_row_without_groups),
        TEST(a_row_for_each_group),
        TEST(a_series_for_each_group),
        TEST(a_series_without_groups),
        TEST(ranked_buckets_are_rows_with_both_ends),
        TEST(compare_adds_previous_and_change),
        TEST(trend_stands_with_each_series),
        TEST(open_ends_are_null_where_nothing_is),
        TEST(too_many_values_are_refused),
        TEST(equal_results_have_equal_tags),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
