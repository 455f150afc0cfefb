/* SPDX-License-Identifier: MIT */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRINTED_BYTES_MAX = 1024 };

void *zeroed(size_t n, size_t bytes)
{
    void *memory = calloc(n, bytes);
    if (memory == NULL)
        abort();
    return memory;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){ 0 };
}

static char *reserve(struct buffer *buffer, size_t bytes)
{
    if (bytes > buffer->capacity - buffer->len) {
        buffer->capacity = 2 * buffer->capacity + bytes;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (buffer->data == NULL)
            abort();
    }
    return buffer->data + buffer->len;
}

void buffer_append(struct buffer *buffer, struct slice bytes)
{
    if (bytes.len == 0)
        return;
    memcpy(reserve(buffer, bytes.len), bytes.data, bytes.len);
    buffer->len += bytes.len;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(reserve(buffer, PRINTED_BYTES_MAX), PRINTED_BYTES_MAX, format, arguments);
    va_end(arguments);
    if (len < 0 || len >= PRINTED_BYTES_MAX)
        abort();
    buffer->len += (size_t)len;
}
