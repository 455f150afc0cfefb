/* SPDX-License-Identifier: MIT */
/* plans: how long the embedded store takes to work plans out, without server, parser and cache around it.
 *
 * Fills a store in a new folder with ROWS metrics of SERIES series (20 names, the rest hosts with a region each),
 * evenly over the last 30 days, and asks each question RUNS times, each as if for the first time: first as the store is
 * after writing, with its newest rows in the tail, then reopened, with all rows in the index. Prints one line of JSON
 * for each question and state; wall and CPU time of the reading thread in milliseconds.
 *
 *   plans FOLDER [ROWS [SERIES [RUNS]]]     the folder must not exist; it is left for a look */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>
#include <telemetry/storage.h>
#include <telemetry/zone.h>

enum { BATCH = 1000, NAMES = 20, REGIONS = 5, RUNS_MAX = 10000, BLOCK_BYTES = 32 * 1024 };

#define DAY_MS INT64_C(86400000)

struct question {
    const char *label, *measures, *name, *group, *bucket;
    enum plan_op op;
    unsigned k, days; /* of the range that ends now; 0: everything */
};

static const struct question questions[] = {
    { "top 5 of today, count by name", "count", "", "name", NULL, PLAN_TOP, 5, 1 },
    { "p95 per hour over a week, one name", "p95", "name.07", NULL, "1h", PLAN_AGGREGATE, 0, 7 },
    { "count by tag over everything", "count", "", "tag", NULL, PLAN_AGGREGATE, 0, 0 },
    { "count over everything", "count", "", NULL, NULL, PLAN_AGGREGATE, 0, 0 },
    { "avg and max by host, one name, 30 days", "avg max", "name.07", "host:", NULL, PLAN_AGGREGATE, 0, 30 },
    { "count per day over everything", "count", "", NULL, "1d", PLAN_AGGREGATE, 0, 30 },
    { "avg by name over everything", "avg", "", "name", NULL, PLAN_AGGREGATE, 0, 0 },
    { "p95 by name over everything", "p95", "", "name", NULL, PLAN_AGGREGATE, 0, 0 },
};

struct bench {
    struct storage_settings settings;
    struct storage *storage;
    struct storage_session *writer, *reader;
    struct stats *stats;
    const struct zone *zone;
    struct job *job;
    unsigned n_rows, n_series, n_runs;
    int64_t now_ms;
    double wall_ms[RUNS_MAX], cpu_ms[RUNS_MAX];
};

static _Alignas(16) char job_block[BLOCK_BYTES];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "plans: %s: %s\n", what, why);
    exit(1);
}

/* The store ------------------------------------------------------------------ */

static void open_store(struct bench *bench)
{
    struct error error = { .text = "" };
    if (storage_sqlite.open(&bench->settings, &bench->storage, &error) != 0 ||
        storage_sqlite.attach(bench->storage, STORAGE_WRITER, 0, bench->stats, &bench->writer, &error) != 0 ||
        storage_sqlite.attach(bench->storage, STORAGE_READER, 0, bench->stats, &bench->reader, &error) != 0)
        die(bench->settings.data_dir, error.text);
}

static void close_store(struct bench *bench)
{
    storage_sqlite.detach(&bench->writer);
    storage_sqlite.detach(&bench->reader);
    storage_sqlite.close(&bench->storage);
}

static const struct route insert_route = { .hops = { { STAGE_WRITER, OP_INSERT, 0 } } };
static const struct route aggregate_route = { .hops = { { STAGE_READER, OP_AGGREGATE, 0 } } };

static void job_begin(struct bench *bench, const struct route *route)
{
    *bench->job = (struct job){ .route = route, .deadline_ns = UINT64_MAX };
    arena_init(&bench->job->arena, job_block, sizeof(job_block));
}

/* Row n of all: evenly over 30 days, a value that wanders by series. */
static struct metric metric_of(const struct bench *bench, unsigned n, struct arena *arena)
{
    unsigned series = n % bench->n_series, host = series / NAMES;
    char name[32], tags[2][32];
    snprintf(name, sizeof(name), "name.%02u", series % NAMES);
    snprintf(tags[0], sizeof(tags[0]), "host:web-%u", host);
    snprintf(tags[1], sizeof(tags[1]), "region:%u", host % REGIONS);
    struct metric metric = { .timestamp_ms = bench->now_ms - 30 * DAY_MS + (int64_t)n * 30 * DAY_MS / bench->n_rows,
                             .value = 50 + 40 * sin(n * 0.001 + series) + n * 2654435761U % 1000 / 100.0 };
    struct slice slices[2] = { slice_of(tags[0]), slice_of(tags[1]) };
    if (!metric_set_series(&metric, arena, slice_of(name), slices, 2))
        die("a metric", "no memory");
    return metric;
}

static void fill_store(struct bench *bench)
{
    for (unsigned n = 0; n < bench->n_rows; n += BATCH) {
        struct job *job = bench->job;
        job_begin(bench, &insert_route);
        job->n_metrics = bench->n_rows - n < BATCH ? bench->n_rows - n : BATCH;
        job->batch = true;
        job->metrics = arena_alloc(&job->arena, job->n_metrics * sizeof(job->metrics[0]));
        for (unsigned i = 0; i < job->n_metrics; i++)
            job->metrics[i] = metric_of(bench, n + i, &job->arena);
        storage_sqlite.write(bench->writer, &job, 1);
        if (job->status != STATUS_OK)
            die("insert", status_type(job->status));
        arena_reset(&job->arena);
    }
}

