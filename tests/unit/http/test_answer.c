/* SPDX-License-Identifier: MIT */
/* answer: the heads and problems of jobs made by hand. Heads are written to a heap buffer of exactly
 * ANSWER_HEAD_MAX bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/job.h>

#include "http/answer.h"
#include "http/loop.h"
#include "http/problem.h"
#include "job_fixture.h"

/* The id that the loop below makes for request 7. */
#define MADE_ID "0123abcd00000007"

enum { N_LEADS = 4 };

struct bench {
    struct loop *loop;
    struct job *job;
    char *buffer;
    struct answer answer;
    char *head; /* of the answer, with a NUL */
};

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->loop = calloc(1, sizeof(*bench->loop));
    bench->loop->id_prefix = 0x0123abcd;
    bench->loop->n_requests = 7;
    bench->job = job_fixture_new();
    bench->job->request.target = SLICE("/metrics?a=b");
    bench->job->home.keep_alive = true;
    bench->job->home.number = 7;
    bench->job->reply = (struct reply){ .http = 200, .media = MEDIA_JSON, .body = SLICE("{}") };
    bench->buffer = malloc(ANSWER_HEAD_MAX);
    *state = bench;
    return 0;
}

static int free_bench(void **state)
{
    struct bench *bench = *state;
    job_fixture_free(&bench->job);
    free(bench->loop);
    free(bench->buffer);
    free(bench->head);
    free(bench);
    return 0;
}

static unsigned count(const char *text, const char *wanted)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at += strlen(wanted))
        n++;
    return n;
}

/* What holds for every answer. */
static void keep(struct bench *bench, struct answer answer)
{
    bench->answer = answer;
    free(bench->head);
    bench->head = strndup(answer.head.data, answer.head.len);
    assert_int_equal(strlen(bench->head), answer.head.len); /* no NUL */
    assert_true(answer.head.len <= ANSWER_HEAD_MAX);
    assert_ptr_equal(strstr(bench->head, "\r\n\r\n"), bench->head + answer.head.len - 4);
    assert_int_equal(count(bench->head, "\n"), count(bench->head, "\r\n"));
    assert_int_equal(count(bench->head, "\r"), count(bench->head, "\r\n"));
    assert_int_equal(count(bench->head, "\r\nX-Request-Id: "), 1);
    assert_int_equal(count(bench->head, "\r\nDate: "), 1);
    assert_string_equal(strstr(strstr(bench->head, "\r\nDate: ") + 8 + DATE_BYTES - 3, "GMT"),
                        strstr(bench->head, "GMT"));
}

static void make(struct bench *bench)
{
    keep(bench, answer_job(bench->loop, bench->job, bench->buffer));
}

static void assert_has(const struct bench *bench, const char *line)
{
    char field[400];
    snprintf(field, sizeof(field), "\r\n%s\r\n", line);
    if (strstr(bench->head, field) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, bench->head);
}

static void assert_lacks(const struct bench *bench, const char *name)
{
    char field[100];
    snprintf(field, sizeof(field), "\r\n%s: ", name);
    if (strstr(bench->head, field) != NULL)
        fail_msg("%s in:\n%s", name, bench->head);
}

static void assert_body(const struct bench *bench, const char *wanted)
{
    assert_int_equal(bench->answer.body.len, strlen(wanted));
    assert_memory_equal(bench->answer.body.data, wanted, strlen(wanted));
}

/* Fields -------------------------------------------------------------------- */

