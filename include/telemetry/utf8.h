/* SPDX-License-Identifier: MIT */
/* utf8: where characters end (RFC 3629). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at the front of text: 1 to 4; 0 when the first of its `len` bytes begin no
 * whole, shortest-form character, or one of the surrogates, or len is 0. */
size_t utf8_length(const char *text, size_t len);
/* Whether this character of len bytes is a control: U+0000 to U+001F, U+007F, U+0080 to U+009F. */
bool utf8_is_control(const char *character, size_t len);
