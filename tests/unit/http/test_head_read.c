/* SPDX-License-Identifier: MIT */
/* head_read: what a head says, and every head that RFC 9112 and RFC 9110 forbid or a limit refuses. A
 * case goes through head_scan() first, whole or byte by byte, as in the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "exact.h"
#include "http/head.h"

#define GET  "GET / HTTP/1.1\r\n"
#define POST "POST /metrics HTTP/1.1\r\n"
#define OLD  "GET / HTTP/1.0\r\n"
#define HOST "Host: a\r\n"
#define END  "\r\n"

static const struct head_limits limits = { .target_max_bytes = 8192, .head_max_bytes = 16384, .fields_max = 100 };

/* A head in buffers of its exact size; slices of `head` lie in them. */
struct reading {
    char *bytes;
    char *joined;
    struct head head;
    enum status status; /* STATUS_OK when it was read */
};

static void read_scanned(struct reading *reading, const char *bytes, size_t head_bytes, const struct head_limits *in)
{
    struct refusal refusal = { STATUS_OK, NULL };
    reading->bytes = exact_copy(bytes, head_bytes);
    reading->joined = malloc(head_bytes);
    if (head_read(reading->bytes, head_bytes, in, reading->joined, &reading->head, &refusal) == 0)
        return;
    assert_non_null(refusal.detail);
    assert_int_not_equal(refusal.status, STATUS_OK);
    reading->status = refusal.status;
}

/* Scans in pieces of `step` bytes, then reads. */
static struct reading read_head(const char *bytes, size_t len, size_t step, const struct head_limits *in)
{
    struct reading reading = { .status = STATUS_OK };
    struct refusal refusal = { STATUS_OK, NULL };
    size_t scanned = 0;
    size_t head_bytes = 0;
    for (size_t n = step < len ? step : len; n <= len; n++) {
        char *piece = exact_copy(bytes, n);
        enum head_progress progress = head_scan(piece, n, in, &scanned, &head_bytes, &refusal);
        free(piece);
        if (progress == HEAD_COMPLETE) {
            read_scanned(&reading, bytes, head_bytes, in);
            return reading;
        }
        if (progress == HEAD_REFUSED) {
            reading.status = refusal.status;
            return reading;
        }
    }
    fail_msg("the head does not end: %.*s", (int)len, bytes);
    return reading;
}

static void reading_free(struct reading *reading)
{
    free(reading->bytes);
    free(reading->joined);
}

static enum status status_of(const char *bytes, size_t len, size_t step, const struct head_limits *in)
{
    struct reading reading = read_head(bytes, len, step, in);
    reading_free(&reading);
    return reading.status;
}

struct head_case {
    const char *name;
    const char *bytes;
    size_t len;
    enum status status;
};

#define CASE(name, text, status)                                                                                       \
    {                                                                                                                  \
        name, text, sizeof(text) - 1, STATUS_##status                                                                  \
    }
#define BAD(name, text)  CASE(name, text, MALFORMED_REQUEST)
#define GOOD(name, text) CASE(name, text, OK)

