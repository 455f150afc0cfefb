/* SPDX-License-Identifier: MIT */
/* journey: requests through parser, cache and store by the server's own routes, one step at a time.
 * Behind each test, all jobs must be home and the pool whole. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include <telemetry/clock.h>

#include "pipeline.h"

#define ID "00112233445566778899aabb"

static const struct ask list_all = { .method = METHOD_GET, .target = "/metrics" };
static const struct ask get_id = { .method = METHOD_GET, .target = "/metrics/" ID };
static const struct ask post_cpu = { .method = METHOD_POST,
                                     .target = "/metrics",
                                     .body = "{\"name\":\"cpu\",\"value\":1}" };
static const struct ask post_id = { .method = METHOD_POST,
                                    .target = "/metrics",
                                    .body = "{\"id\":\"" ID "\",\"name\":\"cpu\",\"value\":1}" };
static const struct ask put_id = { .method = METHOD_PUT,
                                   .target = "/metrics/" ID,
                                   .body = "{\"name\":\"load\",\"value\":2}" };
static const struct ask delete_id = { .method = METHOD_DELETE, .target = "/metrics/" ID };

static bool shows(const struct job *job, const char *part)
{
    return job->reply.body.len > 0 && memmem(job->reply.body.data, job->reply.body.len, part, strlen(part)) != NULL;
}

/* The answer of a whole call, whose job goes back to the pool. */
static void assert_answers(struct pipeline *pipeline, const struct ask *ask, unsigned http, const char *part)
{
    struct job *job = pipeline_call(pipeline, ask);
    assert_int_equal(pipeline_http(job), http);
    if (part != NULL && !shows(job, part))
        fail_msg("\"%.*s\" does not hold %s", (int)job->reply.body.len, job->reply.body.data, part);
    pipeline_put(pipeline, &job);
}

static enum cache_result result_of(struct pipeline *pipeline, const struct ask *ask)
{
    struct job *job = pipeline_call(pipeline, ask);
    enum cache_result result = job->cache.result;
    assert_int_equal(pipeline_http(job), 200);
    pipeline_put(pipeline, &job);
    return result;
}

static void assert_home(struct pipeline *pipeline, struct job *job)
{
    assert_ptr_equal(pipeline_home(pipeline), job);
}

/* Each call --------------------------------------------------------------- */

static void post_answers_with_the_document(void **state)
{
    struct pipeline *pipeline = *state;
    struct job *job = pipeline_call(pipeline, &post_cpu);
    assert_int_equal(pipeline_http(job), 201);
    assert_true(job->reply.has_location && job->metrics[0].has_id);
    assert_true(shows(job, "\"name\":\"cpu\""));
    pipeline_put(pipeline, &job);
}

static void post_visits_writer_and_cache(void **state)
{
    struct pipeline *pipeline = *state;
    struct job *job = pipeline_send(pipeline, &post_cpu);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 0);
    assert_int_equal(pipeline_step(pipeline, STAGE_WRITER), 1);
    assert_null(pipeline_home(pipeline)); /* not before older answers are old */
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_home(pipeline, job);
    pipeline_put(pipeline, &job);
}

static void post_of_batches_stores_all(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct ask array = { .method = METHOD_POST,
                                      .target = "/metrics?return=ids",
                                      .body = "[{\"name\":\"a\",\"value\":1},{\"name\":\"b\",\"value\":2}]" };
    static const struct ask lines = { .method = METHOD_POST,
                                      .target = "/metrics",
                                      .body = "{\"name\":\"c\",\"value\":3}\n{\"name\":\"d\",\"value\":4}\n",
                                      .type = "application/x-ndjson" };
    assert_answers(pipeline, &array, 201, "\"accepted\":2,\"ids\":[");
    assert_answers(pipeline, &lines, 201, "\"accepted\":2");
    for (char name = 'a'; name <= 'd'; name++) {
        char part[] = "\"name\":\"?\"";
        part[8] = name;
        assert_answers(pipeline, &list_all, 200, part);
    }
}

