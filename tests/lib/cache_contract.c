/* SPDX-License-Identifier: MIT */
#include "cache_contract.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "cache_contract_hands.h"
#include "job_fixture.h"

/* Hits and misses ---------------------------------------------------------- */

static void get_misses_what_was_never_put(void **state)
{
    assert_int_equal(contract_look(*state, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
}

static void get_notes_generation_and_time(void **state)
{
    struct contract *contract = *state;
    uint64_t before_ns = clock_ns();
    contract_look(contract, SCOPE_NAME, "cpu", "list cpu");
    assert_int_not_equal(contract->reader->cache.generation, 0);
    assert_in_range(contract->reader->cache.read_ns, before_ns, clock_ns());
}

static void get_hits_after_put(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "list cpu");
    struct job *job = contract->reader;
    job_fixture_answer(job, "{\"metrics\":[]}");
    job->reply.has_etag = true;
    job->reply.etag = UINT64_C(0x1234567890abcdef);
    job->reply.next_cursor = SLICE("further");
    contract->ops->put(contract->cache, job, 0);
    contract_finish(contract, job);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "list cpu"), CACHE_HIT);
    assert_int_equal(job->reply.http, 200);
    assert_int_equal(job->reply.media, MEDIA_JSON);
    assert_true(job->reply.has_etag);
    assert_int_equal(job->reply.etag, UINT64_C(0x1234567890abcdef));
    assert_slice(job->reply.body, "{\"metrics\":[]}");
    assert_slice(job->reply.next_cursor, "further");
}

/* What is kept is the part that questions share; the reader's own part stays the reader's. */
static void get_leaves_the_lead(void **state)
{
    struct contract *contract = *state;
    struct job *job = contract->reader;
    contract_look(contract, SCOPE_ALL, "", "k");
    job_fixture_answer(job, "shared");
    job->reply.lead = SLICE("first");
    contract->ops->put(contract->cache, job, 0);
    contract_finish(contract, job);
    job_fixture_read(job, SCOPE_ALL, "", "k");
    job->reply.lead = SLICE("second");
    contract->ops->get(contract->cache, job, 0);
    contract_finish(contract, job);
    assert_int_equal(job->cache.result, CACHE_HIT);
    assert_slice(job->reply.lead, "second");
    assert_slice(job->reply.body, "shared");
}

static void get_hits_empty_body(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_ALL, "", "k");
    contract_put(contract, contract->reader, "", 0);
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "k"), CACHE_HIT);
    assert_int_equal(contract->reader->reply.body.len, 0);
    assert_int_equal(contract->reader->reply.next_cursor.len, 0);
}

static void get_answer_outlives_its_entry(void **state)
{
    struct contract *contract = *state;
    contract_fill(contract, SCOPE_ALL, "", "key");
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "key"), CACHE_HIT);
    job_fixture_read(contract->other, SCOPE_ALL, "", "key");
    contract_get(contract, contract->other, 0);
    contract_put(contract, contract->other, "another answer", 0);
    assert_slice(contract->reader->reply.body, "key");
}

static void get_tells_keys_apart(void **state)
{
    static const char *const keys[] = { "a", "ab", "abc", "b", "a\x01", "abcabc" };
    struct contract *contract = *state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        contract_fill(contract, SCOPE_ALL, "", keys[i]);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(contract_look(contract, SCOPE_ALL, "", keys[i]), CACHE_HIT);
        assert_slice(contract->reader->reply.body, keys[i]);
    }
}

static void put_replaces(void **state)
{
    struct contract *contract = *state;
    contract_fill(contract, SCOPE_ALL, "", "key");
    job_fixture_read(contract->other, SCOPE_ALL, "", "key");
    contract->ops->peek(contract->cache, contract->other);
    contract_finish(contract, contract->other);
    contract_put(contract, contract->other, "second", 0);
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "key"), CACHE_HIT);
    assert_slice(contract->reader->reply.body, "second");
}

static void put_keeps_nothing_without_generation(void **state)
{
    struct contract *contract = *state;
    job_fixture_read(contract->reader, SCOPE_ALL, "", "key");
    contract->reader->cache.read_ns = clock_ns();
    contract_put(contract, contract->reader, "body", NS_PER_S);
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "key"), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, CONTRACT_TTL_NS), CACHE_MISS);
}

