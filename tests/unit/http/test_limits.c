/* SPDX-License-Identifier: MIT */
/* limits: no job, no budget, no file, slow readers. Each refusal is an answer or a close, and afterwards all
 * jobs and bytes are home (loop_fixture_stop() asserts it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <telemetry/clock.h>

#include "client.h"
#include "loop_fixture.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

enum { N_JOBS = 64 };

/* Jobs ---------------------------------------------------------------------- */

static void request_id_of(const struct client_answer *answer, char id[32])
{
    assert_int_equal(sscanf(strstr(answer->head, "X-Request-Id: "), "X-Request-Id: %31[0-9a-f]", id), 1);
}

static void limits_without_a_job_503_and_the_connection_goes_on(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, 2);
    struct client busy = client_open(loop_fixture_port(fixture));
    struct client client = client_open(loop_fixture_port(fixture));
    char ids[3][32];
    (void)state;
    client_say(&busy, "GET /hold" FIELDS "\r\nGET /hold" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 2);
    for (unsigned i = 0; i < 3; i++) {
        client_say(&client, "POST /a" FIELDS "Content-Length: 5\r\n\r\n");
        loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, 94 + i); /* the body may come apart */
        client_say(&client, "hello");
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 503);
        assert_false(answer.closes);
        assert_non_null(strstr(answer.head, "\r\nRetry-After: 1\r\n"));
        request_id_of(&answer, ids[i]);
    }
    assert_string_not_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[1], ids[2]);
    client_say(&client, "HEAD /a" FIELDS "\r\n");
    assert_int_equal(client_read_head(&client).http, 503);
    loop_fixture_release(fixture, "");
    client_expect(&busy, 200, "/hold:");
    client_expect(&busy, 200, "/hold:");
    client_say(&client, "POST /a" FIELDS "Content-Length: 5\r\n\r\nhello");
    client_expect(&client, 200, "/a:hello");
    assert_int_equal(loop_fixture_counter(fixture, STATS_REFUSED_NO_JOB), 4);
    client_close(&busy);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* The refusal keeps its place among the answers. */
static void limits_without_a_job_503_in_the_order_of_requests(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, 2);
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold" FIELDS "\r\nGET /2" FIELDS "\r\nGET /3" FIELDS "\r\nGET /4" FIELDS "\r\n");
    loop_fixture_await_counter(fixture, STATS_REFUSED_NO_JOB, 1);
    loop_fixture_await_held(fixture, 1);
    assert_true(client_is_silent(&client));
    loop_fixture_release(fixture, "");
    client_expect(&client, 200, "/hold:");
    client_expect(&client, 200, "/2:");
    client_expect(&client, 503, NULL);
    client_expect(&client, 200, "/4:");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

static void limits_without_a_job_end_a_connection_that_would_end(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, 1);
    struct client busy = client_open(loop_fixture_port(fixture));
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_get(&busy, "/hold");
    loop_fixture_await_held(fixture, 1);
    client_say(&client, "GET /a HTTP/1.0\r\n\r\n");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 503);
    assert_true(answer.closes);
    client_expect_end(&client);
    client_close(&client);
    client = client_open(loop_fixture_port(fixture));
    client_say(&client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer = client_read(&client);
    assert_int_equal(answer.http, 503);
    assert_non_null(strstr(answer.head, "\r\nConnection: keep-alive\r\n"));
    client_close(&client);
    client_close(&busy);
    loop_fixture_stop(&fixture);
}

static void expect_full(struct client *client, const char *share)
{
    struct client_answer answer = client_read(client);
    assert_int_equal(answer.http, 503);
    assert_false(answer.closes);
    assert_non_null(memmem(answer.body, answer.body_bytes, share, strlen(share)));
}

