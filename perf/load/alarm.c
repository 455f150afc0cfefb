/* SPDX-License-Identifier: MIT */
#include "alarm.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void on_ring(uv_poll_t *poll, int status, int events)
{
    struct alarm *alarm = poll->data;
    alarm->set_ns = 0;
    alarm->ring(alarm->owner);
    /* Setting it anew takes the expiry off the descriptor; else reading does, or the loop would not sleep again. */
    uint64_t n_expired;
    if (alarm->set_ns == 0 && alarm->fd >= 0 && read(alarm->fd, &n_expired, sizeof(n_expired)) < 0)
        return;
}

int alarm_open(struct alarm *alarm, uv_loop_t *loop, void (*ring)(void *owner), void *owner)
{
    *alarm = (struct alarm){ .ring = ring, .owner = owner };
    alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (alarm->fd < 0)
        return uv_translate_sys_error(errno);
    int code = uv_poll_init(loop, &alarm->poll, alarm->fd);
    alarm->poll.data = alarm;
    return code == 0 ? uv_poll_start(&alarm->poll, UV_READABLE, on_ring) : code;
}

void alarm_set(struct alarm *alarm, uint64_t at_ns)
{
    if (alarm->set_ns == at_ns)
        return;
    alarm->set_ns = at_ns;
    struct itimerspec at = { .it_value = { .tv_sec = (time_t)(at_ns / 1000000000),
                                           .tv_nsec = (long)(at_ns % 1000000000) } };
    timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void alarm_close(struct alarm *alarm)
{
    uv_close((uv_handle_t *)&alarm->poll, NULL);
    close(alarm->fd);
    alarm->fd = -1;
}
