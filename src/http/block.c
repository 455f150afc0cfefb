/* SPDX-License-Identifier: MIT */
/* block: grows by doubling; what it holds is charged to the loop's budget before it is allocated. */
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

static bool block_grow(struct loop *loop, struct block *block, size_t needed)
{
    size_t capacity = 2 * block->capacity;
    if (capacity < BLOCK_BYTES_MIN)
        capacity = BLOCK_BYTES_MIN;
    if (capacity < needed)
        capacity = needed;
    size_t more = capacity - block->capacity;
    if ((block->has_answers && more > answers_room(loop)) || !loop_budget_take(loop, more))
        return false;
    char *data = realloc(block->data, capacity);
    if (data == NULL) {
        loop_budget_give(loop, more);
        return false;
    }
    if (block->has_answers)
        loop->answers_used += more;
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
    loop_budget_give(loop, block->capacity);
    if (block->has_answers)
        loop->answers_used -= block->capacity;
    free(block->data);
    *block = (struct block){ 0 };
}
