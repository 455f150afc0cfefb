/* SPDX-License-Identifier: MIT */
/* slice: a borrowed run of bytes. It owns nothing and is not NUL-terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *data; /* may be NULL when len is 0 */
    size_t len;       /* bytes */
};

/* A slice over a string literal, its NUL left out. */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_starts_with(struct slice text, struct slice prefix)
{
    return text.len >= prefix.len && (prefix.len == 0 || memcmp(text.data, prefix.data, prefix.len) == 0);
}

/* Without the blanks and tabs at both ends. */
static inline struct slice slice_trim(struct slice text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct slice){ text.data + 1, text.len - 1 };
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* The next word of a text from *at on, which moves behind it; words stand apart by blanks. False when there is none. */
static inline bool slice_next_word(struct slice text, size_t *at, struct slice *ret_word)
{
    while (*at < text.len && text.data[*at] == ' ')
        ++*at;
    size_t start = *at;
    while (*at < text.len && text.data[*at] != ' ')
        ++*at;
    *ret_word = (struct slice){ text.data + start, *at - start };
    return *at > start;
}

/* Order by bytes, a prefix before what it begins: below 0, 0, above 0. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Sorts slices[0..n) in place by slice_compare() and drops doubles. Returns how many are left. Made
 * for a handful, mostly in order already. */
unsigned slices_sort_distinct(struct slice slices[], unsigned n);