static void post_of_an_id_that_exists_is_a_conflict_or_the_same(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct ask stamped = { .method = METHOD_POST,
                                        .target = "/metrics",
                                        .body = "{\"id\":\"" ID "\",\"name\":\"cpu\",\"value\":1,\"timestamp\":1000}" };
    static const struct ask other = { .method = METHOD_POST,
                                      .target = "/metrics",
                                      .body = "{\"id\":\"" ID "\",\"name\":\"cpu\",\"value\":2}" };
    assert_answers(pipeline, &stamped, 201, ID);
    assert_answers(pipeline, &stamped, 200, ID);
    assert_answers(pipeline, &post_id, 200, ID); /* its time is that of its arrival, and may differ */
    assert_answers(pipeline, &other, 409, NULL);
}

static void get_finds_by_id_and_hits_the_second_time(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_id, 201, ID);
    assert_int_equal(result_of(pipeline, &get_id), CACHE_MISS);
    struct job *job = pipeline_call(pipeline, &get_id);
    assert_int_equal(job->cache.result, CACHE_HIT);
    assert_true(job->reply.has_etag && shows(job, "\"name\":\"cpu\""));
    assert_int_equal(job->stage_ns[STAGE_READER], 0);
    pipeline_put(pipeline, &job);
}

static void list_hits_until_a_write(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201, NULL);
    assert_int_equal(result_of(pipeline, &list_all), CACHE_MISS);
    assert_int_equal(result_of(pipeline, &list_all), CACHE_HIT);
    assert_answers(pipeline, &post_id, 201, NULL);
    assert_answers(pipeline, &list_all, 200, ID);
}

static void put_replaces_and_every_read_sees_it(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct ask list_cpu = { .method = METHOD_GET, .target = "/metrics?name=cpu" };
    assert_answers(pipeline, &post_id, 201, NULL);
    assert_answers(pipeline, &get_id, 200, "\"cpu\"");
    assert_answers(pipeline, &list_cpu, 200, ID);
    assert_answers(pipeline, &put_id, 200, "\"load\"");
    assert_answers(pipeline, &get_id, 200, "\"load\"");
    assert_answers(pipeline, &list_cpu, 200, "\"metrics\":[]");
}

static void put_on_condition_fails_when_it_does_not_hold(void **state)
{
    struct pipeline *pipeline = *state;
    struct ask put = put_id;
    put.if_match = "\"0123456789abcdef\"";
    assert_answers(pipeline, &post_id, 201, NULL);
    assert_answers(pipeline, &put, 412, NULL);
    assert_answers(pipeline, &get_id, 200, "\"cpu\"");
}

static void delete_removes(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_id, 201, NULL);
    assert_int_equal(result_of(pipeline, &get_id), CACHE_MISS);
    assert_answers(pipeline, &delete_id, 204, NULL);
    assert_answers(pipeline, &get_id, 404, NULL);
    assert_answers(pipeline, &list_all, 200, "\"metrics\":[]");
}

static void calls_of_an_id_that_is_not_there_answer_404(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &get_id, 404, NULL);
    assert_answers(pipeline, &put_id, 404, NULL);
    assert_answers(pipeline, &delete_id, 404, NULL);
    assert_answers(pipeline, &post_id, 201, NULL); /* and no answer of those was kept */
    assert_answers(pipeline, &get_id, 200, ID);
}

/* What ends in the parser ------------------------------------------------- */

