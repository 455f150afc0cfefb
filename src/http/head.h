/* SPDX-License-Identifier: MIT */
/* head: the head of a request, first found in what arrived, then read.
 *
 * llhttp reads it; around llhttp stands a check of the raw bytes that refuses what llhttp 8.1 lets
 * pass and RFC 9112 forbids: bare CR or LF, NUL and controls, folded lines, blank before a colon,
 * protocols other than HTTP/1.0 and 1.1, and every ambiguity of length (sections 2.2, 3, 5, 6). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/request.h>
#include <telemetry/status.h>

struct head_limits {
    size_t target_max_bytes;
    size_t head_max_bytes; /* at most HEAD_BYTES_LIMIT */
    unsigned fields_max;
};

enum { HEAD_BYTES_LIMIT = 65536 };

/* Why a request is refused: for a problem answer, after which the connection closes. */
struct refusal {
    enum status status;
    const char *detail; /* static */
};

/* The header fields that only the door reads. X(member, field name in lower case). */
#define HEAD_FIELDS(X)                                                                                                 \
    X(authorization, "authorization")                                                                                  \
    X(api_key, "x-api-key")                                                                                            \
    X(forwarded_for, "x-forwarded-for")

struct head {
    struct request request;                            /* slices in the bytes that were read, or in the joined buffer */
#define HEAD_MEMBER(member, name) struct slice member; /* empty when absent */
    HEAD_FIELDS(HEAD_MEMBER)
#undef HEAD_MEMBER
    uint64_t content_length; /* 0 when absent */
    bool chunked;
    bool keep_alive;
    bool http10;
    bool expects_continue;
};

enum head_progress { HEAD_INCOMPLETE, HEAD_COMPLETE, HEAD_REFUSED };

/* Looks for the end of a head in bytes[0..len), of which the first *scanned were seen by an earlier
 * call (start with 0). HEAD_COMPLETE sets *ret_head_bytes, the blank line included. */
enum head_progress head_scan(const char *bytes, size_t len, const struct head_limits *limits, size_t *scanned,
                             size_t *ret_head_bytes, struct refusal *ret_refusal);

/* Reads a whole head. joined has room for len bytes; it receives fields that came in several lines.
 * 0, or -1 with *ret_refusal set, and in *ret_head what was read before it. */
MUST_CHECK int head_read(const char *bytes, size_t len, const struct head_limits *limits, char *joined,
                         struct head *ret_head, struct refusal *ret_refusal);