static const struct head_case cases[] = {
    /* request line (RFC 9112, 3) */
    BAD("HTTP/0.9", "GET / HTTP/0.9\r\n" HOST END),
    BAD("HTTP/1.2", "GET / HTTP/1.2\r\n" HOST END),
    BAD("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST END),
    BAD("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST END),
    BAD("HTTP/1", "GET / HTTP/1\r\n" HOST END),
    BAD("HTTP/11.1", "GET / HTTP/11.1\r\n" HOST END),
    BAD("protocol in small letters", "GET / http/1.1\r\n" HOST END),
    BAD("RTSP", "OPTIONS / RTSP/1.0\r\n" HOST END),
    BAD("ICE", "SOURCE / ICE/1.0\r\n" HOST END),
    BAD("no protocol", "GET /\r\n" HOST END),
    BAD("no target", "GET HTTP/1.1\r\n" HOST END),
    BAD("empty target", "GET  HTTP/1.1\r\n" HOST END),
    BAD("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n"),
    BAD("two blanks behind the method", "GET  / HTTP/1.1\r\n" HOST END),
    BAD("two blanks behind the target", "GET /  HTTP/1.1\r\n" HOST END),
    BAD("blank in the target", "GET /a b HTTP/1.1\r\n" HOST END),
    BAD("blank at the start", " GET / HTTP/1.1\r\n" HOST END),
    BAD("blank at the end", "GET / HTTP/1.1 \r\n" HOST END),
    BAD("tab for a blank", "GET\t/ HTTP/1.1\r\n" HOST END),
    BAD("tab in the target", "GET /a\tb HTTP/1.1\r\n" HOST END),
    BAD("form feed in the target", "GET /a\fb HTTP/1.1\r\n" HOST END),
    BAD("8-bit byte in the target", "GET /\xe9 HTTP/1.1\r\n" HOST END),
    BAD("DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST END),
    BAD("fragment in the target", "GET /a#b HTTP/1.1\r\n" HOST END),
    BAD("angle brackets in the target", "GET /a?b=<c> HTTP/1.1\r\n" HOST END),
    BAD("target without a slash", "GET metrics HTTP/1.1\r\n" HOST END),
    BAD("target is a query", "GET ?a=b HTTP/1.1\r\n" HOST END),
    BAD("method in small letters", "get / HTTP/1.1\r\n" HOST END),
    BAD("unknown method", "GETS / HTTP/1.1\r\n" HOST END),
    BAD("no method", " / HTTP/1.1\r\n" HOST END),
    BAD("quote in the method", "G\"T / HTTP/1.1\r\n" HOST END),
    BAD("a field where the request line should be", HOST GET END),
    BAD("TLS hello", "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03\r\n\r\n"),
    GOOD("HTTP/1.1", GET HOST END),
    GOOD("HTTP/1.0 without a Host", OLD END),
    GOOD("asterisk", "OPTIONS * HTTP/1.1\r\n" HOST END),
    GOOD("braces and quotes in the target", "GET /m?filters={\"name\":\"a\"} HTTP/1.1\r\n" HOST END),
    /* field lines (RFC 9112, 5; RFC 9110, 5.5 and 5.6.2) */
    BAD("folded field", GET HOST "X: 1\r\n 2\r\n" END),
    BAD("folded with a tab", GET HOST "X: 1\r\n\tTransfer-Encoding: chunked\r\n" END),
    BAD("folded line that is blank", GET HOST "X: 1\r\n \r\n" END),
    BAD("first field folded", GET " " HOST END),
    BAD("blank before the colon", GET HOST "X : 1\r\n" END),
    BAD("blank before the colon of a length", POST HOST "Content-Length : 5\r\n" END),
    BAD("tab before the colon", GET HOST "X\t: 1\r\n" END),
    BAD("no name", GET HOST ": 1\r\n" END),
    BAD("blank name", GET HOST " : 1\r\n" END),
    BAD("blank in a name", GET HOST "X A: 1\r\n" END),
    BAD("no colon", GET HOST "X\r\n" END),
    BAD("bracket in a name", GET HOST "X(A): 1\r\n" END),
    BAD("quote in a name", GET HOST "X\"A: 1\r\n" END),
    BAD("8-bit byte in a name", GET HOST "X\xe9: 1\r\n" END),
    BAD("control in a name", GET HOST "X\x01: 1\r\n" END),
    BAD("NUL in a value", GET HOST "X: a\0b\r\n" END),
    BAD("control in a value", GET HOST "X: a\x01"
                                       "b\r\n" END),
    BAD("DEL in a value", GET HOST "X: a\x7f\r\n" END),
    BAD("vertical tab in a value", GET HOST "X: a\vb\r\n" END),
    BAD("LF alone", GET HOST "X: 1\n" END),
    BAD("CR alone hides a coding", GET HOST "X: 1\rTransfer-Encoding: chunked\r\n" END),
    GOOD("all letters of a token", GET HOST "!#$%&'*+-.^_`|~09azAZ: 1\r\n" END),
    GOOD("empty value", GET HOST "X:\r\n" END),
    GOOD("value of blanks", GET HOST "X: \t \r\n" END),
    GOOD("8-bit bytes in a value", GET HOST "X: \xc3\xa9\xff\r\n" END),
    GOOD("colons in a value", GET HOST "X: a:b::\r\n" END),
    /* Host (RFC 9112, 3.2) */
    BAD("no Host", GET END),
    BAD("two Hosts", GET HOST HOST END),
    BAD("two Hosts in HTTP/1.0", OLD HOST HOST END),
    BAD("Host and an empty Host", GET HOST "Host:\r\n" END),
    BAD("two Hosts, an absolute target", "GET http://a/ HTTP/1.1\r\n" HOST "HOST: b\r\n" END),
    BAD("no Host with an absolute target", "GET http://a/ HTTP/1.1\r\n" END),
    BAD("Host with a blank", GET "Host: a b\r\n" END),
    BAD("list of Hosts", GET "Host: a, b\r\n" END),
    BAD("Host with a path", GET "Host: a/b\r\n" END),
    BAD("Host with a user", GET "Host: u@a\r\n" END),
    BAD("Host with an 8-bit byte", GET "Host: \xe9\r\n" END),
    GOOD("empty Host", GET "Host:\r\n" END),
    GOOD("Host of blanks", GET "Host: \r\n" END),
    GOOD("Host with a port", GET "Host: a.example:8080\r\n" END),
    GOOD("Host is an IPv6 address", GET "hOST: [::1]:8080\r\n" END),
    GOOD("blanks around Host", GET "Host: \t a \t \r\n" END),
    /* Content-Length (RFC 9110, 8.6; RFC 9112, 6.3) */
    BAD("empty length", POST HOST "Content-Length:\r\n" END),
    BAD("length of blanks", POST HOST "Content-Length:  \r\n" END),
    BAD("two lengths that differ", POST HOST "Content-Length: 5\r\nContent-Length: 6\r\n" END),
    BAD("two lengths that agree", POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END),
    BAD("a length and an empty one", POST HOST "Content-Length: 5\r\nContent-Length:\r\n" END),
    BAD("an empty length and one", POST HOST "Content-Length:\r\nContent-Length: 5\r\n" END),
    BAD("list of lengths", POST HOST "Content-Length: 5, 5\r\n" END),
    BAD("length with a plus", POST HOST "Content-Length: +5\r\n" END),
    BAD("negative length", POST HOST "Content-Length: -5\r\n" END),
    BAD("hexadecimal length", POST HOST "Content-Length: 0x5\r\n" END),
    BAD("fraction", POST HOST "Content-Length: 5.0\r\n" END),
    BAD("blank in a length", POST HOST "Content-Length: 1 5\r\n" END),
    BAD("length in quotes", POST HOST "Content-Length: \"5\"\r\n" END),
    BAD("letters behind a length", POST HOST "Content-Length: 5a\r\n" END),
    BAD("length of 2^64", POST HOST "Content-Length: 18446744073709551616\r\n" END),
    BAD("length of 40 digits", POST HOST "Content-Length: 1000000000000000000000000000000000000000\r\n" END),
    GOOD("zero length", POST HOST "Content-Length: 0\r\n" END),
    BAD("tab behind a length: valid, but llhttp 8.1 does not take it", POST HOST "Content-Length: 5\t\r\n" END),
    GOOD("length in capitals, blanks around", POST HOST "CONTENT-LENGTH: \t5  \r\n" END),
    GOOD("leading zeros", POST HOST "Content-Length: 0005\r\n" END),
    /* Transfer-Encoding (RFC 9112, 6.1 and 7) */
    BAD("empty coding", POST HOST "Transfer-Encoding:\r\n" END),
    BAD("coding of blanks", POST HOST "Transfer-Encoding: \r\n" END),
    BAD("chunked and an empty coding", POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n" END),
    BAD("an empty coding and chunked", POST HOST "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n" END),
    BAD("empty coding with a length", POST HOST "Transfer-Encoding:\r\nContent-Length: 5\r\n" END),
    BAD("identity", POST HOST "Transfer-Encoding: identity\r\n" END),
    BAD("gzip", POST HOST "Transfer-Encoding: gzip\r\n" END),
    BAD("gzip, chunked", POST HOST "Transfer-Encoding: gzip, chunked\r\n" END),
    BAD("chunked, gzip", POST HOST "Transfer-Encoding: chunked, gzip\r\n" END),
    BAD("chunked twice in a list", POST HOST "Transfer-Encoding: chunked, chunked\r\n" END),
    BAD("chunked twice in lines", POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END),
    BAD("gzip and chunked in lines", POST HOST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" END),
    BAD("chunked and an empty member", POST HOST "Transfer-Encoding: chunked,\r\n" END),
    BAD("xchunked", POST HOST "Transfer-Encoding: xchunked\r\n" END),
    BAD("chunkedx", POST HOST "Transfer-Encoding: chunkedx\r\n" END),
    BAD("chunked in quotes", POST HOST "Transfer-Encoding: \"chunked\"\r\n" END),
    BAD("chunked with a parameter", POST HOST "Transfer-Encoding: chunked;q=1\r\n" END),
    BAD("chunked with a control", POST HOST "Transfer-Encoding: \vchunked\r\n" END),
    BAD("chunked and a length", POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END),
    BAD("a length and chunked", POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END),
    BAD("chunked and zero length", POST HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n" END),
    BAD("chunked in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END),
    GOOD("chunked", POST HOST "Transfer-Encoding: chunked\r\n" END),
    GOOD("chunked in mixed letters", POST HOST "tRANSFER-eNCODING: \tChunkeD \r\n" END),
    /* Expect (RFC 9110, 10.1.1) */
    CASE("another expectation", POST HOST "Expect: magic\r\n" END, EXPECTATION_FAILED),
    CASE("two expectations", POST HOST "Expect: 100-continue, magic\r\n" END, EXPECTATION_FAILED),
    GOOD("empty Expect", POST HOST "Expect:\r\n" END),
    GOOD("Expect of blanks", POST HOST "Expect: \r\n" END),
    GOOD("an upgrade that is not taken", GET HOST "Connection: upgrade\r\nUpgrade: h2c\r\n" END),
    GOOD("CONNECT is a method like others", "CONNECT a:80 HTTP/1.1\r\n" HOST END),
};

static void head_read_judges_each_case_whole_and_byte_by_byte(void **state)
{
    unsigned n_wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct head_case *it = &cases[i];
        enum status whole = status_of(it->bytes, it->len, it->len, &limits);
        enum status bytewise = status_of(it->bytes, it->len, 1, &limits);
        if (whole == it->status && bytewise == it->status)
            continue;
        n_wrong++;
        print_message("%s: wanted %s, whole %s, byte by byte %s\n", it->name, status_type(it->status),
                      status_type(whole), status_type(bytewise));
    }
    assert_int_equal(n_wrong, 0);
}

/* What is read -------------------------------------------------------------- */

/* Reads a head that must be good. */
static struct reading good(const char *text)
{
    struct reading reading = read_head(text, strlen(text), strlen(text), &limits);
    if (reading.status != STATUS_OK)
        fail_msg("refused as %s: %s", status_type(reading.status), text);
    return reading;
}

static void assert_slice(struct slice got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data == NULL ? "" : got.data, wanted, got.len);
}

static void head_read_knows_the_methods(void **state)
{
    static const struct {
        const char *name;
        enum method method;
    } methods[] = { { "GET", METHOD_GET },       { "HEAD", METHOD_HEAD },     { "POST", METHOD_POST },
                    { "PUT", METHOD_PUT },       { "DELETE", METHOD_DELETE }, { "OPTIONS", METHOD_OPTIONS },
                    { "PATCH", METHOD_OTHER },   { "TRACE", METHOD_OTHER },   { "PROPFIND", METHOD_OTHER },
                    { "M-SEARCH", METHOD_OTHER } };
    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char text[100];
        snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST END, methods[i].name);
        struct reading reading = good(text);
        assert_int_equal(reading.head.request.method, methods[i].method);
        reading_free(&reading);
    }
}

static void assert_target(const char *sent, const char *wanted)
{
    char text[300];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST END, sent);
    struct reading reading = good(text);
    assert_slice(reading.head.request.target, wanted);
    reading_free(&reading);
}

static void head_read_strips_the_authority_of_an_absolute_target(void **state)
{
    (void)state;
    assert_target("/", "/");
    assert_target("/metrics?a=b&c=http://d/", "/metrics?a=b&c=http://d/");
    assert_target("//a/b", "//a/b");
    assert_target("http://a/b?c", "/b?c");
    assert_target("http://a:8080/", "/");
    assert_target("http://a", "/");
    assert_target("HTTP://A/b", "/b");
    assert_target("http://[::1]:80/b", "/b");
    assert_target("http://a/http://b/", "/http://b/");
}

static void head_read_reads_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t length;
    } lengths[] = { { "0", 0 },
                    { "7", 7 },
                    { "00000000000000007", 7 },
                    { "999999999999999999", 999999999999999999 },
                    { "9223372036854775807", 9223372036854775807 } };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), POST HOST "Content-Length: %s\r\n" END, lengths[i].text);
        struct reading reading = good(text);
        assert_true(reading.head.content_length == lengths[i].length);
        assert_false(reading.head.chunked);
        reading_free(&reading);
    }
}

