/* SPDX-License-Identifier: MIT */
/* assistant stage: asks a language model for the plan of a prompt that the grammar did not read well.
 *
 * Happy path: OP_ADVISE posts the prompt, with the names and tags that fit it best, to the
 * chat/completions of an OpenAI-compatible service, under a strict JSON schema of the plan; the answer goes to
 * job->inquiry->advice as it came, and the parser judges it like any plan. Nothing else of the store
 * leaves the host.
 *
 * Every failure (no connection, slow, an error status, too long an answer, all calls in use) leaves the advice
 * empty and the job goes on: the grammar's own reading counts then. One worker; it waits for all its
 * connections at once. */
#pragma once

#include <stdint.h>

#include <telemetry/worker.h>

#include "assistant/call.h"

struct assistant_settings {
    const char *base_url; /* "https://host/v1"; kept until close, as are the others */
    const char *model;
    const char *api_key; /* empty: none is sent */
    uint64_t timeout_ns; /* of one call */
};

enum { ASSISTANT_CALLS = 4 }; /* under way at once; who comes while all are goes on without advice */

struct assistant_worker {
    struct worker worker; /* first: stages are found from their worker */
    struct assistant_settings settings;
    struct call_hub hub;
    struct call calls[ASSISTANT_CALLS];
};

extern const struct stage assistant_stage;

/* Prepares a worker to be started by worker_start(). Copies settings. */
void assistant_worker_init(struct assistant_worker *worker, const struct assistant_settings *settings);
