/* SPDX-License-Identifier: MIT */
/* What the server works out is what a tally makes of the metrics one by one: over names and tags that look like
 * operators and paths, buckets of fixed length and of a calendar, and beside documents that are no metrics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mongoc/mongoc.h>

#include <telemetry/clock.h>

#include "aggregate/tally.h"
#include "job_fixture.h"
#include "storage_hands.h"
#include "storage_mongodb_fixture.h"
#include "suite.h"

#define HOUR  INT64_C(3600000)
#define DAY   (24 * HOUR)
#define START INT64_C(1774656000000) /* 2026-03-28, the day before clocks change in Berlin */

enum { METRICS = 200, MAX_BYTES = 64 * 1024 * 1024 };

static struct hands *hands;
static struct zones *zones;
static const struct zone *zone;
static struct arena arena;
static _Alignas(16) char block[64 * 1024];
static struct metric metrics[METRICS];

/* The world ---------------------------------------------------------------------- */

static const char *const names[] = { "cpu", "cpu.user", "$ne", "$where", "a.b", "mem" };
static const char *const tag_sets[] = { "host:a x",  "host:$ne", "host:a host:b", "",
                                        "$host a.b", "host. x",  "$$ROOT",        "$name x" };

static void insert_metrics(void)
{
    static struct spec specs[METRICS];
    srand(7);
    for (unsigned i = 0; i < METRICS; i++) {
        specs[i] = (struct spec){ .name = names[rand() % (int)N_CASES(names)],
                                  .tags = tag_sets[rand() % (int)N_CASES(tag_sets)],
                                  .timestamp_ms = START + rand() % 60 * (3 * DAY / 60),
                                  .value = (rand() % 41 - 20) / 4.0 };
    }
    struct job *job = hands_insert_job(specs, METRICS);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    for (unsigned i = 0; i < METRICS; i++) {
        metrics[i] = job->metrics[i];
        metrics[i].series = arena_copy(&arena, job->metrics[i].series);
    }
    job_fixture_free(&job);
}

#define FOREIGN(members) "{" members ",\"timestamp\":{\"$date\":{\"$numberLong\":\"1774666000000\"}}}"

static const char *const foreign[] = {
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":\"5\""),
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":[5]"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":{\"$numberDouble\":\"NaN\"}"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":{\"$numberDouble\":\"Infinity\"}"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":{\"$numberDouble\":\"-Infinity\"}"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":{\"$numberDecimal\":\"5\"}"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[]"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[],\"value\":null"),
    FOREIGN("\"name\":\"cpu\",\"tags\":\"x\",\"value\":5"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[\"x\",5],\"value\":5"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[\"x\",\"\"],\"value\":5"),
    FOREIGN("\"name\":\"cpu\",\"tags\":[[\"x\"]],\"value\":5"),
    FOREIGN("\"name\":\"cpu\",\"value\":5"),
    FOREIGN("\"name\":[\"cpu\"],\"tags\":[],\"value\":5"),
    FOREIGN("\"name\":\"\",\"tags\":[],\"value\":5"),
    FOREIGN("\"name\":5,\"tags\":[],\"value\":5"),
    FOREIGN("\"tags\":[],\"value\":5"),
    FOREIGN("\"_id\":5,\"name\":\"cpu\",\"tags\":[],\"value\":5"),
    "{\"name\":\"cpu\",\"tags\":[],\"value\":5,\"timestamp\":[{\"$date\":{\"$numberLong\":\"1774666000000\"}}]}",
    "{\"name\":\"cpu\",\"tags\":[],\"value\":5,\"timestamp\":1774666000000}",
    "{\"name\":\"cpu\",\"tags\":[],\"value\":5}",
    "{}",
};

static void insert_foreign(void)
{
    char database[64];
    mongoc_client_t *client = mongoc_client_new(storage_mongodb_fixture_uri());
    storage_mongodb_fixture_database(hands->folder, database);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, database, "metrics");
    for (unsigned i = 0; i < N_CASES(foreign); i++) {
        bson_error_t error;
        bson_t *document = bson_new_from_json((const uint8_t *)foreign[i], -1, &error);
        if (document == NULL || !mongoc_collection_insert_one(collection, document, NULL, NULL, &error))
            fail_msg("%s: %s", foreign[i], error.message);
        bson_destroy(document);
    }
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
}

static int set_up(void **state)
{
    hands = hands_new(storage_mongodb_fixture(), 0);
    hands->settings.aggregate_max_bytes = MAX_BYTES;
    hands_reopen(hands);
    zones = zones_new(NULL);
    zone = zones_find(zones, SLICE("Europe/Berlin"));
    assert_non_null(zone);
    arena_init(&arena, block, sizeof(block));
    insert_metrics();
    insert_foreign();
    return 0;
}

