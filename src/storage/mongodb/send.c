/* SPDX-License-Identifier: MIT */
/* send: documents to the server, and its answer back to the metrics.
 *
 * The reply of an unordered insert names each document that failed by its place in the call; all others
 * are stored. A router says of each document what befell the whole call of its shard, a lost connection
 * say, so one that failed may be stored too.
 *
 * Where a document's id exists, a minted id that was sent before is our own success, one that was not is
 * somebody else's and is minted anew, and one that a client gave is read and compared. What is found there is
 * confirmed by a call of its own before it counts. */
#include "writer.h"

#include <telemetry/log.h>
#include <telemetry/stats.h>

#include "document.h"
#include "probe.h"

enum { REFUSALS_MAX = 3 };

/* What the documents of a call have in common. */
struct call {
    uint32_t n;
    bool is_confirmed; /* what its reply says is there is as safe as the write concern asks for */
};

static void mint(struct writer *writer, struct metric *metric)
{
    metric->id = minter_next(&writer->minter, (uint32_t)(clock_wall_ms() / 1000));
    metric->has_id = true;
}

/* One document --------------------------------------------------------------- */

/* That it is there does not yet say that it is safe. A reply that says it is not leaves what was sent PENDING;
 * one that says nothing may be a router's, which does not tell when it could do nothing of a call. */
static void meet_duplicate(struct writer *writer, struct insert *item, bool is_confirmed)
{
    if (item->sent && !is_confirmed)
        return;
    if (item->metric->client_id)
        item->state = INSERT_IN_DOUBT;
    else if (item->sent)
        item->state = INSERT_FOUND;
    else
        mint(writer, item->metric);
}

/* What is refused as a whole may have begun, unless it was of one document. */
static bool is_in_doubt(enum failure failure, uint32_t n)
{
    bool is_refused = failure == FAILURE_REFUSED || failure == FAILURE_FULL;
    return failure_leaves_doubt(failure) && !(is_refused && n == 1);
}

static void meet_refusal(struct insert *item, int64_t code)
{
    if (failure_is_of_document(code) || failure_of_code(code) == FAILURE_FORBIDDEN)
        item->state = INSERT_REFUSED;
    else if (failure_of_code(code) == FAILURE_FULL)
        item->state = INSERT_FULL;
    else if (failure_of_code(code) == FAILURE_REFUSED && ++item->n_refusals >= REFUSALS_MAX)
        item->state = INSERT_DROPPED;
}

static void meet_error(struct writer *writer, struct insert *item, const bson_iter_t *error, const struct call *call)
{
    bson_iter_t member;
    int64_t code = 0;
    const char *text = "";
    if (bson_iter_recurse(error, &member) && bson_iter_find(&member, "code"))
        code = bson_iter_as_int64(&member);
    if (bson_iter_recurse(error, &member) && bson_iter_find(&member, "errmsg") && BSON_ITER_HOLDS_UTF8(&member))
        text = bson_iter_utf8(&member, NULL);
    if (failure_is_duplicate(code)) {
        meet_duplicate(writer, item, call->is_confirmed);
        return;
    }
    char number[LOG_NUMBER_BYTES];
    log_warn("MongoDB refuses a metric", "code", log_number(number, code), "reason", text);
    stats_add(writer->session.stats, STATS_STORAGE_ERRORS, 1);
    if (atomic_load_explicit(&writer->session.store->is_router, memory_order_relaxed) &&
        is_in_doubt(failure_of_code(code), call->n))
        item->sent = true;
    meet_refusal(item, code);
}

/* The call ------------------------------------------------------------------- */

static bool is_unconfirmed(const bson_t *reply)
{
    bson_iter_t iter, errors;
    return bson_iter_init_find(&iter, reply, "writeConcernErrors") && bson_iter_recurse(&iter, &errors) &&
           bson_iter_next(&errors);
}

/* Hands the reply's errors to their documents; `settled` marks which had one. Returns how many. */
static uint32_t read_errors(struct writer *writer, const bson_t *reply, uint32_t n, bool settled[])
{
    bson_iter_t iter, errors, member;
    uint32_t n_errors = 0;
    struct call call = { .n = n, .is_confirmed = !is_unconfirmed(reply) };
    if (!bson_iter_init_find(&iter, reply, "writeErrors") || !bson_iter_recurse(&iter, &errors))
        return 0;
    while (bson_iter_next(&errors)) {
        if (!bson_iter_recurse(&errors, &member) || !bson_iter_find(&member, "index"))
            continue;
        int64_t index = bson_iter_as_int64(&member);
        if (index < 0 || index >= n)
            continue;
        settled[index] = true;
        n_errors++;
        meet_error(writer, writer->picked[index], &errors, &call);
    }
    return n_errors;
}

