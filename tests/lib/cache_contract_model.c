/* SPDX-License-Identifier: MIT */
/* Random reads and writes in all orders, against a model: no hit is older than a write that was
 * answered before the look-up. A read goes get, storage, put; a write goes commit, bump, answer. */
#include "cache_contract_hands.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "job_fixture.h"

enum { MODEL_NAMES = 5, MODEL_READS = 12, MODEL_WRITES = 4, MODEL_STEPS = 60000 };

/* A scope is a name, or all (the last one). Versions count commits. */
struct model {
    unsigned committed[MODEL_NAMES + 1]; /* what storage shows */
    unsigned answered[MODEL_NAMES + 1];  /* what answered writes promise */
    struct {
        struct job *job; /* between get and put; NULL: free */
        unsigned scope, seen;
        bool has_seen;
    } reads[MODEL_READS];
    struct {
        bool under_way; /* committed, not yet bumped */
        unsigned name;
        unsigned all;
        unsigned version;
    } writes[MODEL_WRITES];
    uint64_t random;
    unsigned n_hits, n_stale, n_misses;
};

static unsigned pick(struct model *model, unsigned n)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (unsigned)(model->random >> 33) % n;
}

/* A hit must show every write answered before it began. */
static void check_hit(struct model *model, const struct job *job, unsigned scope)
{
    unsigned version = job_fixture_number(job);
    model->n_hits++;
    assert_true(version >= model->answered[scope]);
    assert_true(version <= model->committed[scope]);
}

static void read_begins(struct contract *contract, struct model *model, unsigned slot)
{
    unsigned scope = pick(model, MODEL_NAMES + 1);
    uint64_t stale_ns = pick(model, 4) == 0 ? CONTRACT_TTL_NS : 0;
    char name[16];
    char key[32];
    snprintf(name, sizeof(name), "name%u", scope);
    snprintf(key, sizeof(key), "key %u %u", scope, pick(model, 3));
    struct job *job = job_fixture_new();
    job_fixture_read(job, scope == MODEL_NAMES ? SCOPE_ALL : SCOPE_NAME, name, key);
    enum cache_result result = contract_get(contract, job, stale_ns);
    if (result == CACHE_HIT)
        check_hit(model, job, scope);
    model->n_stale += result == CACHE_STALE_HIT;
    if (result != CACHE_MISS) {
        job_fixture_free(&job);
        return;
    }
    model->n_misses++;
    model->reads[slot].job = job;
    model->reads[slot].scope = scope;
    model->reads[slot].has_seen = false;
}

static void read_goes_on(struct contract *contract, struct model *model, unsigned slot)
{
    if (!model->reads[slot].has_seen) {
        model->reads[slot].seen = model->committed[model->reads[slot].scope];
        model->reads[slot].has_seen = true;
        return;
    }
    char body[16];
    snprintf(body, sizeof(body), "%u", model->reads[slot].seen);
    contract_put(contract, model->reads[slot].job, body, pick(model, 2) == 0 ? CONTRACT_TTL_NS : 0);
    job_fixture_free(&model->reads[slot].job);
}

static void write_commits(struct model *model, unsigned slot)
{
    unsigned name = pick(model, MODEL_NAMES);
    model->writes[slot].under_way = true;
    model->writes[slot].name = name;
    model->writes[slot].version = ++model->committed[name];
    model->writes[slot].all = ++model->committed[MODEL_NAMES];
}

static void write_is_answered(struct contract *contract, struct model *model, unsigned slot)
{
    unsigned name = model->writes[slot].name;
    char text[16];
    snprintf(text, sizeof(text), "name%u", name);
    contract_bump_name(contract, text);
    model->writes[slot].under_way = false;
    if (model->answered[name] < model->writes[slot].version)
        model->answered[name] = model->writes[slot].version;
    if (model->answered[MODEL_NAMES] < model->writes[slot].all)
        model->answered[MODEL_NAMES] = model->writes[slot].all;
}

static void model_step(struct contract *contract, struct model *model)
{
    if (pick(model, 8) == 0) {
        unsigned slot = pick(model, MODEL_WRITES);
        if (model->writes[slot].under_way)
            write_is_answered(contract, model, slot);
        else
            write_commits(model, slot);
        return;
    }
    unsigned slot = pick(model, MODEL_READS);
    if (model->reads[slot].job != NULL)
        read_goes_on(contract, model, slot);
    else
        read_begins(contract, model, slot);
}

void get_never_misses_an_answered_write(void **state)
{
    struct contract *contract = *state;
    struct model model = { .random = clock_ns() | 1 };
    print_message("# model seed %llu\n", (unsigned long long)model.random);
    for (unsigned i = 0; i < MODEL_STEPS; i++)
        model_step(contract, &model);
    for (unsigned i = 0; i < MODEL_READS; i++)
        job_fixture_free(&model.reads[i].job);
    assert_true(model.n_hits > MODEL_STEPS / 20);
    assert_true(model.n_stale > MODEL_STEPS / 100);
    assert_true(model.n_misses > MODEL_STEPS / 20);
}
