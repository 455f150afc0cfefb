/* SPDX-License-Identifier: MIT */
/* answer: the head of an answer, and the body of a refusal (RFC 9110, 9112, 9457, 9211). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>

#include "http/head.h"

struct job;
struct loop;

/* No head of an answer is longer: a full target in Link, a request id, and the fixed fields. */
enum { ANSWER_HEAD_MAX = 16 * 1024 + 1024 };

struct answer {
    struct slice head; /* in the buffer that was given */
    struct slice body; /* to send behind it; empty for HEAD, 204 and 304 */
    unsigned http;     /* status code */
};

/* Makes the answer of a job that has come home: success from its reply, failure as a problem. The
 * buffer has room for ANSWER_HEAD_MAX bytes. The answer borrows buffer and job. */
struct answer answer_job(struct loop *loop, struct job *job, char *buffer);

/* Makes a problem answer without a job; `detail` is static. With `close` it says so. The buffer has room
 * for ANSWER_HEAD_MAX bytes and holds head and body. */
struct answer answer_refusal(struct loop *loop, const struct refusal *refusal, bool close, char *buffer);
