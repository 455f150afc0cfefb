/* SPDX-License-Identifier: MIT */
/* runner: one run of a scenario. Connects, prepares, sends what is due until the end, waits for the last answers. */
#pragma once

#include "connection.h"
#include "result.h"

enum { HOSTS_MAX = 64 };

struct settings {
    const char *title; /* of the reports */
    struct host hosts[HOSTS_MAX];
    unsigned n_hosts;
    struct slice headers; /* lines for every request, each ended by CRLF */
    uint64_t seed;
    uint64_t n_requests; /* the run ends behind so many; 0: when it is over */
    double timeout_s;    /* of one request, from when it was sent */
    double drain_s;      /* after the end, for what was due before it */
    bool progress;       /* one line a second on standard error */
};

/* Blocks until the run has ended: after warm-up + duration + drain at the latest, and what connecting and preparing
 * take (10 s and a minute at most). Fills result, made for the scenario. Borrows all. 0, or -1 when it could not
 * begin; a line on standard error says why. */
int runner_run(const struct scenario *scenario, const struct settings *settings, struct result *result);
