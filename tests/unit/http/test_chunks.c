/* SPDX-License-Identifier: MIT */
/* chunks: the chunked coding as RFC 9112, 7.1 has it and in every malformed form, whole and in pieces of
 * every size from one byte on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "exact.h"
#include "http/chunks.h"

enum outcome { WHOLE, WAITING, BROKEN };

static const char *const outcome_names[] = { "whole", "waiting", "broken" };

struct decoded {
    enum outcome outcome;
    char body[70000];
    size_t body_bytes;
    size_t taken; /* bytes of the coding, when whole */
};

static bool decode_piece(struct chunks *chunks, const char *piece, size_t len, struct decoded *out)
{
    while (len > 0 && chunks->state != CHUNKS_END) {
        struct slice data;
        ptrdiff_t taken = chunks_read(chunks, piece, len, &data);
        if (taken < 0)
            return false;
        assert_in_range(taken, 1, len);
        assert_true(data.len == 0 || (data.data >= piece && data.data + data.len <= piece + taken));
        if (data.len > 0)
            memcpy(out->body + out->body_bytes, data.data, data.len);
        out->body_bytes += data.len;
        out->taken += (size_t)taken;
        piece += taken;
        len -= (size_t)taken;
    }
    return true;
}

static void decode(const char *bytes, size_t len, size_t step, struct decoded *out)
{
    struct chunks chunks = { 0 };
    out->body_bytes = out->taken = 0;
    for (size_t at = 0; at < len && chunks.state != CHUNKS_END; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *piece = exact_copy(bytes + at, n);
        bool fine = decode_piece(&chunks, piece, n, out);
        free(piece);
        if (!fine) {
            out->outcome = BROKEN;
            return;
        }
    }
    out->outcome = chunks.state == CHUNKS_END ? WHOLE : WAITING;
}

struct chunks_case {
    const char *bytes;
    size_t len;
    enum outcome outcome;
    const char *body;
    size_t rest; /* bytes behind the coding */
};

#define GOOD(text, body, rest)                                                                                         \
    {                                                                                                                  \
        text, sizeof(text) - 1, WHOLE, body, rest                                                                      \
    }
#define BAD(text)                                                                                                      \
    {                                                                                                                  \
        text, sizeof(text) - 1, BROKEN, NULL, 0                                                                        \
    }
#define PART(text, body)                                                                                               \
    {                                                                                                                  \
        text, sizeof(text) - 1, WAITING, body, 0                                                                       \
    }

