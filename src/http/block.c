/* SPDX-License-Identifier: MIT */
/* block: grows by doubling, a large one by GROWTH_MAX (the allocator moves its pages, not its bytes), and by what is
 * needed where the budget has no room for more; what it holds is charged to the loop's budget before it is allocated.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/config.h>

#include "http/connection.h"
#include "http/loop.h"

enum { BLOCK_BYTES_MIN = 1024, GROWTH_MAX = 256 * 1024 };

/* The part of the budget that a share may have. */
static const size_t part_of[BUDGET_SHARES] = {
    [BUDGET_BODIES] = 1, [BUDGET_HEADS] = CONFIG_HEADS_PART, [BUDGET_ANSWERS] = 2
};

bool loop_budget_take(struct loop *loop, enum budget_share share, size_t bytes)
{
    size_t budget = loop->settings->body_budget_bytes;
    if (bytes > budget / part_of[share] - loop->budget_shares[share] || bytes > budget - loop->budget_used)
        return false;
    loop->budget_shares[share] += bytes;
    loop->budget_used += bytes;
    return true;
}

void loop_budget_give(struct loop *loop, enum budget_share share, size_t bytes)
{
    assert(bytes <= loop->budget_shares[share]);
    loop->budget_shares[share] -= bytes;
    loop->budget_used -= bytes;
}

static size_t grown(const struct block *block, size_t needed)
{
    size_t capacity = block->capacity + (block->capacity < GROWTH_MAX ? block->capacity : GROWTH_MAX);
    if (capacity < BLOCK_BYTES_MIN)
        capacity = BLOCK_BYTES_MIN;
    if (capacity > block->most && block->most > 0)
        capacity = block->most;
    return capacity < needed ? needed : capacity;
}

static bool block_grow(struct loop *loop, struct block *block, size_t needed)
{
    size_t capacity = grown(block, needed);
    if (!loop_budget_take(loop, block->share, capacity - block->capacity)) {
        capacity = needed;
        if (!loop_budget_take(loop, block->share, capacity - block->capacity))
            return false;
    }
    char *data = realloc(block->data, capacity);
    if (data == NULL) {
        loop_budget_give(loop, block->share, capacity - block->capacity);
        return false;
    }
    block->data = data;
    block->capacity = capacity;
    return true;
}

bool block_append(struct loop *loop, struct block *block, const char *bytes, size_t len)
{
    if (len > block->capacity - block->len && !block_grow(loop, block, block->len + len))
        return false;
    if (len > 0)
        memcpy(block->data + block->len, bytes, len);
    block->len += len;
    return true;
}

void block_free(struct loop *loop, struct block *block)
{
    loop_budget_give(loop, block->share, block->capacity);
    free(block->data);
    *block = (struct block){ 0 };
}
