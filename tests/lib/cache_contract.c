/* SPDX-License-Identifier: MIT */
#include "cache_contract.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/stats.h>

#include "job_fixture.h"

#define TTL_NS (60 * NS_PER_S)

struct contract {
    const struct cache_ops *ops;
    struct cache *cache;
    struct stats *stats;
    struct job *reader, *writer, *other;
    struct job *ended; /* by the call under way */
};

static void on_done(void *context, struct job *job)
{
    struct contract *contract = context;
    assert_null(contract->ended);
    contract->ended = job;
}

static void open_cache(struct contract *contract, uint64_t ttl_ns)
{
    struct cache_settings settings = { .max_bytes = 1 << 20, .ttl_ns = ttl_ns, .stats = contract->stats };
    struct error error;
    assert_int_equal(contract->ops->open(&settings, on_done, contract, &contract->cache, &error), 0);
}

static int setup(void **state)
{
    struct contract *contract = calloc(1, sizeof(*contract));
    contract->ops = *state;
    contract->stats = aligned_alloc(64, sizeof(*contract->stats));
    memset(contract->stats, 0, sizeof(*contract->stats));
    contract->reader = job_fixture_new();
    contract->writer = job_fixture_new();
    contract->other = job_fixture_new();
    open_cache(contract, TTL_NS);
    *state = contract;
    return 0;
}

static int teardown(void **state)
{
    struct contract *contract = *state;
    contract->ops->close(&contract->cache);
    job_fixture_free(&contract->reader);
    job_fixture_free(&contract->writer);
    job_fixture_free(&contract->other);
    free(contract->stats);
    free(contract);
    return 0;
}

static void reopen(struct contract *contract, uint64_t ttl_ns)
{
    contract->ops->close(&contract->cache);
    open_cache(contract, ttl_ns);
}

/* One call from start to done. */
static void finish(struct contract *contract, struct job *job)
{
    if (contract->ops->flush != NULL)
        contract->ops->flush(contract->cache);
    assert_ptr_equal(contract->ended, job);
    contract->ended = NULL;
}

static enum cache_result get(struct contract *contract, struct job *job, uint64_t stale_ns)
{
    job->reply = (struct reply){ 0 };
    job->cache.result = CACHE_NOT_ASKED;
    contract->ops->get(contract->cache, job, stale_ns);
    finish(contract, job);
    return (enum cache_result)job->cache.result;
}

static void put(struct contract *contract, struct job *job, const char *body, uint64_t stale_ns)
{
    job_fixture_answer(job, body);
    contract->ops->put(contract->cache, job, stale_ns);
    finish(contract, job);
}

static void bump(struct contract *contract, struct job *job)
{
    contract->ops->bump(contract->cache, job);
    finish(contract, job);
}

static void bump_name(struct contract *contract, const char *name)
{
    job_fixture_insert(contract->writer, &name, 1);
    bump(contract, contract->writer);
}

/* Looks for the answer of a key in a scope, without leave to see an old one. */
static enum cache_result look(struct contract *contract, enum cache_scope scope, const char *text, const char *key)
{
    job_fixture_read(contract->reader, scope, text, key);
    return get(contract, contract->reader, 0);
}

/* Misses and fills, as a read that went to storage. */
static void fill(struct contract *contract, enum cache_scope scope, const char *text, const char *key)
{
    assert_int_equal(look(contract, scope, text, key), CACHE_MISS);
    put(contract, contract->reader, key, 0);
}

static void assert_slice(struct slice slice, const char *expected)
{
    assert_int_equal(slice.len, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.len);
}

/* Hits and misses ---------------------------------------------------------- */

