/* SPDX-License-Identifier: MIT */
#include "setup.h"

#include <string.h>

#include <telemetry/log.h>

#include "store.h"

enum { CODE_NAMESPACE_NOT_FOUND = 26, CODE_ALREADY_INITIALIZED = 23 };

/* An index as it should be, and what was found of it. */
struct index {
    const char *name;
    const char *keys[3];
    int32_t orders[3];
};

static const struct index indexes[INDEX_COUNT] = {
    [INDEX_NAME] = { "name_1_timestamp_-1__id_-1", { "name", "timestamp", "_id" }, { 1, -1, -1 } },
    [INDEX_TAGS] = { "tags_1_timestamp_-1", { "tags", "timestamp", NULL }, { 1, -1, 0 } },
    [INDEX_TIMESTAMP] = { "timestamp_1", { "timestamp", NULL, NULL }, { 1, 0, 0 } },
};

struct found {
    bool is_there[INDEX_COUNT];
    char timestamp_name[128]; /* of the index on it: somebody may have made it under another name */
    int64_t expiry_s;         /* of that index; -1: none */
};

void setup_index_keys(bson_t *document, enum setup_index index)
{
    const struct index *row = &indexes[index];
    for (unsigned i = 0; i < 3 && row->keys[i] != NULL; i++)
        bson_append_int32(document, row->keys[i], -1, row->orders[i]);
}

int64_t setup_expiry_s(const struct store *store)
{
    int64_t seconds = store->retention_ms / 1000;
    return seconds == 0 || seconds > INT32_MAX ? -1 : seconds;
}

/* What is there ------------------------------------------------------------- */

/* Numbers of all types are equal keys: an index made by a shell has doubles. */
static bool has_keys(bson_iter_t *keys, const struct index *index)
{
    unsigned n = 0;
    for (; bson_iter_next(keys); n++)
        if (n == 3 || index->keys[n] == NULL || strcmp(bson_iter_key(keys), index->keys[n]) != 0 ||
            bson_iter_as_int64(keys) != index->orders[n])
            return false;
    return n == 3 || index->keys[n] == NULL;
}

static void note_timestamp_index(const bson_t *document, struct found *found)
{
    bson_iter_t iter;
    found->expiry_s = -1;
    if (bson_iter_init_find(&iter, document, "expireAfterSeconds"))
        found->expiry_s = bson_iter_as_int64(&iter);
    if (bson_iter_init_find(&iter, document, "name") && BSON_ITER_HOLDS_UTF8(&iter))
        snprintf(found->timestamp_name, sizeof(found->timestamp_name), "%s", bson_iter_utf8(&iter, NULL));
}

static void note_index(const bson_t *document, struct found *found)
{
    bson_iter_t iter, keys;
    for (unsigned i = 0; i < INDEX_COUNT; i++) {
        if (!bson_iter_init_find(&iter, document, "key") || !bson_iter_recurse(&iter, &keys) ||
            !has_keys(&keys, &indexes[i]))
            continue;
        found->is_there[i] = true;
        if (i == INDEX_TIMESTAMP)
            note_timestamp_index(document, found);
    }
}

static enum failure find_indexes(struct link *link, struct found *found, bson_error_t *error)
{
    const bson_t *document;
    *found = (struct found){ .expiry_s = -1 };
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(link->collection, NULL);
    while (mongoc_cursor_next(cursor, &document))
        note_index(document, found);
    bool failed = mongoc_cursor_error(cursor, error) &&
                  !(error->domain == MONGOC_ERROR_SERVER && error->code == CODE_NAMESPACE_NOT_FOUND);
    mongoc_cursor_destroy(cursor);
    return failed ? failure_of(error) : FAILURE_NONE;
}

/* What is to be done -------------------------------------------------------- */

/* A command that changes the collection; takes it. A connection that breaks meanwhile, by a time-out most
 * likely, does not keep the server from going on. */
static enum failure run(struct link *link, bson_t *command, bson_error_t *error)
{
    bool ok = mongoc_collection_write_command_with_opts(link->collection, command, NULL, NULL, error);
    bson_destroy(command);
    return ok ? FAILURE_NONE : failure_of(error);
}

