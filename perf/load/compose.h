/* SPDX-License-Identifier: MIT */
/* compose: the bytes of requests.
 *
 * Which call comes next, its names, values and ids follow from the seed; only the timestamps are those of the
 * moment. The metrics of batches are made before the clock starts and sent in turn with new timestamps: making a
 * thousand of them takes longer than the next request can wait. */
#pragma once

#include "buffer.h"
#include "ids.h"
#include "random.h"
#include "scenario.h"

enum { BATCHES_MADE = 16, STAMP_BYTES = 24 };

struct batch {
    struct buffer body;
    size_t *stamps; /* where the timestamp of each metric is */
};

struct composer {
    const struct scenario *scenario;
    struct ids *ids;
    struct slice headers; /* lines that every request has, each ended by CRLF */
    struct random random;
    double weights[CALLS_MAX]; /* running sums */
    struct batch *batches[CALLS_MAX];
    unsigned next_batch[CALLS_MAX];
    struct buffer body;
    int64_t stamp_second; /* of `stamp` */
    char stamp[STAMP_BYTES + 1];
};

/* Keeps the scenario, the ids and the headers until composer_free(). */
void composer_init(struct composer *composer, const struct scenario *scenario, struct ids *ids, uint64_t seed);
void composer_free(struct composer *composer);

/* The call to send next, by weight; the giver of ids where that call needs an id and there is none. */
unsigned composer_choose(struct composer *composer, bool *ret_substituted);

/* Replaces what is in `into` by a request of the call to that host; when the call needs an id, takes one and writes
 * it to ret_id. Borrows host. */
void composer_write(struct composer *composer, unsigned call, struct slice host, struct buffer *into,
                    struct id *ret_id);
