/* SPDX-License-Identifier: MIT */
/* outbox: itineraries, one hop at a time, through inboxes that count their wakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <telemetry/inbox.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>
#include <telemetry/worker.h>

#include "job_fixture.h"

enum { READERS = 3, LOOPS = 2, LANE = 1 };

/* An inbox and how often it was woken. */
struct place {
    struct inbox *inbox;
    unsigned n_wakes;
};

struct house {
    struct topology topology;
    struct outbox outbox;
    struct stats_registry registry;
    struct place parser, cache, writer, readers[READERS], loops[LOOPS];
    struct job *job;
};

static unsigned n_encoded;

static void encode(struct job *job)
{
    (void)job;
    n_encoded++;
}

static const struct route insert_route = {
    .encode = encode,
    .hops = { { STAGE_WRITER, OP_INSERT, 0 }, { STAGE_CACHE, OP_CACHE_INVALIDATE, HOP_ENCODE | HOP_ALWAYS } },
};
static const struct route read_route = {
    .encode = encode,
    .hops = { { STAGE_CACHE, OP_CACHE_GET, 0 },
              { STAGE_READER, OP_FIND, HOP_ENCODE },
              { STAGE_CACHE, OP_CACHE_PUT, HOP_ALWAYS } },
};
static const struct route long_route = {
    .encode = encode,
    .hops = { { STAGE_CACHE, OP_CACHE_GET, 0 },
              { STAGE_READER, OP_FIND, 0 },
              { STAGE_WRITER, OP_INSERT, 0 },
              { STAGE_CACHE, OP_CACHE_PUT, 0 },
              { STAGE_CACHE, OP_CACHE_GET, 0 },
              { STAGE_READER, OP_FIND, 0 },
              { STAGE_WRITER, OP_INSERT, 0 },
              { STAGE_CACHE, OP_CACHE_PUT, 0 } },
};
_Static_assert(HOPS_MAX == 8, "the long route has no end mark");
static const struct route short_route = { .hops = { { STAGE_READER, OP_GET, HOP_ANY } } };
static const struct route aggregate_route = { .hops = { { STAGE_READER, OP_AGGREGATE, HOP_ANY | HOP_LONG } } };
static const struct route own_route = { .encode = NULL, .hops = { { 0, OP_NONE, 0 } } };

static void count_wake(void *context)
{
    struct place *place = context;
    place->n_wakes++;
}

static struct inbox *place_open(struct place *place)
{
    place->inbox = inbox_new(2, 16, count_wake, place);
    assert_non_null(place->inbox);
    return place->inbox;
}

static void place_stage(struct house *house, enum stage_id stage, struct place *place)
{
    unsigned index = house->topology.n_workers[stage]++;
    house->topology.stages[stage][index] = place_open(place);
}

static struct house house;

static int setup(void **state)
{
    house = (struct house){ .topology.n_loops = LOOPS };
    place_stage(&house, STAGE_PARSER, &house.parser);
    place_stage(&house, STAGE_CACHE, &house.cache);
    place_stage(&house, STAGE_WRITER, &house.writer);
    for (unsigned i = 0; i < READERS; i++)
        place_stage(&house, STAGE_READER, &house.readers[i]);
    for (unsigned i = 0; i < LOOPS; i++)
        house.topology.loops[i] = place_open(&house.loops[i]);
    stats_registry_init(&house.registry, "storage", "cache");
    outbox_init(&house.outbox, &house.topology, LANE, stats_new(&house.registry));
    house.job = job_fixture_new();
    house.job->home.loop = 1;
    n_encoded = 0;
    *state = &house;
    return 0;
}

static void place_close(struct place *place)
{
    struct job *left[16];
    while (inbox_drain(place->inbox, left, 16) > 0)
        continue; /* of a test that failed */
    inbox_free(&place->inbox);
}

static int teardown(void **state)
{
    (void)state;
    place_close(&house.parser);
    place_close(&house.cache);
    place_close(&house.writer);
    for (unsigned i = 0; i < READERS; i++)
        place_close(&house.readers[i]);
    for (unsigned i = 0; i < LOOPS; i++)
        place_close(&house.loops[i]);
    stats_registry_fini(&house.registry);
    job_fixture_free(&house.job);
    return 0;
}

/* Takes the one job that is there. */
static struct job *arrived(struct place *place)
{
    struct job *jobs[2] = { NULL, NULL };
    assert_int_equal(inbox_drain(place->inbox, jobs, 2), 1);
    return jobs[0];
}

