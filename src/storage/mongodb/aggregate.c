/* SPDX-License-Identifier: MIT */
/* aggregate: a plan, answered by the server as far as it can be.
 *
 * Counts, sums, means, extremes and deviations of groups and buckets are the server's work: it sends a row for each
 * group and bucket (moments.h). For all other measures it sends the metrics, without what nobody needs, and
 * the tally makes of them what it makes of those of any store.
 *
 * Both are read as they come, until the tally has no room or the time is over; then the cursor is closed. */
#include "reader.h"

#include "aggregate/tally.h"
#include "document.h"
#include "moments.h"
#include "pipeline.h"

enum {
    BATCH_DOCUMENTS = 8192, /* of some 100 bytes each, mostly */
    ROWS_BETWEEN_LOOKS = 1024
};

/* One plan under way. */
struct question {
    struct reader *reader;
    struct job *job;
    struct tally *tally;
    struct pipeline pipeline; /* of the turn */
    bool has_end;             /* of the metrics of the turn; else there are none */
    int64_t end_ms;
    _Alignas(16) char block[2 * METRIC_SERIES_MAX];
};

/* Takes a document; false when there is no use in another one. */
typedef bool take_fn(struct question *question, const bson_t *document);

/* Taking ----------------------------------------------------------------------- */

static bool take_row(struct question *question, const bson_t *document)
{
    const struct pipeline *pipeline = &question->pipeline;
    const struct plan *plan = pipeline->plan;
    struct tally *tally = question->tally;
    struct moments_row row;
    uint32_t handle = TALLY_ANY_SERIES;
    if (!moments_read(document, plan, &row) || (pipeline->n_buckets > 0 && row.bucket >= pipeline->n_buckets))
        return true;
    if (plan->group_by != GROUP_TAG || row.is_of_all)
        tally_seen(tally, row.moments.count, row.first_ms, row.last_ms);
    if (row.is_of_all)
        return true;
    if (plan->group_by != GROUP_NONE && !tally_group(tally, row.group, &handle))
        return false;
    int64_t timestamp_ms = pipeline->n_buckets > 0 ? pipeline->edges[row.bucket] : row.first_ms;
    return tally_merge(tally, handle, timestamp_ms, &row.moments);
}

/* The order of lists: by timestamp, then by the bytes of the id. */
static struct sample sample_of(const struct metric *metric)
{
    struct sample sample = { .timestamp_ms = metric->timestamp_ms, .value = metric->value };
    for (unsigned i = 0; i < 8; i++)
        sample.tie = sample.tie << 8 | metric->id.bytes[i];
    for (unsigned i = 8; i < METRIC_ID_BYTES; i++)
        sample.tie_next = sample.tie_next << 8 | metric->id.bytes[i];
    return sample;
}

static bool take_metric(struct question *question, const struct metric *metric)
{
    uint32_t handle = TALLY_ANY_SERIES;
    struct sample sample = sample_of(metric);
    if (tally_needs_series(question->tally) && !tally_series(question->tally, metric->series, &handle))
        return false;
    return tally_add(question->tally, handle, &sample);
}

static bool take_sample(struct question *question, const bson_t *document)
{
    struct arena arena;
    struct metric metric;
    arena_init(&arena, question->block, sizeof(question->block));
    enum document_result result = document_read(document, &arena, &metric);
    bool goes_on = result == DOCUMENT_FOREIGN || (result == DOCUMENT_OK && take_metric(question, &metric));
    if (result == DOCUMENT_NO_MEMORY)
        question->job->status = STATUS_OUT_OF_MEMORY;
    arena_reset(&arena);
    return goes_on;
}

static bool take_end(struct question *question, const bson_t *document)
{
    bson_iter_t iter;
    question->has_end = bson_iter_init_find(&iter, document, "timestamp") && BSON_ITER_HOLDS_DATE_TIME(&iter);
    question->end_ms = question->has_end ? bson_iter_date_time(&iter) : 0;
    return true;
}

/* Reading ---------------------------------------------------------------------- */

/* What a server says that has no memory for the groups, and may use no files for them. */
static bool is_too_large(const bson_error_t *error)
{
    return error->domain == MONGOC_ERROR_SERVER && (error->code == 146 || error->code == 292);
}

static void fail(struct question *question, const bson_error_t *error)
{
    if (is_too_large(error))
        job_fail(question->job, STATUS_QUERY_TOO_LARGE,
                 SLICE("the server has no memory for so many groups: narrow the range, the filter or the grouping"));
    else
        reader_fail(question->reader, question->job, error);
}

