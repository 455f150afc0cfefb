/* SPDX-License-Identifier: MIT */
/* app: the journey of a job as threads and inboxes.
 *
 *   loops -> parsers -> cache -> writers or readers -> cache -> the loop it came from
 *
 * Every thread has a number, its lane in every inbox, and every lane has room for all jobs. */
#include "app/app.h"

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/access.h>
#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>
#include <telemetry/storage.h>

#include "app/settings.h"
#include "app/turns.h"
#include "assistant/stage.h"
#include "cache/stage.h"
#include "http/listener.h"
#include "http/loop.h"
#include "parser/parser.h"
#include "storage/stage.h"

enum { READ_BATCH = 1, US_NS = 1000, CATALOGUE_TRUST_NS = 250000000, THREADS_MAX = LOOPS_MAX + 4 * WORKERS_MAX };

struct app {
    const struct config *config;
    const struct storage_ops *storage_ops;
    const struct cache_ops *cache_ops;
    struct storage *storage;
    char cache_prefix[CACHE_PREFIX_BYTES], rates_prefix[CACHE_PREFIX_BYTES];
    struct stats_registry stats;
    struct limiter *limiter; /* of all loops; NULL without keys and RATE_LIMIT */
    struct http_settings http;
    struct parser_settings parser;
    struct topology topology;
    atomic_bool draining;
    unsigned n_loops, n_parsers, n_writers, n_readers;
    struct loop *loops; /* n_loops */
    struct parser parsers[WORKERS_MAX];
    struct cache_worker cache;
    struct storage_worker writers[WORKERS_MAX];
    struct storage_worker readers[WORKERS_MAX];
    struct assistant_worker assistant;       /* started only where there is a language model */
    struct worker *workers[4 * WORKERS_MAX]; /* all of the above, first stage first */
    unsigned n_workers;
    unsigned n_started;
    unsigned n_loops_opened;
    unsigned n_loops_started;
};

/* Settings ------------------------------------------------------------------ */

static enum status is_ready(void *context, const char **ret_store, const char **ret_reason)
{
    struct app *app = context;
    const struct storage_health *health = app->storage_ops->health(app->storage);
    *ret_store = app->storage_ops->name;
    *ret_reason = atomic_load_explicit(&health->reason, memory_order_relaxed);
    if (atomic_load_explicit(&app->draining, memory_order_relaxed))
        return STATUS_DRAINING;
    return (enum status)atomic_load_explicit(&health->status, memory_order_relaxed);
}

static uint64_t catalogue_version(void *context)
{
    struct app *app = context;
    return app->storage_ops->catalogue_version(app->storage);
}

/* A store of servers cannot tell at once what others have brought. */
static void set_settings(struct app *app)
{
    bool is_embedded = app->storage_ops == &storage_sqlite;
    app->http = http_settings_of(app->config);
    app->http.guard.limiter = app->limiter;
    app->parser = parser_settings_of(app->config);
    app->parser.stats = &app->stats;
    app->parser.ready = is_ready;
    app->parser.ready_context = app;
    app->parser.catalogue_version = catalogue_version;
    app->parser.catalogue_trust_ns = is_embedded ? UINT64_MAX : CATALOGUE_TRUST_NS;
}

/* Workers ------------------------------------------------------------------- */

static struct codel codel_of(const struct config *config)
{
    return (struct codel){ .target_ns = config->codel_target_ms * NS_PER_MS,
                           .interval_ns = config->codel_interval_ms * NS_PER_MS };
}

static void add_worker(struct app *app, struct worker *worker, unsigned batch_max, uint64_t linger_ns)
{
    worker->batch_max = batch_max;
    worker->linger_ns = linger_ns;
    app->workers[app->n_workers++] = worker;
}

/* First stage first: the order of stopping. */
static void add_workers(struct app *app)
{
    const struct config *config = app->config;
    unsigned batch_max = (unsigned)config->batch_max;
    struct cache_stage_settings cache = cache_settings_of(config);
    cache.ops = app->cache_ops;
    cache.remote.prefix = app->cache_prefix;
    cache.remote.limiter = config->rate_shared_ms > 0 ? app->limiter : NULL;
    cache.remote.rates_prefix = app->rates_prefix;
    cache_prefix(config, false, app->rates_prefix); /* clients call servers, whatever these store in */
    cache_prefix(config, app->storage_ops == &storage_sqlite, app->cache_prefix);
    for (unsigned i = 0; i < app->n_parsers; i++) {
        parser_init(&app->parsers[i], &app->parser);
        add_worker(app, &app->parsers[i].worker, BATCH_LIMIT, 0);
    }
    cache_worker_init(&app->cache, &cache);
    add_worker(app, &app->cache.worker, BATCH_LIMIT, 0);
    for (unsigned i = 0; i < app->n_writers; i++) {
        storage_worker_init(&app->writers[i], &storage_writer_stage, app->storage_ops, app->storage, i);
        app->writers[i].worker.codel = codel_of(config);
        add_worker(app, &app->writers[i].worker, batch_max, config->batch_linger_us * US_NS);
    }
    for (unsigned i = 0; i < app->n_readers; i++) {
        storage_worker_init(&app->readers[i], &storage_reader_stage, app->storage_ops, app->storage, i);
        app->readers[i].worker.codel = codel_of(config);
        add_worker(app, &app->readers[i].worker, READ_BATCH, 0);
    }
    if (config->llm_base_url[0] != '\0') {
        struct assistant_settings assistant = assistant_settings_of(config);
        assistant_worker_init(&app->assistant, &assistant);
        add_worker(app, &app->assistant.worker, ASSISTANT_CALLS, 0);
    }
}

