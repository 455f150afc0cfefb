/* SPDX-License-Identifier: MIT */
/* reader: one metric by its id, or a page of a list.
 *
 * A page in the order of (timestamp, _id), of an index that knows the timestamp alone: what is left of
 * the timestamp where the page before ended, then along the index; the last timestamp met may have been
 * cut anywhere, so its metrics are read again, by _id. One find more than needed says whether it was:
 * mostly it was not, and the page is made of one find. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/log.h>
#include <telemetry/stats.h>

#include "document.h"
#include "query.h"

/* A page under way: more metrics than the limit, when there are. */
struct page {
    struct reader *reader;
    struct job *job;
    struct metric *metrics; /* in the job's arena; those that are no metrics have name_bytes 0 */
    uint32_t n, wanted;
    int64_t from_ms;
};

int mongo_reader_attach(struct store *store, struct stats *stats, struct storage_session **ret_session,
                        struct error *error)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_set(error, 1, "no memory for a reader");
    reader->session =
        (struct session){ .head.ops = &storage_mongodb, .role = STORAGE_READER, .store = store, .stats = stats };
    if (mongo_link(store, &reader->session.link, error) != 0) {
        free(reader);
        return -1;
    }
    *ret_session = (struct storage_session *)reader;
    return 0;
}

void mongo_reader_detach(struct storage_session **session)
{
    struct reader *reader = (struct reader *)*session;
    *session = NULL;
    mongo_unlink(reader->session.store, &reader->session.link);
    free(reader);
}

/* Finds ------------------------------------------------------------------------ */

bool reader_fail(struct reader *reader, struct job *job, const bson_error_t *error)
{
    enum failure failure = mongo_fail(reader->session.store, &reader->session.link, error);
    stats_add(reader->session.stats, STATS_STORAGE_ERRORS, 1);
    job->status = failure == FAILURE_TOO_SLOW ? STATUS_QUERY_TOO_SLOW : STATUS_STORAGE_UNAVAILABLE;
    return false;
}

bool reader_time_left(const struct reader *reader, struct job *job, int64_t *ret_ms)
{
    uint64_t now_ns = clock_ns();
    *ret_ms = now_ns < reader->end_ns ? (int64_t)((reader->end_ns - now_ns) / NS_PER_MS) : 0;
    if (*ret_ms == 0)
        job->status = STATUS_QUERY_TOO_SLOW;
    return *ret_ms > 0;
}

static bool read_document(struct job *job, const bson_t *document, struct metric *ret_metric)
{
    enum document_result result = document_read(document, &job->arena, ret_metric);
    if (result == DOCUMENT_NO_MEMORY)
        job->status = STATUS_OUT_OF_MEMORY;
    if (result == DOCUMENT_FOREIGN)
        log_warn("the collection holds a document that is no metric: it is passed over");
    return result != DOCUMENT_NO_MEMORY;
}

/* Runs a find and reads up to `max` documents. Returns false with the job's status set. */
static bool run(struct reader *reader, struct job *job, const bson_t *conditions, const bson_t *options,
                struct metric *ret_metrics, uint32_t max, uint32_t *ret_n)
{
    const bson_t *document;
    bson_error_t error;
    bool ok = true;
    *ret_n = 0;
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(reader->session.link.collection, conditions, options, NULL);
    while (ok && *ret_n < max && mongoc_cursor_next(cursor, &document)) {
        ok = read_document(job, document, &ret_metrics[*ret_n]);
        *ret_n += ok;
    }
    if (ok && mongoc_cursor_error(cursor, &error))
        ok = reader_fail(reader, job, &error);
    mongoc_cursor_destroy(cursor);
    return ok;
}

/* One metric ------------------------------------------------------------------- */

static void get(struct reader *reader, struct job *job)
{
    bson_t conditions = BSON_INITIALIZER, options = BSON_INITIALIZER;
    int64_t max_ms;
    uint32_t n = 0;
    struct metric metric;
    if (!reader_time_left(reader, job, &max_ms))
        return;
    document_write_id(&conditions, "_id", &job->id);
    BSON_APPEND_INT64(&options, "limit", 1);
    BSON_APPEND_BOOL(&options, "singleBatch", true);
    BSON_APPEND_INT64(&options, "maxTimeMS", max_ms);
    bool ok = run(reader, job, &conditions, &options, &metric, 1, &n);
    bson_destroy(&conditions);
    bson_destroy(&options);
    if (!ok)
        return;
    if (n == 0 || metric.name_bytes == 0 || metric.timestamp_ms < mongo_oldest_ms(reader->session.store) ||
        !job_may_touch(job, &metric)) {
        job->status = STATUS_NOT_FOUND;
        return;
    }
    job->metrics = arena_alloc(&job->arena, sizeof(job->metrics[0]));
    if (job->metrics == NULL) {
        job->status = STATUS_OUT_OF_MEMORY;
        return;
    }
    job->metrics[0] = metric;
    job->n_metrics = 1;
}

/* A page ----------------------------------------------------------------------- */

