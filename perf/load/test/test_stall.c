/* SPDX-License-Identifier: MIT */
/* A stall of the server must be in the figures as queueing theory says, and a closed loop must be seen to hide it. */
#include "suite.h"

#include <math.h>
#include <stdlib.h>

#include "trial.h"

enum { RATE = 1000, SECONDS = 3, N = RATE * SECONDS, STALL_AT = 1500, STALL_MS = 1000 };

/* A request that another waits behind, and the time a busy machine may add. Less than computed can only be rounding. */
static const double early_ms = 5, late_ms = 400;

static const struct stub_rules stalling = { .stall_every = STALL_AT, .stall_ms = STALL_MS };

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Latencies in a queue of one: requests arrive at a constant rate and take no time, but for the one that stalls.
 * The stall is the only one: the run ends with the request before the next. Sorted. */
static void compute_latencies(double ret_ms[N])
{
    double free_ms = 0;
    for (unsigned i = 0; i < N; i++) {
        double due_ms = i * 1000.0 / RATE;
        free_ms = fmax(free_ms, due_ms) + (i + 1 == STALL_AT ? STALL_MS : 0);
        ret_ms[i] = free_ms - due_ms;
    }
    qsort(ret_ms, N, sizeof(ret_ms[0]), by_value);
}

static void open_loop_shows_a_stall_as_computed(void **state)
{
    static const double percents[] = { 70, 75, 80, 90, 95, 99, 99.9 };
    static double computed_ms[N];
    struct trial trial = trial_run("rate 1000\nconnections 8\nwarm-up 0\nduration 2.999\n"
                                   "call get\n request GET /\n expect 200\n",
                                   &stalling, NULL);
    const struct histogram *latency = &trial.result->calls[0].latency;
    compute_latencies(computed_ms);
    assert_int_equal(trial.code, 0);
    assert_int_equal(trial.n_requests, N - 1);
    assert_int_equal(latency->total, N - 1);
    assert_int_equal(trial.result->n_errors, 0);
    for (size_t i = 0; i < N_CASES(percents); i++) {
        double wanted_ms = computed_ms[(size_t)ceil(percents[i] / 100 * (N - 1)) - 1];
        double found_ms = (double)histogram_percentile(latency, percents[i]) / 1e6;
        print_message("# p%g: computed %.1f ms, found %.1f ms\n", percents[i], wanted_ms, found_ms);
        assert_true(found_ms > wanted_ms - early_ms);
        assert_true(found_ms < wanted_ms + late_ms);
    }
    /* Those behind the eight under way are told from the client's own lag: they waited for a connection. */
    assert_true(trial.result->n_waited > STALL_MS - 8 - 50);
    assert_true((double)histogram_percentile(&trial.result->lag, 99) / 1e6 < late_ms);
    /* And from when it was sent, a request saw as little of the stall as a closed loop does. */
    assert_true((double)histogram_percentile(&trial.result->service, 99) / 1e6 < late_ms);
    assert_true((double)trial.result->service.max / 1e6 > STALL_MS - early_ms);
    trial_free(&trial);
}

static void closed_loop_hides_a_stall(void **state)
{
    struct trial trial = trial_run("rate 0\nconnections 8\nwarm-up 0\nduration 1.5\n"
                                   "call get\n request GET /\n expect 200\n",
                                   &(struct stub_rules){ .stall_every = 4000, .stall_ms = STALL_MS }, NULL);
    const struct histogram *latency = &trial.result->calls[0].latency;
    assert_int_equal(trial.result->n_errors, 0);
    assert_true(latency->total > 4000); /* the stall did happen, once or more often */
    assert_true((double)latency->max / 1e6 > STALL_MS - early_ms);
    assert_true((double)histogram_percentile(latency, 99) / 1e6 < late_ms);
    trial_free(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_loop_shows_a_stall_as_computed),
        cmocka_unit_test(closed_loop_hides_a_stall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
