/* SPDX-License-Identifier: MIT */
/* drain: what was received whole is answered, nothing more is taken, and the loop ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <telemetry/clock.h>

#include "client.h"
#include "loop_fixture.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

enum { N_JOBS = 16 };

static struct loop_fixture *start(void)
{
    struct http_settings settings = loop_fixture_settings();
    return loop_fixture_start(&settings, N_JOBS);
}

static void drain_ends_a_loop_without_connections(void **state)
{
    struct loop_fixture *fixture = start();
    (void)state;
    loop_fixture_drain(fixture);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

static void drain_closes_idle_connections(void **state)
{
    struct loop_fixture *fixture = start();
    struct client fresh = client_open(loop_fixture_port(fixture));
    struct client used = client_open(loop_fixture_port(fixture));
    (void)state;
    client_get(&used, "/a");
    client_expect(&used, 200, "/a:");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 2);
    loop_fixture_drain(fixture);
    client_expect_end(&fresh);
    client_expect_end(&used);
    client_close(&fresh);
    client_close(&used);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

static void drain_refuses_what_is_not_whole(void **state)
{
    static const char *const beginnings[] = { "G", "GET /a" FIELDS, "POST /a" FIELDS "Content-Length: 5\r\n\r\nhell",
                                              "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                              "POST /a" FIELDS "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n" };
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct loop_fixture *fixture = start();
        struct client client = client_open(loop_fixture_port(fixture));
        client_say(&client, beginnings[i]);
        if (i == 4)
            client_expect(&client, 100, "");
        loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, strlen(beginnings[i]));
        loop_fixture_drain(fixture);
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 503);
        assert_true(answer.closes);
        client_expect_end(&client);
        client_close(&client);
        assert_int_equal(loop_fixture_counter(fixture, STATS_REFUSED_DRAINING), 1);
        loop_fixture_join(fixture);
        loop_fixture_stop(&fixture);
    }
}

static void drain_answers_what_was_received(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    struct client idle = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client,
               "GET /hold/1" FIELDS "\r\nPOST /2" FIELDS "Content-Length: 2\r\n\r\nabGET /hold/3" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 2);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 2);
    loop_fixture_drain(fixture);
    client_expect_end(&idle); /* all connections know by now */
    client_close(&idle);
    loop_fixture_release(fixture, "/hold/3");
    loop_fixture_release(fixture, "/hold/1");
    client_expect(&client, 200, "/hold/1:");
    client_expect(&client, 200, "/2:ab");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 200);
    assert_true(answer.closes);
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

/* What lies unread in sockets, or waits to be accepted, when a drain begins in a turn that takes long: also more than
 * a turn accepts. */
static void drain_answers_what_it_has_yet_to_read(void **state)
{
    enum { N_LATE = 200 };
    struct http_settings settings = loop_fixture_settings();
    settings.connections_max = N_LATE + 1;
    struct loop_fixture *fixture = loop_fixture_start_resting(&settings, N_LATE + 1);
    struct client known = client_open(loop_fixture_port(fixture)), late[N_LATE];
    (void)state;
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 1);
    loop_fixture_drain(fixture);
    loop_fixture_await_rest(fixture);
    client_get(&known, "/known");
    for (unsigned i = 0; i < N_LATE; i++) {
        late[i] = client_open(loop_fixture_port(fixture));
        client_get(&late[i], "/late");
    }
    uint64_t begun_ns = clock_ns();
    while (clock_ns() - begun_ns < 10 * NS_PER_MS)
        continue;
    loop_fixture_go_on(fixture);
    client_expect(&known, 200, "/known:");
    for (unsigned i = 0; i < N_LATE; i++) {
        client_expect(&late[i], 200, "/late:");
        client_close(&late[i]);
    }
    client_close(&known);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

