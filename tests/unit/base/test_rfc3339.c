/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <telemetry/metric.h>
#include <telemetry/rfc3339.h>

enum { MS_PER_DAY = 86400000 };

/* Timestamps and their only form on output. */
static const struct {
    int64_t ms;
    const char *text;
} moments[] = {
    { 0, "1970-01-01T00:00:00.000Z" },
    { -1, "1969-12-31T23:59:59.999Z" },
    { 999, "1970-01-01T00:00:00.999Z" },
    { METRIC_TIMESTAMP_MIN, "0001-01-01T00:00:00.000Z" },
    { METRIC_TIMESTAMP_MAX, "9999-12-31T23:59:59.999Z" },
    { INT64_C(1795428000000), "2026-11-23T10:00:00.000Z" },
    { INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
    { INT64_C(951868799999), "2000-02-29T23:59:59.999Z" },
    { INT64_C(951868800000), "2000-03-01T00:00:00.000Z" },
    { INT64_C(1709164800000), "2024-02-29T00:00:00.000Z" },
    { INT64_C(4107542400000), "2100-03-01T00:00:00.000Z" },
    { INT64_C(4107542399999), "2100-02-28T23:59:59.999Z" },
    { INT64_C(-2203891200001), "1900-02-28T23:59:59.999Z" },
    { INT64_C(-2203891200000), "1900-03-01T00:00:00.000Z" },
    { INT64_C(2147483647000), "2038-01-19T03:14:07.000Z" },
    { INT64_C(4294967296000), "2106-02-07T06:28:16.000Z" },
};

static void assert_formats(int64_t ms, const char *expected)
{
    char text[RFC3339_BYTES + 1] = { 0 };
    rfc3339_format(ms, text);
    assert_string_equal(text, expected);
}

static void assert_parses(const char *text, int64_t expected)
{
    int64_t ms = 42;
    if (!rfc3339_parse(slice_of(text), &ms) || ms != expected)
        fail_msg("%s reads as %lld, not %lld", text, (long long)ms, (long long)expected);
}

static void rfc3339_format_writes_known_moments(void **state)
{
    for (size_t i = 0; i < N_CASES(moments); i++)
        assert_formats(moments[i].ms, moments[i].text);
}

static void rfc3339_format_agrees_with_gmtime(void **state)
{
    srandom(7);
    for (int i = 0; i < 200000; i++) {
        uint64_t number = (uint64_t)random() << 31 ^ (uint64_t)random();
        int64_t span = METRIC_TIMESTAMP_MAX - METRIC_TIMESTAMP_MIN + 1;
        int64_t ms = METRIC_TIMESTAMP_MIN + (int64_t)(number % (uint64_t)span);
        time_t second = (time_t)(ms / 1000 - (ms % 1000 < 0));
        char day_and_time[40], expected[80];
        struct tm tm;
        strftime(day_and_time, sizeof(day_and_time), "-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
        snprintf(expected, sizeof(expected), "%04d%s.%03dZ", tm.tm_year + 1900, day_and_time,
                 (int)(ms - second * 1000));
        assert_formats(ms, expected);
    }
}

static void rfc3339_days_counts_every_day_once(void **state)
{
    static const unsigned lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t expected = METRIC_TIMESTAMP_MIN / MS_PER_DAY;
    for (int year = 1; year <= 9999; year++)
        for (unsigned month = 1; month <= 12; month++) {
            bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            for (unsigned day = 1; day <= lengths[month - 1] + (month == 2 && leap); day++)
                if (rfc3339_days(year, month, day) != expected++)
                    fail_msg("%04d-%02u-%02u", year, month, day);
        }
    assert_int_equal(expected, METRIC_TIMESTAMP_MAX / MS_PER_DAY + 1);
    assert_int_equal(rfc3339_days(0, 3, 1), -719468);
    assert_int_equal(rfc3339_days(-400, 3, 1), -719468 - 146097);
    assert_int_equal(rfc3339_days(-1, 12, 31), rfc3339_days(0, 1, 1) - 1);
}

static void rfc3339_parse_reads_what_format_writes(void **state)
{
    for (size_t i = 0; i < N_CASES(moments); i++)
        assert_parses(moments[i].text, moments[i].ms);
}

static void rfc3339_parse_reads_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } forms[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01t00:00:00z", 0 },
        { "1970-01-01 00:00:00Z", 0 },
        { "1970-01-01T00:00:00+00:00", 0 },
        { "1970-01-01T00:00:00-00:00", 0 },
        { "1970-01-01T02:00:00+02:00", 0 },
        { "1969-12-31T18:30:00-05:30", 0 },
        { "1970-01-01T23:59:00+23:59", 0 },
        { "1970-01-01T00:00:00.5Z", 500 },
        { "1970-01-01T00:00:00.05Z", 50 },
        { "1970-01-01T00:00:00.005Z", 5 },
        { "1970-01-01T00:00:00.0009Z", 0 },
        { "1970-01-01T00:00:00.1239999999999999999999999999999Z", 123 },
        { "1969-12-31T23:59:59.9999Z", -1 },
        { "1970-01-01T00:00:00.25+01:00", -3600000 + 250 },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
        { "2016-12-31T23:59:60.5Z", INT64_C(1483228800500) },
        { "2017-01-01T05:29:60+05:30", INT64_C(1483228800000) },
        { "0000-12-31T23:00:00-01:00", METRIC_TIMESTAMP_MIN },
        { "9999-12-31T23:59:59.999999Z", METRIC_TIMESTAMP_MAX },
        { "2000-02-29T00:00:00Z", INT64_C(951782400000) },
    };
    for (size_t i = 0; i < N_CASES(forms); i++)
        assert_parses(forms[i].text, forms[i].ms);
}

