/* SPDX-License-Identifier: MIT */
/* utf8_text: what may stand in a text of a client (RFC 3629). Pure; all slices are borrowed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <telemetry/slice.h>

/* Whether all of the text is well-formed. */
bool utf8_text_valid(struct slice text);

/* Whether well-formed text has a control character: U+0000..001F, U+007F..009F. */
bool utf8_text_has_control(struct slice text);

/* The text, or its beginning of at most max_bytes that does not cut a character in two. */
struct slice utf8_text_clip(struct slice text, size_t max_bytes);

/* Writes a code point that is no surrogate; returns the bytes written, 1..4. */
size_t utf8_text_put(char *place, unsigned code_point);