static void get_misses_what_was_never_put(void **state)
{
    assert_int_equal(look(*state, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
}

static void get_notes_generation_and_time(void **state)
{
    struct contract *contract = *state;
    uint64_t before_ns = clock_ns();
    look(contract, SCOPE_NAME, "cpu", "list cpu");
    assert_int_not_equal(contract->reader->cache.generation, 0);
    assert_in_range(contract->reader->cache.read_ns, before_ns, clock_ns());
}

static void get_hits_after_put(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "list cpu");
    struct job *job = contract->reader;
    job_fixture_answer(job, "{\"metrics\":[]}");
    job->reply.has_etag = true;
    job->reply.etag = UINT64_C(0x1234567890abcdef);
    job->reply.next_cursor = SLICE("further");
    contract->ops->put(contract->cache, job, 0);
    finish(contract, job);
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "list cpu"), CACHE_HIT);
    assert_int_equal(job->reply.http, 200);
    assert_int_equal(job->reply.media, MEDIA_JSON);
    assert_true(job->reply.has_etag);
    assert_int_equal(job->reply.etag, UINT64_C(0x1234567890abcdef));
    assert_slice(job->reply.body, "{\"metrics\":[]}");
    assert_slice(job->reply.next_cursor, "further");
}

static void get_hits_empty_body(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_ALL, "", "k");
    put(contract, contract->reader, "", 0);
    assert_int_equal(look(contract, SCOPE_ALL, "", "k"), CACHE_HIT);
    assert_int_equal(contract->reader->reply.body.len, 0);
    assert_int_equal(contract->reader->reply.next_cursor.len, 0);
}

static void get_answer_outlives_its_entry(void **state)
{
    struct contract *contract = *state;
    fill(contract, SCOPE_ALL, "", "key");
    assert_int_equal(look(contract, SCOPE_ALL, "", "key"), CACHE_HIT);
    job_fixture_read(contract->other, SCOPE_ALL, "", "key");
    get(contract, contract->other, 0);
    put(contract, contract->other, "another answer", 0);
    assert_slice(contract->reader->reply.body, "key");
}

static void get_tells_keys_apart(void **state)
{
    static const char *const keys[] = { "a", "ab", "abc", "b", "a\x01", "abcabc" };
    struct contract *contract = *state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        fill(contract, SCOPE_ALL, "", keys[i]);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(look(contract, SCOPE_ALL, "", keys[i]), CACHE_HIT);
        assert_slice(contract->reader->reply.body, keys[i]);
    }
}

static void put_replaces(void **state)
{
    struct contract *contract = *state;
    fill(contract, SCOPE_ALL, "", "key");
    job_fixture_read(contract->other, SCOPE_ALL, "", "key");
    contract->ops->peek(contract->cache, contract->other);
    finish(contract, contract->other);
    put(contract, contract->other, "second", 0);
    assert_int_equal(look(contract, SCOPE_ALL, "", "key"), CACHE_HIT);
    assert_slice(contract->reader->reply.body, "second");
}

static void put_keeps_nothing_without_generation(void **state)
{
    struct contract *contract = *state;
    job_fixture_read(contract->reader, SCOPE_ALL, "", "key");
    contract->reader->cache.read_ns = clock_ns();
    put(contract, contract->reader, "body", NS_PER_S);
    assert_int_equal(look(contract, SCOPE_ALL, "", "key"), CACHE_MISS);
}

static void peek_notes_generation_and_leaves_result(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "key");
    job_fixture_read(contract->other, SCOPE_NAME, "cpu", "key");
    contract->other->cache.result = CACHE_BYPASS;
    uint64_t before_ns = clock_ns();
    contract->ops->peek(contract->cache, contract->other);
    finish(contract, contract->other);
    assert_int_equal(contract->other->cache.result, CACHE_BYPASS);
    assert_int_equal(contract->other->cache.generation, contract->reader->cache.generation);
    assert_in_range(contract->other->cache.read_ns, before_ns, clock_ns());
}

/* Bumps -------------------------------------------------------------------- */

static void bump_makes_name_and_all_old(void **state)
{
    struct contract *contract = *state;
    fill(contract, SCOPE_NAME, "cpu", "list cpu");
    fill(contract, SCOPE_ALL, "", "list");
    bump_name(contract, "cpu");
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    assert_int_equal(look(contract, SCOPE_ALL, "", "list"), CACHE_MISS);
}

static void bump_moves_generation_upwards(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "key");
    uint64_t before = contract->reader->cache.generation;
    bump_name(contract, "cpu");
    look(contract, SCOPE_NAME, "cpu", "key");
    assert_true(contract->reader->cache.generation > before);
}

