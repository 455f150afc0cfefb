/* SPDX-License-Identifier: MIT */
/* log: one line for each event, as JSON or text, on standard error.
 *
 * log_write() formats into a pipe that is never waited for; a thread of the log's own copies it to
 * standard error. What finds no room, or exceeds the rate of its place in the code, is counted and
 * reported in a later line. Any thread may write. Values are escaped and capped at 512 bytes. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <telemetry/status.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Starts the log thread. Until then, and after log_stop(), lines go straight to standard error. */
MUST_CHECK int log_start(enum log_level level, enum log_format format, struct error *error);
/* Writes out what is left and joins the thread. */
void log_stop(void);

/* Lines dropped so far. */
uint64_t log_dropped(void);

/* The rate limit of one place in the code: LOG_PLACE_BURST lines in LOG_PLACE_S seconds. */
enum { LOG_PLACE_BURST = 10, LOG_PLACE_S = 10 };
struct log_place {
    atomic_uint_fast64_t window; /* second at which the window opened */
    atomic_uint written, suppressed;
};

/* Writes an event with pairs of key and value: message is a short static sentence; then key, value
 * strings alternate and end with NULL. A NULL value prints as empty. Use the macros; without a place a line is
 * written whatever LOG_LEVEL says, and however many there are. */
void log_write(enum log_level level, struct log_place *place, const char *message, ...) __attribute__((sentinel));

#define LOG_AT(level, ...)                                                                                             \
    do {                                                                                                               \
        static struct log_place log_place_here;                                                                        \
        log_write((level), &log_place_here, __VA_ARGS__, (char *)0);                                                   \
    } while (0)
#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  LOG_AT(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)

/* A number as a value: lends text that lives in the caller's block. */
#define LOG_NUMBER_BYTES 24
const char *log_number(char ret_text[LOG_NUMBER_BYTES], int64_t number);
