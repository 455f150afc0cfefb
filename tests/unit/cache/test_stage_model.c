/* SPDX-License-Identifier: MIT */
/* Random reads, writes and failures in all orders through the stage, against a model: no answer is
 * older than a write answered before the read began, and every job comes home.
 *
 * Names are written and read as lists. Ids are read before and while they are inserted: the store
 * minted them, so their insert moves no generation of theirs, and a read says not found or finds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "cache_world.h"
#include "job_fixture.h"

enum { NAMES = 3, SUBJECTS = NAMES + 1, THE_ID = NAMES, STEPS = 200000 };

/* What one job is about; found by its place among the world's jobs. */
struct errand {
    bool under_way, writes;
    unsigned subject; /* a name, or THE_ID */
    unsigned id;      /* of THE_ID: which one */
    unsigned version; /* read: answered when it began; write: committed by it */
};

struct model {
    struct cache_world *world;
    uint64_t random;
    unsigned committed[SUBJECTS]; /* of THE_ID: how many ids exist */
    unsigned answered[SUBJECTS];
    struct errand errands[WORLD_JOBS];
    struct job *at_storage[WORLD_JOBS]; /* has been read or committed, not yet let go */
    unsigned seen[WORLD_JOBS];
    unsigned n_at_storage;
    unsigned results[CACHE_BYPASS + 1];
    unsigned n_not_found, n_failed;
};

static unsigned pick(struct model *model, unsigned n)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (unsigned)(model->random >> 33) % n;
}

static struct errand *errand_of(struct model *model, const struct job *job)
{
    unsigned i = 0;
    while (model->world->jobs[i] != job)
        i++;
    return &model->errands[i];
}

static void begin_read(struct model *model, struct job *job, struct errand *errand)
{
    char text[32];
    char key[48];
    /* an id that exists since a moment, or the one that comes next: readers guess it */
    errand->id = model->committed[THE_ID] + pick(model, 2) - (model->committed[THE_ID] > 0 ? pick(model, 2) : 0);
    bool of_id = errand->subject == THE_ID;
    snprintf(text, sizeof(text), of_id ? "%024u" : "name%u", of_id ? errand->id : errand->subject);
    snprintf(key, sizeof(key), "%u %s", errand->subject, text);
    job_fixture_read(job, of_id ? SCOPE_ID : SCOPE_NAME, text, key);
    job->cache.no_cache = pick(model, 16) == 0;
    errand->version = model->answered[errand->subject];
}

static void begin(struct model *model)
{
    unsigned i = pick(model, WORLD_JOBS);
    struct errand *errand = &model->errands[i];
    struct job *job = model->world->jobs[i];
    if (errand->under_way)
        return;
    *errand = (struct errand){ .under_way = true, .writes = pick(model, 12) == 0, .subject = pick(model, SUBJECTS) };
    job->hop = HOP_PARSER;
    job->deadline_ns = pick(model, 64) == 0 ? clock_ns() + pick(model, 100000) : UINT64_MAX;
    char name[16];
    snprintf(name, sizeof(name), "name%u", errand->subject);
    const char *names[] = { name };
    if (errand->writes)
        job_fixture_insert(job, names, 1);
    else
        begin_read(model, job, errand);
    world_send(model->world, job);
}

/* Storage reads or commits at this moment; the job stays there for a while. */
static void storage_takes(struct model *model, struct job *job)
{
    if (job == NULL)
        return;
    struct errand *errand = errand_of(model, job);
    if (errand->writes)
        errand->version = ++model->committed[errand->subject];
    model->seen[model->n_at_storage] = model->committed[errand->subject];
    model->at_storage[model->n_at_storage++] = job;
}

static void storage_ends_one(struct model *model)
{
    static const enum status failures[] = { STATUS_EXPIRED, STATUS_STORAGE_UNAVAILABLE, STATUS_OUT_OF_MEMORY };
    if (model->n_at_storage == 0)
        return;
    unsigned i = pick(model, model->n_at_storage);
    struct job *job = model->at_storage[i];
    unsigned seen = model->seen[i];
    model->at_storage[i] = model->at_storage[--model->n_at_storage];
    model->seen[i] = model->seen[model->n_at_storage];
    struct errand *errand = errand_of(model, job);
    char body[16];
    snprintf(body, sizeof(body), "%u", seen);
    if (errand->writes)
        world_answer(model->world, job, "");
    else if (pick(model, 6) == 0)
        world_fail(model->world, job, failures[pick(model, 3)]);
    else if (errand->subject == THE_ID && errand->id >= seen)
        world_fail(model->world, job, STATUS_NOT_FOUND);
    else
        world_answer(model->world, job, body);
}

static void check_read(struct model *model, const struct job *job, const struct errand *errand)
{
    if (job->status == STATUS_NOT_FOUND) {
        model->n_not_found++;
        assert_true(errand->id >= errand->version); /* it was not answered that this id exists */
    } else if (job->status != STATUS_OK) {
        model->n_failed++;
    } else {
        unsigned version = job_fixture_number(job);
        model->results[job->cache.result]++;
        assert_true(errand->subject == THE_ID ? version > errand->id : version >= errand->version);
        assert_true(version <= model->committed[errand->subject]);
    }
}

static void home_takes(struct model *model, struct job *job)
{
    struct errand *errand = errand_of(model, job);
    assert_true(errand->under_way);
    errand->under_way = false;
    if (!errand->writes)
        check_read(model, job, errand);
    else if (model->answered[errand->subject] < errand->version)
        model->answered[errand->subject] = errand->version;
}

static void home_takes_all(struct model *model)
{
    struct job *job;
    while ((job = world_at_home(model->world)) != NULL)
        home_takes(model, job);
}

static void tick(struct model *model)
{
    struct worker *worker = &model->world->cache.worker;
    uint64_t now_ns = clock_ns();
    if (now_ns >= worker->tick_ns)
        worker->tick_ns = worker->stage->tick(worker, now_ns);
}

static void one_of_all(struct model *model)
{
    switch (pick(model, 8)) {
    case 0:
    case 1:
    case 2:
        begin(model);
        break;
    case 3:
        world_step(model->world);
        tick(model);
        break;
    case 4:
        storage_takes(model, world_at_reader(model->world));
        break;
    case 5:
        storage_takes(model, world_at_writer(model->world));
        break;
    case 6:
        storage_ends_one(model);
        break;
    default:
        home_takes_all(model);
    }
}

static void bring_all_home(struct model *model)
{
    while (model->world->n_home < model->world->n_sent) {
        world_step(model->world);
        tick(model);
        storage_takes(model, world_at_reader(model->world));
        storage_takes(model, world_at_writer(model->world));
        storage_ends_one(model);
        home_takes_all(model);
    }
}

static void no_read_misses_an_answered_write(void **state)
{
    struct model model = { .world = *state, .random = clock_ns() | 1 };
    print_message("# model seed %llu\n", (unsigned long long)model.random);
    for (unsigned i = 0; i < WORLD_JOBS; i++)
        world_insert(model.world, "job");
    for (unsigned i = 0; i < STEPS; i++)
        one_of_all(&model);
    bring_all_home(&model);
    assert_all_home(model.world);
    for (enum cache_result result = CACHE_HIT; result <= CACHE_BYPASS; result++)
        assert_true(result == CACHE_STALE_HIT || model.results[result] > STEPS / 500);
    assert_true(model.n_not_found > STEPS / 500);
    assert_true(model.n_failed > STEPS / 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_read_misses_an_answered_write, cache_world_setup, cache_world_teardown),
    };
    return cmocka_run_group_tests_name("cache stage model", tests, NULL, NULL);
}
