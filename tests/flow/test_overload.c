/* SPDX-License-Identifier: MIT */
/* overload: more than the store can do, through the server's own stages. What is refused is home at once, what was
 * taken is served, and cached answers go on. Behind each test, all jobs must be home and the pool whole. */
#include "suite.h"

#include <telemetry/clock.h>
#include <telemetry/inbox.h>

#include "pipeline.h"

enum { STORE_NS = 1000000, TARGET_NS = 20 * STORE_NS, INTERVAL_NS = 40 * STORE_NS };

static const struct ask list_all = { .method = METHOD_GET, .target = "/metrics" };
static const struct ask list_other = { .method = METHOD_GET, .target = "/metrics?name=other" };
static const struct ask count_all = { .method = METHOD_GET, .target = "/metrics/aggregate?op=count" };
static const struct ask ask_in_words = { .method = METHOD_GET, .target = "/query?prompt=how+many+metrics+today" };
static const struct ask post_cpu = { .method = METHOD_POST,
                                     .target = "/metrics",
                                     .body = "{\"name\":\"cpu\",\"value\":1}" };

static uint64_t n_refused(const struct pipeline *pipeline)
{
    return stats_total(&pipeline->registry, STATS_REFUSED_DELAY);
}

/* The answer of a whole call, whose job goes back to the pool. */
static unsigned call(struct pipeline *pipeline, const struct ask *ask)
{
    struct job *job = pipeline_call(pipeline, ask);
    unsigned http = pipeline_http(job);
    assert_int_equal(job->status == STATUS_OVERLOADED, http == 503);
    pipeline_put(pipeline, &job);
    return http;
}

/* Which inbox is shut ------------------------------------------------------- */

static void writes_are_refused_while_the_writer_has_too_much(void **state)
{
    struct pipeline *pipeline = *state;
    struct job *taken = pipeline_send(pipeline, &post_cpu);
    pipeline_step(pipeline, STAGE_PARSER);
    inbox_shut(pipeline->writer.worker.inbox, true);
    struct job *refused = pipeline_send(pipeline, &post_cpu);
    pipeline_step(pipeline, STAGE_PARSER);
    pipeline_step(pipeline, STAGE_CACHE);
    assert_ptr_equal(pipeline_home(pipeline), refused); /* before the writer has taken a step */
    assert_int_equal(refused->status, STATUS_OVERLOADED);
    pipeline_put(pipeline, &refused);
    pipeline_run(pipeline);
    assert_ptr_equal(pipeline_home(pipeline), taken);
    assert_int_equal(pipeline_http(taken), 201);
    pipeline_put(pipeline, &taken);
    assert_int_equal(n_refused(pipeline), 1);
}

static void reads_go_on_while_the_writer_has_too_much(void **state)
{
    struct pipeline *pipeline = *state;
    inbox_shut(pipeline->writer.worker.inbox, true);
    assert_int_equal(call(pipeline, &list_all), 200);
    assert_int_equal(n_refused(pipeline), 0);
}

static void cached_answers_and_writes_go_on_while_the_reader_has_too_much(void **state)
{
    struct pipeline *pipeline = *state;
    assert_int_equal(call(pipeline, &list_all), 200);
    inbox_shut(pipeline->reader.worker.inbox, true);
    assert_int_equal(call(pipeline, &list_all), 200);
    assert_int_equal(call(pipeline, &list_other), 503);
    assert_int_equal(call(pipeline, &ask_in_words), 503);
    assert_int_equal(call(pipeline, &post_cpu), 201);
    assert_int_equal(call(pipeline, &list_all), 503); /* it is old now */
    inbox_shut(pipeline->reader.worker.inbox, false);
    assert_int_equal(call(pipeline, &list_all), 200);
    assert_int_equal(n_refused(pipeline), 3);
}

/* What must reach the cache does so whatever the cache's own inbox says. */
static void hops_that_must_come_are_never_refused(void **state)
{
    struct pipeline *pipeline = *state;
    assert_int_equal(call(pipeline, &list_all), 200);
    inbox_shut(pipeline->cache.worker.inbox, true);
    assert_int_equal(call(pipeline, &post_cpu), 201);
    inbox_shut(pipeline->cache.worker.inbox, false);
    struct job *job = pipeline_call(pipeline, &list_all);
    assert_int_equal(job->cache.result, CACHE_MISS);
    assert_int_equal(job->n_metrics, 1);
    pipeline_put(pipeline, &job);
}

static void identical_reads_are_refused_together(void **state)
{
    struct pipeline *pipeline = *state;
    enum { N = 5 };
    for (unsigned i = 0; i < N; i++)
        pipeline_send(pipeline, &list_all);
    inbox_shut(pipeline->reader.worker.inbox, true);
    pipeline_run(pipeline);
    for (unsigned i = 0; i < N; i++) {
        struct job *job = pipeline_home(pipeline);
        assert_int_equal(job->status, STATUS_OVERLOADED);
        pipeline_put(pipeline, &job);
    }
}

