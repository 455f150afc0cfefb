/* SPDX-License-Identifier: MIT */
/* token: the letters of methods, field names and options. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* tchar of RFC 9110, 5.6.2. */
static inline bool is_token_byte(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}
