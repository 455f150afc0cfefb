/* SPDX-License-Identifier: MIT */
/* scopes: what a job reads and what it wrote, whatever numbers a backend gives to it. */
#pragma once

#include <stdbool.h>

#include <telemetry/job.h>

/* One scope: the name, the bytes of the id (not its hex digits, which come in either case), or nothing
 * for SCOPE_ALL. The text is borrowed. */
typedef void scope_fn(void *context, enum cache_scope scope, struct slice text);

/* The text of what the job reads: lent by the job, or by `room`. */
struct slice scope_read(const struct job_cache *cache, struct metric_id *room);

/* Calls `each` for SCOPE_ALL, the names of metrics[] and of previous, the ids that a client gave, and
 * the id of an update or delete; some perhaps twice. False when previous is not known, so that any scope
 * may have been written. */
MUST_CHECK bool scopes_written(const struct job *job, scope_fn *each, void *context);
