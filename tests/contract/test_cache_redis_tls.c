/* SPDX-License-Identifier: MIT */
/* rediss:// against a real redis-server: the whole contract; certificates that are refused, each with a reason of
 * one line and without a call that waits; and handshakes that are cut, silent, or come byte by byte. */
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/stats.h>

#include "cache/redis/redis.h"
#include "cache_contract_hands.h"
#include "certificates.h"
#include "cutting_relay.h"
#include "fake_redis.h"
#include "redis_process.h"

static struct certificates files;

struct world {
    struct redis_process redis;
    struct contract_backend backend;
    char uri[128];
    struct contract *contract;
};

static void start_redis(struct world *world, const char *certificate)
{
    assert_true(redis_process_start_on_port(&world->redis, files.folder, certificate));
}

static void open_at(struct world *world, const char *host, unsigned port)
{
    snprintf(world->uri, sizeof(world->uri), "rediss://%s:%u", host, port);
    world->backend.ops = &cache_redis;
    world->backend.uri = world->uri;
    world->contract = contract_new(&world->backend);
}

static void stop(struct world *world)
{
    contract_free(&world->contract);
    redis_process_fini(&world->redis);
}

static bool is_up(const struct world *world)
{
    return atomic_load(&world->contract->stats->gauges[STATS_GAUGE_CACHE_UP]) == 1;
}

/* The reason of the one line that the log has of it. */
static const char *await_refusal(const struct world *world)
{
    const struct redis_cache *redis = (const struct redis_cache *)world->contract->cache;
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    while (redis->link.logged[0] == '\0') {
        assert_false(is_up(world));
        assert_true(clock_ns() < until_ns);
        contract_pump(world->contract);
    }
    return redis->link.logged;
}

static void assert_refused(const struct world *world, const char *reason)
{
    const char *said = await_refusal(world);
    if (strstr(said, reason) == NULL || strchr(said, '\n') != NULL)
        fail_msg("\"%s\" in place of \"%s\"", said, reason);
    uint64_t begin_ns = clock_ns();
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(contract_look(world->contract, SCOPE_NAME, "cpu", "key"), CACHE_BYPASS);
    assert_true(clock_ns() - begin_ns < 3 * NS_PER_S);
    assert_false(is_up(world));
}

