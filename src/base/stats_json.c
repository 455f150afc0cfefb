/* SPDX-License-Identifier: MIT */
/* stats_json: the figures as one JSON object for people and scripts. Names are those of the
 * Prometheus page without prefix and unit; what has a label there is an object of its values here.
 * Names and label values are the tables' own and need no escapes. */
#include <telemetry/stats.h>

#include <inttypes.h>

#include "base/stats_read.h"
#include <telemetry/clock.h>
#include <telemetry/rfc3339.h>

/* A Prometheus name without `telemetry_` and one of the endings. */
static struct slice short_name(const char *name)
{
    static const char *const endings[] = { "_total", "_seconds" };
    struct slice text = slice_of(name + strlen("telemetry_"));
    for (unsigned i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t len = strlen(endings[i]);
        if (text.len > len && memcmp(text.data + text.len - len, endings[i], len) == 0)
            text.len -= len;
    }
    return text;
}

/* The value of the one label, as in stage="parser", in its quotes. */
static const char *label_value(const char *labels)
{
    return strchr(labels, '"');
}

/* Opens or goes on with the member that rows[i] is: writes everything up to its value. */
static void put_key(const struct stats_row rows[], unsigned i, struct text *out)
{
    const struct stats_row *row = &rows[i];
    bool first = i == 0 || strcmp(row->name, rows[i - 1].name) != 0;
    struct slice name = short_name(row->name);
    if (i > 0)
        text_literal(out, ",");
    if (first)
        text_printf(out, "\"%.*s\":%s", (int)name.len, name.data, row->labels[0] == '\0' ? "" : "{");
    if (row->labels[0] != '\0')
        text_printf(out, "%s:", label_value(row->labels));
}

/* Closes the member when rows[i] is the last of its name. */
static void put_key_end(const struct stats_row rows[], unsigned i, unsigned n, struct text *out)
{
    if (rows[i].labels[0] != '\0' && (i + 1 == n || strcmp(rows[i].name, rows[i + 1].name) != 0))
        text_literal(out, "}");
}

static void put_counters(const struct stats_registry *registry, struct text *out)
{
    text_literal(out, ",\"counters\":{");
    for (unsigned i = 0; i < STATS_N_COUNTERS; i++) {
        put_key(stats_counter_rows, i, out);
        text_u64(out, stats_total(registry, (enum stats_counter)i));
        put_key_end(stats_counter_rows, i, STATS_N_COUNTERS, out);
    }
    text_literal(out, "}");
}

static void put_gauges(const struct stats_registry *registry, struct text *out)
{
    text_literal(out, ",\"gauges\":{");
    for (unsigned i = 0; i < STATS_N_GAUGES; i++) {
        put_key(stats_gauge_rows, i, out);
        text_i64(out, stats_gauge_total(registry, (enum stats_gauge)i));
        put_key_end(stats_gauge_rows, i, STATS_N_GAUGES, out);
    }
    text_literal(out, "}");
}

static void put_duration(const struct histogram_sum *sum, struct text *out)
{
    text_printf(out, "{\"count\":%" PRIu64 ",\"sum_s\":", sum->n);
    text_seconds(out, sum->sum_ns);
    text_literal(out, ",\"p50_s\":");
    text_seconds(out, histogram_percentile_ns(sum, 50));
    text_literal(out, ",\"p99_s\":");
    text_seconds(out, histogram_percentile_ns(sum, 99));
    text_literal(out, ",\"max_s\":");
    text_seconds(out, histogram_percentile_ns(sum, 100));
    text_literal(out, "}");
}

static void put_durations(const struct stats_registry *registry, struct text *out)
{
    struct histogram_sum sum;
    text_literal(out, ",\"durations\":{");
    for (unsigned i = 0; i < STATS_N_HISTOGRAMS; i++) {
        stats_histogram_total(registry, (enum stats_histogram)i, &sum);
        put_key(stats_histogram_rows, i, out);
        put_duration(&sum, out);
        put_key_end(stats_histogram_rows, i, STATS_N_HISTOGRAMS, out);
    }
    text_literal(out, "}");
}

static void put_process(const struct stats_registry *registry, struct text *out)
{
    struct process_figures figures;
    char started[RFC3339_BYTES];
    process_figures_read(&figures);
    rfc3339_format(registry->started_wall_ms, started);
    text_printf(out, "\"version\":\"%s\",\"storage\":\"%s\",\"cache\":\"%s\",\"started\":\"%.*s\",\"uptime_s\":",
                registry->version, registry->storage, registry->cache, RFC3339_BYTES, started);
    text_seconds(out, clock_ns() - registry->started_ns);
    text_literal(out, ",\"process\":{\"cpu_s\":");
    text_seconds(out, figures.cpu_ns);
    text_printf(out, ",\"resident_bytes\":%" PRIu64 ",\"open_fds\":%" PRIu64 ",\"max_fds\":%" PRIu64 "}",
                figures.resident_bytes, figures.open_fds, figures.max_fds);
}

void stats_json(const struct stats_registry *registry, struct text *out)
{
    text_literal(out, "{");
    put_process(registry, out);
    put_counters(registry, out);
    put_gauges(registry, out);
    put_durations(registry, out);
    text_literal(out, "}");
}
