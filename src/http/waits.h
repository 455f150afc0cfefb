/* SPDX-License-Identifier: MIT */
/* waits: the time-outs of a loop. Each kind has one duration, so its list is in order of deadlines and
 * starting, ending and finding the next due one cost nothing that grows. Loop thread. */
#pragma once

#include <stdint.h>

enum wait_kind {
    WAIT_NONE,
    WAIT_IDLE,   /* for the first byte of a request */
    WAIT_HEAD,   /* for the rest of a head */
    WAIT_BODY,   /* for a look at how fast a body arrives */
    WAIT_WRITE,  /* for the client to take an answer */
    WAIT_LINGER, /* for the client to close after a last answer */
    WAIT_KINDS
};

struct wait {
    struct wait *earlier, *later;
    uint64_t deadline_ns;
    enum wait_kind kind;
};

struct waits {
    struct wait *first[WAIT_KINDS], *last[WAIT_KINDS];
    uint64_t duration_ns[WAIT_KINDS];
};

/* Ends what the wait was waiting for and starts anew with a kind; WAIT_NONE: only ends. */
void waits_set(struct waits *waits, struct wait *wait, enum wait_kind kind, uint64_t now_ns);
/* A wait whose deadline has passed, still in its list, or NULL. */
struct wait *waits_due(const struct waits *waits, uint64_t now_ns);
/* The earliest deadline; UINT64_MAX without any wait. */
uint64_t waits_next_ns(const struct waits *waits);