static bool insert(struct writer *writer, uint32_t n, bson_t *reply, bson_error_t *error)
{
    for (uint32_t i = 0; i < n; i++) {
        struct metric *metric = writer->picked[i]->metric;
        if (!metric->has_id)
            mint(writer, metric);
        bson_reinit(writer->documents[i]);
        document_write(writer->documents[i], metric, true);
    }
    uint64_t start_ns = clock_ns();
    bool ok = mongoc_collection_insert_many(writer->session.link.collection, (const bson_t **)writer->documents, n,
                                            &writer->send_options, reply, error);
    stats_add(writer->session.stats, STATS_COMMITS, ok);
    histogram_add(&writer->session.stats->commits, clock_ns() - start_ns);
    return ok;
}

/* What the call as a whole came to. With errors of documents the rest was done. */
static enum failure failure_of_call(struct writer *writer, uint32_t n_errors, const bson_t *reply,
                                    const bson_error_t *error)
{
    if (is_unconfirmed(reply))
        return FAILURE_UNCONFIRMED;
    if (n_errors > 0)
        return FAILURE_NONE;
    stats_add(writer->session.stats, STATS_STORAGE_ERRORS, 1);
    return mongo_fail(writer->session.store, &writer->session.link, error);
}

/* Documents without an error of their own share the fate of the call. */
static void settle(struct insert *item, enum failure failure, bool in_doubt)
{
    if (failure == FAILURE_NONE)
        item->state = INSERT_STORED;
    else
        item->sent = item->sent || in_doubt;
}

enum failure send_picked(struct writer *writer, uint32_t n)
{
    bson_t reply;
    bson_error_t error;
    bool settled[SEND_MAX] = { false };
    enum failure failure = FAILURE_NONE;
    bool ok = insert(writer, n, &reply, &error);
    uint32_t n_errors = read_errors(writer, &reply, n, settled);
    if (!ok)
        failure = failure_of_call(writer, n_errors, &reply, &error);
    bson_destroy(&reply);
    for (uint32_t i = 0; i < n; i++)
        if (!settled[i])
            settle(writer->picked[i], failure, is_in_doubt(failure, n));
    return failure;
}

/* Comparing and confirming --------------------------------------------------- */

static bson_t *filter_of_ids(struct writer *writer, uint32_t n)
{
    bson_t *filter = bson_new();
    bson_t id, array;
    char digits[16];
    const char *key;
    BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &id);
    BSON_APPEND_ARRAY_BEGIN(&id, "$in", &array);
    for (uint32_t i = 0; i < n; i++) {
        bson_uint32_to_string(i, &key, digits, sizeof(digits));
        document_write_id(&array, key, &writer->picked[i]->metric->id);
    }
    bson_append_array_end(&id, &array);
    bson_append_document_end(filter, &id);
    return filter;
}

static void compare(struct writer *writer, const bson_t *document)
{
    struct metric stored;
    char block[1024] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, block, sizeof(block));
    enum document_result result = document_read(document, &arena, &stored);
    struct insert *item = inserts_find(&writer->inserts, &stored.id);
    if (item != NULL && result != DOCUMENT_NO_MEMORY) {
        bool equal = result == DOCUMENT_OK && metric_resent(&stored, item->metric);
        item->state = equal ? INSERT_FOUND : INSERT_CONFLICT;
    }
    arena_reset(&arena);
}

static enum failure fail(struct writer *writer, const bson_error_t *error)
{
    stats_add(writer->session.stats, STATS_STORAGE_ERRORS, 1);
    return mongo_fail(writer->session.store, &writer->session.link, error);
}

enum failure send_compare(struct writer *writer, uint32_t n)
{
    const bson_t *document;
    bson_error_t error;
    bson_t *filter = filter_of_ids(writer, n);
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(writer->session.link.collection, filter, &writer->read_options, NULL);
    while (mongoc_cursor_next(cursor, &document))
        compare(writer, document);
    bool failed = mongoc_cursor_error(cursor, &error);
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    return failed ? fail(writer, &error) : FAILURE_NONE;
}

enum failure send_confirm(struct writer *writer, uint32_t n)
{
    bson_error_t error;
    bson_t *ids = filter_of_ids(writer, n);
    bool ok = probe_confirm(&writer->session.link, ids, &error) == FAILURE_NONE;
    bson_destroy(ids);
    if (!ok)
        return fail(writer, &error);
    for (uint32_t i = 0; i < n; i++)
        writer->picked[i]->state = writer->picked[i]->sent ? INSERT_STORED : INSERT_EXISTED;
    return FAILURE_NONE;
}
