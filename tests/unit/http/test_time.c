/* SPDX-License-Identifier: MIT */
/* time: every wait for a client ends, and so does every request; a job that is late comes home all the
 * same (loop_fixture_stop() asserts it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/clock.h>

#include "client.h"
#include "loop_fixture.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

enum { N_JOBS = 64 };

static void send_letters(struct client *client, size_t n)
{
    char *letters = malloc(n);
    memset(letters, 'x', n);
    client_send(client, letters, n);
    free(letters);
}

static void assert_times_out(struct loop_fixture *fixture, const char *beginning, unsigned http,
                             enum stats_counter counter)
{
    uint64_t before = loop_fixture_counter(fixture, counter);
    struct client client = client_open(loop_fixture_port(fixture));
    client_say(&client, beginning);
    if (http != 0)
        client_expect(&client, http, NULL);
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_await_counter(fixture, counter, before + 1);
}

static void time_end_idle_connections(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.idle_ns = 50 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    (void)state;
    assert_times_out(fixture, "", 0, STATS_TIMEOUT_IDLE);
    loop_fixture_stop(&fixture);
}

/* More connections than are ended in one turn: all of them end, and soon. */
static void time_end_a_crowd_of_idle_connections(void **state)
{
    enum { CROWD = 200 };
    static struct client clients[CROWD];
    struct http_settings settings = loop_fixture_settings();
    settings.connections_max = CROWD + 1;
    settings.idle_ns = 200 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    (void)state;
    for (unsigned i = 0; i < CROWD; i++)
        clients[i] = client_open(loop_fixture_port(fixture));
    loop_fixture_await_counter(fixture, STATS_CONNECTIONS_OPENED, CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        client_expect_end(&clients[i]);
        client_close(&clients[i]);
    }
    assert_int_equal(loop_fixture_counter(fixture, STATS_TIMEOUT_IDLE), CROWD);
    loop_fixture_stop(&fixture);
}

static void time_end_heads_and_bodies(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.head_ns = settings.body_ns = 50 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    (void)state;
    assert_times_out(fixture, "G", 408, STATS_TIMEOUT_HEAD);
    assert_times_out(fixture, "GET /a" FIELDS, 408, STATS_TIMEOUT_HEAD);
    assert_times_out(fixture, "POST /a" FIELDS "Content-Length: 5\r\n\r\nhell", 408, STATS_TIMEOUT_BODY);
    assert_times_out(fixture, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n", 408, STATS_TIMEOUT_BODY);
    loop_fixture_stop(&fixture);
}

/* Bytes that trickle do not give a head more time. */
static void time_count_from_the_first_byte_of_a_head(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.head_ns = 200 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /a" FIELDS "X: ");
    uint64_t until_ns = clock_ns() + 10 * NS_PER_S;
    while (client_is_silent(&client) && clock_ns() < until_ns) {
        client_say(&client, "x");
        usleep(20000);
    }
    client_expect(&client, 408, NULL);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Two looks at a body that comes slower than it may, behind the grace of 2 s. */
static void time_end_a_body_that_is_too_slow(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_min_rate = 1000;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "POST /a" FIELDS "Content-Length: 90000\r\n\r\nhello");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 408);
    assert_non_null(memmem(answer.body, answer.body_bytes, "slower", 6));
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Expired requests: 504 while the job is away; it comes home late, and the connection goes on. */
static void time_of_a_request_504_while_its_job_is_away(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.request_ns = 200 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold/1" FIELDS "\r\nHEAD /hold/2" FIELDS "\r\nGET /3" FIELDS "\r\n");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 504);
    assert_false(answer.closes);
    assert_int_equal(client_read_head(&client).http, 504);
    client_expect(&client, 200, "/3:");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 2);
    client_get(&client, "/4");
    client_expect(&client, 200, "/4:");
    assert_int_equal(loop_fixture_release(fixture, "/hold/2"), 1);
    assert_int_equal(loop_fixture_release(fixture, "/hold/1"), 1);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
    assert_int_equal(loop_fixture_counter(fixture, STATS_TIMEOUT_REQUEST), 2);
    assert_true(client_is_silent(&client));
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Late jobs, and their bodies, of connections that are gone; HTTP/1.0, which closes behind its 504. */
static void time_of_a_request_hold_when_its_client_left(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.request_ns = 200 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold/1" FIELDS "\r\nPOST /hold/2 HTTP/1.0\r\nContent-Length: 70000\r\n\r\n");
    send_letters(&client, 70000);
    client_expect(&client, 504, NULL);
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 504);
    assert_true(answer.closes);
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    client = client_open(loop_fixture_port(fixture));
    client_get(&client, "/hold/3");
    loop_fixture_await_held(fixture, 3);
    client_reset(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    assert_int_equal(loop_fixture_release(fixture, ""), 3);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    loop_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_end_idle_connections),
        cmocka_unit_test(time_end_a_crowd_of_idle_connections),
        cmocka_unit_test(time_end_heads_and_bodies),
        cmocka_unit_test(time_count_from_the_first_byte_of_a_head),
        cmocka_unit_test(time_end_a_body_that_is_too_slow),
        cmocka_unit_test(time_of_a_request_504_while_its_job_is_away),
        cmocka_unit_test(time_of_a_request_hold_when_its_client_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
