/* SPDX-License-Identifier: MIT */
/* plan_json: a plan that came as JSON (docs/query.md). The counterpart of plan_json() in query/. */
#pragma once

#include <telemetry/plan.h>

#include "parser.h"

/* Reads and settles the plan whose text is one JSON value. Days begin in UTC unless it says
 * otherwise; null stands for a member that is left out. False when the job failed: STATUS_BAD_PLAN, with the
 * JSON pointer of the member below `place` ("/plan"). Keeps text; what the plan points to lies in the job. */
bool plan_json_read(struct parser *parser, struct job *job, struct slice text, const char *place,
                    struct plan *ret_plan);