static void head_read_reads_the_coding_and_the_expectation(void **state)
{
    (void)state;
    struct reading reading = good(POST HOST "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n" END);
    assert_true(reading.head.chunked && reading.head.expects_continue);
    assert_int_equal(reading.head.content_length, 0);
    reading_free(&reading);
    reading = good("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n" END);
    assert_false(reading.head.expects_continue); /* a client of HTTP/1.0 would not understand it */
    assert_true(reading.head.http10);
    reading_free(&reading);
    reading = good(GET HOST END);
    assert_false(reading.head.chunked || reading.head.expects_continue || reading.head.http10);
    reading_free(&reading);
}

/* RFC 9112, 9.3: `close` always wins; HTTP/1.0 needs `keep-alive`. */
static void head_read_tells_whether_the_connection_goes_on(void **state)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } heads[] = {
        { GET HOST END, true },
        { GET HOST "Connection: close\r\n" END, false },
        { GET HOST "Connection: Close\r\n" END, false },
        { GET HOST "connection:CLOSE\r\n" END, false },
        { GET HOST "Connection: close \t\r\n" END, false },
        { GET HOST "Connection:\tclose\r\n" END, false },
        { GET HOST "Connection: upgrade, close\r\n" END, false },
        { GET HOST "Connection: x,close\r\n" END, false },
        { GET HOST "Connection: ,close,\r\n" END, false },
        { GET HOST "Connection: close , x\r\n" END, false },
        { GET HOST "Connection: x\r\nConnection: close\r\n" END, false },
        { GET HOST "Connection: close\r\nConnection: keep-alive\r\n" END, false },
        { GET HOST "Connection: keep-alive, close\r\n" END, false },
        { GET HOST "Connection: x\t,\tclose\r\n" END, false },
        { GET HOST "Connection: closed\r\n" END, true },
        { GET HOST "Connection: not-close\r\n" END, true },
        { GET HOST "Connection: close-not\r\n" END, true },
        { GET HOST "Connection:\r\n" END, true },
        { GET HOST "Connection: keep-alive\r\n" END, true },
        { GET HOST "X-Connection: close\r\n" END, true },
        { GET HOST "Proxy-Connection: close\r\n" END, true },
        { OLD END, false },
        { OLD "Connection: keep-alive\r\n" END, true },
        { OLD "Connection: Keep-Alive\r\n" END, true },
        { OLD "Connection: x, keep-alive\r\n" END, true },
        { OLD "Connection: keep-alive, close\r\n" END, false },
        { OLD "Connection: close, keep-alive\r\n" END, false },
        { OLD "Connection: keep-alive\r\nConnection: close\r\n" END, false },
        { OLD "Connection: keep-alives\r\n" END, false },
        { OLD "Connection: close\r\n" END, false },
    };
    unsigned n_wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct reading reading = good(heads[i].text);
        if (reading.head.keep_alive != heads[i].keep_alive) {
            print_message("wanted %s: %s\n", heads[i].keep_alive ? "keep-alive" : "close", heads[i].text);
            n_wrong++;
        }
        reading_free(&reading);
    }
    assert_int_equal(n_wrong, 0);
}

