/* SPDX-License-Identifier: MIT */
/* hostile: many clients that open, say parts of good and bad requests, stop, reset and read as it
 * pleases a random generator, while jobs, budget and time are short. Nothing is expected of the
 * answers, but that the sanitizers are silent, a good client is still served, and in the end all jobs,
 * connections and bytes are home (loop_fixture_stop() asserts it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <telemetry/clock.h>

#include "client.h"
#include "loop_fixture.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

enum { N_CLIENTS = 24, N_STEPS = 12000, N_JOBS = 12 };

static const char *const phrases[] = {
    "GET /a" FIELDS "\r\n",
    "GET /hold" FIELDS "\r\n",
    "HEAD /hold" FIELDS "\r\n",
    "GET /fail" FIELDS "\r\n",
    "GET /big/300000" FIELDS "\r\n",
    "GET /a" FIELDS "Connection: close\r\n\r\n",
    "GET /hold HTTP/1.0\r\n\r\n",
    "GET /hold HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /a" FIELDS "Content-Length: 11\r\n\r\n",
    "POST /hold" FIELDS "Content-Length: 3\r\n\r\nabc",
    "POST /a" FIELDS "Content-Length: 30000\r\nExpect: 100-continue\r\n\r\n",
    "POST /hold" FIELDS "Transfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nX: y\r\n\r\n",
    "hello world",
    "\r\n",
    "G",
    "GET /a" FIELDS,
    "GET /a HTTP/1.1\nHost: a\r\n\r\n",
    "POST /a" FIELDS "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /a" FIELDS "Content-Length: 99999999\r\n\r\n",
    "\r",
};

static void say(struct client *client, const char *text, size_t len)
{
    if (send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
        client_close(client);
}

static void say_something(struct client *client)
{
    const char *phrase = phrases[(size_t)rand() % (sizeof(phrases) / sizeof(phrases[0]))];
    size_t len = strlen(phrase);
    if (rand() % 4 == 0)
        len = 1 + (size_t)rand() % len;
    say(client, phrase, len);
}

static void say_much(struct client *client)
{
    static const char letters[20000];
    say(client, letters, 1 + (size_t)rand() % sizeof(letters));
}

static void listen_a_bit(struct client *client)
{
    char heard[65536];
    ssize_t n = recv(client->fd, heard, sizeof(heard), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        client_close(client);
}

static void act(struct loop_fixture *fixture, struct client *client)
{
    if (client->fd < 0) {
        *client = client_open(loop_fixture_port(fixture));
        return;
    }
    switch (rand() % 24) {
    case 0:
        client_close(client);
        break;
    case 1:
        client_reset(client);
        break;
    case 2:
        shutdown(client->fd, SHUT_WR);
        break;
    case 3:
        say_much(client);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        listen_a_bit(client);
        break;
    case 8:
        loop_fixture_release(fixture, "");
        break;
    default:
        say_something(client);
    }
}

static void assert_serves(struct loop_fixture *fixture)
{
    for (unsigned i = 0; i < 100; i++) { /* jobs may be short once more: then again */
        struct client client = client_open(loop_fixture_port(fixture));
        client_get(&client, "/good");
        struct client_answer answer = client_read(&client);
        bool served = answer.http == 200;
        assert_true(served || answer.http == 503 || answer.http == 504);
        client_close(&client);
        if (served)
            return;
        loop_fixture_release(fixture, "");
    }
    fail_msg("no good client is served any more");
}

static void run(unsigned seed, bool drains_with_all)
{
    struct http_settings settings = loop_fixture_settings();
    struct client clients[N_CLIENTS];
    settings.pipeline_max = 4;
    settings.connections_max = N_CLIENTS - 4;
    settings.body_budget_bytes = 1 << 20;
    settings.head_ns = settings.body_ns = settings.write_ns = 50 * NS_PER_MS;
    settings.idle_ns = 5 * NS_PER_S; /* a good client may be slow to speak */
    settings.request_ns = 20 * NS_PER_MS;
    settings.drain_ns = 200 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    for (unsigned i = 0; i < N_CLIENTS; i++)
        clients[i] = (struct client){ .fd = -1 };
    srand(seed);
    for (unsigned step = 0; step < N_STEPS; step++)
        act(fixture, &clients[rand() % N_CLIENTS]);
    if (drains_with_all)
        loop_fixture_drain(fixture);
    for (unsigned i = 0; i < N_CLIENTS; i++)
        if (clients[i].fd >= 0)
            client_close(&clients[i]);
    if (!drains_with_all) {
        loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0); /* from here on no job is new */
        loop_fixture_release(fixture, "");
        loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
        assert_serves(fixture);
    }
    loop_fixture_stop(&fixture);
}

static void loop_survives_hostile_clients(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++)
        run(seed, false);
}

static void loop_drains_among_hostile_clients(void **state)
{
    (void)state;
    for (unsigned seed = 5; seed <= 8; seed++)
        run(seed, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_survives_hostile_clients),
        cmocka_unit_test(loop_drains_among_hostile_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
