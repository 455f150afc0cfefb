/* SPDX-License-Identifier: MIT */
/* arena: bump memory with one owner, dropped in one call.
 *
 * The first block comes from the caller and is never freed; what does not fit there goes to
 * chunks of the heap, which arena_reset() gives back. No allocation is freed by itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>

struct arena_chunk; /* one heap block, linked to the one before it */

struct arena {
    char *block;                /* the first block, the caller's */
    size_t block_bytes;         /* its size */
    char *next;                 /* where the next allocation starts */
    char *end;                  /* end of the block or chunk in use */
    struct arena_chunk *chunks; /* newest first */
    size_t overflow_bytes;      /* heap bytes held in chunks */
    bool exhausted;             /* an allocation failed since the last reset */
};

/* Makes an empty arena over block (kept until the arena is no longer used; 16-byte aligned). */
void arena_init(struct arena *arena, void *block, size_t block_bytes);

/* Gives back all chunks and starts again at the first block. All that was allocated is gone. */
void arena_reset(struct arena *arena);

/* Lends `bytes` bytes aligned to 16, valid until arena_reset(). NULL when the heap is exhausted. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* Lends a copy of the bytes of `text`, NUL-terminated behind its length; data is NULL on exhaustion. */
struct slice arena_copy(struct arena *arena, struct slice text);

/* A text that grows inside an arena. Appending never fails in place: on exhaustion `failed` is set,
 * later appends do nothing, and the writer checks once at the end. */
struct text {
    struct arena *arena;
    char *data;
    size_t len;
    size_t capacity;
    bool failed;
};

/* Starts an empty text with room for `capacity` bytes. Keeps arena. */
struct text text_in(struct arena *arena, size_t capacity);

/* Makes room for `bytes` more and lends the place to write them, or NULL; then call text_advance(). */
char *text_reserve(struct text *text, size_t bytes);

/* Counts `bytes` that were written at the place text_reserve() lent. */
static inline void text_advance(struct text *text, size_t bytes)
{
    text->len += bytes;
}

/* Appends bytes. */
void text_append(struct text *text, const char *data, size_t len);
#define text_literal(text, literal) text_append((text), (literal), sizeof(literal) - 1)

/* Appends as printf does (C locale). */
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);

/* Appends an unsigned or signed integer in decimal. */
void text_u64(struct text *text, uint64_t number);
void text_i64(struct text *text, int64_t number);

/* Appends a string of JSON (RFC 8259, 7) in its quotes: quotes, backslashes and control characters are
 * escaped, all else goes as it is and should be UTF-8. */
void text_json(struct text *text, struct slice string);

static inline struct slice text_slice(const struct text *text)
{
    return (struct slice){ text->data, text->len };
}
