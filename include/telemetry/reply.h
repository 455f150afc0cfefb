/* SPDX-License-Identifier: MIT */
/* reply: what the stages say of an answer; http/ makes the bytes of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

enum reply_media { MEDIA_NONE, MEDIA_JSON, MEDIA_TEXT };

enum { REPLY_ERRORS_MAX = 100 };

/* One broken rule (RFC 9457, `errors`). */
struct reply_error {
    uint32_t index;       /* item of the batch, from 0 */
    struct slice pointer; /* JSON pointer (RFC 6901) to the member, inside the item; may be empty */
    struct slice detail;
};

struct reply {
    uint16_t http;     /* success status: 200, 201, 204, 304; failures use the job's status */
    uint8_t media;     /* enum reply_media */
    bool has_etag;     /* etag goes out as a strong entity tag */
    bool has_location; /* Location: /metrics/{id of the first metric} */
    uint64_t etag;     /* of body alone; with a lead, the tag that goes out is of both */
    struct slice lead; /* sent in front of body: what is this request's own in an answer that others share */
    struct slice body;
    struct slice next_cursor; /* not empty: Link: rel="next" with it */
    const char *allow;        /* Allow: for 405 and OPTIONS; in the job's arena */
    /* for failures */
    struct slice detail; /* one sentence; empty: the title says it all */
    struct reply_error *errors;
    uint16_t n_errors;  /* 0..REPLY_ERRORS_MAX */
    struct slice extra; /* further members of the problem (RFC 9457, 3.2), as JSON: `,"name":...` for each */
};