static void peek_notes_generation_and_leaves_result(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    job_fixture_read(contract->other, SCOPE_NAME, "cpu", "key");
    contract->other->cache.result = CACHE_BYPASS;
    uint64_t before_ns = clock_ns();
    contract->ops->peek(contract->cache, contract->other);
    contract_finish(contract, contract->other);
    assert_int_equal(contract->other->cache.result, CACHE_BYPASS);
    assert_int_equal(contract->other->cache.generation, contract->reader->cache.generation);
    assert_in_range(contract->other->cache.read_ns, before_ns, clock_ns());
}

/* Bumps -------------------------------------------------------------------- */

static void bump_makes_name_and_all_old(void **state)
{
    struct contract *contract = *state;
    contract_fill(contract, SCOPE_NAME, "cpu", "list cpu");
    contract_fill(contract, SCOPE_ALL, "", "list");
    contract_bump_name(contract, "cpu");
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "list cpu"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "list"), CACHE_MISS);
}

static void bump_moves_generation(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    uint64_t before = contract->reader->cache.generation;
    contract_bump_name(contract, "cpu");
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    assert_int_not_equal(contract->reader->cache.generation, before);
}

/* A backend may let scopes share a counter: of three names, at most one may share with `cpu`. */
static void bump_leaves_other_names(void **state)
{
    static const char *const names[] = { "memory", "disk", "cpu.user" };
    struct contract *contract = *state;
    unsigned n_hits = 0;
    for (unsigned i = 0; i < 3; i++)
        contract_fill(contract, SCOPE_NAME, names[i], names[i]);
    contract_bump_name(contract, "cpu");
    for (unsigned i = 0; i < 3; i++)
        n_hits += contract_look(contract, SCOPE_NAME, names[i], names[i]) == CACHE_HIT;
    assert_true(n_hits >= 2);
}

static void bump_moves_every_name_of_a_batch(void **state)
{
    static const char *const names[] = { "a", "a", "b", "a", "c", "c" };
    struct contract *contract = *state;
    contract_fill(contract, SCOPE_NAME, "a", "1");
    contract_fill(contract, SCOPE_NAME, "b", "2");
    contract_fill(contract, SCOPE_NAME, "c", "3");
    job_fixture_insert(contract->writer, names, 6);
    contract_bump(contract, contract->writer);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "a", "1"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "b", "2"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "c", "3"), CACHE_MISS);
}

#define ID_HEX "0123456789abcdef01234567"

static void bump_of_update_moves_its_id_and_both_names(void **state)
{
    struct contract *contract = *state;
    static const char *const now = "new name";
    contract_fill(contract, SCOPE_ID, ID_HEX, "id");
    contract_fill(contract, SCOPE_ID, "0123456789ABCDEF01234567", "id in capitals");
    contract_fill(contract, SCOPE_NAME, "old name", "old");
    contract_fill(contract, SCOPE_NAME, now, "new");
    struct job *writer = contract->writer;
    job_fixture_insert(writer, &now, 1);
    writer->route = &job_fixture_update_route;
    writer->has_previous = true;
    writer->previous = (struct metric){ .series = SLICE("old name"), .name_bytes = 8 };
    assert_true(metric_id_parse(SLICE(ID_HEX), &writer->id));
    contract_bump(contract, writer);
    assert_int_equal(contract_look(contract, SCOPE_ID, ID_HEX, "id"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_ID, "0123456789ABCDEF01234567", "id in capitals"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "old name", "old"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_NAME, now, "new"), CACHE_MISS);
}

/* A delete of unknown outcome: the store did not say which metric it was. */
static void bump_of_update_without_previous_moves_every_scope(void **state)
{
    struct contract *contract = *state;
    contract_fill(contract, SCOPE_ID, ID_HEX, "id");
    contract_fill(contract, SCOPE_NAME, "any name", "list");
    contract_fill(contract, SCOPE_ALL, "", "list of all");
    struct job *writer = contract->writer;
    job_fixture_insert(writer, NULL, 0);
    writer->route = &job_fixture_update_route;
    assert_true(metric_id_parse(SLICE(ID_HEX), &writer->id));
    contract_bump(contract, writer);
    assert_int_equal(contract_look(contract, SCOPE_ID, ID_HEX, "id"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "any name", "list"), CACHE_MISS);
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "list of all"), CACHE_MISS);
}

