/* SPDX-License-Identifier: MIT */
/* connection: requests in, answers out in their order, and who closes when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "loop_fixture.h"

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"

enum { N_JOBS = 64 };

static struct loop_fixture *start(void)
{
    struct http_settings settings = loop_fixture_settings();
    return loop_fixture_start(&settings, N_JOBS);
}

static void connection_answers_and_goes_on(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        client_get(&client, "/a");
        client_expect(&client, 200, "/a:");
        client_say(&client, "POST /b" FIELDS "Content-Length: 5\r\n\r\nhello");
        client_expect(&client, 200, "/b:hello");
        client_say(&client,
                   "POST /c" FIELDS "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n");
        client_expect(&client, 200, "/c:hello");
        client_get(&client, "/fail");
        client_expect(&client, 404, NULL);
    }
    client_close(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_stop(&fixture);
}

static void connection_takes_any_split_of_its_bytes(void **state)
{
    static const char requests[] =
        "\r\nPOST /a" FIELDS "Content-Length: 5\r\n\r\nhello\r\n\r\n"
        "POST /b" FIELDS "Transfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n"
        "GET /c" FIELDS "\r\nPOST /d" FIELDS "Content-Length: 1\r\n\r\nx";
    struct loop_fixture *fixture = start();
    (void)state;
    for (size_t step = 1; step < sizeof(requests); step += step < 20 ? 1 : 37) {
        struct client client = client_open(loop_fixture_port(fixture));
        uint64_t received = loop_fixture_counter(fixture, STATS_RECEIVED_BYTES);
        for (size_t at = 0; at < sizeof(requests) - 1; at += step) {
            size_t n = sizeof(requests) - 1 - at < step ? sizeof(requests) - 1 - at : step;
            client_send(&client, requests + at, n);
            if (step < 3) /* each piece is a read of its own */
                loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, received + at + n);
        }
        client_expect(&client, 200, "/a:hello");
        client_expect(&client, 200, "/b:hello");
        client_expect(&client, 200, "/c:");
        client_expect(&client, 200, "/d:x");
        assert_true(client_is_silent(&client));
        client_close(&client);
    }
    loop_fixture_stop(&fixture);
}

static void connection_answers_in_the_order_of_requests(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold/1" FIELDS "\r\nGET /2" FIELDS "\r\nGET /hold/3" FIELDS "\r\nGET /4" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 2);
    assert_int_equal(loop_fixture_release(fixture, "/hold/3"), 1);
    loop_fixture_await_held(fixture, 1);
    assert_true(client_is_silent(&client));
    assert_int_equal(loop_fixture_release(fixture, "/hold/1"), 1);
    client_expect(&client, 200, "/hold/1:");
    client_expect(&client, 200, "/2:");
    client_expect(&client, 200, "/hold/3:");
    client_expect(&client, 200, "/4:");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* As many answers of two parts as one write gathers, and more; HEAD has neither part. */
static void connection_sends_the_lead_in_front_of_the_body(void **state)
{
    enum { N = 80 };
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    char text[N * 64];
    size_t used = 0;
    (void)state;
    for (unsigned i = 0; i < N; i++)
        used += (size_t)sprintf(text + used, "GET /lead/%u" FIELDS "\r\n", i);
    client_send(&client, text, used);
    for (unsigned i = 0; i < N; i++) {
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "lead:%u", i);
        client_expect(&client, 200, wanted);
    }
    client_say(&client, "HEAD /lead/123" FIELDS "\r\nGET /lead/" FIELDS "\r\n");
    struct client_answer head = client_read_head(&client);
    assert_non_null(strstr(head.head, "Content-Length: 8\r\n"));
    client_expect(&client, 200, "lead:");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Many more requests than the pipeline holds, in one write and followed by the end of sending. */
static void connection_serves_a_long_pipeline_before_it_closes(void **state)
{
    enum { N = 500 };
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    char text[N * 64];
    size_t used = 0;
    (void)state;
    for (unsigned i = 0; i < N; i++)
        used += (size_t)sprintf(
            text + used, i % 3 == 0 ? "POST /%u" FIELDS "Content-Length: 1\r\n\r\nx" : "GET /%u" FIELDS "\r\n", i);
    client_send(&client, text, used);
    client_shut(&client);
    for (unsigned i = 0; i < N; i++) {
        char wanted[32];
        snprintf(wanted, sizeof(wanted), i % 3 == 0 ? "/%u:x" : "/%u:", i);
        client_expect(&client, 200, wanted);
    }
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

static void connection_reads_no_further_than_its_pipeline(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        client_get(&client, "/hold");
    loop_fixture_await_held(fixture, 8);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 8);
    assert_int_equal(loop_fixture_release(fixture, ""), 8);
    loop_fixture_await_held(fixture, 8);
    assert_int_equal(loop_fixture_release(fixture, ""), 8);
    loop_fixture_await_held(fixture, 4);
    assert_int_equal(loop_fixture_release(fixture, ""), 4);
    for (unsigned i = 0; i < 20; i++)
        client_expect(&client, 200, "/hold:");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

static void connection_closes_when_asked(void **state)
{
    static const char *const requests[] = {
        "GET /a" FIELDS "Connection: close\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "GET /a" FIELDS "Connection: close\r\n\r\nGET /never" FIELDS "\r\n",
        "GET /a HTTP/1.0\r\n\r\nGET /never HTTP/1.0\r\n\r\n",
    };
    struct loop_fixture *fixture = start();
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct client client = client_open(loop_fixture_port(fixture));
        client_say(&client, requests[i]);
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 200);
        assert_true(answer.closes);
        client_expect_end(&client);
        client_close(&client);
    }
    assert_int_equal(loop_fixture_counter(fixture, STATS_REQUESTS), 4);
    loop_fixture_stop(&fixture);
}