static void head_read_finds_the_fields_that_stages_read(void **state)
{
    (void)state;
    struct reading reading = good(POST HOST "ACCEPT: a/b\r\ncache-control:no-cache\r\nContent-Encoding: gzip\r\n"
                                            "content-TYPE: \t application/json \t\r\nIf-Match: \"1\"\r\n"
                                            "If-None-Match: *\r\nX-Request-Id: id-1\r\nTraceparent: 00-x\r\n"
                                            "Accepted: no\r\nX-Accept: no\r\n" END);
    const struct request *request = &reading.head.request;
    assert_slice(request->accept, "a/b");
    assert_slice(request->cache_control, "no-cache");
    assert_slice(request->content_encoding, "gzip");
    assert_slice(request->content_type, "application/json");
    assert_slice(request->if_match, "\"1\"");
    assert_slice(request->if_none_match, "*");
    assert_slice(request->request_id, "id-1");
    assert_slice(request->traceparent, "00-x");
    reading_free(&reading);
    reading = good(GET HOST "Accept:\r\nIf-Match: \t\r\n" END);
    assert_slice(reading.head.request.accept, "");
    assert_slice(reading.head.request.if_match, "");
    assert_slice(reading.head.request.content_type, "");
    reading_free(&reading);
}

/* RFC 9110, 5.2 and 5.3: in the order of the lines. */
static void head_read_joins_repeated_fields_in_order(void **state)
{
    (void)state;
    struct reading reading = good(GET HOST "Accept: a\r\nIf-Match: \"1\"\r\naccept: b\r\nX: 1\r\nACCEPT: c\r\n"
                                           "If-Match: \"2\"\r\nIf-Match:\r\nAccept: d\r\n"
                                           "X-Padding: ............................................\r\n" END);
    assert_slice(reading.head.request.accept, "a, b, c, d");
    assert_slice(reading.head.request.if_match, "\"1\", \"2\"");
    reading_free(&reading);
}

