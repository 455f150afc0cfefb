/* SPDX-License-Identifier: MIT */
/* target: the request target (RFC 9112, 3.2), cut into path and query parameters. */
#pragma once

#include <stdbool.h>

#include <telemetry/job.h>

struct target {
    struct slice path;  /* still percent-encoded; "*" for OPTIONS of the server itself */
    struct slice query; /* without the question mark */
};

/* Cuts origin form, or absolute form with its scheme and authority dropped. Returns NULL, or a static
 * sentence that says what is wrong. Borrows text, and lends pieces of it. */
const char *target_split(struct slice text, struct target *ret_target);

/* Whether a path matches a pattern of literal segments and {id}, escapes read. *ret_id is the segment
 * in the place of {id}, as sent; untouched when the pattern has none. */
bool path_matches(struct slice path, const char *pattern, struct slice *ret_id);

/* One name=value of a query, decoded; in the job's request or arena. */
struct parameter {
    struct slice name, value;
};

/* Cuts the next parameter off the front of *query. False at the end, and when the job failed: an
 * escape that is none, or text that is not UTF-8 or holds control characters. */
bool parameter_next(struct job *job, struct slice *query, struct parameter *ret_parameter);

/* The query of the job's target; empty when there is none. */
struct slice job_query(const struct job *job);
