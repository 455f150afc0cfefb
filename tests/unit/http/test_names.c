/* SPDX-License-Identifier: MIT */
/* names: a refusal at the door goes by the name that the client gave its request, as every answer does. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/access.h>
#include <telemetry/clock.h>
#include <telemetry/limiter.h>

#include "client.h"
#include "loop_fixture.h"

#define NAME     "X-Request-Id: its-own.1\r\n"
#define TOO_LONG "01234567890123456789012345678901234567890123456789012345678901234"
#define FIELDS   " HTTP/1.1\r\nHost: a\r\n" NAME

/* SHA-256 of "abc", by sha256sum. */
#define KEYS "ci writer ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"

enum { N_JOBS = 4 };

static void assert_named(struct client *client, unsigned http, const char *name)
{
    char field[128], member[128];
    struct client_answer answer = client_read(client);
    snprintf(field, sizeof(field), "\r\nX-Request-Id: %s\r\n", name);
    snprintf(member, sizeof(member), "\"request_id\":\"%s\"}", name);
    assert_int_equal(answer.http, http);
    assert_non_null(strstr(answer.head, field));
    assert_non_null(memmem(answer.body, answer.body_bytes, member, strlen(member)));
}

static void refused(struct loop_fixture *fixture, const char *request, unsigned http)
{
    struct client client = client_open(loop_fixture_port(fixture));
    client_say(&client, request);
    assert_named(&client, http, "its-own.1");
    client_close(&client);
}

static struct access *keys(void)
{
    char path[] = "/tmp/keys-XXXXXX";
    struct access *access;
    struct error error;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, KEYS, strlen(KEYS)), (ssize_t)strlen(KEYS));
    close(fd);
    assert_int_equal(access_load(path, &access, &error), 0);
    unlink(path);
    return access;
}

static void names_come_back_from_the_guard(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct limiter *limiter = limiter_new(false);
    struct access *access = keys();
    settings.guard.limiter = limiter;
    settings.guard.limit = (struct limit){ 1, 2 };
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    loop_fixture_set_access(fixture, &access);
    refused(fixture, "POST /a" FIELDS "X-API-Key: abd\r\nContent-Length: 5\r\n\r\nhello", 401);
    refused(fixture, "POST /a" FIELDS "X-API-Key: abd\r\nContent-Length: 5\r\n\r\n", 401);
    refused(fixture, "POST /a" FIELDS "X-API-Key: abd\r\nContent-Length: 5\r\n\r\n", 429);
    struct client client = client_open(loop_fixture_port(fixture));
    client_say(&client, "GET /a" FIELDS "X-API-Key: abc\r\n\r\nGET /a" FIELDS "X-API-Key: abc\r\n\r\n"
                        "GET /a" FIELDS "X-API-Key: abc\r\n\r\n");
    client_expect(&client, 200, NULL);
    client_expect(&client, 200, NULL);
    assert_named(&client, 429, "its-own.1");
    client_close(&client);
    loop_fixture_stop(&fixture);
    limiter_free(&limiter);
}

static void names_come_back_from_refused_heads_and_bodies(void **state)
{
    static const char *const requests[] = {
        "GET /a" FIELDS "Content-Length: 1x\r\n\r\n",
        "GET /a" FIELDS "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\nx\r\n",
    };
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    char many[4096] = "GET /a" FIELDS;
    for (size_t i = 0; i < N_CASES(requests); i++)
        refused(fixture, requests[i], 400);
    for (unsigned i = 0; i < settings.head.fields_max; i++)
        strcat(many, "a:\r\n");
    strcat(many, "\r\n");
    refused(fixture, many, 431);
    refused(fixture, "POST /a" FIELDS "Content-Length: 100001\r\n\r\n", 413);
    refused(fixture, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n186a1\r\n", 413);
    loop_fixture_stop(&fixture);
}

static void names_come_back_from_limits(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_ns = 50 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, 1);
    struct client busy = client_open(loop_fixture_port(fixture));
    client_get(&busy, "/hold");
    loop_fixture_await_held(fixture, 1);
    refused(fixture, "GET /a" FIELDS "\r\n", 503);
    refused(fixture, "POST /a" FIELDS "Content-Length: 5\r\n\r\nhel", 408);
    client_close(&busy);
    loop_fixture_stop(&fixture);
}

/* What could be no name is left out, and one is made. */
static void names_that_are_none_are_not_repeated(void **state)
{
    static const char *const fields[] = { "X-Request-Id: a\"b\r\n", "X-Request-Id: a b\r\n", "X-Request-Id:\r\n", "",
                                          "X-Request-Id: " TOO_LONG "\r\n" };
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    for (size_t i = 0; i < N_CASES(fields); i++) {
        char text[512], id[32];
        struct client client = client_open(loop_fixture_port(fixture));
        snprintf(text, sizeof(text), "POST /a HTTP/1.1\r\nHost: a\r\n%sContent-Length: 100001\r\n\r\n", fields[i]);
        client_say(&client, text);
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 413);
        assert_int_equal(sscanf(strstr(answer.head, "X-Request-Id: "), "X-Request-Id: %31[0-9a-f]\r\n", id), 1);
        assert_int_equal(strlen(id), 16);
        client_close(&client);
    }
    struct client client = client_open(loop_fixture_port(fixture));
    client_say(&client, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n"
                        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
    assert_named(&client, 413, "0af7651916cd43dd8448eb211c80319c");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_back_from_the_guard),
        cmocka_unit_test(names_come_back_from_refused_heads_and_bodies),
        cmocka_unit_test(names_come_back_from_limits),
        cmocka_unit_test(names_that_are_none_are_not_repeated),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