static void refused_requests_go_home_from_the_parser(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct {
        struct ask ask;
        unsigned http;
    } cases[] = {
        { { .method = METHOD_GET, .target = "/nowhere" }, 404 },
        { { .method = METHOD_GET, .target = "/metrics/xyz" }, 404 },
        { { .method = METHOD_DELETE, .target = "/metrics" }, 405 },
        { { .method = METHOD_POST, .target = "/metrics/" ID, .body = "{}" }, 405 },
        { { .method = METHOD_POST, .target = "/metrics", .body = "{\"name\":\"cpu\"}" }, 422 },
        { { .method = METHOD_POST,
            .target = "/metrics",
            .body = "[{\"name\":\"a\",\"value\":1},{\"name\":\"\",\"value\":1}]" },
          422 },
        { { .method = METHOD_POST, .target = "/metrics", .body = "{\"name\":" }, 400 },
        { { .method = METHOD_POST, .target = "/metrics", .body = "name=cpu", .type = "text/plain" }, 415 },
        { { .method = METHOD_GET, .target = "/metrics?limit=no" }, 400 },
        { { .method = METHOD_GET, .target = "/metrics?cursor=no" }, 400 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct job *job = pipeline_send(pipeline, &cases[i].ask);
        assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
        assert_home(pipeline, job);
        if (pipeline_http(job) != cases[i].http)
            fail_msg("case %zu: %u instead of %u", i, pipeline_http(job), cases[i].http);
        assert_true(cases[i].http != 405 || strstr(job->reply.allow, "OPTIONS") != NULL);
        pipeline_put(pipeline, &job);
    }
    assert_answers(pipeline, &list_all, 200, "\"metrics\":[]"); /* nothing was stored */
}

static void own_pages_come_from_the_parser(void **state)
{
    struct pipeline *pipeline = *state;
    static const char *const pages[] = { "/healthz", "/readyz", "/-/metrics", "/-/stats" };
    for (size_t i = 0; i < N_CASES(pages); i++) {
        const struct ask ask = { .method = METHOD_GET, .target = pages[i] };
        struct job *job = pipeline_send(pipeline, &ask);
        assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
        assert_home(pipeline, job);
        assert_int_equal(pipeline_http(job), 200);
        assert_int_equal(job->cache.result, CACHE_NOT_ASKED);
        pipeline_put(pipeline, &job);
    }
}

/* The cache's part -------------------------------------------------------- */

static void no_cache_goes_round_the_cache_and_fills_it(void **state)
{
    struct pipeline *pipeline = *state;
    const struct ask fresh = { .method = METHOD_GET, .target = "/metrics", .cache_control = "no-cache" };
    assert_int_equal(result_of(pipeline, &fresh), CACHE_BYPASS);
    assert_int_equal(result_of(pipeline, &fresh), CACHE_BYPASS);
    assert_int_equal(result_of(pipeline, &list_all), CACHE_HIT);
}

static void identical_reads_are_one_read_of_the_store(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_id, 201, NULL);
    struct job *leader = pipeline_send(pipeline, &list_all);
    struct job *follower = pipeline_send(pipeline, &list_all);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 2);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 2);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 1);
    assert_null(pipeline_home(pipeline));
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_home(pipeline, follower);
    assert_home(pipeline, leader);
    assert_int_equal(leader->cache.result, CACHE_MISS);
    assert_int_equal(follower->cache.result, CACHE_COLLAPSED);
    assert_true(shows(leader, ID));
    assert_true(slice_equal(leader->reply.body, follower->reply.body));
    pipeline_put(pipeline, &leader);
    assert_true(shows(follower, ID)); /* its bytes are its own */
    pipeline_put(pipeline, &follower);
}

static void identical_reads_fail_together(void **state)
{
    struct pipeline *pipeline = *state;
    pipeline->storage.read_status = STATUS_STORAGE_UNAVAILABLE;
    for (unsigned i = 0; i < 5; i++)
        pipeline_send(pipeline, &list_all);
    pipeline_run(pipeline);
    for (unsigned i = 0; i < 5; i++) {
        struct job *job = pipeline_home(pipeline);
        assert_non_null(job);
        assert_int_equal(pipeline_http(job), 503);
        pipeline_put(pipeline, &job);
    }
    pipeline->storage.read_status = STATUS_OK;
    assert_int_equal(result_of(pipeline, &list_all), CACHE_MISS);
}