/* Several readers --------------------------------------------------------------- */

static void lists_never_wait_behind_plans(void **state)
{
    struct pipeline *pipeline = *state;
    struct inbox *first = pipeline->reader.worker.inbox;
    struct inbox *second = inbox_new(PIPELINE_STAGES + 1, PIPELINE_JOBS, NULL, NULL);
    struct job *plan = pipeline_send(pipeline, &count_all), *moved;
    pipeline->topology.stages[STAGE_READER][pipeline->topology.n_workers[STAGE_READER]++] = second;
    pipeline_run(pipeline);
    assert_int_equal(inbox_length(second), 1);
    assert_int_equal(call(pipeline, &list_all), 200);
    assert_int_equal(call(pipeline, &list_other), 200);
    assert_null(pipeline_home(pipeline));
    pipeline->topology.n_workers[STAGE_READER]--;
    assert_int_equal(inbox_drain(second, &moved, 1), 1);
    assert_ptr_equal(moved, plan);
    inbox_charge(first, true);
    inbox_push(first, STAGE_CACHE, &moved);
    pipeline_run(pipeline);
    assert_ptr_equal(pipeline_home(pipeline), plan);
    assert_int_equal(pipeline_http(plan), 200);
    assert_int_equal(inbox_jobs(first) + inbox_longs(first), 0); /* all were let go */
    pipeline_put(pipeline, &plan);
    inbox_free(&second);
}

/* A slow store ---------------------------------------------------------------- */

/* How many requests ended how, and how long the queue was. */
struct tally {
    unsigned n_stored, n_refused, longest;
};

static void take_all_home(struct pipeline *pipeline, struct tally *tally)
{
    struct job *job;
    while ((job = pipeline_home(pipeline)) != NULL) {
        tally->n_stored += job->status == STATUS_OK;
        tally->n_refused += job->status == STATUS_OVERLOADED;
        pipeline_put(pipeline, &job);
    }
}

/* In each round n writes come, and the store has time for one. What is refused is home within the round. */
static struct tally rounds(struct pipeline *pipeline, unsigned n_rounds, unsigned n)
{
    struct tally tally = { 0 };
    for (unsigned round = 0; round < n_rounds; round++) {
        for (unsigned i = 0; i < n && job_pool_in_use(pipeline->pool) < PIPELINE_JOBS; i++)
            pipeline_send(pipeline, &post_cpu);
        pipeline_step(pipeline, STAGE_PARSER);
        pipeline_step(pipeline, STAGE_CACHE);
        take_all_home(pipeline, &tally);
        unsigned length = inbox_length(pipeline->writer.worker.inbox);
        assert_int_equal(job_pool_in_use(pipeline->pool), length);
        tally.longest = length > tally.longest ? length : tally.longest;
        pipeline_step(pipeline, STAGE_WRITER);
        pipeline_step(pipeline, STAGE_CACHE);
        take_all_home(pipeline, &tally);
    }
    return tally;
}

static void slow_store_keeps_its_pace_and_recovers(void **state)
{
    struct pipeline *pipeline = *state;
    struct worker *writer = &pipeline->writer.worker;
    enum { ROUNDS = 100, BURST = 3, FEW = TARGET_NS / STORE_NS };
    writer->batch_max = 1;
    writer->codel = (struct codel){ .target_ns = TARGET_NS, .interval_ns = INTERVAL_NS };
    pipeline->storage.write_ns = STORE_NS;
    while (!writer->codel.overloaded)
        rounds(pipeline, 1, BURST);
    while (inbox_is_shut(writer->inbox))
        rounds(pipeline, 1, 0);
    struct tally tally = rounds(pipeline, ROUNDS, BURST);
    assert_in_range(tally.n_stored, ROUNDS - ROUNDS / 20, ROUNDS); /* the writer rests only when the test does */
    assert_in_range(tally.n_stored + tally.n_refused, BURST * ROUNDS - FEW - BURST, BURST * ROUNDS + FEW + BURST);
    assert_in_range(tally.longest, 1, FEW + BURST); /* a store that is slower than it says has a shorter queue */
    while (inbox_length(writer->inbox) > 0)
        rounds(pipeline, 1, 0);
    while (writer->codel.overloaded)
        rounds(pipeline, 1, 1);
    tally = rounds(pipeline, ROUNDS, 1);
    assert_int_equal(tally.n_refused, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, pipeline_setup, pipeline_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_are_refused_while_the_writer_has_too_much),
        TEST(reads_go_on_while_the_writer_has_too_much),
        TEST(cached_answers_and_writes_go_on_while_the_reader_has_too_much),
        TEST(hops_that_must_come_are_never_refused),
        TEST(identical_reads_are_refused_together),
        TEST(lists_never_wait_behind_plans),
        TEST(slow_store_keeps_its_pace_and_recovers),
    };
    return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
