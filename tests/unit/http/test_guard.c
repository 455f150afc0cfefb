/* SPDX-License-Identifier: MIT */
/* guard: keys and rates at the door of a real loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/access.h>
#include <telemetry/limiter.h>

#include "client.h"
#include "loop_fixture.h"
#include "suite.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

/* SHA-256 of "abc" and of "foo", by sha256sum. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define FOO "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

enum { N_JOBS = 16 };

static struct access *keys(const char *lines)
{
    char path[] = "/tmp/keys-XXXXXX";
    struct access *access;
    struct error error;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines, strlen(lines)), (ssize_t)strlen(lines));
    close(fd);
    assert_int_equal(access_load(path, &access, &error), 0);
    unlink(path);
    return access;
}

/* A loop that asks for keys. A request sees them: the wake-up that brings them comes before. */
static struct loop_fixture *start(const char *lines, const struct http_settings *settings)
{
    struct http_settings standard = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(settings == NULL ? &standard : settings, N_JOBS);
    struct access *access = keys(lines);
    loop_fixture_set_access(fixture, &access);
    return fixture;
}

static void ask(struct client *client, const char *line, const char *fields, unsigned http, const char *body)
{
    char text[1024];
    snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", line, fields);
    client_say(client, text);
    client_expect(client, http, body);
}

static void guard_knows_keys_in_either_field(void **state)
{
    struct loop_fixture *fixture = start("ci writer " ABC " prefix=ci.\nops admin " FOO "\n", NULL);
    struct client client = client_open(loop_fixture_port(fixture));
    ask(&client, "GET /who", "Authorization: Bearer abc\r\n", 200, "writer:ci:ci.");
    ask(&client, "GET /who", "authorization: bearer foo\r\n", 200, "admin:ops:");
    ask(&client, "GET /who", "X-API-Key: abc\r\n", 200, "writer:ci:ci.");
    ask(&client, "GET /who", "", 200, "none::");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

static void guard_refuses_others_and_the_connection_goes_on(void **state)
{
    static const char *const fields[] = { "Authorization: Bearer abd\r\n",
                                          "Authorization: Bearer \r\n",
                                          "Authorization: Basic YWJj\r\n",
                                          "Authorization: abc\r\n",
                                          "Authorization: Bearer abc\r\nAuthorization: Bearer abc\r\n",
                                          "X-API-Key: ABC\r\n",
                                          "Authorization: Bearer abd\r\nX-API-Key: abc\r\n" };
    struct loop_fixture *fixture = start("ci writer " ABC "\n", NULL);
    struct client client = client_open(loop_fixture_port(fixture));
    for (size_t i = 0; i < N_CASES(fields); i++) {
        char text[512];
        snprintf(text, sizeof(text), "GET /who" FIELDS "%s\r\n", fields[i]);
        client_say(&client, text);
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 401);
        assert_false(answer.closes);
        assert_non_null(strstr(answer.head, "\r\nWWW-Authenticate: Bearer realm=\"telemetry-server\"\r\n"));
        assert_null(strstr(answer.body, "detail"));
    }
    client_say(&client, "POST /a" FIELDS "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(client_read(&client).http, 401);
    ask(&client, "GET /who", "X-API-Key: abc\r\n", 200, "writer:ci:");
    assert_int_equal(loop_fixture_counter(fixture, STATS_REFUSED_KEY), N_CASES(fields) + 1);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Nobody without a key makes the server take in a body. */
static void guard_does_not_wait_for_a_strangers_body(void **state)
{
    static const char *const heads[] = { "POST /a" FIELDS "Content-Length: 50000\r\n\r\n",
                                         "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n",
                                         "POST /a" FIELDS "X-API-Key: abd\r\nContent-Length: 50000\r\n\r\n" };
    struct loop_fixture *fixture = start("ci writer " ABC "\n", NULL);
    for (size_t i = 0; i < N_CASES(heads); i++) {
        struct client client = client_open(loop_fixture_port(fixture));
        client_say(&client, heads[i]);
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 401);
        assert_true(answer.closes);
        client_expect_end(&client);
        client_close(&client);
    }
    loop_fixture_stop(&fixture);
}

static void guard_looks_again_when_a_body_is_whole(void **state)
{
    struct loop_fixture *fixture = start("ci writer " ABC "\n", NULL);
    struct client client = client_open(loop_fixture_port(fixture)), other = client_open(loop_fixture_port(fixture));
    struct access *access = keys("ops admin " FOO "\n");
    client_say(&client, "POST /a" FIELDS "X-API-Key: abc\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_int_equal(client_read(&client).http, 100);
    loop_fixture_set_access(fixture, &access);
    ask(&other, "GET /who", "X-API-Key: foo\r\n", 200, "admin:ops:");
    client_say(&client, "hello");
    assert_int_equal(client_read(&client).http, 401);
    client_close(&client);
    client_close(&other);
    loop_fixture_stop(&fixture);
}

/* Rates ----------------------------------------------------------------------- */

static struct http_settings settings_with(struct limiter *limiter, uint32_t rate, uint32_t burst)
{
    struct http_settings settings = loop_fixture_settings();
    settings.guard.limiter = limiter;
    settings.guard.limit = (struct limit){ rate, burst };
    return settings;
}

static void guard_counts_each_key_apart(void **state)
{
    struct limiter *limiter = limiter_new(false);
    struct http_settings settings = settings_with(limiter, 1, 2);
    struct loop_fixture *fixture = start("a writer " ABC "\nb writer " FOO " rate=1\n", &settings);
    struct client client = client_open(loop_fixture_port(fixture));
    client_say(&client, "GET /who" FIELDS "X-API-Key: abc\r\n\r\n");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 200);
    assert_non_null(strstr(answer.head, "\r\nRateLimit-Policy: \"calls\";q=2;w=2\r\nRateLimit: \"calls\";r=1;t=1\r\n"));
    client_say(&client, "GET /who" FIELDS "X-API-Key: foo\r\n\r\n");
    answer = client_read(&client);
    assert_int_equal(answer.http, 200);
    assert_non_null(strstr(answer.head, "\r\nRateLimit-Policy: \"calls\";q=1;w=1\r\nRateLimit: \"calls\";r=0;t=1\r\n"));
    client_close(&client);
    loop_fixture_stop(&fixture);
    limiter_free(&limiter);
}

/* Sends GETs until one is refused; returns how many were answered. */
static unsigned answered(struct client *client, const char *fields, unsigned max)
{
    for (unsigned n = 0; n < max; n++) {
        char text[256];
        snprintf(text, sizeof(text), "GET /a" FIELDS "%s\r\n", fields);
        client_say(client, text);
        struct client_answer answer = client_read(client);
        if (answer.http == 200)
            continue;
        assert_int_equal(answer.http, 429);
        assert_false(answer.closes);
        assert_non_null(strstr(answer.head, "\r\nRetry-After: 1\r\n"));
        return n;
    }
    return max;
}

static void guard_refuses_one_call_too_many(void **state)
{
    enum { BURST = 20, MANY = 100000 };
    struct limiter *limiter = limiter_new(false);
    struct http_settings settings = settings_with(limiter, 1, BURST);
    assert_null(networks_parse(SLICE("127.0.0.1"), &settings.guard.trusted));
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture)), other = client_open(loop_fixture_port(fixture));
    unsigned n = answered(&client, "", MANY);
    assert_in_range(n, BURST, BURST + 20);
    n = answered(&client, "X-Forwarded-For: 192.0.2.1\r\n", MANY);
    assert_in_range(n, BURST, BURST + 20);
    n = answered(&other, "X-Forwarded-For: 192.0.2.1\r\n", MANY); /* the same client on another connection */
    assert_in_range(n, 0, 20);
    client_say(&client,
               "POST /a" FIELDS "Content-Length: 5\r\n\r\nhelloPOST /a" FIELDS "Content-Length: 5\r\n\r\nhello");
    unsigned first = client_read(&client).http, second = client_read(&client).http;
    assert_true(first == 429 || second == 429);
    assert_true(loop_fixture_counter(fixture, STATS_REFUSED_RATE) >= 4);
    client_close(&client);
    client_close(&other);
    loop_fixture_stop(&fixture);
    limiter_free(&limiter);
}

