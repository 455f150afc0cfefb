/* SPDX-License-Identifier: MIT */
/* stats_read: the blocks of all threads added up, for what prints them. Any thread. */
#pragma once

#include <telemetry/stats.h>

/* Rows of the tables in stats.h. */
struct stats_row {
    const char *name, *labels, *help;
};

extern const struct stats_row stats_counter_rows[STATS_N_COUNTERS];
extern const struct stats_row stats_gauge_rows[STATS_N_GAUGES];

/* The histograms of a block: X(symbol, member, Prometheus name, labels or "", help). Rows of one name
 * stand together. */
#define STATS_HISTOGRAMS(X)                                                                                            \
    X(PARSER, stages[STAGE_PARSER], "telemetry_stage_seconds", "stage=\"parser\"", "Waiting and work in a stage")      \
    X(CACHE, stages[STAGE_CACHE], "telemetry_stage_seconds", "stage=\"cache\"", "Waiting and work in a stage")         \
    X(WRITER, stages[STAGE_WRITER], "telemetry_stage_seconds", "stage=\"writer\"", "Waiting and work in a stage")      \
    X(READER, stages[STAGE_READER], "telemetry_stage_seconds", "stage=\"reader\"", "Waiting and work in a stage")      \
    X(ASSISTANT, stages[STAGE_ASSISTANT], "telemetry_stage_seconds", "stage=\"assistant\"",                            \
      "Waiting and work in a stage")                                                                                   \
    X(REQUESTS, requests, "telemetry_request_seconds", "", "From a whole request to its answer handed to the kernel")  \
    X(COMMITS, commits, "telemetry_storage_commit_seconds", "", "Group commits")

enum stats_histogram {
#define STATS_MEMBER(symbol, member, name, labels, help) STATS_HISTOGRAM_##symbol,
    STATS_HISTOGRAMS(STATS_MEMBER)
#undef STATS_MEMBER
        STATS_N_HISTOGRAMS
};

extern const struct stats_row stats_histogram_rows[STATS_N_HISTOGRAMS];

/* What one histogram held at one moment. */
struct histogram_sum {
    uint64_t buckets[STATS_BUCKETS];
    uint64_t n;
    uint64_t sum_ns;
};

int64_t stats_gauge_total(const struct stats_registry *registry, enum stats_gauge gauge);
void stats_histogram_total(const struct stats_registry *registry, enum stats_histogram which,
                           struct histogram_sum *ret_sum);

/* The longest duration that bucket `index` holds. */
uint64_t histogram_bound_ns(unsigned index);

/* The bound of the bucket in which the share `percent` of all durations is reached; 100 is the
 * longest one. 0 without durations. */
uint64_t histogram_percentile_ns(const struct histogram_sum *sum, unsigned percent);

/* The process as the kernel sees it; what cannot be read is 0. */
struct process_figures {
    uint64_t resident_bytes;
    uint64_t cpu_ns;
    uint64_t open_fds, max_fds;
};

void process_figures_read(struct process_figures *ret_figures);

/* Nanoseconds as seconds with all nine decimals. */
void text_seconds(struct text *text, uint64_t ns);