static enum failure make_indexes(struct store *store, struct link *link, const struct found *found, bson_error_t *error)
{
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8(mongoc_collection_get_name(link->collection)));
    bson_t array, entry, keys;
    unsigned n = 0;
    char digit[] = "0";
    BSON_APPEND_ARRAY_BEGIN(command, "indexes", &array);
    for (unsigned i = 0; i < INDEX_COUNT; i++) {
        if (found->is_there[i])
            continue;
        digit[0] = (char)('0' + n++);
        BSON_APPEND_DOCUMENT_BEGIN(&array, digit, &entry);
        BSON_APPEND_DOCUMENT_BEGIN(&entry, "key", &keys);
        setup_index_keys(&keys, (enum setup_index)i);
        bson_append_document_end(&entry, &keys);
        BSON_APPEND_UTF8(&entry, "name", indexes[i].name);
        if (i == INDEX_TIMESTAMP && setup_expiry_s(store) >= 0)
            BSON_APPEND_INT64(&entry, "expireAfterSeconds", setup_expiry_s(store));
        bson_append_document_end(&array, &entry);
    }
    bson_append_array_end(command, &array);
    if (n > 0)
        return run(link, command, error);
    bson_destroy(command);
    return FAILURE_NONE;
}

/* Changes the expiry of the index in place: from one to another, and from MongoDB 5.1 on where there was none.
 * The role readWrite is enough to make and drop indexes, but not for this. */
static enum failure change_expiry(struct link *link, const struct found *found, int64_t expiry_s, bson_error_t *error)
{
    return run(link,
               BCON_NEW("collMod", BCON_UTF8(mongoc_collection_get_name(link->collection)), "index", "{", "name",
                        BCON_UTF8(found->timestamp_name), "expireAfterSeconds", BCON_INT64(expiry_s), "}"),
               error);
}

static enum failure settle_expiry(struct store *store, struct link *link, struct found *found, bson_error_t *error)
{
    int64_t wanted_s = setup_expiry_s(store);
    if (!found->is_there[INDEX_TIMESTAMP] || found->expiry_s == wanted_s)
        return FAILURE_NONE;
    enum failure failure = FAILURE_REFUSED;
    if (wanted_s >= 0)
        failure = change_expiry(link, found, wanted_s, error);
    if (failure != FAILURE_REFUSED && failure != FAILURE_FORBIDDEN)
        return failure;
    found->is_there[INDEX_TIMESTAMP] = false; /* made anew */
    return run(link,
               BCON_NEW("dropIndexes", BCON_UTF8(mongoc_collection_get_name(link->collection)), "index",
                        BCON_UTF8(found->timestamp_name)),
               error);
}

/* Shards -------------------------------------------------------------------- */

static enum failure run_as_admin(struct link *link, bson_t *command, bson_error_t *error)
{
    bool ok = mongoc_client_write_command_with_opts(link->client, "admin", command, NULL, NULL, error);
    bson_destroy(command);
    if (ok || (error->domain == MONGOC_ERROR_SERVER && error->code == CODE_ALREADY_INITIALIZED))
        return FAILURE_NONE;
    return failure_of(error);
}

/* By a hash of _id inserts go to all shards, and a change by id to one. A collection that has documents
 * needs the index first. */
static enum failure make_shards(struct store *store, struct link *link, bson_error_t *error)
{
    const char *collection = mongoc_collection_get_name(link->collection);
    char *whole = bson_strdup_printf("%s.%s", store->database, collection);
    enum failure failure = run(link,
                               BCON_NEW("createIndexes", BCON_UTF8(collection), "indexes", "[", "{", "key", "{", "_id",
                                        BCON_UTF8("hashed"), "}", "name", BCON_UTF8("_id_hashed"), "}", "]"),
                               error);
    if (failure == FAILURE_NONE)
        failure = run_as_admin(link, BCON_NEW("enableSharding", BCON_UTF8(store->database)), error);
    if (failure == FAILURE_NONE)
        failure = run_as_admin(
            link, BCON_NEW("shardCollection", BCON_UTF8(whole), "key", "{", "_id", BCON_UTF8("hashed"), "}"), error);
    bson_free(whole);
    return failure;
}

static enum failure settle_shards(struct store *store, struct link *link, enum server_kind kind, bson_error_t *error)
{
    if (!store->shard)
        return FAILURE_NONE;
    if (kind == SERVER_ROUTER)
        return make_shards(store, link, error);
    log_warn("MONGO_SHARD=1 has no effect: MongoDB is no sharded cluster here", "servers", store->servers);
    return FAILURE_NONE;
}

enum failure setup_run(struct store *store, struct link *link, enum server_kind kind, bson_error_t *error)
{
    struct found found;
    atomic_store_explicit(&store->is_router, kind == SERVER_ROUTER, memory_order_relaxed);
    enum failure failure = find_indexes(link, &found, error);
    if (failure == FAILURE_NONE)
        failure = settle_expiry(store, link, &found, error);
    if (failure == FAILURE_NONE)
        failure = make_indexes(store, link, &found, error);
    if (failure == FAILURE_NONE)
        failure = settle_shards(store, link, kind, error);
    return failure == FAILURE_LOST ? FAILURE_SETTING_UP : failure;
}
