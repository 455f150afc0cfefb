/* SPDX-License-Identifier: MIT */
/* chunks: one step for each byte of framing; data is taken in runs. */
#include "http/chunks.h"

#include "http/token.h"

enum { SIZE_DIGITS_MAX = 16 }; /* 64 bits */

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool step_size(struct chunks *chunks, unsigned char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        chunks->size = chunks->size << 4 | (uint64_t)digit;
        return ++chunks->digits <= SIZE_DIGITS_MAX;
    }
    if (chunks->digits == 0)
        return false;
    if (c == ';')
        chunks->state = CHUNKS_EXTENSION;
    else if (c == '\r')
        chunks->state = CHUNKS_SIZE_LF;
    else
        return false;
    return true;
}

/* A byte of text up to a CR, which leads to `behind`. */
static bool step_text(struct chunks *chunks, unsigned char c, enum chunks_state behind)
{
    if (c == '\r') {
        chunks->state = behind;
        return true;
    }
    return ++chunks->overhead <= CHUNK_OVERHEAD_MAX && (c >= ' ' || c == '\t') && c != 0x7f;
}

static bool step_trailer_start(struct chunks *chunks, unsigned char c)
{
    if (c == '\r') {
        chunks->state = CHUNKS_END_LF;
        return true;
    }
    chunks->state = CHUNKS_TRAILER_NAME;
    return is_token_byte(c) && ++chunks->overhead <= CHUNK_OVERHEAD_MAX;
}

static bool step_trailer_name(struct chunks *chunks, unsigned char c)
{
    if (c == ':')
        chunks->state = CHUNKS_TRAILER_VALUE;
    return (c == ':' || is_token_byte(c)) && ++chunks->overhead <= CHUNK_OVERHEAD_MAX;
}

static bool step_size_lf(struct chunks *chunks, unsigned char c)
{
    chunks->left = chunks->size;
    chunks->state = chunks->size == 0 ? CHUNKS_TRAILER_START : CHUNKS_DATA;
    chunks->size = 0;
    chunks->digits = 0;
    return c == '\n';
}

static bool step_expect(struct chunks *chunks, unsigned char c, char wanted, enum chunks_state behind)
{
    chunks->state = behind;
    return c == (unsigned char)wanted;
}

static bool step(struct chunks *chunks, unsigned char c)
{
    switch (chunks->state) {
    case CHUNKS_SIZE:
        return step_size(chunks, c);
    case CHUNKS_EXTENSION:
        return step_text(chunks, c, CHUNKS_SIZE_LF);
    case CHUNKS_SIZE_LF:
        return step_size_lf(chunks, c);
    case CHUNKS_DATA_CR:
        return step_expect(chunks, c, '\r', CHUNKS_DATA_LF);
    case CHUNKS_DATA_LF:
        return step_expect(chunks, c, '\n', CHUNKS_SIZE);
    case CHUNKS_TRAILER_START:
        return step_trailer_start(chunks, c);
    case CHUNKS_TRAILER_NAME:
        return step_trailer_name(chunks, c);
    case CHUNKS_TRAILER_VALUE:
        return step_text(chunks, c, CHUNKS_TRAILER_LF);
    case CHUNKS_TRAILER_LF:
        return step_expect(chunks, c, '\n', CHUNKS_TRAILER_START);
    case CHUNKS_END_LF:
        return step_expect(chunks, c, '\n', CHUNKS_END);
    case CHUNKS_DATA:
    case CHUNKS_END:
        break;
    }
    return false;
}

static size_t take_data(struct chunks *chunks, size_t len)
{
    size_t taken = chunks->left < len ? (size_t)chunks->left : len;
    chunks->left -= taken;
    if (chunks->left == 0)
        chunks->state = CHUNKS_DATA_CR;
    return taken;
}

ptrdiff_t chunks_read(struct chunks *chunks, const char *bytes, size_t len, struct slice *ret_data)
{
    size_t at = 0;
    *ret_data = (struct slice){ NULL, 0 };
    while (at < len && chunks->state != CHUNKS_END) {
        if (chunks->state == CHUNKS_DATA) {
            *ret_data = (struct slice){ bytes + at, take_data(chunks, len - at) };
            return (ptrdiff_t)(at + ret_data->len);
        }
        if (!step(chunks, (unsigned char)bytes[at++]))
            return -1;
    }
    return (ptrdiff_t)at;
}
