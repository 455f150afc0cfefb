/* SPDX-License-Identifier: MIT */
/* stats: the server's own counters, for /-/metrics and /-/stats.
 *
 * Each thread counts in a block of its own, without contention; a reader sums the blocks. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/route.h>
#include <telemetry/status.h>

/* X(symbol, Prometheus name, labels or "", help). Rows of one name stand together. */
#define STATS_COUNTERS(X)                                                                                              \
    X(CONNECTIONS_OPENED, "telemetry_connections_total", "event=\"opened\"", "Connections by event")                   \
    X(CONNECTIONS_CLOSED, "telemetry_connections_total", "event=\"closed\"", "Connections by event")                   \
    X(CONNECTIONS_REFUSED, "telemetry_connections_total", "event=\"refused\"", "Connections by event")                 \
    X(RECEIVED_BYTES, "telemetry_received_bytes_total", "", "Bytes read from clients")                                 \
    X(SENT_BYTES, "telemetry_sent_bytes_total", "", "Bytes written to clients")                                        \
    X(REQUESTS, "telemetry_requests_total", "", "Requests that arrived whole or were refused")                         \
    X(ANSWERS_2XX, "telemetry_answers_total", "class=\"2xx\"", "Answers by class")                                     \
    X(ANSWERS_3XX, "telemetry_answers_total", "class=\"3xx\"", "Answers by class")                                     \
    X(ANSWERS_4XX, "telemetry_answers_total", "class=\"4xx\"", "Answers by class")                                     \
    X(ANSWERS_5XX, "telemetry_answers_total", "class=\"5xx\"", "Answers by class")                                     \
    X(REFUSED_NO_JOB, "telemetry_refused_total", "reason=\"no_job\"", "Requests refused by a limit")                   \
    X(REFUSED_DELAY, "telemetry_refused_total", "reason=\"delay\"", "Requests refused by a limit")                     \
    X(REFUSED_NO_BUDGET, "telemetry_refused_total", "reason=\"body_budget\"", "Requests refused by a limit")           \
    X(REFUSED_KEY, "telemetry_refused_total", "reason=\"key\"", "Requests refused by a limit")                         \
    X(REFUSED_RATE, "telemetry_refused_total", "reason=\"rate\"", "Requests refused by a limit")                       \
    X(REFUSED_DRAINING, "telemetry_refused_total", "reason=\"draining\"", "Requests refused by a limit")               \
    X(REFUSED_EXPIRED, "telemetry_refused_total", "reason=\"expired\"", "Requests refused by a limit")                 \
    X(TIMEOUT_HEAD, "telemetry_timeouts_total", "wait=\"head\"", "Connections ended by a time-out")                    \
    X(TIMEOUT_BODY, "telemetry_timeouts_total", "wait=\"body\"", "Connections ended by a time-out")                    \
    X(TIMEOUT_IDLE, "telemetry_timeouts_total", "wait=\"idle\"", "Connections ended by a time-out")                    \
    X(TIMEOUT_WRITE, "telemetry_timeouts_total", "wait=\"write\"", "Connections ended by a time-out")                  \
    X(TIMEOUT_REQUEST, "telemetry_timeouts_total", "wait=\"request\"", "Connections ended by a time-out")              \
    X(CACHE_HITS, "telemetry_cache_total", "result=\"hit\"", "Cache look-ups by result")                               \
    X(CACHE_STALE_HITS, "telemetry_cache_total", "result=\"stale\"", "Cache look-ups by result")                       \
    X(CACHE_COLLAPSED_HITS, "telemetry_cache_total", "result=\"collapsed\"", "Cache look-ups by result")               \
    X(CACHE_MISSES, "telemetry_cache_total", "result=\"miss\"", "Cache look-ups by result")                            \
    X(CACHE_BYPASSES, "telemetry_cache_total", "result=\"bypass\"", "Cache look-ups by result")                        \
    X(CACHE_ERRORS, "telemetry_cache_total", "result=\"error\"", "Cache look-ups by result")                           \
    X(CACHE_REFRESHES, "telemetry_cache_refreshes_total", "", "Reads of the store that renewed an old answer")         \
    X(CACHE_EVICTIONS, "telemetry_cache_evictions_total", "", "Answers dropped to stay within CACHE_MAX_BYTES")        \
    X(CACHE_LOST_CONNECTIONS, "telemetry_cache_faults_total", "fault=\"connection\"", "Failures of a remote cache")    \
    X(CACHE_TIMEOUTS, "telemetry_cache_faults_total", "fault=\"timeout\"", "Failures of a remote cache")               \
    X(CACHE_BAD_REPLIES, "telemetry_cache_faults_total", "fault=\"reply\"", "Failures of a remote cache")              \
    X(CACHE_BAD_VALUES, "telemetry_cache_faults_total", "fault=\"value\"", "Failures of a remote cache")               \
    X(RATES_TOLD, "telemetry_rates_total", "way=\"told\"", "Clients whose calls servers told each other")              \
    X(RATES_HEARD, "telemetry_rates_total", "way=\"heard\"", "Clients whose calls servers told each other")            \
    X(RATES_FAULTS, "telemetry_rates_faults_total", "", "Times that Redis took or brought no rates")                   \
    X(ASSISTANT_ANSWERED, "telemetry_assistant_total", "result=\"answered\"", "Prompts sent to a language model")      \
    X(ASSISTANT_REFUSED, "telemetry_assistant_total", "result=\"refused\"", "Prompts sent to a language model")        \
    X(ASSISTANT_TIMED_OUT, "telemetry_assistant_total", "result=\"timeout\"", "Prompts sent to a language model")      \
    X(ASSISTANT_FAILED, "telemetry_assistant_total", "result=\"failed\"", "Prompts sent to a language model")          \
    X(ASSISTANT_SKIPPED, "telemetry_assistant_total", "result=\"skipped\"", "Prompts sent to a language model")        \
    X(ASSISTANT_UNUSABLE, "telemetry_assistant_total", "result=\"unusable\"", "Prompts sent to a language model")      \
    X(METRICS_INSERTED, "telemetry_metrics_total", "change=\"inserted\"", "Metrics changed durably")                   \
    X(METRICS_UPDATED, "telemetry_metrics_total", "change=\"updated\"", "Metrics changed durably")                     \
    X(METRICS_DELETED, "telemetry_metrics_total", "change=\"deleted\"", "Metrics changed durably")                     \
    X(METRICS_EXPIRED, "telemetry_metrics_total", "change=\"expired\"", "Metrics changed durably")                     \
    X(COMMITS, "telemetry_storage_commits_total", "", "Group commits")                                                 \
    X(STORAGE_ERRORS, "telemetry_storage_errors_total", "", "Calls of the store that failed")                          \
    X(ARENA_OVERFLOWS, "telemetry_arena_overflows_total", "", "Jobs whose memory did not fit its first block")         \
    X(LOG_DROPPED, "telemetry_log_dropped_total", "", "Log lines dropped by a limit")

