/* SPDX-License-Identifier: MIT */
/* Readers beside a writer, each on its own thread: whatever was answered before a read begins is seen
 * by it, at every stage of its way into the index. */
#include <telemetry/storage.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

enum { READERS = 2, SLOTS = 16, LOGS = 8, ROUNDS = 800, RUN_ROWS = 32, NOISE = 9 };

/* What the writer has been answered; readers load it before they read. */
struct answered {
    struct hands *hands;
    struct metric_id ids[SLOTS]; /* one metric each, updated again and again: value = version */
    atomic_uint versions[SLOTS];
    atomic_uint n_logged[LOGS];    /* one more metric each time, with this timestamp */
    struct metric_id gone[ROUNDS]; /* deleted metrics */
    atomic_uint n_gone;
    atomic_bool ended;
    atomic_uint n_reads;
};

struct reader_thread {
    struct answered *answered;
    unsigned index;
    uint64_t random;
    pthread_t thread;
    const char *complaint; /* NULL: all was well */
};

static unsigned dice(uint64_t *random, unsigned sides)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (unsigned)(*random >> 33) % sides;
}

/* Writer ------------------------------------------------------------------- */

static struct spec slot_spec(unsigned slot, unsigned version, char name[32])
{
    snprintf(name, 32, "slot.%u", slot);
    return (struct spec){ name, version % 2 == 0 ? "even" : "odd", (int64_t)version * 7 % 1000, version, NULL };
}

static void write_round(struct answered *answered, unsigned round)
{
    struct hands *hands = answered->hands;
    char name[32];
    unsigned slot = round % SLOTS, log = round % LOGS;
    unsigned version = atomic_load_explicit(&answered->versions[slot], memory_order_relaxed) + 1;
    struct spec spec = slot_spec(slot, version, name);
    assert_int_equal(hands_update(hands, answered->ids[slot], &spec), STATUS_OK);
    atomic_store_explicit(&answered->versions[slot], version, memory_order_release);

    unsigned n = atomic_load_explicit(&answered->n_logged[log], memory_order_relaxed) + 1;
    snprintf(name, sizeof(name), "log.%u", log);
    spec = (struct spec){ name, "", n, n, NULL };
    hands_insert(hands, &spec, 1, NULL);
    atomic_store_explicit(&answered->n_logged[log], n, memory_order_release);

    struct spec noise[NOISE];
    struct metric_id ids[NOISE];
    for (unsigned i = 0; i < NOISE; i++)
        noise[i] = (struct spec){ i % 2 == 0 ? "noise" : "hum", "n", (round * 31 + i) % 500, i, NULL };
    hands_insert(hands, noise, NOISE, ids);
    assert_int_equal(hands_delete(hands, ids[round % NOISE]), STATUS_OK);
    unsigned n_gone = atomic_load_explicit(&answered->n_gone, memory_order_relaxed);
    answered->gone[n_gone] = ids[round % NOISE];
    atomic_store_explicit(&answered->n_gone, n_gone + 1, memory_order_release);
    hands->ops->tick(hands->writer, clock_ns() + (round % 50 == 0) * NS_PER_S);
}

/* Readers ------------------------------------------------------------------ */

static enum status run(struct storage_session *session, struct job *job)
{
    storage_sqlite.read(session, &job, 1);
    return job->status;
}

static const char *read_slot(struct answered *answered, struct storage_session *session, unsigned slot)
{
    const char *complaint = NULL;
    char name[32];
    unsigned version = atomic_load_explicit(&answered->versions[slot], memory_order_acquire);
    struct job *job = hands_job(OP_GET);
    job->id = answered->ids[slot];
    if (run(session, job) != STATUS_OK || job->metrics[0].value < version)
        complaint = "get does not see an update";
    job_fixture_free(&job);
    job = hands_job(OP_FIND);
    snprintf(name, sizeof(name), "slot.%u", slot);
    job->filter.name = slice_of(name);
    if (run(session, job) != STATUS_OK || job->n_metrics != 1)
        complaint = "a list does not have one metric of a slot";
    else if (job->metrics[0].value < version)
        complaint = "a list does not see an update";
    job_fixture_free(&job);
    return complaint;
}

