/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "percentiles.h"
#include "report.h"

/* Scenario titles and host names may hold anything. */
static void print_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ')
            fprintf(file, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fprintf(file, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    fputc('"', file);
}

static void print_histogram(FILE *file, const char *key, const struct histogram *histogram)
{
    fprintf(file, "\"%s\":{\"count\":%" PRIu64, key, histogram->total);
    for (unsigned i = 0; i < n_percentiles; i++)
        fprintf(file, ",\"p%g\":%.3f", percentiles[i], (double)histogram_percentile(histogram, percentiles[i]) / 1e3);
    fprintf(file, ",\"max\":%.3f,\"mean\":%.3f,\"deviation\":%.3f}", (double)histogram->max / 1e3,
            histogram_mean(histogram) / 1e3, histogram_deviation(histogram) / 1e3);
}

static void print_faults(FILE *file, const struct call_result *call)
{
    const char *comma = "";
    fprintf(file, "\"errors\":{");
    for (unsigned fault = 0; fault < N_FAULTS; fault++) {
        if (call->faults[fault] > 0) {
            fprintf(file, "%s\"%s\":%" PRIu64, comma, fault_keys[fault], call->faults[fault]);
            comma = ",";
        }
    }
    fprintf(file, "},\"statuses\":{");
    comma = "";
    for (int status = 0; status < STATUS_END; status++) {
        if (call->statuses[status] > 0) {
            fprintf(file, "%s\"%d\":%" PRIu64, comma, status, call->statuses[status]);
            comma = ",";
        }
    }
    fprintf(file, "}");
}

static void print_cached(FILE *file, const struct call_result *call)
{
    fprintf(file, "\"cached\":{");
    for (unsigned cached = 0; cached < N_CACHED; cached++)
        fprintf(file, "%s\"%s\":%" PRIu64, cached > 0 ? "," : "", cached_keys[cached], call->cached[cached]);
    fprintf(file, "}");
}

static void print_calls(FILE *file, const struct result *result)
{
    for (unsigned i = 0; i < result->scenario->n_calls; i++) {
        const struct call_result *call = &result->calls[i];
        const struct call *shape = &result->scenario->calls[i];
        double items = shape->n_items > 0 ? shape->n_items : 1;
        fprintf(file, "%s\"%.*s\":{\"answered\":%" PRIu64 ",\"per_second\":%.3f,\"items_per_second\":%.3f,",
                i > 0 ? "," : "", (int)shape->key.len, shape->key.data, call->n_good,
                (double)call->n_good / result->measured_s, items * (double)call->n_good / result->measured_s);
        print_faults(file, call);
        fputc(',', file);
        print_cached(file, call);
        fputc(',', file);
        print_histogram(file, "latency_us", &call->latency);
        fputc('}', file);
    }
}

static uint64_t good_of(const struct result *result)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < result->scenario->n_calls; i++)
        n += result->calls[i].n_good;
    return n;
}

void report_json(FILE *file, const struct result *result, const struct settings *settings)
{
    const struct scenario *scenario = result->scenario;
    fprintf(file, "{\"scenario\":");
    print_string(file, settings->title);
    fprintf(file, ",\"hosts\":[");
    for (unsigned i = 0; i < settings->n_hosts; i++) {
        fprintf(file, "%s", i > 0 ? "," : "");
        print_string(file, settings->hosts[i].name);
    }
    fprintf(file, "],\"rate\":%g,\"connections\":%u,\"warm_up_s\":%g,\"duration_s\":%g,\"measured_s\":%.3f,",
            scenario->rate, scenario->connections, scenario->warm_up_s, scenario->duration_s, result->measured_s);
    fprintf(file,
            "\"answered\":%" PRIu64 ",\"per_second\":%.3f,\"errors\":%" PRIu64 ",\"connects_failed\":%" PRIu64 ",",
            good_of(result), (double)good_of(result) / result->measured_s, result->n_errors, result->n_connects_failed);
    print_histogram(file, "latency_us", &result->total);
    fputc(',', file);
    print_histogram(file, "sent_to_answered_us", &result->service);
    fputc(',', file);
    print_histogram(file, "client_lag_us", &result->lag);
    fprintf(file, ",\"client\":{\"cpus\":%.3f,\"mib\":%.1f,\"waited\":%" PRIu64 ",\"substituted\":%" PRIu64 "},",
            result->client_cpu, result->client_mib, result->n_waited, result->n_substituted);
    fprintf(file, "\"calls\":{");
    print_calls(file, result);
    fprintf(file, "}}\n");
}
