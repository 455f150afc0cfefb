/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/shelf.h"

#include <pthread.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

static struct shelf shelf;

static int set_up(void **state)
{
    shelf_init(&shelf);
    return 0;
}

static int tear_down(void **state)
{
    shelf_fini(&shelf);
    return 0;
}

static uint64_t soon_ns(void)
{
    return clock_ns() + 20 * NS_PER_S;
}

/* A catalogue of name "a" and tag "x", of that version; the version moves by itself, so tests use a later one. */
static struct catalogue *catalogue_of(uint64_t version, bool complete)
{
    struct slice names[] = { SLICE("a") }, tags[] = { SLICE("x") };
    return catalogue_new(names, 1, tags, 1, complete, version);
}

static void put(uint64_t version, bool complete)
{
    struct catalogue *catalogue = catalogue_of(version, complete);
    shelf_put(&shelf, catalogue, STATUS_OK);
    catalogue_release(&catalogue);
}

static uint64_t later_version(void)
{
    return shelf_version(&shelf) + 1000;
}

static enum shelf_answer take_made_after(uint64_t made_after_ns)
{
    struct catalogue *catalogue = NULL;
    enum status status = STATUS_OK;
    struct shelf_wish wish = { .made_after_ns = made_after_ns, .end_ns = soon_ns() };
    enum shelf_answer answer = shelf_take(&shelf, &wish, &catalogue, &status);
    assert_int_equal(answer == SHELF_HAS, catalogue != NULL);
    catalogue_release(&catalogue);
    return answer;
}

static enum shelf_answer take(void)
{
    return take_made_after(0);
}

static void take_reads_once_and_then_has(void **state)
{
    assert_int_equal(take(), SHELF_READ);
    put(later_version(), true);
    assert_int_equal(take(), SHELF_HAS);
    assert_int_equal(take(), SHELF_HAS);
}

static void take_reads_again_when_the_version_has_moved(void **state)
{
    assert_int_equal(take(), SHELF_READ);
    put(shelf_version(&shelf) - 1, true);
    assert_int_equal(take(), SHELF_READ);
    put(later_version(), true);
    atomic_fetch_add(&shelf.n_moves, 2000);
    assert_int_equal(take(), SHELF_READ);
}

/* A prompt that was not understood asks for more than the version tells. */
static void take_reads_again_when_the_newest_is_too_old_for_the_wish(void **state)
{
    assert_int_equal(take(), SHELF_READ);
    put(later_version(), true);
    uint64_t now_ns = clock_ns();
    assert_true(shelf.newest->made_ns <= now_ns);
    assert_int_equal(take_made_after(shelf.newest->made_ns), SHELF_HAS);
    assert_int_equal(take_made_after(now_ns + 1), SHELF_READ);
    assert_int_equal(take(), SHELF_HAS); /* who has no such wish does not wait */
    put(later_version(), true);
    assert_int_equal(take_made_after(now_ns), SHELF_HAS);
}

static void take_ends_with_its_time(void **state)
{
    struct catalogue *catalogue = NULL;
    enum status status = STATUS_OK;
    assert_int_equal(take(), SHELF_READ);
    for (unsigned wait_ms = 0; wait_ms <= 5; wait_ms += 5) {
        struct shelf_wish wish = { .end_ns = clock_ns() + wait_ms * NS_PER_MS };
        assert_int_equal(shelf_take(&shelf, &wish, &catalogue, &status), SHELF_LATE);
    }
    assert_null(catalogue);
}

/* Threads ------------------------------------------------------------------------ */

struct asker {
    pthread_t thread;
    enum shelf_answer answer;
    enum status status;
    struct catalogue *catalogue;
};

static void *ask(void *context)
{
    struct asker *asker = context;
    struct shelf_wish wish = { .end_ns = soon_ns() };
    asker->answer = shelf_take(&shelf, &wish, &asker->catalogue, &asker->status);
    return NULL;
}

/* Whoever reads puts the catalogue there; all others have the same. */
static void *ask_and_read(void *context)
{
    struct asker *asker = context;
    ask(asker);
    if (asker->answer == SHELF_READ) {
        asker->catalogue = catalogue_of(later_version(), true);
        shelf_put(&shelf, asker->catalogue, STATUS_OK);
    }
    return NULL;
}

enum { ASKERS = 8 };

static void start(struct asker askers[ASKERS], void *(*run)(void *))
{
    for (unsigned i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){ .catalogue = NULL };
        assert_int_equal(pthread_create(&askers[i].thread, NULL, run, &askers[i]), 0);
    }
}

static void take_is_read_by_one_of_many(void **state)
{
    struct asker askers[ASKERS];
    unsigned n_readers = 0;
    start(askers, ask_and_read);
    for (unsigned i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        n_readers += askers[i].answer == SHELF_READ;
        assert_true(askers[i].answer == SHELF_READ || askers[i].answer == SHELF_HAS);
        assert_ptr_equal(askers[i].catalogue, shelf.newest);
        catalogue_release(&askers[i].catalogue);
    }
    assert_int_equal(n_readers, 1);
}