/* Timestamps n, n - 1, .. 1 stand in the list without a gap, from at least what was answered. */
static const char *read_log(struct answered *answered, struct storage_session *session, unsigned log)
{
    const char *complaint = NULL;
    char name[32];
    unsigned n = atomic_load_explicit(&answered->n_logged[log], memory_order_acquire);
    struct job *job = hands_job(OP_FIND);
    snprintf(name, sizeof(name), "log.%u", log);
    job->filter.name = slice_of(name);
    job->filter.limit = FILTER_LIMIT_MAX;
    if (run(session, job) != STATUS_OK || job->n_metrics < n)
        complaint = "a list does not see an insert";
    for (unsigned i = 0; complaint == NULL && i < job->n_metrics; i++)
        if (job->metrics[i].timestamp_ms != (int64_t)(job->n_metrics - i))
            complaint = "a list has a gap";
    job_fixture_free(&job);
    return complaint;
}

static const char *read_gone(struct answered *answered, struct storage_session *session, uint64_t *random)
{
    const char *complaint = NULL;
    unsigned n = atomic_load_explicit(&answered->n_gone, memory_order_acquire);
    if (n == 0)
        return NULL;
    struct job *job = hands_job(OP_GET);
    job->id = answered->gone[n - 1 - dice(random, n < 10 ? n : 10)];
    if (run(session, job) != STATUS_NOT_FOUND)
        complaint = "a deleted metric is found";
    job_fixture_free(&job);
    return complaint;
}

static const char *read_all(struct answered *answered, struct storage_session *session)
{
    const char *complaint = NULL;
    struct job *job = hands_job(OP_FIND);
    job->filter.name = SLICE("slot.");
    job->filter.name_is_prefix = true;
    if (run(session, job) != STATUS_OK || job->n_metrics != SLOTS)
        complaint = "a list over a prefix does not have one metric of each slot";
    job_fixture_free(&job);
    return complaint;
}

static void *reader_main(void *context)
{
    struct reader_thread *self = context;
    struct answered *answered = self->answered;
    struct storage_session *session;
    struct error error;
    struct stats *stats = answered->hands->stats; /* readers count nothing there */
    if (storage_sqlite.attach(answered->hands->storage, STORAGE_READER, 1 + self->index, stats, &session, &error) !=
        0) {
        self->complaint = "attach failed";
        return NULL;
    }
    while (self->complaint == NULL && !atomic_load(&answered->ended)) {
        unsigned kind = dice(&self->random, 8);
        if (kind < 3)
            self->complaint = read_slot(answered, session, dice(&self->random, SLOTS));
        else if (kind < 6)
            self->complaint = read_log(answered, session, dice(&self->random, LOGS));
        else if (kind == 6)
            self->complaint = read_gone(answered, session, &self->random);
        else
            self->complaint = read_all(answered, session);
        atomic_fetch_add(&answered->n_reads, 1);
    }
    storage_sqlite.detach(&session);
    return NULL;
}

static void answered_writes_are_seen(void **state)
{
    struct answered *answered = calloc(1, sizeof(*answered));
    struct reader_thread readers[READERS];
    char name[32];
    answered->hands = hands_new(&storage_sqlite, RUN_ROWS);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct spec spec = slot_spec(i, 0, name);
        hands_insert(answered->hands, &spec, 1, &answered->ids[i]);
    }
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader_thread){ .answered = answered, .index = i, .random = i + 88172645463325252 };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        write_round(answered, round);
    atomic_store(&answered->ended, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].complaint != NULL)
            fail_msg("%s", readers[i].complaint);
    }
    print_message("# %u reads beside %d rounds of writes\n", atomic_load(&answered->n_reads), (int)ROUNDS);
    hands_free(&answered->hands);
    free(answered);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(answered_writes_are_seen) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
