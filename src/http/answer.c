/* SPDX-License-Identifier: MIT */
/* answer: a status line, the fields that every answer has, those that this one has, the blank line. */
#include "http/answer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <telemetry/hash.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "http/loop.h"
#include "http/problem.h"
#include "http/reason.h"

enum { MADE_ID_BYTES = 16, TRACE_ID_BYTES = 32, RETRY_AFTER_S = 1 };

/* Writes into a buffer known to be large enough. */
struct pen {
    char *at;
};

static void put(struct pen *pen, struct slice text)
{
    memcpy(pen->at, text.data, text.len);
    pen->at += text.len;
}

static void put_number(struct pen *pen, uint64_t number)
{
    char digits[20];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put(pen, (struct slice){ digits + first, sizeof(digits) - first });
}

static void put_hex(struct pen *pen, uint64_t number, unsigned n_digits)
{
    for (unsigned i = 0; i < n_digits; i++)
        *pen->at++ = "0123456789abcdef"[number >> (4 * (n_digits - 1 - i)) & 15];
}

static void put_status_line(struct pen *pen, struct loop *loop, unsigned http)
{
    put(pen, SLICE("HTTP/1.1 "));
    put_number(pen, http);
    *pen->at++ = ' ';
    put(pen, slice_of(reason_phrase(http)));
    put(pen, SLICE("\r\nDate: "));
    put(pen, (struct slice){ loop_date(loop), DATE_BYTES });
}

static void put_body_fields(struct pen *pen, struct slice media, size_t body_bytes)
{
    put(pen, SLICE("\r\nContent-Type: "));
    put(pen, media);
    put(pen, SLICE("\r\nContent-Length: "));
    put_number(pen, body_bytes);
}

static void put_retry_after(struct pen *pen, unsigned http, const struct limit_note *note)
{
    if (http != 503 && http != 429)
        return;
    put(pen, SLICE("\r\nRetry-After: "));
    put_number(pen, http == 429 ? note->left.reset_s : RETRY_AFTER_S);
}

/* RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10): the burst is there again after so many
 * seconds. */
static void put_rate_limit(struct pen *pen, const struct limit_note *note)
{
    if (note->limit.rate == 0)
        return;
    put(pen, SLICE("\r\nRateLimit-Policy: \"calls\";q="));
    put_number(pen, note->limit.burst);
    put(pen, SLICE(";w="));
    put_number(pen, (note->limit.burst + note->limit.rate - 1) / note->limit.rate);
    put(pen, SLICE("\r\nRateLimit: \"calls\";r="));
    put_number(pen, note->left.calls);
    put(pen, SLICE(";t="));
    put_number(pen, note->left.reset_s);
}

/* RFC 9110, 11.6.1 and RFC 6750, 3. */
static void put_challenge(struct pen *pen, unsigned http)
{
    if (http == 401)
        put(pen, SLICE("\r\nWWW-Authenticate: Bearer realm=\"telemetry-server\""));
}

static void put_door_fields(struct pen *pen, unsigned http, const struct limit_note *note)
{
    put_challenge(pen, http);
    put_rate_limit(pen, note);
    put_retry_after(pen, http, note);
}

/* Request ids ------------------------------------------------------------- */

static bool is_id_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
           c == '.' || c == ':';
}

static bool id_is_sane(struct slice id)
{
    if (id.len == 0 || id.len > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!is_id_byte((unsigned char)id.data[i]))
            return false;
    return true;
}

static struct slice made_id(const struct loop *loop, uint64_t number, char buffer[MADE_ID_BYTES])
{
    struct pen pen = { buffer };
    put_hex(&pen, loop->id_prefix, 8);
    put_hex(&pen, number, 8);
    return (struct slice){ buffer, MADE_ID_BYTES };
}

/* The client's own id; else the trace id of traceparent (W3C Trace Context, 3.2); else empty. */
static struct slice given_id(const struct request *request)
{
    struct slice trace = request->traceparent;
    if (id_is_sane(request->request_id))
        return request->request_id;
    if (trace.len >= 3 + TRACE_ID_BYTES && memcmp(trace.data, "00-", 3) == 0 &&
        id_is_sane((struct slice){ trace.data + 3, TRACE_ID_BYTES }))
        return (struct slice){ trace.data + 3, TRACE_ID_BYTES };
    return (struct slice){ "", 0 };
}

static struct slice id_of_job(const struct loop *loop, const struct job *job, char buffer[MADE_ID_BYTES])
{
    struct slice given = given_id(&job->request);
    return given.len > 0 ? given : made_id(loop, job->home.number, buffer);
}

static struct slice id_of_form(const struct loop *loop, const struct answer_form *form, char buffer[MADE_ID_BYTES])
{
    return form->id_bytes > 0 ? (struct slice){ form->id, form->id_bytes } : made_id(loop, form->number, buffer);
}

