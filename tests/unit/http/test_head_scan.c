/* SPDX-License-Identifier: MIT */
/* head_scan: where a head ends, and what is refused before it does. Each case runs whole and byte by
 * byte, in buffers that end where the bytes end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "exact.h"
#include "http/head.h"

static const struct head_limits limits = { .target_max_bytes = 64, .head_max_bytes = 256, .fields_max = 10 };

struct outcome {
    enum head_progress progress;
    size_t head_bytes;
    enum status status;
};

static struct outcome scan_piece(const char *bytes, size_t len, const struct head_limits *in, size_t *scanned)
{
    struct outcome outcome = { HEAD_INCOMPLETE, 0, STATUS_OK };
    struct refusal refusal = { STATUS_OK, NULL };
    char *copy = exact_copy(bytes, len);
    outcome.progress = head_scan(copy, len, in, scanned, &outcome.head_bytes, &refusal);
    free(copy);
    if (outcome.progress == HEAD_REFUSED) {
        outcome.status = refusal.status;
        assert_non_null(refusal.detail);
    }
    return outcome;
}

static struct outcome scan_whole(const char *bytes, size_t len, const struct head_limits *in)
{
    size_t scanned = 0;
    return scan_piece(bytes, len, in, &scanned);
}

/* Each byte comes alone; the head so far is scanned again with what is known of it. */
static struct outcome scan_bytewise(const char *bytes, size_t len, const struct head_limits *in)
{
    struct outcome outcome = { HEAD_INCOMPLETE, 0, STATUS_OK };
    size_t scanned = 0;
    for (size_t n = 1; n <= len && outcome.progress == HEAD_INCOMPLETE; n++)
        outcome = scan_piece(bytes, n, in, &scanned);
    return outcome;
}

static void assert_outcome(struct outcome got, struct outcome wanted, const char *text)
{
    if (got.progress != wanted.progress || got.head_bytes != wanted.head_bytes || got.status != wanted.status)
        print_message("case: %s\n", text);
    assert_int_equal(got.progress, wanted.progress);
    assert_int_equal(got.head_bytes, wanted.head_bytes);
    assert_int_equal(got.status, wanted.status);
}

static void check(const char *bytes, size_t len, const struct head_limits *in, struct outcome wanted)
{
    assert_outcome(scan_whole(bytes, len, in), wanted, bytes);
    assert_outcome(scan_bytewise(bytes, len, in), wanted, bytes);
}

#define CHECK(text, ...) check(text, sizeof(text) - 1, &limits, (struct outcome){ __VA_ARGS__ })