/* Reads that are stuck leave room for writes, writes that are stuck for reads, and both for the server's own. */
static void limits_of_a_share_leave_room_for_the_other(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.share_max = 2;
    struct loop_fixture *fixture = loop_fixture_start(&settings, 5);
    struct client reads = client_open(loop_fixture_port(fixture)), writes = client_open(loop_fixture_port(fixture));
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&reads, "GET /hold/r" FIELDS "\r\nHEAD /hold/r" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 2);
    client_get(&client, "/metrics");
    expect_full(&client, "that queries may hold");
    client_say(&client, "POST /query" FIELDS "Content-Length: 0\r\n\r\n");
    expect_full(&client, "that queries may hold");
    client_say(&client, "PUT /a" FIELDS "Content-Length: 1\r\n\r\nx");
    client_expect(&client, 200, "/a:x");
    client_say(&writes, "POST /hold/w" FIELDS "Content-Length: 0\r\n\r\nDELETE /hold/w" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 4);
    client_say(&client, "POST /a" FIELDS "Content-Length: 1\r\n\r\nx");
    expect_full(&client, "that writes may hold");
    client_get(&client, "/healthz");
    client_expect(&client, 200, "/healthz:");
    loop_fixture_release(fixture, "/hold/r");
    client_expect(&reads, 200, "/hold/r:");
    client_get(&client, "/metrics");
    client_expect(&client, 200, "/metrics:");
    client_say(&client, "POST /a" FIELDS "Content-Length: 1\r\n\r\nx");
    expect_full(&client, "that writes may hold");
    assert_int_equal(loop_fixture_counter(fixture, STATS_REFUSED_NO_JOB), 4);
    client_close(&reads);
    client_close(&writes);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Both stuck at once, and neither at the end of its own share: what is kept is for health and counters alone. */
static void limits_of_both_shares_leave_jobs_for_health(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.share_max = 3;
    settings.shares_max = 3;
    struct loop_fixture *fixture = loop_fixture_start(&settings, 4);
    struct client reads = client_open(loop_fixture_port(fixture)), writes = client_open(loop_fixture_port(fixture));
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&reads, "GET /hold/r" FIELDS "\r\nGET /hold/r" FIELDS "\r\n");
    client_say(&writes, "DELETE /hold/w" FIELDS "\r\nDELETE /hold/w" FIELDS "\r\n");
    loop_fixture_await_counter(fixture, STATS_REQUESTS, 4);
    client_get(&client, "/healthz");
    client_expect(&client, 200, "/healthz:");
    loop_fixture_await_held(fixture, 3);
    client_get(&client, "/metrics");
    expect_full(&client, "but those kept for health");
    client_say(&client, "DELETE /a" FIELDS "\r\n");
    expect_full(&client, "but those kept for health");
    client_get(&client, "/-/metrics");
    client_expect(&client, 200, "/-/metrics:");
    loop_fixture_release(fixture, "");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
    client_get(&client, "/metrics");
    client_expect(&client, 200, "/metrics:");
    client_close(&reads);
    client_close(&writes);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Bodies -------------------------------------------------------------------- */

static void send_letters(struct client *client, size_t n)
{
    char *letters = malloc(n);
    memset(letters, 'x', n);
    client_send(client, letters, n);
    free(letters);
}

static void limits_of_the_body_budget_503(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = 140000;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client first = client_open(loop_fixture_port(fixture));
    struct client second = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&first, "POST /hold" FIELDS "Content-Length: 80000\r\n\r\n");
    send_letters(&first, 79999);
    loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, 79999);
    client_say(&second, "POST /b" FIELDS "Content-Length: 70000\r\n\r\n");
    send_letters(&second, 69999);
    client_expect(&second, 503, NULL);
    client_expect_end(&second);
    client_close(&second);
    assert_int_equal(loop_fixture_counter(fixture, STATS_REFUSED_NO_BUDGET), 1);
    send_letters(&first, 1);
    loop_fixture_await_held(fixture, 1); /* and the job holds its body's part of the budget */
    second = client_open(loop_fixture_port(fixture));
    client_say(&second, "POST /b" FIELDS "Content-Length: 70000\r\n\r\n");
    send_letters(&second, 69999);
    client_expect(&second, 503, NULL);
    client_close(&second);
    loop_fixture_release(fixture, "");
    client_expect(&first, 200, NULL);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    client_close(&first);
    loop_fixture_stop(&fixture);
}

