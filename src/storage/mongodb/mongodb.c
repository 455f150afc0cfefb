/* SPDX-License-Identifier: MIT */
/* mongodb: the backend by mongo-c-driver. Opening reads the URI, makes the pool of clients and starts the
 * watch; it does not wait for a server, so until the watch has seen one the store is unavailable. */
#include <telemetry/storage.h>

#include <stdlib.h>
#include <string.h>

#include <telemetry/log.h>

#include "probe.h"
#include "store.h"
#include "uri.h"
#include "watch.h"

static const char collection_name[] = "metrics";

enum { DETAIL_BYTES = 384 };

/* Links --------------------------------------------------------------------- */

int mongo_link(struct store *store, struct link *ret_link, struct error *error)
{
    struct link link = { .client = mongoc_client_pool_pop(store->pool) };
    if (link.client == NULL)
        return error_set(error, 1, "the pool of MongoDB clients is empty: raise waitQueueTimeoutMS in MONGO_URI");
    link.collection = mongoc_client_get_collection(link.client, store->database, collection_name);
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_collection_set_read_prefs(link.collection, primary);
    mongoc_read_prefs_destroy(primary);
    *ret_link = link;
    return 0;
}

void mongo_unlink(struct store *store, struct link *link)
{
    mongoc_collection_destroy(link->collection);
    mongoc_client_pool_push(store->pool, link->client);
}

/* Health -------------------------------------------------------------------- */

/* The driver's text without the password. */
static const char *masked_text(const struct store *store, const char *text, char ret_masked[DETAIL_BYTES])
{
    uri_mask(text == NULL ? "" : text, mongoc_uri_get_password(store->uri), ret_masked, DETAIL_BYTES);
    return ret_masked;
}

static void log_change(const struct store *store, enum failure failure, const char *detail)
{
    char masked[DETAIL_BYTES];
    if (failure == FAILURE_NONE) {
        log_info("the store can be used", "servers", store->servers, "database", store->database);
        return;
    }
    log_error("the store cannot be used", "reason", failure_text(failure), "servers", store->servers, "database",
              store->database, "driver", masked_text(store, detail, masked));
}

void mongo_note(struct store *store, enum failure failure, const char *detail)
{
    const char *reason = failure == FAILURE_NONE ? NULL : failure_text(failure);
    int status = failure == FAILURE_NONE ? STATUS_OK : STATUS_STORAGE_UNAVAILABLE;
    int before = atomic_exchange_explicit(&store->failure, (int)failure, memory_order_relaxed);
    atomic_store_explicit(&store->health.reason, reason, memory_order_relaxed);
    atomic_store_explicit(&store->health.status, status, memory_order_relaxed);
    if (before != (int)failure)
        log_change(store, failure, detail);
}

/* Whether the failure of one call tells of all calls. */
static bool is_general(enum failure failure)
{
    switch (failure) {
    case FAILURE_UNREACHABLE:
    case FAILURE_NO_PRIMARY:
    case FAILURE_LOGIN:
    case FAILURE_FORBIDDEN:
    case FAILURE_STEPPED_DOWN:
        return true;
    default:
        return false;
    }
}

enum failure mongo_fail(struct store *store, const struct link *link, const bson_error_t *error)
{
    enum failure failure = probe_refine(link->client, failure_of(error));
    char masked[DETAIL_BYTES];
    if (is_general(failure))
        mongo_note(store, failure, error->message);
    else
        log_warn("a call of MongoDB failed", "reason", failure_text(failure), "driver",
                 masked_text(store, error->message, masked));
    if (failure != FAILURE_TOO_SLOW)
        watch_wake(store->watch);
    return failure;
}

/* The driver's own words, which may quote a URI. It warns of what its callers are told as well, each time. */
static void log_driver(mongoc_log_level_t level, const char *domain, const char *text, void *context)
{
    char masked[DETAIL_BYTES];
    (void)context;
    uri_mask(text, NULL, masked, sizeof(masked));
    if (level <= MONGOC_LOG_LEVEL_CRITICAL)
        log_warn("the MongoDB driver says", "domain", domain, "text", masked);
    else
        log_debug("the MongoDB driver says", "domain", domain, "text", masked);
}

/* Opening and closing ------------------------------------------------------- */

