/* SPDX-License-Identifier: MIT */
/* parser: the stage, stepped by hand: which route a request takes, and who gets the job next. */
#include "parser_fixture.h"

#include <telemetry/access.h>
#include <telemetry/inbox.h>
#include <telemetry/stats.h>

static const struct route routes[] = {
    { METHOD_GET, "/healthz", decode_health, NULL, { { 0 } }, ROLE_NONE },
    { METHOD_GET, "/readyz", decode_ready, NULL, { { 0 } }, ROLE_NONE },
    { METHOD_GET, "/-/metrics", decode_counters, NULL, { { 0 } }, ROLE_NONE },
    { METHOD_GET, "/-/stats", decode_stats, NULL, { { 0 } }, ROLE_NONE },
    { METHOD_POST, "/metrics", decode_insert, encode_inserted, { { STAGE_WRITER, OP_INSERT, HOP_ENCODE } }, ROLE_NONE },
    { METHOD_GET,
      "/metrics",
      decode_list,
      encode_list,
      { { STAGE_READER, OP_FIND, HOP_ENCODE }, { STAGE_CACHE, OP_CACHE_PUT, HOP_ALWAYS } },
      ROLE_NONE },
    { METHOD_GET, "/metrics/{id}", decode_get, encode_metric, { { STAGE_READER, OP_GET, HOP_ENCODE } }, ROLE_NONE },
    { METHOD_PUT,
      "/metrics/{id}",
      decode_update,
      encode_metric,
      { { STAGE_WRITER, OP_UPDATE, HOP_ENCODE } },
      ROLE_NONE },
    { METHOD_DELETE,
      "/metrics/{id}",
      decode_delete,
      encode_deleted,
      { { STAGE_WRITER, OP_DELETE, HOP_ENCODE } },
      ROLE_NONE },
};

/* A parser with inboxes around it, all on the test's thread. */
struct house {
    struct fixture *fixture;
    struct topology topology;
    struct stats_registry stats;
    struct outbox loop;
    struct job *batch[4];
    enum status readiness;
    const char *reason;
};

static enum status ready(void *context, const char **ret_store, const char **ret_reason)
{
    *ret_store = "sqlite";
    *ret_reason = ((struct house *)context)->reason;
    return ((struct house *)context)->readiness;
}

static int house_setup(void **state)
{
    struct house *house = calloc(1, sizeof(*house));
    assert_non_null(house);
    assert_int_equal(fixture_setup((void **)&house->fixture), 0);
    struct parser *parser = &house->fixture->parser;
    struct parser_settings *settings = &house->fixture->settings;
    stats_registry_init(&house->stats, "sqlite", "memory");
    settings->routes = routes;
    settings->n_routes = sizeof(routes) / sizeof(routes[0]);
    settings->stats = &house->stats;
    settings->ready = ready;
    settings->ready_context = house;
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        house->topology.n_workers[stage] = 1;
        house->topology.stages[stage][0] = inbox_new(2, 4, NULL, NULL);
        assert_non_null(house->topology.stages[stage][0]);
    }
    house->topology.n_loops = 1;
    house->topology.loops[0] = inbox_new(2, 4, NULL, NULL);
    assert_non_null(house->topology.loops[0]);
    outbox_init(&house->loop, &house->topology, 0, NULL);
    outbox_init(&parser->worker.outbox, &house->topology, 1, NULL);
    parser->worker.inbox = house->topology.stages[STAGE_PARSER][0];
    parser->worker.batch = house->batch;
    parser->worker.batch_max = 4;
    *state = house;
    return 0;
}

static int house_teardown(void **state)
{
    struct house *house = *state;
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        inbox_free(&house->topology.stages[stage][0]);
    inbox_free(&house->topology.loops[0]);
    stats_registry_fini(&house->stats);
    fixture_teardown((void **)&house->fixture);
    free(house);
    return 0;
}

enum { HOME = STAGE_COUNT };

/* Sends the fixture's job through the parser; returns the stage whose inbox then holds it, or HOME. */
static unsigned travel(struct house *house)
{
    struct job *job = &house->fixture->job, *arrived = NULL;
    unsigned place = HOME;
    job_start(&house->loop, &job);
    assert_null(job);
    assert_int_equal(worker_step(&house->fixture->parser.worker), 1);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        if (inbox_drain(house->topology.stages[stage][0], &arrived, 1) == 1)
            place = stage;
    if (place == HOME)
        assert_int_equal(inbox_drain(house->topology.loops[0], &arrived, 1), 1);
    assert_ptr_equal(arrived, &house->fixture->job);
    return place;
}

static struct job *request(struct house *house, enum method method, const char *target)
{
    return fixture_job(house->fixture, method, target, SLICE("{\"name\":\"a\",\"value\":1}"));
}