static void connection_keeps_a_client_of_http10_that_asks(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        client_say(&client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        struct client_answer answer = client_read(&client);
        assert_int_equal(answer.http, 200);
        assert_non_null(strstr(answer.head, "\r\nConnection: keep-alive\r\n"));
    }
    client_close(&client);
    loop_fixture_stop(&fixture);
}

static void connection_answers_head_without_a_body(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "HEAD /a" FIELDS "\r\nHEAD /fail" FIELDS "\r\nGET /b" FIELDS "\r\n");
    struct client_answer answer = client_read_head(&client);
    assert_non_null(strstr(answer.head, "\r\nContent-Length: 3\r\n"));
    answer = client_read_head(&client);
    assert_int_equal(answer.http, 404);
    client_expect(&client, 200, "/b:");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* Refused and closed behind the answers that came before it; what follows is never served. */
static void connection_refuses_behind_earlier_answers(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold" FIELDS "\r\nGET /b" FIELDS "X : y\r\n\r\nGET /never" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 1);
    assert_true(client_is_silent(&client));
    loop_fixture_release(fixture, "");
    client_expect(&client, 200, "/hold:");
    struct client_answer answer = client_read(&client);
    assert_int_equal(answer.http, 400);
    assert_true(answer.closes);
    client_expect_end(&client);
    client_close(&client);
    assert_int_equal(loop_fixture_counter(fixture, STATS_REQUESTS), 2);
    loop_fixture_stop(&fixture);
}

static void connection_refuses_chunks_that_are_none(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client,
               "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\nGET /never" FIELDS "\r\n");
    client_expect(&client, 400, NULL);
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* 100 Continue -------------------------------------------------------------- */

#define EXPECTING "POST /e" FIELDS "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"

static void connection_tells_a_client_to_continue(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, EXPECTING);
    client_expect(&client, 100, "");
    client_say(&client, "ab");
    client_expect(&client, 200, "/e:ab");
    client_say(&client, EXPECTING "ab"); /* it does not wait: no need to tell it */
    client_expect(&client, 200, "/e:ab");
    client_say(&client, "POST /e HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    client_say(&client, "ab");
    client_expect(&client, 200, "/e:ab");
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* RFC 9110, 15.2: an interim answer belongs to the request whose turn it is. */
static void connection_says_continue_only_when_it_is_its_turn(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold" FIELDS "\r\n" EXPECTING);
    loop_fixture_await_held(fixture, 1);
    uint64_t received = sizeof("GET /hold" FIELDS "\r\n" EXPECTING) - 1;
    loop_fixture_await_counter(fixture, STATS_RECEIVED_BYTES, received);
    assert_int_equal(loop_fixture_release(fixture, ""), 1);
    client_expect(&client, 200, "/hold:");
    client_expect(&client, 100, "");
    client_say(&client, "ab");
    client_expect(&client, 200, "/e:ab");
    client_close(&client);
    loop_fixture_stop(&fixture);
}

/* The client's end ---------------------------------------------------------- */

static void connection_answers_a_client_that_sends_no_more(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold" FIELDS "\r\nGET /b" FIELDS "\r\nGET /part HT");
    client_shut(&client);
    loop_fixture_await_held(fixture, 1);
    loop_fixture_release(fixture, "");
    client_expect(&client, 200, "/hold:");
    client_expect(&client, 200, "/b:");
    client_expect_end(&client);
    client_close(&client);
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_stop(&fixture);
}

static void connection_ends_with_an_idle_or_partial_client(void **state)
{
    static const char *const beginnings[] = { "", "G", "GET / HTTP/1.1\r\n",
                                              "POST /a" FIELDS "Content-Length: 5\r\n\r\nhel",
                                              "POST /a" FIELDS "Transfer-Encoding: chunked\r\n\r\n5\r\nh" };
    struct loop_fixture *fixture = start();
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct client client = client_open(loop_fixture_port(fixture));
        client_say(&client, beginnings[i]);
        client_shut(&client);
        client_expect_end(&client);
        client_close(&client);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_BODY_BYTES, 0);
    }
    assert_int_equal(loop_fixture_counter(fixture, STATS_REQUESTS), 0);
    loop_fixture_stop(&fixture);
}

