/* SPDX-License-Identifier: MIT */
/* result: what a run found out. Latencies are of requests that were due after the warm-up; errors are of all. */
#pragma once

#include "cached.h"
#include "histogram.h"
#include "scenario.h"

/* What can go wrong with a request: symbol, key in JSON, words. */
#define FAULTS(X)                                                                                                      \
    X(STATUS, "status", "answered with a status that is not expected")                                                 \
    X(TIMEOUT, "timeout", "not answered in time")                                                                      \
    X(BROKEN, "broken", "the connection ended before the answer")                                                      \
    X(MALFORMED, "malformed", "the answer is not HTTP")                                                                \
    X(UNSENT, "unsent", "still waiting in the client at the end")

enum fault {
#define FAULT_SYMBOL(symbol, key, words) FAULT_##symbol,
    FAULTS(FAULT_SYMBOL)
#undef FAULT_SYMBOL
        N_FAULTS
};

extern const char *const fault_keys[N_FAULTS];
extern const char *const fault_words[N_FAULTS];

enum { STATUS_END = 600 };

struct call_result {
    struct histogram latency;  /* due to answered, or to given up: a wait does not get shorter by nobody answering */
    uint64_t n_good;           /* measured ones with an expected status */
    uint64_t cached[N_CACHED]; /* of the good ones, those that said it */
    uint64_t faults[N_FAULTS];
    uint64_t statuses[STATUS_END];
};

/* One second of the run. */
struct interval {
    double at_s; /* since the first request was due; negative: preparing */
    uint64_t n_answered, n_errors, backlog;
    uint64_t p50_ns, p99_ns, p999_ns, max_ns;
};

struct result {
    const struct scenario *scenario;
    struct call_result calls[CALLS_MAX];
    struct histogram total;   /* of all calls; made when the run is over */
    struct histogram service; /* sent to answered: what a closed loop would have seen */
    struct histogram lag;     /* from when a request was due and a connection free to when it was sent */
    struct histogram second;  /* of the interval under way */
    struct interval *intervals;
    unsigned n_intervals, intervals_capacity;
    uint64_t n_waited;      /* measured requests that found no connection free when they were due */
    uint64_t n_substituted; /* sent as the giver, for lack of an id */
    uint64_t n_connects_failed, n_errors;
    double measured_s; /* from the end of the warm-up to the last answer; the duration at least, but for a number of
                          requests */
    double client_cpu; /* of one core */
    double client_mib;
};

/* Zeroed, for this scenario, which it keeps. Never NULL; freed by result_free(). */
struct result *result_new(const struct scenario *scenario);
void result_free(struct result *result);

/* How many answers of the call came about in this way, of all those that told: in percent; 0 when none did. */
double result_cached_percent(const struct call_result *call, enum cached cached);

void result_count_fault(struct result *result, unsigned call, enum fault fault, uint64_t n);

/* Closes the second under way. */
void result_end_interval(struct result *result, double at_s, uint64_t backlog);

/* Fills what is known at the end only. */
void result_end(struct result *result, double measured_s);
