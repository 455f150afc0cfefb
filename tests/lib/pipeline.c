/* SPDX-License-Identifier: MIT */
#include "pipeline.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/inbox.h>

#include <telemetry/access.h>

#include "app/routes.h"
#include "suite.h"

enum { DOOR_LANE = PIPELINE_STAGES, LANES };

static enum status is_ready(void *context, const char **ret_store, const char **ret_reason)
{
    *ret_reason = NULL;
    const struct pipeline *pipeline = context;
    *ret_store = pipeline->storage.ops->name;
    return (enum status)atomic_load(&pipeline->storage.ops->health(pipeline->storage.storage)->status);
}

static uint64_t catalogue_version(void *context)
{
    const struct pipeline *pipeline = context;
    return pipeline->storage.ops->catalogue_version(pipeline->storage.storage);
}

/* Setting up -------------------------------------------------------------- */

static void open_storage(struct pipeline *pipeline)
{
    struct error error = { .text = "" };
    strcpy(pipeline->folder, "/tmp/telemetry-journey-XXXXXX");
    assert_non_null(mkdtemp(pipeline->folder));
    struct storage_settings settings = { .data_dir = pipeline->folder,
                                         .n_writers = 1,
                                         .n_readers = 1,
                                         .query_limit_ns = 60 * NS_PER_S,
                                         .aggregate_max_bytes = 1 << 20 };
    pipeline->storage.ops = &storage_sqlite;
    if (storage_sqlite.open(&settings, &pipeline->storage.storage, &error) != 0)
        fail_msg("%s", error.text);
}

static void make_workers(struct pipeline *pipeline)
{
    static const struct cache_stage_settings cache = { .ops = &cache_memory,
                                                       .max_bytes = 1 << 20,
                                                       .ttl_ns = 60 * NS_PER_S };
    struct storage *storage = (struct storage *)&pipeline->storage;
    pipeline->settings = (struct parser_settings){ .routes = routes,
                                                   .n_routes = n_routes,
                                                   .single_max_bytes = 1 << 20,
                                                   .batch_max_items = 50000,
                                                   .json_depth_max = 32,
                                                   .name_max_bytes = 256,
                                                   .tags_max = 32,
                                                   .tag_max_bytes = 128,
                                                   .stats = &pipeline->registry,
                                                   .ready = is_ready,
                                                   .ready_context = pipeline,
                                                   .zone = "UTC",
                                                   .takes_now = true,
                                                   .catalogue_version = catalogue_version,
                                                   .catalogue_trust_ns = UINT64_MAX };
    parser_init(&pipeline->parser, &pipeline->settings);
    cache_worker_init(&pipeline->cache, &cache);
    storage_worker_init(&pipeline->writer, &storage_writer_stage, &faulty_storage_ops, storage, 0);
    storage_worker_init(&pipeline->reader, &storage_reader_stage, &faulty_storage_ops, storage, 0);
    pipeline->workers[STAGE_PARSER] = &pipeline->parser.worker;
    pipeline->workers[STAGE_CACHE] = &pipeline->cache.worker;
    pipeline->workers[STAGE_WRITER] = &pipeline->writer.worker;
    pipeline->workers[STAGE_READER] = &pipeline->reader.worker;
}

static void open_worker(struct pipeline *pipeline, enum stage_id stage)
{
    struct error error = { .text = "" };
    struct worker *worker = pipeline->workers[stage];
    assert_int_equal(worker->stage->id, stage);
    worker->stats = stats_new(&pipeline->registry);
    worker->inbox = inbox_new(LANES, PIPELINE_JOBS, NULL, NULL);
    worker->batch_max = PIPELINE_JOBS;
    worker->batch = calloc(worker->batch_max, sizeof(worker->batch[0]));
    outbox_init(&worker->outbox, &pipeline->topology, stage, worker->stats);
    worker->outbox.own = worker->inbox;
    pipeline->topology.stages[stage][0] = worker->inbox;
    pipeline->topology.n_workers[stage] = 1;
    if (worker->stage->open(worker, &error) != 0)
        fail_msg("%s", error.text);
}

