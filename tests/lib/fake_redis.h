/* SPDX-License-Identifier: MIT */
/* fake_redis: a server on a free port that takes commands as Redis does, and answers as the test says. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What it does with a command, apart from the greeting (each connection's first one). */
enum fake_manner {
    FAKE_WELL,       /* +OK, and nil for every key */
    FAKE_SILENT,     /* reads and never answers */
    FAKE_SLOW,       /* answers well, 200 ms later */
    FAKE_CLOSES,     /* closes the connection */
    FAKE_GARBAGE,    /* random bytes */
    FAKE_TWICE,      /* two answers to one command */
    FAKE_HUGE_ARRAY, /* announces an array of a billion elements */
    FAKE_ENDLESS,    /* a string without end */
    FAKE_NESTED,     /* behind a good answer, unasked: arrays in arrays of long strings, of which none becomes whole */
    FAKE_NUMBERS,    /* :1 to everything */
    FAKE_ERRORS,     /* an error to everything */
    FAKE_OTHER_DATA, /* strings of other sizes than any number */
    FAKE_BAD_VALUES, /* sound numbers, and a value that is none */
    FAKE_MANNERS
};

struct fake_redis {
    int listener;
    unsigned port;
    char uri[64];
    atomic_int manner;
    atomic_bool rude_greeting; /* the greeting is treated like any other command */
    atomic_bool stopping;
    atomic_uint n_commands, n_connections;
    atomic_size_t nested_bytes; /* sent so */
    pthread_t thread;
};

void fake_redis_start(struct fake_redis *fake, enum fake_manner manner);
void fake_redis_stop(struct fake_redis *fake);
