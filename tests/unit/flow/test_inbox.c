/* SPDX-License-Identifier: MIT */
/* inbox: lanes, room, wakes and waits. The jobs are only addresses here; nothing looks inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>

enum { JOBS = 1000 };

static struct job jobs[JOBS];

static void push(struct inbox *inbox, unsigned lane, unsigned number)
{
    struct job *job = &jobs[number];
    inbox_push(inbox, lane, &job);
    assert_null(job);
}

static void push_many(struct inbox *inbox, unsigned lane, unsigned first, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        push(inbox, lane, first + i);
}

/* The next drain gives exactly the jobs first, first + 1, ... first + n - 1. */
static void assert_drains(struct inbox *inbox, unsigned max, unsigned first, unsigned n)
{
    struct job *out[JOBS];
    assert_int_equal(inbox_drain(inbox, out, max), n);
    for (unsigned i = 0; i < n; i++)
        assert_ptr_equal(out[i], &jobs[first + i]);
}

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
}

/* Lanes ------------------------------------------------------------------- */

static void drain_of_an_empty_inbox_gives_nothing(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(3, 4, NULL, NULL);
    assert_drains(inbox, JOBS, 0, 0);
    inbox_free(&inbox);
    assert_null(inbox);
    inbox_free(&inbox);
}

static void drain_keeps_the_order_of_a_lane(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(1, JOBS, NULL, NULL);
    push_many(inbox, 0, 0, JOBS);
    assert_drains(inbox, JOBS, 0, JOBS);
    inbox_free(&inbox);
}

static void drain_takes_at_most_max(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(2, 10, NULL, NULL);
    push_many(inbox, 0, 0, 10);
    assert_drains(inbox, 3, 0, 3);
    assert_drains(inbox, 3, 3, 3);
    assert_drains(inbox, 10, 6, 4);
    inbox_free(&inbox);
}

static void drain_goes_on_in_the_next_lane(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(3, 4, NULL, NULL);
    push_many(inbox, 0, 0, 2);
    push_many(inbox, 1, 2, 1);
    push_many(inbox, 2, 3, 3);
    assert_drains(inbox, JOBS, 0, 6);
    inbox_free(&inbox);
}

static void drain_begins_with_each_lane_in_turn(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(3, 100, NULL, NULL);
    for (unsigned lane = 0; lane < 3; lane++)
        push_many(inbox, lane, 100 * lane, 100);
    for (unsigned turn = 0; turn < 50; turn++)
        for (unsigned lane = 0; lane < 3; lane++)
            assert_drains(inbox, 2, 100 * lane + 2 * turn, 2);
    assert_drains(inbox, JOBS, 0, 0);
    inbox_free(&inbox);
}

static void drain_reaches_a_quiet_lane_beside_busy_ones(void **state)
{
    (void)state;
    enum { LANES = 5, QUIET = 3 };
    struct inbox *inbox = inbox_new(LANES, 8, NULL, NULL);
    struct job *out[4];
    for (unsigned lane = 0; lane < LANES; lane++)
        push_many(inbox, lane, lane, lane == QUIET ? 1 : 8);
    bool seen = false;
    for (unsigned turn = 0; turn < LANES; turn++) {
        assert_int_equal(inbox_drain(inbox, out, 4), 4);
        for (unsigned i = 0; i < 4; i++)
            seen = seen || (turn == QUIET && out[i] == &jobs[QUIET]);
    }
    assert_true(seen);
    while (inbox_drain(inbox, out, 4) > 0)
        continue;
    inbox_free(&inbox);
}

static void push_has_room_for_every_job_in_every_lane(void **state)
{
    (void)state;
    static const unsigned sizes[] = { 1, 2, 3, 4, 5, 7, 8, 15, 16, 300 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct inbox *inbox = inbox_new(2, sizes[i], NULL, NULL);
        for (unsigned round = 0; round < 40; round++) { /* more than once around the ring */
            push_many(inbox, 0, 0, sizes[i]);
            push_many(inbox, 1, 500, sizes[i]);
            assert_drains(inbox, sizes[i], round % 2 == 0 ? 0 : 500, sizes[i]);
            assert_drains(inbox, JOBS, round % 2 == 0 ? 500 : 0, sizes[i]);
            assert_drains(inbox, JOBS, 0, 0); /* three drains a round: the other lane is first next time */
        }
        inbox_free(&inbox);
    }
}

/* Waits ------------------------------------------------------------------- */

static void wait_returns_at_once_when_a_wake_is_newer_than_the_ticket(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(1, 4, NULL, NULL);
    uint32_t ticket = inbox_ticket(inbox);
    inbox_wake(inbox);
    assert_int_not_equal(inbox_ticket(inbox), ticket);
    inbox_wait(inbox, ticket, UINT64_MAX); /* for ever, were it to sleep */
    inbox_free(&inbox);
}

static void wait_returns_at_once_past_its_deadline(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new(1, 4, NULL, NULL);
    inbox_wait(inbox, inbox_ticket(inbox), 0);
    inbox_wait(inbox, inbox_ticket(inbox), 1);
    inbox_wait(inbox, inbox_ticket(inbox), clock_ns());
    inbox_free(&inbox);
}

