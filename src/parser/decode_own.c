/* SPDX-License-Identifier: MIT */
/* decode_own: what the server says of itself. These requests end in the parser, with their answer. */
#include "parser.h"

#include <telemetry/stats.h>

#include "refuse.h"

static void answer(struct job *job, enum reply_media media, struct slice body)
{
    job->reply.http = 200;
    job->reply.media = (uint8_t)media;
    job->reply.body = body;
}

static void answer_text(struct job *job, enum reply_media media, const struct text *body)
{
    if (body->failed)
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
    else
        answer(job, media, text_slice(body));
}

void decode_health(struct parser *parser, struct job *job)
{
    (void)parser;
    answer(job, MEDIA_JSON, SLICE("{\"status\":\"ok\"}"));
}

/* A server that cannot write is not ready, whatever the reason: always 503. */
void decode_ready(struct parser *parser, struct job *job)
{
    const char *store = "", *reason = NULL;
    enum status status = parser->settings->ready(parser->settings->ready_context, &store, &reason);
    if (status == STATUS_OK)
        answer(job, MEDIA_JSON, SLICE("{\"status\":\"ready\",\"checks\":{\"storage\":\"ok\"}}"));
    else if (status == STATUS_DRAINING)
        job_fail(job, STATUS_DRAINING, SLICE("not ready: the server is shutting down"));
    else
        job_refuse(job, STATUS_STORAGE_UNAVAILABLE, "not ready: storage (%s): %s", store,
                   reason == NULL ? status_type(status) : reason);
}

void decode_counters(struct parser *parser, struct job *job)
{
    struct text body = text_in(&job->arena, 16 * 1024);
    stats_prometheus(parser->settings->stats, &body);
    answer_text(job, MEDIA_TEXT, &body);
}

void decode_stats(struct parser *parser, struct job *job)
{
    struct text body = text_in(&job->arena, 8 * 1024);
    stats_json(parser->settings->stats, &body);
    answer_text(job, MEDIA_JSON, &body);
}
