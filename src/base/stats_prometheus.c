/* SPDX-License-Identifier: MIT */
/* stats_prometheus: the figures in the Prometheus text format 0.0.4. Of the histograms' buckets one
 * bound for each power of two is shown, from about a microsecond to about a minute. */
#include <telemetry/stats.h>

#include <inttypes.h>

#include "base/stats_read.h"

enum { SHOWN_FIRST = 10, SHOWN_LAST = 36 /* powers of two nanoseconds */ };

/* The two lines above the first row of a name. */
static void put_head(struct text *out, const struct stats_row *row, const char *type)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, type);
}

/* Whether rows[i] is the first of its name. */
static bool is_first(const struct stats_row rows[], unsigned i)
{
    return i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0;
}

static void put_counters(const struct stats_registry *registry, struct text *out)
{
    for (unsigned i = 0; i < STATS_N_COUNTERS; i++) {
        const struct stats_row *row = &stats_counter_rows[i];
        bool labelled = row->labels[0] != '\0';
        if (is_first(stats_counter_rows, i))
            put_head(out, row, "counter");
        text_printf(out, "%s%s%s%s %" PRIu64 "\n", row->name, labelled ? "{" : "", row->labels, labelled ? "}" : "",
                    stats_total(registry, (enum stats_counter)i));
    }
}

static void put_gauges(const struct stats_registry *registry, struct text *out)
{
    for (unsigned i = 0; i < STATS_N_GAUGES; i++) {
        put_head(out, &stats_gauge_rows[i], "gauge");
        text_printf(out, "%s %" PRId64 "\n", stats_gauge_rows[i].name,
                    stats_gauge_total(registry, (enum stats_gauge)i));
    }
}

/* The cumulative buckets of one histogram, then its sum and count. */
static void put_histogram(const struct stats_row *row, const struct histogram_sum *sum, struct text *out)
{
    const char *comma = row->labels[0] == '\0' ? "" : ",";
    const char *open = row->labels[0] == '\0' ? "" : "{", *close = row->labels[0] == '\0' ? "" : "}";
    uint64_t n = 0;
    unsigned bucket = 0;
    for (unsigned power = SHOWN_FIRST; power <= SHOWN_LAST; power++) {
        for (; histogram_bound_ns(bucket) <= 1ULL << power; bucket++)
            n += sum->buckets[bucket];
        text_printf(out, "%s_bucket{%s%sle=\"", row->name, row->labels, comma);
        text_seconds(out, 1ULL << power);
        text_printf(out, "\"} %" PRIu64 "\n", n);
    }
    text_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", row->name, row->labels, comma, sum->n);
    text_printf(out, "%s_sum%s%s%s ", row->name, open, row->labels, close);
    text_seconds(out, sum->sum_ns);
    text_printf(out, "\n%s_count%s%s%s %" PRIu64 "\n", row->name, open, row->labels, close, sum->n);
}
_Static_assert(SHOWN_LAST < STATS_BUCKETS / STATS_SUB_BUCKETS, "all bounds shown are bounds of buckets");

static void put_histograms(const struct stats_registry *registry, struct text *out)
{
    struct histogram_sum sum;
    for (unsigned i = 0; i < STATS_N_HISTOGRAMS; i++) {
        if (is_first(stats_histogram_rows, i))
            put_head(out, &stats_histogram_rows[i], "histogram");
        stats_histogram_total(registry, (enum stats_histogram)i, &sum);
        put_histogram(&stats_histogram_rows[i], &sum, out);
    }
}

static void put_process(const struct stats_registry *registry, struct text *out)
{
    static const struct stats_row cpu = { "process_cpu_seconds_total", "", "User and system time" };
    static const struct stats_row started = { "process_start_time_seconds", "", "Seconds since 1970 at the start" };
    static const struct stats_row resident = { "process_resident_memory_bytes", "", "Resident memory" };
    static const struct stats_row open = { "process_open_fds", "", "Open file descriptors" };
    static const struct stats_row most = { "process_max_fds", "", "File descriptors that may be open" };
    static const struct stats_row build = { "telemetry_build_info", "", "Version and backends; always 1" };
    struct process_figures figures;
    process_figures_read(&figures);
    put_head(out, &cpu, "counter");
    text_printf(out, "%s ", cpu.name);
    text_seconds(out, figures.cpu_ns);
    text_literal(out, "\n");
    put_head(out, &started, "gauge");
    text_printf(out, "%s %" PRId64 ".%03" PRId64 "\n", started.name, registry->started_wall_ms / 1000,
                registry->started_wall_ms % 1000);
    put_head(out, &resident, "gauge");
    text_printf(out, "%s %" PRIu64 "\n", resident.name, figures.resident_bytes);
    put_head(out, &open, "gauge");
    text_printf(out, "%s %" PRIu64 "\n", open.name, figures.open_fds);
    put_head(out, &most, "gauge");
    text_printf(out, "%s %" PRIu64 "\n", most.name, figures.max_fds);
    put_head(out, &build, "gauge");
    text_printf(out, "%s{version=\"%s\",storage=\"%s\",cache=\"%s\"} 1\n", build.name, registry->version,
                registry->storage, registry->cache);
}

void stats_prometheus(const struct stats_registry *registry, struct text *out)
{
    put_counters(registry, out);
    put_gauges(registry, out);
    put_histograms(registry, out);
    put_process(registry, out);
}