/* One of many waits of this length ends as soon as that behind it: others may be busy here. */
static void expect_an_end_within(uint64_t delay_ns, uint64_t wait_ns)
{
    uint64_t least = UINT64_MAX;
    struct inbox *inbox = inbox_new(1, 4, NULL, NULL);
    for (unsigned i = 0; i < 100 && least >= delay_ns; i++) {
        uint64_t deadline = clock_ns() + wait_ns;
        inbox_wait(inbox, inbox_ticket(inbox), deadline);
        uint64_t now = clock_ns();
        assert_true(now >= deadline);
        least = now - deadline < least ? now - deadline : least;
    }
    inbox_free(&inbox);
    assert_in_range(least, 0, delay_ns - 1);
}

static void wait_ends_soon_behind_its_deadline(void **state)
{
    (void)state;
    expect_an_end_within(NS_PER_MS, 200 * 1000);
    expect_an_end_within(2 * NS_PER_MS, 5 * NS_PER_MS);
    expect_an_end_within(10 * NS_PER_MS, 20 * NS_PER_MS);
}

struct waker {
    struct inbox *inbox;
    pthread_t sleeper;
};

static void *wake_later(void *context)
{
    struct waker *waker = context;
    pause_ms(30);
    inbox_wake(waker->inbox);
    return NULL;
}

static void wait_without_deadline_ends_with_a_wake(void **state)
{
    (void)state;
    struct waker waker = { .inbox = inbox_new(1, 4, NULL, NULL) };
    pthread_t thread;
    uint64_t begin = clock_ns();
    uint32_t ticket = inbox_ticket(waker.inbox);
    assert_int_equal(pthread_create(&thread, NULL, wake_later, &waker), 0);
    inbox_wait(waker.inbox, ticket, UINT64_MAX);
    assert_int_not_equal(inbox_ticket(waker.inbox), ticket);
    assert_true(clock_ns() - begin >= 25 * NS_PER_MS);
    pthread_join(thread, NULL);
    inbox_free(&waker.inbox);
}

static void on_signal(int number)
{
    (void)number;
}

static void *signal_later(void *context)
{
    struct waker *waker = context;
    for (unsigned i = 0; i < 5; i++) {
        pause_ms(5);
        pthread_kill(waker->sleeper, SIGUSR1);
    }
    return NULL;
}

static void wait_does_not_end_with_a_signal(void **state)
{
    (void)state;
    struct waker waker = { .inbox = inbox_new(1, 4, NULL, NULL), .sleeper = pthread_self() };
    struct sigaction action = { .sa_handler = on_signal };
    pthread_t thread;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    uint64_t deadline = clock_ns() + 60 * NS_PER_MS;
    assert_int_equal(pthread_create(&thread, NULL, signal_later, &waker), 0);
    inbox_wait(waker.inbox, inbox_ticket(waker.inbox), deadline);
    assert_true(clock_ns() >= deadline);
    pthread_join(thread, NULL);
    inbox_free(&waker.inbox);
}

/* The wake callback ------------------------------------------------------- */

struct sleeper {
    struct inbox *inbox;
    unsigned n_calls;
    unsigned n_drained;
};

static void on_wake(void *context)
{
    struct sleeper *sleeper = context;
    struct job *out[8];
    sleeper->n_calls++;
    sleeper->n_drained += inbox_drain(sleeper->inbox, out, 8);
}

static void wake_calls_back_behind_the_pushes(void **state)
{
    (void)state;
    struct sleeper sleeper = { .n_calls = 0 };
    sleeper.inbox = inbox_new(2, 4, on_wake, &sleeper);
    push(sleeper.inbox, 0, 0);
    push(sleeper.inbox, 1, 1);
    assert_int_equal(sleeper.n_calls, 0);
    inbox_wake(sleeper.inbox);
    assert_int_equal(sleeper.n_calls, 1);
    assert_int_equal(sleeper.n_drained, 2);
    inbox_wake(sleeper.inbox);
    assert_int_equal(sleeper.n_calls, 2);
    inbox_free(&sleeper.inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drain_of_an_empty_inbox_gives_nothing),
        cmocka_unit_test(drain_keeps_the_order_of_a_lane),
        cmocka_unit_test(drain_takes_at_most_max),
        cmocka_unit_test(drain_goes_on_in_the_next_lane),
        cmocka_unit_test(drain_begins_with_each_lane_in_turn),
        cmocka_unit_test(drain_reaches_a_quiet_lane_beside_busy_ones),
        cmocka_unit_test(push_has_room_for_every_job_in_every_lane),
        cmocka_unit_test(wait_returns_at_once_when_a_wake_is_newer_than_the_ticket),
        cmocka_unit_test(wait_returns_at_once_past_its_deadline),
        cmocka_unit_test(wait_ends_soon_behind_its_deadline),
        cmocka_unit_test(wait_without_deadline_ends_with_a_wake),
        cmocka_unit_test(wait_does_not_end_with_a_signal),
        cmocka_unit_test(wake_calls_back_behind_the_pushes),
    };
    return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