/* The read is through with the store when a write overtakes it. */
static void read_begun_before_a_write_is_not_kept_for_those_behind_it(void **state)
{
    struct pipeline *pipeline = *state;
    struct job *early = pipeline_send(pipeline, &list_all);
    pipeline_step(pipeline, STAGE_PARSER);
    pipeline_step(pipeline, STAGE_CACHE);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 1);
    struct job *write = pipeline_send(pipeline, &post_id);
    pipeline_step(pipeline, STAGE_PARSER);
    assert_int_equal(pipeline_step(pipeline, STAGE_WRITER), 1);
    pipeline_run(pipeline); /* the late fill and the invalidation meet in the cache's inbox */
    struct job *first = pipeline_home(pipeline);
    struct job *second = pipeline_home(pipeline);
    assert_true((first == early && second == write) || (first == write && second == early));
    assert_false(shows(early, ID));
    pipeline_put(pipeline, &first);
    pipeline_put(pipeline, &second);
    assert_answers(pipeline, &list_all, 200, ID);
}

/* Failures ---------------------------------------------------------------- */

static void failed_write_leaves_store_and_cache_as_they_were(void **state)
{
    struct pipeline *pipeline = *state;
    assert_int_equal(result_of(pipeline, &list_all), CACHE_MISS);
    pipeline->storage.write_status = STATUS_STORAGE_FULL;
    struct job *job = pipeline_call(pipeline, &post_id);
    assert_int_equal(pipeline_http(job), 507);
    assert_int_equal(job->reply.body.len, 0);
    pipeline_put(pipeline, &job);
    pipeline->storage.write_status = STATUS_OK;
    assert_int_equal(result_of(pipeline, &list_all), CACHE_HIT);
    assert_answers(pipeline, &get_id, 404, NULL);
}

static void write_of_unknown_outcome_makes_answers_old(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct ask *const writes[] = { &post_id, &put_id, &delete_id };
    for (size_t i = 0; i < N_CASES(writes); i++) {
        assert_int_equal(result_of(pipeline, &list_all), CACHE_MISS);
        assert_int_equal(result_of(pipeline, &list_all), CACHE_HIT);
        pipeline->storage.write_status = STATUS_OUTCOME_UNKNOWN;
        assert_answers(pipeline, writes[i], 504, NULL);
        pipeline->storage.write_status = STATUS_OK;
    }
    assert_int_equal(result_of(pipeline, &list_all), CACHE_MISS);
}

static void failed_read_is_not_kept(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_id, 201, NULL);
    pipeline->storage.read_status = STATUS_QUERY_TOO_SLOW;
    assert_answers(pipeline, &list_all, 504, NULL);
    assert_answers(pipeline, &get_id, 504, NULL);
    pipeline->storage.read_status = STATUS_OK;
    assert_answers(pipeline, &list_all, 200, ID);
    assert_answers(pipeline, &get_id, 200, ID);
}

static void requests_past_their_deadline_do_not_reach_the_store(void **state)
{
    struct pipeline *pipeline = *state;
    struct ask post = post_id, list = list_all;
    post.deadline_ns = list.deadline_ns = 1;
    struct job *job = pipeline_call(pipeline, &post);
    assert_int_equal(job->status, STATUS_EXPIRED);
    pipeline_put(pipeline, &job);
    job = pipeline_call(pipeline, &list);
    assert_int_equal(job->status, STATUS_EXPIRED);
    pipeline_put(pipeline, &job);
    assert_answers(pipeline, &list_all, 200, "\"metrics\":[]");
}

/* Any order --------------------------------------------------------------- */

static uint64_t random_state;

static unsigned pick(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % n;
}

static void send_any(struct pipeline *pipeline)
{
    static const struct ask slow_list = { .method = METHOD_GET,
                                          .target = "/metrics?name=cpu&limit=3",
                                          .cache_control = "no-cache" };
    static const struct ask bad = { .method = METHOD_POST, .target = "/metrics", .body = "{" };
    static const struct ask *const asks[] = { &list_all, &get_id,    &post_cpu,  &post_id,
                                              &put_id,   &delete_id, &slow_list, &bad };
    struct ask ask = *asks[pick(N_CASES(asks))];
    if (pick(20) == 0)
        ask.deadline_ns = clock_ns() + pick(2) * NS_PER_MS;
    pipeline_send(pipeline, &ask);
}