/* Those who came before the failure are told, or read themselves when they came behind it. */
static void *ask_and_fail(void *context)
{
    struct asker *asker = context;
    ask(asker);
    if (asker->answer == SHELF_READ)
        shelf_put(&shelf, NULL, STATUS_STORAGE_UNAVAILABLE);
    return NULL;
}

static void take_tells_that_the_reader_failed(void **state)
{
    struct asker askers[ASKERS];
    assert_int_equal(take(), SHELF_READ);
    start(askers, ask_and_fail);
    shelf_put(&shelf, NULL, STATUS_STORAGE_UNAVAILABLE);
    for (unsigned i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_true(askers[i].answer == SHELF_READ || askers[i].answer == SHELF_FAILED);
        if (askers[i].answer == SHELF_FAILED)
            assert_int_equal(askers[i].status, STATUS_STORAGE_UNAVAILABLE);
    }
    assert_int_equal(take(), SHELF_READ);
}

/* Another one's time was over, not ours. */
static void take_reads_itself_after_a_slow_reader(void **state)
{
    struct asker asker = { .catalogue = NULL };
    assert_int_equal(take(), SHELF_READ);
    assert_int_equal(pthread_create(&asker.thread, NULL, ask, &asker), 0);
    shelf_put(&shelf, NULL, STATUS_QUERY_TOO_SLOW);
    pthread_join(asker.thread, NULL);
    assert_int_equal(asker.answer, SHELF_READ);
}

/* Writers ------------------------------------------------------------------------ */

/* Whether the version moves by a batch of one insert that ended so. */
static bool moves(const char *name, const char *tags, enum status status)
{
    struct spec spec = { name, tags, 1, 1, NULL };
    struct job *job = hands_insert_job(&spec, 1);
    uint64_t before = atomic_load(&shelf.n_moves);
    job->status = status;
    shelf_notice(&shelf, &job, 1);
    job_fixture_free(&job);
    return atomic_load(&shelf.n_moves) != before;
}

static void notice_moves_for_what_is_new(void **state)
{
    assert_int_equal(take(), SHELF_READ);
    put(later_version(), true);
    assert_false(moves("a", "", STATUS_OK));
    assert_false(moves("a", "x", STATUS_OK));
    assert_false(moves("b", "", STATUS_OUTCOME_UNKNOWN));
    assert_true(moves("b", "x", STATUS_OK));
    assert_true(moves("a", "x y", STATUS_OK));
}

static void notice_looks_at_inserts_and_updates(void **state)
{
    static const enum op ops[] = { OP_INSERT, OP_UPDATE, OP_DELETE };
    static const struct spec spec = { "b", "", 1, 1, NULL };
    assert_int_equal(take(), SHELF_READ);
    put(later_version(), true);
    for (unsigned i = 0; i < N_CASES(ops); i++) {
        struct job *job = hands_job(ops[i]);
        struct metric metric = hands_metric(&spec, &job->arena);
        uint64_t before = atomic_load(&shelf.n_moves);
        job->metrics = &metric;
        job->n_metrics = 1;
        shelf_notice(&shelf, &job, 1);
        assert_int_equal(atomic_load(&shelf.n_moves) - before, ops[i] != OP_DELETE);
        job_fixture_free(&job);
    }
}

static void notice_passes_over_what_nobody_relies_on(void **state)
{
    assert_false(moves("b", "", STATUS_OK)); /* nobody ever asked */
    assert_int_equal(take(), SHELF_READ);
    put(later_version(), false); /* what it lacks may have been there before */
    assert_false(moves("b", "", STATUS_OK));
}

static void notice_passes_over_an_old_catalogue(void **state)
{
    assert_int_equal(take(), SHELF_READ);
    put(shelf_version(&shelf) - 1, true);
    assert_false(moves("b", "", STATUS_OK));
}

/* The reading may have looked before the metric was there. */
static void notice_moves_while_a_catalogue_is_read(void **state)
{
    assert_int_equal(take(), SHELF_READ);
    assert_true(moves("a", "", STATUS_OK));
    put(shelf_version(&shelf) - 1, true);
    assert_int_equal(take(), SHELF_READ);
    assert_false(moves("a", "", STATUS_OK));
    assert_true(moves("b", "", STATUS_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(take_reads_once_and_then_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(take_reads_again_when_the_version_has_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(take_reads_again_when_the_newest_is_too_old_for_the_wish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(take_ends_with_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(take_is_read_by_one_of_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(take_tells_that_the_reader_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(take_reads_itself_after_a_slow_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notice_moves_for_what_is_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notice_looks_at_inserts_and_updates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notice_passes_over_what_nobody_relies_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notice_passes_over_an_old_catalogue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notice_moves_while_a_catalogue_is_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("shelf", tests, NULL, NULL);
}
