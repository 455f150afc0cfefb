/* SPDX-License-Identifier: MIT */
/* utf8: what is well-formed text (RFC 3629). Pure; all slices are borrowed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <telemetry/slice.h>

/* Bytes (2..4) of the sequence at `at`, whose first byte is 0x80 or more. 0 when it is malformed,
 * overlong, a surrogate, above U+10FFFF, or cut off by `end`. */
size_t utf8_sequence(const char *at, const char *end);

/* Whether all of the text is well-formed. */
bool utf8_valid(struct slice text);

/* Whether well-formed text has a control character: U+0000..001F, U+007F..009F. */
bool utf8_has_control(struct slice text);

/* The text, or its beginning of at most max_bytes that does not cut a character in two. */
struct slice utf8_clip(struct slice text, size_t max_bytes);

/* Writes a code point that is no surrogate; returns the bytes written, 1..4. */
size_t utf8_put(char *place, unsigned code_point);
