/* SPDX-License-Identifier: MIT */
/* bulk: the least that storing metrics in MongoDB takes, as something to measure the server against.
 *
 * Each thread has a client of its own, fills BATCH (1,000) documents of the shape that the server stores, sends them in
 * one unordered insert, waits for the acknowledgement, and goes on so until the time is over. The collection has the
 * server's three indexes, the write concern is the server's. Prints one line of JSON; whatever fails ends it with 1.
 *
 * `bulk URI drop` removes what its runs left: the collection is kept between them, so that it grows as the
 * server's does. */
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { BATCH = 1000, BATCH_MAX = 10000, THREADS_MAX = 16, NAMES = 20, HOSTS = 50, REGIONS = 5 };

static const char database[] = "telemetry_perf_bulk", collection_name[] = "metrics";
static const char *const names[NAMES] = {
    "cpu.user",     "cpu.system",       "cpu.idle",        "cpu.iowait",    "memory.used",
    "memory.free",  "load.1m",          "load.5m",         "disk.read",     "disk.write",
    "disk.used",    "network.received", "network.sent",    "http.requests", "http.errors",
    "http.latency", "queue.depth",      "process.threads", "process.files", "temperature",
};
static const char *const regions[REGIONS] = { "eu-west", "eu-north", "us-east", "us-west", "ap-south" };

struct worker {
    pthread_t thread;
    mongoc_client_t *client;
    mongoc_collection_t *collection;
    bson_t *documents[BATCH_MAX];
    unsigned batch;  /* how many of them */
    uint64_t end_us; /* by bson_get_monotonic_time() */
    uint64_t n_documents;
};

static void die(const char *what, const bson_error_t *error)
{
    fprintf(stderr, "bulk: %s: %s\n", what, error->message);
    exit(1);
}

static uint64_t now_us(void)
{
    return (uint64_t)bson_get_monotonic_time();
}

