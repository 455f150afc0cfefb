/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/utf8.h>

/* The character of a code point in its shortest form; returns its length. */
static size_t encode(unsigned code, char ret_bytes[4])
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
    for (size_t i = len; i > 1; i--, code >>= 6)
        ret_bytes[i - 1] = (char)(0x80 | (code & 0x3f));
    ret_bytes[0] = (char)(marks[len] | code);
    return len;
}

static void utf8_length_knows_every_code_point(void **state)
{
    for (unsigned code = 0; code < 0x200000; code++) {
        char bytes[4];
        size_t len = encode(code, bytes);
        size_t expected = code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : len;
        if (utf8_length(bytes, len) != expected)
            fail_msg("U+%04X", code);
    }
}

static void utf8_length_refuses(void **state)
{
    static const char *const texts[] = { "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",
                                         "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                                         "\xc3(",        "\xe2\x82(",    "\xf0\x9f\x98(",    "\xf8\x88\x80\x80\x80",
                                         "\xfe",         "\xff" };
    for (size_t i = 0; i < N_CASES(texts); i++)
        assert_int_equal(utf8_length(texts[i], strlen(texts[i])), 0);
    assert_int_equal(utf8_length(NULL, 0), 0);
}

static void utf8_length_refuses_what_is_cut_short(void **state)
{
    static const char *const whole[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
    for (size_t i = 0; i < 3; i++)
        for (size_t len = 1; len < strlen(whole[i]); len++) {
            char *text = malloc(len); /* of its own size, so that reading on is seen */
            memcpy(text, whole[i], len);
            assert_int_equal(utf8_length(text, len), 0);
            free(text);
        }
}

static void utf8_is_control_knows_every_code_point(void **state)
{
    for (unsigned code = 0; code <= 0x10ffff; code++) {
        char bytes[4];
        size_t len = encode(code, bytes);
        if (utf8_is_control(bytes, len) != (code < 0x20 || (code >= 0x7f && code < 0xa0)))
            fail_msg("U+%04X", code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_length_knows_every_code_point),
        cmocka_unit_test(utf8_length_refuses),
        cmocka_unit_test(utf8_length_refuses_what_is_cut_short),
        cmocka_unit_test(utf8_is_control_knows_every_code_point),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
