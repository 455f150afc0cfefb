/* SPDX-License-Identifier: MIT */
/* json_scan: the two tokens of JSON that need reading, strings and numbers (RFC 8259, 6 and 7).
 *
 * Pure; text is borrowed. A scan that fails leaves `at` where the text is wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>

struct json_scan {
    const char *at; /* the first byte of the token; behind its last when it is good */
    const char *end;
    bool escaped;       /* a string with a backslash in it */
    const char *reason; /* static sentence when it is not good */
};

/* A string with its quotes; *at is the first of them. */
bool json_scan_string(struct json_scan *scan);

/* A number that fits a double. What follows it is not looked at. */
bool json_scan_number(struct json_scan *scan);

/* Writes the text that a good string (without its quotes) stands for, never longer than itself, into
 * place; returns its bytes. */
size_t json_unescape(struct slice raw, char *place);
