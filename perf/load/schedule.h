/* SPDX-License-Identifier: MIT */
/* schedule: when each request is due.
 *
 * Open loop: request i is due at start + i / rate, whatever happened to those before it. Requests that are due and
 * not sent wait in order; the queue is just the difference of two numbers. Closed loop (rate 0): a request is due
 * when a connection is free for it. All times are of uv_hrtime(), in nanoseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    double rate; /* requests a second; 0: closed loop */
    uint64_t start_ns, warm_ns, end_ns;
    uint64_t next;  /* the request to send next, from 0 */
    uint64_t limit; /* there are no more than so many; 0: as many as are due before the end */
};

/* The first request is due at start_ns; those before start + warm-up are not measured. */
void schedule_start(struct schedule *schedule, uint64_t start_ns, double warm_up_s, double duration_s);

uint64_t schedule_due_ns(const struct schedule *schedule, uint64_t number);

/* The next request is due before the end and within the limit: it exists. now_ns counts in the closed loop only. */
bool schedule_has_next(const struct schedule *schedule, uint64_t now_ns);

/* When the next request is due: in the closed loop now, or at the start. */
uint64_t schedule_next_due_ns(const struct schedule *schedule, uint64_t now_ns);

/* How many are due by now and not sent yet. */
uint64_t schedule_backlog(const struct schedule *schedule, uint64_t now_ns);
