/* SPDX-License-Identifier: MIT */
/* fields: the request header fields that the parser understands (RFC 9110, RFC 9111). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/job.h>

enum body_type { BODY_OTHER, BODY_JSON, BODY_NDJSON };

/* Whether Accept leaves room for a media type such as "application/json": the most specific range
 * that matches decides, and q=0 means no (RFC 9110, 12.5.1). An empty field accepts all. */
bool accept_allows(struct slice accept, struct slice media_type);

/* What Content-Type says of a body; BODY_OTHER also for a charset that is not UTF-8. */
enum body_type content_type_parse(struct slice content_type);

/* Reads no-cache, no-store and max-stale into cache.no_cache, no_store and max_stale_ms (RFC 9111, 5.2.1).
 * Other directives are none of ours. */
void cache_control_read(struct slice cache_control, struct job_cache *ret_cache);

/* Reads If-Match into the job's if_match group. False when the job failed: a malformed field, too
 * many tags, or only tags that no metric has (RFC 9110, 13.1.1). */
bool if_match_read(struct job *job);
