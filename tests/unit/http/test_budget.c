/* SPDX-License-Identifier: MIT */
/* budget: clients that never read, and those that send heads without end, leave memory for those who send bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "loop_fixture.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

enum { N_JOBS = 64, READERS = 40, FIRST = 8000000, BUDGET = 24 << 20, BODY = 100000, HEAD_MAX = 4096 };

/* What is left of the budget, when all that was asked before has been answered. */
static int64_t left_of_budget(struct loop_fixture *fixture, struct client *witness)
{
    client_get(witness, "/a");
    client_expect(witness, 200, NULL);
    return BUDGET - loop_fixture_gauge(fixture, STATS_GAUGE_BODY_BYTES);
}

/* A client that asks for so many bytes and reads none. */
static struct client ask_and_not_read(struct loop_fixture *fixture, int64_t bytes)
{
    char target[64];
    struct client client = client_open(loop_fixture_port(fixture));
    uint64_t before = loop_fixture_counter(fixture, STATS_ANSWERS_2XX);
    snprintf(target, sizeof(target), "/big/%lld", (long long)bytes);
    client_get(&client, target);
    loop_fixture_await_counter(fixture, STATS_ANSWERS_2XX, before + 1);
    return client;
}

/* Clients who never read take what they can get: each half of what is left, beyond what a socket holds. */
static unsigned take_all(struct loop_fixture *fixture, struct client *witness, struct client readers[READERS])
{
    readers[0] = ask_and_not_read(fixture, FIRST);
    int64_t left = left_of_budget(fixture, witness), in_socket = FIRST - (BUDGET - left);
    unsigned n = 1;
    for (; n < READERS && left > BODY; n++) {
        readers[n] = ask_and_not_read(fixture, in_socket + left / 2);
        left = left_of_budget(fixture, witness);
    }
    print_message("# %u readers left %lld bytes\n", n, (long long)left);
    return n;
}

/* Sends all of a body but its last byte, and waits until that was read. */
static void send_most(struct loop_fixture *fixture, struct client *client)
{
    uint64_t before = loop_fixture_counter(fixture, STATS_RECEIVED_BYTES);
    char *letters = malloc(BODY);
    memset(letters, 'x', BODY);
    client_say(client, "POST /a" FIELDS "Content-Length: 100000\r\n\r\n");
    client_send(client, letters, BODY - 1);
    loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, before + BODY - 1);
    free(letters);
}

static void budget_of_unsent_answers_leaves_room_for_bodies(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = BUDGET;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client readers[READERS], witness = client_open(loop_fixture_port(fixture));
    struct client sender = client_open(loop_fixture_port(fixture));
    unsigned n = take_all(fixture, &witness, readers);
    send_most(fixture, &sender);
    client_say(&sender, "x");
    client_expect(&sender, 200, NULL);
    for (unsigned i = 0; i < n; i++)
        client_close(&readers[i]);
    client_close(&witness);
    client_close(&sender);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    loop_fixture_stop(&fixture);
}

/* Begins a head of so many bytes and waits until all of it was read. */
static void begin_head(struct loop_fixture *fixture, struct client *client, size_t bytes)
{
    static const char begin[] = "GET /a" FIELDS "X: ";
    uint64_t before = loop_fixture_counter(fixture, STATS_RECEIVED_BYTES);
    char text[HEAD_MAX];
    assert_true(bytes <= sizeof(text));
    memset(text, 'x', bytes);
    memcpy(text, begin, sizeof(begin) - 1);
    client_send(client, text, bytes);
    loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, before + bytes);
}

/* Nobody asks for a key before a head is whole, so anybody can send the beginnings of many. */
static void budget_of_heads_leaves_room_for_bodies(void **state)
{
    enum { CROWD = 300, SMALL_BUDGET = 1 << 20 };
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = SMALL_BUDGET;
    settings.connections_max = CROWD + 1;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client crowd[CROWD], sender = client_open(loop_fixture_port(fixture));
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = client_open(loop_fixture_port(fixture));
        begin_head(fixture, &crowd[i], HEAD_MAX - 1);
    }
    send_most(fixture, &sender);
    client_say(&sender, "x");
    client_expect(&sender, 200, NULL);
    assert_in_range(loop_fixture_counter(fixture, STATS_REFUSED_NO_BUDGET), 1, CROWD - 1);
    for (unsigned i = 0; i < CROWD; i++)
        client_close(&crowd[i]);
    client_close(&sender);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    loop_fixture_stop(&fixture);
}

static void budget_of_a_head_is_no_more_than_it_may_have(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = BUDGET;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture)), witness = client_open(loop_fixture_port(fixture));
    begin_head(fixture, &client, HEAD_MAX / 2 + 1);
    assert_int_equal(BUDGET - left_of_budget(fixture, &witness), HEAD_MAX / 2 + 1);
    client_say(&client, "x");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, HEAD_MAX);
    client_close(&client);
    client_close(&witness);
    loop_fixture_stop(&fixture);
}

/* What waits is charged once, also while it moves up: a client alone may use more than half of what heads may have. */
static void budget_of_requests_that_wait_is_charged_once(void **state)
{
    enum { N = 2000, SMALL_BUDGET = 384 * 1024 };
    static const char request[] = "GET /a" FIELDS "\r\n";
    static char text[N * (sizeof(request) - 1)];
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = SMALL_BUDGET;
    settings.pipeline_max = 1;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture));
    for (unsigned i = 0; i < N; i++)
        memcpy(text + i * (sizeof(request) - 1), request, sizeof(request) - 1);
    client_send(&client, text, sizeof(text));
    for (unsigned i = 0; i < N; i++)
        client_expect(&client, 200, "/a:");
    assert_int_equal(loop_fixture_counter(fixture, STATS_REFUSED_NO_BUDGET), 0);
    client_close(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    loop_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_of_unsent_answers_leaves_room_for_bodies),
        cmocka_unit_test(budget_of_heads_leaves_room_for_bodies),
        cmocka_unit_test(budget_of_a_head_is_no_more_than_it_may_have),
        cmocka_unit_test(budget_of_requests_that_wait_is_charged_once),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