static void answer_job_frames_a_success(void **state)
{
    struct bench *bench = *state;
    make(bench);
    assert_int_equal(strncmp(bench->head, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_has(bench, "Content-Type: application/json");
    assert_has(bench, "Content-Length: 2");
    assert_has(bench, "X-Request-Id: " MADE_ID);
    assert_lacks(bench, "Connection");
    assert_lacks(bench, "Retry-After");
    assert_lacks(bench, "ETag");
    assert_lacks(bench, "Link");
    assert_lacks(bench, "Location");
    assert_lacks(bench, "Allow");
    assert_lacks(bench, "Server-Timing");
    assert_body(bench, "{}");
    assert_int_equal(bench->answer.http, 200);
    bench->job->reply.media = MEDIA_TEXT;
    make(bench);
    assert_has(bench, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
}

static void answer_job_says_what_becomes_of_the_connection(void **state)
{
    struct bench *bench = *state;
    bench->job->home.http10 = true;
    make(bench);
    assert_has(bench, "Connection: keep-alive");
    bench->job->home.keep_alive = false;
    make(bench);
    assert_has(bench, "Connection: close");
    bench->job->home.http10 = false;
    make(bench);
    assert_has(bench, "Connection: close");
}

static void answer_job_of_head_has_the_length_and_no_body(void **state)
{
    struct bench *bench = *state;
    bench->job->home.head_only = true;
    bench->job->request.method = METHOD_HEAD;
    make(bench);
    assert_has(bench, "Content-Length: 2");
    assert_int_equal(bench->answer.body.len, 0);
    job_fail(bench->job, STATUS_NOT_FOUND, SLICE("gone"));
    make(bench);
    assert_has(bench, "Content-Type: application/problem+json");
    assert_lacks(bench, "Content-Length: 0");
    assert_int_equal(bench->answer.body.len, 0);
    bench->job->home.expired = true;
    make(bench);
    assert_int_equal(bench->answer.http, 504);
    assert_int_equal(bench->answer.body.len, 0);
}

static void answer_job_without_content_has_no_length(void **state)
{
    struct bench *bench = *state;
    bench->job->request.method = METHOD_DELETE;
    bench->job->reply = (struct reply){ .http = 204 };
    make(bench);
    assert_int_equal(strncmp(bench->head, "HTTP/1.1 204 No Content\r\n", 25), 0);
    assert_lacks(bench, "Content-Length");
    assert_lacks(bench, "Content-Type");
    assert_lacks(bench, "Cache-Status");
    assert_int_equal(bench->answer.body.len, 0);
}

static void answer_job_places_a_new_metric(void **state)
{
    struct bench *bench = *state;
    struct metric metric = { .series = SLICE("a") };
    memcpy(&metric.id, "\x01\x23\x45\x67\x89\xab\xcd\xef\x00\x11\x22\x33", 12);
    bench->job->request.method = METHOD_POST;
    bench->job->metrics = &metric;
    bench->job->n_metrics = 1;
    bench->job->reply.http = 201;
    bench->job->reply.has_location = true;
    make(bench);
    assert_int_equal(strncmp(bench->head, "HTTP/1.1 201 Created\r\n", 22), 0);
    assert_has(bench, "Location: /metrics/0123456789abcdef00112233");
}

/* RFC 9110, 13.1.2 and 15.4.5. */
static void answer_job_knows_what_is_unmodified(void **state)
{
    static const struct {
        const char *wanted;
        unsigned http;
    } cases[] = {
        { "", 200 },
        { "\"00000000deadbeef\"", 304 },
        { "W/\"00000000deadbeef\"", 304 },
        { "\"x\", W/\"y\",\"00000000deadbeef\"", 304 },
        { "*", 304 },
        { "\"00000000deadbee\"", 200 },
        { "\"00000000DEADBEEF\"", 200 },
        { "00000000deadbeef", 200 },
        { "\"x00000000deadbeef\"", 200 },
        { "\"*\"", 200 },
    };
    struct bench *bench = *state;
    bench->job->reply.has_etag = true;
    bench->job->reply.etag = 0xdeadbeef;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bench->job->request.if_none_match = slice_of(cases[i].wanted);
        make(bench);
        assert_int_equal(bench->answer.http, cases[i].http);
        assert_has(bench, "ETag: \"00000000deadbeef\"");
        if (cases[i].http == 304) {
            assert_lacks(bench, "Content-Length");
            assert_int_equal(bench->answer.body.len, 0);
        }
    }
    bench->job->request.if_none_match = SLICE("*");
    bench->job->request.method = METHOD_PUT;
    make(bench);
    assert_int_equal(bench->answer.http, 200);
    bench->job->request.method = METHOD_GET;
    job_fail(bench->job, STATUS_NOT_FOUND, SLICE(""));
    make(bench);
    assert_int_equal(bench->answer.http, 404);
    assert_lacks(bench, "ETag");
}

static void assert_lead(const struct bench *bench, const char *wanted)
{
    assert_int_equal(bench->answer.lead.len, strlen(wanted));
    assert_memory_equal(bench->answer.lead.data, wanted, strlen(wanted));
}

/* The value of ETag, quotes included. */
static struct slice tag_of(const struct bench *bench)
{
    const char *field = strstr(bench->head, "\r\nETag: ");
    assert_non_null(field);
    return (struct slice){ field + 8, 18 };
}

static void answer_job_counts_the_lead(void **state)
{
    struct bench *bench = *state;
    bench->job->reply.lead = SLICE("{\"prompt\":");
    make(bench);
    assert_has(bench, "Content-Length: 12");
    assert_lead(bench, "{\"prompt\":");
    assert_body(bench, "{}");
    bench->job->home.head_only = true;
    make(bench);
    assert_has(bench, "Content-Length: 12");
    assert_lead(bench, "");
    assert_body(bench, "");
    job_fail(bench->job, STATUS_QUERY_TOO_SLOW, SLICE(""));
    bench->job->home.head_only = false;
    make(bench);
    assert_lead(bench, ""); /* a problem stands alone */
}

/* Another lead or another body is another entity. */
static void answer_job_tags_lead_and_body_together(void **state)
{
    static const char *const leads[] = { "", "{", "{\"prompt\":\"a\",", "{\"prompt\":\"b\"," };
    struct bench *bench = *state;
    struct reply *reply = &bench->job->reply;
    char tags[2 * N_LEADS][18];
    reply->has_etag = true;
    for (unsigned i = 0; i < 2 * N_LEADS; i++) {
        reply->etag = 0xdeadbeef + i / N_LEADS;
        reply->lead = slice_of(leads[i % N_LEADS]);
        bench->job->request.if_none_match = SLICE("");
        make(bench);
        assert_int_equal(bench->answer.http, 200);
        memcpy(tags[i], tag_of(bench).data, 18);
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(tags[i], tags[j], 18);
        bench->job->request.if_none_match = (struct slice){ tags[i], 18 };
        make(bench);
        assert_int_equal(bench->answer.http, 304);
        assert_lead(bench, "");
    }
}

static void answer_job_shows_the_cache_on_reads(void **state)
{
    static const char *const fields[] = {
        [CACHE_NOT_ASKED] = "Cache-Status: telemetry-server; fwd=bypass",
        [CACHE_HIT] = "Cache-Status: telemetry-server; hit",
        [CACHE_STALE_HIT] = "Cache-Status: telemetry-server; hit; detail=stale",
        [CACHE_COLLAPSED] = "Cache-Status: telemetry-server; fwd=miss; collapsed",
        [CACHE_MISS] = "Cache-Status: telemetry-server; fwd=miss",
        [CACHE_BYPASS] = "Cache-Status: telemetry-server; fwd=bypass",
    };
    struct bench *bench = *state;
    for (unsigned result = CACHE_NOT_ASKED; result <= CACHE_BYPASS; result++) {
        bench->job->cache.result = (uint8_t)result;
        make(bench);
        assert_has(bench, fields[result]);
    }
    bench->job->cache.no_cache = true;
    make(bench);
    assert_has(bench, "Cache-Status: telemetry-server; fwd=request");
    bench->job->request.method = METHOD_POST; /* a question in a body is a read, too */
    make(bench);
    assert_has(bench, "Cache-Status: telemetry-server; fwd=request");
    bench->job->cache.result = CACHE_NOT_ASKED;
    make(bench);
    assert_lacks(bench, "Cache-Status");
}

static void answer_job_tells_times(void **state)
{
    struct bench *bench = *state;
    bench->job->stage_ns[STAGE_PARSER] = 1234567;
    bench->job->stage_ns[STAGE_READER] = 12000999;
    make(bench);
    assert_has(bench, "Server-Timing: parser;dur=1.234, reader;dur=12.000");
    bench->job->stage_ns[STAGE_PARSER] = 1;
    bench->job->stage_ns[STAGE_READER] = 0;
    make(bench);
    assert_has(bench, "Server-Timing: parser;dur=0.000");
}

static void answer_job_lists_the_methods(void **state)
{
    struct bench *bench = *state;
    bench->job->reply.allow = "GET, HEAD, POST, OPTIONS";
    job_fail(bench->job, STATUS_METHOD_NOT_ALLOWED, SLICE(""));
    make(bench);
    assert_int_equal(strncmp(bench->head, "HTTP/1.1 405 Method Not Allowed\r\n", 33), 0);
    assert_has(bench, "Allow: GET, HEAD, POST, OPTIONS");
}

/* Every status has a reason of its own in its first line, and 503 says when to come again. */
static void answer_job_of_every_failure(void **state)
{
    struct bench *bench = *state;
    for (unsigned status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        char line[64];
        job_fail(bench->job, (enum status)status, SLICE("why"));
        make(bench);
        snprintf(line, sizeof(line), "HTTP/1.1 %u ", status_http((enum status)status));
        assert_int_equal(strncmp(bench->head, line, strlen(line)), 0);
        if (status_http((enum status)status) != 500)
            assert_int_not_equal(strncmp(bench->head + strlen(line), "Internal", 8), 0);
        assert_has(bench, "Content-Type: application/problem+json");
        assert_int_equal(strstr(bench->head, "\r\nRetry-After: 1\r\n") != NULL, bench->answer.http == 503);
        cJSON *problem = cJSON_ParseWithLength(bench->answer.body.data, bench->answer.body.len);
        assert_non_null(problem);
        assert_int_equal(cJSON_GetObjectItem(problem, "status")->valueint, bench->answer.http);
        assert_string_equal(cJSON_GetObjectItem(problem, "request_id")->valuestring, MADE_ID);
        cJSON_Delete(problem);
    }
}

/* Request ids --------------------------------------------------------------- */

static void assert_id(struct bench *bench, const char *sent, const char *wanted)
{
    char line[200];
    bench->job->request.request_id = slice_of(sent);
    make(bench);
    snprintf(line, sizeof(line), "X-Request-Id: %s", wanted);
    assert_has(bench, line);
}

static void answer_job_echoes_only_a_sane_id(void **state)
{
#define ID_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    struct bench *bench = *state;
    assert_id(bench, "a", "a");
    assert_id(bench, "Az-09_.:", "Az-09_.:");
    assert_id(bench, ID_64, ID_64);
    assert_id(bench, ID_64 "0", MADE_ID);
    assert_id(bench, "", MADE_ID);
    assert_id(bench, "a b", MADE_ID);
    assert_id(bench, "a, b", MADE_ID);
    assert_id(bench, "a\r\nSet-Cookie: b=c", MADE_ID);
    assert_id(bench, "a\tb", MADE_ID);
    assert_id(bench, "\"", MADE_ID);
    assert_id(bench, "<script>", MADE_ID);
    assert_id(bench, "\xc3\xa9", MADE_ID);
}

static void answer_job_takes_the_trace_for_an_id(void **state)
{
    struct bench *bench = *state;
    bench->job->request.traceparent = SLICE("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_id(bench, "", "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_id(bench, "mine", "mine");
    bench->job->request.traceparent = SLICE("00-4bf92f3577b34da6a3ce929d0e0e473");
    assert_id(bench, "", MADE_ID);
    bench->job->request.traceparent = SLICE("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_id(bench, "", MADE_ID);
    bench->job->request.traceparent = SLICE("00-4bf92f3577b34da6a3ce929d0e0e47\r\n-00f067aa0ba902b7-01");
    assert_id(bench, "", MADE_ID);
}

/* Link ---------------------------------------------------------------------- */

static void assert_link(struct bench *bench, const char *target, const char *wanted)
{
    char line[300];
    bench->job->request.target = slice_of(target);
    make(bench);
    snprintf(line, sizeof(line), "Link: <%s>; rel=\"next\"", wanted);
    assert_has(bench, line);
}

static void answer_job_links_to_the_next_page(void **state)
{
    struct bench *bench = *state;
    bench->job->reply.next_cursor = SLICE("NEW");
    assert_link(bench, "/metrics", "/metrics?cursor=NEW");
    assert_link(bench, "/metrics?", "/metrics?cursor=NEW");
    assert_link(bench, "/metrics?a=b", "/metrics?a=b&cursor=NEW");
    assert_link(bench, "/metrics?cursor=OLD", "/metrics?cursor=NEW");
    assert_link(bench, "/metrics?cursor=OLD&a=b", "/metrics?a=b&cursor=NEW");
    assert_link(bench, "/metrics?a=b&cursor=OLD&c=d", "/metrics?a=b&c=d&cursor=NEW");
    assert_link(bench, "/metrics?a=b&cursor=OLD&cursor=OLDER", "/metrics?a=b&cursor=NEW");
    assert_link(bench, "/metrics?&&a=b&", "/metrics?a=b&cursor=NEW");
    assert_link(bench, "/metrics?xcursor=1&cursors=2&a=?", "/metrics?xcursor=1&cursors=2&a=?&cursor=NEW");
    job_fail(bench->job, STATUS_BAD_FILTER, SLICE(""));
    make(bench);
    assert_lacks(bench, "Link");
}

/* The longest of everything at once, for every length of the target that can be configured. */
static void answer_job_never_outgrows_its_buffer(void **state)
{
    struct bench *bench = *state;
    struct metric metric = { .series = SLICE("a") };
    struct job *job = bench->job;
    char *target = malloc(65536);
    memset(target, 'a', 65536);
    memcpy(target, "/metrics?", 9);
    job->metrics = &metric;
    job->request.request_id = SLICE(ID_64);
    job->home.keep_alive = false;
    job->cache.result = CACHE_COLLAPSED;
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        job->stage_ns[stage] = UINT64_MAX;
    job->reply = (struct reply){ .http = 200,
                                 .has_etag = true,
                                 .has_location = true,
                                 .allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS",
                                 .media = MEDIA_TEXT,
                                 .body = { target, SIZE_MAX },
                                 .next_cursor = SLICE(ID_64 ID_64) };
    for (size_t bytes = 9; bytes <= 65536; bytes += bytes < 16000 || bytes > 17000 ? 997 : 1) {
        job->request.target = (struct slice){ target, bytes };
        make(bench);
        if (bytes <= 8192)
            assert_non_null(strstr(bench->head, "\r\nLink: <"));
    }
    job->request.target = (struct slice){ target, 65536 };
    make(bench);
    assert_lacks(bench, "Link"); /* the body still has the cursor */
    free(target);
}

/* Problems ------------------------------------------------------------------ */

static void answer_job_escapes_what_a_problem_says(void **state)
{
    static const char detail[] = "a \"b\" \\ c \b\f\n\r\t \x1f </script> \xc3\xa9 {}[]";
    struct bench *bench = *state;
    struct reply_error errors[2] = { { 3, SLICE("/tags/0"), SLICE("is \"long\"") },
                                     { UINT32_MAX, SLICE(""), SLICE("\n") } };
    job_fail(bench->job, STATUS_INVALID_METRIC, slice_of(detail));
    bench->job->reply.errors = errors;
    bench->job->reply.n_errors = 2;
    make(bench);
    cJSON *problem = cJSON_ParseWithLength(bench->answer.body.data, bench->answer.body.len);
    assert_non_null(problem);
    assert_string_equal(cJSON_GetObjectItem(problem, "detail")->valuestring, detail);
    assert_string_equal(cJSON_GetObjectItem(problem, "type")->valuestring,
                        "urn:telemetry-server:problem:invalid-metric");
    cJSON *list = cJSON_GetObjectItem(problem, "errors");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "index")->valuedouble, 3);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "pointer")->valuestring, "/tags/0");
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "detail")->valuestring, "is \"long\"");
    assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "index")->valuedouble == UINT32_MAX);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "detail")->valuestring, "\n");
    cJSON_Delete(problem);
}