/* Takes all documents of a cursor; false when one was the last that is of use, or the job has failed. */
static bool take_all(struct question *question, mongoc_cursor_t *cursor, take_fn *take)
{
    const bson_t *document;
    bson_error_t error;
    int64_t left_ms;
    for (unsigned n = 1; mongoc_cursor_next(cursor, &document); n++)
        if (!take(question, document) ||
            (n % ROWS_BETWEEN_LOOKS == 0 && !reader_time_left(question->reader, question->job, &left_ms)))
            return false;
    if (!mongoc_cursor_error(cursor, &error))
        return true;
    fail(question, &error);
    return false;
}

static bool run(struct question *question, const bson_t *pipeline, take_fn *take)
{
    int64_t max_ms;
    if (!reader_time_left(question->reader, question->job, &max_ms))
        return false;
    bson_t *options = BCON_NEW("allowDiskUse", BCON_BOOL(true), "maxTimeMS", BCON_INT64(max_ms), "batchSize",
                               BCON_INT32(BATCH_DOCUMENTS));
    mongoc_cursor_t *cursor = mongoc_collection_aggregate(question->reader->session.link.collection, MONGOC_QUERY_NONE,
                                                          pipeline, options, NULL);
    bool goes_on = take_all(question, cursor, take);
    mongoc_cursor_destroy(cursor);
    bson_destroy(options);
    return goes_on;
}

static bool read_turn_of_moments(struct question *question)
{
    bson_t pipeline = BSON_INITIALIZER;
    bool goes_on = pipeline_write_moments(&pipeline, &question->pipeline);
    if (goes_on)
        goes_on = run(question, &pipeline, take_row);
    else
        question->job->status = STATUS_OUT_OF_MEMORY;
    bson_destroy(&pipeline);
    return goes_on;
}

static bool read_turn_of_samples(struct question *question)
{
    bson_t pipeline = BSON_INITIALIZER;
    pipeline_write_samples(&pipeline, &question->pipeline);
    bool goes_on = run(question, &pipeline, take_sample);
    bson_destroy(&pipeline);
    return goes_on;
}

/* Turns ------------------------------------------------------------------------ */

static bool read_end(struct question *question, bool is_last)
{
    bson_t pipeline = BSON_INITIALIZER;
    question->has_end = false;
    pipeline_write_end(&pipeline, &question->pipeline, is_last);
    bool goes_on = run(question, &pipeline, take_end);
    bson_destroy(&pipeline);
    return goes_on;
}

/* Tells the tally from when to when the metrics are. */
static bool read_extent(struct question *question)
{
    if (!read_end(question, false))
        return false;
    int64_t first_ms = question->end_ms;
    if (question->has_end && !read_end(question, true))
        return false;
    return question->has_end ? tally_extent(question->tally, first_ms, question->end_ms)
                             : tally_extent(question->tally, INT64_MAX, INT64_MIN);
}

/* Metrics that came since the extent was read stay out. False when the range is empty. */
static bool set_buckets(struct question *question)
{
    struct pipeline *pipeline = &question->pipeline;
    pipeline->n_buckets = tally_edges(question->tally, &pipeline->edges);
    if (pipeline->n_buckets == 0)
        return pipeline->edges == NULL;
    int64_t start_ms = pipeline->edges[0], end_ms = pipeline->edges[pipeline->n_buckets];
    pipeline->from_ms = pipeline->from_ms < start_ms ? start_ms : pipeline->from_ms;
    pipeline->to_ms = pipeline->to_ms > end_ms ? end_ms : pipeline->to_ms;
    return true;
}

static bool read_turn(struct question *question)
{
    int64_t oldest_ms = mongo_oldest_ms(question->reader->session.store);
    if (question->pipeline.from_ms < oldest_ms)
        question->pipeline.from_ms = oldest_ms;
    if (tally_wants_extent(question->tally) && !read_extent(question))
        return false;
    if (!set_buckets(question))
        return true;
    return pipeline_has_moments(question->pipeline.needs) ? read_turn_of_moments(question)
                                                          : read_turn_of_samples(question);
}

static void finish(struct question *question)
{
    struct job *job = question->job;
    struct slice detail = SLICE("");
    enum status status = tally_finish(question->tally, &job->arena, &job->result, &detail);
    if (status != STATUS_OK)
        job_fail(job, status, detail);
}

void reader_aggregate(struct reader *reader, struct job *job)
{
    struct question question = { .reader = reader, .job = job, .pipeline.plan = job->plan };
    question.tally = tally_new(job->plan, reader->session.store->aggregate_max_bytes);
    if (question.tally == NULL) {
        job->status = STATUS_OUT_OF_MEMORY;
        return;
    }
    question.pipeline.needs = tally_needs(question.tally);
    bool goes_on = true;
    while (goes_on && tally_turn(question.tally, &question.pipeline.from_ms, &question.pipeline.to_ms))
        goes_on = read_turn(&question);
    if (job->status == STATUS_OK)
        finish(&question);
    tally_free(&question.tally);
}
