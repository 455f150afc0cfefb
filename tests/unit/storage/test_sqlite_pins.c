/* SPDX-License-Identifier: MIT */
/* A read beside a writer that has no room left but what the read's pin keeps. The read is held where it is by functions
 * of SQL that the test puts in the place of SQLite's own. */
#include <telemetry/storage.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage/sqlite/store.h"
#include "storage_hands.h"
#include "storage_questions.h"
#include "suite.h"

enum { RUN = 8, OLD = 20000, CHUNK = 500, LATE = 8 * RUN };

#define PATIENCE_NS  (10 * NS_PER_S)
#define LONG_READ_NS (1100 * NS_PER_MS) /* a bit more than what the reader takes for long */
#define CPU_MAX_NS   (300 * NS_PER_MS)

enum held_in { HELD_NOWHERE, HELD_IN_COUNT, HELD_IN_MAX };

/* What both threads know. */
static struct bench {
    struct hands *hands;
    struct job *job;
    enum held_in held_in; /* the reader */
    uint64_t start_ns;
    atomic_bool is_held, is_written;
    atomic_bool was_in_vain; /* the reader has waited for something that did not come */
} bench;

/* Where this thread is held: the reader's is. */
static _Thread_local enum held_in held_in;

/* The reader's thread: functions of SQL ---------------------------------------- */

static bool writer_waits(void)
{
    return atomic_load(&((struct store *)bench.hands->storage)->tail.is_awaited);
}

static bool writer_has_written(void)
{
    return atomic_load(&bench.is_written);
}

static bool writer_waits_for_a_long_read(void)
{
    return clock_ns() > bench.start_ns + LONG_READ_NS && writer_waits();
}

static void hold_until(bool (*comes)(void))
{
    const struct timespec step = { .tv_nsec = 50000 };
    uint64_t end_ns = clock_ns() + PATIENCE_NS;
    atomic_store(&bench.is_held, true);
    while (!comes() && clock_ns() < end_ns)
        nanosleep(&step, NULL);
    if (clock_ns() >= end_ns)
        atomic_store(&bench.was_in_vain, true);
}

/* count(*), of an index that is walked: at its first entry, and in its middle. */
static void count_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    int64_t *count = sqlite3_aggregate_context(context, sizeof(*count));
    if (count == NULL)
        return;
    ++*count;
    if (held_in == HELD_IN_COUNT && *count == 1)
        hold_until(writer_waits);
    if (held_in == HELD_IN_COUNT && *count == OLD / 2)
        hold_until(writer_has_written);
}

static void count_final(sqlite3_context *context)
{
    const int64_t *count = sqlite3_aggregate_context(context, 0);
    sqlite3_result_int64(context, count == NULL ? 0 : *count);
}

/* max(), of whole numbers, which lists of everything begin with. */
static void max_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    int64_t *max = sqlite3_aggregate_context(context, sizeof(*max));
    int64_t value = sqlite3_value_int64(values[0]);
    if (max != NULL && value > *max)
        *max = value;
}

static void max_final(sqlite3_context *context)
{
    const int64_t *max = sqlite3_aggregate_context(context, 0);
    if (max != NULL)
        sqlite3_result_int64(context, *max);
    if (held_in == HELD_IN_MAX)
        hold_until(writer_waits_for_a_long_read);
}

static int extend(sqlite3 *handle, char **ret_error, const void *api)
{
    int code = sqlite3_create_function(handle, "count", 0, SQLITE_UTF8, NULL, NULL, count_step, count_final);
    return code != SQLITE_OK ? code
                             : sqlite3_create_function(handle, "max", 1, SQLITE_UTF8, NULL, NULL, max_step, max_final);
}

static void *read_main(void *context)
{
    held_in = bench.held_in;
    hands_run(bench.hands, bench.job);
    return NULL;
}

/* The writer's thread ----------------------------------------------------------- */

/* Old metrics are merged, of the newest in the tail two are before all others. */
static int set_up(void **state)
{
    static struct spec specs[CHUNK];
    static const struct spec tail[] = { { "a", "", -2, 1, NULL }, { "a", "", -1, 1, NULL }, { "a", "", OLD, 1, NULL } };
    sqlite3_auto_extension((void (*)(void))extend);
    bench = (struct bench){ .hands = hands_new(&storage_sqlite, RUN) };
    for (unsigned i = 0; i < OLD; i++) {
        specs[i % CHUNK] = (struct spec){ "a", "", i, 1, NULL };
        if (i % CHUNK == CHUNK - 1)
            hands_insert(bench.hands, specs, CHUNK, NULL);
    }
    hands_reopen(bench.hands);
    hands_insert(bench.hands, tail, N_CASES(tail), NULL);
    return 0;
}

static int tear_down(void **state)
{
    sqlite3_cancel_auto_extension((void (*)(void))extend);
    job_fixture_free(&bench.job);
    hands_free(&bench.hands);
    return 0;
}

static uint64_t cpu_ns(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* Writes more runs than the tail has places, while the job is read. Returns the processor's time that it took. */
static uint64_t write_beside(struct job *job, enum held_in held)
{
    pthread_t reader;
    const struct timespec step = { .tv_nsec = 50000 };
    const struct spec spec = { "b", "", 5 * OLD, 1, NULL };
    bench.job = job;
    bench.held_in = held;
    bench.start_ns = clock_ns();
    assert_int_equal(pthread_create(&reader, NULL, read_main, NULL), 0);
    while (!atomic_load(&bench.is_held))
        nanosleep(&step, NULL);
    uint64_t before_ns = cpu_ns();
    for (unsigned i = 0; i < LATE; i++)
        hands_insert(bench.hands, &spec, 1, NULL);
    uint64_t took_ns = cpu_ns() - before_ns;
    atomic_store(&bench.is_written, true);
    pthread_join(reader, NULL);
    assert_false(bench.was_in_vain);
    return took_ns;
}

static void plan_lets_go_of_the_tail_when_the_writer_has_no_room(void **state)
{
    char text[64];
    const struct plan_words plan = { .from_ms = 0, .to_ms = 10 * OLD, .compare_from_ms = -10, .compare_to_ms = 0 };
    write_beside(questions_job(&plan), HELD_IN_COUNT);
    assert_int_equal(bench.job->status, STATUS_OK);
    assert_string_equal(questions_text(bench.job, text, sizeof(text)), "20001 (2)");
}

static void long_list_is_ended_when_the_writer_has_no_room(void **state)
{
    char text[64];
    struct job *job = hands_job(OP_FIND);
    job->filter.min = 2;
    uint64_t took_ns = write_beside(job, HELD_IN_MAX);
    assert_int_equal(bench.job->status, STATUS_QUERY_TOO_SLOW);
    assert_in_range(took_ns, 0, CPU_MAX_NS);
    assert_string_equal(questions_ask(bench.hands, &(struct plan_words){ .name = "b" }, text, sizeof(text)), "64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plan_lets_go_of_the_tail_when_the_writer_has_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_list_is_ended_when_the_writer_has_no_room, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("sqlite pins", tests, NULL, NULL);
}