void answer_name(struct answer_form *form, const struct request *request)
{
    struct slice given = given_id(request);
    form->id_bytes = (uint8_t)given.len;
    memcpy(form->id, given.data, given.len);
}

/* Fields of a job's answer ------------------------------------------------- */

static struct slice cache_status(const struct job *job)
{
    switch ((enum cache_result)job->cache.result) {
    case CACHE_HIT:
        return SLICE("\r\nCache-Status: telemetry-server; hit");
    case CACHE_STALE_HIT:
        return SLICE("\r\nCache-Status: telemetry-server; hit; detail=stale");
    case CACHE_COLLAPSED:
        return SLICE("\r\nCache-Status: telemetry-server; fwd=miss; collapsed");
    case CACHE_MISS:
        return SLICE("\r\nCache-Status: telemetry-server; fwd=miss");
    case CACHE_BYPASS:
        return job->cache.no_cache ? SLICE("\r\nCache-Status: telemetry-server; fwd=request")
                                   : SLICE("\r\nCache-Status: telemetry-server; fwd=bypass");
    case CACHE_NOT_ASKED:
        break;
    }
    return SLICE("\r\nCache-Status: telemetry-server; fwd=bypass");
}

/* Server-Timing (W3C): milliseconds with three digits, queueing included. */
static void put_timing(struct pen *pen, const struct job *job)
{
    static const char *const names[STAGE_COUNT] = { "parser", "cache", "writer", "reader", "assistant" };
    struct slice separator = SLICE("\r\nServer-Timing: ");
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        if (job->stage_ns[stage] == 0)
            continue;
        uint64_t us = job->stage_ns[stage] / 1000;
        put(pen, separator);
        separator = SLICE(", ");
        put(pen, slice_of(names[stage]));
        put(pen, SLICE(";dur="));
        put_number(pen, us / 1000);
        *pen->at++ = '.';
        for (uint64_t unit = 100; unit > 0; unit /= 10)
            *pen->at++ = (char)('0' + us / unit % 10);
    }
}

/* Link: rel="next" (RFC 8288): the request's own target with the new cursor for the old. */
static void put_next_link(struct pen *pen, struct slice target, struct slice cursor)
{
    enum { FIXED_BYTES = sizeof("\r\nLink: <?cursor=>; rel=\"next\"") };
    if (target.len + cursor.len > LINK_BYTES_MAX - FIXED_BYTES)
        return;
    const char *end = target.data + target.len;
    const char *query = memchr(target.data, '?', target.len);
    const char *path_end = query == NULL ? end : query;
    char separator = '?';
    put(pen, SLICE("\r\nLink: <"));
    put(pen, (struct slice){ target.data, (size_t)(path_end - target.data) });
    for (const char *at = path_end; at < end;) {
        at++;
        const char *next = memchr(at, '&', (size_t)(end - at));
        struct slice parameter = { at, (size_t)((next == NULL ? end : next) - at) };
        at += parameter.len;
        if (parameter.len == 0 || slice_starts_with(parameter, SLICE("cursor=")))
            continue;
        *pen->at++ = separator;
        separator = '&';
        put(pen, parameter);
    }
    *pen->at++ = separator;
    put(pen, SLICE("cursor="));
    put(pen, cursor);
    put(pen, SLICE(">; rel=\"next\""));
}

/* With a lead, the tag is of both parts. */
static uint64_t entity_tag(const struct reply *reply)
{
    const uint64_t parts[] = { reply->etag, hash_stable(reply->lead) };
    return reply->lead.len == 0 ? reply->etag : hash_stable((struct slice){ (const char *)parts, sizeof(parts) });
}

static void put_location(struct pen *pen, const struct metric *metric)
{
    put(pen, SLICE("\r\nLocation: /metrics/"));
    metric_id_hex(&metric->id, pen->at);
    pen->at += METRIC_ID_HEX;
}

static void put_reply_fields(struct pen *pen, const struct job *job)
{
    const struct reply *reply = &job->reply;
    if (reply->allow != NULL) {
        put(pen, SLICE("\r\nAllow: "));
        put(pen, slice_of(reply->allow));
    }
    if (job->status != STATUS_OK)
        return;
    if (reply->has_etag) {
        put(pen, SLICE("\r\nETag: \""));
        put_hex(pen, entity_tag(reply), 16);
        *pen->at++ = '"';
    }
    if (reply->has_location)
        put_location(pen, &job->metrics[0]);
    if (reply->next_cursor.len > 0)
        put_next_link(pen, job->request.target, reply->next_cursor);
}

static bool is_read(const struct job *job)
{
    return job->request.method == METHOD_GET || job->request.method == METHOD_HEAD;
}

/* What the job holds, for an answer whose job is at home. */
static void put_job_fields(struct pen *pen, const struct job *job)
{
    put_reply_fields(pen, job);
    if (is_read(job) || job->cache.result != CACHE_NOT_ASKED)
        put(pen, cache_status(job));
    put_timing(pen, job);
}