int pipeline_setup(void **state)
{
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    assert_non_null(pipeline);
    stats_registry_init(&pipeline->registry, "sqlite", "memory");
    open_storage(pipeline);
    make_workers(pipeline);
    for (unsigned stage = 0; stage < PIPELINE_STAGES; stage++)
        open_worker(pipeline, stage);
    pipeline->pool = job_pool_new(PIPELINE_JOBS, 0);
    pipeline->home = inbox_new(LANES, PIPELINE_JOBS, NULL, NULL);
    pipeline->topology.loops[0] = pipeline->home;
    pipeline->topology.n_loops = 1;
    outbox_init(&pipeline->door, &pipeline->topology, DOOR_LANE, stats_new(&pipeline->registry));
    *state = pipeline;
    return 0;
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(path);
}

/* cache_close() asserts that nobody waits, inbox_free() that nothing is left, job_pool_free() the pool. */
int pipeline_teardown(void **state)
{
    struct pipeline *pipeline = *state;
    struct job *job;
    while ((job = pipeline_home(pipeline)) != NULL)
        pipeline_put(pipeline, &job);
    assert_int_equal(pipeline->n_home, pipeline->n_sent);
    assert_int_equal(job_pool_in_use(pipeline->pool), 0);
    for (unsigned stage = 0; stage < PIPELINE_STAGES; stage++) {
        struct worker *worker = pipeline->workers[stage];
        worker->stage->close(worker);
        inbox_free(&worker->inbox);
        free(worker->batch);
    }
    inbox_free(&pipeline->home);
    job_pool_free(&pipeline->pool);
    pipeline->storage.ops->close(&pipeline->storage.storage);
    remove_folder(pipeline->folder);
    stats_registry_fini(&pipeline->registry);
    free(pipeline);
    return 0;
}

/* The loop's part --------------------------------------------------------- */

static struct slice copy(struct job *job, const char *text)
{
    return text == NULL ? (struct slice){ NULL, 0 } : arena_copy(&job->arena, slice_of(text));
}

struct job *pipeline_send(struct pipeline *pipeline, const struct ask *ask)
{
    struct job *job = job_pool_take(pipeline->pool);
    struct job *sent = job;
    assert_non_null(job);
    job->access.role = ROLE_ADMIN;
    job->request.method = ask->method;
    job->request.target = copy(job, ask->target);
    job->request.body = copy(job, ask->body);
    job->request.cache_control = copy(job, ask->cache_control);
    job->request.if_match = copy(job, ask->if_match);
    if (ask->body != NULL)
        job->request.content_type = copy(job, ask->type == NULL ? "application/json" : ask->type);
    job->deadline_ns = ask->deadline_ns == 0 ? UINT64_MAX : ask->deadline_ns;
    pipeline->door.now_ns = clock_ns();
    job_start(&pipeline->door, &job);
    outbox_flush(&pipeline->door);
    pipeline->n_sent++;
    return sent;
}

unsigned pipeline_step(struct pipeline *pipeline, enum stage_id stage)
{
    return worker_step(pipeline->workers[stage]);
}

void pipeline_run(struct pipeline *pipeline)
{
    unsigned n;
    do {
        n = 0;
        for (unsigned stage = 0; stage < PIPELINE_STAGES; stage++)
            n += pipeline_step(pipeline, stage);
    } while (n > 0);
}

struct job *pipeline_home(struct pipeline *pipeline)
{
    struct job *job = NULL;
    pipeline->n_home += inbox_drain(pipeline->home, &job, 1);
    return job;
}

void pipeline_put(struct pipeline *pipeline, struct job **job)
{
    job_pool_put(pipeline->pool, job);
}

struct job *pipeline_call(struct pipeline *pipeline, const struct ask *ask)
{
    struct job *job = pipeline_send(pipeline, ask);
    pipeline_run(pipeline);
    assert_ptr_equal(pipeline_home(pipeline), job);
    assert_null(pipeline_home(pipeline));
    return job;
}

unsigned pipeline_http(const struct job *job)
{
    return job->status == STATUS_OK ? job->reply.http : status_http(job->status);
}
