/* SPDX-License-Identifier: MIT */
#include "storage_contract.h"

#include <stdio.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "storage_questions.h"
#include "suite.h"

enum { TEXT_BYTES = 4096 };

static const struct storage_ops *suite_ops;
static unsigned suite_run_rows;

static const struct spec stock[] = {
    { "cpu", "host:a zone:1", 1000, 1, NULL },
    { "cpu", "host:b zone:1", 2000, 4, NULL },
    { "cpu", "host:a zone:1", 3000, 2, NULL },
    { "cpu", "host:a zone:1", 3000, 9, NULL },
    { "mem", "host:a", 1500, 100, NULL },
    { "mem", "host:b", 2500, 300, NULL },
    { "disk", "", 500, -7, NULL },
    { "net", "host:c", 4000, 0.5, NULL },
};

static int set_up_empty(void **state)
{
    *state = hands_new(suite_ops, suite_run_rows);
    return 0;
}

static int set_up(void **state)
{
    set_up_empty(state);
    hands_insert(*state, stock, N_CASES(stock), NULL);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

struct question {
    struct plan_words plan;
    const char *answer;
};

static void ask(struct hands *hands, const struct question questions[], unsigned n)
{
    char text[TEXT_BYTES];
    for (unsigned i = 0; i < n; i++)
        assert_string_equal(questions_ask(hands, &questions[i].plan, text, sizeof(text)), questions[i].answer);
}

/* What all tests ask of the stock, which stays the same while it is stored in other ways. */
static const struct question questions[] = {
    /* every measure; 8 metrics from 500 to 4000, so the range is [500, 4001) */
    { { .measures = "count sum avg min max" }, "8 409.5 51.1875 -7 300" },
    { { .measures = "stddev" }, "99.4924424" },
    { { .measures = "p0 p50 p75 p99.9 p100" }, "-7 2 9 300 300" },
    { { .measures = "rate" }, "2.285061411" },
    { { .measures = "distinct first latest names tags" }, "8 -7 0.5 4 4" },
    { { .measures = "latest first", .name = "cpu" }, "9 1" },
    { { .measures = "first", .from_ms = 3000, .to_ms = 3001 }, "2" },
    { { .measures = "rate", .from_ms = 0, .to_ms = 4000 }, "1.75" },
    { { .measures = "rate count", .name = "net" }, "- 1" },
    /* groups */
    { { .group = "name" }, "cpu 4 | disk 1 | mem 2 | net 1" },
    { { .group = "tag" }, "host:a 4 | host:b 2 | host:c 1 | zone:1 4" },
    { { .group = "host:", .measures = "count sum tags" }, "host:a 4 112 1 | host:b 2 304 1 | host:c 1 0.5 1" },
    { { .group = "nothing:" }, "" },
    { { .group = "name", .measures = "names tags", .name = "cpu" }, "cpu 1 3" },
    { { .group = "tag", .measures = "count tags names", .name = "cpu" }, "host:a 3 2 1 | host:b 1 2 1 | zone:1 4 3 1" },
    /* buckets */
    { { .bucket = "1s", .from_ms = 0, .to_ms = 5000 }, "1; 2; 2; 2; 1" },
    { { .bucket = "1s" }, "1; 2; 2; 2; 1" },
    { { .bucket = "1s", .measures = "avg count", .name = "cpu", .from_ms = 0, .to_ms = 4000 }, "- 0; 1 1; 4 1; 5.5 2" },
    { { .bucket = "1s", .measures = "rate", .from_ms = 500, .to_ms = 1500 }, "2; 2" },
    { { .bucket = "2s", .group = "name", .measures = "max", .name = "*", .from_ms = 0, .to_ms = 4000 },
      "cpu 1; 9 | disk -7; - | mem 100; 300" },
    /* ranks */
    { { .op = PLAN_TOP, .k = 2, .group = "name" }, "cpu 4 | mem 2" },
    { { .op = PLAN_BOTTOM, .k = 3, .group = "name" }, "disk 1 | net 1 | mem 2" },
    { { .op = PLAN_TOP, .k = 3, .group = "name", .measures = "max count" }, "mem 300 2 | cpu 9 4 | net 0.5 1" },
    { { .op = PLAN_TOP, .k = 2, .bucket = "1s", .from_ms = 0, .to_ms = 5000 }, "2; 2" },
    { { .op = PLAN_BOTTOM, .k = 2, .bucket = "1s", .measures = "avg", .name = "cpu", .from_ms = 0, .to_ms = 5000 },
      "1; 4" },
    { { .op = PLAN_TOP, .k = 2, .group = "name", .bucket = "2s", .measures = "p50", .from_ms = 0, .to_ms = 4000 },
      "mem 100; 300 | cpu 1; 4" },
    /* comparisons */
    { { .measures = "count sum", .from_ms = 2000, .to_ms = 4000, .compare_from_ms = 0, .compare_to_ms = 2000 },
      "4 315 (3 94)" },
    { { .group = "name", .from_ms = 2000, .to_ms = 5000, .compare_from_ms = 0, .compare_to_ms = 2000 },
      "cpu 3 (1) | mem 1 (1) | net 1 (0)" },
    { { .measures = "avg",
        .bucket = "1s",
        .from_ms = 2000,
        .to_ms = 4000,
        .compare_from_ms = 0,
        .compare_to_ms = 1000 },
      "152 (-7); 5.5 (-)" },
    { { .op = PLAN_TOP,
        .k = 1,
        .bucket = "1s",
        .measures = "sum",
        .from_ms = 2000,
        .to_ms = 4000,
        .compare_from_ms = 0,
        .compare_to_ms = 2000 },
      "304 (-7)" },
    { { .from_ms = 7000, .to_ms = 8000, .compare_from_ms = 0, .compare_to_ms = 2000 }, "0 (3)" },
    { { .measures = "sum names p50", .from_ms = 7000, .to_ms = 8000, .compare_from_ms = 0, .compare_to_ms = 2000 },
      "- 0 - (94 3 1)" },
    { { .bucket = "1s", .from_ms = 7000, .to_ms = 9000, .compare_from_ms = 0, .compare_to_ms = 2000 }, "0 (1); 0 (2)" },
    { { .group = "name", .from_ms = 7000, .to_ms = 8000, .compare_from_ms = 0, .compare_to_ms = 2000 }, "" },
    /* filters of each kind */
    { { .name = "cpu" }, "4" },
    { { .name = "m*", .measures = "sum" }, "400" },
    { { .name = "CPU", .measures = "count avg" }, "0 -" },
    { { .tags = "host:a" }, "4" },
    { { .tags = "host:a zone:1", .measures = "max" }, "9" },
    { { .any_tags = "host:b host:c", .measures = "count" }, "3" },
    { { .not_tags = "host:a", .group = "name" }, "cpu 1 | disk 1 | mem 1 | net 1" },
    { { .min = 1, .max = 4, .measures = "count sum" }, "3 7" },
    { { .min = 1, .max = 4, .bucket = "1s" }, "1; 1; 1" },
    { { .from_ms = 1500, .to_ms = 3000, .measures = "count min" }, "3 4" },
    { { .from_ms = 3000, .to_ms = INT64_MAX, .measures = "count" }, "3" },
    { { .from_ms = INT64_MIN, .to_ms = 1000, .measures = "count names" }, "1 1" },
    { { .from_ms = 7000, .to_ms = 8000, .measures = "count sum p50 names" }, "0 - - 0" },
    { { .from_ms = 7000, .to_ms = 8000, .group = "name" }, "" },
};

static void aggregate_answers_every_kind_of_plan(void **state)
{
    ask(*state, questions, N_CASES(questions));
}

static void aggregate_answers_the_same_after_reopening(void **state)
{
    hands_reopen(*state);
    ask(*state, questions, N_CASES(questions));
}

/* Some of the stock is merged, some is not, and what came first was something else. */
static void aggregate_answers_the_same_after_updates_and_deletes(void **state)
{
    struct hands *hands = *state;
    static const struct spec wrong = { "wrong", "host:z zone:1", 2000, 1e9, NULL };
    static const struct spec far = { "cpu", "host:a", 123456789, 77, NULL };
    struct metric_id ids[N_CASES(stock)], other;
    for (unsigned i = 0; i < N_CASES(stock); i++) {
        hands_insert(hands, &far, 1, &other);
        hands_insert(hands, i % 2 == 0 ? &wrong : &stock[i], 1, &ids[i]);
        assert_int_equal(hands_delete(hands, other), STATUS_OK);
    }
    hands_reopen(hands);
    for (unsigned i = 0; i < N_CASES(stock); i++) {
        if (i % 2 == 0)
            assert_int_equal(hands_update(hands, ids[i], &stock[i]), STATUS_OK);
        if (i % 4 == 0) { /* away and back again */
            assert_int_equal(hands_update(hands, ids[i], &far), STATUS_OK);
            assert_int_equal(hands_update(hands, ids[i], &stock[i]), STATUS_OK);
        }
        hands_insert(hands, &wrong, 1, &other);
        assert_int_equal(hands_update(hands, other, &far), STATUS_OK);
        assert_int_equal(hands_delete(hands, other), STATUS_OK);
    }
    ask(hands, questions, N_CASES(questions));
}

static void aggregate_of_nothing_is_empty(void **state)
{
    static const struct question of_nothing[] = {
        { { .measures = "count sum rate p50 distinct first names" }, "0 - 0 - 0 - 0" },
        { { .group = "name" }, "" },
        { { .group = "tag", .op = PLAN_TOP }, "" },
        { { .bucket = "1h" }, "" },
        { { .bucket = "1s", .from_ms = 0, .to_ms = 3000 }, "0; 0; 0" },
        { { .bucket = "1s", .measures = "avg", .op = PLAN_TOP, .from_ms = 0, .to_ms = 3000 }, "" },
        { { .from_ms = 2000, .to_ms = 4000, .compare_from_ms = 0, .compare_to_ms = 2000 }, "0 (0)" },
    };
    ask(*state, of_nothing, N_CASES(of_nothing));
}

/* Groups and range beside the numbers. */
static void result_tells_its_range_and_groups(void **state)
{
    struct job *job = questions_job(&(struct plan_words){ .op = PLAN_TOP, .k = 2, .group = "name" });
    assert_int_equal(hands_run(*state, job), STATUS_OK);
    assert_int_equal(job->result->n_groups, 2);
    assert_int_equal(job->result->n_groups_all, 4);
    assert_int_equal(job->result->n_metrics, 8);
    assert_int_equal(job->result->n_buckets, 1);
    assert_int_equal(job->result->from_ms, 500);
    assert_int_equal(job->result->to_ms, 4001);
    assert_null(job->result->edges);
    assert_false(job->result->approximate);
    job_fixture_free(&job);
    job = questions_job(&(struct plan_words){ .group = "host:", .from_ms = INT64_MIN, .to_ms = 4000 });
    assert_int_equal(hands_run(*state, job), STATUS_OK);
    assert_int_equal(job->result->n_metrics, 7);
    assert_int_equal(job->result->from_ms, 500);
    assert_int_equal(job->result->to_ms, 4000);
    job_fixture_free(&job);
    job = questions_job(&(struct plan_words){ .name = "nothing" });
    assert_int_equal(hands_run(*state, job), STATUS_OK);
    assert_int_equal(job->result->from_ms, job->result->to_ms);
    job_fixture_free(&job);
}

static void result_has_edges_of_buckets_and_spans_of_ranked_ones(void **state)
{
    struct job *job = questions_job(&(struct plan_words){ .bucket = "2s" });
    assert_int_equal(hands_run(*state, job), STATUS_OK);
    assert_int_equal(job->result->n_buckets, 3);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(job->result->edges[i], 2000 * i);
    assert_null(job->result->spans);
    job_fixture_free(&job);
    job = questions_job(&(struct plan_words){ .op = PLAN_TOP, .k = 2, .measures = "sum", .bucket = "2s" });
    assert_int_equal(hands_run(*state, job), STATUS_OK);
    assert_int_equal(job->result->n_buckets, 2);
    assert_null(job->result->edges);
    assert_int_equal(job->result->spans[0][0], 2000);
    assert_int_equal(job->result->spans[0][1], 4000);
    assert_int_equal(job->result->spans[1][0], 0);
    job_fixture_free(&job);
}

#define HOUR_MS (3600 * INT64_C(1000))

/* 2026-03-29 and 2026-10-25 have 23 and 25 hours in Berlin; a metric each hour from midnight on. */
static void buckets_follow_the_wall_clock(void **state)
{
    static const int64_t midnights[] = { 1774652400000, 1774738800000, 1774821600000 };
    static const int64_t autumn[] = { 1792792800000, 1792879200000, 1792969200000 };
    struct hands *hands = *state;
    struct spec specs[48];
    for (unsigned i = 0; i < 48; i++)
        specs[i] = (struct spec){ "spring", "", midnights[0] + i * HOUR_MS, i, NULL };
    hands_insert(hands, specs, 48, NULL);
    for (unsigned i = 0; i < 48; i++)
        specs[i] = (struct spec){ "autumn", "", autumn[1] + i * HOUR_MS, i, NULL };
    hands_insert(hands, specs, 48, NULL);
    const struct question days[] = {
        { { .name = "spring", .bucket = "1d", .zone = "Europe/Berlin" }, "24; 23; 1" },
        { { .name = "spring", .bucket = "1d" }, "1; 24; 23" },
        { { .name = "spring",
            .bucket = "1d",
            .zone = "Europe/Berlin",
            .measures = "rate",
            .from_ms = midnights[1],
            .to_ms = midnights[2] },
          "0.0002777777778" },
        { { .name = "autumn", .bucket = "1d", .zone = "Europe/Berlin", .measures = "count first" }, "25 0; 23 25" },
        { { .name = "autumn", .bucket = "6h", .zone = "Europe/Berlin", .from_ms = autumn[1], .to_ms = autumn[2] },
          "6; 6; 6; 6; 1" },
    };
    ask(hands, days, N_CASES(days));
}

static void expired_metrics_do_not_count(void **state)
{
    struct hands *hands = *state;
    int64_t now_ms = clock_wall_ms();
    const struct spec specs[] = { { "old", "", now_ms - 48 * HOUR_MS, 1, NULL }, { "old", "", now_ms, 2, NULL } };
    static const struct question left[] = {
        { { .measures = "count sum" }, "1 2" },
        { { .group = "name" }, "old 1" },
        { { .bucket = "1y", .measures = "count" }, "1" },
    };
    hands_insert(hands, specs, 2, NULL);
    hands->settings.retention_days = 1;
    hands_reopen(hands);
    ask(hands, left, N_CASES(left));
    hands_insert(hands, specs, 1, NULL);
    ask(hands, left, N_CASES(left));
}

/* Many series and rows that came in an order which is not that of their time; few of them are asked for, then all. */
static void aggregate_among_many_series(void **state)
{
    struct hands *hands = *state;
    enum { N = 6000, SERIES = 1500, CHUNK = 500 };
    static struct spec specs[CHUNK];
    static char names[SERIES][16], tags[7][8];
    for (unsigned i = 0; i < SERIES; i++)
        snprintf(names[i], sizeof(names[i]), "many.%u", i);
    for (unsigned i = 0; i < 7; i++)
        snprintf(tags[i], sizeof(tags[i]), "t:%u", i);
    for (unsigned n = 0; n < N; n += CHUNK) {
        for (unsigned i = 0; i < CHUNK; i++)
            specs[i] = (struct spec){ names[(n + i) % SERIES], tags[(n + i) % 7], (n + i) * 7919 % N,
                                      (n + i) * 7919 % N, NULL };
        hands_insert(hands, specs, CHUNK, NULL);
    }
    static const struct question of_many[] = {
        { { .measures = "count sum min max p50 names", .from_ms = 100, .to_ms = 130 }, "30 3435 100 129 114 30" },
        { { .measures = "count", .name = "many.*", .tags = "t:3", .from_ms = 0, .to_ms = 6000 }, "857" },
        { { .measures = "sum" }, "17997000" },
        { { .measures = "distinct", .name = "*", .from_ms = 0, .to_ms = 4000 }, "4000" },
        { { .group = "t:" }, "t:0 858 | t:1 857 | t:2 857 | t:3 857 | t:4 857 | t:5 857 | t:6 857" },
        { { .bucket = "1s", .from_ms = 500, .to_ms = 2500 }, "500; 1000; 500" },
    };
    ask(hands, of_many, N_CASES(of_many));
}

static void aggregate_past_its_memory_is_too_large(void **state)
{
    struct hands *hands = *state;
    enum { N = 3000 };
    static struct spec specs[N];
    static char names[N][16];
    char text[TEXT_BYTES];
    for (unsigned i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "n%u", i);
        specs[i] = (struct spec){ names[i], "", i, i, NULL };
    }
    hands_insert(hands, specs, N, NULL);
    hands->settings.aggregate_max_bytes = 64 * 1024;
    hands_reopen(hands);
    struct job *job = questions_job(&(struct plan_words){ .group = "name", .measures = "p50" });
    assert_int_equal(hands_run(hands, job), STATUS_QUERY_TOO_LARGE);
    assert_true(job->reply.detail.len > 0);
    job_fixture_free(&job);
    assert_string_equal(questions_ask(hands, &(struct plan_words){ .measures = "count" }, text, sizeof(text)), "3000");
}