/* Gives each worker its inbox, its lane and its counters. */
static bool connect_workers(struct app *app, unsigned n_lanes, unsigned n_jobs)
{
    for (unsigned i = 0; i < app->n_workers; i++) {
        struct worker *worker = app->workers[i];
        enum stage_id stage = worker->stage->id;
        worker->stats = stats_new(&app->stats);
        worker->inbox = inbox_new(n_lanes, n_jobs, NULL, NULL);
        if (worker->stats == NULL || worker->inbox == NULL)
            return false;
        outbox_init(&worker->outbox, &app->topology, app->n_loops + i, worker->stats);
        worker->outbox.own = worker->inbox;
        app->topology.stages[stage][app->topology.n_workers[stage]++] = worker->inbox;
    }
    return true;
}

static bool connect_loops(struct app *app, unsigned n_lanes, unsigned n_jobs)
{
    for (unsigned i = 0; i < app->n_loops; i++) {
        struct loop *loop = &app->loops[i];
        loop->index = i;
        loop->stats = stats_new(&app->stats);
        loop->pool = job_pool_new((unsigned)app->config->jobs, i);
        loop->inbox = inbox_new(n_lanes, n_jobs, loop_wake, loop);
        if (loop->stats == NULL || loop->pool == NULL || loop->inbox == NULL)
            return false;
        outbox_init(&loop->outbox, &app->topology, i, loop->stats);
        app->topology.loops[app->topology.n_loops++] = loop->inbox;
    }
    return true;
}

static int connect_all(struct app *app, struct error *error)
{
    unsigned n_lanes = app->n_loops + app->n_workers;
    unsigned n_jobs = app->n_loops * (unsigned)app->config->jobs + REFRESHES_MAX;
    assert(n_lanes <= THREADS_MAX);
    if (connect_loops(app, n_lanes, n_jobs) && connect_workers(app, n_lanes, n_jobs))
        return 0;
    return error_set(error, 1, "no memory for the inboxes: lower JOBS");
}

/* Starting and stopping ------------------------------------------------------ */

static int open_loops(struct app *app, const int fds[], struct error *error)
{
    for (; app->n_loops_opened < app->n_loops; app->n_loops_opened++)
        if (loop_open(&app->loops[app->n_loops_opened], &app->http, fds[app->n_loops_opened], error) != 0)
            return -1;
    return 0;
}

/* Gives each loop a reference to the keys, if any are asked for. */
static int set_keys(struct app *app, struct error *error)
{
    struct access *access;
    if (app->config->api_keys_file[0] == '\0')
        return 0;
    if (access_load(app->config->api_keys_file, &access, error) != 0)
        return -1;
    for (unsigned i = 0; i < app->n_loops; i++) {
        struct access *reference = access_share(access);
        loop_set_access(&app->loops[i], &reference);
    }
    access_release(&access);
    return 0;
}

void app_reload(struct app *app)
{
    struct error error;
    if (app->config->api_keys_file[0] == '\0')
        log_info("there is no API_KEYS_FILE to be read again");
    else if (set_keys(app, &error) != 0)
        log_error("the keys of before stay", "reason", error.text);
    else
        log_info("the keys were read again", "file", app->config->api_keys_file);
}

static int start_threads(struct app *app, struct error *error)
{
    for (; app->n_started < app->n_workers; app->n_started++)
        if (worker_start(app->workers[app->n_started], error) != 0)
            return -1;
    for (; app->n_loops_started < app->n_loops; app->n_loops_started++)
        if (loop_start(&app->loops[app->n_loops_started], error) != 0)
            return -1;
    return 0;
}

/* Stops what was started and frees what was made, in the order of the journey. */
static void end(struct app *app)
{
    atomic_store_explicit(&app->draining, true, memory_order_relaxed);
    for (unsigned i = 0; i < app->n_loops_started; i++)
        loop_drain(&app->loops[i]);
    for (unsigned i = 0; i < app->n_loops_started; i++)
        loop_join(&app->loops[i]);
    for (unsigned i = 0; i < app->n_started; i++)
        worker_stop(app->workers[i]);
    for (unsigned i = 0; i < app->n_loops_opened; i++)
        loop_close(&app->loops[i]);
    for (unsigned i = 0; i < app->n_workers; i++)
        inbox_free(&app->workers[i]->inbox);
    for (unsigned i = 0; i < app->n_loops; i++) {
        inbox_free(&app->loops[i].inbox);
        job_pool_free(&app->loops[i].pool);
    }
    if (app->storage != NULL)
        app->storage_ops->close(&app->storage);
    stats_registry_fini(&app->stats);
    limiter_free(&app->limiter);
    free(app->loops);
    free(app);
}

