/* SPDX-License-Identifier: MIT */
/* exact: heap copies that end where the bytes end, so that ASan sees each read beyond them. */
#pragma once

#include <stdlib.h>
#include <string.h>

/* Gives a copy of bytes[0..len), freed by free(). */
static inline char *exact_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len);
    if (copy == NULL && len > 0)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}
