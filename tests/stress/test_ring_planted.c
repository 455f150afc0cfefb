/* SPDX-License-Identifier: MIT */
/* ring planted: the ring bench sees the two faults that it is there for. This program has the inbox of planted_inbox.c,
 * without its fence, and makes senders share a lane; each test passes when the bench has found a fault, and says after
 * how many hand-overs. A processor need not move a load before a store, so the hunt may be long.
 *
 * STRESS_MILLIONS in the environment is how many millions of hand-overs a fault may take to show. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include "ring_bench.h"

enum { DEFAULT_MILLIONS = 100 };

static const struct ring_scenario without_fence[] = {
    { .name = "no fence, bursts of 32, flag", 1, 1, 32, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG },
    { .name = "no fence, bursts of 8, flag", 1, 1, 8, true, SLEEP_ON_FLAG, SLEEP_ON_FLAG },
};

static const struct ring_scenario shared_lane[] = {
    { .name = "shared lane, 2 senders", 2, 1, 63, .shared_lane = true },
    { .name = "shared lane, 4 senders", 4, 1, 63, .shared_lane = true },
};

/* Runs scenarios in turn, a million hand-overs each, until one shows a fault. */
static void assert_seen(const struct ring_scenario scenarios[], unsigned n)
{
    const char *millions = getenv("STRESS_MILLIONS");
    unsigned long limit = millions == NULL ? DEFAULT_MILLIONS : strtoul(millions, NULL, 10);
    struct ring_outcome outcome = { .n_handed = 0 };
    uint64_t total = 0;
    for (unsigned i = 0; outcome.fault[0] == '\0' && total < limit * 1000000; i++) {
        ring_bench_run(&scenarios[i % n], 1000000, &outcome);
        total += outcome.n_handed;
    }
    if (outcome.fault[0] == '\0')
        fail_msg("no fault was seen in %llu hand-overs", (unsigned long long)total);
    print_message("# seen after %llu hand-overs: %s\n", (unsigned long long)total, outcome.fault);
}

static void missing_fence_loses_a_wake_up(void **state)
{
    (void)state;
    assert_seen(without_fence, N_CASES(without_fence));
}

static void shared_lane_loses_jobs(void **state)
{
    (void)state;
    assert_seen(shared_lane, N_CASES(shared_lane));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_lane_loses_jobs),
        cmocka_unit_test(missing_fence_loses_a_wake_up),
    };
    return cmocka_run_group_tests_name("ring planted", tests, NULL, NULL);
}