static void bump_moves_ids_that_clients_gave(void **state)
{
    struct contract *contract = *state;
    static const char *const name = "cpu";
    contract_fill(contract, SCOPE_ID, ID_HEX, "id");
    job_fixture_insert(contract->writer, &name, 1);
    contract->writer->metrics[0].client_id = true;
    assert_true(metric_id_parse(SLICE(ID_HEX), &contract->writer->metrics[0].id));
    contract_bump(contract, contract->writer);
    assert_int_equal(contract_look(contract, SCOPE_ID, ID_HEX, "id"), CACHE_MISS);
}

/* Fills and bumps in either order ------------------------------------------- */

static void put_behind_a_bump_is_refused(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    contract_bump_name(contract, "cpu");
    contract_put(contract, contract->reader, "old", 0);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, CONTRACT_TTL_NS), CACHE_MISS);
}

static void put_behind_a_bump_serves_only_readers_of_old(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    contract_bump_name(contract, "cpu");
    contract_put(contract, contract->reader, "old", NS_PER_S);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, CONTRACT_TTL_NS), CACHE_STALE_HIT);
    assert_slice(contract->reader->reply.body, "old");
}

static void put_never_replaces_a_newer_answer(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    contract_bump_name(contract, "cpu");
    job_fixture_read(contract->other, SCOPE_NAME, "cpu", "key");
    contract_get(contract, contract->other, 0);
    contract_put(contract, contract->other, "new", 0);
    contract_put(contract, contract->reader, "old", NS_PER_S);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_slice(contract->reader->reply.body, "new");
}

/* Age ----------------------------------------------------------------------- */

/* A remote cache starts to count when the put arrives there, so give it a little. */
static void get_misses_past_ttl(void **state)
{
    enum { TTL_MS = 400, WAY_MS = 200 };
    struct contract *contract = *state;
    unsigned n_hits = 0;
    contract_reopen(contract, TTL_MS * NS_PER_MS);
    contract_fill(contract, SCOPE_ALL, "", "key");
    uint64_t filled_ns = contract->reader->cache.read_ns;
    while (contract_look(contract, SCOPE_ALL, "", "key") == CACHE_HIT) {
        n_hits++;
        assert_true(contract->reader->cache.read_ns < filled_ns + (TTL_MS + WAY_MS) * NS_PER_MS);
    }
    assert_true(n_hits > 0);
    assert_true(contract->reader->cache.read_ns > filled_ns + TTL_MS / 2 * NS_PER_MS);
    assert_int_equal(contract_get(contract, contract->reader, CONTRACT_TTL_NS), CACHE_MISS);
}

static void get_misses_what_was_put_past_ttl(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_ALL, "", "key");
    contract->reader->cache.read_ns -= CONTRACT_TTL_NS + 1;
    contract_put(contract, contract->reader, "old", 0);
    assert_int_equal(contract_look(contract, SCOPE_ALL, "", "key"), CACHE_MISS);
}

static void get_allows_answers_that_were_the_newest_lately(void **state)
{
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    contract->reader->cache.read_ns -= 10 * NS_PER_S;
    contract_put(contract, contract->reader, "old", 0);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT); /* nothing was written since */
    contract_bump_name(contract, "cpu");
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, 1), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, 9 * NS_PER_S), CACHE_STALE_HIT); /* new until now */
    for (unsigned n_writes = 1; n_writes < 4; n_writes++) {
        contract_bump_name(contract, "cpu");
        assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
        assert_int_equal(contract_get(contract, contract->reader, 9 * NS_PER_S), CACHE_STALE_HIT);
    }
    contract_bump_name(contract, "cpu"); /* one more than is remembered */
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, 9 * NS_PER_S), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, 40 * NS_PER_S), CACHE_STALE_HIT);
    assert_slice(contract->reader->reply.body, "old");
}

/* Nobody asked for long, so the write itself must tell until when the answer was the newest. */
static void get_allows_answers_that_a_write_made_old_lately(void **state)
{
    enum { LONG_MS = 600 };
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    assert_int_equal(contract_get(contract, contract->reader, NS_PER_S), CACHE_MISS);
    contract_put(contract, contract->reader, "old", 0);
    usleep(LONG_MS * 1000);
    contract_bump_name(contract, "cpu");
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
    assert_int_equal(contract_get(contract, contract->reader, LONG_MS * NS_PER_MS), CACHE_STALE_HIT);
    assert_in_range(contract->reader->cache.old_ns, 1, LONG_MS * NS_PER_MS);
}