static void aggregate_past_its_limit_is_too_slow(void **state)
{
    struct hands *hands = *state;
    enum { N = 20000 };
    static struct spec specs[N];
    char text[TEXT_BYTES];
    const struct plan_words plan = { .measures = "avg", .name = "slow" };
    for (unsigned i = 0; i < N; i++)
        specs[i] = (struct spec){ "slow", "", i, 1, NULL };
    hands_insert(hands, specs, N, NULL);
    hands_reopen(hands);
    struct job *job = questions_job(&plan);
    job->deadline_ns = clock_ns();
    assert_int_equal(hands_run(hands, job), STATUS_QUERY_TOO_SLOW);
    job_fixture_free(&job);
    assert_string_equal(questions_ask(hands, &plan, text, sizeof(text)), "1");
}

int storage_contract_aggregates_run(const struct storage_ops *ops, unsigned run_rows)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(aggregate_answers_every_kind_of_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aggregate_answers_the_same_after_reopening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aggregate_answers_the_same_after_updates_and_deletes, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(aggregate_of_nothing_is_empty, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(result_tells_its_range_and_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(result_has_edges_of_buckets_and_spans_of_ranked_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(buckets_follow_the_wall_clock, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(expired_metrics_do_not_count, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(aggregate_among_many_series, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(aggregate_past_its_memory_is_too_large, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(aggregate_past_its_limit_is_too_slow, set_up_empty, tear_down),
    };
    suite_ops = ops;
    suite_run_rows = run_rows;
    return cmocka_run_group_tests_name("storage aggregates", tests, NULL, NULL);
}
