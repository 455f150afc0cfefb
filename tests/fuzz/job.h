/* SPDX-License-Identifier: MIT */
/* job: a parser and the job it works on, for the targets that decode requests. */
#pragma once

#include <telemetry/job.h>

#include "fuzz.h"
#include "parser/parser.h"

struct fuzz_job {
    struct parser parser;
    struct job job;
};

/* Lends the one there is, its job empty. Small blocks, so that arenas overflow. */
struct fuzz_job *fuzz_job_open(void);
/* Gives back what the job holds of the heap. */
void fuzz_job_close(struct fuzz_job *fuzz);