static void exchange(struct world *world)
{
    contract_fill(world->contract, SCOPE_NAME, "cpu", "key");
    assert_int_equal(contract_look(world->contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    contract_bump_name(world->contract, "cpu");
    assert_int_equal(contract_look(world->contract, SCOPE_NAME, "cpu", "key"), CACHE_MISS);
}

/* Whom it trusts -------------------------------------------------------------------- */

static void host_of_the_certificate_is_taken(void **state)
{
    (void)state;
    static const char *const hosts[] = { "localhost", "127.0.0.1" };
    for (unsigned i = 0; i < N_CASES(hosts); i++) {
        struct world world = { .backend.tls_ca_file = files.ca };
        start_redis(&world, "server");
        open_at(&world, hosts[i], world.redis.port);
        contract_await(world.contract);
        exchange(&world);
        stop(&world);
    }
}

static void refuses(const char *certificate, const char *trusted_file, const char *host, const char *reason)
{
    struct world world = { .backend.tls_ca_file = trusted_file };
    start_redis(&world, certificate);
    open_at(&world, host, world.redis.port);
    assert_refused(&world, "the TLS handshake failed: its certificate is refused: ");
    assert_refused(&world, reason);
    stop(&world);
}

static void other_authority_is_refused(void **state)
{
    (void)state;
    refuses("server", files.other_ca, "localhost", "certificate in certificate chain");
}

static void system_does_not_know_the_authority(void **state)
{
    (void)state;
    refuses("server", NULL, "localhost", "certificate in certificate chain");
}

static void other_host_is_refused(void **state)
{
    (void)state;
    refuses("elsewhere", files.ca, "localhost", "ostname mismatch");
    refuses("elsewhere", files.ca, "127.0.0.1", "IP address mismatch");
}

static void expired_is_refused(void **state)
{
    (void)state;
    refuses("expired", files.ca, "localhost", "expired");
}

static void server_in_the_clear_is_refused(void **state)
{
    (void)state;
    struct world world = { .backend.tls_ca_file = files.ca };
    assert_true(redis_process_start_on_port(&world.redis, NULL, NULL));
    open_at(&world, "127.0.0.1", world.redis.port);
    assert_refused(&world, "TLS");
    stop(&world);
}

/* As whom it shows itself ------------------------------------------------------------ */

static void demand_certificates(struct world *world)
{
    start_redis(world, "server");
    redis_process_say(&world->redis, "CONFIG SET tls-auth-clients yes");
    open_at(world, "localhost", world->redis.port);
}

static void client_certificate_is_shown(void **state)
{
    (void)state;
    struct world two_files = {
        .backend = { .tls_ca_file = files.ca, .tls_cert_file = files.client, .tls_key_file = files.client_key }
    };
    struct world one_file = { .backend = { .tls_ca_file = files.ca, .tls_cert_file = files.both } };
    demand_certificates(&two_files);
    demand_certificates(&one_file);
    contract_await(two_files.contract);
    contract_await(one_file.contract);
    exchange(&two_files);
    exchange(&one_file);
    stop(&two_files);
    stop(&one_file);
}

static void client_without_a_good_certificate_says_so(void **state)
{
    (void)state;
    struct world none = { .backend.tls_ca_file = files.ca };
    struct world stranger = {
        .backend = { .tls_ca_file = files.ca, .tls_cert_file = files.stranger, .tls_key_file = files.stranger_key }
    };
    demand_certificates(&none);
    assert_refused(&none, "certificate required");
    stop(&none);
    demand_certificates(&stranger);
    assert_refused(&stranger, "unknown ca");
    stop(&stranger);
}

static void open_refuses_files_that_are_none(void **state)
{
    (void)state;
    const struct {
        const char *uri, *ca, *cert, *key, *begins;
    } cases[] = {
        { "rediss://h", "/no/such", NULL, NULL, "REDIS_TLS_CA_FILE: cannot use /no/such: No such file" },
        { "rediss://h", "/dev/null", NULL, NULL, "REDIS_TLS_CA_FILE: cannot use /dev/null: " },
        { "rediss://h", "", "/no/such", "", "REDIS_TLS_CERT_FILE: cannot use /no/such: No such file" },
        { "rediss://h", NULL, files.client, NULL, "REDIS_TLS_KEY_FILE: cannot use /tmp/" },
        { "rediss://h", NULL, files.client, files.stranger_key, "REDIS_TLS_KEY_FILE: cannot use /tmp/" },
        { "rediss://h", NULL, NULL, files.client_key, "REDIS_TLS_KEY_FILE is set, and REDIS_TLS_CERT_FILE is not" },
        { "redis://h", files.ca, NULL, NULL, "REDIS_TLS_... is set, and REDIS_URI does not begin with rediss://" },
        { "unix:///h", NULL, NULL, files.client_key, "REDIS_TLS_... is set, and REDIS_URI does not begin" },
    };
    for (unsigned i = 0; i < N_CASES(cases); i++) {
        struct cache_settings settings = { .remote = { .uri = cases[i].uri,
                                                       .prefix = "",
                                                       .tls_ca_file = cases[i].ca,
                                                       .tls_cert_file = cases[i].cert,
                                                       .tls_key_file = cases[i].key } };
        struct cache *cache = NULL;
        struct error error;
        assert_int_equal(cache_redis.open(&settings, NULL, NULL, &cache, &error), -1);
        assert_int_equal(error.exit_code, 78);
        if (strncmp(error.text, cases[i].begins, strlen(cases[i].begins)) != 0)
            fail_msg("case %u: %s", i, error.text);
    }
}

/* Handshakes -------------------------------------------------------------------------- */

/* The first bytes of what the server says of its own accord are the handshake's, about 1 KiB. */
static void cut_in_the_handshake_is_survived(void **state)
{
    (void)state;
    static const size_t cuts[] = { 0, 1, 5, 6, 100, 300, 600 };
    struct world world = { .backend.tls_ca_file = files.ca };
    struct cutting_relay relay;
    start_redis(&world, "server");
    for (unsigned i = 0; i < N_CASES(cuts); i++) {
        cutting_relay_start(&relay, world.redis.port, 4096, cuts[i]);
        open_at(&world, "127.0.0.1", relay.port);
        assert_refused(&world, "the TLS handshake failed: ");
        assert_true(atomic_load(&relay.n_cuts) > 0);
        atomic_store(&relay.cut_at_bytes, SIZE_MAX);
        contract_await(world.contract);
        exchange(&world);
        contract_free(&world.contract);
        cutting_relay_stop(&relay);
    }
    redis_process_fini(&world.redis);
}

static void bytes_one_by_one_are_enough(void **state)
{
    (void)state;
    struct world world = { .backend.tls_ca_file = files.ca };
    struct cutting_relay relay;
    start_redis(&world, "server");
    cutting_relay_start(&relay, world.redis.port, 1, SIZE_MAX);
    open_at(&world, "127.0.0.1", relay.port);
    contract_await(world.contract);
    for (unsigned i = 0; i < 10; i++)
        exchange(&world);
    contract_free(&world.contract);
    cutting_relay_stop(&relay);
    redis_process_fini(&world.redis);
}

/* Many records of TLS, which one read does not take. */
static void large_answers_arrive_whole(void **state)
{
    (void)state;
    enum { BODY_BYTES = 120 * 1000 };
    struct world world = { .backend.tls_ca_file = files.ca };
    char *body = malloc(BODY_BYTES + 1);
    for (unsigned i = 0; i < BODY_BYTES; i++)
        body[i] = (char)('a' + i * i % 23);
    body[BODY_BYTES] = '\0';
    start_redis(&world, "server");
    open_at(&world, "localhost", world.redis.port);
    contract_await(world.contract);
    contract_look(world.contract, SCOPE_NAME, "cpu", "key");
    contract_put(world.contract, world.contract->reader, body, 0);
    assert_int_equal(contract_look(world.contract, SCOPE_NAME, "cpu", "key"), CACHE_HIT);
    assert_slice(world.contract->reader->reply.body, body);
    stop(&world);
    free(body);
}

/* It takes connections and says nothing. */
static void silence_ends_the_attempt(void **state)
{
    (void)state;
    struct world world = { .backend.tls_ca_file = files.ca };
    struct fake_redis fake;
    fake_redis_start(&fake, FAKE_SILENT);
    atomic_store(&fake.rude_greeting, true);
    open_at(&world, "127.0.0.1", fake.port);
    assert_refused(&world, "no TLS handshake within 1 s");
    contract_free(&world.contract);
    fake_redis_stop(&fake);
}

static void restart_is_taken_up_again(void **state)
{
    (void)state;
    struct world world = { .backend.tls_ca_file = files.ca };
    start_redis(&world, "server");
    open_at(&world, "localhost", world.redis.port);
    for (unsigned i = 0; i < 3; i++) {
        contract_await(world.contract);
        exchange(&world);
        redis_process_end(&world.redis, SIGKILL);
        assert_int_equal(contract_look(world.contract, SCOPE_NAME, "cpu", "key"), CACHE_BYPASS);
        redis_process_again(&world.redis);
    }
    contract_await(world.contract);
    stop(&world);
}

int main(void)
{
    struct redis_process probe;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_of_the_certificate_is_taken),
        cmocka_unit_test(other_authority_is_refused),
        cmocka_unit_test(system_does_not_know_the_authority),
        cmocka_unit_test(other_host_is_refused),
        cmocka_unit_test(expired_is_refused),
        cmocka_unit_test(server_in_the_clear_is_refused),
        cmocka_unit_test(client_certificate_is_shown),
        cmocka_unit_test(client_without_a_good_certificate_says_so),
        cmocka_unit_test(open_refuses_files_that_are_none),
        cmocka_unit_test(cut_in_the_handshake_is_survived),
        cmocka_unit_test(bytes_one_by_one_are_enough),
        cmocka_unit_test(large_answers_arrive_whole),
        cmocka_unit_test(silence_ends_the_attempt),
        cmocka_unit_test(restart_is_taken_up_again),
    };
    signal(SIGPIPE, SIG_IGN);
    if (!redis_process_start(&probe, false)) {
        puts("1..0 # SKIP there is no redis-server");
        return 0;
    }
    redis_process_fini(&probe);
    if (!certificates_make(&files)) {
        puts("1..0 # SKIP there is no openssl");
        return 0;
    }
    int n_failed = cmocka_run_group_tests_name("redis through TLS", tests, NULL, NULL);
    certificates_fini(&files);
    return n_failed;
}
