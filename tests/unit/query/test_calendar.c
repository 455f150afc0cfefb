/* SPDX-License-Identifier: MIT */
#include "plan_fixture.h"

#include "query/calendar.h"

static void assert_same_moment(int64_t found, const char *expected, const char *what)
{
    char text[RFC3339_BYTES + 1] = { 0 };
    rfc3339_format(found, text);
    if (found != ms_of(expected))
        fail_msg("%s: %s, not %s", what, text, expected);
}

static void calendar_start_is_by_the_wall_clock(void **state)
{
    static const struct {
        const char *zone;
        enum plan_unit unit;
        const char *at, *start;
    } cases[] = {
        { "UTC", UNIT_SECOND, "2026-11-25T14:37:12.345", "2026-11-25T14:37:12" },
        { "UTC", UNIT_MINUTE, "2026-11-25T14:37:12.345", "2026-11-25T14:37:00" },
        { "UTC", UNIT_HOUR, "2026-11-25T14:37:12.345", "2026-11-25T14:00:00" },
        { "UTC", UNIT_HOUR, "1969-12-31T23:59:59.999", "1969-12-31T23:00:00" },
        { "Asia/Kathmandu", UNIT_HOUR, "2026-11-25T14:37:12+05:45", "2026-11-25T14:00:00+05:45" },
        { "UTC", UNIT_DAY, "2026-11-25T14:37:12.345", "2026-11-25T00:00:00" },
        { "UTC", UNIT_DAY, "2026-11-25T00:00:00", "2026-11-25T00:00:00" },
        { "Europe/Berlin", UNIT_DAY, "2026-11-25T00:30:00+01:00", "2026-11-25T00:00:00+01:00" },
        { "Europe/Berlin", UNIT_DAY, "2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00" },
        { "Europe/Berlin", UNIT_DAY, "2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00" },
        { "America/Sao_Paulo", UNIT_DAY, "2018-11-04T12:00:00-02:00", "2018-11-04T01:00:00-02:00" },
        { "Pacific/Apia", UNIT_DAY, "2011-12-31T12:00:00+14:00", "2011-12-31T00:00:00+14:00" },
        { "UTC", UNIT_WEEK, "2026-11-25T14:37:12", "2026-11-23T00:00:00" }, /* a Wednesday */
        { "UTC", UNIT_WEEK, "2026-11-23T00:00:00", "2026-11-23T00:00:00" },
        { "UTC", UNIT_WEEK, "2026-11-22T23:59:59", "2026-11-16T00:00:00" },
        { "UTC", UNIT_WEEK, "1970-01-01T00:00:00", "1969-12-29T00:00:00" },
        { "Europe/Berlin", UNIT_WEEK, "2026-03-29T12:00:00+02:00", "2026-03-23T00:00:00+01:00" },
        { "Europe/Berlin", UNIT_MONTH, "2026-10-31T12:00:00+01:00", "2026-10-01T00:00:00+02:00" },
        { "UTC", UNIT_MONTH, "2024-02-29T23:59:59", "2024-02-01T00:00:00" },
        { "UTC", UNIT_QUARTER, "2026-12-31T23:59:59", "2026-10-01T00:00:00" },
        { "UTC", UNIT_QUARTER, "2026-03-31T23:59:59", "2026-01-01T00:00:00" },
        { "America/New_York", UNIT_YEAR, "2026-01-01T04:59:59Z", "2025-01-01T05:00:00Z" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_same_moment(calendar_start(zone_of(cases[i].zone), cases[i].unit, ms_of(cases[i].at)), cases[i].start,
                           cases[i].at);
}

static void calendar_add_keeps_the_wall_clock(void **state)
{
    static const struct {
        const char *zone;
        enum plan_unit unit;
        int64_t n;
        const char *at, *then;
    } cases[] = {
        { "UTC", UNIT_SECOND, -90, "2026-01-01T00:00:00", "2025-12-31T23:58:30" },
        { "Europe/Berlin", UNIT_HOUR, 24, "2026-03-28T12:00:00+01:00", "2026-03-29T13:00:00+02:00" },
        { "Europe/Berlin", UNIT_DAY, 1, "2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00" },
        { "Europe/Berlin", UNIT_DAY, 1, "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00" },
        { "Europe/Berlin", UNIT_DAY, 1, "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00" },
        { "Europe/Berlin", UNIT_DAY, -7, "2026-03-30T00:00:00+02:00", "2026-03-23T00:00:00+01:00" },
        { "Europe/Berlin", UNIT_WEEK, -1, "2026-03-30T00:00:00+02:00", "2026-03-23T00:00:00+01:00" },
        { "Pacific/Apia", UNIT_DAY, 1, "2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00" },
        { "UTC", UNIT_MONTH, 1, "2026-01-31T10:00:00", "2026-02-28T10:00:00" },
        { "UTC", UNIT_MONTH, 1, "2024-01-31T10:00:00", "2024-02-29T10:00:00" },
        { "UTC", UNIT_MONTH, -13, "2026-01-31T10:00:00", "2024-12-31T10:00:00" },
        { "UTC", UNIT_QUARTER, -1, "2026-05-31T00:00:00", "2026-02-28T00:00:00" },
        { "UTC", UNIT_YEAR, 1, "2024-02-29T00:00:00", "2025-02-28T00:00:00" },
        { "UTC", UNIT_YEAR, 100000, "2024-02-29T00:00:00", "9999-12-31T23:59:59.999" },
        { "UTC", UNIT_YEAR, -100000, "2024-02-29T00:00:00", "0001-01-01T00:00:00" },
        { "+14:00", UNIT_DAY, INT64_MAX, "2024-02-29T00:00:00", "9999-12-31T23:59:59.999" },
        { "-12:00", UNIT_HOUR, INT64_MIN, "2024-02-29T00:00:00", "0001-01-01T00:00:00" },
        { "UTC", UNIT_MONTH, INT64_MIN, "2024-02-29T00:00:00", "0001-01-01T00:00:00" },
        { "UTC", UNIT_WEEK, INT64_MAX, "2024-02-29T00:00:00", "9999-12-31T23:59:59.999" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_same_moment(calendar_add(zone_of(cases[i].zone), cases[i].unit, cases[i].n, ms_of(cases[i].at)),
                           cases[i].then, cases[i].at);
}

static void calendar_moment_is_the_way_back_of_calendar_date_at(void **state)
{
    const struct zone *zone = zone_of("America/St_Johns");
    uint64_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t utc_ms = (int64_t)(seed >> 24) % INT64_C(200000000000000) - INT64_C(60000000000000), ms_of_day;
        struct calendar_date date = calendar_date_at(zone, utc_ms, &ms_of_day);
        assert_true(calendar_date_exists(date) && ms_of_day >= 0 && ms_of_day < 86400000);
        int64_t back = calendar_moment(zone, date, ms_of_day);
        assert_true(back == utc_ms || back + zone_offset_ms(zone, back) == utc_ms + zone_offset_ms(zone, utc_ms));
    }
}

static void calendar_moment_takes_dates_that_need_not_exist(void **state)
{
    const struct zone *utc = zone_of("UTC");
    assert_same_moment(calendar_moment(utc, (struct calendar_date){ 2026, 13, 1 }, 0), "2027-01-01T00:00:00", "13");
    assert_same_moment(calendar_moment(utc, (struct calendar_date){ 2026, 3, 0 }, 0), "2026-02-28T00:00:00", "day 0");
    assert_same_moment(calendar_moment(utc, (struct calendar_date){ 2026, 2, 30 }, 0), "2026-03-02T00:00:00", "30");
    assert_same_moment(calendar_moment(utc, (struct calendar_date){ 2026, 2, 3 }, -1), "2026-02-02T23:59:59.999", "-1");
    assert_same_moment(calendar_moment(utc, (struct calendar_date){ 2026, 2, 3 }, INT64_MAX), "9999-12-31T23:59:59.999",
                       "for ever");
    assert_same_moment(calendar_moment(utc, (struct calendar_date){ -5, 2, 3 }, 0), "0001-01-01T00:00:00", "BC");
}

static void calendar_date_exists_knows_leap_years(void **state)
{
    assert_true(calendar_date_exists((struct calendar_date){ 2024, 2, 29 }));
    assert_true(calendar_date_exists((struct calendar_date){ 2000, 2, 29 }));
    assert_false(calendar_date_exists((struct calendar_date){ 1900, 2, 29 }));
    assert_false(calendar_date_exists((struct calendar_date){ 2026, 2, 29 }));
    assert_false(calendar_date_exists((struct calendar_date){ 2026, 4, 31 }));
    assert_false(calendar_date_exists((struct calendar_date){ 2026, 0, 1 }));
    assert_false(calendar_date_exists((struct calendar_date){ 2026, 13, 1 }));
    assert_false(calendar_date_exists((struct calendar_date){ 2026, 1, 0 }));
    assert_false(calendar_date_exists((struct calendar_date){ 0, 1, 1 }));
    assert_false(calendar_date_exists((struct calendar_date){ 10000, 1, 1 }));
}

static void calendar_weekday_begins_on_monday(void **state)
{
    assert_int_equal(calendar_weekday((struct calendar_date){ 2026, 11, 23 }), 0);
    assert_int_equal(calendar_weekday((struct calendar_date){ 2026, 11, 29 }), 6);
    assert_int_equal(calendar_weekday((struct calendar_date){ 1970, 1, 1 }), 3);
    assert_int_equal(calendar_weekday((struct calendar_date){ 1969, 12, 28 }), 6);
    assert_int_equal(calendar_weekday((struct calendar_date){ 1, 1, 1 }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_start_is_by_the_wall_clock),
        cmocka_unit_test(calendar_add_keeps_the_wall_clock),
        cmocka_unit_test(calendar_moment_is_the_way_back_of_calendar_date_at),
        cmocka_unit_test(calendar_moment_takes_dates_that_need_not_exist),
        cmocka_unit_test(calendar_date_exists_knows_leap_years),
        cmocka_unit_test(calendar_weekday_begins_on_monday),
    };
    return cmocka_run_group_tests_name("calendar", tests, fixture_open, fixture_close);
}
