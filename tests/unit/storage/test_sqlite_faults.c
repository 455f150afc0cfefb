/* SPDX-License-Identifier: MIT */
/* A disk that refuses now and then: each job is told what became of it, and the store goes on. */
#include <telemetry/storage.h>

#include <stdio.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "lossy_vfs.h"
#include "storage/sqlite/writer.h"
#include "storage_hands.h"
#include "suite.h"

static const struct spec one = { "a", "t", 1, 1, NULL };

static int set_up(void **state)
{
    *state = hands_new(&storage_sqlite, 16);
    return 0;
}

static int tear_down(void **state)
{
    lossy_vfs_fail_syncs(0);
    lossy_vfs_fail_writes(0);
    hands_free((struct hands **)state);
    return 0;
}

static enum status insert(struct hands *hands, const struct spec *spec)
{
    struct job *job = hands_insert_job(spec, 1);
    enum status status = hands_run(hands, job);
    assert_int_equal(job->metrics[0].has_id, status == STATUS_OK || job->metrics[0].client_id);
    job_fixture_free(&job);
    return status;
}

static enum status health_of(const struct hands *hands)
{
    return (enum status)atomic_load(&hands->ops->health(hands->storage)->status);
}

static unsigned count_all(struct hands *hands)
{
    struct job *job = hands_job(OP_FIND);
    job->filter.limit = FILTER_LIMIT_MAX;
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    unsigned n = job->n_metrics;
    job_fixture_free(&job);
    return n;
}

static void failed_sync_is_an_unknown_outcome(void **state)
{
    struct hands *hands = *state;
    assert_int_equal(insert(hands, &one), STATUS_OK);
    lossy_vfs_fail_syncs(1);
    assert_int_equal(insert(hands, &one), STATUS_OUTCOME_UNKNOWN);
    assert_int_equal(health_of(hands), STATUS_STORAGE_UNAVAILABLE);
    assert_int_equal(count_all(hands), 1);
    assert_int_equal(insert(hands, &one), STATUS_OK);
    assert_int_equal(health_of(hands), STATUS_OK);
    hands_reopen(hands);
    assert_int_equal(count_all(hands), 2);
}

static void resending_with_the_same_id_is_harmless(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "a", "t", 1, 1, "0123456789abcdef01234567" };
    lossy_vfs_fail_syncs(1);
    assert_int_equal(insert(hands, &spec), STATUS_OUTCOME_UNKNOWN);
    assert_int_equal(insert(hands, &spec), STATUS_OK);
    assert_int_equal(insert(hands, &spec), STATUS_OK);
    assert_int_equal(count_all(hands), 1);
}

static void failed_write_stores_nothing(void **state)
{
    struct hands *hands = *state;
    assert_int_equal(insert(hands, &one), STATUS_OK);
    lossy_vfs_fail_writes(1);
    assert_int_equal(insert(hands, &one), STATUS_STORAGE_UNAVAILABLE);
    assert_int_equal(health_of(hands), STATUS_STORAGE_UNAVAILABLE);
    assert_int_equal(count_all(hands), 1);
    uint64_t next_ns = hands->ops->tick(hands->writer, clock_ns());
    hands->ops->tick(hands->writer, next_ns);
    assert_int_equal(health_of(hands), STATUS_OK);
    assert_int_equal(atomic_load(&hands->stats->counters[STATS_STORAGE_ERRORS]), 1);
}

/* Each metric's value is its number; the store must hold those that were answered, and no other. */
static void disk_that_fails_at_random(void **state)
{
    struct hands *hands = *state;
    enum { N = 400 };
    bool stored[N] = { false };
    unsigned n_stored = 0;
    for (unsigned i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i * 37 % 50);
        const struct spec specs[] = { { name, "", i, i, NULL }, { "x", name, i, i, NULL }, { name, "y", i, i, NULL } };
        lossy_vfs_fail_syncs(i % 7 == 3);
        lossy_vfs_fail_writes(i % 5 == 2);
        struct job *job = hands_insert_job(specs, 3);
        stored[i] = hands_run(hands, job) == STATUS_OK;
        n_stored += stored[i];
        job_fixture_free(&job);
        if (i % 11 == 0)
            hands->ops->tick(hands->writer, clock_ns() + NS_PER_S);
        lossy_vfs_fail_syncs(0);
        lossy_vfs_fail_writes(0);
        if (i % 97 == 0)
            hands_reopen(hands);
    }
    assert_in_range(n_stored, N / 2, N - N / 10);
    for (unsigned again = 0; again < 2; again++) {
        for (unsigned i = 0; i < N; i++) {
            struct job *job = hands_job(OP_FIND);
            job->filter.from_ms = i;
            job->filter.to_ms = (int64_t)i + 1;
            assert_int_equal(hands_run(hands, job), STATUS_OK);
            assert_int_equal(job->n_metrics, stored[i] ? 3 : 0);
            job_fixture_free(&job);
        }
        hands_reopen(hands);
    }
}

/* What is left of a commit that failed may turn up on a new connection: it is then shown and not
 * written over. */
static void new_connection_finds_rows_it_did_not_write(void **state)
{
    struct hands *hands = *state;
    char path[128], sql[256];
    sqlite3 *other;
    assert_int_equal(insert(hands, &one), STATUS_OK);
    transaction_disconnect((struct writer *)hands->writer);
    snprintf(path, sizeof(path), "%s/metrics.db", hands->folder);
    snprintf(sql, sizeof(sql), "INSERT INTO metric(series, ts, value, age) SELECT series, 2, 2, age FROM metric");
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(insert(hands, &one), STATUS_OK);
    struct job *job = hands_job(OP_FIND);
    char text[32];
    job->filter.name = SLICE("a");
    assert_string_equal(hands_values(hands, job, text, sizeof(text)), "2 1 1");
}

static void store_that_cannot_be_opened_again_is_unavailable(void **state)
{
    struct hands *hands = *state;
    struct store *store = (struct store *)hands->storage;
    char *path = store->path;
    static char nowhere[] = "/dev/null/metrics.db";
    transaction_disconnect((struct writer *)hands->writer);
    store->path = nowhere;
    assert_int_equal(insert(hands, &one), STATUS_STORAGE_UNAVAILABLE);
    hands->ops->tick(hands->writer, clock_ns() + NS_PER_S);
    assert_int_equal(health_of(hands), STATUS_STORAGE_UNAVAILABLE);
    store->path = path;
    hands->ops->tick(hands->writer, clock_ns() + NS_PER_S);
    assert_int_equal(health_of(hands), STATUS_OK);
    assert_int_equal(insert(hands, &one), STATUS_OK);
    assert_int_equal(count_all(hands), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failed_sync_is_an_unknown_outcome, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resending_with_the_same_id_is_harmless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_write_stores_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(disk_that_fails_at_random, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_connection_finds_rows_it_did_not_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_that_cannot_be_opened_again_is_unavailable, set_up, tear_down),
    };
    lossy_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
