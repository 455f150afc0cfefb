/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <stdlib.h>

#include "buffer.h"

const char *const fault_keys[N_FAULTS] = {
#define FAULT_KEY(symbol, key, words) [FAULT_##symbol] = (key),
    FAULTS(FAULT_KEY)
#undef FAULT_KEY
};

const char *const fault_words[N_FAULTS] = {
#define FAULT_WORDS(symbol, key, words) [FAULT_##symbol] = (words),
    FAULTS(FAULT_WORDS)
#undef FAULT_WORDS
};

struct result *result_new(const struct scenario *scenario)
{
    struct result *result = zeroed(1, sizeof(*result));
    result->scenario = scenario;
    return result;
}

void result_free(struct result *result)
{
    free(result->intervals);
    free(result);
}

void result_count_fault(struct result *result, unsigned call, enum fault fault, uint64_t n)
{
    result->calls[call].faults[fault] += n;
    result->n_errors += n;
}

double result_cached_percent(const struct call_result *call, enum cached cached)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < N_CACHED; i++)
        n += call->cached[i];
    return n == 0 ? 0 : (double)call->cached[cached] / (double)n * 100;
}

static uint64_t errors_before(const struct result *result)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < result->n_intervals; i++)
        n += result->intervals[i].n_errors;
    return n;
}

void result_end_interval(struct result *result, double at_s, uint64_t backlog)
{
    if (result->n_intervals == result->intervals_capacity) {
        result->intervals_capacity = 2 * result->intervals_capacity + 64;
        result->intervals = realloc(result->intervals, result->intervals_capacity * sizeof(*result->intervals));
        if (result->intervals == NULL)
            abort();
    }
    const struct histogram *second = &result->second;
    struct interval interval = {
        .at_s = at_s,
        .n_answered = second->total,
        .n_errors = result->n_errors + result->n_connects_failed - errors_before(result),
        .backlog = backlog,
        .p50_ns = histogram_percentile(second, 50),
        .p99_ns = histogram_percentile(second, 99),
        .p999_ns = histogram_percentile(second, 99.9),
        .max_ns = second->max,
    };
    result->intervals[result->n_intervals++] = interval;
    histogram_reset(&result->second);
}

void result_end(struct result *result, double measured_s)
{
    for (unsigned i = 0; i < result->scenario->n_calls; i++)
        histogram_add(&result->total, &result->calls[i].latency);
    result->measured_s = measured_s;
}
