/* SPDX-License-Identifier: MIT */
/* fuzz: what the fuzz targets share. A target is one function over bytes that nobody has checked; it holds what the
 * sources make of them against what they promise, and an assertion or a sanitizer ends the process when they do not.
 *
 * scripts/fuzz links the targets with libFuzzer; every other build links them with replay.c, which runs the inputs
 * that are kept in corpus/<target>/ as a test. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/slice.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of an input, or of a piece of it, in a heap block that ends where it ends: ASan sees each read beyond. */
struct exact {
    char *bytes; /* never NULL */
    size_t len;
};

static inline struct exact exact_new(const void *bytes, size_t len)
{
    struct exact exact = { malloc(len == 0 ? 1 : len), len };
    assert(exact.bytes != NULL);
    if (len > 0)
        memcpy(exact.bytes, bytes, len);
    return exact;
}

static inline void exact_free(struct exact *exact)
{
    free(exact->bytes);
    *exact = (struct exact){ NULL, 0 };
}

static inline struct slice exact_slice(const struct exact *exact)
{
    return (struct slice){ exact->bytes, exact->len };
}

/* Whether a piece lies in the whole; an empty one may lie anywhere. */
static inline bool lies_in(struct slice piece, const char *whole, size_t len)
{
    return piece.len == 0 || (piece.data >= whole && piece.data + piece.len <= whole + len);
}

/* Takes one byte off the front of an input, as a choice; 0 when it is empty. */
static inline uint8_t take_byte(const uint8_t **data, size_t *size)
{
    if (*size == 0)
        return 0;
    (*size)--;
    return *(*data)++;
}
