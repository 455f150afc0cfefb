/* SPDX-License-Identifier: MIT */
/* number: the text reads back as the same double, and no shorter text does. */
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/number.h>

enum { ROUNDS = 200000 };

static const char *format(double number)
{
    static char text[NUMBER_BYTES_MAX + 1];
    size_t len = number_format(number, text);
    assert_true(len > 0 && len <= NUMBER_BYTES_MAX);
    text[len] = '\0';
    return text;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static void assert_reads_back(double number)
{
    const char *text = format(number);
    if (bits_of(strtod(text, NULL)) != bits_of(number))
        fail_msg("%.17g is written as %s", number, text);
}

/* Digits without leading and trailing zeros. */
static int significant_digits(const char *text)
{
    int n = 0, zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (n == 0 && *text == '0'))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        n++;
    }
    return n - zeros;
}

/* The nearest text with one digit less does not read back. */
static void assert_shortest(double number)
{
    char shorter[40];
    int digits = significant_digits(format(number));
    assert_true(digits >= 1 && digits <= 17);
    if (digits == 1)
        return;
    snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, number);
    if (bits_of(strtod(shorter, NULL)) == bits_of(number))
        fail_msg("%s is shorter than %s", shorter, format(number));
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 2685821657736338717ULL;
}

static void number_format_is_what_people_write(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = { { 0.0, "0" },
                  { -0.0, "0" },
                  { 1, "1" },
                  { -1, "-1" },
                  { 1.5, "1.5" },
                  { 0.1, "0.1" },
                  { -0.25, "-0.25" },
                  { 100, "100" },
                  { 45.868, "45.868" },
                  { 0.1 + 0.2, "0.30000000000000004" },
                  { 84.96966666666667, "84.96966666666667" },
                  { 1e-5, "0.00001" },
                  { 0.000001, "0.000001" },
                  { 1e-7, "1e-7" },
                  { 1.25e-7, "1.25e-7" },
                  { 9007199254740991.0, "9007199254740991" },
                  { 9007199254740992.0, "9007199254740992" },
                  { 9007199254740994.0, "9007199254740994" },
                  { 1e20, "100000000000000000000" },
                  { 1e21, "1e+21" },
                  { 1.5e300, "1.5e+300" },
                  { 123456789012345680000.0, "123456789012345680000" },
                  { 1700000000000.5, "1700000000000.5" },
                  { 5e-324, "5e-324" },
                  { 2.2250738585072014e-308, "2.2250738585072014e-308" },
                  { 2.225073858507201e-308, "2.225073858507201e-308" },
                  { 1.7976931348623157e308, "1.7976931348623157e+308" },
                  { -1.7976931348623157e308, "-1.7976931348623157e+308" },
                  { 5.684341886080802e-14, "5.684341886080802e-14" },
                  { 9.5367431640625e-7, "9.5367431640625e-7" } };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(format(cases[i].number), cases[i].text);
}

static void number_format_reads_back_for_random_bits(void **state)
{
    uint64_t seed = 0x9E3779B97F4A7C15ULL;
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        double number = double_of(random_next(&seed));
        if (isfinite(number) && number != 0)
            assert_reads_back(number);
    }
}

static void number_format_is_shortest_for_random_bits(void **state)
{
    uint64_t seed = 0xD1B54A32D192ED03ULL;
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        double number = double_of(random_next(&seed));
        if (isfinite(number) && number != 0)
            assert_shortest(number);
    }
}

static void number_format_gives_decimals_back_as_they_were(void **state)
{
    uint64_t seed = 0xA0761D6478BD642FULL;
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[40];
        unsigned decimals = 1 + (unsigned)(random_next(&seed) % 6);
        uint64_t digits = random_next(&seed) % 1000000000;
        uint64_t scale = (uint64_t)pow(10, decimals);
        digits += digits % 10 == 0; /* the last decimal is no zero */
        sprintf(text, "%llu.%0*llu", (unsigned long long)(digits / scale), (int)decimals,
                (unsigned long long)(digits % scale));
        if (digits >= scale / 100000)
            assert_string_equal(format(strtod(text, NULL)), text);
    }
}

static void number_format_holds_at_every_power_of_two_and_ten(void **state)
{
    (void)state;
    for (int e = -1074; e <= 1023; e++) {
        double number = ldexp(1, e);
        assert_reads_back(number);
        assert_reads_back(nextafter(number, INFINITY));
        assert_reads_back(nextafter(number, 1e-320));
        assert_shortest(number);
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];
        sprintf(text, "1e%d", e);
        assert_int_equal(significant_digits(format(strtod(text, NULL))), 1);
        assert_reads_back(strtod(text, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_format_is_what_people_write),
        cmocka_unit_test(number_format_reads_back_for_random_bits),
        cmocka_unit_test(number_format_is_shortest_for_random_bits),
        cmocka_unit_test(number_format_gives_decimals_back_as_they_were),
        cmocka_unit_test(number_format_holds_at_every_power_of_two_and_ten),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
