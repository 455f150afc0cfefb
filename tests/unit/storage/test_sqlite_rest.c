/* SPDX-License-Identifier: MIT */
/* What the writer gives back when nobody writes. */
#include <telemetry/storage.h>

#include <sched.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage/sqlite/writer.h"
#include "storage_hands.h"
#include "suite.h"

enum { METRICS = 2000, RUN = 512, CACHE_RESTING = 16 * 1024 };

static int set_up(void **state)
{
    *state = hands_new(&storage_sqlite, RUN);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

/* Bytes of the pages that the writer's connection holds. */
static int cache_bytes(const struct hands *hands)
{
    int bytes = -1, most;
    sqlite3 *handle = ((const struct writer *)hands->writer)->handle;
    assert_int_equal(sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_USED, &bytes, &most, 0), SQLITE_OK);
    return bytes;
}

static void insert(struct hands *hands, unsigned n)
{
    static struct spec specs[METRICS];
    for (unsigned i = 0; i < n; i++)
        specs[i] = (struct spec){ i % 2 == 0 ? "a" : "b", "tag", i, i, NULL };
    hands_insert(hands, specs, n, NULL);
}

static void tick_without_writes_gives_pages_back_once(void **state)
{
    struct hands *hands = *state;
    insert(hands, RUN / 2);
    int held = cache_bytes(hands);
    uint64_t now_ns = clock_ns();
    uint64_t rest_ns = hands->ops->tick(hands->writer, now_ns);
    assert_in_range(rest_ns, now_ns + 1, now_ns + WRITER_REST_NS);
    assert_int_equal(hands->ops->tick(hands->writer, rest_ns - 1), rest_ns);
    assert_int_equal(cache_bytes(hands), held);
    assert_true(hands->ops->tick(hands->writer, rest_ns) == UINT64_MAX);
    assert_in_range(cache_bytes(hands), 0, CACHE_RESTING);
    assert_true(held > CACHE_RESTING);
}

static void tick_after_a_rest_rests_again_when_something_is_written(void **state)
{
    struct hands *hands = *state;
    char text[16];
    insert(hands, RUN / 2);
    assert_true(hands->ops->tick(hands->writer, clock_ns() + 2 * WRITER_REST_NS) == UINT64_MAX);
    insert(hands, 1);
    uint64_t now_ns = clock_ns();
    assert_in_range(hands->ops->tick(hands->writer, now_ns), now_ns + 1, now_ns + WRITER_REST_NS);
    struct job *job = hands_job(OP_FIND);
    job->filter.name = SLICE("a");
    job->filter.limit = 1;
    assert_string_equal(hands_values(hands, job, text, sizeof(text)), "254+");
}

/* Full runs are merged first; a thread of the store sorts them meanwhile. */
static void tick_rests_when_all_is_merged(void **state)
{
    struct hands *hands = *state;
    insert(hands, METRICS);
    insert(hands, 1);
    for (uint64_t now_ns = clock_ns() + 2 * WRITER_REST_NS; now_ns != UINT64_MAX; sched_yield())
        now_ns = hands->ops->tick(hands->writer, now_ns);
    assert_in_range(cache_bytes(hands), 0, CACHE_RESTING);
    assert_int_equal(atomic_load(&hands->stats->gauges[STATS_GAUGE_STORAGE_TAIL]), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tick_without_writes_gives_pages_back_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tick_after_a_rest_rests_again_when_something_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tick_rests_when_all_is_merged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
