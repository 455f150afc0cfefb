/* SPDX-License-Identifier: MIT */
#include "cache_contract_hands.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <telemetry/inbox.h>
#include <telemetry/stats.h>

#include "job_fixture.h"

static void on_done(void *context, struct job *job)
{
    struct contract *contract = context;
    assert_null(contract->ended);
    contract->ended = job;
}

void contract_pump(struct contract *contract)
{
    if (contract->ops->pump == NULL)
        return;
    uint32_t ticket = inbox_ticket(contract->inbox);
    uint64_t due_ns = contract->ops->pump(contract->cache);
    uint64_t look_ns = clock_ns() + 5 * NS_PER_MS;
    if (contract->ended == NULL)
        inbox_wait(contract->inbox, ticket, due_ns < look_ns ? due_ns : look_ns);
}

/* A remote cache is not there at once. */
void contract_await(struct contract *contract)
{
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    do {
        assert_true(clock_ns() < until_ns);
        contract_pump(contract);
        job_fixture_read(contract->reader, SCOPE_ALL, "", "whether it is open");
    } while (contract_get(contract, contract->reader, 0) == CACHE_BYPASS);
}

static void on_watch(void *context, int fd, short events)
{
    struct contract *contract = context;
    inbox_watch(contract->inbox, fd, events);
}

static void open_cache(struct contract *contract, uint64_t ttl_ns)
{
    struct cache_settings settings = {
        .max_bytes = 1 << 20,
        .ttl_ns = ttl_ns,
        .stats = contract->stats,
        .watch = on_watch,
        .remote = { .uri = contract->backend->uri,
                    .prefix = contract->prefix,
                    .timeout_ns = contract->timeout_ns,
                    .tls_ca_file = contract->backend->tls_ca_file,
                    .tls_cert_file = contract->backend->tls_cert_file,
                    .tls_key_file = contract->backend->tls_key_file,
                    .limiter = contract->backend->limiter,
                    .rates_every_ns = NS_PER_MS,
                    .rates_prefix = contract->prefix },
    };
    struct error error;
    assert_int_equal(contract->ops->open(&settings, on_done, contract, &contract->cache, &error), 0);
}

void contract_close(struct contract *contract)
{
    if (contract->cache != NULL)
        contract->ops->close(&contract->cache);
    inbox_free(&contract->inbox);
}

static void make_inbox(struct contract *contract)
{
    contract->inbox = inbox_new(1, 1, NULL, NULL);
    assert_non_null(contract->inbox);
    assert_int_equal(inbox_watch_open(contract->inbox), 0);
}

struct contract *contract_new(const struct contract_backend *backend)
{
    struct contract *contract = calloc(1, sizeof(*contract));
    contract->backend = backend;
    contract->ops = backend->ops;
    contract->timeout_ns = backend->timeout_ns != 0 ? backend->timeout_ns : 5 * NS_PER_S;
    contract->stats = aligned_alloc(64, sizeof(*contract->stats));
    memset(contract->stats, 0, sizeof(*contract->stats));
    contract->reader = job_fixture_new();
    contract->writer = job_fixture_new();
    contract->other = job_fixture_new();
    if (backend->prefix != NULL)
        snprintf(contract->prefix, sizeof(contract->prefix), "%s", backend->prefix);
    else
        snprintf(contract->prefix, sizeof(contract->prefix), "test:%d:%llx:", (int)getpid(),
                 (unsigned long long)clock_ns());
    make_inbox(contract);
    open_cache(contract, CONTRACT_TTL_NS);
    return contract;
}

void contract_free(struct contract **contract_place)
{
    struct contract *contract = *contract_place;
    *contract_place = NULL;
    contract_close(contract);
    job_fixture_free(&contract->reader);
    job_fixture_free(&contract->writer);
    job_fixture_free(&contract->other);
    free(contract->stats);
    free(contract);
}

int contract_setup(void **state)
{
    struct contract *contract = contract_new(*state);
    contract_await(contract);
    *state = contract;
    return 0;
}

int contract_teardown(void **state)
{
    struct contract *contract = *state;
    contract_free(&contract);
    return 0;
}

void contract_reopen(struct contract *contract, uint64_t ttl_ns)
{
    contract_close(contract);
    make_inbox(contract);
    open_cache(contract, ttl_ns);
    contract_await(contract);
}

void contract_finish(struct contract *contract, struct job *job)
{
    contract_pump(contract); /* as the stage does behind each batch */
    while (contract->ended == NULL) {
        assert_non_null(contract->ops->pump);
        contract_pump(contract);
    }
    assert_ptr_equal(contract->ended, job);
    contract->ended = NULL;
}

enum cache_result contract_get(struct contract *contract, struct job *job, uint64_t stale_ns)
{
    job->reply = (struct reply){ 0 };
    job->cache.result = CACHE_NOT_ASKED;
    contract->ops->get(contract->cache, job, stale_ns);
    contract_finish(contract, job);
    return (enum cache_result)job->cache.result;
}

void contract_put(struct contract *contract, struct job *job, const char *body, uint64_t stale_ns)
{
    job_fixture_answer(job, body);
    contract->ops->put(contract->cache, job, stale_ns);
    contract_finish(contract, job);
}

void contract_bump(struct contract *contract, struct job *job)
{
    contract->ops->bump(contract->cache, job);
    contract_finish(contract, job);
}

void contract_bump_name(struct contract *contract, const char *name)
{
    job_fixture_insert(contract->writer, &name, 1);
    contract_bump(contract, contract->writer);
}

enum cache_result contract_look(struct contract *contract, enum cache_scope scope, const char *text, const char *key)
{
    job_fixture_read(contract->reader, scope, text, key);
    return contract_get(contract, contract->reader, 0);
}

void contract_fill(struct contract *contract, enum cache_scope scope, const char *text, const char *key)
{
    assert_int_equal(contract_look(contract, scope, text, key), CACHE_MISS);
    contract_put(contract, contract->reader, key, 0);
}

void assert_slice(struct slice slice, const char *expected)
{
    assert_int_equal(slice.len, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.len);
}
