/* SPDX-License-Identifier: MIT */
/* questions: prompts and plans through parser, store and cache by the server's own routes, one step at a time.
 * Behind each test, all jobs must be home and the pool whole; a catalogue that is not let go is a leak. */
#include "suite.h"

#include <string.h>

#include <telemetry/clock.h>

#include "pipeline.h"

static const struct ask post_cpu = { .method = METHOD_POST,
                                     .target = "/metrics",
                                     .body =
                                         "{\"name\":\"cpu\",\"tags\":[\"host:a\"],\"value\":1,\"timestamp\":1000}" };
static const struct ask post_load = { .method = METHOD_POST,
                                      .target = "/metrics",
                                      .body = "{\"name\":\"load\",\"value\":5,\"timestamp\":2000}" };
static const struct ask count_cpu = { .method = METHOD_GET, .target = "/query?prompt=how+many+cpu+metrics" };
static const struct ask count_cpu_too = { .method = METHOD_GET, .target = "/query?prompt=count+of+cpu" };
static const struct ask gibberish = { .method = METHOD_GET, .target = "/query?prompt=flibber+the+gorp" };
static const struct ask aggregate_cpu = { .method = METHOD_GET, .target = "/metrics/aggregate?name=cpu" };
static const struct ask plan_cpu = { .method = METHOD_POST,
                                     .target = "/query",
                                     .body = "{\"plan\":{\"filter\":{\"name\":\"cpu\"}}}" };
static const struct ask explain_cpu = { .method = METHOD_GET, .target = "/query?prompt=count+of+cpu&explain=true" };

static bool holds(struct slice text, const char *part)
{
    return text.len > 0 && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void assert_body(const struct job *job, const char *part)
{
    assert_int_equal(pipeline_http(job), 200);
    if (!holds(job->reply.body, part))
        fail_msg("\"%.*s\" does not hold %s", (int)job->reply.body.len, job->reply.body.data, part);
}

/* A whole call, whose job goes back to the pool. */
static void assert_answers(struct pipeline *pipeline, const struct ask *ask, unsigned http)
{
    struct job *job = pipeline_call(pipeline, ask);
    assert_int_equal(pipeline_http(job), http);
    pipeline_put(pipeline, &job);
}

static void assert_counts(struct pipeline *pipeline, const struct ask *ask, const char *row)
{
    struct job *job = pipeline_call(pipeline, ask);
    assert_body(job, row);
    pipeline_put(pipeline, &job);
}

static void assert_home(struct pipeline *pipeline, struct job *job)
{
    assert_ptr_equal(pipeline_home(pipeline), job);
}

static enum cache_result result_of(struct pipeline *pipeline, const struct ask *ask)
{
    struct job *job = pipeline_call(pipeline, ask);
    enum cache_result result = job->cache.result;
    assert_int_equal(pipeline_http(job), 200);
    pipeline_put(pipeline, &job);
    return result;
}

/* The way ------------------------------------------------------------------- */

static void first_prompt_fetches_the_catalogue(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    struct job *job = pipeline_send(pipeline, &count_cpu);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 0);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 1); /* OP_CATALOGUE */
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1); /* OP_UNDERSTAND */
    assert_null(job->catalogue);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 1); /* OP_AGGREGATE */
    assert_null(pipeline_home(pipeline));
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_home(pipeline, job);
    assert_body(job, "\"rows\":[[1]]");
    assert_true(holds(job->reply.lead, "{\"prompt\":\"how many cpu metrics\""));
    pipeline_put(pipeline, &job);
}

static void next_prompt_is_understood_at_once(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    assert_answers(pipeline, &count_cpu, 200);
    struct job *job = pipeline_send(pipeline, &count_cpu_too);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_home(pipeline, job); /* its paraphrase has been answered */
    assert_int_equal(job->cache.result, CACHE_HIT);
    assert_int_equal(job->stage_ns[STAGE_READER], 0);
    assert_body(job, "\"rows\":[[1]]");
    assert_true(holds(job->reply.lead, "{\"prompt\":\"count of cpu\""));
    pipeline_put(pipeline, &job);
}

static void prompts_see_the_names_of_answered_writes(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct ask count_load = { .method = METHOD_GET, .target = "/query?prompt=count+of+load" };
    assert_answers(pipeline, &post_cpu, 201);
    assert_answers(pipeline, &count_cpu, 200);
    assert_answers(pipeline, &count_load, 422);
    assert_answers(pipeline, &post_load, 201);
    assert_counts(pipeline, &count_load, "\"rows\":[[1]]");
}

