/* SPDX-License-Identifier: MIT */
/* access: between the files of this folder. */
#pragma once

#include <telemetry/access.h>

/* SHA-256 of a text. */
void access_digest(struct slice text, uint8_t ret_digest[ACCESS_DIGEST_BYTES]);

/* Whether a name is one of 1 to ACCESS_NAME_MAX letters, digits, - _ . */
bool access_name_is_good(struct slice name);

/* Reads one line without its end into *ret_key. NULL, or a static sentence that says what is wrong; *ret_empty tells
 * that the line has no key. */
const char *key_line_parse(struct slice line, struct access_key *ret_key, bool *ret_empty);
