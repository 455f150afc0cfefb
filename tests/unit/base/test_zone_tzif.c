/* SPDX-License-Identifier: MIT */
/* zone_tzif, zone_rule: files cut short and bytes changed are refused or read, never more; rules of every form. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/zone.h>

#include "base/zone_own.h"

enum { FILE_BYTES_MAX = 16384, DAY_S = 86400, ROUNDS = 20000 };

static char file[FILE_BYTES_MAX];
static size_t file_bytes;

static int file_read(void **state)
{
    FILE *tzif = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    if (tzif == NULL)
        return -1;
    file_bytes = fread(file, 1, sizeof(file), tzif);
    return fclose(tzif);
}

/* From a block of its own, so that reading past its end is seen; uses what was read. */
static bool reads(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, bytes, len);
    struct zone *zone = zone_tzif_read((struct slice){ copy + 1, len });
    free(copy);
    if (zone == NULL)
        return false;
    for (int64_t ms = -INT64_C(8000000000000); ms <= INT64_C(250000000000000); ms += INT64_C(3000000000001)) {
        int64_t utc_ms = zone_to_utc(zone, ms);
        assert_true(utc_ms + zone_offset_ms(zone, utc_ms) >= ms);
    }
    free(zone);
    return true;
}

static void zone_tzif_read_takes_whole_files_only(void **state)
{
    assert_true(reads(file, file_bytes));
    for (size_t len = 0; len < file_bytes; len++)
        if (reads(file, len))
            fail_msg("%zu of %zu bytes are read", len, file_bytes);
}

static void zone_tzif_read_survives_garbled_files(void **state)
{
    char garbled[FILE_BYTES_MAX];
    unsigned n_read = 0;
    srand(5);
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t len = i % 4 == 0 ? (size_t)rand() % file_bytes : file_bytes;
        memcpy(garbled, file, file_bytes);
        for (int n = rand() % 4; n >= 0; n--) {
            size_t place = i % 2 == 0 ? (size_t)rand() % file_bytes : (size_t)rand() % 44;
            garbled[place] = (char)(rand() % 2 == 0 ? rand() : 0xff);
        }
        n_read += reads(garbled, len) ? 1 : 0;
    }
    assert_true(n_read > 0 && n_read < ROUNDS);
}

static void put_u32(char *place, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        place[i] = (char)(number >> (24 - 8 * i));
}

/* A file of one type, with this many changes a day apart, and this footer. */
static size_t small_file(char *place, unsigned n_changes, int32_t offset_s, const char *footer)
{
    char *out = place;
    memset(place, 0, 88);
    for (unsigned block = 0; block < 2; block++, out += 44) {
        memcpy(out, "TZif2", 5);
        put_u32(out + 32, block == 0 ? 0 : n_changes);
        put_u32(out + 36, block);
    }
    for (unsigned i = 0; i < n_changes; i++, out += 8) {
        put_u32(out, 0);
        put_u32(out + 4, i * DAY_S);
    }
    memset(out, 0, n_changes + 6);
    put_u32(out + n_changes, (uint32_t)offset_s);
    out += n_changes + 6;
    size_t len = strlen(footer);
    memcpy(out, footer, len);
    return (size_t)(out + len - place);
}

static void zone_tzif_read_checks_what_it_reads(void **state)
{
    char bytes[512];
    size_t len = small_file(bytes, 3, 3600, "\nUTC-1\n");
    assert_true(reads(bytes, len));
    bytes[4] = '\0'; /* version 1 has no times of 64 bits */
    assert_false(reads(bytes, len));
    small_file(bytes, 3, 3600, "\nUTC-1\n");
    bytes[44 + 31] = 1; /* leap seconds */
    assert_false(reads(bytes, len));
    small_file(bytes, 3, 3600, "\nUTC-1\n");
    put_u32(bytes + 88 + 8 + 4, 0); /* two changes at once */
    assert_false(reads(bytes, len));
    small_file(bytes, 3, 3600, "\nUTC-1\n");
    bytes[88 + 24] = 1; /* a type that is not there */
    assert_false(reads(bytes, len));
    assert_true(reads(bytes, small_file(bytes, 0, 3600, "\n\n")));
    assert_false(reads(bytes, small_file(bytes, 0, 3600, "")));
    assert_false(reads(bytes, small_file(bytes, 0, 3600, "\n")));
    assert_false(reads(bytes, small_file(bytes, 0, 3600, "\nUTC-1")));
    assert_false(reads(bytes, small_file(bytes, 0, 3600, "\nnonsense\n")));
    assert_true(reads(bytes, small_file(bytes, 0, 26 * 3600 - 1, "\n\n")));
    assert_false(reads(bytes, small_file(bytes, 0, 26 * 3600, "\n\n")));
    assert_false(reads(bytes, small_file(bytes, 0, INT32_MIN, "\n\n")));
}

