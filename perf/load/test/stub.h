/* SPDX-License-Identifier: MIT */
/* stub: a server on a thread of its own that does as told, for one run of the load runner at a time.
 *
 * It takes requests one after the other, over all connections. Every stall_every-th is answered stall_ms late, and
 * all others wait behind it: the queue of one, whose latencies can be computed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STUB_BYTES_MAX = 64 * 1024 };

struct stub_request {
    const char *text; /* head and body, ended by NUL */
    unsigned number;  /* from 1, over all connections */
};

/* Writes the answer to ret_answer, at most STUB_BYTES_MAX; returns its length, 0 to answer nothing, or -1 to close the
 * connection. On the stub's thread. */
typedef int stub_answer(const struct stub_request *request, void *state, char *ret_answer);

struct stub_rules {
    unsigned stall_every, stall_ms; /* 0: never */
    stub_answer *answer;            /* NULL: 200 and an empty body */
    void *state;                    /* of answer; the stub's alone until stub_stop() */
};

struct stub;

/* Listens on any port of 127.0.0.1. Never NULL: a test that cannot start a server has failed. Copies rules. */
struct stub *stub_start(const struct stub_rules *rules);
int stub_port(const struct stub *stub);

/* Ends the thread; returns how many requests came. */
unsigned stub_stop(struct stub *stub);
