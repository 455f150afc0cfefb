/* SPDX-License-Identifier: MIT */
/* worker: a stage that sends every job home, on a thread or stepped by hand. What it does on its
 * thread is counted in atomics, and looked at on the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>
#include <telemetry/worker.h>

#include "job_fixture.h"

/* Lanes of every inbox: the test, its helper thread, the worker. */
enum { TEST_LANE, HELPER_LANE, WORKER_LANE, LANES };
enum { JOBS = 64, LONG_NS = 20 * 1000000000ULL };

struct bench {
    struct worker worker; /* first: stages are found from their worker */
    struct topology topology;
    struct job *jobs[JOBS];
    bool fails_to_open;
    bool circles;            /* jobs go to the worker itself again, until told */
    uint64_t tick_period_ns; /* 0: never again */
    struct job *job_in_tick; /* the stop of the worker comes during a tick, behind this job */
    unsigned n_awaited;      /* jobs that the stage awaits before the thread ends */
    atomic_bool in_tick;
    atomic_uint n_opens, n_closes, n_steps, n_stepped, n_ticks, n_early_ticks;
    atomic_uint largest_step;
    pthread_t thread;
};

static struct bench *bench_of(struct worker *worker)
{
    return (struct bench *)worker;
}

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* The stage --------------------------------------------------------------- */

static int bench_open(struct worker *worker, struct error *error)
{
    struct bench *bench = bench_of(worker);
    bench->thread = pthread_self();
    atomic_fetch_add(&bench->n_opens, 1);
    if (bench->fails_to_open)
        return error_set(error, 78, "the bench does not open");
    return 0;
}

static void bench_step(struct worker *worker, struct job *jobs[], unsigned n)
{
    struct bench *bench = bench_of(worker);
    atomic_fetch_add(&bench->n_steps, 1);
    atomic_fetch_add(&bench->n_stepped, n);
    if (n > atomic_load(&bench->largest_step))
        atomic_store(&bench->largest_step, n);
    for (unsigned i = 0; i < n; i++) {
        if (bench->circles && !atomic_load(&worker->stopping))
            inbox_push(worker->inbox, WORKER_LANE, &jobs[i]);
        else
            job_done(&worker->outbox, &jobs[i]);
    }
}

static void bench_close(struct worker *worker)
{
    atomic_fetch_add(&bench_of(worker)->n_closes, 1);
}

/* Holds the worker between its look into the inbox and its look at the flag until the test stops it. */
static void wait_for_stop(struct bench *bench)
{
    atomic_store(&bench->in_tick, true);
    while (!atomic_load(&bench->worker.stopping))
        pause_ms(1);
}

static uint64_t bench_tick(struct worker *worker, uint64_t now_ns)
{
    struct bench *bench = bench_of(worker);
    atomic_fetch_add(&bench->n_early_ticks, now_ns < worker->tick_ns);
    if (atomic_fetch_add(&bench->n_ticks, 1) == 0 && bench->job_in_tick != NULL)
        wait_for_stop(bench);
    return bench->tick_period_ns == 0 ? UINT64_MAX : now_ns + bench->tick_period_ns;
}

static bool bench_awaits(const struct worker *worker)
{
    const struct bench *bench = (const struct bench *)worker;
    return atomic_load(&bench->n_stepped) < bench->n_awaited;
}

static const struct stage plain_stage = {
    .name = "bench", .id = STAGE_WRITER, .open = bench_open, .step = bench_step, .close = bench_close
};
static const struct stage ticking_stage = { .name = "bench",
                                            .id = STAGE_WRITER,
                                            .open = bench_open,
                                            .step = bench_step,
                                            .tick = bench_tick,
                                            .close = bench_close };

static const struct stage awaiting_stage = { .name = "bench",
                                             .id = STAGE_WRITER,
                                             .open = bench_open,
                                             .step = bench_step,
                                             .awaits = bench_awaits,
                                             .close = bench_close };

static struct bench bench;

static unsigned take_home(void)
{
    struct job *jobs[JOBS];
    return inbox_drain(bench.topology.loops[0], jobs, JOBS);
}

