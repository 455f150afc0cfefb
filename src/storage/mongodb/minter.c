/* SPDX-License-Identifier: MIT */
#include "minter.h"

#include <string.h>
#include <sys/random.h>

#include <telemetry/clock.h>

void minter_init(struct minter *minter)
{
    *minter = (struct minter){ .seconds = 0 };
    if (getrandom(minter->random, sizeof(minter->random), 0) != sizeof(minter->random)) {
        uint64_t now_ns = clock_ns(); /* no source of chance: the moment and the place in memory */
        now_ns ^= (uint64_t)(uintptr_t)minter * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(minter->random, &now_ns, sizeof(minter->random));
    }
}

struct metric_id minter_next(struct minter *minter, uint32_t seconds)
{
    struct metric_id id;
    if (seconds > minter->seconds || minter->count > MINTER_COUNT_MAX) {
        minter->seconds = seconds > minter->seconds ? seconds : minter->seconds + 1;
        minter->count = 0;
    }
    for (unsigned i = 0; i < 4; i++)
        id.bytes[i] = (uint8_t)(minter->seconds >> (24 - 8 * i));
    memcpy(id.bytes + 4, minter->random, MINTER_RANDOM_BYTES);
    for (unsigned i = 0; i < 3; i++)
        id.bytes[9 + i] = (uint8_t)(minter->count >> (16 - 8 * i));
    minter->count++;
    return id;
}
