/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

struct pool_block {
    struct pool_block *earlier, *later;
    size_t bytes; /* with this head */
    _Alignas(16) char memory[];
};

void pool_init(struct pool *pool, size_t max_bytes)
{
    *pool = (struct pool){ .max_bytes = max_bytes, .status = STATUS_OK };
}

void pool_fini(struct pool *pool)
{
    while (pool->blocks != NULL) {
        struct pool_block *block = pool->blocks;
        pool->blocks = block->earlier;
        free(block);
    }
    pool->used_bytes = 0;
}

static void *fail(struct pool *pool, enum status status)
{
    if (pool->status == STATUS_OK)
        pool->status = status;
    return NULL;
}

void *pool_alloc(struct pool *pool, size_t bytes)
{
    size_t room = pool->max_bytes - pool->used_bytes;
    if (room < sizeof(struct pool_block) || bytes > room - sizeof(struct pool_block))
        return fail(pool, STATUS_QUERY_TOO_LARGE);
    struct pool_block *block = calloc(1, sizeof(*block) + bytes);
    if (block == NULL)
        return fail(pool, STATUS_OUT_OF_MEMORY);
    block->bytes = sizeof(*block) + bytes;
    block->earlier = pool->blocks;
    if (pool->blocks != NULL)
        pool->blocks->later = block;
    pool->blocks = block;
    pool->used_bytes += block->bytes;
    return block->memory;
}

void pool_free(struct pool *pool, void *memory)
{
    if (memory == NULL)
        return;
    struct pool_block *block = (struct pool_block *)((char *)memory - offsetof(struct pool_block, memory));
    if (block->earlier != NULL)
        block->earlier->later = block->later;
    if (block->later != NULL)
        block->later->earlier = block->earlier;
    else
        pool->blocks = block->earlier;
    pool->used_bytes -= block->bytes;
    free(block);
}

void *pool_grow(struct pool *pool, void *memory, size_t old_bytes, size_t bytes)
{
    void *grown = pool_alloc(pool, bytes);
    if (grown == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(grown, memory, old_bytes);
    pool_free(pool, memory);
    return grown;
}

bool pool_has_room(const struct pool *pool, size_t bytes, unsigned share)
{
    size_t max_bytes = pool->max_bytes / share;
    return pool->used_bytes <= max_bytes && bytes <= max_bytes - pool->used_bytes;
}