static void put_connection(struct pen *pen, bool keep_alive, bool http10)
{
    if (!keep_alive)
        put(pen, SLICE("\r\nConnection: close"));
    else if (http10)
        put(pen, SLICE("\r\nConnection: keep-alive"));
}

/* If-None-Match (RFC 9110, 13.1.2) by weak comparison: the tag stands in the list, or `*`. */
static bool is_unmodified(const struct job *job)
{
    struct slice wanted = job->request.if_none_match;
    char tag[18];
    struct pen pen = { tag };
    if (!is_read(job) || wanted.len == 0 || !job->reply.has_etag || job->reply.http != 200)
        return false;
    if (slice_equal(wanted, SLICE("*")))
        return true;
    *pen.at++ = '"';
    put_hex(&pen, entity_tag(&job->reply), 16);
    *pen.at++ = '"';
    return memmem(wanted.data, wanted.len, tag, sizeof(tag)) != NULL;
}

static struct slice media_name(const struct job *job)
{
    if (job->status != STATUS_OK)
        return SLICE("application/problem+json");
    return job->reply.media == MEDIA_TEXT ? SLICE("text/plain; version=0.0.4; charset=utf-8")
                                          : SLICE("application/json");
}

/* Ends the head; the parts of the body are sent unless there must be none. */
static void finish(struct answer *answer, struct pen *pen, bool head_only)
{
    put(pen, SLICE("\r\n\r\n"));
    answer->head.len = (size_t)(pen->at - answer->head.data);
    if (head_only || answer->http == 304 || answer->http == 204)
        answer->lead.len = answer->body.len = 0;
}

/* The request ran out of time while a stage holds the job: only `home` may be read. */
static struct answer answer_expired(struct loop *loop, struct job *job, char *buffer)
{
    static const struct refusal refusal = { STATUS_OUTCOME_UNKNOWN, "the request took longer than REQUEST_TIMEOUT_MS" };
    struct answer_form form = { .number = job->home.number,
                                .keep_alive = job->home.keep_alive,
                                .http10 = job->home.http10,
                                .head_only = job->home.head_only,
                                .note = job->home.note };
    return answer_refusal(loop, &refusal, &form, buffer);
}

/* Without memory for all that there is to say, the problem goes without its detail, behind the head. What is wrong with
 * a request is told in full or not at all: nothing was stored, and a resend will learn it. */
static struct slice problem_body(struct job *job, struct slice id, char *buffer)
{
    struct slice body = problem_of_job(job, id);
    if (body.len > 0)
        return body;
    if (status_http(job->status) < 500)
        job->status = STATUS_OUT_OF_MEMORY;
    const struct refusal bare = { job->status, "" };
    return problem_of_refusal(&bare, id, buffer + ANSWER_HEAD_MAX / 2, ANSWER_HEAD_MAX / 2);
}

struct answer answer_job(struct loop *loop, struct job *job, char *buffer)
{
    char id_buffer[MADE_ID_BYTES];
    if (job->home.expired)
        return answer_expired(loop, job, buffer);
    struct slice id = id_of_job(loop, job, id_buffer);
    struct answer answer = { .head = { buffer, 0 } };
    if (job->status == STATUS_OK) {
        answer.http = is_unmodified(job) ? 304 : job->reply.http;
        answer.lead = job->reply.lead;
        answer.body = job->reply.body;
    } else {
        answer.body = problem_body(job, id, buffer);
        answer.http = status_http(job->status);
    }
    struct pen pen = { buffer };
    put_status_line(&pen, loop, answer.http);
    if (answer.http != 304 && answer.http != 204)
        put_body_fields(&pen, media_name(job), answer.lead.len + answer.body.len);
    put(&pen, SLICE("\r\nX-Request-Id: "));
    put(&pen, id);
    put_job_fields(&pen, job);
    put_door_fields(&pen, answer.http, &job->home.note);
    put_connection(&pen, job->home.keep_alive, job->home.http10);
    finish(&answer, &pen, job->home.head_only);
    return answer;
}

struct answer answer_refusal(struct loop *loop, const struct refusal *refusal, const struct answer_form *form,
                             char *buffer)
{
    char id_buffer[MADE_ID_BYTES];
    struct slice id = id_of_form(loop, form, id_buffer);
    struct answer answer = { .head = { buffer, 0 }, .http = status_http(refusal->status) };
    answer.body = problem_of_refusal(refusal, id, buffer + ANSWER_HEAD_MAX / 2, ANSWER_HEAD_MAX / 2);
    struct pen pen = { buffer };
    put_status_line(&pen, loop, answer.http);
    put_body_fields(&pen, SLICE("application/problem+json"), answer.body.len);
    put(&pen, SLICE("\r\nX-Request-Id: "));
    put(&pen, id);
    put_door_fields(&pen, answer.http, &form->note);
    put_connection(&pen, form->keep_alive, form->http10);
    finish(&answer, &pen, form->head_only);
    return answer;
}
