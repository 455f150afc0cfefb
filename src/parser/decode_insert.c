/* SPDX-License-Identifier: MIT */
/* decode_insert: POST /metrics. The body's metrics, then what only a whole batch shows: whether an id
 * stands for one metric. */
#include "parser.h"

#include <stdio.h>

#include <telemetry/access.h>
#include <telemetry/hash.h>

#include "body.h"
#include "refuse.h"
#include "target.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

static bool read_query(struct job *job)
{
    struct slice query = job_query(job);
    struct parameter parameter;
    while (parameter_next(job, &query, &parameter)) {
        if (!slice_equal(parameter.name, SLICE("return"))) {
            job_refuse(job, STATUS_BAD_FILTER, "POST /metrics has no parameter \"%.*s\"; it takes return=ids",
                       QUOTE(parameter.name));
            return false;
        }
        if (!slice_equal(parameter.value, SLICE("ids"))) {
            job_fail(job, STATUS_BAD_FILTER, SLICE("return must be ids"));
            return false;
        }
        job->return_ids = true;
    }
    return job->status == STATUS_OK;
}

/* The ids of a batch, in open addressing: places hold the index of a metric plus one. */
struct id_table {
    uint32_t *places;
    size_t mask;
};

/* A table at least twice as large as the batch. */
static bool id_table_init(struct id_table *table, struct job *job)
{
    table->mask = 1;
    while (table->mask < 2 * (size_t)job->n_metrics)
        table->mask = 2 * table->mask + 1;
    size_t bytes = (table->mask + 1) * sizeof(table->places[0]);
    table->places = arena_alloc(&job->arena, bytes);
    if (table->places == NULL)
        return false;
    memset(table->places, 0, bytes);
    return true;
}

static bool same_id(const struct metric *a, const struct metric *b)
{
    return memcmp(a->id.bytes, b->id.bytes, METRIC_ID_BYTES) == 0;
}

/* Returns the index of the first metric with the id of metrics[index], itself when it is new. */
static uint32_t id_table_put(struct id_table *table, const struct metric metrics[], uint32_t index)
{
    struct slice id = { (const char *)metrics[index].id.bytes, METRIC_ID_BYTES };
    size_t place = hash_seeded(id) & table->mask;
    while (table->places[place] != 0 && !same_id(&metrics[table->places[place] - 1], &metrics[index]))
        place = (place + 1) & table->mask;
    if (table->places[place] == 0)
        table->places[place] = index + 1;
    return table->places[place] - 1;
}

/* A client that names an id twice must mean the same metric. */
static void check_ids(struct decoder *decoder)
{
    struct job *job = decoder->job;
    struct id_table table;
    if (!id_table_init(&table, job)) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return;
    }
    for (uint32_t i = 0; i < job->n_metrics; i++) {
        const struct metric *metric = &job->metrics[i];
        uint32_t first = metric->has_id ? id_table_put(&table, job->metrics, i) : i;
        if (first == i || metric_equal(&job->metrics[first], metric))
            continue;
        decoder->index = i;
        decoder->n_bad++;
        if (decoder_has_room(decoder))
            decoder_error(decoder, SLICE("/id"),
                          sentence(&job->arena, "item %u has this id and another content", first));
    }
    decoder->index = job->n_metrics;
}

/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a string in quotes, or as most send it, without. */
static bool read_idempotency_key(struct job *job, struct slice *ret_key)
{
    struct slice key = job->request.idempotency_key;
    if (key.len >= 2 && key.data[0] == '"' && key.data[key.len - 1] == '"')
        key = (struct slice){ key.data + 1, key.len - 2 };
    *ret_key = key;
    if (job->request.idempotency_key.len == 0 || (key.len >= 1 && key.len <= IDEMPOTENCY_KEY_MAX))
        return true;
    job_refuse(job, STATUS_MALFORMED_REQUEST, "Idempotency-Key has 1 to %d bytes", (int)IDEMPOTENCY_KEY_MAX);
    return false;
}

/* The id that a metric has whenever this sender sends it under this key. */
static struct metric_id id_of_key(const struct job *job, struct slice key, uint32_t index)
{
    char block[ACCESS_NAME_MAX + IDEMPOTENCY_KEY_MAX + 32];
    struct metric_id id;
    int len = snprintf(block, sizeof(block), "%.*s/%u/%.*s", (int)job->access.key.len,
                       job->access.key.len == 0 ? "" : job->access.key.data, index, (int)key.len, key.data);
    struct hash128 hash = hash_stable128((struct slice){ block, (size_t)len });
    memcpy(id.bytes, &hash, METRIC_ID_BYTES);
    return id;
}

/* Under such a key, what comes again has the ids that it had, and is found. */
static void set_ids(struct job *job, struct slice key)
{
    for (uint32_t i = 0; i < job->n_metrics; i++) {
        struct metric *metric = &job->metrics[i];
        if (metric->has_id)
            continue;
        metric->id = id_of_key(job, key, i);
        metric->has_id = metric->client_id = true;
    }
}

void decode_insert(struct parser *parser, struct job *job)
{
    struct decoder decoder;
    struct slice key;
    if (!read_query(job) || !read_idempotency_key(job, &key))
        return;
    decoder_init(&decoder, parser, job);
    if (!body_decode(&decoder))
        return;
    if (key.len > 0)
        set_ids(job, key);
    if (decoder.n_client_ids < 2)
        return;
    check_ids(&decoder);
    decoder_verdict(&decoder);
}
