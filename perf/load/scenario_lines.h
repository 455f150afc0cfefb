/* SPDX-License-Identifier: MIT */
/* scenario_lines: what the files that read a scenario share. */
#pragma once

#include "scenario.h"

struct reader {
    struct scenario *scenario;
    const char *name;      /* of the file */
    unsigned line;         /* from 1 */
    struct slice rest;     /* of the line: what was not read yet */
    struct slice prepared; /* key of the call that `prepare` names; its line */
    unsigned prepared_line;
    char *complaint;
};

/* Complains about this line; -1, for the caller to return. */
__attribute__((format(printf, 2, 3))) int refuse(struct reader *reader, const char *format, ...);

/* The next word of the line; empty at its end. */
struct slice word(struct reader *reader);

/* Numbers as the next word, with bounds; `what` stands in the complaint. 0 or -1. */
int read_number(struct reader *reader, const char *what, const double bounds[2], double *ret_number);
int read_count(struct reader *reader, const char *what, unsigned max, unsigned *ret_count);

/* The next word as the key of a name set that was defined above. */
int read_set(struct reader *reader, unsigned *ret_set);

/* A line that begins with a key of its own, or -1; `call` is the one that the line belongs to. */
int read_call_line(struct reader *reader, struct slice key, struct call *call);

/* True when the line's first word is one that read_call_line() knows. */
bool is_call_key(struct slice key);