static void answer_job_extends_a_problem(void **state)
{
    struct bench *bench = *state;
    job_fail(bench->job, STATUS_UNINTELLIGIBLE_PROMPT, SLICE("no"));
    bench->job->reply.extra = SLICE(",\"unknown_words\":[\"x\"]");
    make(bench);
    cJSON *problem = cJSON_ParseWithLength(bench->answer.body.data, bench->answer.body.len);
    assert_non_null(problem);
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(problem, "unknown_words"), 0)->valuestring, "x");
    assert_string_equal(cJSON_GetObjectItem(problem, "request_id")->valuestring, MADE_ID);
    cJSON_Delete(problem);
}

/* The stage that holds the job may be writing all of it but `home`. */
static void answer_job_that_expired_reads_only_home(void **state)
{
    struct bench *bench = *state;
    bench->job->home.expired = true;
    bench->job->home.keep_alive = false;
    memset(&bench->job->request, 0xa5, sizeof(bench->job->request));
    memset(&bench->job->reply, 0xa5, sizeof(bench->job->reply));
    make(bench);
    assert_int_equal(bench->answer.http, 504);
    assert_has(bench, "Connection: close");
    assert_has(bench, "X-Request-Id: " MADE_ID);
}

/* The id is that of the request, whatever came in the meantime. */
static void answer_job_that_expired_has_the_id_of_its_request(void **state)
{
    struct bench *bench = *state;
    bench->job->home.expired = true;
    bench->loop->n_requests = 99;
    make(bench);
    assert_has(bench, "X-Request-Id: " MADE_ID);
    bench->job->home.http10 = true;
    make(bench);
    assert_has(bench, "Connection: keep-alive");
}