/* Hands the job on and takes it from where it must be now. */
static struct job *next(struct job *job, struct place *place)
{
    struct job *handed = job;
    job_next(&house.outbox, &job);
    assert_null(job);
    job = arrived(place);
    assert_ptr_equal(job, handed);
    return job;
}

/* Itineraries ------------------------------------------------------------- */

static void start_sends_to_the_parser(void **state)
{
    (void)state;
    struct job *job = house.job;
    house.outbox.now_ns = 77;
    job_start(&house.outbox, &job);
    assert_null(job);
    job = arrived(&house.parser);
    assert_ptr_equal(job, house.job);
    assert_int_equal(job->hop, HOP_PARSER);
    assert_int_equal(job->mark_ns, 77);
}

static void next_visits_the_hops_in_order_and_then_goes_home(void **state)
{
    (void)state;
    struct job *job = house.job;
    job->route = &read_route;
    job = next(job, &house.cache);
    assert_int_equal(job->hop, 0);
    job = next(job, &house.readers[0]);
    assert_int_equal(job->hop, 1);
    assert_int_equal(n_encoded, 0);
    job = next(job, &house.cache);
    assert_int_equal(job->hop, 2);
    assert_int_equal(n_encoded, 1);
    next(job, &house.loops[1]);
    assert_int_equal(n_encoded, 1);
}

static void next_visits_all_hops_of_a_full_route(void **state)
{
    (void)state;
    struct job *job = house.job;
    job->route = &long_route;
    for (unsigned half = 0; half < 2; half++) {
        job = next(job, &house.cache);
        job = next(job, &house.readers[0]);
        job = next(job, &house.writer);
        job = next(job, &house.cache);
    }
    assert_int_equal(job->hop, HOPS_MAX - 1);
    next(job, &house.loops[1]);
    assert_int_equal(n_encoded, 0);
}

static void next_without_a_route_goes_home(void **state)
{
    (void)state;
    next(house.job, &house.loops[1]);
}

static void next_without_hops_goes_home(void **state)
{
    (void)state;
    house.job->route = &own_route;
    next(house.job, &house.loops[1]);
}

static void next_goes_to_the_loop_that_made_the_job(void **state)
{
    (void)state;
    house.job->home.loop = 0;
    next(house.job, &house.loops[0]);
}

static void next_of_a_failed_job_visits_only_hops_marked_always(void **state)
{
    (void)state;
    struct job *job = house.job;
    job->route = &read_route;
    job_fail(job, STATUS_BAD_FILTER, SLICE("refused"));
    job = next(job, &house.cache);
    assert_int_equal(job->hop, 2);
    job = next(job, &house.loops[1]);
    assert_int_equal(n_encoded, 0);
    assert_int_equal(job->status, STATUS_BAD_FILTER);
}

static void next_encodes_no_failed_job(void **state)
{
    (void)state;
    struct job *job = house.job;
    job->route = &insert_route;
    job = next(job, &house.writer);
    job_fail(job, STATUS_STORAGE_FULL, SLICE("full"));
    job = next(job, &house.cache);
    next(job, &house.loops[1]);
    assert_int_equal(n_encoded, 0);
}

static void next_encodes_behind_the_marked_hop(void **state)
{
    (void)state;
    struct job *job = house.job;
    job->route = &insert_route;
    job = next(job, &house.writer);
    job = next(job, &house.cache);
    assert_int_equal(n_encoded, 0);
    next(job, &house.loops[1]);
    assert_int_equal(n_encoded, 1);
}

static void done_skips_the_rest(void **state)
{
    (void)state;
    struct job *job = house.job;
    job->route = &read_route;
    job = next(job, &house.cache);
    job_done(&house.outbox, &job);
    assert_null(job);
    assert_ptr_equal(arrived(&house.loops[1]), house.job);
    assert_int_equal(n_encoded, 0);
}

/* Workers ----------------------------------------------------------------- */

static void next_sends_equal_hashes_to_one_worker(void **state)
{
    (void)state;
    for (uint64_t hash = 0; hash < 4 * READERS; hash++) {
        struct job *job = house.job;
        job->route = &read_route;
        job->hop = 0;
        job->worker_hash = hash;
        next(job, &house.readers[hash % READERS]);
    }
    house.job->hop = 0;
    house.job->worker_hash = UINT64_MAX;
    next(house.job, &house.readers[UINT64_MAX % READERS]);
}

