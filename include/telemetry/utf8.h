/* SPDX-License-Identifier: MIT */
/* utf8: where characters end (RFC 3629). */
#pragma once

#include <stddef.h>

/* Bytes of the character at the front of text: 1 to 4; 0 when the first of its `len` bytes begin no
 * whole, shortest-form character, or one of the surrogates, or len is 0. */
size_t utf8_length(const char *text, size_t len);
