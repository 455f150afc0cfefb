/* SPDX-License-Identifier: MIT */
/* problem: the body of a failure, application/problem+json (RFC 9457). */
#pragma once

#include <stddef.h>

#include <telemetry/slice.h>

struct job;
struct refusal;

/* The problem of a job whose status is not STATUS_OK. Lends the text, in the job's arena; empty when
 * memory is exhausted. */
struct slice problem_of_job(struct job *job, struct slice request_id);

/* The problem of a refusal without a job, written to buffer, cut at capacity bytes. */
struct slice problem_of_refusal(const struct refusal *refusal, struct slice request_id, char *buffer, size_t capacity);