static int setup(void **state)
{
    bench = (struct bench){ .worker.stage = &plain_stage };
    struct topology *topology = &bench.topology;
    topology->n_loops = 1;
    topology->loops[0] = inbox_new(LANES, JOBS, NULL, NULL);
    bench.worker.inbox = inbox_new(LANES, JOBS, NULL, NULL);
    bench.worker.batch_max = JOBS;
    outbox_init(&bench.worker.outbox, topology, WORKER_LANE, NULL);
    for (unsigned i = 0; i < JOBS; i++)
        bench.jobs[i] = job_fixture_new();
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct job *left[JOBS];
    inbox_drain(bench.worker.inbox, left, JOBS); /* of a test that failed */
    take_home();
    inbox_free(&bench.worker.inbox);
    inbox_free(&bench.topology.loops[0]);
    for (unsigned i = 0; i < JOBS; i++)
        job_fixture_free(&bench.jobs[i]);
    free(bench.worker.batch);
    return 0;
}

static void start(void)
{
    struct error error = { 0 };
    assert_int_equal(worker_start(&bench.worker, &error), 0);
}

static void give(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        struct job *job = bench.jobs[i];
        job->mark_ns = clock_ns();
        inbox_push(bench.worker.inbox, TEST_LANE, &job);
    }
    inbox_wake(bench.worker.inbox);
}

/* Waits until n jobs are home, or much too long. */
static void assert_come_home(unsigned n)
{
    uint64_t deadline = clock_ns() + LONG_NS;
    for (;;) {
        uint32_t ticket = inbox_ticket(bench.topology.loops[0]);
        unsigned home = take_home();
        assert_true(home <= n);
        n -= home;
        if (n == 0)
            return;
        assert_true(clock_ns() < deadline);
        inbox_wait(bench.topology.loops[0], ticket, deadline);
    }
}

/* By hand: what worker_start() does but for the thread. */
static void open_by_hand(void)
{
    bench.worker.batch = calloc(bench.worker.batch_max, sizeof(bench.worker.batch[0]));
    assert_non_null(bench.worker.batch);
}

/* Life -------------------------------------------------------------------- */

static void start_opens_on_a_thread_of_its_own_and_stop_closes(void **state)
{
    (void)state;
    start();
    assert_int_equal(atomic_load(&bench.n_opens), 1);
    assert_false(pthread_equal(bench.thread, pthread_self()));
    worker_stop(&bench.worker);
    assert_int_equal(atomic_load(&bench.n_closes), 1);
    assert_null(bench.worker.batch);
}

static void start_reports_why_open_failed(void **state)
{
    (void)state;
    struct error error = { 0 };
    bench.fails_to_open = true;
    assert_int_equal(worker_start(&bench.worker, &error), -1);
    assert_int_equal(error.exit_code, 78);
    assert_string_equal(error.text, "the bench does not open");
    assert_int_equal(atomic_load(&bench.n_closes), 0);
    assert_null(bench.worker.batch);
    bench.fails_to_open = false; /* and it can be tried again */
    start();
    worker_stop(&bench.worker);
}

static void worker_takes_jobs_while_it_runs(void **state)
{
    (void)state;
    start();
    for (unsigned round = 0; round < 100; round++) {
        give(0, JOBS);
        assert_come_home(JOBS);
    }
    worker_stop(&bench.worker);
    assert_int_equal(atomic_load(&bench.n_stepped), 100 * JOBS);
}

static void stop_finishes_what_is_in_the_inbox(void **state)
{
    (void)state;
    bench.worker.batch_max = 4;
    for (unsigned round = 0; round < 50; round++) {
        start();
        give(0, JOBS);
        worker_stop(&bench.worker);
        assert_int_equal(take_home(), JOBS);
    }
    assert_true(atomic_load(&bench.largest_step) <= 4);
}

/* Gives two jobs, one after the other, when the stop is under way. */
static void *push_behind_stop(void *context)
{
    (void)context;
    while (!atomic_load(&bench.worker.stopping))
        pause_ms(1);
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = bench.jobs[i];
        pause_ms(5);
        inbox_push(bench.worker.inbox, HELPER_LANE, &job);
        inbox_wake(bench.worker.inbox);
    }
    return NULL;
}

static void stop_waits_for_what_the_stage_awaits(void **state)
{
    (void)state;
    pthread_t helper;
    bench.worker.stage = &awaiting_stage;
    bench.n_awaited = 2;
    start();
    assert_int_equal(pthread_create(&helper, NULL, push_behind_stop, NULL), 0);
    worker_stop(&bench.worker);
    pthread_join(helper, NULL);
    assert_int_equal(take_home(), 2);
}