static void zone_rule_parse_refuses(void **state)
{
    static const char *const texts[] = {
        "",
        "UT0",
        "UTC",
        "UTC+",
        "UTC0 ",
        "<UTC0",
        "<+>0",
        "UTC168",
        "UTC0:60",
        "UTC0:0:60",
        "UTC0:",
        "UTC26",
        "UTC-27",
        "A-B0",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3,",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J1,J366",
        "CET-1CEST,1,366",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,M3.5.0/,M10.5.0",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CE,M3.5.0,M10.5.0",
    };
    for (size_t i = 0; i < N_CASES(texts); i++) {
        struct zone_rule rule;
        if (zone_rule_parse(slice_of(texts[i]), &rule))
            fail_msg("%s is a rule", texts[i]);
    }
}

/* Offsets that follow from the text, at seconds since 1970: 2026-01-01 is 1767225600, a Thursday. */
static void zone_rule_span_follows_every_form(void **state)
{
    enum { Y2026 = 1767225600, Y2024 = 1704067200 };
    static const struct {
        const char *text;
        int64_t second;
        int32_t offset_s;
        int64_t from_s, to_s;
    } cases[] = {
        { "<+0330>-3:30", Y2026, 12600, INT64_MIN, INT64_MAX },
        { "ABC1:02:03", Y2026, -3723, INT64_MIN, INT64_MAX },
        /* Jn does not count 29 February, n does: both are the first of March here, in a leap year */
        { "AAA0BBB,J60/0,J61/0", Y2024 + 60 * DAY_S, 3600, Y2024 + 60 * DAY_S, Y2024 + 61 * DAY_S - 3600 },
        { "AAA0BBB,60/0,61/0", Y2024 + 60 * DAY_S, 3600, Y2024 + 60 * DAY_S, Y2024 + 61 * DAY_S - 3600 },
        { "AAA0BBB,J60/0,J61/0", Y2026 + 59 * DAY_S, 3600, Y2026 + 59 * DAY_S, Y2026 + 60 * DAY_S - 3600 },
        { "AAA0BBB,60/0,61/0", Y2026 + 60 * DAY_S, 3600, Y2026 + 60 * DAY_S, Y2026 + 61 * DAY_S - 3600 },
        /* hours below 0 and above a day: the first Thursday of January 2026, a day before and one behind */
        { "AAA0BBB,M1.1.4/-24,M1.1.4/24", Y2026, 3600, Y2026 - DAY_S, Y2026 + DAY_S - 3600 },
        /* daylight saving time all year (RFC 9636, 3.3.1): its end is where it begins anew */
        { "XXX3EDT4,0/0,J365/23", Y2026, -14400, Y2026 + 3 * 3600, INT64_MAX },
        { "XXX3EDT4,0/0,J365/23", Y2026 + 200 * DAY_S, -14400, INT64_MIN, INT64_MAX },
        /* in the south, summer goes over the year's end */
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", Y2026, 39600, 1759593600, 1775318400 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct zone_rule rule;
        assert_true(zone_rule_parse(slice_of(cases[i].text), &rule));
        struct zone_span span = zone_rule_span(&rule, cases[i].second);
        if (span.offset_s != cases[i].offset_s)
            fail_msg("%s, case %zu: %d", cases[i].text, i, span.offset_s);
        if (rule.dst_end.time_s == 23 * 3600)
            continue; /* stretches of one offset may be cut anywhere */
        if (span.from_s != cases[i].from_s || span.to_s != cases[i].to_s)
            fail_msg("%s, case %zu: from %lld to %lld", cases[i].text, i, (long long)span.from_s, (long long)span.to_s);
    }
}

/* However far days at the ends of a year are from it: every second of a stretch is in the same one. */
static void zone_rule_span_is_the_same_for_all_in_it(void **state)
{
    (void)state;
    static const char *const rules[] = { "EST5EDT4,0/-1:8,365/167", "EST5EDT4,J1/-167,J1/-166",
                                         "EST5EDT,J365/167,J365/166" };
    for (size_t i = 0; i < N_CASES(rules); i++) {
        struct zone_rule rule;
        assert_true(zone_rule_parse(slice_of(rules[i]), &rule));
        for (int64_t second = -INT64_C(5000000000); second < INT64_C(5000000000); second += 7 * 86400 + 12345) {
            struct zone_span span = zone_rule_span(&rule, second);
            struct zone_span first = zone_rule_span(&rule, span.from_s), last = zone_rule_span(&rule, span.to_s - 1);
            assert_true(span.from_s == first.from_s && span.to_s == first.to_s && span.offset_s == first.offset_s);
            assert_true(span.from_s == last.from_s && span.to_s == last.to_s && span.offset_s == last.offset_s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zone_tzif_read_takes_whole_files_only),
        cmocka_unit_test(zone_tzif_read_survives_garbled_files),
        cmocka_unit_test(zone_tzif_read_checks_what_it_reads),
        cmocka_unit_test(zone_rule_parse_refuses),
        cmocka_unit_test(zone_rule_span_follows_every_form),
        cmocka_unit_test(zone_rule_span_is_the_same_for_all_in_it),
    };
    return cmocka_run_group_tests_name("zone_tzif", tests, file_read, NULL);
}