/* A backend may let scopes share a counter: of three names, at most one may share with `cpu`. */
static void bump_leaves_other_names(void **state)
{
    static const char *const names[] = { "memory", "disk", "cpu.user" };
    struct contract *contract = *state;
    unsigned n_hits = 0;
    for (unsigned i = 0; i < 3; i++)
        fill(contract, SCOPE_NAME, names[i], names[i]);
    bump_name(contract, "cpu");
    for (unsigned i = 0; i < 3; i++)
        n_hits += look(contract, SCOPE_NAME, names[i], names[i]) == CACHE_HIT;
    assert_true(n_hits >= 2);
}

static void bump_moves_every_name_of_a_batch(void **state)
{
    static const char *const names[] = { "a", "a", "b", "a", "c", "c" };
    struct contract *contract = *state;
    fill(contract, SCOPE_NAME, "a", "1");
    fill(contract, SCOPE_NAME, "b", "2");
    fill(contract, SCOPE_NAME, "c", "3");
    job_fixture_insert(contract->writer, names, 6);
    bump(contract, contract->writer);
    assert_int_equal(look(contract, SCOPE_NAME, "a", "1"), CACHE_MISS);
    assert_int_equal(look(contract, SCOPE_NAME, "b", "2"), CACHE_MISS);
    assert_int_equal(look(contract, SCOPE_NAME, "c", "3"), CACHE_MISS);
}

#define ID_HEX "0123456789abcdef01234567"

static void bump_of_update_moves_its_id_and_both_names(void **state)
{
    struct contract *contract = *state;
    static const char *const now = "new name";
    fill(contract, SCOPE_ID, ID_HEX, "id");
    fill(contract, SCOPE_ID, "0123456789ABCDEF01234567", "id in capitals");
    fill(contract, SCOPE_NAME, "old name", "old");
    fill(contract, SCOPE_NAME, now, "new");
    struct job *writer = contract->writer;
    job_fixture_insert(writer, &now, 1);
    writer->route = &job_fixture_update_route;
    writer->has_previous = true;
    writer->previous = (struct metric){ .series = SLICE("old name"), .name_bytes = 8 };
    assert_true(metric_id_parse(SLICE(ID_HEX), &writer->id));
    bump(contract, writer);
    assert_int_equal(look(contract, SCOPE_ID, ID_HEX, "id"), CACHE_MISS);
    assert_int_equal(look(contract, SCOPE_ID, "0123456789ABCDEF01234567", "id in capitals"), CACHE_MISS);
    assert_int_equal(look(contract, SCOPE_NAME, "old name", "old"), CACHE_MISS);
    assert_int_equal(look(contract, SCOPE_NAME, now, "new"), CACHE_MISS);
}

static void bump_moves_ids_that_clients_gave(void **state)
{
    struct contract *contract = *state;
    static const char *const name = "cpu";
    fill(contract, SCOPE_ID, ID_HEX, "id");
    job_fixture_insert(contract->writer, &name, 1);
    contract->writer->metrics[0].client_id = true;
    assert_true(metric_id_parse(SLICE(ID_HEX), &contract->writer->metrics[0].id));
    bump(contract, contract->writer);
    assert_int_equal(look(contract, SCOPE_ID, ID_HEX, "id"), CACHE_MISS);
}

/* Fills and bumps in either order ------------------------------------------- */

static void put_behind_a_bump_is_refused(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "key");
    bump_name(contract, "cpu");
    put(contract, contract->reader, "old", 0);
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(get(contract, contract->reader, TTL_NS), CACHE_MISS);
}

static void put_behind_a_bump_serves_only_readers_of_old(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "key");
    bump_name(contract, "cpu");
    put(contract, contract->reader, "old", NS_PER_S);
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(get(contract, contract->reader, TTL_NS), CACHE_STALE_HIT);
    assert_slice(contract->reader->reply.body, "old");
}

static void put_never_replaces_a_newer_answer(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "key");
    bump_name(contract, "cpu");
    job_fixture_read(contract->other, SCOPE_NAME, "cpu", "key");
    get(contract, contract->other, 0);
    put(contract, contract->other, "new", 0);
    put(contract, contract->reader, "old", NS_PER_S);
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_slice(contract->reader->reply.body, "new");
}

/* Age ----------------------------------------------------------------------- */

