/* SPDX-License-Identifier: MIT */
/* zone: what the wall clocks of known places showed, what Python's zoneinfo says of all of them, and names and files
 * that are no zone. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <telemetry/metric.h>
#include <telemetry/rfc3339.h>
#include <telemetry/zone.h>

static struct zones *zones;

static int zones_renew(void **state)
{
    zones = zones_new(NULL);
    return zones == NULL ? -1 : 0;
}

static int zones_drop(void **state)
{
    zones_free(&zones);
    return zones == NULL ? 0 : -1;
}

static const struct zone *zone_of(const char *name)
{
    const struct zone *zone = zones_find(zones, slice_of(name));
    if (zone == NULL)
        fail_msg("no zone %s", name);
    return zone;
}

/* "2026-03-29T01:00:00Z", or with what a wall clock shows in place of UTC. */
static int64_t ms_of(const char *text)
{
    int64_t ms;
    if (!rfc3339_parse(slice_of(text), &ms))
        fail_msg("no time %s", text);
    return ms;
}

static void zone_offset_ms_is_what_clocks_showed(void **state)
{
    static const struct {
        const char *zone, *utc;
        int minutes;
    } cases[] = {
        { "UTC", "2026-01-01T00:00:00Z", 0 },
        { "Europe/Berlin", "2026-03-29T00:59:59.999Z", 60 },
        { "Europe/Berlin", "2026-03-29T01:00:00Z", 120 },
        { "Europe/Berlin", "2026-10-25T00:59:59.999Z", 120 },
        { "Europe/Berlin", "2026-10-25T01:00:00Z", 60 },
        { "Europe/Berlin", "2500-07-01T00:00:00Z", 120 }, /* by the rule at the end of the file */
        { "Europe/Berlin", "9999-12-31T23:59:59Z", 60 },
        { "America/New_York", "2026-03-08T06:59:59.999Z", -300 },
        { "America/New_York", "2026-03-08T07:00:00Z", -240 },
        { "America/New_York", "2099-11-01T06:00:00Z", -300 },
        { "Australia/Lord_Howe", "2026-01-15T00:00:00Z", 660 },
        { "Australia/Lord_Howe", "2026-07-15T00:00:00Z", 630 },
        { "Asia/Kathmandu", "2026-07-15T00:00:00Z", 345 },
        { "Asia/Kathmandu", "1980-07-15T00:00:00Z", 330 },
        { "Pacific/Apia", "2011-12-30T09:59:59Z", -600 },
        { "Pacific/Apia", "2011-12-30T10:00:00Z", 840 },
        { "America/Sao_Paulo", "2018-11-04T02:59:59Z", -180 },
        { "America/Sao_Paulo", "2018-11-04T03:00:00Z", -120 },
        { "America/Sao_Paulo", "2026-12-15T00:00:00Z", -180 },
        { "Africa/Casablanca", "2026-02-20T00:00:00Z", 0 }, /* Ramadan */
        { "Africa/Casablanca", "2026-04-20T00:00:00Z", 60 },
        { "+05:30", "2026-04-20T00:00:00Z", 330 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        if (zone_offset_ms(zone_of(cases[i].zone), ms_of(cases[i].utc)) != cases[i].minutes * INT64_C(60000))
            fail_msg("%s at %s is not %d minutes ahead", cases[i].zone, cases[i].utc, cases[i].minutes);
}

static void zone_to_utc_takes_the_first_and_the_jump(void **state)
{
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        { "Europe/Berlin", "2026-03-29T01:59:59.999Z", "2026-03-29T00:59:59.999Z" },
        { "Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z" }, /* skipped from here */
        { "Europe/Berlin", "2026-03-29T02:59:59.999Z", "2026-03-29T01:00:00Z" },
        { "Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z" },
        { "Europe/Berlin", "2026-03-29T03:00:00.001Z", "2026-03-29T01:00:00.001Z" },
        { "Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z" }, /* twice from here */
        { "Europe/Berlin", "2026-10-25T02:59:59.999Z", "2026-10-25T00:59:59.999Z" },
        { "Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z" },
        { "America/Sao_Paulo", "2018-11-04T00:00:00Z", "2018-11-04T03:00:00Z" }, /* this midnight never was */
        { "America/Sao_Paulo", "2018-11-04T01:00:00Z", "2018-11-04T03:00:00Z" },
        { "America/Havana", "2026-11-01T00:30:00Z", "2026-11-01T04:30:00Z" }, /* midnight was twice */
        { "Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z" },
        { "Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z" },
        { "Pacific/Apia", "2011-12-30T00:00:00Z", "2011-12-30T10:00:00Z" }, /* this day never was */
        { "Pacific/Apia", "2011-12-30T23:59:59Z", "2011-12-30T10:00:00Z" },
        { "Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z" },
        { "-03:30", "2026-01-01T00:00:00Z", "2026-01-01T03:30:00Z" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        if (zone_to_utc(zone_of(cases[i].zone), ms_of(cases[i].local)) != ms_of(cases[i].utc))
            fail_msg("%s shows %s not first at %s", cases[i].zone, cases[i].local, cases[i].utc);
}

static void zones_agree_with_zoneinfo(void **state)
{
    char command[4096], kind, name[80];
    long long ms, expected;
    unsigned n = 0;
    snprintf(command, sizeof(command), "/usr/bin/python3 -B '%s/tests/unit/base/zone_oracle.py'",
             getenv("SOURCE_ROOT"));
    FILE *lines = popen(command, "r");
    assert_non_null(lines);
    for (; fscanf(lines, " %c %79s %lld %lld", &kind, name, &ms, &expected) == 4; n++) {
        const struct zone *zone = zone_of(name);
        long long found = kind == 'U' ? zone_offset_ms(zone, ms) / 1000 : zone_to_utc(zone, ms);
        if (found != expected)
            fail_msg("%c %s %lld: %lld, not %lld", kind, name, ms, found, expected);
    }
    assert_int_equal(pclose(lines), 0);
    assert_true(n > 10000);
}

static void zone_takes_any_time(void **state)
{
    static const char *const names[] = { "UTC", "Europe/Berlin", "Asia/Manila", "+18:00" };
    for (size_t i = 0; i < N_CASES(names); i++) {
        const struct zone *zone = zone_of(names[i]);
        int64_t day_ms = INT64_C(24) * 3600 * 1000;
        assert_true(zone_offset_ms(zone, INT64_MIN) > -day_ms && zone_offset_ms(zone, INT64_MIN) < day_ms);
        assert_true(zone_offset_ms(zone, INT64_MAX) > -day_ms && zone_offset_ms(zone, INT64_MAX) < day_ms);
        assert_true(zone_to_utc(zone, INT64_MIN) < METRIC_TIMESTAMP_MIN);
        assert_true(zone_to_utc(zone, INT64_MAX) > METRIC_TIMESTAMP_MAX);
    }
}

static void assert_named(const char *name, const char *canonical)
{
    const struct zone *zone = zone_of(name);
    if (!slice_equal(zone_name(zone), slice_of(canonical)))
        fail_msg("%s is %.*s, not %s", name, (int)zone_name(zone).len, zone_name(zone).data, canonical);
    assert_ptr_equal(zone_of(canonical), zone);
}

static void zones_find_knows_one_zone_by_one_name(void **state)
{
    static const char *const names[][2] = {
        { "UTC", "UTC" },
        { "utc", "UTC" },
        { "Z", "UTC" },
        { "+00:00", "UTC" },
        { "-00", "UTC" },
        { "Europe/Berlin", "Europe/Berlin" },
        { "europe/berlin", "Europe/Berlin" },
        { "AMERICA/ARGENTINA/BUENOS_AIRES", "America/Argentina/Buenos_Aires" },
        { "Etc/GMT+5", "Etc/GMT+5" },
        { "+02:00", "+02:00" },
        { "+0200", "+02:00" },
        { "+02", "+02:00" },
        { "-0330", "-03:30" },
        { "+18:00", "+18:00" },
        { "-18:00", "-18:00" },
    };
    for (size_t i = 0; i < N_CASES(names); i++)
        assert_named(names[i][0], names[i][1]);
}

static void zones_find_refuses_names_that_are_none(void **state)
{
    static const char *const names[] = {
        "",
        "Europe",
        "Europe/",
        "/Europe/Berlin",
        "Europe//Berlin",
        "Europe/Nowhere",
        "../zoneinfo/Europe/Berlin",
        "Europe/../Europe/Berlin",
        "./Europe/Berlin",
        ".",
        "..",
        "/etc/localtime",
        "localtime",
        "tzdata.zi",
        "zone.tab",
        "right/Europe/Berlin",
        "Europe/Berlin\n",
        "Europe/B\303\244rlin",
        "+18:01",
        "-19:00",
        "+2",
        "+2:00",
        "02:00",
        "+02:60",
        "+02:0",
        "+02.00",
        "+0a:00",
        "++2:00",
        "+02:000",
        "Berlin",
        "Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Be",
    };
    for (size_t i = 0; i < N_CASES(names); i++)
        if (zones_find(zones, slice_of(names[i])) != NULL)
            fail_msg("%s is a zone", names[i]);
    assert_null(zones_find(zones, (struct slice){ "Europe/Berlin\0", 14 }));
    assert_null(zones_find(zones, (struct slice){ NULL, 0 }));
}

static void zones_find_does_without_tzdata(void **state)
{
    struct zones *bare = zones_new("/nonexistent");
    assert_non_null(bare);
    assert_non_null(zones_find(bare, SLICE("UTC")));
    assert_non_null(zones_find(bare, SLICE("-09:30")));
    assert_null(zones_find(bare, SLICE("Europe/Berlin")));
    zones_free(&bare);
}

static void zones_find_reads_regular_files_only(void **state)
{
    char folder[] = "/tmp/test_zone.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    struct zones *own = zones_new(folder);
    snprintf(path, sizeof(path), "%s/Pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(zones_find(own, SLICE("Pipe")));
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/Large", folder);
    FILE *large = fopen(path, "w");
    assert_non_null(large);
    assert_int_equal(ftruncate(fileno(large), 1 << 20), 0);
    assert_int_equal(fclose(large), 0);
    assert_null(zones_find(own, SLICE("Large")));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    zones_free(&own);
}

/* A name that could not be looked at is not one that does not exist. */
static void zones_ran_out_tells_a_lack_of_files(void **state)
{
    struct zones *own = zones_new(NULL);
    struct rlimit limit, none = { 0 };
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    assert_null(zones_find(own, SLICE("Europe/Nowhere")));
    assert_false(zones_ran_out(own));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_null(zones_find(own, SLICE("Europe/Berlin")));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(zones_ran_out(own));
    assert_false(zones_ran_out(own));
    assert_non_null(zones_find(own, SLICE("Europe/Berlin")));
    zones_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zone_offset_ms_is_what_clocks_showed),
        cmocka_unit_test(zone_to_utc_takes_the_first_and_the_jump),
        cmocka_unit_test(zones_agree_with_zoneinfo),
        cmocka_unit_test(zone_takes_any_time),
        cmocka_unit_test(zones_find_knows_one_zone_by_one_name),
        cmocka_unit_test(zones_find_refuses_names_that_are_none),
        cmocka_unit_test(zones_find_does_without_tzdata),
        cmocka_unit_test(zones_find_reads_regular_files_only),
        cmocka_unit_test(zones_ran_out_tells_a_lack_of_files),
    };
    return cmocka_run_group_tests_name("zone", tests, zones_renew, zones_drop);
}
