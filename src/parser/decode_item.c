/* SPDX-License-Identifier: MIT */
/* decode_item: GET, PUT and DELETE of /metrics/{id}; the id itself was read with the path. */
#include "parser.h"

#include "body.h"
#include "fields.h"
#include "refuse.h"
#include "target.h"

/* One metric takes no parameters; one that is sent is meant to do something, so it is not passed over. */
static bool no_parameters(struct job *job)
{
    struct slice query = job_query(job);
    struct parameter parameter;
    if (parameter_next(job, &query, &parameter))
        job_refuse(job, STATUS_BAD_FILTER, "/metrics/{id} has no parameter \"%.*s\"", QUOTE(parameter.name));
    return job->status == STATUS_OK;
}

void decode_get(struct parser *parser, struct job *job)
{
    static const char prefix[] = "id:";
    enum { PREFIX_BYTES = sizeof(prefix) - 1 };
    (void)parser;
    if (!no_parameters(job))
        return;
    struct slice granted = job->access.prefix; /* who may see less shares no answer with who may see more */
    char *key = arena_alloc(&job->arena, PREFIX_BYTES + METRIC_ID_HEX + granted.len);
    if (key == NULL) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return;
    }
    memcpy(key, prefix, PREFIX_BYTES);
    metric_id_hex(&job->id, key + PREFIX_BYTES);
    if (granted.len > 0)
        memcpy(key + PREFIX_BYTES + METRIC_ID_HEX, granted.data, granted.len);
    job->cache.key = (struct slice){ key, PREFIX_BYTES + METRIC_ID_HEX + granted.len };
    job->cache.scope = SCOPE_ID;
    job->cache.scope_text = (struct slice){ key + PREFIX_BYTES, METRIC_ID_HEX };
}

/* The new metric has the id of the path, whether its document repeats it or not. */
void decode_update(struct parser *parser, struct job *job)
{
    struct decoder decoder;
    if (!no_parameters(job) || !if_match_read(job))
        return;
    decoder_init(&decoder, parser, job);
    if (!body_decode_single(&decoder))
        return;
    struct metric *metric = &job->metrics[0];
    if (metric->client_id && memcmp(metric->id.bytes, job->id.bytes, METRIC_ID_BYTES) != 0) {
        decoder.index = 0;
        decoder_error(&decoder, SLICE("/id"), SLICE("id must be the one of the path, or left out"));
        decoder.n_bad++;
        decoder_verdict(&decoder);
        return;
    }
    metric->id = job->id;
    metric->has_id = true;
    metric->client_id = true;
}

void decode_delete(struct parser *parser, struct job *job)
{
    (void)parser;
    if (no_parameters(job))
        (void)if_match_read(job);
}
