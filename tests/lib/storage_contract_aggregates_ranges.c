/* SPDX-License-Identifier: MIT */
/* Every combination of a range (its ends open, before 1970, where the metrics are, at the end of time), of buckets,
 * groups, a rank, a trend and a range to compare with, asked of an empty store and of one with metrics on both sides of
 * 1970. What was counted adds up, edges lie around the range, and the answer can be written. */
#include "storage_contract.h"

#include <cjson/cJSON.h>

#include <telemetry/metric.h>
#include <telemetry/result.h>

#include "job_fixture.h"
#include "parser/parser.h"
#include "storage_hands.h"
#include "storage_questions.h"
#include "suite.h"

#define DAY_MS INT64_C(86400000)
#define OPEN   INT64_MIN

static const struct storage_ops *suite_ops;
static unsigned suite_run_rows, suite_n_apart;

static const struct spec stock[] = {
    { "cpu", "host:a", -1000 * DAY_MS, 1, NULL }, { "mem", "host:b", -1, 2, NULL },
    { "cpu", "host:a zone:1", 0, 3, NULL },       { "cpu", "host:b", 1, 4, NULL },
    { "disk", "", 2000 * DAY_MS, 5, NULL },
};

/* [from, to) of days since 1970, or open. */
static const int64_t ranges[][2] = {
    { OPEN, OPEN }, { OPEN, -3000 }, { OPEN, -1000 },   { OPEN, -1 },         { OPEN, 0 },
    { OPEN, 1 },    { OPEN, 9000 },  { -3000, OPEN },   { -1000, OPEN },      { 0, OPEN },
    { 2000, OPEN }, { 2001, OPEN },  { 2932896, OPEN }, { -3000, -2000 },     { -1000, 0 },
    { -1, 1 },      { 0, 1 },        { 2000, 2001 },    { 2932895, 2932896 }, { -719162, -719161 },
};
static const int64_t compares[][2] = { { 0, 0 }, { -4000, -3500 }, { -1000, 2001 }, { 2932890, 2932896 } };
static const char *const buckets[] = { NULL, "auto", "1d", "1mo" };
static const char *const groups[] = { NULL, "name", "tag" };
static const char *const measures[] = { "count names", "count p50 rate", "count sum latest" };
static const enum plan_op plan_ops[] = { PLAN_AGGREGATE, PLAN_TOP, PLAN_BOTTOM };

enum {
    N_RANGES = N_CASES(ranges),
    N_COMPARES = N_CASES(compares),
    N_BUCKETS = N_CASES(buckets),
    N_GROUPS = N_CASES(groups),
    N_MEASURES = N_CASES(measures),
    N_OPS = N_CASES(plan_ops),
    N_COMBINATIONS = N_RANGES * N_COMPARES * N_BUCKETS * N_GROUPS * N_MEASURES * N_OPS * 2
};

static unsigned take_digit(unsigned *number, unsigned base)
{
    unsigned digit = *number % base;
    *number /= base;
    return digit;
}

static int64_t end_ms(int64_t day, int64_t when_open)
{
    return day == OPEN ? when_open : day * DAY_MS;
}

/* The question of a number; false where there is no such one. */
static bool make_question(unsigned number, struct plan_words *ret_words)
{
    const int64_t *range = ranges[take_digit(&number, N_RANGES)];
    const int64_t *compare = compares[take_digit(&number, N_COMPARES)];
    *ret_words = (struct plan_words){ .from_ms = end_ms(range[0], INT64_MIN),
                                      .to_ms = end_ms(range[1], INT64_MAX),
                                      .compare_from_ms = compare[0] * DAY_MS,
                                      .compare_to_ms = compare[1] * DAY_MS };
    ret_words->bucket = buckets[take_digit(&number, N_BUCKETS)];
    ret_words->group = groups[take_digit(&number, N_GROUPS)];
    ret_words->measures = measures[take_digit(&number, N_MEASURES)];
    ret_words->op = plan_ops[take_digit(&number, N_OPS)];
    ret_words->trend = take_digit(&number, 2) == 1;
    bool ranks_buckets = ret_words->op != PLAN_AGGREGATE && ret_words->group == NULL;
    return !ranks_buckets || (ret_words->bucket != NULL && !ret_words->trend);
}

/* How many of the stock are in a range, once for each group that they are in. */
static double stock_between(const struct plan_words *words, int64_t from_ms, int64_t to_ms)
{
    double n = 0;
    for (unsigned i = 0; i < N_CASES(stock); i++) {
        unsigned n_groups = 1;
        if (words->group != NULL && strcmp(words->group, "tag") == 0)
            n_groups = stock[i].tags[0] == '\0' ? 0 : strchr(stock[i].tags, ' ') == NULL ? 1 : 2;
        if (stock[i].timestamp_ms >= from_ms && stock[i].timestamp_ms < to_ms)
            n += n_groups;
    }
    return n;
}

