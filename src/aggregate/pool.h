/* SPDX-License-Identifier: MIT */
/* pool: heap blocks counted against a budget, all of them given back in one call. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <telemetry/status.h>

struct pool_block; /* one heap block, linked to its neighbours */

struct pool {
    size_t max_bytes;
    size_t used_bytes; /* of all blocks, their links included */
    struct pool_block *blocks;
    enum status status; /* STATUS_OK, or why the first allocation failed that did */
};

void pool_init(struct pool *pool, size_t max_bytes);
/* Frees all blocks. */
void pool_fini(struct pool *pool);

/* Lends a zeroed block, aligned to 16, until pool_free() or pool_fini(). NULL when the budget (QUERY_TOO_LARGE) or
 * the heap (OUT_OF_MEMORY) is exhausted; pool->status tells which. */
void *pool_alloc(struct pool *pool, size_t bytes);
/* Gives a block back. NULL is allowed. */
void pool_free(struct pool *pool, void *memory);
/* Lends a larger block with the bytes of memory (which may be NULL) in front, zeroes behind; the old one is
 * given back. NULL: memory is as it was. */
void *pool_grow(struct pool *pool, void *memory, size_t old_bytes, size_t bytes);

/* Whether so many bytes fit into that share of the budget: 1 in share. */
bool pool_has_room(const struct pool *pool, size_t bytes, unsigned share);
