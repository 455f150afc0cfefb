/* SPDX-License-Identifier: MIT */
/* slow_sync: preloaded into a server, a disk whose every sync takes SLOW_SYNC_US, whatever the one below does: with
 * one request a commit, a store whose capacity is known. Nothing is synced. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int take_time(void)
{
    const char *text = getenv("SLOW_SYNC_US");
    long us = text == NULL ? 0 : strtol(text, NULL, 10);
    struct timespec left = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
    return 0;
}

int fsync(int fd)
{
    (void)fd;
    return take_time();
}

int fdatasync(int fd)
{
    (void)fd;
    return take_time();
}
