/* SPDX-License-Identifier: MIT */
/* encode: the answers of /metrics. What was committed stays a success even when there is no memory for
 * the body of the answer: it then goes out without one. */
#include "parser.h"

#include <telemetry/hash.h>

#include "metric_json.h"
#include "query/filters.h"

enum { DOCUMENT_BYTES = 192, ID_BYTES = METRIC_ID_HEX + 3 };

static void answer(struct job *job, uint16_t http, const struct text *body)
{
    job->reply.http = http;
    job->reply.media = body->failed ? MEDIA_NONE : MEDIA_JSON;
    job->reply.body = body->failed ? (struct slice){ NULL, 0 } : text_slice(body);
}

static void set_etag(struct job *job, uint64_t etag)
{
    job->reply.has_etag = true;
    job->reply.etag = etag;
}

static struct text document(struct job *job)
{
    struct text body = text_in(&job->arena, DOCUMENT_BYTES + job->metrics[0].series.len);
    metric_json_append(&body, &job->metrics[0]);
    set_etag(job, metric_etag(&job->metrics[0]));
    return body;
}

static void encode_accepted(struct job *job)
{
    struct text body = text_in(&job->arena, 48 + (job->return_ids ? ID_BYTES * (size_t)job->n_metrics : 0));
    text_literal(&body, "{\"accepted\":");
    text_u64(&body, job->n_metrics);
    for (uint32_t i = 0; job->return_ids && i < job->n_metrics; i++) {
        text_append(&body, i == 0 ? ",\"ids\":[" : ",", i == 0 ? 8 : 1);
        metric_json_id(&body, &job->metrics[i].id);
    }
    if (job->return_ids)
        text_literal(&body, "]");
    text_literal(&body, "}");
    answer(job, 201, &body);
}

void encode_inserted(struct job *job)
{
    if (job->batch) {
        encode_accepted(job);
        return;
    }
    struct text body = document(job);
    answer(job, job->existed ? 200 : 201, &body);
    job->reply.has_location = true;
}

void encode_metric(struct job *job)
{
    struct text body = document(job);
    answer(job, 200, &body);
    if (!body.failed)
        return;
    if (job->request.method == METHOD_PUT)
        job->reply.http = 204;
    else
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
}

void encode_list(struct job *job)
{
    struct text body = text_in(&job->arena, DOCUMENT_BYTES * ((size_t)job->n_metrics + 1));
    text_literal(&body, "{\"metrics\":[");
    for (uint32_t i = 0; i < job->n_metrics; i++) {
        if (i > 0)
            text_literal(&body, ",");
        metric_json_append(&body, &job->metrics[i]);
    }
    text_literal(&body, "],\"next\":");
    if (job->has_next) {
        struct slice cursor = cursor_format(&job->next, &job->filter, &job->arena);
        body.failed = body.failed || cursor.data == NULL;
        text_literal(&body, "\"");
        text_append(&body, cursor.data, cursor.len);
        text_literal(&body, "\"}");
        job->reply.next_cursor = cursor;
    } else {
        text_literal(&body, "null}");
    }
    answer(job, 200, &body);
    if (body.failed)
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
    else
        set_etag(job, hash_stable(job->reply.body));
}

void encode_deleted(struct job *job)
{
    job->reply.http = 204;
    job->reply.media = MEDIA_NONE;
}
