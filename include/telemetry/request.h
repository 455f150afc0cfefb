/* SPDX-License-Identifier: MIT */
/* request: what the loop read of one HTTP request. All slices lie in the job that carries it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_OPTIONS, METHOD_OTHER };

/* The header fields that stages read. X(member, field name in lower case). A field that came more
 * than once is joined by ", " (RFC 9110, 5.2). */
#define REQUEST_FIELDS(X)                                                                                              \
    X(accept, "accept")                                                                                                \
    X(cache_control, "cache-control")                                                                                  \
    X(content_encoding, "content-encoding")                                                                            \
    X(content_type, "content-type")                                                                                    \
    X(idempotency_key, "idempotency-key")                                                                              \
    X(if_match, "if-match")                                                                                            \
    X(if_none_match, "if-none-match")                                                                                  \
    X(request_id, "x-request-id")                                                                                      \
    X(traceparent, "traceparent")

struct request {
    enum method method;
    struct slice target;                                  /* as sent: path and query, still percent-encoded */
    struct slice body;                                    /* decoded of its transfer coding */
#define REQUEST_MEMBER(member, name) struct slice member; /* empty when absent */
    REQUEST_FIELDS(REQUEST_MEMBER)
#undef REQUEST_MEMBER
};