static void *push_in_tick(void *context)
{
    (void)context;
    while (!atomic_load(&bench.in_tick))
        pause_ms(1);
    inbox_push(bench.worker.inbox, HELPER_LANE, &bench.job_in_tick);
    inbox_wake(bench.worker.inbox);
    return NULL;
}

/* The last sender's last job may come when the worker has just found its inbox empty. */
static void stop_finishes_what_came_just_before_it(void **state)
{
    (void)state;
    pthread_t helper;
    bench.worker.stage = &ticking_stage;
    bench.job_in_tick = bench.jobs[0];
    start();
    assert_int_equal(pthread_create(&helper, NULL, push_in_tick, NULL), 0);
    pthread_join(helper, NULL);
    worker_stop(&bench.worker);
    assert_int_equal(take_home(), 1);
}

/* Batches ----------------------------------------------------------------- */

static void step_takes_one_batch(void **state)
{
    (void)state;
    bench.worker.batch_max = 10;
    open_by_hand();
    assert_int_equal(worker_step(&bench.worker), 0);
    assert_int_equal(atomic_load(&bench.n_steps), 0);
    give(0, 25);
    assert_int_equal(worker_step(&bench.worker), 10);
    assert_int_equal(worker_step(&bench.worker), 10);
    assert_int_equal(worker_step(&bench.worker), 5);
    assert_int_equal(worker_step(&bench.worker), 0);
    assert_int_equal(take_home(), 25);
}

static void step_sets_the_time_of_the_jobs(void **state)
{
    (void)state;
    open_by_hand();
    uint64_t before = clock_ns();
    give(0, 1);
    worker_step(&bench.worker);
    assert_true(bench.worker.outbox.now_ns >= before && bench.worker.outbox.now_ns <= clock_ns());
    take_home();
}

static void step_wakes_who_was_sent_something(void **state)
{
    (void)state;
    open_by_hand();
    uint32_t ticket = inbox_ticket(bench.topology.loops[0]);
    give(0, 3);
    worker_step(&bench.worker);
    assert_int_not_equal(inbox_ticket(bench.topology.loops[0]), ticket);
    take_home();
}

/* Linger ------------------------------------------------------------------ */

