/* SPDX-License-Identifier: MIT */
/* block: grows by doubling, where the budget has no room for that by what is needed; what it holds is charged to the
 * loop's budget before it is allocated. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/connection.h"
#include "http/loop.h"

enum { BLOCK_BYTES_MIN = 1024 };

bool loop_budget_take(struct loop *loop, size_t bytes)
{
    if (bytes > loop->settings->body_budget_bytes - loop->budget_used)
        return false;
    loop->budget_used += bytes;
    return true;
}

void loop_budget_give(struct loop *loop, size_t bytes)
{
    assert(bytes <= loop->budget_used);
    loop->budget_used -= bytes;
}

static size_t answers_room(const struct loop *loop)
{
    return loop->settings->body_budget_bytes / 2 - loop->answers_used;
}

static bool block_charge(struct loop *loop, const struct block *block, size_t bytes)
{
    if ((block->has_answers && bytes > answers_room(loop)) || !loop_budget_take(loop, bytes))
        return false;
    if (block->has_answers)
        loop->answers_used += bytes;
    return true;
}

static void block_give_back(struct loop *loop, const struct block *block, size_t bytes)
{
    loop_budget_give(loop, bytes);
    if (block->has_answers)
        loop->answers_used -= bytes;
}

static size_t grown(const struct block *block, size_t needed)
{
    size_t capacity = 2 * block->capacity;
    if (capacity < BLOCK_BYTES_MIN)
        capacity = BLOCK_BYTES_MIN;
    if (capacity > block->most && block->most > 0)
        capacity = block->most;
    return capacity < needed ? needed : capacity;
}

static bool block_grow(struct loop *loop, struct block *block, size_t needed)
{
    size_t capacity = grown(block, needed);
    if (!block_charge(loop, block, capacity - block->capacity)) {
        capacity = needed;
        if (!block_charge(loop, block, capacity - block->capacity))
            return false;
    }
    char *data = realloc(block->data, capacity);
    if (data == NULL) {
        block_give_back(loop, block, capacity - block->capacity);
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
    block_give_back(loop, block, block->capacity);
    free(block->data);
    *block = (struct block){ 0 };
}
