/* SPDX-License-Identifier: MIT */
/* log: from any thread to standard error without waiting for it.
 *
 * Happy path: log_write() makes the line on its stack and hands it to the pipe in one write, which
 * the kernel keeps whole (up to PIPE_BUF bytes); the log thread sleeps in read() and copies what
 * comes to standard error. A full pipe refuses the write: the line is counted and dropped, and the
 * thread says so when it has caught up. To stop, the write end is closed, and the thread ends when
 * the pipe is empty. */
#include <telemetry/log.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log_line.h"
#include <telemetry/clock.h>

enum { COPY_BYTES = 16 * 1024, STUCK_MS = 500 };

/* The process has one standard error, and so one log. */
static struct {
    _Atomic enum log_level level;
    _Atomic enum log_format format;
    atomic_bool running;   /* lines go to the pipe */
    atomic_uint n_writers; /* threads that may be using it */
    atomic_uint_fast64_t dropped;
    uint64_t reported; /* of dropped; log thread, then who stops it */
    int pipe_read, pipe_write;
    pthread_t thread;
} the_log = { .level = LOG_INFO, .format = LOG_JSON };

/* The lines of bytes that fit one atomic write to a pipe; each of them does. */
static size_t piece_of(const char *bytes, size_t len)
{
    const char *end = len <= PIPE_BUF ? NULL : memrchr(bytes, '\n', PIPE_BUF);
    return end == NULL ? len : (size_t)(end - bytes) + 1;
}

/* Writes lines to standard error, waiting for it; while the log stops, no longer than STUCK_MS for
 * each piece. */
static void copy_out(const char *bytes, size_t len)
{
    while (len > 0) {
        struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
        int ready = poll(&out, 1, STUCK_MS);
        if (ready == 0 && !atomic_load(&the_log.running))
            return;
        if (ready <= 0)
            continue;
        ssize_t n = write(STDERR_FILENO, bytes, piece_of(bytes, len));
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return; /* nobody is there to read it */
        bytes += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
}

static void report_dropped(void)
{
    struct log_line line;
    char number[LOG_NUMBER_BYTES];
    uint64_t dropped = atomic_load(&the_log.dropped);
    if (dropped == the_log.reported)
        return;
    log_line_begin(&line, the_log.format, LOG_WARN, clock_wall_ms(), "log lines dropped");
    log_line_pair(&line, "count", log_number(number, (int64_t)(dropped - the_log.reported)));
    log_line_end(&line);
    the_log.reported = dropped;
    copy_out(line.text, line.len);
}

/* A read may end inside a line; its beginning is kept for the next. */
static void *log_thread(void *unused)
{
    static char bytes[COPY_BYTES];
    size_t kept = 0;
    (void)unused;
    for (;;) {
        ssize_t n = read(the_log.pipe_read, bytes + kept, sizeof(bytes) - kept);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return NULL;
        const char *end = memrchr(bytes, '\n', kept + (size_t)n);
        size_t whole = end == NULL ? 0 : (size_t)(end - bytes) + 1;
        copy_out(bytes, whole);
        kept += (size_t)n - whole;
        memmove(bytes, bytes + whole, kept);
        report_dropped();
    }
}

/* Signals are for the thread that waits for them, never for this one. */
static int thread_start(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&the_log.thread, NULL, log_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int log_start(enum log_level level, enum log_format format, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(error, 1, "cannot open a pipe for the log: %s", strerror(errno));
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    the_log.pipe_read = ends[0];
    the_log.pipe_write = ends[1];
    atomic_store(&the_log.level, level);
    atomic_store(&the_log.format, format);
    atomic_store(&the_log.running, true);
    int code = thread_start();
    if (code == 0)
        return 0;
    atomic_store(&the_log.running, false);
    close(ends[0]);
    close(ends[1]);
    return error_set(error, 1, "cannot start the log thread: %s", strerror(code));
}

void log_stop(void)
{
    if (!atomic_exchange(&the_log.running, false))
        return;
    while (atomic_load(&the_log.n_writers) > 0)
        sched_yield(); /* each is in one write that does not wait */
    close(the_log.pipe_write);
    pthread_join(the_log.thread, NULL);
    close(the_log.pipe_read);
    report_dropped();
}

uint64_t log_dropped(void)
{
    return atomic_load(&the_log.dropped);
}

/* Counts a line of a place; false when its window is used up. The first line of a new window learns
 * how many the last ones refused. */
static bool place_admits(struct log_place *place, unsigned *ret_suppressed)
{
    uint64_t now_s = clock_ns() / NS_PER_S;
    uint64_t opened_s = atomic_load(&place->window);
    *ret_suppressed = 0;
    if (now_s - opened_s >= LOG_PLACE_S && atomic_compare_exchange_strong(&place->window, &opened_s, now_s)) {
        atomic_store(&place->written, 0);
        *ret_suppressed = atomic_exchange(&place->suppressed, 0);
    }
    if (atomic_load(&place->written) < LOG_PLACE_BURST && atomic_fetch_add(&place->written, 1) < LOG_PLACE_BURST)
        return true;
    atomic_fetch_add(&place->suppressed, *ret_suppressed + 1);
    atomic_fetch_add(&the_log.dropped, 1);
    return false;
}

/* While n_writers counts this thread and `running` is seen, the pipe stays open. */
static void line_send(const struct log_line *line)
{
    atomic_fetch_add(&the_log.n_writers, 1);
    bool running = atomic_load(&the_log.running);
    if (running && write(the_log.pipe_write, line->text, line->len) < 0)
        atomic_fetch_add(&the_log.dropped, 1);
    atomic_fetch_sub(&the_log.n_writers, 1);
    if (!running)
        copy_out(line->text, line->len);
}

void log_write(enum log_level level, struct log_place *place, const char *message, ...)
{
    struct log_line line;
    char number[LOG_NUMBER_BYTES];
    unsigned suppressed = 0;
    if (place != NULL && (level < atomic_load(&the_log.level) || !place_admits(place, &suppressed)))
        return;
    log_line_begin(&line, atomic_load(&the_log.format), level, clock_wall_ms(), message);
    if (suppressed > 0)
        log_line_pair(&line, "suppressed", log_number(number, suppressed));
    va_list pairs;
    va_start(pairs, message);
    for (const char *key; (key = va_arg(pairs, const char *)) != NULL;)
        log_line_pair(&line, key, va_arg(pairs, const char *));
    va_end(pairs);
    log_line_end(&line);
    line_send(&line);
}

const char *log_number(char ret_text[LOG_NUMBER_BYTES], int64_t number)
{
    snprintf(ret_text, LOG_NUMBER_BYTES, "%" PRId64, number);
    return ret_text;
}