/* Appends what one find gives, up to `limit`; *ret_n says how many. */
static bool append(struct page *page, struct query *query, uint32_t limit, uint32_t *ret_n)
{
    bson_t conditions = BSON_INITIALIZER, options = BSON_INITIALIZER;
    query->filter = &page->job->filter;
    query->from_ms = page->from_ms;
    query->limit = limit;
    *ret_n = 0;
    if (!reader_time_left(page->reader, page->job, &query->max_ms))
        return false;
    query_write_conditions(&conditions, query);
    query_write_options(&options, query);
    bool ok = run(page->reader, page->job, &conditions, &options, page->metrics + page->n, limit, ret_n);
    page->n += *ret_n;
    bson_destroy(&conditions);
    bson_destroy(&options);
    return ok;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct metric *)a)->id.bytes, ((const struct metric *)b)->id.bytes, METRIC_ID_BYTES);
}

static int by_id_descending(const void *a, const void *b)
{
    return by_id(b, a);
}

/* Puts those of equal timestamps in the order of their ids. */
static void sort_ties(struct metric metrics[], uint32_t n, bool ascending)
{
    for (uint32_t start = 0, end; start < n; start = end) {
        for (end = start + 1; end < n && metrics[end].timestamp_ms == metrics[start].timestamp_ms;)
            end++;
        if (end - start > 1)
            qsort(metrics + start, end - start, sizeof(metrics[0]), ascending ? by_id : by_id_descending);
    }
}

/* What is left of the timestamp at which the page before ended. */
static bool append_rest_of_timestamp(struct page *page)
{
    const struct filter *filter = &page->job->filter;
    struct query query = { .kind = QUERY_WITHIN, .has_after = true, .after = filter->after };
    uint32_t n;
    if (!filter->has_after || filter->after.timestamp_ms < page->from_ms || filter->after.timestamp_ms >= filter->to_ms)
        return true;
    return append(page, &query, page->wanted, &n);
}

/* Drops the metrics of the last timestamp, of which some may be missing, and reads them again by id. */
static bool read_last_timestamp_again(struct page *page, uint32_t first)
{
    struct query query = { .kind = QUERY_WITHIN, .after.timestamp_ms = page->metrics[page->n - 1].timestamp_ms };
    uint32_t n;
    while (page->n > first && page->metrics[page->n - 1].timestamp_ms == query.after.timestamp_ms)
        page->n--;
    return page->n >= page->wanted || append(page, &query, page->wanted - page->n, &n);
}

static bool append_along(struct page *page)
{
    const struct filter *filter = &page->job->filter;
    struct query query = { .kind = QUERY_ALONG, .has_after = filter->has_after, .after = filter->after };
    uint32_t first = page->n, limit = page->wanted - page->n + 1, n;
    if (limit == 1)
        return true;
    if (!append(page, &query, limit, &n) || (n == limit && !read_last_timestamp_again(page, first)))
        return false;
    sort_ties(page->metrics + first, page->n - first, filter->ascending);
    return true;
}

static bool fill(struct page *page)
{
    const struct filter *filter = &page->job->filter;
    struct query query = { .kind = QUERY_PAGE, .has_after = filter->has_after, .after = filter->after };
    uint32_t n;
    if (query_is_of_one_name(filter))
        return append(page, &query, page->wanted, &n);
    return append_rest_of_timestamp(page) && append_along(page);
}

/* Hands the page to the job: cut at the limit, without what is no metric. */
static void deliver(struct page *page)
{
    struct job *job = page->job;
    uint32_t n = page->n > job->filter.limit ? job->filter.limit : page->n;
    job->has_next = page->n > n;
    if (job->has_next) {
        job->next.timestamp_ms = page->metrics[n - 1].timestamp_ms;
        memcpy(job->next.tie, page->metrics[n - 1].id.bytes, METRIC_ID_BYTES);
    }
    job->metrics = page->metrics;
    job->n_metrics = 0;
    for (uint32_t i = 0; i < n; i++)
        if (page->metrics[i].name_bytes > 0)
            job->metrics[job->n_metrics++] = page->metrics[i];
}

static void find(struct reader *reader, struct job *job)
{
    int64_t oldest_ms = mongo_oldest_ms(reader->session.store);
    struct page page = { .reader = reader, .job = job, .wanted = job->filter.limit + 1 };
    page.from_ms = job->filter.from_ms > oldest_ms ? job->filter.from_ms : oldest_ms;
    page.metrics = arena_alloc(&job->arena, (page.wanted + 1) * sizeof(page.metrics[0]));
    job->n_metrics = 0;
    if (page.metrics == NULL)
        job->status = STATUS_OUT_OF_MEMORY;
    else if (fill(&page))
        deliver(&page);
}

/* Jobs ------------------------------------------------------------------------- */

static void read_job(struct reader *reader, struct job *job)
{
    const struct store *store = reader->session.store;
    if (failure_stops_reads(mongo_failure(store))) {
        job->status = STATUS_STORAGE_UNAVAILABLE;
        return;
    }
    reader->end_ns = clock_ns() + store->read_limit_ns;
    if (job->deadline_ns < reader->end_ns)
        reader->end_ns = job->deadline_ns;
    switch (job->route->hops[job->hop].op) {
    case OP_GET:
        get(reader, job);
        break;
    case OP_FIND:
        find(reader, job);
        break;
    case OP_AGGREGATE:
        reader_aggregate(reader, job);
        break;
    case OP_CATALOGUE:
        reader_catalogue(reader, job);
        break;
    default:
        job->status = STATUS_INTERNAL;
    }
}

void mongo_reader_read(struct storage_session *session, struct job *jobs[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        read_job((struct reader *)session, jobs[i]);
}
