/* SPDX-License-Identifier: MIT */
/* jumping_clock: preloaded into a server, a wall clock that somebody sets forward and back. CLOCK_OFFSET names a file
 * that the test shares: one number of 64 bits, by how many nanoseconds the wall clock is off. The monotonic clock is
 * the kernel's. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

static _Atomic int64_t nothing;

static _Atomic int64_t *map_offset(void)
{
    const char *path = getenv("CLOCK_OFFSET");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(nothing), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return mapped == MAP_FAILED ? &nothing : mapped;
}

/* Threads that come at the same time each map it; whichever is kept shows the same. */
static int64_t offset_ns(void)
{
    static _Atomic int64_t *_Atomic mapped;
    _Atomic int64_t *found = atomic_load(&mapped);
    if (found == NULL) {
        found = map_offset();
        atomic_store(&mapped, found);
    }
    return atomic_load_explicit(found, memory_order_relaxed);
}

static int64_t wall_ns(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec + offset_ns();
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, ret_time);
    int64_t now_ns = wall_ns();
    *ret_time = (struct timespec){ .tv_sec = now_ns / NS_PER_S, .tv_nsec = now_ns % NS_PER_S };
    return 0;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    (void)zone;
    int64_t now_ns = wall_ns();
    *ret_time = (struct timeval){ .tv_sec = now_ns / NS_PER_S, .tv_usec = now_ns % NS_PER_S / 1000 };
    return 0;
}

time_t time(time_t *ret_time)
{
    time_t now = wall_ns() / NS_PER_S;
    if (ret_time != NULL)
        *ret_time = now;
    return now;
}