static void answer_refusal_is_a_problem(void **state)
{
    struct bench *bench = *state;
    for (unsigned status = STATUS_OK + 1; status < STATUS_COUNT; status++)
        for (unsigned close = 0; close < 2; close++) {
            struct refusal refusal = { (enum status)status, "a static sentence" };
            struct answer_form form = { .number = 7, .keep_alive = !close };
            keep(bench, answer_refusal(bench->loop, &refusal, &form, bench->buffer));
            assert_int_equal(strstr(bench->head, "\r\nConnection: close\r\n") != NULL, close);
            assert_int_equal(bench->answer.http, status_http((enum status)status));
            cJSON *problem = cJSON_ParseWithLength(bench->answer.body.data, bench->answer.body.len);
            assert_non_null(problem);
            assert_string_equal(cJSON_GetObjectItem(problem, "detail")->valuestring, refusal.detail);
            assert_string_equal(cJSON_GetObjectItem(problem, "request_id")->valuestring, MADE_ID);
            cJSON_Delete(problem);
        }
}

static void problem_of_refusal_is_cut_at_its_capacity(void **state)
{
    struct refusal refusal = { STATUS_OVERLOADED, "a sentence" };
    (void)state;
    for (size_t capacity = 1; capacity < 300; capacity++) {
        char *buffer = malloc(capacity);
        struct slice body = problem_of_refusal(&refusal, SLICE("id"), buffer, capacity);
        assert_true(body.len <= capacity);
        free(buffer);
    }
}