static const struct chunks_case cases[] = {
    GOOD("0\r\n\r\n", "", 0),
    GOOD("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
    GOOD("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", 0),
    GOOD("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n", 0),
    GOOD("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0),
    GOOD("00005\r\nhello\r\n000\r\n\r\n", "hello", 0),
    GOOD("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello", 0),
    GOOD("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", 0),
    GOOD("0\r\n\r\nGET / HTTP/1.1\r\n", "", 16),
    GOOD("0\r\n\r\n0\r\n\r\n", "", 5),
    /* extensions */
    GOOD("5;a\r\nhello\r\n0;b\r\n\r\n", "hello", 0),
    GOOD("5;a=b;c=\"d e;f\"\r\nhello\r\n0\r\n\r\n", "hello", 0),
    GOOD("5; a = b\r\nhello\r\n0\r\n\r\n", "hello", 0),
    GOOD("5;a=\"\xc3\xa9\t\"\r\nhello\r\n0\r\n\r\n", "hello", 0),
    /* trailers */
    GOOD("0\r\nX: 1\r\n\r\n", "", 0),
    GOOD("0\r\nX: 1\r\nY:\r\nZ: a:b\r\n\r\nrest", "", 4),
    GOOD("0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0),
    /* not yet whole */
    PART("", ""),
    PART("5", ""),
    PART("5\r", ""),
    PART("5\r\nhel", "hel"),
    PART("5\r\nhello", "hello"),
    PART("5\r\nhello\r", "hello"),
    PART("5\r\nhello\r\n0\r\n", "hello"),
    PART("5\r\nhello\r\n0\r\n\r", "hello"),
    PART("0\r\nX: 1\r\n", ""),
    /* sizes */
    BAD("\r\n"),
    BAD("\r\n5\r\nhello\r\n0\r\n\r\n"),
    BAD("g\r\n"),
    BAD("5g\r\nhello\r\n0\r\n\r\n"),
    BAD("0x5\r\nhello\r\n0\r\n\r\n"),
    BAD("+5\r\nhello\r\n0\r\n\r\n"),
    BAD("-5\r\nhello\r\n0\r\n\r\n"),
    BAD(" 5\r\nhello\r\n0\r\n\r\n"),
    BAD("5 \r\nhello\r\n0\r\n\r\n"),
    BAD("5\t\r\nhello\r\n0\r\n\r\n"),
    BAD("5 ;a\r\nhello\r\n0\r\n\r\n"),
    BAD("1 5\r\n"),
    BAD("5_0\r\n"),
    BAD(";a\r\n"),
    BAD("10000000000000005\r\nhello\r\n0\r\n\r\n"), /* 2^64 + 5 */
    BAD("00000000000000005\r\nhello\r\n0\r\n\r\n"), /* more digits than any size needs */
    BAD("5\0\r\nhello\r\n0\r\n\r\n"),
    BAD("\xb5\r\nhello\r\n0\r\n\r\n"), /* '5' with its high bit */
    BAD("`\r\n"),
    BAD("@\r\n"),
    /* line ends */
    BAD("5\nhello\r\n0\r\n\r\n"),
    BAD("5\rhello\r\n0\r\n\r\n"),
    BAD("5\r\r\nhello\r\n0\r\n\r\n"),
    BAD("5\r\nhello\n0\r\n\r\n"),
    BAD("5\r\nhello\r0\r\n\r\n"),
    BAD("5\r\nhelloXX0\r\n\r\n"),
    BAD("5\r\nhello0\r\n\r\n"),
    BAD("5\r\nhell\r\n0\r\n\r\n"),
    BAD("5\r\nhelloo\r\n0\r\n\r\n"),
    BAD("0\n\r\n"),
    BAD("0\r\n\n"),
    BAD("0\r\n\rX"),
    BAD("0\r\r\n"),
    /* extensions and trailers */
    BAD("5;a\nb\r\nhello\r\n0\r\n\r\n"),
    BAD("5;a\rb\r\nhello\r\n0\r\n\r\n"),
    BAD("5;a=\0\r\nhello\r\n0\r\n\r\n"),
    BAD("5;a=\x01\r\nhello\r\n0\r\n\r\n"),
    BAD("5;a=\x7f\r\nhello\r\n0\r\n\r\n"),
    BAD("0\r\nX: 1\n\r\n"),
    BAD("0\r\nX: 1\r2\r\n\r\n"),
    BAD("0\r\nX: 1\r\n 2\r\n\r\n"),
    BAD("0\r\nX: 1\r\n\t2\r\n\r\n"),
    BAD("0\r\n X: 1\r\n\r\n"),
    BAD("0\r\nX : 1\r\n\r\n"),
    BAD("0\r\n: 1\r\n\r\n"),
    BAD("0\r\nX\r\n\r\n"),
    BAD("0\r\nX(: 1\r\n\r\n"),
    BAD("0\r\n\"X: 1\r\n\r\n"),
    BAD("0\r\nX: a\0\r\n\r\n"),
    BAD("0\r\nX: a\x7f\r\n\r\n"),
    BAD("0\r\nX\xe9: a\r\n\r\n"),
};

static void chunks_read_judges_each_case_in_pieces_of_every_size(void **state)
{
    static struct decoded got;
    unsigned n_wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct chunks_case *it = &cases[i];
        for (size_t step = 1; step <= it->len + 1; step++) {
            decode(it->bytes, it->len, step, &got);
            bool fine = got.outcome == it->outcome;
            if (fine && it->body != NULL)
                fine = got.body_bytes == strlen(it->body) && memcmp(got.body, it->body, got.body_bytes) == 0;
            if (fine && it->outcome == WHOLE)
                fine = got.taken == it->len - it->rest;
            if (fine)
                continue;
            n_wrong++;
            print_message("pieces of %zu: wanted %s, got %s: %s\n", step, outcome_names[it->outcome],
                          outcome_names[got.outcome], it->bytes);
            break;
        }
    }
    assert_int_equal(n_wrong, 0);
}

static void chunks_read_counts_sizes_up_to_64_bits(void **state)
{
    static const char size[] = "ffffffffffffffff\r\n";
    struct chunks chunks = { 0 };
    struct slice data;
    (void)state;
    assert_int_equal(chunks_read(&chunks, size, sizeof(size) - 1, &data), sizeof(size) - 1);
    assert_int_equal(chunks.state, CHUNKS_DATA);
    assert_true(chunks.left == UINT64_MAX);
    assert_int_equal(chunks_read(&chunks, "abc", 3, &data), 3);
    assert_int_equal(data.len, 3);
    assert_true(chunks.left == UINT64_MAX - 3);
}

/* Text of `n` letters between two ends, as one coding. */
static size_t make_long(char *text, const char *before, size_t n, const char *behind)
{
    size_t used = (size_t)sprintf(text, "%s", before);
    memset(text + used, 'a', n);
    used += n;
    return used + (size_t)sprintf(text + used, "%s", behind);
}

static void assert_overhead(const char *before, const char *behind, size_t counted)
{
    static char text[20000];
    static struct decoded got;
    size_t fits = CHUNK_OVERHEAD_MAX - counted;
    for (size_t step = 1; step < 30000; step += 9999) {
        decode(text, make_long(text, before, fits, behind), step, &got);
        assert_int_equal(got.outcome, WHOLE);
        decode(text, make_long(text, before, fits + 1, behind), step, &got);
        assert_int_equal(got.outcome, BROKEN);
        decode(text, make_long(text, before, fits + counted + 1, ""), step, &got);
        assert_int_equal(got.outcome, BROKEN); /* before it ends */
    }
}

static void chunks_read_bounds_what_is_no_body(void **state)
{
    (void)state;
    assert_overhead("5;", "\r\nhello\r\n0\r\n\r\n", 0);
    assert_overhead("0;", "\r\n\r\n", 0);
    assert_overhead("0\r\nX:", "\r\n\r\n", 2);
    assert_overhead("0\r\n", ":\r\n\r\n", 1);
    assert_overhead("5;", "\r\nhello\r\n0;aa\r\nX:\r\n\r\n", 4);
}

/* Many small chunks with an extension each share the same allowance. */
static void chunks_read_bounds_extensions_of_all_chunks_together(void **state)
{
    static char text[60000];
    static struct decoded got;
    size_t used = 0;
    (void)state;
    for (unsigned i = 0; i < 5000; i++)
        used += (size_t)sprintf(text + used, "1;aa\r\nx\r\n");
    decode(text, used, 1000, &got);
    assert_int_equal(got.outcome, BROKEN);
    assert_int_equal(got.body_bytes, CHUNK_OVERHEAD_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_read_judges_each_case_in_pieces_of_every_size),
        cmocka_unit_test(chunks_read_counts_sizes_up_to_64_bits),
        cmocka_unit_test(chunks_read_bounds_what_is_no_body),
        cmocka_unit_test(chunks_read_bounds_extensions_of_all_chunks_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