#define ID "0123456789abcdef01234567"

static void parser_sends_jobs_to_their_first_hop(void **state)
{
    struct house *house = *state;
    struct job *job = request(house, METHOD_POST, "/metrics");
    assert_int_equal(travel(house), STAGE_WRITER);
    assert_int_equal(job->n_metrics, 1);
    assert_ptr_equal(job->route, &routes[4]);
    request(house, METHOD_GET, "/metrics");
    assert_int_equal(travel(house), STAGE_READER);
    job = request(house, METHOD_PUT, "/metrics/" ID);
    assert_int_equal(travel(house), STAGE_WRITER);
    assert_ptr_equal(job->route, &routes[7]);
    request(house, METHOD_DELETE, "/metrics/" ID);
    assert_int_equal(travel(house), STAGE_WRITER);
}

static void parser_serves_head_by_the_row_of_get(void **state)
{
    struct house *house = *state;
    struct job *job = request(house, METHOD_HEAD, "/metrics/" ID);
    struct metric_id id;
    assert_int_equal(travel(house), STAGE_READER);
    assert_ptr_equal(job->route, &routes[6]);
    assert_true(metric_id_parse(SLICE(ID), &id));
    assert_memory_equal(&job->id, &id, sizeof(id));
}

static void parser_sends_refused_jobs_straight_home(void **state)
{
    struct house *house = *state;
    struct job *job = request(house, METHOD_GET, "/metrics?limit=0");
    assert_int_equal(travel(house), HOME);
    assert_int_equal(job->status, STATUS_BAD_FILTER);
}

/* A request that memory ran out for is not judged by what could be read of it. */
static void parser_blames_no_client_for_a_lack_of_memory(void **state)
{
    static const char *const targets[] = { "/metrics?limit=0", "/metrics", "/nowhere" };
    struct house *house = *state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct job *job = request(house, METHOD_GET, targets[i]);
        assert_null(arena_alloc(&job->arena, SIZE_MAX / 2));
        assert_int_equal(travel(house), HOME);
        assert_int_equal(job->status, STATUS_OUT_OF_MEMORY);
        assert_int_equal(job->reply.detail.len, 0);
    }
}

static void assert_answer(struct house *house, enum method method, const char *target, enum status status)
{
    struct job *job = request(house, method, target);
    assert_int_equal(travel(house), HOME);
    assert_int_equal(job->status, status);
}

static void parser_knows_no_other_paths(void **state)
{
    struct house *house = *state;
    assert_answer(house, METHOD_GET, "/", STATUS_NOT_FOUND);
    assert_answer(house, METHOD_GET, "/metric", STATUS_NOT_FOUND);
    assert_answer(house, METHOD_POST, "/metrics/", STATUS_NOT_FOUND);
    assert_answer(house, METHOD_GET, "/metrics/" ID "/x", STATUS_NOT_FOUND);
    assert_answer(house, METHOD_OTHER, "/nowhere", STATUS_NOT_FOUND);
    assert_answer(house, METHOD_OPTIONS, "/nowhere", STATUS_NOT_FOUND);
    assert_answer(house, METHOD_GET, "/metrics#x", STATUS_MALFORMED_REQUEST);
    assert_answer(house, METHOD_GET, "metrics", STATUS_MALFORMED_REQUEST);
}

static void parser_knows_no_other_ids(void **state)
{
    struct house *house = *state;
    assert_answer(house, METHOD_GET, "/metrics/1", STATUS_BAD_ID);
    assert_answer(house, METHOD_DELETE, "/metrics/0123456789abcdef0123456g", STATUS_BAD_ID);
    assert_answer(house, METHOD_PUT, "/metrics/" ID "0", STATUS_BAD_ID);
}

static void parser_says_which_methods_a_path_takes(void **state)
{
    struct house *house = *state;
    struct job *job = &house->fixture->job;
    assert_answer(house, METHOD_DELETE, "/metrics", STATUS_METHOD_NOT_ALLOWED);
    assert_string_equal(job->reply.allow, "GET, HEAD, POST, OPTIONS");
    assert_answer(house, METHOD_POST, "/metrics/" ID, STATUS_METHOD_NOT_ALLOWED);
    assert_string_equal(job->reply.allow, "GET, HEAD, PUT, DELETE, OPTIONS");
    assert_answer(house, METHOD_OTHER, "/healthz", STATUS_METHOD_NOT_ALLOWED);
    assert_string_equal(job->reply.allow, "GET, HEAD, OPTIONS");
    assert_answer(house, METHOD_GET, "*", STATUS_METHOD_NOT_ALLOWED);
}

