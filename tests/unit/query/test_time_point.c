/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>

#include "query/filters.h"

#define NOW_MS INT64_C(1795428000123) /* 2026-11-23T10:00:00.123Z */

enum { S = 1000, M = 60 * S, H = 60 * M, D = 24 * H };

static void time_point_parse_reads_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "2026-11-23T10:00:00.123Z", NOW_MS },
        { "2026-11-23T12:00:00.123+02:00", NOW_MS },
        { "2026-11-23 10:00:00.123z", NOW_MS },
        { "1970-01-01", 0 },
        { "2024-02-29", INT64_C(1709164800000) },
        { "0001-01-01", METRIC_TIMESTAMP_MIN },
        { "9999-12-31", METRIC_TIMESTAMP_MAX - D + 1 },
        { "0", 0 },
        { "-0", 0 },
        { "-1", -1 },
        { "2026", 2026 },
        { "007", 7 },
        { "1795428000123", NOW_MS },
        { "253402300799999", METRIC_TIMESTAMP_MAX },
        { "-62135596800000", METRIC_TIMESTAMP_MIN },
        { "now", NOW_MS },
        { "now-1h", NOW_MS - H },
        { "now+30m", NOW_MS + 30 * M },
        { "now-0s", NOW_MS },
        { "now-250ms", NOW_MS - 250 },
        { "now-90s", NOW_MS - 90 * S },
        { "now-7d", NOW_MS - 7 * (int64_t)D },
        { "now-2w", NOW_MS - 14 * (int64_t)D },
        { "now-0001d", NOW_MS - D },
        { "now-1500w", NOW_MS - 10500 * (int64_t)D },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        int64_t ms = 42;
        const char *wrong = time_point_parse(slice_of(cases[i].text), NOW_MS, &ms);
        if (wrong != NULL || ms != cases[i].ms)
            fail_msg("%s reads as %lld (%s)", cases[i].text, (long long)ms, wrong == NULL ? "fine" : wrong);
    }
}

static void time_point_parse_refuses(void **state)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        { "", "a point in time is" },
        { " ", "a point in time is" },
        { "-", "a point in time is" },
        { "+5", "a point in time is" },
        { "5 ", "a point in time is" },
        { " 5", "a point in time is" },
        { "5.5", "a point in time is" },
        { "1e9", "a point in time is" },
        { "0x10", "a point in time is" },
        { "--5", "a point in time is" },
        { "yesterday", "a point in time is" },
        { "Now", "a point in time is" },
        { "nowhere", "a point in time is" },
        { "now ", "a point in time is" },
        { "now 1h", "a point in time is" },
        { "now1h", "a point in time is" },
        { "2026-02-29", "a point in time is" },
        { "2026-11", "a point in time is" },
        { "2026-11-23T10:00:00", "a point in time is" },
        { "2026-1-123", "a point in time is" },
        { "0000-12-31", "a point in time is" },
        { "now-", "a step" },
        { "now-h", "a step" },
        { "now-1", "a step" },
        { "now-1H", "a step" },
        { "now-1y", "a step" },
        { "now-1hh", "a step" },
        { "now-1.5h", "a step" },
        { "now--1h", "a step" },
        { "now-1h-1h", "a step" },
        { "253402300800000", "outside" },
        { "-62135596800001", "outside" },
        { "99999999999999999999999999999999999999", "outside" },
        { "-99999999999999999999999999999999999999", "outside" },
        { "now-99999999999999999999999999999w", "outside" },
        { "now+9999999999999w", "outside" },
        { "now-110000w", "outside" },
        { "now+70000000h", "outside" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        int64_t ms = 42;
        const char *wrong = time_point_parse(slice_of(cases[i].text), NOW_MS, &ms);
        if (wrong == NULL || strstr(wrong, cases[i].word) == NULL)
            fail_msg("%s: %s", cases[i].text, wrong == NULL ? "taken" : wrong);
        assert_int_equal(ms, 42);
    }
}

static void time_point_parse_refuses_nul(void **state)
{
    int64_t ms;
    assert_non_null(time_point_parse(SLICE("now\0"), NOW_MS, &ms));
    assert_non_null(time_point_parse(SLICE("5\0"), NOW_MS, &ms));
    assert_non_null(time_point_parse(SLICE("now-1h\0"), NOW_MS, &ms));
    assert_non_null(time_point_parse(SLICE("2026-11-2\0"), NOW_MS, &ms));
    assert_non_null(time_point_parse((struct slice){ NULL, 0 }, NOW_MS, &ms));
}

static void time_point_parse_takes_a_huge_text(void **state)
{
    size_t len = 1024 * 1024;
    char *text = malloc(len);
    int64_t ms;
    memset(text, '9', len);
    assert_non_null(time_point_parse((struct slice){ text, len }, NOW_MS, &ms));
    memset(text, '0', len);
    assert_null(time_point_parse((struct slice){ text, len }, NOW_MS, &ms));
    assert_int_equal(ms, 0);
    free(text);
}

/* Every prefix in a block of its own size, so that reading past the end is seen. */
static void time_point_parse_stays_inside_its_text(void **state)
{
    static const char *const whole[] = { "now-1500ms", "2026-11-23", "-1795428000123" };
    for (size_t i = 0; i < N_CASES(whole); i++)
        for (size_t len = 1; len <= strlen(whole[i]); len++) {
            char *text = malloc(len);
            int64_t ms;
            memcpy(text, whole[i], len);
            (void)time_point_parse((struct slice){ text, len }, NOW_MS, &ms);
            free(text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_point_parse_reads_every_form),      cmocka_unit_test(time_point_parse_refuses),
        cmocka_unit_test(time_point_parse_refuses_nul),           cmocka_unit_test(time_point_parse_takes_a_huge_text),
        cmocka_unit_test(time_point_parse_stays_inside_its_text),
    };
    return cmocka_run_group_tests_name("time_point", tests, NULL, NULL);
}