static void rfc3339_parse_refuses(void **state)
{
    static const char *const texts[] = {
        "",
        "Z",
        "2026",
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00Z",
        "2026-11-23T10:00:00.Z",
        "2026-11-23T10:00:00,5Z",
        "2026-11-23T10:00:00Z ",
        " 2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00ZZ",
        "2026-11-23X10:00:00Z",
        "2026-11-23  10:00:00Z",
        "26-11-23T10:00:00Z",
        "+2026-11-23T10:00:00Z",
        "-2026-11-23T10:00:00Z",
        "12026-11-23T10:00:00Z",
        "2026-1-23T10:00:00Z",
        "2026/11/23T10:00:00Z",
        "20261123T100000Z",
        "2026-00-23T10:00:00Z",
        "2026-13-23T10:00:00Z",
        "2026-11-00T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:61Z",
        "2026-11-23T10:00:60Z",
        "2026-12-31T23:59:60+01:00",
        "2026-11-23T10:00:00+24:00",
        "2026-11-23T10:00:00+01:60",
        "2026-11-23T10:00:00+0100",
        "2026-11-23T10:00:00+1:00",
        "2026-11-23T10:00:00 01:00",
        "2026-11-23T10:00:00UTC",
        "2026-11-23T10:00:00-",
        "0000-01-01T00:00:00Z",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
        "2026-11-23T10:00:00.\xD9\xA1Z",
        "2026-11-2\x80T10:00:00Z",
    };
    for (size_t i = 0; i < N_CASES(texts); i++) {
        int64_t ms = 42;
        if (rfc3339_parse(slice_of(texts[i]), &ms))
            fail_msg("%s is taken", texts[i]);
        assert_int_equal(ms, 42);
    }
}

static void rfc3339_parse_refuses_nul_and_null(void **state)
{
    int64_t ms;
    assert_false(rfc3339_parse(SLICE("2026-11-23T10:00:00\0"), &ms));
    assert_false(rfc3339_parse(SLICE("2026-11-23\00010:00:00Z"), &ms));
    assert_false(rfc3339_parse(SLICE("2026-11-23T10:00:00Z\0"), &ms));
    assert_false(rfc3339_parse((struct slice){ NULL, 0 }, &ms));
}

/* Every prefix in a block of its own size, so that reading past the end is seen. */
static void rfc3339_parse_stays_inside_its_text(void **state)
{
    const char whole[] = "2026-11-23T10:00:00.123+01:00";
    for (size_t len = 1; len < sizeof(whole) - 1; len++) {
        char *text = malloc(len);
        int64_t ms;
        memcpy(text, whole, len);
        assert_false(rfc3339_parse((struct slice){ text, len }, &ms));
        free(text);
    }
}

static void rfc3339_parse_takes_a_million_fraction_digits(void **state)
{
    size_t digits = 1000000, len = 20 + digits + 1;
    char *text = malloc(len);
    int64_t ms;
    memset(text, '9', len);
    memcpy(text, "1970-01-01T00:00:00.", 20);
    text[len - 1] = 'Z';
    assert_true(rfc3339_parse((struct slice){ text, len }, &ms));
    assert_int_equal(ms, 999);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339_format_writes_known_moments),
        cmocka_unit_test(rfc3339_format_agrees_with_gmtime),
        cmocka_unit_test(rfc3339_days_counts_every_day_once),
        cmocka_unit_test(rfc3339_parse_reads_what_format_writes),
        cmocka_unit_test(rfc3339_parse_reads_every_form),
        cmocka_unit_test(rfc3339_parse_refuses),
        cmocka_unit_test(rfc3339_parse_refuses_nul_and_null),
        cmocka_unit_test(rfc3339_parse_stays_inside_its_text),
        cmocka_unit_test(rfc3339_parse_takes_a_million_fraction_digits),
    };
    return cmocka_run_group_tests_name("rfc3339", tests, NULL, NULL);
}
