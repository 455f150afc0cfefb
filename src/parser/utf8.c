/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include <stdint.h>

static bool is_tail(const char *at)
{
    return ((unsigned char)*at & 0xC0) == 0x80;
}

/* RFC 3629, section 4: only the second byte has bounds that depend on the first. */
size_t utf8_sequence(const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    size_t len = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (len == 0 || (size_t)(end - at) < len)
        return 0;
    unsigned char second = (unsigned char)at[1];
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (second < low || second > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_tail(at + i))
            return 0;
    return len;
}

bool utf8_valid(struct slice text)
{
    const char *at = text.data;
    const char *end = at + text.len;
    while (at < end) {
        size_t len = (unsigned char)*at < 0x80 ? 1 : utf8_sequence(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

bool utf8_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7F)
            return true;
        if (c == 0xC2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xA0)
            return true;
    }
    return false;
}

struct slice utf8_clip(struct slice text, size_t max_bytes)
{
    if (text.len <= max_bytes)
        return text;
    size_t len = max_bytes;
    while (len > 0 && is_tail(text.data + len))
        len--;
    return (struct slice){ text.data, len };
}

size_t utf8_put(char *place, unsigned code_point)
{
    if (code_point < 0x80) {
        place[0] = (char)code_point;
        return 1;
    }
    size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        place[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    place[0] = (char)(0xF00U >> len | code_point); /* 110....., 1110...., 11110... */
    return len;
}