static int open_pool(struct store *store, const struct storage_settings *settings, struct error *error)
{
    bson_error_t reason = { .message = "" };
    store->pool = mongoc_client_pool_new_with_error(store->uri, &reason);
    if (store->pool == NULL)
        return error_set(error, 78, "MONGO_URI: the driver makes no client for it: %s", reason.message);
    mongoc_client_pool_max_size(store->pool, settings->n_writers + settings->n_readers + 1);
    mongoc_client_pool_set_error_api(store->pool, MONGOC_ERROR_API_VERSION_2);
    return 0;
}

/* A time-out of the socket must not come before the server's own. */
static uint64_t read_limit_ns(const struct storage_settings *settings, const mongoc_uri_t *uri)
{
    int32_t socket_ms = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, 0);
    uint64_t limit_ns = (uint64_t)(uint32_t)(socket_ms < 0 ? 0 : socket_ms) * NS_PER_MS * 9 / 10;
    return limit_ns == 0 || settings->query_limit_ns < limit_ns ? settings->query_limit_ns : limit_ns;
}

static void store_free(struct store *store)
{
    watch_stop(&store->watch);
    if (store->pool != NULL)
        mongoc_client_pool_destroy(store->pool);
    shelf_fini(&store->shelf);
    mongoc_uri_destroy(store->uri);
    free(store->servers);
    free(store->database);
    free(store);
}

static int store_fill(struct store *store, const struct storage_settings *settings, struct error *error)
{
    if (uri_read(settings, &store->uri, error) != 0)
        return -1;
    store->head.ops = &storage_mongodb;
    store->shard = settings->shard;
    store->retention_ms = (int64_t)settings->retention_days * 24 * 3600 * 1000;
    store->read_limit_ns = read_limit_ns(settings, store->uri);
    store->aggregate_max_bytes = settings->aggregate_max_bytes;
    store->database = strdup(settings->database);
    store->servers = uri_servers(store->uri);
    if (store->database == NULL || store->servers == NULL)
        return error_set(error, 1, "no memory for the store");
    if (open_pool(store, settings, error) != 0)
        return -1;
    atomic_store_explicit(&store->failure, FAILURE_UNSEEN, memory_order_relaxed); /* that is not worth a line */
    mongo_note(store, FAILURE_UNSEEN, NULL);
    return watch_start(store, &store->watch, error);
}

/* The driver is cleaned up by the end of the process: it cannot be initialised a second time. */
static int mongodb_open(const struct storage_settings *settings, struct storage **ret_storage, struct error *error)
{
    mongoc_init();
    mongoc_log_set_handler(log_driver, NULL);
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return error_set(error, 1, "no memory for the store");
    shelf_init(&store->shelf);
    if (store_fill(store, settings, error) != 0) {
        store_free(store);
        return -1;
    }
    *ret_storage = (struct storage *)store;
    return 0;
}

static void mongodb_close(struct storage **storage)
{
    struct store *store = (struct store *)*storage;
    *storage = NULL;
    store_free(store);
}

static const struct storage_health *mongodb_health(const struct storage *storage)
{
    return &((const struct store *)storage)->health;
}

static int mongodb_attach(struct storage *storage, enum storage_role role, unsigned index, struct stats *stats,
                          struct storage_session **ret_session, struct error *error)
{
    struct store *store = (struct store *)storage;
    (void)index;
    return role == STORAGE_WRITER ? mongo_writer_attach(store, stats, ret_session, error)
                                  : mongo_reader_attach(store, stats, ret_session, error);
}

static void mongodb_detach(struct storage_session **session)
{
    if (((const struct session *)*session)->role == STORAGE_WRITER)
        mongo_writer_detach(session);
    else
        mongo_reader_detach(session);
}

static uint64_t mongodb_catalogue_version(const struct storage *storage)
{
    return shelf_version(&((const struct store *)storage)->shelf);
}

/* All upkeep is the server's, or the watch's. */
static uint64_t mongodb_tick(struct storage_session *session, uint64_t now_ns)
{
    (void)session;
    (void)now_ns;
    return UINT64_MAX;
}

const struct storage_ops storage_mongodb = {
    .name = "mongodb",
    .open = mongodb_open,
    .close = mongodb_close,
    .health = mongodb_health,
    .attach = mongodb_attach,
    .detach = mongodb_detach,
    .write = mongo_writer_write,
    .read = mongo_reader_read,
    .catalogue_version = mongodb_catalogue_version,
    .tick = mongodb_tick,
};

/* ThreadSanitizer sees the memory calls of the driver, which is the system's library, but none of its
 * atomics, and takes them for races. Our own code is checked. */
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "race:libmongoc-1.0.so\nrace:libbson-1.0.so\n";
}
#endif