/* Two fields in turn are copied anew each time: that ends at the size of the head itself. */
static void head_read_refuses_repetition_that_blows_up(void **state)
{
    (void)state;
    char text[16384];
    size_t used = (size_t)sprintf(text, GET HOST);
    for (unsigned i = 0; i < 48; i++)
        used += (size_t)sprintf(text + used, "Accept: %0100u\r\nIf-Match: %0100u\r\n", i, i);
    used += (size_t)sprintf(text + used, END);
    assert_int_equal(status_of(text, used, used, &limits), STATUS_HEAD_TOO_LARGE);
}

static void head_read_joins_many_lines_of_one_field(void **state)
{
    (void)state;
    char text[16384];
    size_t used = (size_t)sprintf(text, GET HOST);
    for (unsigned i = 0; i < 99; i++)
        used += (size_t)sprintf(text + used, "Accept: %0100u\r\n", i);
    used += (size_t)sprintf(text + used, END);
    struct reading reading = read_head(text, used, used, &limits);
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(reading.head.request.accept.len, 99 * 100 + 98 * 2);
    reading_free(&reading);
}

/* Limits -------------------------------------------------------------------- */

static void head_read_takes_a_target_of_the_limit_and_no_more(void **state)
{
    static const struct head_limits small = { .target_max_bytes = 64, .head_max_bytes = 1024, .fields_max = 10 };
    static const char *const methods[] = { "GET", "OPTIONS", "UNSUBSCRIBE", "MKCALENDAR" };
    (void)state;
    for (unsigned m = 0; m < 4; m++)
        for (unsigned bytes = 1; bytes < 200; bytes++) {
            char text[400];
            size_t used = (size_t)sprintf(text, "%s /", methods[m]);
            memset(text + used, 'a', bytes - 1);
            used += bytes - 1;
            used += (size_t)sprintf(text + used, " HTTP/1.1\r\n" HOST END);
            enum status wanted = bytes <= 64 ? STATUS_OK : STATUS_TARGET_TOO_LONG;
            assert_int_equal(status_of(text, used, used, &small), wanted);
            assert_int_equal(status_of(text, used, 1, &small), wanted);
        }
}