static void unintelligible_prompts_reach_no_cache_and_no_query(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    assert_answers(pipeline, &count_cpu, 200);
    struct job *job = pipeline_send(pipeline, &gibberish);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
    assert_home(pipeline, job);
    assert_int_equal(pipeline_http(job), 422);
    assert_null(job->plan);
    assert_int_equal(job->cache.result, CACHE_NOT_ASKED);
    pipeline_put(pipeline, &job);
}

static void plans_and_explanations_skip_what_they_do_not_need(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    struct job *job = pipeline_send(pipeline, &plan_cpu);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_home(pipeline, job);
    assert_body(job, "\"rows\":[[1]]");
    assert_int_equal(job->cache.result, CACHE_MISS);
    pipeline_put(pipeline, &job);
    assert_answers(pipeline, &explain_cpu, 200); /* brings a catalogue */
    job = pipeline_send(pipeline, &explain_cpu);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 1);
    assert_home(pipeline, job);
    assert_body(job, "\"plan\":{");
    assert_false(holds(job->reply.body, "rows"));
    pipeline_put(pipeline, &job);
}

/* The cache ------------------------------------------------------------------- */

static void all_ways_to_ask_share_one_answer(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    assert_int_equal(result_of(pipeline, &aggregate_cpu), CACHE_MISS);
    assert_int_equal(result_of(pipeline, &aggregate_cpu), CACHE_HIT);
    assert_int_equal(result_of(pipeline, &plan_cpu), CACHE_HIT);
    assert_int_equal(result_of(pipeline, &count_cpu), CACHE_HIT);
    assert_int_equal(result_of(pipeline, &count_cpu_too), CACHE_HIT);
}

static void answers_are_old_behind_a_write_of_their_name(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    assert_counts(pipeline, &count_cpu, "\"rows\":[[1]]");
    assert_answers(pipeline, &post_load, 201);
    assert_int_equal(result_of(pipeline, &count_cpu), CACHE_HIT); /* of another name */
    assert_answers(pipeline, &post_cpu, 201);
    assert_counts(pipeline, &count_cpu, "\"rows\":[[2]]");
}

static void questions_of_one_plan_in_flight_are_one_query(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    assert_answers(pipeline, &explain_cpu, 200);
    struct job *leader = pipeline_send(pipeline, &count_cpu);
    struct job *follower = pipeline_send(pipeline, &count_cpu_too);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 2);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 2);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 1);
    assert_int_equal(pipeline_step(pipeline, STAGE_CACHE), 1);
    assert_home(pipeline, follower);
    assert_home(pipeline, leader);
    assert_int_equal(follower->cache.result, CACHE_COLLAPSED);
    assert_true(slice_equal(leader->reply.body, follower->reply.body));
    assert_true(holds(leader->reply.lead, "how many cpu metrics"));
    assert_true(holds(follower->reply.lead, "count of cpu"));
    pipeline_put(pipeline, &leader);
    pipeline_put(pipeline, &follower);
}

static void no_cache_and_max_stale_are_heard(void **state)
{
    struct pipeline *pipeline = *state;
    struct ask fresh = count_cpu, old = count_cpu;
    fresh.cache_control = "no-cache";
    old.cache_control = "max-stale=60";
    assert_answers(pipeline, &post_cpu, 201);
    assert_int_equal(result_of(pipeline, &fresh), CACHE_BYPASS);
    assert_int_equal(result_of(pipeline, &count_cpu), CACHE_HIT);
    assert_answers(pipeline, &post_cpu, 201);
    assert_int_equal(result_of(pipeline, &old), CACHE_STALE_HIT);
    assert_counts(pipeline, &count_cpu, "\"rows\":[[2]]");
}

/* Failures ---------------------------------------------------------------------- */

static void failures_of_the_store_come_home(void **state)
{
    struct pipeline *pipeline = *state;
    static const struct {
        enum status status;
        unsigned http;
    } cases[] = { { STATUS_STORAGE_UNAVAILABLE, 503 },
                  { STATUS_QUERY_TOO_SLOW, 504 },
                  { STATUS_QUERY_TOO_LARGE, 400 },
                  { STATUS_OUT_OF_MEMORY, 503 } };
    assert_answers(pipeline, &post_cpu, 201);
    for (size_t i = 0; i < N_CASES(cases); i++) {
        pipeline->storage.read_status = cases[i].status;
        struct job *job = pipeline_call(pipeline, &count_cpu); /* fails to get a catalogue */
        assert_int_equal(job->status, cases[i].status);
        assert_true(holds(job->reply.detail, "as the test wants it"));
        pipeline_put(pipeline, &job);
        assert_answers(pipeline, &aggregate_cpu, cases[i].http);
    }
    pipeline->storage.read_status = STATUS_OK;
    assert_counts(pipeline, &count_cpu, "\"rows\":[[1]]"); /* no failure was kept */
}