/* Sends a new job along the route: the reader that has it, who keeps it in its inbox. */
static unsigned reader_of(const struct route *route, uint64_t hash)
{
    unsigned lengths[READERS], reader = 0;
    struct job *job = job_fixture_new();
    job->route = route;
    job->worker_hash = hash;
    for (unsigned i = 0; i < READERS; i++)
        lengths[i] = inbox_length(house.readers[i].inbox);
    job_next(&house.outbox, &job);
    while (reader < READERS && inbox_length(house.readers[reader].inbox) == lengths[reader])
        reader++;
    assert_true(reader < READERS);
    return reader;
}

/* The reader has done its oldest job. */
static void let_go(unsigned reader)
{
    struct outbox outbox;
    struct job *job;
    outbox_init(&outbox, &house.topology, LANE, NULL);
    outbox.own = house.readers[reader].inbox;
    assert_int_equal(inbox_drain(outbox.own, &job, 1), 1);
    struct job *done = job;
    job_next(&outbox, &job);
    assert_ptr_equal(arrived(&house.loops[0]), done);
    job_fixture_free(&done);
}

static void any_reader_takes_what_the_least_busy_one_can(void **state)
{
    (void)state;
    assert_int_equal(reader_of(&short_route, 1), 1);
    assert_int_equal(reader_of(&short_route, 1), 2);
    assert_int_equal(reader_of(&short_route, 1), 0);
    let_go(2);
    assert_int_equal(reader_of(&short_route, 1), 2);
    for (unsigned i = 0; i < READERS; i++)
        let_go(i);
}

/* Also where a hash would send them there; and it is the job in hand that counts, not only those that wait. */
static void short_ones_never_wait_behind_long_ones(void **state)
{
    (void)state;
    assert_int_equal(reader_of(&aggregate_route, 0), 1);
    assert_int_equal(reader_of(&aggregate_route, 0), 2);
    assert_int_equal(reader_of(&aggregate_route, 0), 1);
    assert_int_equal(reader_of(&short_route, 1), 0);
    assert_int_equal(reader_of(&short_route, 2), 0);
    let_go(2);
    assert_int_equal(reader_of(&short_route, 1), 2);
    let_go(1);
    assert_int_equal(reader_of(&short_route, 1), 2);
    let_go(1);
    assert_int_equal(reader_of(&short_route, 1), 1);
    for (unsigned i = 0; i < 2; i++) {
        let_go(0);
        let_go(2);
    }
    let_go(1);
}

static void one_reader_takes_all(void **state)
{
    (void)state;
    house.topology.n_workers[STAGE_READER] = 1;
    assert_int_equal(reader_of(&aggregate_route, 1), 0);
    assert_int_equal(reader_of(&short_route, 1), 0);
    let_go(0);
    let_go(0);
    house.topology.n_workers[STAGE_READER] = READERS;
}

/* Wakes ------------------------------------------------------------------- */

static void flush_wakes_each_receiver_once(void **state)
{
    (void)state;
    enum { MANY = 12 };
    struct job *jobs[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        struct job *job = jobs[i] = job_fixture_new();
        job->route = &read_route;
        job->hop = i % 2 == 0 ? HOP_PARSER : 0; /* to the cache, and to the readers 1 and 2 */
        job->worker_hash = 1 + i % 4 / 2;
        job_next(&house.outbox, &job);
    }
    assert_int_equal(house.cache.n_wakes, 0);
    outbox_flush(&house.outbox);
    assert_int_equal(house.cache.n_wakes, 1);
    assert_int_equal(house.readers[0].n_wakes, 0);
    assert_int_equal(house.readers[1].n_wakes, 1);
    assert_int_equal(house.readers[2].n_wakes, 1);
    assert_int_equal(house.loops[0].n_wakes + house.loops[1].n_wakes, 0);
    outbox_flush(&house.outbox);
    assert_int_equal(house.cache.n_wakes, 1);
    struct job *out[MANY];
    assert_int_equal(inbox_drain(house.cache.inbox, out, MANY), MANY / 2);
    assert_int_equal(inbox_drain(house.readers[1].inbox, out, MANY), MANY / 4);
    assert_int_equal(inbox_drain(house.readers[2].inbox, out, MANY), MANY / 4);
    for (unsigned i = 0; i < MANY; i++)
        job_fixture_free(&jobs[i]);
}