static void head_read_takes_as_many_fields_as_the_limit(void **state)
{
    (void)state;
    for (unsigned n = 98; n < 103; n++) {
        char text[2000];
        size_t used = (size_t)sprintf(text, GET HOST);
        for (unsigned i = 1; i < n; i++)
            used += (size_t)sprintf(text + used, "X: 1\r\n");
        used += (size_t)sprintf(text + used, END);
        assert_int_equal(status_of(text, used, used, &limits), n <= 100 ? STATUS_OK : STATUS_HEAD_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_read_judges_each_case_whole_and_byte_by_byte),
        cmocka_unit_test(head_read_knows_the_methods),
        cmocka_unit_test(head_read_strips_the_authority_of_an_absolute_target),
        cmocka_unit_test(head_read_reads_lengths),
        cmocka_unit_test(head_read_reads_the_coding_and_the_expectation),
        cmocka_unit_test(head_read_tells_whether_the_connection_goes_on),
        cmocka_unit_test(head_read_finds_the_fields_that_stages_read),
        cmocka_unit_test(head_read_joins_repeated_fields_in_order),
        cmocka_unit_test(head_read_refuses_repetition_that_blows_up),
        cmocka_unit_test(head_read_joins_many_lines_of_one_field),
        cmocka_unit_test(head_read_takes_a_target_of_the_limit_and_no_more),
        cmocka_unit_test(head_read_takes_as_many_fields_as_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
