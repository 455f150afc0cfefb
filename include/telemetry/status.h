/* SPDX-License-Identifier: MIT */
/* status: every way a request can end, in one table.
 *
 * A stage names its outcome by a code; only http/ turns it into an answer. X(code, http status,
 * problem type, title). The problem's `type` (RFC 9457) is "urn:telemetry-server:problem:" and that. */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))

#define STATUS_TABLE(X)                                                                                                \
    X(OK, 200, "ok", "OK")                                                                                             \
    X(MALFORMED_REQUEST, 400, "malformed-request", "The request is not valid HTTP")                                    \
    X(MALFORMED_JSON, 400, "malformed-json", "The body is not valid JSON")                                             \
    X(BAD_FILTER, 400, "bad-filter", "A filter or parameter is not valid")                                             \
    X(BAD_CURSOR, 400, "bad-cursor", "The cursor is not valid for this query")                                         \
    X(BAD_PLAN, 400, "bad-plan", "The plan or a parameter of it is not valid")                                         \
    X(QUERY_TOO_LARGE, 400, "query-too-large", "The answer would not fit; narrow the question")                        \
    X(UNAUTHORIZED, 401, "unauthorized", "A key is needed, and this is none")                                          \
    X(FORBIDDEN, 403, "forbidden", "The key does not allow this")                                                      \
    X(BAD_ID, 404, "not-found", "No metric has an id of this form")                                                    \
    X(NOT_FOUND, 404, "not-found", "No such resource")                                                                 \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The resource does not take this method")                         \
    X(NOT_ACCEPTABLE, 406, "not-acceptable", "The answer exists only as JSON")                                         \
    X(REQUEST_TIMEOUT, 408, "request-timeout", "The request did not arrive in time")                                   \
    X(CONFLICT, 409, "conflict", "Another metric has this id")                                                         \
    X(PRECONDITION_FAILED, 412, "precondition-failed", "The metric is not the one that If-Match names")                \
    X(BODY_TOO_LARGE, 413, "body-too-large", "The body is larger than the server takes")                               \
    X(TARGET_TOO_LONG, 414, "target-too-long", "The request target is longer than the server takes")                   \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type", "The body is of a type the server cannot read")           \
    X(EXPECTATION_FAILED, 417, "expectation-failed", "The server meets no expectation but 100-continue")               \
    X(INVALID_METRIC, 422, "invalid-metric", "A metric breaks a rule; nothing was stored")                             \
    X(UNINTELLIGIBLE_PROMPT, 422, "unintelligible-prompt", "The question was not understood")                          \
    X(RATE_LIMITED, 429, "rate-limited", "Too many requests; nothing was stored")                                      \
    X(HEAD_TOO_LARGE, 431, "head-too-large", "The request head is larger than the server takes")                       \
    X(INTERNAL, 500, "internal", "The server met a state that it does not know")                                       \
    X(OVERLOADED, 503, "overloaded", "The server is at its limit; nothing was stored")                                 \
    X(DRAINING, 503, "draining", "The server is shutting down; nothing was stored")                                    \
    X(STORAGE_UNAVAILABLE, 503, "storage-unavailable", "The store cannot be reached; nothing was stored")              \
    X(OUT_OF_MEMORY, 503, "out-of-memory", "The server has no memory for this request; nothing was stored")            \
    X(EXPIRED, 503, "expired", "The request waited too long; nothing was stored")                                      \
    X(OUTCOME_UNKNOWN, 504, "outcome-unknown", "The store did not answer in time; resend with the same id")            \
    X(QUERY_TOO_SLOW, 504, "query-too-slow", "The query ran out of time; narrow its name or range")                    \
    X(STORAGE_FULL, 507, "storage-full", "The store has no space left; nothing was stored")

enum status {
#define STATUS_MEMBER(code, http, type, title) STATUS_##code,
    STATUS_TABLE(STATUS_MEMBER)
#undef STATUS_MEMBER
        STATUS_COUNT
};

/* The HTTP status code (RFC 9110) of a status. */
unsigned status_http(enum status status);

/* The problem type slug and the title; static strings. */
const char *status_type(enum status status);
const char *status_title(enum status status);

/* What went wrong while the server starts: one line for a person, with what to mend. */
struct error {
    int exit_code; /* sysexits.h: 78 for configuration, 1 otherwise */
    char text[512];
};

/* Writes the line and returns -1, so a failing function can `return error_set(...)`. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *error, int exit_code, const char *format, ...);