static uint64_t timed_step(unsigned n)
{
    uint64_t begin = clock_ns();
    assert_int_equal(worker_step(&bench.worker), n);
    assert_int_equal(take_home(), n);
    return clock_ns() - begin;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void step_without_linger_does_not_wait(void **state)
{
    (void)state;
    uint64_t shortest = UINT64_MAX;
    open_by_hand();
    for (unsigned i = 0; i < 5; i++) {
        give(0, 1);
        shortest = least(shortest, timed_step(1));
    }
    assert_true(shortest < NS_PER_MS / 2);
}

static void linger_waits_no_longer_than_it_is_told(void **state)
{
    (void)state;
    uint64_t shortest = UINT64_MAX;
    bench.worker.linger_ns = 5 * NS_PER_MS;
    open_by_hand();
    for (unsigned i = 0; i < 5; i++) {
        give(0, 1);
        uint64_t marked = bench.jobs[0]->mark_ns;
        shortest = least(shortest, timed_step(1));
        assert_true(clock_ns() >= marked + 5 * NS_PER_MS);
    }
    assert_true(shortest < 8 * NS_PER_MS);
}

static void linger_does_not_wait_when_the_batch_is_full(void **state)
{
    (void)state;
    bench.worker.linger_ns = LONG_NS;
    bench.worker.batch_max = 8;
    open_by_hand();
    give(0, 8);
    assert_true(timed_step(8) < LONG_NS / 2);
}

static void *give_slowly(void *context)
{
    (void)context;
    for (unsigned i = 1; i < 8; i++) {
        pause_ms(2);
        struct job *job = bench.jobs[i];
        job->mark_ns = clock_ns();
        inbox_push(bench.worker.inbox, HELPER_LANE, &job);
        inbox_wake(bench.worker.inbox);
    }
    return NULL;
}

static void linger_gathers_until_the_batch_is_full(void **state)
{
    (void)state;
    pthread_t helper;
    bench.worker.linger_ns = LONG_NS;
    bench.worker.batch_max = 8;
    open_by_hand();
    give(0, 1);
    assert_int_equal(pthread_create(&helper, NULL, give_slowly, NULL), 0);
    assert_true(timed_step(8) < LONG_NS / 2);
    pthread_join(helper, NULL);
    assert_int_equal(atomic_load(&bench.n_steps), 1);
}

static void linger_ends_for_a_job_that_has_waited_elsewhere(void **state)
{
    (void)state;
    bench.worker.linger_ns = LONG_NS;
    open_by_hand();
    give(0, 1);
    bench.jobs[0]->mark_ns -= LONG_NS;
    assert_true(timed_step(1) < LONG_NS / 2);
}

/* The oldest job may lie in another lane than the first. */
static void linger_counts_from_the_oldest_of_all_lanes(void **state)
{
    (void)state;
    bench.worker.linger_ns = 3 * NS_PER_S;
    open_by_hand();
    struct job *old = bench.jobs[1];
    old->mark_ns = clock_ns() - 4 * NS_PER_S;
    inbox_push(bench.worker.inbox, HELPER_LANE, &old);
    give(0, 1);
    assert_true(timed_step(2) < NS_PER_S);
}

static void *give_old(void *context)
{
    (void)context;
    pause_ms(10);
    struct job *old = bench.jobs[1];
    old->mark_ns = clock_ns() - 4 * NS_PER_S;
    inbox_push(bench.worker.inbox, HELPER_LANE, &old);
    inbox_wake(bench.worker.inbox);
    return NULL;
}

static void linger_counts_from_an_older_job_that_comes_later(void **state)
{
    (void)state;
    pthread_t helper;
    bench.worker.linger_ns = 3 * NS_PER_S;
    open_by_hand();
    give(0, 1);
    assert_int_equal(pthread_create(&helper, NULL, give_old, NULL), 0);
    assert_true(timed_step(2) < NS_PER_S);
    pthread_join(helper, NULL);
}

static void linger_ends_with_stop(void **state)
{
    (void)state;
    uint64_t begin = clock_ns();
    bench.worker.linger_ns = LONG_NS;
    for (unsigned round = 0; round < 200; round++) {
        start();
        give(0, 1);
        if (round % 8 == 0)
            pause_ms(1);
        worker_stop(&bench.worker);
        assert_int_equal(take_home(), 1);
    }
    assert_true(clock_ns() - begin < LONG_NS / 2);
}

/* Ticks ------------------------------------------------------------------- */

/* Waits for some ticks; a busy machine may have fewer than are due in that time, none has more. */
static void assert_ticks(uint64_t begin)
{
    enum { TICKS = 20 };
    while (atomic_load(&bench.n_ticks) < TICKS && clock_ns() < begin + LONG_NS)
        pause_ms(5);
    worker_stop(&bench.worker);
    assert_true(atomic_load(&bench.n_ticks) >= TICKS);
    assert_true(atomic_load(&bench.n_ticks) <= (clock_ns() - begin) / bench.tick_period_ns + 1);
    assert_int_equal(atomic_load(&bench.n_early_ticks), 0);
}

static void tick_runs_when_due_on_an_idle_worker(void **state)
{
    (void)state;
    uint64_t begin = clock_ns();
    bench.worker.stage = &ticking_stage;
    bench.tick_period_ns = 5 * NS_PER_MS;
    start();
    assert_ticks(begin);
}

static void tick_runs_when_due_under_load(void **state)
{
    (void)state;
    uint64_t begin = clock_ns();
    bench.worker.stage = &ticking_stage;
    bench.tick_period_ns = 5 * NS_PER_MS;
    bench.circles = true;
    start();
    give(0, JOBS);
    assert_ticks(begin);
    assert_int_equal(take_home(), JOBS);
    assert_true(atomic_load(&bench.n_steps) > atomic_load(&bench.n_ticks));
}

static void tick_that_wants_no_more_does_not_run_again(void **state)
{
    (void)state;
    bench.worker.stage = &ticking_stage;
    start();
    give(0, JOBS);
    assert_come_home(JOBS);
    pause_ms(20);
    worker_stop(&bench.worker);
    assert_int_equal(atomic_load(&bench.n_ticks), 1);
}

/* UINT64_MAX as the time of the first tick: the worker sleeps, takes jobs, and ends. */
static void tick_that_is_never_due_does_not_run(void **state)
{
    (void)state;
    bench.worker.stage = &ticking_stage;
    bench.worker.tick_ns = UINT64_MAX;
    start();
    give(0, JOBS);
    assert_come_home(JOBS);
    worker_stop(&bench.worker);
    assert_int_equal(atomic_load(&bench.n_ticks), 0);
}

/* Sleep ------------------------------------------------------------------- */

static uint64_t process_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

static void idle_worker_sleeps(void **state)
{
    (void)state;
    start();
    pause_ms(20);
    uint64_t before = process_cpu_ns();
    pause_ms(300);
    assert_true(process_cpu_ns() - before < 30 * NS_PER_MS);
    worker_stop(&bench.worker);
}

/* Delay --------------------------------------------------------------------- */

/* One of ten jobs is taken in a step, and the others are ahead of what comes. */
static void step_shuts_the_inbox_of_a_queue_that_stands(void **state)
{
    (void)state;
    bench.worker.batch_max = 1;
    bench.worker.codel = (struct codel){ .target_ns = 1, .interval_ns = 1 };
    open_by_hand();
    give(0, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(worker_step(&bench.worker), 1);
        assert_int_equal(inbox_is_shut(bench.worker.inbox), i < 9);
        take_home();
    }
}

/* All that waits is taken by the next step. */
static void step_leaves_an_inbox_open_that_one_batch_empties(void **state)
{
    (void)state;
    bench.worker.batch_max = JOBS;
    bench.worker.codel = (struct codel){ .target_ns = 1, .interval_ns = 1 };
    open_by_hand();
    for (unsigned i = 0; i < 10; i++) {
        give(i, 1);
        pause_ms(1);
        worker_step(&bench.worker);
        assert_false(inbox_is_shut(bench.worker.inbox));
        take_home();
    }
    assert_true(bench.worker.codel.overloaded);
}

static void step_opens_the_inbox_of_an_empty_queue(void **state)
{
    (void)state;
    bench.worker.codel = (struct codel){ .target_ns = 1, .interval_ns = LONG_NS, .overloaded = true };
    open_by_hand();
    inbox_shut(bench.worker.inbox, true);
    assert_int_equal(worker_step(&bench.worker), 0);
    assert_false(inbox_is_shut(bench.worker.inbox));
}

static void step_without_a_target_leaves_the_inbox_open(void **state)
{
    (void)state;
    bench.worker.batch_max = 1;
    open_by_hand();
    give(0, 10);
    for (unsigned i = 0; i < 10; i++) {
        worker_step(&bench.worker);
        assert_false(inbox_is_shut(bench.worker.inbox));
        take_home();
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(start_opens_on_a_thread_of_its_own_and_stop_closes),
        TEST(start_reports_why_open_failed),
        TEST(worker_takes_jobs_while_it_runs),
        TEST(stop_finishes_what_is_in_the_inbox),
        TEST(stop_finishes_what_came_just_before_it),
        TEST(stop_waits_for_what_the_stage_awaits),
        TEST(step_takes_one_batch),
        TEST(step_sets_the_time_of_the_jobs),
        TEST(step_wakes_who_was_sent_something),
        TEST(step_without_linger_does_not_wait),
        TEST(linger_waits_no_longer_than_it_is_told),
        TEST(linger_does_not_wait_when_the_batch_is_full),
        TEST(linger_gathers_until_the_batch_is_full),
        TEST(linger_ends_for_a_job_that_has_waited_elsewhere),
        TEST(linger_counts_from_the_oldest_of_all_lanes),
        TEST(linger_counts_from_an_older_job_that_comes_later),
        TEST(linger_ends_with_stop),
        TEST(tick_runs_when_due_on_an_idle_worker),
        TEST(tick_runs_when_due_under_load),
        TEST(tick_that_wants_no_more_does_not_run_again),
        TEST(tick_that_is_never_due_does_not_run),
        TEST(idle_worker_sleeps),
        TEST(step_shuts_the_inbox_of_a_queue_that_stands),
        TEST(step_leaves_an_inbox_open_that_one_batch_empties),
        TEST(step_opens_the_inbox_of_an_empty_queue),
        TEST(step_without_a_target_leaves_the_inbox_open),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
