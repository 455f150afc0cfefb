/* SPDX-License-Identifier: MIT */
/* failure: what went wrong with a call to MongoDB, as far as a caller must know it.
 *
 * Two questions decide what becomes of a write: may the call have had its effect all the same, and
 * would another try help. Pure but for the text of a failure: any thread.
 * Codes: MongoDB's error_codes.yml, and the retryable writes specification. */
#pragma once

#include <stdbool.h>

#include <mongoc/mongoc.h>

#include <telemetry/status.h>

enum failure {
    FAILURE_NONE,
    FAILURE_UNREACHABLE, /* no server answers */
    FAILURE_NO_PRIMARY,  /* servers answer, but none that takes writes */
    FAILURE_LOGIN,       /* wrong user or password */
    FAILURE_FORBIDDEN,   /* no right to do it, as this user or as none */
    FAILURE_FULL,        /* no space left */
    FAILURE_TOO_SLOW,    /* maxTimeMS ran out */
    FAILURE_LOST,        /* the connection broke, or the server ended, before the answer */
    FAILURE_STEPPED_DOWN, /* the server is no longer the primary, perhaps since the middle of the call */
    FAILURE_UNCONFIRMED, /* done, but not yet on as many servers as the write concern asks for */
    FAILURE_REFUSED,     /* the server will not, for another reason */
    FAILURE_UNSEEN,      /* nobody looked yet */
    FAILURE_SETTING_UP,  /* the indexes are not all there yet */
    FAILURE_COUNT
};

/* The class of a failed call. */
enum failure failure_of(const bson_error_t *error);
/* The same from a server's own code, of a whole command or of one document in it. */
enum failure failure_of_code(int64_t code);

/* Whether the call may have had its effect. */
bool failure_leaves_doubt(enum failure failure);
/* Whether it keeps reads from working too. */
bool failure_stops_reads(enum failure failure);

/* How a job ends that the failure kept from having any effect. */
enum status failure_status(enum failure failure);
/* In words, static; "" for FAILURE_NONE. */
const char *failure_text(enum failure failure);

/* Whether a document is at fault that is refused with this code, whoever sends it and when. */
bool failure_is_of_document(int64_t code);
/* Whether the code says that the _id exists. */
bool failure_is_duplicate(int64_t code);
