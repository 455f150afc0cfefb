/* SPDX-License-Identifier: MIT */
/* A disk without space, played by a limit on the size of files: writes are refused as what they are,
 * nothing is half stored, reads go on, and the store recovers by itself when there is space again. */
#include <telemetry/storage.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

enum { BATCH = 50, BATCHES_MAX = 2000 };

static int set_up(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    *state = hands_new(&storage_sqlite, 64);
    return 0;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int tear_down(void **state)
{
    limit_files(RLIM_INFINITY);
    hands_free((struct hands **)state);
    return 0;
}

static off_t log_bytes(const struct hands *hands)
{
    char path[128];
    struct stat stat_of;
    snprintf(path, sizeof(path), "%s/metrics.db-wal", hands->folder);
    return stat(path, &stat_of) == 0 ? stat_of.st_size : 0;
}

static enum status health_of(const struct hands *hands)
{
    return (enum status)atomic_load(&hands->ops->health(hands->storage)->status);
}

/* Batch number n: its metrics are of a name of their own. */
static enum status insert_batch(struct hands *hands, unsigned n)
{
    struct spec specs[BATCH];
    char name[32];
    snprintf(name, sizeof(name), "batch.%u", n);
    for (unsigned i = 0; i < BATCH; i++)
        specs[i] = (struct spec){ name, "tag", i, n, NULL };
    struct job *job = hands_insert_job(specs, BATCH);
    enum status status = hands_run(hands, job);
    assert_int_equal(job->metrics[0].has_id, status == STATUS_OK);
    job_fixture_free(&job);
    return status;
}

static unsigned count_batch(struct hands *hands, unsigned n)
{
    struct job *job = hands_job(OP_FIND);
    char name[32];
    snprintf(name, sizeof(name), "batch.%u", n);
    job->filter.name = slice_of(name);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    unsigned count = job->n_metrics;
    job_fixture_free(&job);
    return count;
}

/* Inserts batches until one is refused; returns its number. */
static unsigned insert_until_full(struct hands *hands, unsigned n)
{
    enum status status = STATUS_OK;
    for (; status == STATUS_OK && n < BATCHES_MAX; n++)
        status = insert_batch(hands, n);
    assert_int_equal(status, STATUS_STORAGE_FULL);
    assert_int_equal(health_of(hands), STATUS_STORAGE_FULL);
    return n - 1;
}

static void full_disk_refuses_writes_and_recovers(void **state)
{
    struct hands *hands = *state;
    unsigned stored = 0;
    for (unsigned round = 0; round < 4; round++) {
        limit_files((rlim_t)log_bytes(hands) + 40000 + 5000 * round);
        unsigned refused = insert_until_full(hands, stored);
        assert_int_equal(insert_batch(hands, refused), STATUS_STORAGE_FULL); /* and again */
        assert_int_equal(count_batch(hands, refused), 0);
        for (unsigned n = 0; n < refused; n++)
            assert_int_equal(count_batch(hands, n), BATCH);
        limit_files(RLIM_INFINITY);
        assert_int_equal(insert_batch(hands, refused), STATUS_OK);
        assert_int_equal(health_of(hands), STATUS_OK);
        stored = refused + 1;
    }
    hands_reopen(hands);
    for (unsigned n = 0; n < stored; n++)
        assert_int_equal(count_batch(hands, n), BATCH);
    assert_int_equal(count_batch(hands, stored), 0);
}

static void tick_finds_out_that_there_is_space_again(void **state)
{
    struct hands *hands = *state;
    limit_files((rlim_t)log_bytes(hands) + 40000);
    insert_until_full(hands, 0);
    uint64_t now_ns = clock_ns();
    uint64_t next_ns = hands->ops->tick(hands->writer, now_ns);
    assert_true(next_ns > now_ns && next_ns <= now_ns + NS_PER_S); /* it does not try all the time */
    limit_files(RLIM_INFINITY);
    hands->ops->tick(hands->writer, next_ns);
    assert_int_equal(health_of(hands), STATUS_OK);
}

static void change_on_full_disk_leaves_the_metric(void **state)
{
    struct hands *hands = *state;
    static const struct spec old = { "a", "", 1, 1, NULL }, new = { "b", "", 2, 2, NULL };
    struct metric_id id;
    hands_insert(hands, &old, 1, &id);
    limit_files((rlim_t)log_bytes(hands));
    assert_int_equal(hands_update(hands, id, &new), STATUS_STORAGE_FULL);
    assert_int_equal(hands_delete(hands, id), STATUS_STORAGE_FULL);
    char text[32];
    struct job *job = hands_job(OP_FIND);
    assert_string_equal(hands_values(hands, job, text, sizeof(text)), "1");
    limit_files(RLIM_INFINITY);
    assert_int_equal(hands_update(hands, id, &new), STATUS_OK);
    job = hands_job(OP_FIND);
    assert_string_equal(hands_values(hands, job, text, sizeof(text)), "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_disk_refuses_writes_and_recovers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tick_finds_out_that_there_is_space_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(change_on_full_disk_leaves_the_metric, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
