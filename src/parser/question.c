/* SPDX-License-Identifier: MIT */
#include "question.h"

#include <assert.h>

#include <telemetry/hash.h>
#include <telemetry/rfc3339.h>

static bool set_cache_key(struct job *job)
{
    const struct filter *filter = &job->plan->filter;
    struct slice canonical = plan_canonical(job->plan, &job->arena);
    struct text key = text_in(&job->arena, canonical.len + 8);
    text_literal(&key, "plan:");
    text_append(&key, canonical.data, canonical.len);
    if (canonical.data == NULL || key.failed)
        return false;
    bool one_name = filter->name.len > 0 && !filter->name_is_prefix;
    job->cache.key = text_slice(&key);
    job->cache.scope = one_name ? SCOPE_NAME : SCOPE_ALL;
    job->cache.scope_text = one_name ? filter->name : (struct slice){ NULL, 0 };
    return true;
}

bool question_ask(struct job *job, const struct plan *plan, struct slice lead)
{
    job->plan = arena_alloc(&job->arena, sizeof(*plan));
    if (job->plan != NULL && lead.data != NULL) {
        *job->plan = *plan;
        job->reply.lead = lead;
        if (set_cache_key(job))
            return true;
    }
    job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
    return false;
}

/* The hop of the job's route that does this. */
static uint8_t hop_of(const struct job *job, enum op op)
{
    uint8_t hop = 0;
    while (job->route->hops[hop].op != op)
        assert(++hop < HOPS_MAX);
    return hop;
}

void question_is_understood(struct job *job)
{
    job->hop = hop_of(job, OP_HEED);
}

void question_wants_advice(struct job *job)
{
    job->hop = hop_of(job, OP_UNDERSTAND);
}

static void append_end(struct text *out, const char *name, int64_t ms)
{
    char *place;
    text_printf(out, "\"%s\":", name);
    if (ms < METRIC_TIMESTAMP_MIN || ms > METRIC_TIMESTAMP_MAX) {
        text_literal(out, "null");
    } else if ((place = text_reserve(out, RFC3339_BYTES + 2)) != NULL) {
        place[0] = place[RFC3339_BYTES + 1] = '"';
        rfc3339_format(ms, place + 1);
        text_advance(out, RFC3339_BYTES + 2);
    }
}

void question_json(struct text *out, const struct plan *plan, int64_t from_ms, int64_t to_ms)
{
    text_literal(out, "\"plan\":");
    plan_json(plan, out);
    text_literal(out, ",\"range\":{");
    append_end(out, "from", from_ms);
    text_literal(out, ",");
    append_end(out, "to", to_ms);
    text_literal(out, ",\"tz\":");
    text_json(out, zone_name(plan->zone));
    text_literal(out, "}");
}

void question_explain(struct job *job)
{
    const struct plan *plan = job->plan;
    struct text body = text_in(&job->arena, 512);
    question_json(&body, plan, plan->filter.from_ms, plan->filter.to_ms);
    text_literal(&body, "}");
    if (body.failed) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return;
    }
    job->reply.http = 200;
    job->reply.media = MEDIA_JSON;
    job->reply.body = text_slice(&body);
    job->reply.has_etag = true;
    job->reply.etag = hash_stable(job->reply.body);
}