/* Of several writes the first one counts. */
static void get_refuses_answers_that_an_earlier_write_made_old(void **state)
{
    enum { LONG_MS = 100 };
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    contract_put(contract, contract->reader, "old", 0);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_int_equal(contract_get(contract, contract->reader, 1), CACHE_HIT);
    contract_bump_name(contract, "cpu");
    usleep(LONG_MS * 1000);
    for (unsigned n_writes = 1; n_writes < 4; n_writes++) {
        assert_int_equal(contract_get(contract, contract->reader, LONG_MS * NS_PER_MS), CACHE_MISS);
        assert_int_equal(contract_get(contract, contract->reader, CONTRACT_TTL_NS / 2), CACHE_STALE_HIT);
        assert_true(contract->reader->cache.old_ns >= LONG_MS * NS_PER_MS);
        contract_bump_name(contract, "cpu");
    }
}

/* A name that comes again in one write is written once. */
static void get_allows_answers_that_one_write_made_old_many_times(void **state)
{
    const char *names[] = { "cpu", "mem", "cpu", "mem", "cpu", "mem", "cpu", "mem", "cpu", "mem" };
    struct contract *contract = *state;
    contract_look(contract, SCOPE_NAME, "cpu", "key");
    contract->reader->cache.read_ns -= 10 * NS_PER_S;
    contract_put(contract, contract->reader, "old", 0);
    assert_int_equal(contract_look(contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_int_equal(contract_get(contract, contract->reader, 1), CACHE_HIT);
    job_fixture_insert(contract->writer, names, sizeof(names) / sizeof(names[0]));
    contract_bump(contract, contract->writer);
    assert_int_equal(contract_get(contract, contract->reader, 9 * NS_PER_S), CACHE_STALE_HIT);
}

int cache_contract_run(const struct contract_backend *backend)
{
#define CONTRACT_TEST(function)                                                                                        \
    cmocka_unit_test_prestate_setup_teardown(function, contract_setup, contract_teardown, (void *)backend)
    const struct CMUnitTest tests[] = {
        CONTRACT_TEST(get_misses_what_was_never_put),
        CONTRACT_TEST(get_notes_generation_and_time),
        CONTRACT_TEST(get_hits_after_put),
        CONTRACT_TEST(get_leaves_the_lead),
        CONTRACT_TEST(get_hits_empty_body),
        CONTRACT_TEST(get_answer_outlives_its_entry),
        CONTRACT_TEST(get_tells_keys_apart),
        CONTRACT_TEST(put_replaces),
        CONTRACT_TEST(put_keeps_nothing_without_generation),
        CONTRACT_TEST(peek_notes_generation_and_leaves_result),
        CONTRACT_TEST(bump_makes_name_and_all_old),
        CONTRACT_TEST(bump_moves_generation),
        CONTRACT_TEST(bump_leaves_other_names),
        CONTRACT_TEST(bump_moves_every_name_of_a_batch),
        CONTRACT_TEST(bump_of_update_moves_its_id_and_both_names),
        CONTRACT_TEST(bump_of_update_without_previous_moves_every_scope),
        CONTRACT_TEST(bump_moves_ids_that_clients_gave),
        CONTRACT_TEST(put_behind_a_bump_is_refused),
        CONTRACT_TEST(put_behind_a_bump_serves_only_readers_of_old),
        CONTRACT_TEST(put_never_replaces_a_newer_answer),
        CONTRACT_TEST(get_misses_past_ttl),
        CONTRACT_TEST(get_misses_what_was_put_past_ttl),
        CONTRACT_TEST(get_allows_answers_that_were_the_newest_lately),
        CONTRACT_TEST(get_allows_answers_that_a_write_made_old_lately),
        CONTRACT_TEST(get_refuses_answers_that_an_earlier_write_made_old),
        CONTRACT_TEST(get_allows_answers_that_one_write_made_old_many_times),
        CONTRACT_TEST(get_never_misses_an_answered_write),
    };
    return cmocka_run_group_tests_name("cache contract", tests, NULL, NULL);
}