/* Text that no memory is large enough for. What is wrong with the request is not told without saying where. */
static void answer_job_says_less_without_memory(void **state)
{
    static const enum status statuses[] = { STATUS_OUT_OF_MEMORY, STATUS_INVALID_METRIC };
    struct bench *bench = *state;
    for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        bench->job->reply.extra = (struct slice){ "", SIZE_MAX / 2 };
        job_fail(bench->job, statuses[i], SLICE("a detail"));
        make(bench);
        assert_int_equal(bench->answer.http, 503);
        assert_has(bench, "Content-Type: application/problem+json");
        assert_has(bench, "Retry-After: 1");
        assert_body(
            bench,
            "{\"type\":\"urn:telemetry-server:problem:out-of-memory\",\"title\":\"The server has no memory for this "
            "request; nothing was stored\",\"status\":503,\"request_id\":\"" MADE_ID "\"}");
        assert_true(bench->answer.body.data >= bench->answer.head.data + bench->answer.head.len);
    }
    job_fail(bench->job, STATUS_OUTCOME_UNKNOWN, SLICE("a detail"));
    make(bench);
    assert_int_equal(bench->answer.http, 504);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bench, free_bench)
    const struct CMUnitTest tests[] = {
        TEST(answer_job_frames_a_success),
        TEST(answer_job_says_what_becomes_of_the_connection),
        TEST(answer_job_of_head_has_the_length_and_no_body),
        TEST(answer_job_without_content_has_no_length),
        TEST(answer_job_places_a_new_metric),
        TEST(answer_job_knows_what_is_unmodified),
        TEST(answer_job_counts_the_lead),
        TEST(answer_job_tags_lead_and_body_together),
        TEST(answer_job_shows_the_cache_on_reads),
        TEST(answer_job_tells_times),
        TEST(answer_job_lists_the_methods),
        TEST(answer_job_of_every_failure),
        TEST(answer_job_echoes_only_a_sane_id),
        TEST(answer_job_takes_the_trace_for_an_id),
        TEST(answer_job_links_to_the_next_page),
        TEST(answer_job_never_outgrows_its_buffer),
        TEST(answer_job_escapes_what_a_problem_says),
        TEST(answer_job_extends_a_problem),
        TEST(answer_job_says_less_without_memory),
        TEST(answer_job_that_expired_reads_only_home),
        TEST(answer_job_that_expired_has_the_id_of_its_request),
        TEST(answer_refusal_is_a_problem),
        TEST(problem_of_refusal_is_cut_at_its_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