/* Questions ------------------------------------------------------------------ */

static struct plan *plan_of(const struct bench *bench, const struct question *question)
{
    struct arena *arena = &bench->job->arena;
    struct plan *plan = arena_alloc(arena, sizeof(*plan));
    plan_init(plan, bench->zone);
    plan->op = (uint8_t)question->op;
    plan->k = question->k;
    plan->filter.name = slice_of(question->name);
    plan->n_measures = 0;
    for (const char *at = question->measures; *at != '\0'; at += at[strcspn(at, " ")] == ' ') {
        if (!plan_measure_parse((struct slice){ at, strcspn(at, " ") }, &plan->measures[plan->n_measures++]))
            die(question->label, "a measure that does not exist");
        at += strcspn(at, " ");
    }
    if (question->group != NULL)
        plan->group_by = strcmp(question->group, "name") == 0 ? GROUP_NAME : GROUP_TAG;
    if (plan->group_by == GROUP_TAG && strcmp(question->group, "tag") != 0)
        plan->tag_prefix = slice_of(question->group);
    if (question->bucket != NULL && !plan_bucket_parse(slice_of(question->bucket), &plan->bucket))
        die(question->label, "a bucket that does not exist");
    if (question->days > 0) {
        plan->filter.from_ms = bench->now_ms - question->days * DAY_MS;
        plan->filter.to_ms = bench->now_ms + 1;
    }
    const char *wrong = plan_settle(plan, arena);
    if (wrong != NULL)
        die(question->label, wrong);
    return plan;
}

static double cpu_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static uint64_t ask_once(struct bench *bench, const struct question *question, unsigned run)
{
    struct job *job = bench->job;
    job_begin(bench, &aggregate_route);
    job->plan = plan_of(bench, question);
    uint64_t start_ns = clock_ns();
    double start_ms = cpu_now_ms();
    storage_sqlite.read(bench->reader, &job, 1);
    bench->cpu_ms[run] = cpu_now_ms() - start_ms;
    bench->wall_ms[run] = (double)(clock_ns() - start_ns) / 1e6;
    if (job->status != STATUS_OK)
        die(question->label, status_type(job->status));
    uint64_t n_metrics = job->result->n_metrics;
    arena_reset(&job->arena);
    return n_metrics;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void ask_all(struct bench *bench, const char *state)
{
    for (unsigned i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        unsigned n = bench->n_runs;
        uint64_t n_metrics = 0;
        for (unsigned run = 0; run < n; run++)
            n_metrics = ask_once(bench, &questions[i], run);
        qsort(bench->wall_ms, n, sizeof(double), compare);
        qsort(bench->cpu_ms, n, sizeof(double), compare);
        printf("{\"state\":\"%s\",\"question\":\"%s\",\"metrics\":%llu,\"runs\":%u,\"wall_p50_ms\":%.2f,"
               "\"wall_p99_ms\":%.2f,\"cpu_p50_ms\":%.2f,\"cpu_p99_ms\":%.2f}\n",
               state, questions[i].label, (unsigned long long)n_metrics, n, bench->wall_ms[n / 2],
               bench->wall_ms[n * 99 / 100], bench->cpu_ms[n / 2], bench->cpu_ms[n * 99 / 100]);
        fflush(stdout);
    }
}

static unsigned number_of(const char *text, unsigned max)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > max)
        die(text, "not a number in range");
    return (unsigned)number;
}

int main(int argc, char *argv[])
{
    static struct bench bench;
    if (argc < 2 || argc > 5)
        die("usage", "plans FOLDER [ROWS [SERIES [RUNS]]]");
    if (mkdir(argv[1], 0700) != 0)
        die(argv[1], "the folder must be a new one");
    bench.n_rows = argc > 2 ? number_of(argv[2], 1000000000) : 1000000;
    bench.n_series = argc > 3 ? number_of(argv[3], 10000000) : 1000;
    bench.n_runs = argc > 4 ? number_of(argv[4], RUNS_MAX) : 200;
    bench.now_ms = clock_wall_ms();
    bench.settings = (struct storage_settings){ .data_dir = argv[1],
                                                .n_writers = 1,
                                                .n_readers = 1,
                                                .query_limit_ns = 60 * NS_PER_S,
                                                .aggregate_max_bytes = 64 * 1024 * 1024 };
    struct zones *zones = zones_new(NULL);
    bench.zone = zones == NULL ? NULL : zones_find(zones, SLICE("UTC"));
    bench.job = aligned_alloc(64, sizeof(*bench.job));
    bench.stats = aligned_alloc(64, (sizeof(*bench.stats) + 63) / 64 * 64);
    if (bench.zone == NULL || bench.job == NULL || bench.stats == NULL)
        die("start", "no memory");
    memset(bench.stats, 0, sizeof(*bench.stats));
    open_store(&bench);
    fill_store(&bench);
    ask_all(&bench, "written");
    close_store(&bench);
    open_store(&bench);
    ask_all(&bench, "reopened");
    close_store(&bench);
    free(bench.stats);
    free(bench.job);
    zones_free(&zones);
    return 0;
}