/* Documents --------------------------------------------------------------- */
static void fill(bson_t *document, uint64_t number)
{
    struct timespec now;
    bson_oid_t id;
    bson_t tags;
    char host[32], region[32];
    unsigned series = (unsigned)(number % (NAMES * HOSTS)), host_number = series / NAMES;
    clock_gettime(CLOCK_REALTIME, &now);
    bson_oid_init(&id, NULL);
    int host_len = snprintf(host, sizeof(host), "host:web-%02u", host_number);
    int region_len = snprintf(region, sizeof(region), "region:%s", regions[host_number % REGIONS]);
    bson_reinit(document);
    bson_append_oid(document, "_id", 3, &id);
    bson_append_utf8(document, "name", 4, names[series % NAMES], -1);
    bson_append_array_begin(document, "tags", 4, &tags);
    bson_append_utf8(&tags, "0", 1, host, host_len);
    bson_append_utf8(&tags, "1", 1, region, region_len);
    bson_append_array_end(document, &tags);
    bson_append_double(document, "value", 5, (double)(number % 1000003) / 7);
    bson_append_date_time(document, "timestamp", 9, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void *work(void *context)
{
    struct worker *worker = context;
    bson_t options = BSON_INITIALIZER;
    bson_error_t error;
    BSON_APPEND_BOOL(&options, "ordered", false);
    BSON_APPEND_BOOL(&options, "validate", false);
    while (now_us() < worker->end_us) {
        for (unsigned i = 0; i < worker->batch; i++)
            fill(worker->documents[i], worker->n_documents + i);
        if (!mongoc_collection_insert_many(worker->collection, (const bson_t **)worker->documents, worker->batch,
                                           &options, NULL, &error))
            die("insert", &error);
        worker->n_documents += worker->batch;
    }
    bson_destroy(&options);
    return NULL;
}

/* Setting up -------------------------------------------------------------- */
static void worker_open(struct worker *worker, mongoc_client_pool_t *pool)
{
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_w(concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
    mongoc_write_concern_set_journal(concern, true);
    worker->client = mongoc_client_pool_pop(pool);
    worker->collection = mongoc_client_get_collection(worker->client, database, collection_name);
    mongoc_collection_set_write_concern(worker->collection, concern);
    mongoc_write_concern_destroy(concern);
    for (unsigned i = 0; i < worker->batch; i++)
        worker->documents[i] = bson_new();
}

static void worker_close(struct worker *worker, mongoc_client_pool_t *pool)
{
    for (unsigned i = 0; i < worker->batch; i++)
        bson_destroy(worker->documents[i]);
    mongoc_collection_destroy(worker->collection);
    mongoc_client_pool_push(pool, worker->client);
}

static void make_indexes(const struct worker *worker)
{
    bson_error_t error;
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8(collection_name), "indexes", "[", "{", "key", "{", "name",
                               BCON_INT32(1), "timestamp", BCON_INT32(-1), "_id", BCON_INT32(-1), "}", "name",
                               BCON_UTF8("name_1_timestamp_-1__id_-1"), "}", "{", "key", "{", "tags", BCON_INT32(1),
                               "timestamp", BCON_INT32(-1), "}", "name", BCON_UTF8("tags_1_timestamp_-1"), "}", "{",
                               "key", "{", "timestamp", BCON_INT32(1), "}", "name", BCON_UTF8("timestamp_1"), "}", "]");
    if (!mongoc_collection_write_command_with_opts(worker->collection, command, NULL, NULL, &error))
        die("createIndexes", &error);
    bson_destroy(command);
}

static void drop(mongoc_client_t *client)
{
    bson_error_t error;
    mongoc_database_t *whole = mongoc_client_get_database(client, database);
    if (!mongoc_database_drop(whole, &error))
        die("drop", &error);
    mongoc_database_destroy(whole);
}

/* A run ------------------------------------------------------------------- */
static void report(const struct worker workers[], unsigned n, uint64_t start_us)
{
    struct rusage usage;
    uint64_t elapsed_us = now_us() - start_us, n_documents = 0;
    getrusage(RUSAGE_SELF, &usage);
    for (unsigned i = 0; i < n; i++)
        n_documents += workers[i].n_documents;
    printf("{\"documents\":%llu,\"duration_us\":%llu,\"cpu_us\":%lld}\n", (unsigned long long)n_documents,
           (unsigned long long)elapsed_us,
           (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec);
}

struct arguments {
    unsigned seconds, threads, batch;
};

static void run(mongoc_client_pool_t *pool, const struct arguments *arguments)
{
    static struct worker workers[THREADS_MAX];
    unsigned n = arguments->threads;
    for (unsigned i = 0; i < n; i++) {
        workers[i].batch = arguments->batch;
        worker_open(&workers[i], pool);
    }
    make_indexes(&workers[0]);
    uint64_t start_us = now_us();
    for (unsigned i = 0; i < n; i++) {
        workers[i].end_us = start_us + (uint64_t)arguments->seconds * 1000000;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, n, start_us);
    for (unsigned i = 0; i < n; i++)
        worker_close(&workers[i], pool);
}

static bool arguments_read(struct arguments *ret_arguments, int argc, char *argv[])
{
    if (argc != 4 && argc != 5)
        return false;
    *ret_arguments = (struct arguments){ .seconds = (unsigned)atoi(argv[2]),
                                         .threads = (unsigned)atoi(argv[3]),
                                         .batch = argc == 5 ? (unsigned)atoi(argv[4]) : BATCH };
    return ret_arguments->seconds > 0 && ret_arguments->threads > 0 && ret_arguments->threads <= THREADS_MAX &&
           ret_arguments->batch > 0 && ret_arguments->batch <= BATCH_MAX;
}

int main(int argc, char *argv[])
{
    bson_error_t error;
    struct arguments arguments;
    bool drops = argc == 3 && strcmp(argv[2], "drop") == 0;
    if (!drops && !arguments_read(&arguments, argc, argv)) {
        fputs("usage: bulk URI SECONDS THREADS [BATCH], or: bulk URI drop\n", stderr);
        return 2;
    }
    mongoc_init();
    mongoc_uri_t *uri = mongoc_uri_new_with_error(argv[1], &error);
    if (uri == NULL)
        die("URI", &error);
    mongoc_client_pool_t *pool = mongoc_client_pool_new(uri);
    mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2);
    if (drops) {
        mongoc_client_t *client = mongoc_client_pool_pop(pool);
        drop(client);
        mongoc_client_pool_push(pool, client);
    } else {
        run(pool, &arguments);
    }
    mongoc_client_pool_destroy(pool);
    mongoc_uri_destroy(uri);
    mongoc_cleanup();
    return 0;
}
