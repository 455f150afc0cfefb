/* SPDX-License-Identifier: MIT */
#include "http/problem.h"

#include <stdio.h>

#include <telemetry/job.h>

#include "http/head.h"

/* Details are valid UTF-8 or plain ASCII. */
static void append_member(struct text *text, const char *name, struct slice value)
{
    text_printf(text, ",\"%s\":", name);
    text_json(text, value);
}

static void append_errors(struct text *text, const struct reply *reply)
{
    text_literal(text, ",\"errors\":[");
    for (unsigned i = 0; i < reply->n_errors; i++) {
        const struct reply_error *error = &reply->errors[i];
        text_printf(text, "%s{\"index\":%u", i == 0 ? "" : ",", error->index);
        append_member(text, "pointer", error->pointer);
        append_member(text, "detail", error->detail);
        text_literal(text, "}");
    }
    text_literal(text, "]");
}

static void append_start(struct text *text, enum status status)
{
    text_printf(text, "{\"type\":\"urn:telemetry-server:problem:%s\",\"title\":\"%s\",\"status\":%u",
                status_type(status), status_title(status), status_http(status));
}

struct slice problem_of_job(struct job *job, struct slice request_id)
{
    struct text text = text_in(&job->arena, 256);
    append_start(&text, job->status);
    if (job->reply.detail.len > 0)
        append_member(&text, "detail", job->reply.detail);
    if (job->reply.n_errors > 0)
        append_errors(&text, &job->reply);
    text_append(&text, job->reply.extra.data, job->reply.extra.len);
    append_member(&text, "request_id", request_id);
    text_literal(&text, "}");
    return text.failed ? (struct slice){ "", 0 } : text_slice(&text);
}

struct slice problem_of_refusal(const struct refusal *refusal, struct slice request_id, char *buffer, size_t capacity)
{
    bool has_detail = refusal->detail[0] != '\0';
    int len = snprintf(buffer, capacity,
                       "{\"type\":\"urn:telemetry-server:problem:%s\",\"title\":\"%s\",\"status\":%u,"
                       "%s%s%s\"request_id\":\"%.*s\"}",
                       status_type(refusal->status), status_title(refusal->status), status_http(refusal->status),
                       has_detail ? "\"detail\":\"" : "", refusal->detail, has_detail ? "\"," : "", (int)request_id.len,
                       request_id.data);
    return (struct slice){ buffer, len < 0 ? 0 : (size_t)len < capacity ? (size_t)len : capacity };
}
