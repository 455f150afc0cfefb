/* SPDX-License-Identifier: MIT */
/* codel: looks at times that the test makes up, and then a whole queue played in them. */
#include <telemetry/codel.h>

#include "suite.h"

enum { MS = 1000000, TARGET = 100 * MS, INTERVAL = 500 * MS };

static struct codel codel;

static int setup(void **state)
{
    (void)state;
    codel = (struct codel){ .target_ns = TARGET, .interval_ns = INTERVAL };
    return 0;
}

static bool refuses(uint64_t now_ms, uint64_t waited_ms, uint64_t ahead_ms)
{
    return codel_refuses(&codel, now_ms * MS, waited_ms * MS, ahead_ms * MS);
}

/* Above the target from 1000 ms on, and so overloaded from 1500 ms on. */
static void overload(void)
{
    assert_false(refuses(1000, 100, 200));
    assert_true(refuses(1500, 150, 100));
}

static void refuses_when_the_target_was_missed_for_an_interval(void **state)
{
    (void)state;
    assert_false(refuses(1000, 100, 499));
    assert_false(refuses(1499, 2000, 499));
    assert_true(refuses(1500, 100, 100));
}

static void refuses_at_once_with_work_for_an_interval_ahead(void **state)
{
    (void)state;
    assert_false(refuses(1000, 0, 499));
    assert_true(refuses(1001, 0, 500));
    assert_false(refuses(1002, 2000, 99));
    assert_true(refuses(1003, 2000, 100));
}

static void takes_all_when_one_job_met_the_target_within_the_interval(void **state)
{
    (void)state;
    for (uint64_t now_ms = 1000; now_ms < 5000; now_ms += 10)
        assert_false(refuses(now_ms, now_ms % 500 == 490 ? 99 : 300, 499));
}

static void takes_what_would_wait_for_less_than_the_target(void **state)
{
    (void)state;
    overload();
    assert_false(refuses(1501, 5000, 99));
    assert_true(refuses(1502, 0, 100));
    assert_false(refuses(1503, 5000, 0));
}

static void goes_on_refusing_at_once_before_an_interval_has_passed(void **state)
{
    (void)state;
    overload();
    for (uint64_t now_ms = 1600; now_ms < 5000; now_ms += 100)
        assert_int_equal(refuses(now_ms, 0, now_ms % 500 == 0 ? 100 : 50), now_ms % 500 == 0);
}

static void recovers_after_an_interval_below_the_target(void **state)
{
    (void)state;
    overload();
    assert_false(refuses(1600, 300, 50));
    assert_false(refuses(2100, 300, 50));
    assert_false(refuses(2101, 99, 400));
    assert_false(codel.overloaded);
}

/* The reader sleeps while there is nothing to do, for however long. */
static void recovers_behind_a_sleep(void **state)
{
    (void)state;
    overload();
    assert_false(refuses(1600, 0, 0));
    assert_false(refuses(100000, 0, 0));
    assert_false(refuses(100001, 99, 400));
}

static void takes_all_without_a_target(void **state)
{
    (void)state;
    codel.target_ns = 0;
    for (uint64_t now_ms = 1000; now_ms < 5000; now_ms += 10)
        assert_false(refuses(now_ms, 5000, 5000));
}

static void work_is_smoothed(void **state)
{
    (void)state;
    codel_worked(&codel, 800);
    assert_int_equal(codel.step_ns, 800);
    codel_worked(&codel, 1600);
    assert_int_equal(codel.step_ns, 900);
}

static void a_stall_says_little_of_what_comes(void **state)
{
    (void)state;
    codel.step_ns = 8 * MS;
    codel_worked(&codel, 3000ULL * MS);
    assert_int_equal(codel.step_ns, 11 * MS);
    for (unsigned i = 0; i < 20; i++)
        codel_worked(&codel, 300 * MS);
    assert_true(codel.step_ns > 200 * MS);
}

static void the_first_one_says_little_too(void **state)
{
    (void)state;
    codel_worked(&codel, 20 * MS);
    assert_int_equal(codel.step_ns, MS);
}

/* A queue whose reader needs 1 ms for each job, while `load` jobs come in that time. */
struct play {
    uint64_t came_ms[20000];
    unsigned n_came, n_served, n_refused;
    uint64_t now_ms;
    bool is_shut;
    uint64_t longest_ms; /* that a served one waited, since it was last set to 0 */
};

static void play(struct play *play, uint64_t duration_ms, unsigned load)
{
    uint64_t end_ms = play->now_ms + duration_ms;
    while (play->now_ms < end_ms) {
        unsigned n_taken = play->is_shut ? 0 : load;
        play->n_refused += load - n_taken;
        for (unsigned i = 0; i < n_taken; i++)
            play->came_ms[play->n_came++] = play->now_ms;
        uint64_t waited_ms = play->n_served < play->n_came ? play->now_ms - play->came_ms[play->n_served++] : 0;
        play->longest_ms = waited_ms > play->longest_ms ? waited_ms : play->longest_ms;
        play->now_ms++;
        play->is_shut = refuses(play->now_ms, waited_ms, play->n_came - play->n_served);
    }
}

/* However many come, the reader never rests, and after the first interval nobody waits for much longer than the
 * target. */
static void queue_is_as_long_as_the_target(void **state)
{
    static const unsigned loads[] = { 2, 3, 10 };
    (void)state;
    for (size_t i = 0; i < N_CASES(loads); i++) {
        static struct play queue;
        queue = (struct play){ .now_ms = 1 };
        codel = (struct codel){ .target_ns = TARGET, .interval_ns = INTERVAL };
        while (!queue.is_shut)
            play(&queue, 1, loads[i]);
        assert_in_range(queue.longest_ms, 0, INTERVAL / MS);
        while (queue.is_shut)
            play(&queue, 1, loads[i]);
        play(&queue, TARGET / MS + 1, loads[i]);
        queue.longest_ms = 0;
        unsigned n_served = queue.n_served;
        play(&queue, 3000, loads[i]);
        assert_int_equal(queue.n_served - n_served, 3000);
        assert_in_range(queue.longest_ms, TARGET / MS - 1, TARGET / MS + loads[i]);
    }
}

static void queue_takes_all_again_behind_an_overload(void **state)
{
    static struct play queue;
    (void)state;
    queue = (struct play){ .now_ms = 1 };
    play(&queue, 2000, 3);
    play(&queue, 110, 0);
    unsigned n_refused = queue.n_refused;
    play(&queue, 1000, 1);
    assert_int_equal(queue.n_refused, n_refused);
    assert_false(codel.overloaded);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses_when_the_target_was_missed_for_an_interval),
        TEST(refuses_at_once_with_work_for_an_interval_ahead),
        TEST(takes_all_when_one_job_met_the_target_within_the_interval),
        TEST(takes_what_would_wait_for_less_than_the_target),
        TEST(goes_on_refusing_at_once_before_an_interval_has_passed),
        TEST(recovers_after_an_interval_below_the_target),
        TEST(recovers_behind_a_sleep),
        TEST(takes_all_without_a_target),
        TEST(work_is_smoothed),
        TEST(a_stall_says_little_of_what_comes),
        TEST(the_first_one_says_little_too),
        TEST(queue_is_as_long_as_the_target),
        TEST(queue_takes_all_again_behind_an_overload),
    };
    return cmocka_run_group_tests_name("codel", tests, NULL, NULL);
}