static void parser_answers_options(void **state)
{
    struct house *house = *state;
    struct job *job = &house->fixture->job;
    assert_answer(house, METHOD_OPTIONS, "/metrics", STATUS_OK);
    assert_int_equal(job->reply.http, 204);
    assert_string_equal(job->reply.allow, "GET, HEAD, POST, OPTIONS");
    assert_answer(house, METHOD_OPTIONS, "*", STATUS_OK);
    assert_string_equal(job->reply.allow, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
}

static unsigned travel_accepting(struct house *house, const char *target, const char *accept)
{
    struct job *job = request(house, METHOD_GET, target);
    job->request.accept = slice_of(accept);
    return travel(house);
}

static void parser_minds_accept(void **state)
{
    struct house *house = *state;
    struct job *job = &house->fixture->job;
    assert_int_equal(travel_accepting(house, "/metrics", "text/html"), HOME);
    assert_int_equal(job->status, STATUS_NOT_ACCEPTABLE);
    assert_int_equal(travel_accepting(house, "/metrics", "text/html, */*;q=0.1"), STAGE_READER);
    assert_int_equal(travel_accepting(house, "/-/metrics", "application/json"), HOME);
    assert_int_equal(job->status, STATUS_NOT_ACCEPTABLE);
    assert_int_equal(
        travel_accepting(house, "/-/metrics", "application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.3"),
        HOME);
    assert_int_equal(job->status, STATUS_OK);
}

static void parser_reads_cache_control(void **state)
{
    struct house *house = *state;
    struct job *job = request(house, METHOD_GET, "/metrics");
    assert_int_equal(travel(house), STAGE_READER);
    assert_false(job->cache.no_cache);
    assert_int_equal(job->cache.max_stale_ms, -1);
    job = request(house, METHOD_GET, "/metrics/" ID);
    job->request.cache_control = SLICE("no-cache, max-stale=3");
    assert_int_equal(travel(house), STAGE_READER);
    assert_true(job->cache.no_cache);
    assert_int_equal(job->cache.max_stale_ms, 3000);
    assert_true(job->cache.key.len > 0);
}

static void parser_says_that_it_is_alive(void **state)
{
    struct house *house = *state;
    struct job *job = &house->fixture->job;
    assert_answer(house, METHOD_GET, "/healthz?verbose", STATUS_OK);
    assert_int_equal(job->reply.http, 200);
    assert_slice(job->reply.body, "{\"status\":\"ok\"}");
}

static void parser_says_whether_it_is_ready(void **state)
{
    struct house *house = *state;
    struct job *job = &house->fixture->job;
    assert_answer(house, METHOD_GET, "/readyz", STATUS_OK);
    assert_slice(job->reply.body, "{\"status\":\"ready\",\"checks\":{\"storage\":\"ok\"}}");
    house->readiness = STATUS_STORAGE_FULL;
    assert_answer(house, METHOD_GET, "/readyz", STATUS_STORAGE_UNAVAILABLE);
    assert_contains(job->reply.detail, "storage (sqlite): storage-full");
    house->reason = "the disk is full of cats";
    assert_answer(house, METHOD_GET, "/readyz", STATUS_STORAGE_UNAVAILABLE);
    assert_contains(job->reply.detail, "storage (sqlite): the disk is full of cats");
    house->readiness = STATUS_DRAINING;
    assert_answer(house, METHOD_GET, "/readyz", STATUS_DRAINING);
}

static void parser_shows_its_counters(void **state)
{
    struct house *house = *state;
    struct job *job = &house->fixture->job;
    assert_answer(house, METHOD_GET, "/-/metrics", STATUS_OK);
    assert_int_equal(job->reply.media, MEDIA_TEXT);
    assert_contains(job->reply.body, "telemetry_requests_total");
    assert_answer(house, METHOD_GET, "/-/stats", STATUS_OK);
    assert_int_equal(job->reply.media, MEDIA_JSON);
    assert_int_equal(job->reply.body.data[0], '{');
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOUSE(parser_sends_jobs_to_their_first_hop),
        WITH_HOUSE(parser_serves_head_by_the_row_of_get),
        WITH_HOUSE(parser_sends_refused_jobs_straight_home),
        WITH_HOUSE(parser_blames_no_client_for_a_lack_of_memory),
        WITH_HOUSE(parser_knows_no_other_paths),
        WITH_HOUSE(parser_knows_no_other_ids),
        WITH_HOUSE(parser_says_which_methods_a_path_takes),
        WITH_HOUSE(parser_answers_options),
        WITH_HOUSE(parser_minds_accept),
        WITH_HOUSE(parser_reads_cache_control),
        WITH_HOUSE(parser_says_that_it_is_alive),
        WITH_HOUSE(parser_says_whether_it_is_ready),
        WITH_HOUSE(parser_shows_its_counters),
    };
    return cmocka_run_group_tests_name("parser", tests, NULL, NULL);
}
