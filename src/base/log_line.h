/* SPDX-License-Identifier: MIT */
/* log_line: one event as bytes, made on the stack of who logs it.
 *
 * Values are cut at LOG_VALUE_BYTES and pairs that find no room are left out, so that a line always
 * fits one atomic write to a pipe. Control characters come out escaped and what is not UTF-8 as
 * U+FFFD: no value can forge a line or drive a terminal. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/log.h>

enum { LOG_LINE_BYTES = PIPE_BUF, LOG_VALUE_BYTES = 512 };

struct log_line {
    enum log_format format;
    size_t len;
    bool full; /* something of the pair at hand did not fit */
    char text[LOG_LINE_BYTES];
};

/* Starts a line with time, level and message. Borrows message. */
void log_line_begin(struct log_line *line, enum log_format format, enum log_level level, int64_t now_ms,
                    const char *message);

/* Adds a pair, or leaves it out when the line has no room for it. Borrows both; value may be NULL. */
void log_line_pair(struct log_line *line, const char *key, const char *value);

/* Ends the line; text[0..len) is complete. */
void log_line_end(struct log_line *line);