static void set_any_fault(struct pipeline *pipeline)
{
    static const enum status faults[] = { STATUS_OK,
                                          STATUS_OK,
                                          STATUS_OK,
                                          STATUS_STORAGE_UNAVAILABLE,
                                          STATUS_OUTCOME_UNKNOWN,
                                          STATUS_QUERY_TOO_SLOW,
                                          STATUS_OUT_OF_MEMORY };
    pipeline->storage.write_status = faults[pick(N_CASES(faults))];
    pipeline->storage.read_status = faults[pick(N_CASES(faults))];
}

static void every_job_comes_home_in_any_order_of_steps(void **state)
{
    struct pipeline *pipeline = *state;
    enum { STEPS = 6000 };
    random_state = clock_ns() | 1;
    print_message("# seed %llu\n", (unsigned long long)random_state);
    for (unsigned i = 0; i < STEPS; i++) {
        if (job_pool_in_use(pipeline->pool) < PIPELINE_JOBS && pick(3) > 0)
            send_any(pipeline);
        if (pick(50) == 0)
            set_any_fault(pipeline);
        enum stage_id stage = pick(PIPELINE_STAGES);
        pipeline->workers[stage]->batch_max = 1 + pick(PIPELINE_JOBS);
        pipeline_step(pipeline, stage);
        struct job *job = pick(2) == 0 ? pipeline_home(pipeline) : NULL;
        if (job != NULL)
            pipeline_put(pipeline, &job);
    }
    pipeline_run(pipeline);
    assert_true(pipeline->n_sent > STEPS / 10);
}

/* All jobs of the pool at once; there is no more, until the first is back. */
static void pool_is_empty_when_all_are_under_way(void **state)
{
    struct pipeline *pipeline = *state;
    for (unsigned i = 0; i < PIPELINE_JOBS; i++)
        pipeline_send(pipeline, i % 2 == 0 ? &list_all : &post_cpu);
    assert_null(job_pool_take(pipeline->pool));
    pipeline_run(pipeline);
    struct job *job = pipeline_home(pipeline);
    pipeline_put(pipeline, &job);
    assert_int_equal(job_pool_in_use(pipeline->pool), PIPELINE_JOBS - 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, pipeline_setup, pipeline_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(post_answers_with_the_document),
        TEST(post_visits_writer_and_cache),
        TEST(post_of_batches_stores_all),
        TEST(post_of_an_id_that_exists_is_a_conflict_or_the_same),
        TEST(get_finds_by_id_and_hits_the_second_time),
        TEST(list_hits_until_a_write),
        TEST(put_replaces_and_every_read_sees_it),
        TEST(put_on_condition_fails_when_it_does_not_hold),
        TEST(delete_removes),
        TEST(calls_of_an_id_that_is_not_there_answer_404),
        TEST(refused_requests_go_home_from_the_parser),
        TEST(own_pages_come_from_the_parser),
        TEST(no_cache_goes_round_the_cache_and_fills_it),
        TEST(identical_reads_are_one_read_of_the_store),
        TEST(identical_reads_fail_together),
        TEST(read_begun_before_a_write_is_not_kept_for_those_behind_it),
        TEST(failed_write_leaves_store_and_cache_as_they_were),
        TEST(write_of_unknown_outcome_makes_answers_old),
        TEST(failed_read_is_not_kept),
        TEST(requests_past_their_deadline_do_not_reach_the_store),
        TEST(every_job_comes_home_in_any_order_of_steps),
        TEST(pool_is_empty_when_all_are_under_way),
    };
    return cmocka_run_group_tests_name("journey", tests, NULL, NULL);
}
