/* SPDX-License-Identifier: MIT */
/* catalogue: the names and tags there are, as the reader on whom it falls asks the server for them.
 *
 * `distinct` walks an index from one value to the next, that of tags too, so it costs what differs and not
 * what is stored; but its answer is one document, of 16 MiB at most. If they are more, the documents are
 * grouped, until enough is known: such a catalogue is not complete. */
#include "reader.h"

#include <stdlib.h>

#include "document.h"

enum { LISTING_MIN = 1024 };

/* Names or tags on their way into a catalogue. */
struct listing {
    struct slice *texts;
    uint32_t n, capacity;
    struct arena *arena; /* has the bytes */
    size_t bytes, max_len;
    const char *key;      /* of the documents' member */
    const char *group_by; /* "$" and the key */
    bool cut;             /* some were left out */
};

/* Listing -------------------------------------------------------------------- */

static bool is_full(const struct listing *listing)
{
    return listing->n >= CATALOGUE_TEXTS_MAX || listing->bytes >= CATALOGUE_BYTES_MAX;
}

static bool grow(struct listing *listing)
{
    uint32_t capacity = listing->capacity == 0 ? LISTING_MIN : listing->capacity * 2;
    struct slice *texts = realloc(listing->texts, capacity * sizeof(texts[0]));
    if (texts == NULL)
        return false;
    listing->texts = texts;
    listing->capacity = capacity;
    return true;
}

/* Adds a value; one that no metric has is passed over. False without memory. */
static bool add(struct listing *listing, const bson_iter_t *iter)
{
    uint32_t len;
    if (!BSON_ITER_HOLDS_UTF8(iter))
        return true;
    const char *data = bson_iter_utf8(iter, &len);
    struct slice text = { data, len };
    if (!document_is_text(text, listing->max_len))
        return true;
    listing->cut = listing->cut || is_full(listing);
    if (is_full(listing))
        return true;
    text = arena_copy(listing->arena, text);
    if (text.data == NULL || (listing->n == listing->capacity && !grow(listing)))
        return false;
    listing->texts[listing->n++] = text;
    listing->bytes += text.len;
    return true;
}

/* Asking --------------------------------------------------------------------- */

static bool is_too_large(const bson_error_t *error)
{
    return error->domain == MONGOC_ERROR_SERVER && (error->code == 17217 || error->code == 10334);
}

static bool add_all(struct listing *listing, const bson_t *reply)
{
    bson_iter_t iter, value;
    if (!bson_iter_init_find(&iter, reply, "values") || !bson_iter_recurse(&iter, &value))
        return true;
    while (bson_iter_next(&value))
        if (!add(listing, &value))
            return false;
    return true;
}

/* Groups the documents until there are enough. */
static bool read_some(struct reader *reader, struct job *job, struct listing *listing)
{
    const bson_t *document;
    bson_error_t error;
    bson_iter_t iter;
    int64_t max_ms;
    bool ok = true;
    if (!reader_time_left(reader, job, &max_ms))
        return false;
    listing->cut = true;
    bson_t *pipeline = BCON_NEW("pipeline", "[", "{", "$match", "{", BCON_UTF8(listing->key), "{", "$gt", BCON_UTF8(""),
                                "}", "}", "}", "{", "$unwind", BCON_UTF8(listing->group_by), "}", "{", "$group", "{",
                                "_id", BCON_UTF8(listing->group_by), "}", "}", "]");
    bson_t *options = BCON_NEW("allowDiskUse", BCON_BOOL(true), "maxTimeMS", BCON_INT64(max_ms));
    mongoc_cursor_t *cursor =
        mongoc_collection_aggregate(reader->session.link.collection, MONGOC_QUERY_NONE, pipeline, options, NULL);
    while (ok && !is_full(listing) && mongoc_cursor_next(cursor, &document))
        ok = !bson_iter_init_find(&iter, document, "_id") || add(listing, &iter);
    if (!ok)
        job->status = STATUS_OUT_OF_MEMORY;
    else if (mongoc_cursor_error(cursor, &error))
        ok = reader_fail(reader, job, &error);
    mongoc_cursor_destroy(cursor);
    bson_destroy(pipeline);
    bson_destroy(options);
    return ok;
}

static bool read_listing(struct reader *reader, struct job *job, struct listing *listing)
{
    bson_t reply;
    bson_error_t error;
    int64_t max_ms;
    if (!reader_time_left(reader, job, &max_ms))
        return false;
    mongoc_collection_t *collection = reader->session.link.collection;
    bson_t *command = BCON_NEW("distinct", BCON_UTF8(mongoc_collection_get_name(collection)), "key",
                               BCON_UTF8(listing->key), "maxTimeMS", BCON_INT64(max_ms));
    bool ok = mongoc_collection_read_command_with_opts(collection, command, NULL, NULL, &reply, &error);
    bool has_memory = !ok || add_all(listing, &reply);
    bson_destroy(command);
    bson_destroy(&reply);
    if (!has_memory)
        job->status = STATUS_OUT_OF_MEMORY;
    if (!ok)
        return is_too_large(&error) ? read_some(reader, job, listing) : reader_fail(reader, job, &error);
    return has_memory;
}

/* NULL with the job's status set. */
static struct catalogue *read_catalogue(struct reader *reader, struct job *job)
{
    struct arena arena;
    _Alignas(16) char block[1024];
    arena_init(&arena, block, sizeof(block));
    struct listing names = { .key = "name", .group_by = "$name", .max_len = METRIC_NAME_MAX, .arena = &arena };
    struct listing tags = { .key = "tags", .group_by = "$tags", .max_len = METRIC_TAG_MAX, .arena = &arena };
    uint64_t made_ns = clock_ns(), version = shelf_version(&reader->session.store->shelf);
    struct catalogue *catalogue = NULL;
    if (read_listing(reader, job, &names) && read_listing(reader, job, &tags)) {
        catalogue = catalogue_new(names.texts, names.n, tags.texts, tags.n, !names.cut && !tags.cut, version);
        if (catalogue != NULL)
            catalogue->made_ns = made_ns;
        else
            job->status = STATUS_OUT_OF_MEMORY;
    }
    free(names.texts);
    free(tags.texts);
    arena_reset(&arena);
    return catalogue;
}

void reader_catalogue(struct reader *reader, struct job *job)
{
    struct shelf *shelf = &reader->session.store->shelf;
    struct shelf_wish wish = { .made_after_ns = job->catalogue_after_ns, .end_ns = reader->end_ns };
    switch (shelf_take(shelf, &wish, &job->catalogue, &job->status)) {
    case SHELF_HAS:
    case SHELF_FAILED:
        break;
    case SHELF_LATE:
        job->status = STATUS_QUERY_TOO_SLOW;
        break;
    case SHELF_READ:
        job->catalogue = read_catalogue(reader, job);
        shelf_put(shelf, job->catalogue, job->status);
        break;
    }
}