static void assert_too_large(struct loop_fixture *fixture, const char *request, size_t n_letters)
{
    struct client client = client_open(loop_fixture_port(fixture));
    client_say(&client, request);
    send_letters(&client, n_letters);
    client_expect(&client, 413, NULL);
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
}

static void limits_of_one_body_413_before_it_is_read(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "POST /a" FIELDS "Content-Length: 100000\r\n\r\n");
    send_letters(&client, 100000);
    client_expect(&client, 200, NULL);
    client_say(&client, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n186a0\r\n");
    send_letters(&client, 100000);
    client_say(&client, "\r\n0\r\n\r\n");
    client_expect(&client, 200, NULL);
    client_close(&client);
    assert_too_large(fixture, "POST /a" FIELDS "Content-Length: 100001\r\n\r\n", 0);
    assert_too_large(fixture, "POST /a" FIELDS "Content-Length: 9223372036854775807\r\n\r\n", 0);
    assert_too_large(fixture, "POST /a" FIELDS "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n", 0);
    assert_too_large(fixture, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n186a1\r\n", 0);
    assert_too_large(fixture, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", 0);
    assert_too_large(fixture, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 1);
    assert_too_large(fixture, "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n186a0\r\n", 0);
    loop_fixture_stop(&fixture);
}

/* Slow readers -------------------------------------------------------------- */

static void limits_let_a_slow_reader_hold_no_job(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = 64 << 20;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client slow = client_open(loop_fixture_port(fixture));
    struct client quick = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&slow, "GET /big/20000000" FIELDS "\r\nGET /b" FIELDS "\r\nGET /big/9000000" FIELDS "\r\n");
    loop_fixture_await_counter(fixture, STATS_ANSWERS_2XX, 3);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
    client_get(&quick, "/a");
    client_expect(&quick, 200, "/a:");
    client_get(&slow, "/last"); /* not read before the answers have left */
    struct client_answer answer = client_read(&slow);
    assert_int_equal(answer.body_bytes, 20000000);
    for (size_t i = 0; i < answer.body_bytes; i++)
        if (answer.body[i] != (char)('a' + i % 26))
            fail_msg("byte %zu is wrong", i);
    client_expect(&slow, 200, "/b:");
    assert_int_equal(client_read(&slow).body_bytes, 9000000);
    client_expect(&slow, 200, "/last:");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    client_close(&slow);
    client_close(&quick);
    loop_fixture_stop(&fixture);
}

/* The client stops within a body while its answer is on its way: all of that still comes, then the end. */
static void limits_close_behind_the_answer_of_a_slow_reader_that_stopped(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = 64 << 20;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client slow = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&slow, "GET /big/20000000" FIELDS "\r\nPOST /b" FIELDS "Content-Length: 5\r\n\r\nhel");
    loop_fixture_await_counter(fixture, STATS_ANSWERS_2XX, 1);
    client_shut(&slow);
    usleep(20000); /* let the end arrive while the answer waits */
    assert_int_equal(client_read(&slow).body_bytes, 20000000);
    client_expect_end(&slow);
    client_close(&slow);
    loop_fixture_stop(&fixture);
}

/* A client that asks for much in few bytes, when there is no job for it. */
static void limits_without_a_job_503_to_all_of_a_long_pipeline(void **state)
{
    enum { N = 2300 };
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, 1);
    struct client busy = client_open(loop_fixture_port(fixture));
    struct client client = client_open(loop_fixture_port(fixture));
    static const char request[] = "GET /abc HTTP/1.1\r\nHost:\r\n\r\n";
    static char text[N * (sizeof(request) - 1)];
    (void)state;
    client_get(&busy, "/hold");
    loop_fixture_await_held(fixture, 1);
    for (unsigned i = 0; i < N; i++)
        memcpy(text + i * (sizeof(request) - 1), request, sizeof(request) - 1);
    client_send(&client, text, sizeof(text));
    client_shut(&client);
    for (unsigned i = 0; i < N; i++)
        client_expect(&client, 503, NULL);
    client_expect_end(&client);
    client_close(&busy);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

