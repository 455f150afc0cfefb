/* SPDX-License-Identifier: MIT */
/* trial: one run of the load runner against a stub. */
#pragma once

#include "runner.h"
#include "stub.h"

struct trial {
    struct scenario scenario;
    struct result *result;
    unsigned n_requests; /* that the stub saw */
    int code;            /* of runner_run() */
};

/* Runs the scenario of that text; `settings` may be NULL, its hosts are the stub's alone. */
struct trial trial_run(const char *scenario, const struct stub_rules *rules, const struct settings *settings);
void trial_free(struct trial *trial);
