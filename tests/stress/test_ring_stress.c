/* SPDX-License-Identifier: MIT */
/* ring stress: millions of jobs through inboxes of all sizes, see ring_bench.h. That it can fail is
 * test_ring_planted.c's.
 *
 * STRESS_MILLIONS in the environment is the number of hand-overs, in millions. */
#include "suite.h"

#include <stdlib.h>

#include "ring_bench.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
enum { DEFAULT_MILLIONS = 2 };
#else
enum { DEFAULT_MILLIONS = 50 };
#endif

static const struct ring_scenario scenarios[] = {
    { "streams, 4 slots", 2, 2, 3, false, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 12 },
    { "streams, 8 slots", 3, 1, 7, false, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 16 },
    { "streams, 64 slots", 3, 2, 63, false, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 80 },
    { "streams, 1024 slots", 4, 3, 1000, false, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 150 },
    { "streams between loops, 128 slots", 2, 2, 100, false, SLEEP_IN_UV, SLEEP_IN_UV, .share = 72 },
    { "a loop and workers, 16 slots", 1, 3, 15, false, SLEEP_IN_UV, SLEEP_IN_WAIT, .share = 16 },
    { "jobs of pools, 64 slots", 3, 2, 63, false, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 40, .pooled = true },
    { "jobs of a pool, 4 slots, a loop", 1, 2, 3, false, SLEEP_IN_UV, SLEEP_IN_WAIT, .share = 8, .pooled = true },
    { "bursts of 2, wait", 1, 1, 2, true, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 4 },
    { "bursts of 1 by two, wait", 2, 1, 1, true, SLEEP_IN_WAIT, SLEEP_IN_WAIT, .share = 4 },
    { "streams, poll, 64 slots", 3, 2, 63, false, SLEEP_IN_POLL, SLEEP_IN_POLL, .share = 30 },
    { "bursts of 2, poll", 1, 1, 2, true, SLEEP_IN_POLL, SLEEP_IN_POLL, .share = 4 },
    { "bursts of 1 by two, poll", 2, 1, 1, true, SLEEP_IN_WAIT, SLEEP_IN_POLL, .share = 4 },
    { "bursts of 3, loop", 1, 1, 3, true, SLEEP_IN_WAIT, SLEEP_IN_UV, .share = 4 },
    { "bursts of 32, loop", 1, 1, 32, true, SLEEP_ON_FLAG, SLEEP_IN_UV, .share = 20 },
    { "bursts of 512, loop", 1, 1, 512, true, SLEEP_ON_FLAG, SLEEP_IN_UV, .share = 200 },
    { "bursts of 2, flag", 1, 1, 2, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG, .share = 20 },
    { "bursts of 8, flag", 1, 1, 8, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG, .share = 80 },
    { "bursts of 32, flag", 1, 1, 32, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG, .share = 122 },
    { "bursts of 128, flag", 1, 1, 128, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG, .share = 100 },
    { "bursts of 1000, flag", 1, 1, 1000, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG, .share = 100 },
};

static uint64_t wanted_handovers(void)
{
    const char *millions = getenv("STRESS_MILLIONS");
    uint64_t n = millions == NULL ? 0 : strtoull(millions, NULL, 10);
    return (n == 0 ? DEFAULT_MILLIONS : n) * 1000000;
}

static void jobs_arrive_once_in_order_and_awake(void **state)
{
    const struct ring_scenario *scenario = *state;
    struct ring_outcome outcome;
    uint64_t wanted = wanted_handovers() * scenario->share / 1000;
    ring_bench_run(scenario, wanted, &outcome);
    if (outcome.fault[0] != '\0')
        fail_msg("%s", outcome.fault);
    assert_true(outcome.n_handed >= wanted);
}

int main(void)
{
    struct CMUnitTest tests[N_CASES(scenarios)];
    for (unsigned i = 0; i < N_CASES(scenarios); i++)
        tests[i] = (struct CMUnitTest){ .name = scenarios[i].name,
                                        .test_func = jobs_arrive_once_in_order_and_awake,
                                        .initial_state = (void *)&scenarios[i] };
    return cmocka_run_group_tests_name("ring stress", tests, NULL, NULL);
}
