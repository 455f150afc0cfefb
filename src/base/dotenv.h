/* SPDX-License-Identifier: MIT */
/* dotenv: files of KEY=value lines.
 *
 *     # a comment
 *     export KEY=value      # `export` is allowed; a comment starts behind a blank
 *     KEY = "a \"b\" \n c"  # double quotes: \n \t \" \\ and no other escape
 *     KEY='taken as it is'  # single quotes: no escapes
 *
 * Lines end in LF or CRLF; a byte order mark at the start is skipped; a value never spans lines. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <telemetry/status.h>

struct dotenv_entry {
    char *key, *value; /* in the text of the dotenv */
    unsigned line;     /* from 1 */
};

struct dotenv {
    char *text;
    struct dotenv_entry *entries; /* in the order of the file, doubles kept */
    size_t n_entries;
};

/* Reads a file; *ret_found is false, and the dotenv empty, when there is none. -1 with one line
 * `path:line: key: reason` and exit code 78 when it cannot be read or a line is bad; then nothing is
 * to be freed. */
MUST_CHECK int dotenv_read(struct dotenv *dotenv, const char *path, bool *ret_found, struct error *error);

/* The same for text in memory, which is copied; `path` is what errors name. */
MUST_CHECK int dotenv_parse(struct dotenv *dotenv, const char *path, const char *text, size_t len, struct error *error);

void dotenv_fini(struct dotenv *dotenv);

/* Lends the last entry of a key, or NULL. */
const struct dotenv_entry *dotenv_find(const struct dotenv *dotenv, const char *key);
