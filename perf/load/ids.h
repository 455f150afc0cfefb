/* SPDX-License-Identifier: MIT */
/* ids: the ids that answers gave, for calls that need one.
 *
 * A call takes an id out and puts it back when it was answered; a DELETE does not put it back. So no two calls under
 * way name the same metric, and a 404 is an error of the server and not of the order in which things happened. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>

#include "random.h"

enum { ID_BYTES = 24, IDS_MAX = 1 << 16 };

struct id {
    char text[ID_BYTES];
};

struct ids {
    struct id *all; /* IDS_MAX of them */
    unsigned n;
    struct random random;
};

void ids_init(struct ids *ids, uint64_t seed);
void ids_free(struct ids *ids);

/* A full pool forgets one of its ids, any, for the new one. Borrows the id. */
void ids_put(struct ids *ids, const struct id *id);

/* Moves any id out; false when there is none. */
bool ids_take(struct ids *ids, struct id *ret_id);

/* Reads ids out of an answer as it comes in, cut anywhere: whatever stands as "24 hex digits" in quotes. */
struct id_scan {
    unsigned len; /* digits since the quote */
    bool open;    /* a quote, and only digits since */
    struct id id;
};

void id_scan_feed(struct id_scan *scan, struct slice bytes, struct ids *into);
