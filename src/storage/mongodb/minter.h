/* SPDX-License-Identifier: MIT */
/* minter: new ObjectIds, in rising order: 4 bytes of seconds since 1970, 5 random bytes of the minter's
 * own, 3 bytes that count (MongoDB's ObjectId specification, but that the count begins anew with each
 * second, so that ids of one minter sort as they were made). One thread. */
#pragma once

#include <stdint.h>

#include <telemetry/metric.h>

enum { MINTER_RANDOM_BYTES = 5, MINTER_COUNT_MAX = 0xffffff };

struct minter {
    uint8_t random[MINTER_RANDOM_BYTES];
    uint32_t seconds; /* of the last id; never goes back */
    uint32_t count;   /* ids minted within them */
};

void minter_init(struct minter *minter);

/* The next id, at this time; a clock that went back, or a full second, does not stop the order. */
struct metric_id minter_next(struct minter *minter, uint32_t seconds);
