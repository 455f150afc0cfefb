/* SPDX-License-Identifier: MIT */
/* run_state: what runner.c (begin, watch, end) and pump.c (send, count) share: the run that is going on. */
#pragma once

#include <sys/resource.h>

#include "alarm.h"
#include "compose.h"
#include "idle.h"
#include "runner.h"
#include "schedule.h"

enum phase { PHASE_CONNECTING, PHASE_PREPARING, PHASE_RUNNING, PHASE_ENDED };

struct runner {
    uv_loop_t loop;
    struct alarm alarm;
    uv_timer_t watch;
    const struct scenario *scenario;
    const struct settings *settings;
    struct result *result;
    struct composer composer;
    struct ids ids;
    struct schedule schedule;
    struct connection *connections;
    struct idle idle;
    unsigned n_busy, n_prepared, n_watches;
    enum phase phase;
    uint64_t phase_ns;       /* when it began */
    uint64_t last_answer_ns; /* of a measured request */
    struct rusage usage;     /* of this process at usage_ns, no later than the end of the warm-up */
    uint64_t usage_ns;
    bool failed;
};

void runner_enter(struct runner *runner, enum phase phase);

/* Sends whatever can be sent now, sets the alarm for what comes next, and ends the run when nothing does. */
void runner_pump(struct runner *runner);

/* Counts what was due and never sent. */
void runner_count_unsent(struct runner *runner, uint64_t now_ns);

void runner_end(struct runner *runner);

/* Ends a run that cannot begin, with a line on standard error. */
void runner_give_up(struct runner *runner, const char *why);
