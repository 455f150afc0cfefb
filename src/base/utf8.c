/* SPDX-License-Identifier: MIT */
#include <telemetry/utf8.h>

/* The rows of RFC 3629, 4: only the second byte's range depends on the first byte. */
static const struct form {
    unsigned char first, last, second_first, second_last, length;
} forms[] = { { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
              { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
              { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 } };

size_t utf8_length(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (len == 0 || bytes[0] < 0x80)
        return len == 0 ? 0 : 1;
    for (const struct form *form = forms; form < forms + sizeof(forms) / sizeof(forms[0]); form++) {
        if (bytes[0] < form->first || bytes[0] > form->last)
            continue;
        if (len < form->length || bytes[1] < form->second_first || bytes[1] > form->second_last)
            return 0;
        for (size_t at = 2; at < form->length; at++)
            if ((bytes[at] & 0xc0) != 0x80)
                return 0;
        return form->length;
    }
    return 0;
}

/* Those from U+0080 on are 0xc2 and the code. */
bool utf8_is_control(const char *character, size_t len)
{
    unsigned char last = (unsigned char)character[len - 1];
    return (len == 1 && (last < 0x20 || last == 0x7f)) || (len == 2 && *character == '\xc2' && last < 0xa0);
}