/* Jobs of connections that are gone come home to nobody, while new connections use the same slots. */
static void connection_reset_leaves_its_jobs_to_come_home(void **state)
{
    struct loop_fixture *fixture = start();
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        struct client gone = client_open(loop_fixture_port(fixture));
        client_say(&gone,
                   "GET /hold/1" FIELDS "\r\nPOST /hold/2" FIELDS "Content-Length: 3\r\n\r\nabcGET /3" FIELDS "\r\n");
        loop_fixture_await_held(fixture, 2);
        client_reset(&gone);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
        struct client client = client_open(loop_fixture_port(fixture));
        client_get(&client, "/hold/3");
        loop_fixture_await_held(fixture, 3);
        assert_int_equal(loop_fixture_release(fixture, "/hold/1"), 1);
        client_get(&client, "/4");
        assert_int_equal(loop_fixture_release(fixture, ""), 2);
        client_expect(&client, 200, "/hold/3:");
        client_expect(&client, 200, "/4:");
        client_close(&client);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
    }
    loop_fixture_stop(&fixture);
}

/* The answer meets a socket that is reset: no signal, no trace. */
static void connection_survives_writing_to_a_client_that_left(void **state)
{
    struct loop_fixture *fixture = start();
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct client client = client_open(loop_fixture_port(fixture));
        for (unsigned n = 0; n < 8; n++) /* a full pipeline: the loop does not read, so it does not see the reset */
            client_get(&client, "/hold");
        loop_fixture_await_held(fixture, 8);
        client_reset(&client);
        loop_fixture_release(fixture, "");
        loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
        loop_fixture_await_gauge(fixture, STATS_GAUGE_JOBS_IN_USE, 0);
    }
    loop_fixture_stop(&fixture);
}

/* A client that closed in order answers the first write with a reset; the second one raises SIGPIPE. */
static void connection_survives_writing_twice_to_a_client_that_left(void **state)
{
    struct loop_fixture *fixture = start();
    struct client client = client_open(loop_fixture_port(fixture));
    (void)state;
    client_say(&client, "GET /hold/1" FIELDS "\r\nGET /hold/2" FIELDS "\r\nGET /hold/3" FIELDS "\r\n");
    loop_fixture_await_held(fixture, 3);
    client_close(&client);
    loop_fixture_release(fixture, "/hold/1");
    loop_fixture_await_counter(fixture, STATS_ANSWERS_2XX, 1);
    loop_fixture_release(fixture, "/hold/2");
    loop_fixture_await_gauge(fixture, STATS_GAUGE_CONNECTIONS, 0);
    loop_fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_answers_and_goes_on),
        cmocka_unit_test(connection_takes_any_split_of_its_bytes),
        cmocka_unit_test(connection_answers_in_the_order_of_requests),
        cmocka_unit_test(connection_sends_the_lead_in_front_of_the_body),
        cmocka_unit_test(connection_serves_a_long_pipeline_before_it_closes),
        cmocka_unit_test(connection_reads_no_further_than_its_pipeline),
        cmocka_unit_test(connection_closes_when_asked),
        cmocka_unit_test(connection_keeps_a_client_of_http10_that_asks),
        cmocka_unit_test(connection_answers_head_without_a_body),
        cmocka_unit_test(connection_refuses_behind_earlier_answers),
        cmocka_unit_test(connection_refuses_chunks_that_are_none),
        cmocka_unit_test(connection_tells_a_client_to_continue),
        cmocka_unit_test(connection_says_continue_only_when_it_is_its_turn),
        cmocka_unit_test(connection_answers_a_client_that_sends_no_more),
        cmocka_unit_test(connection_ends_with_an_idle_or_partial_client),
        cmocka_unit_test(connection_reset_leaves_its_jobs_to_come_home),
        cmocka_unit_test(connection_survives_writing_to_a_client_that_left),
        cmocka_unit_test(connection_survives_writing_twice_to_a_client_that_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
