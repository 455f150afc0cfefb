/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "percentiles.h"
#include "report.h"

static const double busy_client = 0.9; /* of a core: its own queueing begins to show */

/* 1234567 as 1,234,567; the text is good until the fourth call from now. */
static const char *grouped(uint64_t number)
{
    static char texts[4][32];
    static unsigned at;
    char *text = texts[++at % 4] + sizeof(texts[0]) - 1;
    *text = '\0';
    for (unsigned digits = 0; digits == 0 || number > 0; digits++, number /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--text = ',';
        *--text = (char)('0' + number % 10);
    }
    return text;
}

static void print_latencies(FILE *file, const struct histogram *histogram)
{
    for (unsigned i = 0; i < n_percentiles; i++)
        fprintf(file, " %9.3f", (double)histogram_percentile(histogram, percentiles[i]) / 1e6);
    fprintf(file, " %9.3f\n", (double)histogram->max / 1e6);
}

static void print_row(FILE *file, struct slice key, uint64_t n_good, uint64_t n_errors, double seconds)
{
    fprintf(file, "%-12.*s %11s %9s %8s", (int)key.len, key.data, grouped(n_good),
            grouped((uint64_t)((double)n_good / seconds + 0.5)), grouped(n_errors));
}

static uint64_t errors_of(const struct call_result *call)
{
    uint64_t n = 0;
    for (unsigned fault = 0; fault < N_FAULTS; fault++)
        n += call->faults[fault];
    return n;
}

static void print_head(FILE *file)
{
    fprintf(file, "%-12s %11s %9s %8s", "ms", "answered", "a second", "errors");
    for (unsigned i = 0; i < n_percentiles; i++) {
        char title[16];
        snprintf(title, sizeof(title), "p%g", percentiles[i]);
        fprintf(file, " %9s", title);
    }
    fprintf(file, " %9s\n", "max");
}

/* Calls that were not sent after the warm-up and made no errors have no row. */
static void print_table(FILE *file, const struct result *result)
{
    uint64_t n_good = 0;
    print_head(file);
    for (unsigned i = 0; i < result->scenario->n_calls; i++) {
        const struct call_result *call = &result->calls[i];
        n_good += call->n_good;
        if (call->latency.total == 0 && errors_of(call) == 0)
            continue;
        print_row(file, result->scenario->calls[i].key, call->n_good, errors_of(call), result->measured_s);
        print_latencies(file, &call->latency);
    }
    print_row(file, SLICE("all"), n_good, result->n_errors, result->measured_s);
    print_latencies(file, &result->total);
}

static void print_batches(FILE *file, const struct result *result)
{
    for (unsigned i = 0; i < result->scenario->n_calls; i++) {
        const struct call *call = &result->scenario->calls[i];
        double per_second = (double)result->calls[i].n_good * call->n_items / result->measured_s;
        if (call->n_items > 1 && result->calls[i].n_good > 0)
            fprintf(file, "%.*s: %u metrics each, %s metrics a second\n", (int)call->key.len, call->key.data,
                    call->n_items, grouped((uint64_t)per_second));
    }
}

/* A line for each call whose answers say whether they were kept. */
static void print_cached(FILE *file, const struct result *result)
{
    for (unsigned i = 0; i < result->scenario->n_calls; i++) {
        const struct call_result *call = &result->calls[i];
        const struct slice key = result->scenario->calls[i].key;
        double shares[N_CACHED], sum = 0;
        for (unsigned cached = 0; cached < N_CACHED; cached++)
            sum += shares[cached] = result_cached_percent(call, (enum cached)cached);
        if (sum > 0)
            fprintf(file, "%.*s: %.2f %% from the cache: %.2f %% newest, %.2f %% stale, %.2f %% collapsed\n",
                    (int)key.len, key.data, 100 - shares[CACHED_MISS], shares[CACHED_HIT], shares[CACHED_STALE],
                    shares[CACHED_COLLAPSED]);
    }
}

/* What tells whether the figures above are the server's. */
static void print_client(FILE *file, const struct result *result)
{
    fprintf(file, "%-43s", "sent to answered (as a closed loop sees it)");
    print_latencies(file, &result->service);
    fprintf(file, "%-43s", "client's lag: due, connection free, to sent");
    print_latencies(file, &result->lag);
    fprintf(file, "client: %.2f of a core, %.0f MiB; %s requests waited in it for a connection", result->client_cpu,
            result->client_mib, grouped(result->n_waited));
    if (result->n_substituted > 0)
        fprintf(file, "; %s had no id at hand and were sent as another call", grouped(result->n_substituted));
    fprintf(file, "\n");
    if (result->client_cpu > busy_client)
        fprintf(file, "The client was as busy as it can be: its own queueing is part of these latencies.\n");
}

static void print_errors(FILE *file, const struct result *result)
{
    for (unsigned i = 0; i < result->scenario->n_calls; i++) {
        const struct call *call = &result->scenario->calls[i];
        for (unsigned fault = 0; fault < N_FAULTS; fault++)
            if (fault != FAULT_STATUS && result->calls[i].faults[fault] > 0)
                fprintf(file, "error: %.*s: %s %s\n", (int)call->key.len, call->key.data,
                        grouped(result->calls[i].faults[fault]), fault_words[fault]);
        for (int status = 0; status < STATUS_END; status++)
            if (result->calls[i].statuses[status] > 0 && !call_expects(call, status))
                fprintf(file, "error: %.*s: %s answers of %d\n", (int)call->key.len, call->key.data,
                        grouped(result->calls[i].statuses[status]), status);
    }
    if (result->n_connects_failed > 0)
        fprintf(file, "error: %s connects failed\n", grouped(result->n_connects_failed));
}

void report_text(FILE *file, const struct result *result, const struct settings *settings)
{
    const struct scenario *scenario = result->scenario;
    fprintf(file, "%s: ", settings->title);
    if (scenario->rate > 0)
        fprintf(file, "open loop, %g a second", scenario->rate);
    else
        fprintf(file, "closed loop");
    fprintf(file, ", %u connections, %g s after %g s of warm-up, to %s", scenario->connections, scenario->duration_s,
            scenario->warm_up_s, settings->hosts[0].name);
    for (unsigned i = 1; i < settings->n_hosts; i++)
        fprintf(file, ", %s", settings->hosts[i].name);
    fprintf(file, "\n\n");
    print_table(file, result);
    print_batches(file, result);
    print_cached(file, result);
    print_client(file, result);
    print_errors(file, result);
}