static void head_scan_finds_the_end(void **state)
{
    (void)state;
    CHECK("GET / HTTP/1.1\r\n\r\n", HEAD_COMPLETE, 18, STATUS_OK);
    CHECK("GET / HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_COMPLETE, 27, STATUS_OK);
    CHECK("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody \n\r with all\0bytes", HEAD_COMPLETE, 27, STATUS_OK);
    CHECK("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", HEAD_COMPLETE, 18, STATUS_OK);
}

static void head_scan_waits_for_the_rest(void **state)
{
    (void)state;
    CHECK("", HEAD_INCOMPLETE, 0, STATUS_OK);
    CHECK("G", HEAD_INCOMPLETE, 0, STATUS_OK);
    CHECK("GET / HTTP/1.1\r", HEAD_INCOMPLETE, 0, STATUS_OK);
    CHECK("GET / HTTP/1.1\r\n", HEAD_INCOMPLETE, 0, STATUS_OK);
    CHECK("GET / HTTP/1.1\r\nHost: a\r\n\r", HEAD_INCOMPLETE, 0, STATUS_OK);
}

/* RFC 9112, 2.2 and 5: a bare CR or LF and NUL are refused as soon as they are seen. */
static void head_scan_refuses_bare_line_ends_and_nul(void **state)
{
    (void)state;
    const struct outcome refused = { HEAD_REFUSED, 0, STATUS_MALFORMED_REQUEST };
#define REFUSED(text) check(text, sizeof(text) - 1, &limits, refused)
    REFUSED("\n");
    REFUSED("\nGET / HTTP/1.1\r\n\r\n");
    REFUSED("GET / HTTP/1.1\n");
    REFUSED("GET / HTTP/1.1\nHost: a\r\n\r\n");
    REFUSED("GET / HTTP/1.1\r\nHost: a\n\r\n");
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\n\n");
    REFUSED("GET / HTTP/1.1\rHost: a\r\n\r\n");
    REFUSED("GET / HTTP/1.1\r\r\n\r\n");
    REFUSED("GET / HTTP/1.1\r\nX: a\rb");
    REFUSED("GET / HTTP/1.1\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n");
    REFUSED("GET / HTTP/1.1\r\nX: a\r\r\n\r\n");
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\n\rX");
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n");
    REFUSED("\0");
    REFUSED("GET /\0 HTTP/1.1\r\n\r\n");
    REFUSED("GET / HTTP/1.1\r\nX: a\0");
    REFUSED("GET / HTTP/1.1\r\nX\0: a\r\n\r\n");
#undef REFUSED
}

/* A head of exactly head_bytes bytes with a request line and one long field. */
static size_t make_head(char *head, size_t head_bytes)
{
    size_t used = (size_t)sprintf(head, "GET / HTTP/1.1\r\nX: ");
    memset(head + used, 'a', head_bytes - used - 4);
    memcpy(head + head_bytes - 4, "\r\n\r\n", 4);
    return head_bytes;
}

static void head_scan_takes_a_head_of_the_limit_and_no_more(void **state)
{
    (void)state;
    char head[300];
    check(head, make_head(head, 255), &limits, (struct outcome){ HEAD_COMPLETE, 255, STATUS_OK });
    check(head, make_head(head, 256), &limits, (struct outcome){ HEAD_COMPLETE, 256, STATUS_OK });
    check(head, make_head(head, 257), &limits, (struct outcome){ HEAD_REFUSED, 0, STATUS_HEAD_TOO_LARGE });
    check(head, make_head(head, 299), &limits, (struct outcome){ HEAD_REFUSED, 0, STATUS_HEAD_TOO_LARGE });
}

static void head_scan_refuses_a_long_head_before_it_ends(void **state)
{
    (void)state;
    char head[400];
    make_head(head, 400);
    check(head, 300, &limits, (struct outcome){ HEAD_REFUSED, 0, STATUS_HEAD_TOO_LARGE });
    size_t used = (size_t)sprintf(head, "GET / HTTP/1.1\r\n");
    for (; used + 6 <= 300; used += 6)
        memcpy(head + used, "X: 1\r\n", 6);
    check(head, used, &limits, (struct outcome){ HEAD_REFUSED, 0, STATUS_HEAD_TOO_LARGE });
}

/* 414 for a request line that its target makes too long, although it never ends. */
static void head_scan_refuses_a_long_target_before_it_ends(void **state)
{
    (void)state;
    char head[400];
    size_t used = (size_t)sprintf(head, "GET /");
    memset(head + used, 'a', sizeof(head) - used);
    check(head, 200, &limits, (struct outcome){ HEAD_REFUSED, 0, STATUS_TARGET_TOO_LONG });
    assert_outcome(scan_whole(head, 400, &limits), (struct outcome){ HEAD_REFUSED, 0, STATUS_TARGET_TOO_LONG }, "400");
}

/* A line as long as it may be, one byte at a time: the work for each byte must not grow with the line. */
static void head_scan_of_single_bytes_takes_linear_work(void **state)
{
    (void)state;
    const struct head_limits largest = { .target_max_bytes = 8192,
                                         .head_max_bytes = HEAD_BYTES_LIMIT,
                                         .fields_max = 10 };
    char *head = malloc(HEAD_BYTES_LIMIT);
    size_t scanned = 0;
    size_t head_bytes = 0;
    size_t rescanned = 0;
    struct refusal refusal;
    make_head(head, HEAD_BYTES_LIMIT);
    for (size_t n = 1; n < HEAD_BYTES_LIMIT; n++) {
        assert_int_equal(head_scan(head, n, &largest, &scanned, &head_bytes, &refusal), HEAD_INCOMPLETE);
        rescanned += n - scanned;
    }
    assert_int_equal(head_scan(head, HEAD_BYTES_LIMIT, &largest, &scanned, &head_bytes, &refusal), HEAD_COMPLETE);
    assert_int_equal(head_bytes, HEAD_BYTES_LIMIT);
    assert_in_range(rescanned, 0, 4 * HEAD_BYTES_LIMIT);
    free(head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_scan_finds_the_end),
        cmocka_unit_test(head_scan_waits_for_the_rest),
        cmocka_unit_test(head_scan_refuses_bare_line_ends_and_nul),
        cmocka_unit_test(head_scan_takes_a_head_of_the_limit_and_no_more),
        cmocka_unit_test(head_scan_refuses_a_long_head_before_it_ends),
        cmocka_unit_test(head_scan_refuses_a_long_target_before_it_ends),
        cmocka_unit_test(head_scan_of_single_bytes_takes_linear_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