static void limits_end_a_reader_that_is_too_far_behind(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client slow = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&slow, "GET /big/30000000" FIELDS "\r\nGET /b" FIELDS "\r\nGET /hold" FIELDS "\r\n");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    loop_fixture_await_held(fixture, 1);
    client_close(&slow);
    loop_fixture_stop(&fixture);
}

static void limits_end_a_reader_that_takes_nothing(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.body_budget_bytes = 64 << 20;
    settings.write_ns = 100 * NS_PER_MS;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client slow = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&slow, "GET /big/20000000" FIELDS "\r\nGET /hold" FIELDS "\r\n");
    loop_fixture_await_counter(fixture, STATS_TIMEOUT_WRITE, 1);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    client_close(&slow);
    loop_fixture_stop(&fixture);
}

/* Connections --------------------------------------------------------------- */

static void limits_of_connections_503_and_close(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    settings.connections_max = 2;
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client clients[2] = { client_open(loop_fixture_port(fixture)), client_open(loop_fixture_port(fixture)) };
    (void)state;
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 2);
    struct client third = client_open(loop_fixture_port(fixture));
    client_expect(&third, 503, "");
    client_expect_end(&third);
    client_close(&third);
    client_close(&clients[0]);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 1);
    third = client_open(loop_fixture_port(fixture));
    client_get(&third, "/a");
    client_expect(&third, 200, "/a:");
    client_close(&third);
    client_close(&clients[1]);
    loop_fixture_stop(&fixture);
}

/* The client's own socket takes the last descriptor that the limit leaves. */
static void limits_of_open_files_drop_the_connection_and_no_other(void **state)
{
    struct http_settings settings = loop_fixture_settings();
    struct loop_fixture *fixture = loop_fixture_start(&settings, N_JOBS);
    struct client first = client_open(loop_fixture_port(fixture));
    struct rlimit limit;
    (void)state;
    client_get(&first, "/a");
    client_expect(&first, 200, "/a:");
    int lowest = fcntl(0, F_DUPFD_CLOEXEC, 0);
    assert_true(lowest > 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = { (rlim_t)lowest + 1, limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct client dropped = client_open(loop_fixture_port(fixture));
    client_expect_end(&dropped);
    client_get(&first, "/a");
    client_expect(&first, 200, "/a:");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct client second = client_open(loop_fixture_port(fixture));
    client_get(&second, "/b");
    client_expect(&second, 200, "/b:");
    client_close(&second);
    client_close(&dropped);
    client_close(&first);
    loop_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_without_a_job_503_and_the_connection_goes_on),
        cmocka_unit_test(limits_without_a_job_503_in_the_order_of_requests),
        cmocka_unit_test(limits_without_a_job_end_a_connection_that_would_end),
        cmocka_unit_test(limits_of_a_share_leave_room_for_the_other),
        cmocka_unit_test(limits_of_both_shares_leave_jobs_for_health),
        cmocka_unit_test(limits_of_the_body_budget_503),
        cmocka_unit_test(limits_of_one_body_413_before_it_is_read),
        cmocka_unit_test(limits_let_a_slow_reader_hold_no_job),
        cmocka_unit_test(limits_close_behind_the_answer_of_a_slow_reader_that_stopped),
        cmocka_unit_test(limits_without_a_job_503_to_all_of_a_long_pipeline),
        cmocka_unit_test(limits_end_a_reader_that_is_too_far_behind),
        cmocka_unit_test(limits_end_a_reader_that_takes_nothing),
        cmocka_unit_test(limits_of_connections_503_and_close),
        cmocka_unit_test(limits_of_open_files_drop_the_connection_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
