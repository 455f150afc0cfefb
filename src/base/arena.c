/* SPDX-License-Identifier: MIT */
/* arena: an allocation bumps `next`; when the block at hand is too small, a chunk at least twice the
 * last one's size (up to CHUNK_BYTES_MAX) takes over. */
#include <telemetry/arena.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGNMENT = 16, CHUNK_BYTES_MIN = 16 * 1024, CHUNK_BYTES_MAX = 1024 * 1024, TEXT_BYTES_MIN = 64 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes;
    _Alignas(ALIGNMENT) char memory[];
};

void arena_init(struct arena *arena, void *block, size_t block_bytes)
{
    *arena =
        (struct arena){ .block = block, .block_bytes = block_bytes, .next = block, .end = (char *)block + block_bytes };
}

void arena_reset(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        free(chunk);
    }
    arena->overflow_bytes = 0;
    arena->exhausted = false;
    arena->next = arena->block;
    arena->end = arena->block + arena->block_bytes;
}

static void *chunk_alloc(struct arena *arena, size_t bytes)
{
    size_t wanted = arena->chunks == NULL ? CHUNK_BYTES_MIN : 2 * arena->chunks->bytes;
    if (wanted > CHUNK_BYTES_MAX)
        wanted = CHUNK_BYTES_MAX;
    if (wanted < bytes)
        wanted = bytes;
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + wanted);
    arena->exhausted = arena->exhausted || chunk == NULL;
    if (chunk == NULL)
        return NULL;
    chunk->older = arena->chunks;
    chunk->bytes = wanted;
    arena->chunks = chunk;
    arena->overflow_bytes += wanted;
    arena->next = chunk->memory + bytes;
    arena->end = chunk->memory + wanted;
    return chunk->memory;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 4) {
        arena->exhausted = true;
        return NULL;
    }
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (bytes > (size_t)(arena->end - arena->next))
        return chunk_alloc(arena, bytes);
    void *memory = arena->next;
    arena->next += bytes;
    return memory;
}

struct slice arena_copy(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return (struct slice){ copy, text.len };
}

struct text text_in(struct arena *arena, size_t capacity)
{
    struct text text = { .arena = arena };
    text.data = arena_alloc(arena, capacity);
    text.capacity = text.data == NULL ? 0 : capacity;
    text.failed = text.data == NULL;
    return text;
}

/* The text moves to a place twice as large; when it is the arena's newest allocation the old place is
 * lost until the reset, which doubling bounds to the size of the text. */
static bool text_grow(struct text *text, size_t bytes)
{
    size_t capacity = 2 * text->capacity + TEXT_BYTES_MIN;
    if (capacity < text->len + bytes)
        capacity = text->len + bytes;
    char *data = bytes > SIZE_MAX / 4 ? NULL : arena_alloc(text->arena, capacity); /* the sum did not wrap */
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    memcpy(data, text->data, text->len);
    text->data = data;
    text->capacity = capacity;
    return true;
}

char *text_reserve(struct text *text, size_t bytes)
{
    if (text->failed)
        return NULL;
    if (bytes > text->capacity - text->len && !text_grow(text, bytes))
        return NULL;
    return text->data + text->len;
}

void text_append(struct text *text, const char *data, size_t len)
{
    char *place = len == 0 ? NULL : text_reserve(text, len);
    if (place == NULL)
        return;
    memcpy(place, data, len);
    text->len += len;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *place = len < 0 ? NULL : text_reserve(text, (size_t)len + 1);
    if (place == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(place, (size_t)len + 1, format, arguments);
    va_end(arguments);
    text->len += (size_t)len;
}

void text_u64(struct text *text, uint64_t number)
{
    char digits[20];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    text_append(text, digits + first, sizeof(digits) - first);
}

void text_i64(struct text *text, int64_t number)
{
    if (number < 0)
        text_append(text, "-", 1);
    text_u64(text, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* What stands for one byte of a string. */
static void put_escaped(struct text *text, unsigned char c)
{
    if (c == '"' || c == '\\')
        text_append(text, (char[]){ '\\', (char)c }, 2);
    else
        text_printf(text, "\\u%04x", c);
}

void text_json(struct text *text, struct slice string)
{
    size_t plain = 0;
    text_literal(text, "\"");
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_append(text, string.data + plain, i - plain);
        put_escaped(text, c);
        plain = i + 1;
    }
    if (plain < string.len)
        text_append(text, string.data + plain, string.len - plain);
    text_literal(text, "\"");
}
