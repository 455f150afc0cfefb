/* SPDX-License-Identifier: MIT */
#include <telemetry/storage.h>

#include <stdio.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

#define HOUR_MS INT64_C(3600000)

static int set_up(void **state)
{
    struct hands *hands = hands_new(&storage_sqlite, 512);
    hands_close(hands);
    hands->settings.retention_days = 1;
    hands_open(hands);
    *state = hands;
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

static uint64_t expired(const struct hands *hands)
{
    return atomic_load(&hands->stats->counters[STATS_METRICS_EXPIRED]);
}

/* Ticks, a minute after the last time, until nothing is left to do for a while. */
static void sweep(struct hands *hands)
{
    static uint64_t minutes;
    uint64_t now_ns = clock_ns() + ++minutes * 60 * NS_PER_S;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t next_ns = hands->ops->tick(hands->writer, now_ns);
        if (next_ns > now_ns + NS_PER_S)
            return;
        now_ns = next_ns > now_ns ? next_ns : now_ns + 1;
    }
    fail_msg("the sweep does not come to an end");
}

static const char *values(struct hands *hands, char *text, size_t bytes)
{
    return hands_values(hands, hands_job(OP_FIND), text, bytes);
}

static void old_metrics_are_not_shown_before_they_are_swept(void **state)
{
    struct hands *hands = *state;
    int64_t now_ms = clock_wall_ms();
    const struct spec specs[] = { { "a", "", now_ms - 25 * HOUR_MS + HOUR_MS / 2, 1, NULL },
                                  { "a", "", now_ms - 23 * HOUR_MS, 2, NULL },
                                  { "b", "", now_ms - 48 * HOUR_MS, 3, NULL } };
    struct metric_id ids[3];
    char text[64];
    hands_insert(hands, specs, 3, ids);
    assert_string_equal(values(hands, text, sizeof(text)), "2");
    struct job *job = hands_get(hands, ids[0]);
    assert_int_equal(job->status, STATUS_NOT_FOUND);
    job_fixture_free(&job);
    assert_int_equal(hands_update(hands, ids[2], &specs[1]), STATUS_NOT_FOUND);
    assert_int_equal(hands_delete(hands, ids[2]), STATUS_NOT_FOUND);
    sweep(hands);
    assert_int_equal(expired(hands), 1); /* the other one is only just too old */
    assert_string_equal(values(hands, text, sizeof(text)), "2");
}

/* Thousands of rows, old and new mixed, some with ids of their own, some only just appended. */
static void sweep_removes_what_is_too_old(void **state)
{
    struct hands *hands = *state;
    enum { N = 6000, CHUNK = 500 };
    static struct spec specs[CHUNK];
    static char ids[CHUNK][METRIC_ID_HEX + 1];
    int64_t now_ms = clock_wall_ms();
    unsigned n_old = 0;
    for (unsigned first = 0; first < N; first += CHUNK) {
        for (unsigned i = 0; i < CHUNK; i++) {
            bool old = (first + i) % 3 != 0 && first + i < N - 700;
            n_old += old;
            snprintf(ids[i], sizeof(ids[i]), "ff%022x", first + i);
            specs[i] = (struct spec){ i % 2 == 0 ? "a" : "b", "", now_ms - (old ? 48 : 2) * HOUR_MS, old ? 1 : 2,
                                      i % 5 == 0 ? ids[i] : NULL };
        }
        hands_insert(hands, specs, CHUNK, NULL);
        if (first == N / 2)
            sweep(hands);
    }
    sweep(hands);
    assert_int_equal(expired(hands), n_old);
    hands_close(hands);
    hands->settings.retention_days = 0; /* now all that is stored is shown */
    hands_open(hands);
    for (unsigned k = 0; k < 2; k++) {
        struct job *job = hands_job(OP_FIND);
        job->filter.name = k == 0 ? SLICE("a") : SLICE("");
        job->filter.max = 1;
        char text[64];
        assert_string_equal(hands_values(hands, job, text, sizeof(text)), "");
    }
    unsigned n = 0;
    struct job *job = hands_job(OP_FIND);
    for (bool more = true; more; more = job->has_next) {
        assert_int_equal(hands_run(hands, job), STATUS_OK);
        n += job->n_metrics;
        job->filter.has_after = true;
        job->filter.after = job->next;
    }
    job_fixture_free(&job);
    assert_int_equal(n, N - n_old);
    static const struct spec again = { "c", "", 1, 1, "ff0000000000000000000005" };
    hands_insert(hands, &again, 1, NULL); /* ids of what was swept are free */
}

static void tick_without_retention_sweeps_nothing(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "a", "", 1, 1, NULL };
    hands_close(hands);
    hands->settings.retention_days = 0;
    hands_open(hands);
    hands_insert(hands, &spec, 1, NULL);
    sweep(hands);
    char text[64];
    assert_string_equal(values(hands, text, sizeof(text)), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_metrics_are_not_shown_before_they_are_swept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sweep_removes_what_is_too_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tick_without_retention_sweeps_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