/* Which store there is, and how many may write to it at once. */
static void choose_storage(struct app *app)
{
    bool is_mongodb = app->config->mongo_uri[0] != '\0';
    app->storage_ops = is_mongodb ? &storage_mongodb : &storage_sqlite;
    app->n_writers = is_mongodb ? (unsigned)app->config->storage_workers : 1;
    app->n_readers = (unsigned)app->config->query_workers;
}

static int open_storage(struct app *app, struct error *error)
{
    const struct config *config = app->config;
    char database[64];
    snprintf(database, sizeof(database), "telemetry_server_%s", config->environment);
    struct storage_settings settings = { .data_dir = config->data_dir,
                                         .retention_days = (unsigned)config->retention_days,
                                         .n_writers = app->n_writers,
                                         .n_readers = app->n_readers,
                                         .query_limit_ns = config->query_timeout_ms * NS_PER_MS,
                                         .aggregate_max_bytes = config->aggregate_max_bytes,
                                         .uri = config->mongo_uri,
                                         .database = database,
                                         .shard = config->mongo_shard != 0,
                                         .selection_limit_ns = config->mongo_selection_timeout_ms * NS_PER_MS,
                                         .socket_limit_ns = config->mongo_socket_timeout_ms * NS_PER_MS };
    return app->storage_ops->open(&settings, &app->storage, error);
}

static struct app *app_new(const struct config *config)
{
    struct app *app = calloc(1, sizeof(*app));
    if (app == NULL)
        return NULL;
    app->config = config;
    app->n_loops = (unsigned)config->loops;
    app->n_parsers = (unsigned)config->parser_workers;
    choose_storage(app);
    app->cache_ops = config->redis_uri[0] != '\0' ? &cache_redis : &cache_memory;
    app->loops = calloc(app->n_loops, sizeof(app->loops[0]));
    if (app->loops == NULL) {
        free(app);
        return NULL;
    }
    bool counts = config->rate_limit > 0 || config->api_keys_file[0] != '\0';
    app->limiter = counts ? limiter_new(config->rate_shared_ms > 0) : NULL;
    if (counts && app->limiter == NULL) {
        free(app->loops);
        free(app);
        return NULL;
    }
    stats_registry_init(&app->stats, app->storage_ops->name, app->cache_ops->name);
    return app;
}

/* Whether the server was told to end; main takes the signal once the start is over. */
static bool is_told_to_end(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

/* Waits until the store can serve. After STARTUP_WAIT_MS the server does without, and answers 503 where it
 * needs the store, unless EXIT_WITHOUT_STORE is set: then -1 with error set. */
static int wait_for_storage(struct app *app, struct error *error)
{
    static const struct timespec moment = { .tv_nsec = 2 * NS_PER_MS };
    uint64_t until_ns = clock_ns() + app->config->startup_wait_ms * NS_PER_MS;
    const char *store, *reason = NULL;
    enum status status;
    while ((status = is_ready(app, &store, &reason)) != STATUS_OK && clock_ns() < until_ns && !is_told_to_end())
        nanosleep(&moment, NULL);
    if (status == STATUS_OK)
        return 0;
    reason = reason == NULL ? status_type(status) : reason;
    if (app->config->exit_without_store)
        return error_set(error, 1, "the store (%s) cannot be used: %s; EXIT_WITHOUT_STORE=1 ends the start", store,
                         reason);
    log_warn("the server starts without its store", "store", store, "reason", reason);
    return 0;
}

static int close_sockets(const int fds[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    return -1;
}

static int start_all(struct app *app, unsigned *ret_port, struct error *error)
{
    int fds[LOOPS_MAX];
    const struct config *config = app->config;
    if (listener_open(config->host, (unsigned)config->port, app->n_loops, fds, ret_port, error) != 0)
        return -1;
    if (open_storage(app, error) != 0)
        return close_sockets(fds, app->n_loops);
    add_workers(app);
    if (connect_all(app, error) != 0)
        return close_sockets(fds, app->n_loops);
    if (open_loops(app, fds, error) != 0)
        return -1;
    if (set_keys(app, error) != 0 || wait_for_storage(app, error) != 0)
        return -1;
    return start_threads(app, error);
}

int app_check(const struct config *config, struct error *error)
{
    return settings_check(config, error);
}

int app_start(const struct config *config, struct app **ret_app, struct error *error)
{
    char number[LOG_NUMBER_BYTES];
    unsigned port;
    struct app *app = app_new(config);
    if (app == NULL)
        return error_set(error, 1, "no memory for the server");
    set_settings(app);
    turns_shorten();
    if (start_all(app, &port, error) != 0) {
        end(app);
        return -1;
    }
    log_info("listening", "host", config->host, "port", log_number(number, port), "storage", app->storage_ops->name,
             "cache", app->cache_ops->name, "version", TELEMETRY_VERSION);
    *ret_app = app;
    return 0;
}

void app_stop(struct app **app)
{
    log_info("draining");
    end(*app);
    *app = NULL;
    log_info("stopped");
}
