/* SPDX-License-Identifier: MIT */
/* alarm: wakes the loop at a moment, to the microsecond and not to the millisecond of uv_timer_t: a timerfd of
 * absolute monotonic time, watched by the loop. What it costs is one system call to set it, and nothing while it
 * waits. */
#pragma once

#include <stdint.h>
#include <uv.h>

struct alarm {
    uv_poll_t poll;
    int fd;
    uint64_t set_ns; /* 0: not set */
    void (*ring)(void *owner);
    void *owner;
};

/* Calls ring(owner) on the loop whenever a moment that was set is reached. Keeps owner. 0 or a libuv code. */
int alarm_open(struct alarm *alarm, uv_loop_t *loop, void (*ring)(void *owner), void *owner);

/* At that time of uv_hrtime(), in place of what was set before. */
void alarm_set(struct alarm *alarm, uint64_t at_ns);

/* The loop closes it for good when it runs next. */
void alarm_close(struct alarm *alarm);
