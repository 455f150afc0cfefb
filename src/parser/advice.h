/* SPDX-License-Identifier: MIT */
/* advice: what a language model answered, read as a plan like any other.
 *
 * It is believed only when it is the answer of a chat/completions call whose content is a plan that settles, and
 * when each name and tag of the plan is one that the store knows. */
#pragma once

#include <telemetry/plan.h>

#include "parser.h"

/* Reads job->inquiry->advice. False when it is empty or no such plan; the job is then as it was before. */
bool advice_read(struct parser *parser, struct job *job, const struct catalogue *catalogue, struct plan *ret_plan);