enum stats_counter {
#define STATS_MEMBER(symbol, name, labels, help) STATS_##symbol,
    STATS_COUNTERS(STATS_MEMBER)
#undef STATS_MEMBER
        STATS_N_COUNTERS
};

/* X(symbol, Prometheus name, help): values of the moment, which only their owner sets. */
#define STATS_GAUGES(X)                                                                                                \
    X(CONNECTIONS, "telemetry_connections", "Connections open")                                                        \
    X(JOBS_IN_USE, "telemetry_jobs_in_use", "Requests under way")                                                      \
    X(BODY_BYTES, "telemetry_body_bytes", "Bytes of bodies being received or worked on")                               \
    X(CACHE_BYTES, "telemetry_cache_bytes", "Bytes of cached answers")                                                 \
    X(CACHE_ENTRIES, "telemetry_cache_entries", "Cached answers")                                                      \
    X(CACHE_UP, "telemetry_cache_up", "Whether the cache can be used: 0 while Redis is away")                          \
    X(RATES_SHARED, "telemetry_rates_shared", "Whether rates hold for all servers together")                           \
    X(STORAGE_WAL_BYTES, "telemetry_storage_wal_bytes", "Bytes of log not yet moved to the database")                  \
    X(STORAGE_TAIL, "telemetry_storage_unmerged_metrics", "Metrics whose index entry waits in memory")

enum stats_gauge {
#define STATS_MEMBER(symbol, name, help) STATS_GAUGE_##symbol,
    STATS_GAUGES(STATS_MEMBER)
#undef STATS_MEMBER
        STATS_N_GAUGES
};

/* Durations: buckets of powers of two nanoseconds, each cut in STATS_SUB_BUCKETS, so that a bound is
 * at most 25 % above the true value. A bucket holds its bound; the last one also all
 * that is longer. */
enum { STATS_SUB_BUCKETS = 4, STATS_BUCKETS = 40 * STATS_SUB_BUCKETS };

struct histogram {
    atomic_uint_fast64_t buckets[STATS_BUCKETS];
    atomic_uint_fast64_t sum_ns;
};

/* One thread's block: written by that thread only (relaxed), read by any. */
struct stats {
    _Alignas(64) atomic_uint_fast64_t counters[STATS_N_COUNTERS];
    atomic_int_fast64_t gauges[STATS_N_GAUGES];
    struct histogram stages[STAGE_COUNT]; /* queueing and work of each stage */
    struct histogram requests;            /* whole request received to answer handed to the kernel */
    struct histogram commits;             /* one group commit */
    struct stats *next;                   /* registry list */
};

/* Owner thread ------------------------------------------------------------ */
static inline void stats_add(struct stats *stats, enum stats_counter counter, uint64_t n)
{
    uint64_t value = atomic_load_explicit(&stats->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&stats->counters[counter], value + n, memory_order_relaxed);
}

static inline void stats_set(struct stats *stats, enum stats_gauge gauge, int64_t value)
{
    atomic_store_explicit(&stats->gauges[gauge], value, memory_order_relaxed);
}

/* Counts one duration. */
void histogram_add(struct histogram *histogram, uint64_t ns);

/* Registry ---------------------------------------------------------------- */
/* All blocks of a server. Blocks are added at boot, before any reader runs. */
struct stats_registry {
    struct stats *first;
    uint64_t started_ns;         /* clock_ns() at boot */
    int64_t started_wall_ms;     /* clock_wall_ms() at boot */
    const char *version;         /* static */
    const char *storage, *cache; /* names of the backends, static */
};

/* Makes a registry without blocks that starts now, of this version. Keeps the names. */
void stats_registry_init(struct stats_registry *registry, const char *storage, const char *cache);

/* Gives a zeroed block, freed by stats_registry_fini(); NULL without memory. */
MUST_CHECK struct stats *stats_new(struct stats_registry *registry);
void stats_registry_fini(struct stats_registry *registry);

/* Any thread: sums of all blocks; for LOG_DROPPED, with what the log counted itself. */
uint64_t stats_total(const struct stats_registry *registry, enum stats_counter counter);

/* Any thread: writes all figures in the Prometheus text format 0.0.4, or as one JSON object. */
void stats_prometheus(const struct stats_registry *registry, struct text *out);
void stats_json(const struct stats_registry *registry, struct text *out);