/* The first measure, over all groups and buckets. */
static double sum_of(const double values[], const struct job *job)
{
    double sum = 0;
    size_t n = (size_t)job->result->n_groups * job->result->n_buckets;
    for (size_t i = 0; i < n; i++)
        sum += values[i * job->plan->n_measures];
    return sum;
}

static void check_counts(const struct plan_words *words, const struct job *job, bool is_stocked)
{
    const struct result *result = job->result;
    if (result->spans != NULL) /* the first ones alone */
        return;
    double n = is_stocked ? stock_between(words, words->from_ms, words->to_ms) : 0;
    assert_float_equal(sum_of(result->values, job), n, 0);
    if (result->previous == NULL || words->group != NULL)
        return;
    n = is_stocked ? stock_between(words, words->compare_from_ms, words->compare_to_ms) : 0;
    if (words->bucket == NULL && !words->trend)
        assert_float_equal(sum_of(result->previous, job), n, 0);
    else
        assert_true(sum_of(result->previous, job) <= n); /* fewer buckets here than there */
}

static void check_edges(const struct result *result)
{
    assert_true(result->from_ms <= result->to_ms);
    if (result->edges == NULL)
        return;
    assert_true(result->edges[0] <= result->from_ms);
    assert_true(result->edges[result->n_buckets] >= result->to_ms);
    for (uint32_t i = 0; i < result->n_buckets; i++)
        assert_true(result->edges[i] < result->edges[i + 1]);
}

static void check_answer(struct job *job, bool has_trend)
{
    encode_result(job);
    assert_int_equal(job->reply.http, 200);
    struct slice body = job->reply.body; /* its lead, the request's own, is missing */
    struct text text = text_in(&job->arena, body.len + 2);
    text_literal(&text, "{");
    text_append(&text, body.data, body.len);
    cJSON *tree = cJSON_ParseWithLength(text.data, text.len);
    assert_non_null(tree);
    const cJSON *series = cJSON_GetObjectItem(tree, "series"), *one;
    cJSON_ArrayForEach(one, series) assert_int_equal(cJSON_GetObjectItem(one, "trend") != NULL, has_trend);
    cJSON_Delete(tree);
}

/* Buckets that suit the metrics of an open range may be too many of the range compared with. */
static bool may_be_too_large(const struct job *job)
{
    return job->plan->bucket.unit == UNIT_AUTO && job->plan->compare;
}

static void ask(struct hands *hands, unsigned number, bool is_stocked)
{
    struct plan_words words;
    if (!make_question(number, &words))
        return;
    struct job *job = questions_job(&words);
    enum status status = hands_run(hands, job);
    if (status == STATUS_OK) {
        check_counts(&words, job, is_stocked);
        check_edges(job->result);
        check_answer(job, words.trend);
    } else {
        assert_int_equal(status, STATUS_QUERY_TOO_LARGE);
        assert_true(may_be_too_large(job));
    }
    job_fixture_free(&job);
}

static unsigned suite_question; /* the number of the one under way; N_COMBINATIONS behind the last */

static void ask_all(struct hands *hands, bool is_stocked)
{
    for (suite_question = 0; suite_question < N_COMBINATIONS; suite_question += suite_n_apart)
        ask(hands, suite_question, is_stocked);
    suite_question = N_COMBINATIONS;
}

static int set_up(void **state)
{
    *state = hands_new(suite_ops, suite_run_rows);
    return 0;
}

static int tear_down(void **state)
{
    if (suite_question < N_COMBINATIONS)
        print_message("# it was question %u\n", suite_question);
    hands_free((struct hands **)state);
    return 0;
}

static void every_range_of_an_empty_store_is_answered(void **state)
{
    ask_all(*state, false);
}

static void every_range_of_a_store_is_answered(void **state)
{
    hands_insert(*state, stock, N_CASES(stock), NULL);
    ask_all(*state, true);
}

int storage_contract_aggregates_ranges_run(const struct storage_ops *ops, unsigned run_rows, unsigned n_apart)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_range_of_an_empty_store_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_range_of_a_store_is_answered, set_up, tear_down),
    };
    suite_ops = ops;
    suite_run_rows = run_rows;
    suite_n_apart = n_apart;
    return cmocka_run_group_tests_name("storage aggregates over ranges", tests, NULL, NULL);
}
