/* SPDX-License-Identifier: MIT */
/* inquiry: a prompt on its way to a plan. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>

struct zone;

struct inquiry {
    struct slice prompt;     /* in the job's arena, valid UTF-8 */
    int64_t now_ms;          /* what "now" means */
    const struct zone *zone; /* what the wall clock means, unless the prompt says */
    bool explain;            /* the answer is the plan, which is not run */
    struct slice advice;     /* of the assistant: the body of its service's answer, as it came; empty: none */
};
