/* SPDX-License-Identifier: MIT */
/* head_scan: line by line, each ends in CR LF and holds no other CR, LF or NUL; the empty one ends the
 * head. What can be refused is refused as soon as it arrives, so that nobody waits for the rest, and no
 * byte is looked at again when the next one comes, but a CR that was the last. */
#include "http/head.h"

#include <string.h>

enum { REQUEST_LINE_EXTRA = 32 + 9 + 2 }; /* a long method, " HTTP/1.1", CR LF */

static enum head_progress refuse(struct refusal *ret_refusal, enum status status, const char *detail)
{
    *ret_refusal = (struct refusal){ status, detail };
    return HEAD_REFUSED;
}

/* A run of bytes up to the LF, or to what is still to come: none may be NUL, and a CR only last. */
static bool run_is_clean(const char *run, size_t len, bool ended)
{
    if (memchr(run, '\0', len) != NULL)
        return false;
    const char *cr = memchr(run, '\r', len);
    if (ended)
        return len > 0 && cr == run + len - 1;
    return cr == NULL || cr == run + len - 1;
}

/* True when `seen` bytes, up to the line's LF or to what is still to come, are past a limit. */
static bool is_too_long(bool in_request_line, const struct head_limits *limits, size_t seen,
                        struct refusal *ret_refusal)
{
    if (in_request_line && seen > limits->target_max_bytes + REQUEST_LINE_EXTRA)
        refuse(ret_refusal, STATUS_TARGET_TOO_LONG, "the request target is longer than TARGET_MAX_BYTES");
    else if (seen > limits->head_max_bytes)
        refuse(ret_refusal, STATUS_HEAD_TOO_LARGE, "the request head is larger than HEAD_MAX_BYTES");
    else
        return false;
    return true;
}

enum head_progress head_scan(const char *bytes, size_t len, const struct head_limits *limits, size_t *scanned,
                             size_t *ret_head_bytes, struct refusal *ret_refusal)
{
    bool in_request_line = memchr(bytes, '\n', *scanned) == NULL;
    for (size_t start = *scanned;;) {
        const char *lf = memchr(bytes + start, '\n', len - start);
        size_t end = lf == NULL ? len : (size_t)(lf - bytes);
        size_t seen = lf == NULL ? len : end + 1;
        if (!run_is_clean(bytes + start, end - start, lf != NULL))
            return refuse(ret_refusal, STATUS_MALFORMED_REQUEST, "a line of the head holds NUL, or CR or LF alone");
        if (is_too_long(in_request_line, limits, seen, ret_refusal))
            return HEAD_REFUSED;
        if (lf == NULL) {
            *scanned = len > start && bytes[len - 1] == '\r' ? len - 1 : len;
            return HEAD_INCOMPLETE;
        }
        bool empty = end == start + 1 && (start == 0 || bytes[start - 1] == '\n'); /* the CR alone */
        in_request_line = false;
        start = seen;
        if (!empty)
            continue;
        *scanned = 0;
        *ret_head_bytes = start;
        return HEAD_COMPLETE;
    }
}