static void drain_answers_before_it_refuses(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    static const char bytes[] = "GET /hold" FIELDS "\r\nGET /part" FIELDS;
    (void)state;
    client_say(&client, bytes);
    loop_fixture_await_held(fixture, 1);
    loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, sizeof(bytes) - 1);
    loop_fixture_drain(fixture);
    loop_fixture_await_counter(fixture, STATS_REFUSED_DRAINING, 1);
    loop_fixture_release(fixture, "");
    client_expect(&client, 200, "/hold:");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 503);
    assert_true(answer.closes);
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

/* A 503 for want of a job that waits behind the pipeline is still said. */
static void drain_keeps_a_refusal_that_waits(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, 1);
    struct client client = client_open(loop_fixture_port(fixture));
    struct client idle = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold" FIELDS "\r\nGET /2" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 1);
    loop_fixture_await_counter(fixture, STATS_REFUSED_NO_JOB, 1);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 2);
    loop_fixture_drain(fixture);
    client_expect_end(&idle); /* all connections know by now */
    loop_fixture_release(fixture, "");
    client_expect(&client, 200, "/hold:");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 503);
    assert_true(answer.closes);
    client_expect_end(&client);
    client_close(&client);
    client_close(&idle);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

/* What the kernel already held when draining began is read. */
static void drain_reads_what_had_arrived(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct loop_fixture *fixture = start();
        struct client client = client_open(loop_fixture_port(fixture));
        client_get(&client, "/a");
        client_expect(&client, 200, "/a:"); /* accepted */
        client_get(&client, "/b");
        loop_fixture_drain(fixture);
        client_expect(&client, 200, "/b:");
        client_expect_end(&client);
        client_close(&client);
        loop_fixture_join(fixture);
        loop_fixture_stop(&fixture);
    }
}

static void drain_takes_no_new_connections(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    struct client idle = client_open(loop_fixture_port(fixture));
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)loop_fixture_port(fixture)) };
    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client_get(&client, "/hold");
    loop_fixture_await_held(fixture, 1);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 2);
    loop_fixture_drain(fixture);
    client_expect_end(&idle);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
    close(fd);
    loop_fixture_release(fixture, "");
    client_expect(&client, 200, "/hold:");
    client_close(&client);
    client_close(&idle);
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

/* At the end of its time connections are closed, whoever waits; the loop ends with the last job. */
static void drain_closes_connections_at_its_time(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.drain_ns = 100 * NS_PER_MS;
    settings.body_budget_bytes = 64 << 20;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client waiting = client_open(loop_fixture_port(fixture));
    struct client slow = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&waiting, "GET /hold/1" FIELDS "\r\nPOST /hold/2" FIELDS "Content-Length: 3\r\n\r\nabc");
    loop_fixture_await_held(fixture, 2);
    client_get(&slow, "/big/20000000");
    loop_fixture_await_counter(fixture, STATS_ANSWERS_2XX, 1);
    loop_fixture_drain(fixture);
    client_expect_end(&waiting);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 2);
    loop_fixture_release(fixture, "");
    loop_fixture_join(fixture);
    client_close(&waiting);
    client_close(&slow);
    loop_fixture_stop(&fixture);
}

/* Jobs of connections that are gone are waited for. */
static void drain_waits_for_jobs_without_a_connection(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_get(&client, "/hold");
    loop_fixture_await_held(fixture, 1);
    client_reset(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_drain(fixture);
    loop_fixture_release(fixture, "");
    loop_fixture_join(fixture);
    loop_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drain_ends_a_loop_without_connections),
        cmocka_unit_test(drain_closes_idle_connections),
        cmocka_unit_test(drain_refuses_what_is_not_whole),
        cmocka_unit_test(drain_answers_what_was_received),
        cmocka_unit_test(drain_answers_what_it_has_yet_to_read),
        cmocka_unit_test(drain_answers_before_it_refuses),
        cmocka_unit_test(drain_keeps_a_refusal_that_waits),
        cmocka_unit_test(drain_reads_what_had_arrived),
        cmocka_unit_test(drain_takes_no_new_connections),
        cmocka_unit_test(drain_closes_connections_at_its_time),
        cmocka_unit_test(drain_waits_for_jobs_without_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