static int tear_down(void **state)
{
    arena_reset(&arena);
    zones_free(&zones);
    hands_free(&hands);
    return 0;
}

/* The model ---------------------------------------------------------------------- */

static bool has_tag(const struct metric *metric, struct slice wanted)
{
    struct slice tag;
    for (size_t cursor = 0; metric_next_tag(metric, &cursor, &tag);)
        if (slice_equal(tag, wanted))
            return true;
    return false;
}

static bool passes(const struct metric *metric, const struct filter *filter, int64_t from_ms, int64_t to_ms)
{
    struct slice name = metric_name(metric);
    bool ok = filter->name_is_prefix ? slice_starts_with(name, filter->name)
                                     : filter->name.len == 0 || slice_equal(name, filter->name);
    for (unsigned i = 0; i < filter->n_tags; i++)
        ok = ok && has_tag(metric, filter->tags[i]);
    return ok && metric->timestamp_ms >= from_ms && metric->timestamp_ms < to_ms && metric->value >= filter->min &&
           metric->value <= filter->max;
}

static void tell_extent(struct tally *tally, const struct plan *plan, int64_t from_ms, int64_t to_ms)
{
    int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;
    for (unsigned i = 0; i < METRICS; i++) {
        int64_t at_ms = metrics[i].timestamp_ms;
        if (!passes(&metrics[i], &plan->filter, from_ms, to_ms))
            continue;
        first_ms = at_ms < first_ms ? at_ms : first_ms;
        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    assert_true(tally_extent(tally, first_ms, last_ms));
}

static void add_turn(struct tally *tally, const struct plan *plan, int64_t from_ms, int64_t to_ms)
{
    for (unsigned i = 0; i < METRICS; i++) {
        uint32_t handle = TALLY_ANY_SERIES;
        struct sample sample = { .timestamp_ms = metrics[i].timestamp_ms, .value = metrics[i].value };
        if (!passes(&metrics[i], &plan->filter, from_ms, to_ms))
            continue;
        for (unsigned k = 0; k < METRIC_ID_BYTES; k++)
            if (k < 8)
                sample.tie = sample.tie << 8 | metrics[i].id.bytes[k];
            else
                sample.tie_next = sample.tie_next << 8 | metrics[i].id.bytes[k];
        if (tally_needs_series(tally))
            assert_true(tally_series(tally, metrics[i].series, &handle));
        assert_true(tally_add(tally, handle, &sample));
    }
}

static struct result *expected_of(const struct plan *plan, struct arena *in)
{
    int64_t from_ms, to_ms;
    struct result *result = NULL;
    struct slice detail;
    struct tally *tally = tally_new(plan, MAX_BYTES);
    while (tally_turn(tally, &from_ms, &to_ms)) {
        if (tally_wants_extent(tally))
            tell_extent(tally, plan, from_ms, to_ms);
        add_turn(tally, plan, from_ms, to_ms);
    }
    assert_int_equal(tally_finish(tally, in, &result, &detail), STATUS_OK);
    tally_free(&tally);
    return result;
}

/* Comparing ---------------------------------------------------------------------- */

static void assert_values(const double *got, const double *wanted, size_t n, const char *what)
{
    assert_int_equal(got == NULL, wanted == NULL);
    for (size_t i = 0; got != NULL && i < n; i++)
        if (isnan(got[i]) != isnan(wanted[i]) || fabs(got[i] - wanted[i]) > 1e-9 * (1 + fabs(wanted[i])))
            fail_msg("%s: value %zu is %.17g, not %.17g", what, i, got[i], wanted[i]);
}

static void assert_result(const struct result *got, const struct result *wanted, unsigned n_measures, const char *what)
{
    if (got->n_groups != wanted->n_groups || got->n_buckets != wanted->n_buckets ||
        got->n_metrics != wanted->n_metrics || got->n_groups_all != wanted->n_groups_all)
        fail_msg("%s: %u groups, %u buckets, %llu metrics, not %u, %u, %llu", what, got->n_groups, got->n_buckets,
                 (unsigned long long)got->n_metrics, wanted->n_groups, wanted->n_buckets,
                 (unsigned long long)wanted->n_metrics);
    if (got->from_ms != wanted->from_ms || got->to_ms != wanted->to_ms)
        fail_msg("%s: from %lld to %lld", what, (long long)got->from_ms, (long long)got->to_ms);
    for (uint32_t i = 0; wanted->groups != NULL && i < wanted->n_groups; i++)
        assert_true(slice_equal(got->groups[i], wanted->groups[i]));
    if (wanted->edges != NULL)
        assert_memory_equal(got->edges, wanted->edges, (wanted->n_buckets + 1) * sizeof(wanted->edges[0]));
    if (wanted->spans != NULL)
        assert_memory_equal(got->spans, wanted->spans, wanted->n_buckets * sizeof(wanted->spans[0]));
    size_t n = (size_t)wanted->n_groups * wanted->n_buckets * n_measures;
    assert_values(got->values, wanted->values, n, what);
    assert_values(got->previous, wanted->previous, n, what);
}

static void assert_plan(struct plan *plan, const char *what)
{
    struct job *job = hands_job(OP_AGGREGATE);
    const char *wrong = plan_settle(plan, &job->arena);
    if (wrong != NULL)
        fail_msg("%s: %s", what, wrong);
    job->plan = plan;
    if (hands_run(hands, job) != STATUS_OK)
        fail_msg("%s: %s, %.*s", what, status_type(job->status), (int)job->reply.detail.len, job->reply.detail.data);
    assert_result(job->result, expected_of(plan, &job->arena), plan->n_measures, what);
    job_fixture_free(&job);
}

/* Plans -------------------------------------------------------------------------- */

static const struct plan_measure of_moments[] = { { AGGREGATE_COUNT, 0 }, { AGGREGATE_SUM, 0 }, { AGGREGATE_AVG, 0 },
                                                  { AGGREGATE_MIN, 0 },   { AGGREGATE_MAX, 0 }, { AGGREGATE_STDDEV, 0 },
                                                  { AGGREGATE_RATE, 0 } };
static const struct plan_measure of_samples[] = { { AGGREGATE_FIRST, 0 },       { AGGREGATE_LATEST, 0 },
                                                  { AGGREGATE_QUANTILE, 9000 }, { AGGREGATE_QUANTILE, 0 },
                                                  { AGGREGATE_DISTINCT, 0 },    { AGGREGATE_NAMES, 0 },
                                                  { AGGREGATE_TAGS, 0 },        { AGGREGATE_SUM, 0 } };

static const struct plan_bucket buckets[] = { { UNIT_NONE, 1 }, { UNIT_HOUR, 1 },  { UNIT_MINUTE, 25 }, { UNIT_DAY, 1 },
                                              { UNIT_WEEK, 1 }, { UNIT_MONTH, 1 }, { UNIT_SECOND, 40 } };

static const char *const prefixes[] = { NULL, "", "host:", "$", "$na", "host:$ne", "no", "\xf4\x8f\xbf\xbf" };

static struct plan plan_of(const struct plan_measure measures[], unsigned n_measures)
{
    struct plan plan;
    plan_init(&plan, zone);
    plan.n_measures = (uint8_t)n_measures;
    memcpy(plan.measures, measures, n_measures * sizeof(measures[0]));
    return plan;
}

/* GROUP_NONE, GROUP_NAME, then one for each prefix of tags. */
static void set_group(struct plan *plan, unsigned form)
{
    if (form < 2) {
        plan->group_by = form == 0 ? GROUP_NONE : GROUP_NAME;
        return;
    }
    plan->group_by = GROUP_TAG;
    plan->tag_prefix = slice_of(prefixes[form - 1]);
}

static void set_range(struct plan *plan, unsigned form)
{
    if ((form & 1) != 0)
        plan->filter.from_ms = START + 7 * HOUR + 1;
    if ((form & 2) != 0)
        plan->filter.to_ms = START + 2 * DAY + 5 * HOUR;
}

static void assert_all_forms(const struct plan_measure measures[], unsigned n_measures)
{
    char what[64];
    for (unsigned group = 0; group < 1 + N_CASES(prefixes); group++)
        for (unsigned bucket = 0; bucket < N_CASES(buckets); bucket++) {
            struct plan plan = plan_of(measures, n_measures);
            set_group(&plan, group);
            set_range(&plan, group + bucket);
            plan.bucket = buckets[bucket];
            snprintf(what, sizeof(what), "group %u, bucket %u", group, bucket);
            assert_plan(&plan, what);
        }
}

static void moments_are_those_of_the_metrics(void **state)
{
    assert_all_forms(of_moments, N_CASES(of_moments));
}

static void samples_are_the_metrics(void **state)
{
    assert_all_forms(of_samples, N_CASES(of_samples));
}

/* Each measure alone, since what others need hides what one lacks. */
static void measures_alone_are_right(void **state)
{
    for (unsigned group = 0; group < 3; group++)
        for (unsigned i = 0; i < N_CASES(of_moments) + N_CASES(of_samples); i++) {
            bool is_moment = i < N_CASES(of_moments);
            struct plan plan = plan_of(is_moment ? &of_moments[i] : &of_samples[i - N_CASES(of_moments)], 1);
            set_group(&plan, group);
            assert_plan(&plan, "one measure");
        }
}

static void filters_reach_the_server(void **state)
{
    struct slice tags[] = { SLICE("host:a"), SLICE("x") }, odd[] = { SLICE("$$ROOT") };
    for (unsigned i = 0; i < 2 * N_CASES(names); i++) {
        struct plan plan = plan_of(i % 2 == 0 ? of_moments : of_samples, 7);
        plan.filter.name = slice_of(names[i / 2]);
        plan.filter.name_is_prefix = i % 3 == 0;
        set_group(&plan, i % 4);
        assert_plan(&plan, names[i / 2]);
        plan.filter.name.len = 0;
        plan.filter.min = -2;
        plan.filter.max = 3;
        assert_plan(&plan, "values");
        plan.filter.tags = tags;
        plan.filter.n_tags = 2;
        assert_plan(&plan, "tags");
        plan.filter.tags = odd;
        plan.filter.n_tags = 1;
        assert_plan(&plan, "an odd tag");
    }
}

static void ranks_and_comparisons_are_right(void **state)
{
    for (unsigned i = 0; i < 16; i++) {
        struct plan plan = plan_of(i < 8 ? of_moments + i % 7 : of_samples + i % 7, 1);
        plan.op = i % 2 == 0 ? PLAN_TOP : PLAN_BOTTOM;
        plan.k = 3;
        plan.bucket = i % 3 == 0 ? (struct plan_bucket){ UNIT_NONE, 1 } : (struct plan_bucket){ UNIT_DAY, 1 };
        set_group(&plan, i % 3 == 0 ? 1 + i % 2 : i % 4);
        set_range(&plan, 3);
        plan.compare = true;
        plan.compare_from_ms = START;
        plan.compare_to_ms = START + DAY;
        assert_plan(&plan, "a rank");
    }
}

static void nothing_is_a_result_too(void **state)
{
    for (unsigned i = 0; i < 2 * N_CASES(buckets); i++) {
        struct plan plan = plan_of(i % 2 == 0 ? of_moments : of_samples, 7);
        plan.filter.name = SLICE("none");
        plan.bucket = buckets[i / 2];
        set_group(&plan, i % 3);
        set_range(&plan, i % 4);
        assert_plan(&plan, "nothing");
    }
}

static void question_ends_with_the_time(void **state)
{
    struct plan plan = plan_of(of_moments, 1);
    struct job *job = hands_job(OP_AGGREGATE);
    assert_null(plan_settle(&plan, &job->arena));
    job->plan = &plan;
    job->deadline_ns = clock_ns();
    assert_int_equal(hands_run(hands, job), STATUS_QUERY_TOO_SLOW);
    assert_null(job->result);
    job_fixture_free(&job);
}

/* Neither path reads more groups than there is memory for. */
static void question_that_is_too_large_is_refused(void **state)
{
    hands->settings.aggregate_max_bytes = 4096;
    hands_reopen(hands);
    for (unsigned i = 0; i < 2; i++) {
        struct plan plan = plan_of(i == 0 ? of_moments : of_samples, 7);
        struct job *job = hands_job(OP_AGGREGATE);
        set_group(&plan, 1);
        plan.bucket = (struct plan_bucket){ UNIT_MINUTE, 5 };
        assert_null(plan_settle(&plan, &job->arena));
        job->plan = &plan;
        assert_int_equal(hands_run(hands, job), STATUS_QUERY_TOO_LARGE);
        assert_true(job->reply.detail.len > 0);
        assert_null(job->result);
        job_fixture_free(&job);
    }
}

static void metrics_past_the_retention_do_not_count(void **state)
{
    struct plan plan = plan_of(of_moments, 1);
    struct spec now = { "now", "", clock_wall_ms(), 1, NULL };
    hands->settings.retention_days = 1; /* all others are older, unless the server deleted them already */
    hands_reopen(hands);
    hands_insert(hands, &now, 1, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = hands_job(OP_AGGREGATE);
        plan.bucket = i == 0 ? (struct plan_bucket){ UNIT_NONE, 1 } : (struct plan_bucket){ UNIT_HOUR, 1 };
        assert_null(plan_settle(&plan, &job->arena));
        job->plan = &plan;
        assert_int_equal(hands_run(hands, job), STATUS_OK);
        assert_int_equal(job->result->n_metrics, now.timestamp_ms > START + 5 * DAY ? 1 : METRICS + 1);
        job_fixture_free(&job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moments_are_those_of_the_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(samples_are_the_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(measures_alone_are_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(filters_reach_the_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranks_and_comparisons_are_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_a_result_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(question_ends_with_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(question_that_is_too_large_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_past_the_retention_do_not_count, set_up, tear_down),
    };
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    mongoc_init();
    int n_failed = cmocka_run_group_tests_name("MongoDB questions", tests, NULL, NULL);
    storage_mongodb_fixture_end();
    return n_failed;
}