/* Wrong keys are counted for each client, apart from its calls and from those of good keys. */
static void guard_counts_wrong_keys_against_their_client(void **state)
{
    enum { BURST = 3 };
    static const char *const strangers[] = { "X-API-Key: abd\r\n", "Authorization: Basic YWJj\r\n" };
    struct limiter *limiter = limiter_new(false);
    struct http_settings settings = settings_with(limiter, 1, BURST);
    assert_null(networks_parse(SLICE("127.0.0.1"), &settings.guard.trusted));
    struct loop_fixture *fixture = start("ci writer " ABC " rate=1000\n", &settings);
    struct client client = client_open(loop_fixture_port(fixture));
    unsigned n = 0;
    for (unsigned http = 401; http == 401 && n < 100; n++) { /* at one a second, after the burst */
        client_say(&client, "POST /a" FIELDS);
        client_say(&client, strangers[n % 2]);
        client_say(&client, "Content-Length: 5\r\n\r\nhello");
        struct client_answer answer = client_read(&client);
        http = answer.http;
        assert_int_equal(answer.closes, http == 429);
        assert_non_null(strstr(answer.head, "\r\nRateLimit-Policy: \"calls\";q=3;w=3\r\n"));
    }
    assert_in_range(n, BURST + 1, BURST + 10);
    client_expect_end(&client); /* one guess more, one connection more */
    client_close(&client);
    client = client_open(loop_fixture_port(fixture));
    for (unsigned i = 0; i < 20; i++) /* a good key behind the same address */
        ask(&client, "GET /who", "X-API-Key: abc\r\n", 200, "writer:ci:");
    ask(&client, "GET /who", "", 200, "none::");
    client_say(&client, "GET /who" FIELDS "X-API-Key: abd\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
    assert_int_equal(client_read(&client).http, 401); /* another client */
    client_close(&client);
    loop_fixture_stop(&fixture);
    limiter_free(&limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guard_knows_keys_in_either_field),
        cmocka_unit_test(guard_refuses_others_and_the_connection_goes_on),
        cmocka_unit_test(guard_does_not_wait_for_a_strangers_body),
        cmocka_unit_test(guard_looks_again_when_a_body_is_whole),
        cmocka_unit_test(guard_counts_each_key_apart),
        cmocka_unit_test(guard_refuses_one_call_too_many),
        cmocka_unit_test(guard_counts_wrong_keys_against_their_client),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
