/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <string.h>

#include "store.h"

enum { READ_LIMIT_MS = 5000 }; /* of one document, anyone */

/* A server that holds data but does not take writes; a router or a single server does. */
static bool is_secondary(const mongoc_server_description_t *server)
{
    const char *type = mongoc_server_description_type(server);
    return strcmp(type, "RSSecondary") == 0 || strcmp(type, "RSArbiter") == 0 || strcmp(type, "RSOther") == 0 ||
           strcmp(type, "RSGhost") == 0;
}

enum failure probe_refine(mongoc_client_t *client, enum failure failure)
{
    size_t n = 0;
    if (failure != FAILURE_UNREACHABLE)
        return failure;
    mongoc_server_description_t **servers = mongoc_client_get_server_descriptions(client, &n);
    for (size_t i = 0; i < n; i++)
        if (is_secondary(servers[i]))
            failure = FAILURE_NO_PRIMARY;
    mongoc_server_descriptions_destroy_all(servers, n);
    return failure;
}

static bool is_read_only(const mongoc_server_description_t *server)
{
    bson_iter_t iter;
    return is_secondary(server) ||
           (bson_iter_init_find(&iter, mongoc_server_description_hello_response(server), "readOnly") &&
            bson_iter_as_bool(&iter));
}

static enum failure find_server(struct link *link, enum server_kind *ret_kind, bson_error_t *error)
{
    mongoc_server_description_t *server = mongoc_client_select_server(link->client, true, NULL, error);
    if (server == NULL)
        return probe_refine(link->client, failure_of(error));
    *ret_kind = strcmp(mongoc_server_description_type(server), "Mongos") == 0 ? SERVER_ROUTER : SERVER_PLAIN;
    enum failure failure = is_read_only(server) ? FAILURE_STEPPED_DOWN : FAILURE_NONE;
    mongoc_server_description_destroy(server);
    return failure;
}

static enum failure read_one(struct link *link, bson_error_t *error)
{
    bson_t filter = BSON_INITIALIZER;
    const bson_t *document;
    bson_t *options = BCON_NEW("limit", BCON_INT64(1), "singleBatch", BCON_BOOL(true), "maxTimeMS",
                               BCON_INT64(READ_LIMIT_MS), "projection", "{", "_id", BCON_INT32(1), "}");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(link->collection, &filter, options, NULL);
    mongoc_cursor_next(cursor, &document);
    enum failure failure = mongoc_cursor_error(cursor, error) ? failure_of(error) : FAILURE_NONE;
    mongoc_cursor_destroy(cursor);
    bson_destroy(options);
    return failure;
}

/* An update of what this condition and no metric's name match: of nothing. Takes filter. */
static enum failure write_nothing(struct link *link, bson_t *filter, bson_error_t *error)
{
    bson_t *update = BCON_NEW("$set", "{", "nobody", BCON_INT32(0), "}");
    BSON_APPEND_INT32(filter, "name", 0);
    bool ok = mongoc_collection_update_many(link->collection, filter, update, NULL, NULL, error);
    bson_destroy(filter);
    bson_destroy(update);
    return ok ? FAILURE_NONE : failure_of(error);
}

enum failure probe_confirm(struct link *link, const bson_t *ids, bson_error_t *error)
{
    return write_nothing(link, bson_copy(ids), error);
}

enum failure probe_run(struct link *link, enum server_kind *ret_kind, bson_error_t *error)
{
    enum failure failure = find_server(link, ret_kind, error);
    if (failure == FAILURE_NONE)
        failure = read_one(link, error);
    if (failure == FAILURE_NONE)
        failure = write_nothing(link, BCON_NEW("_id", BCON_UTF8("nobody")), error);
    return failure;
}
