/* SPDX-License-Identifier: MIT */
/* head_scan: line by line, each ends in CR LF and holds no other CR, LF or NUL; the empty one ends the
 * head. What can be refused is refused as soon as it arrives, so that nobody waits for the rest. */
#include "http/head.h"

#include <string.h>

enum { METHOD_BYTES_MAX = 32, VERSION_BYTES = 9 }; /* " HTTP/1.1" */

static enum head_progress refuse(struct refusal *ret_refusal, enum status status, const char *detail)
{
    *ret_refusal = (struct refusal){ status, detail };
    return HEAD_REFUSED;
}

/* Bytes of one line before its LF, or of a line still to come: none may be NUL, and a CR only last. */
static bool line_is_clean(const char *line, size_t len, bool ended)
{
    if (memchr(line, '\0', len) != NULL)
        return false;
    const char *cr = memchr(line, '\r', len);
    if (ended)
        return cr == line + len - 1; /* an ended line has one CR, its last byte */
    return cr == NULL || cr == line + len - 1;
}

static enum head_progress refuse_long(bool in_request_line, const struct head_limits *limits, size_t line_bytes,
                                      struct refusal *ret_refusal)
{
    if (in_request_line && line_bytes > limits->target_max_bytes + METHOD_BYTES_MAX + VERSION_BYTES)
        return refuse(ret_refusal, STATUS_TARGET_TOO_LONG, "the request target is longer than TARGET_MAX_BYTES");
    return refuse(ret_refusal, STATUS_HEAD_TOO_LARGE, "the request head is larger than HEAD_MAX_BYTES");
}

/* True when the head, known to reach `head_bytes`, is past a limit. */
static bool is_too_long(bool in_request_line, const struct head_limits *limits, size_t line_bytes, size_t head_bytes)
{
    return head_bytes > limits->head_max_bytes ||
           (in_request_line && line_bytes > limits->target_max_bytes + METHOD_BYTES_MAX + VERSION_BYTES + 2);
}

enum head_progress head_scan(const char *bytes, size_t len, const struct head_limits *limits, size_t *scanned,
                             size_t *ret_head_bytes, struct refusal *ret_refusal)
{
    size_t start = *scanned; /* of a line */
    for (;;) {
        const char *line = bytes + start;
        const char *lf = memchr(line, '\n', len - start);
        size_t line_bytes = lf == NULL ? len - start : (size_t)(lf - line);
        if (!line_is_clean(line, line_bytes, lf != NULL))
            return refuse(ret_refusal, STATUS_MALFORMED_REQUEST, "a line of the head holds NUL, or CR or LF alone");
        if (is_too_long(start == 0, limits, line_bytes, start + line_bytes))
            return refuse_long(start == 0, limits, line_bytes, ret_refusal);
        if (lf == NULL) {
            *scanned = start;
            return HEAD_INCOMPLETE;
        }
        start += line_bytes + 1;
        if (line_bytes == 1) { /* the CR alone: the empty line */
            *scanned = 0;
            *ret_head_bytes = start;
            return HEAD_COMPLETE;
        }
    }
}
