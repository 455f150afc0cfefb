/* SPDX-License-Identifier: MIT */
/* answer: the head of an answer, and the body of a refusal (RFC 9110, 9112, 9457, 9211). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/limiter.h>
#include <telemetry/slice.h>

#include "http/head.h"

struct job;
struct loop;
struct request;

/* A Link that would be longer is left out: the body has the cursor, too. No head of an answer is longer
 * than ANSWER_HEAD_MAX: such a Link, a request id, and the fixed fields, 950 bytes at most. */
enum { LINK_BYTES_MAX = 16 * 1024, ANSWER_HEAD_MAX = LINK_BYTES_MAX + 1024 };

enum { REQUEST_ID_MAX = 64 };

/* What an answer needs to know of a request that has no job, or whose job is away. */
struct answer_form {
    uint64_t number; /* of the request, for its id */
    bool keep_alive; /* the connection goes on */
    bool http10;
    bool head_only;
    struct limit_note note; /* of the sender's calls */
    uint8_t id_bytes;       /* 0: the client gave no name */
    char id[REQUEST_ID_MAX];
};

struct answer {
    struct slice head; /* in the buffer that was given */
    struct slice lead; /* to send behind it, and body behind that; empty for HEAD, 204 and 304 */
    struct slice body;
    unsigned http; /* status code */
};

/* Makes the answer of a job that has come home: success from its reply, failure as a problem. The
 * buffer has room for ANSWER_HEAD_MAX bytes. The answer borrows buffer and job. */
struct answer answer_job(struct loop *loop, struct job *job, char *buffer);

/* Keeps the name that the client gave its request. */
void answer_name(struct answer_form *form, const struct request *request);

/* Makes a problem answer without a job. The buffer has room for ANSWER_HEAD_MAX bytes and holds head and
 * body. */
struct answer answer_refusal(struct loop *loop, const struct refusal *refusal, const struct answer_form *form,
                             char *buffer);