static void flush_wakes_again_for_what_came_since(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        struct job *job = house.job;
        job_start(&house.outbox, &job);
        outbox_flush(&house.outbox);
        assert_int_equal(house.parser.n_wakes, i);
        arrived(&house.parser);
    }
}

/* Everyone who can be reached may be sent something before one flush. */
static void flush_wakes_as_many_as_a_topology_has(void **state)
{
    (void)state;
    enum { MANY = STAGE_COUNT * WORKERS_MAX + LOOPS_MAX };
    static const enum op ops[STAGE_COUNT] = { OP_UNDERSTAND, OP_CACHE_GET, OP_INSERT, OP_FIND, OP_ADVISE };
    static struct topology full;
    static struct place places[MANY];
    struct outbox outbox;
    struct job *job = house.job;
    full.n_loops = LOOPS_MAX;
    for (unsigned i = 0; i < LOOPS_MAX; i++)
        full.loops[i] = place_open(&places[STAGE_COUNT * WORKERS_MAX + i]);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        for (unsigned i = 0; i < WORKERS_MAX; i++)
            full.stages[stage][full.n_workers[stage]++] = place_open(&places[stage * WORKERS_MAX + i]);
    outbox_init(&outbox, &full, LANE, NULL);
    for (unsigned i = 0; i < MANY; i++) {
        struct route route = { .hops = { { (uint8_t)(i / WORKERS_MAX), 0, 0 } } };
        bool goes_home = i / WORKERS_MAX >= STAGE_COUNT;
        route.hops[0].op = goes_home ? OP_NONE : (uint8_t)ops[i / WORKERS_MAX];
        job->hop = HOP_PARSER;
        job->route = &route;
        job->worker_hash = job->home.loop = i % WORKERS_MAX;
        job_next(&outbox, &job);
        job = arrived(&places[i]);
    }
    outbox_flush(&outbox);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(places[i].n_wakes, 1);
        inbox_free(&places[i].inbox);
    }
}

/* Time -------------------------------------------------------------------- */

static void next_charges_the_stage_that_lets_go(void **state)
{
    (void)state;
    struct job *job = house.job;
    house.outbox.now_ns = 1000;
    job_start(&house.outbox, &job);
    job = arrived(&house.parser);
    job->route = &read_route;
    house.outbox.now_ns = 1100;
    job = next(job, &house.cache);
    house.outbox.now_ns = 1120;
    job = next(job, &house.readers[0]);
    house.outbox.now_ns = 1620;
    job = next(job, &house.cache);
    house.outbox.now_ns = 1627;
    job = next(job, &house.loops[1]);
    assert_int_equal(job->stage_ns[STAGE_PARSER], 100);
    assert_int_equal(job->stage_ns[STAGE_CACHE], 27);
    assert_int_equal(job->stage_ns[STAGE_READER], 500);
    assert_int_equal(job->stage_ns[STAGE_WRITER], 0);
    assert_int_equal(job->mark_ns, 1627);
    assert_int_equal(atomic_load(&house.outbox.stats->stages[STAGE_CACHE].sum_ns), 27);
    assert_int_equal(atomic_load(&house.outbox.stats->stages[STAGE_READER].sum_ns), 500);
}

static void next_charges_nothing_when_the_sender_was_timed_later(void **state)
{
    (void)state;
    house.job->mark_ns = 500;
    house.outbox.now_ns = 400;
    next(house.job, &house.loops[1]);
    assert_int_equal(house.job->stage_ns[STAGE_PARSER], 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(start_sends_to_the_parser),
        TEST(next_visits_the_hops_in_order_and_then_goes_home),
        TEST(next_visits_all_hops_of_a_full_route),
        TEST(next_without_a_route_goes_home),
        TEST(next_without_hops_goes_home),
        TEST(next_goes_to_the_loop_that_made_the_job),
        TEST(next_of_a_failed_job_visits_only_hops_marked_always),
        TEST(next_encodes_no_failed_job),
        TEST(next_encodes_behind_the_marked_hop),
        TEST(done_skips_the_rest),
        TEST(next_sends_equal_hashes_to_one_worker),
        TEST(any_reader_takes_what_the_least_busy_one_can),
        TEST(short_ones_never_wait_behind_long_ones),
        TEST(one_reader_takes_all),
        TEST(flush_wakes_each_receiver_once),
        TEST(flush_wakes_again_for_what_came_since),
        TEST(flush_wakes_as_many_as_a_topology_has),
        TEST(next_charges_the_stage_that_lets_go),
        TEST(next_charges_nothing_when_the_sender_was_timed_later),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
