/* SPDX-License-Identifier: MIT */
#include "utf8_text.h"

#include <telemetry/utf8.h>

bool utf8_text_valid(struct slice text)
{
    for (size_t at = 0, len; at < text.len; at += len) {
        len = utf8_length(text.data + at, text.len - at);
        if (len == 0)
            return false;
    }
    return true;
}

bool utf8_text_has_control(struct slice text)
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

struct slice utf8_text_clip(struct slice text, size_t max_bytes)
{
    if (text.len <= max_bytes)
        return text;
    size_t len = max_bytes;
    while (len > 0 && ((unsigned char)text.data[len] & 0xC0) == 0x80)
        len--;
    return (struct slice){ text.data, len };
}

size_t utf8_text_put(char *place, unsigned code_point)
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