static void get_misses_past_ttl(void **state)
{
    struct contract *contract = *state;
    reopen(contract, 2 * NS_PER_MS);
    fill(contract, SCOPE_ALL, "", "key");
    uint64_t filled_ns = contract->reader->cache.read_ns;
    while (look(contract, SCOPE_ALL, "", "key") == CACHE_HIT)
        assert_true(clock_ns() < filled_ns + 2 * NS_PER_S);
    assert_true(contract->reader->cache.read_ns > filled_ns + 2 * NS_PER_MS);
    assert_int_equal(get(contract, contract->reader, TTL_NS), CACHE_MISS);
}

static void put_past_ttl_is_refused(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_ALL, "", "key");
    contract->reader->cache.read_ns -= TTL_NS + 1;
    put(contract, contract->reader, "old", 0);
    assert_int_equal(look(contract, SCOPE_ALL, "", "key"), CACHE_MISS);
}

static void get_allows_old_answers_by_their_own_read_time(void **state)
{
    struct contract *contract = *state;
    look(contract, SCOPE_NAME, "cpu", "key");
    contract->reader->cache.read_ns -= 10 * NS_PER_S;
    put(contract, contract->reader, "old", 0);
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT); /* nothing was written since */
    bump_name(contract, "cpu");
    assert_int_equal(look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(get(contract, contract->reader, 9 * NS_PER_S), CACHE_MISS);
    assert_int_equal(get(contract, contract->reader, 40 * NS_PER_S), CACHE_STALE_HIT);
    assert_slice(contract->reader->reply.body, "old");
}

/* Never stale: random reads and writes in all orders, against a model ------- */

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
    unsigned version = (unsigned)strtoul(job->reply.body.data, NULL, 10);
    model->n_hits++;
    assert_true(version >= model->answered[scope]);
    assert_true(version <= model->committed[scope]);
}

static void read_begins(struct contract *contract, struct model *model, unsigned slot)
{
    unsigned scope = pick(model, MODEL_NAMES + 1);
    uint64_t stale_ns = pick(model, 4) == 0 ? TTL_NS : 0;
    char name[16];
    char key[32];
    snprintf(name, sizeof(name), "name%u", scope);
    snprintf(key, sizeof(key), "key %u %u", scope, pick(model, 3));
    struct job *job = job_fixture_new();
    job_fixture_read(job, scope == MODEL_NAMES ? SCOPE_ALL : SCOPE_NAME, name, key);
    enum cache_result result = get(contract, job, stale_ns);
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
    put(contract, model->reads[slot].job, body, pick(model, 2) == 0 ? TTL_NS : 0);
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
    bump_name(contract, text);
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

static void get_never_misses_an_answered_write(void **state)
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

#define CONTRACT_TESTS(X)                            \
    X(get_misses_what_was_never_put)                 \
    X(get_notes_generation_and_time)                 \
    X(get_hits_after_put)                            \
    X(get_hits_empty_body)                           \
    X(get_answer_outlives_its_entry)                 \
    X(get_tells_keys_apart)                          \
    X(put_replaces)                                  \
    X(put_keeps_nothing_without_generation)          \
    X(peek_notes_generation_and_leaves_result)       \
    X(bump_makes_name_and_all_old)                   \
    X(bump_moves_generation_upwards)                 \
    X(bump_leaves_other_names)                       \
    X(bump_moves_every_name_of_a_batch)              \
    X(bump_of_update_moves_its_id_and_both_names)    \
    X(bump_moves_ids_that_clients_gave)              \
    X(put_behind_a_bump_is_refused)                  \
    X(put_behind_a_bump_serves_only_readers_of_old)  \
    X(put_never_replaces_a_newer_answer)             \
    X(get_misses_past_ttl)                           \
    X(put_past_ttl_is_refused)                       \
    X(get_allows_old_answers_by_their_own_read_time) \
    X(get_never_misses_an_answered_write)

int cache_contract_run(const struct cache_ops *ops)
{
    const struct CMUnitTest tests[] = {
#define CONTRACT_TEST(function) cmocka_unit_test_prestate_setup_teardown(function, setup, teardown, (void *)ops),
        CONTRACT_TESTS(CONTRACT_TEST)
#undef CONTRACT_TEST
    };
    return cmocka_run_group_tests_name("cache contract", tests, NULL, NULL);
}