/* The store gave it a catalogue, and then its time was over or the store was gone: the pool lets it go. */
static void catalogues_are_let_go_wherever_a_job_ends(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    struct job *first = pipeline_send(pipeline, &count_cpu), *second = pipeline_send(pipeline, &count_cpu_too);
    assert_int_equal(pipeline_step(pipeline, STAGE_PARSER), 2);
    assert_int_equal(pipeline_step(pipeline, STAGE_READER), 2); /* both were given one */
    assert_non_null(first->catalogue);
    assert_non_null(second->catalogue);
    first->deadline_ns = second->deadline_ns = 1;
    pipeline_run(pipeline);
    assert_home(pipeline, first);
    assert_home(pipeline, second);
    assert_int_equal(first->status, STATUS_EXPIRED);
    assert_int_equal(second->status, STATUS_EXPIRED);
    pipeline_put(pipeline, &first);
    pipeline_put(pipeline, &second);
}

/* An older catalogue overtakes no newer one, and stays with its job. */
static void jobs_may_overtake_each_other(void **state)
{
    struct pipeline *pipeline = *state;
    assert_answers(pipeline, &post_cpu, 201);
    struct job *early = pipeline_send(pipeline, &count_cpu);
    pipeline_step(pipeline, STAGE_PARSER);
    pipeline_step(pipeline, STAGE_READER);
    struct catalogue *older = catalogue_share(early->catalogue);
    struct catalogue *newer = catalogue_new(NULL, 0, NULL, 0, true, older->version);
    newer->made_ns = older->made_ns + 1;
    pipeline->parser.catalogue = newer;
    pipeline_run(pipeline);
    assert_home(pipeline, early);
    assert_ptr_equal(pipeline->parser.catalogue, newer);
    assert_ptr_equal(early->catalogue, older);
    pipeline_put(pipeline, &early);
    assert_true(catalogue_has_name(older, SLICE("cpu"))); /* the pool gave back its own reference alone */
    catalogue_release(&older);
}

/* Any order ---------------------------------------------------------------------- */

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
    static const struct ask *const asks[] = { &post_cpu,      &post_load, &count_cpu, &count_cpu_too,
                                              &aggregate_cpu, &plan_cpu,  &gibberish, &explain_cpu };
    struct ask ask = *asks[pick(N_CASES(asks))];
    if (pick(10) == 0)
        ask.deadline_ns = clock_ns() + pick(2) * NS_PER_MS;
    pipeline_send(pipeline, &ask);
}

static void every_job_comes_home_in_any_order_of_steps(void **state)
{
    static const enum status faults[] = { STATUS_OK, STATUS_OK, STATUS_STORAGE_UNAVAILABLE, STATUS_QUERY_TOO_SLOW };
    struct pipeline *pipeline = *state;
    enum { STEPS = 4000 };
    random_state = clock_ns() | 1;
    print_message("# seed %llu\n", (unsigned long long)random_state);
    for (unsigned i = 0; i < STEPS; i++) {
        if (job_pool_in_use(pipeline->pool) < PIPELINE_JOBS && pick(3) > 0)
            send_any(pipeline);
        if (pick(50) == 0)
            pipeline->storage.read_status = faults[pick(N_CASES(faults))];
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, pipeline_setup, pipeline_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_prompt_fetches_the_catalogue),
        TEST(next_prompt_is_understood_at_once),
        TEST(prompts_see_the_names_of_answered_writes),
        TEST(unintelligible_prompts_reach_no_cache_and_no_query),
        TEST(plans_and_explanations_skip_what_they_do_not_need),
        TEST(all_ways_to_ask_share_one_answer),
        TEST(answers_are_old_behind_a_write_of_their_name),
        TEST(questions_of_one_plan_in_flight_are_one_query),
        TEST(no_cache_and_max_stale_are_heard),
        TEST(failures_of_the_store_come_home),
        TEST(catalogues_are_let_go_wherever_a_job_ends),
        TEST(jobs_may_overtake_each_other),
        TEST(every_job_comes_home_in_any_order_of_steps),
    };
    return cmocka_run_group_tests_name("questions", tests, NULL, NULL);
}
