/* SPDX-License-Identifier: MIT */
/* question: what becomes of a plan, whatever it was asked in.
 *
 * The answer has two parts. The body depends on the plan alone and is what the cache keeps, so that all who
 * come to the same plan share it. The lead in front of it begins the JSON object with what is the request's own. */
#pragma once

#include <telemetry/job.h>

/* Makes the job ask this settled plan: plan, lead and the cache's key. Copies plan; keeps what it points to, and
 * lead, which begins with a brace and ends in one or in a comma. False when the job failed. */
bool question_ask(struct job *job, const struct plan *plan, struct slice lead);

/* Moves the job behind the hops that its route spends on understanding. */
void question_is_understood(struct job *job);

/* Moves the job to where a language model is asked, in a route that has such a hop. */
void question_wants_advice(struct job *job);

/* Answers with what would be asked, from the parser. */
void question_explain(struct job *job);

/* Appends "plan":{...},"range":{...}, the first members of every body. Open ends are null. */
void question_json(struct text *out, const struct plan *plan, int64_t from_ms, int64_t to_ms);
