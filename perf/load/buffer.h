/* SPDX-License-Identifier: MIT */
/* buffer: bytes that grow at the end. A load runner that is out of memory has no figure to give, so it aborts. */
#pragma once

#include <stddef.h>

#include <telemetry/slice.h>

struct buffer {
    char *data;
    size_t len, capacity;
};

/* Memory for n things of so many bytes, zeroed, that the caller frees. Never NULL. */
void *zeroed(size_t n, size_t bytes);

void buffer_free(struct buffer *buffer);
void buffer_append(struct buffer *buffer, struct slice bytes);
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *buffer, const char *format, ...);

static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return (struct slice){ buffer->data, buffer->len };
}
