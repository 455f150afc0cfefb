/* SPDX-License-Identifier: MIT */
#include "plan_fixture.h"

#include <telemetry/plan.h>

static struct plan_bucket bucket_of(const char *text)
{
    struct plan_bucket bucket;
    if (!plan_bucket_parse(slice_of(text), &bucket))
        fail_msg("no bucket %s", text);
    return bucket;
}

/* The edges of a range, checked for what all edges promise. */
static uint32_t edges_of(const char *zone, const char *bucket_text, const char *from, const char *to,
                         int64_t **ret_edges)
{
    struct plan_bucket bucket = bucket_of(bucket_text);
    uint32_t n = plan_edges(zone_of(zone), &bucket, ms_of(from), ms_of(to), &arena, ret_edges);
    if (n == 0)
        return 0;
    assert_true((*ret_edges)[0] <= ms_of(from) && (*ret_edges)[1] > ms_of(from));
    assert_true((*ret_edges)[n] >= ms_of(to) && (*ret_edges)[n - 1] < ms_of(to));
    for (uint32_t i = 0; i < n; i++)
        assert_true((*ret_edges)[i] < (*ret_edges)[i + 1]);
    return n;
}

static void plan_edges_are_where_units_begin(void **state)
{
    static const struct {
        const char *zone, *bucket, *from, *to;
        uint32_t n;
        const char *first, *second, *last;
    } cases[] = {
        { "UTC", "1h", "2026-11-23T00:00:00", "2026-11-24T00:00:00", 24, "2026-11-23T00:00:00", "2026-11-23T01:00:00",
          "2026-11-24T00:00:00" },
        { "UTC", "1h", "2026-11-23T00:30:00", "2026-11-23T01:00:00.001", 2, "2026-11-23T00:00:00",
          "2026-11-23T01:00:00", "2026-11-23T02:00:00" },
        { "UTC", "1d", "2026-11-23T00:00:00", "2026-11-23T00:00:00.001", 1, "2026-11-23T00:00:00",
          "2026-11-24T00:00:00", "2026-11-24T00:00:00" },
        /* from local midnight on, of one length */
        { "UTC", "5h", "2026-11-23T12:00:00", "2026-11-24T00:00:00", 3, "2026-11-23T10:00:00", "2026-11-23T15:00:00",
          "2026-11-24T01:00:00" },
        { "Asia/Kathmandu", "1h", "2026-11-23T10:10:00+05:45", "2026-11-23T12:00:00+05:45", 2,
          "2026-11-23T10:00:00+05:45", "2026-11-23T11:00:00+05:45", "2026-11-23T12:00:00+05:45" },
        { "Europe/Berlin", "1h", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23,
          "2026-03-29T00:00:00+01:00", "2026-03-29T01:00:00+01:00", "2026-03-30T00:00:00+02:00" },
        { "Europe/Berlin", "1h", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25,
          "2026-10-25T00:00:00+02:00", "2026-10-25T01:00:00+02:00", "2026-10-26T00:00:00+01:00" },
        /* days of 23 hours, of none, and one that begins at one o'clock */
        { "Europe/Berlin", "1d", "2026-03-29T00:00:00+01:00", "2026-03-31T00:00:00+02:00", 2,
          "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00" },
        { "Pacific/Apia", "1d", "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", 2,
          "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00" },
        { "America/Sao_Paulo", "1d", "2018-11-03T12:00:00-03:00", "2018-11-04T12:00:00-02:00", 2,
          "2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00" },
        { "UTC", "1w", "2026-11-25T00:00:00", "2026-12-01T00:00:00", 2, "2026-11-23T00:00:00", "2026-11-30T00:00:00",
          "2026-12-07T00:00:00" },
        { "UTC", "1mo", "2024-01-31T00:00:00", "2024-03-01T00:00:00", 2, "2024-01-01T00:00:00", "2024-02-01T00:00:00",
          "2024-03-01T00:00:00" },
        { "UTC", "1q", "2026-02-03T00:00:00", "2026-12-31T00:00:00", 4, "2026-01-01T00:00:00", "2026-04-01T00:00:00",
          "2027-01-01T00:00:00" },
        { "UTC", "6mo", "2026-08-03T00:00:00", "2027-01-31T00:00:00", 2, "2026-07-01T00:00:00", "2027-01-01T00:00:00",
          "2027-07-01T00:00:00" },
        { "America/New_York", "1y", "2025-06-01T00:00:00", "2026-06-01T00:00:00", 2, "2025-01-01T05:00:00",
          "2026-01-01T05:00:00", "2027-01-01T05:00:00" },
        /* the same days whatever the range, before 1970 too */
        { "UTC", "2d", "1969-12-31T00:00:00", "1970-01-03T00:00:00", 2, "1969-12-30T00:00:00", "1970-01-01T00:00:00",
          "1970-01-03T00:00:00" },
        { "UTC", "2d", "1970-01-02T00:00:00", "1970-01-03T00:00:00", 1, "1970-01-01T00:00:00", "1970-01-03T00:00:00",
          "1970-01-03T00:00:00" },
        /* the ends of time */
        { "+14:00", "1y", "0001-01-01T00:00:00", "0002-06-01T00:00:00", 2, "0001-01-01T00:00:00", "0001-12-31T10:00:00",
          "0002-12-31T10:00:00" },
        { "UTC", "1y", "9998-06-01T00:00:00", "9999-12-31T23:59:59.999", 2, "9998-01-01T00:00:00",
          "9999-01-01T00:00:00", "9999-12-31T23:59:59.999" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        int64_t *edges;
        uint32_t n = edges_of(cases[i].zone, cases[i].bucket, cases[i].from, cases[i].to, &edges);
        if (n != cases[i].n || edges[0] != ms_of(cases[i].first) || edges[1] != ms_of(cases[i].second) ||
            edges[n] != ms_of(cases[i].last))
            fail_msg("case %zu: %u buckets from %lld", i, n, (long long)edges[0]);
    }
}

static void plan_edges_choose_the_shortest_usual_length(void **state)
{
    static const struct {
        const char *zone, *from, *to, *chosen;
    } cases[] = {
        { "UTC", "2026-11-23T00:00:00", "2026-11-23T00:05:00", "1s" },
        { "UTC", "2026-11-23T00:00:00", "2026-11-23T00:05:00.001", "5s" },
        { "UTC", "2026-11-23T00:00:00", "2026-11-23T01:00:00", "15s" },
        { "UTC", "2026-11-23T00:00:00", "2026-11-24T00:00:00", "5m" },
        { "Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T23:00:00", "5m" }, /* 25 hours: 300 of them */
        { "UTC", "2026-11-23T00:00:00", "2026-11-24T01:00:00.001", "10m" },
        { "UTC", "2026-11-01T00:00:00", "2026-12-01T00:00:00", "3h" },
        { "UTC", "2026-01-01T00:00:00", "2027-01-01T00:00:00", "1w" },
        { "UTC", "2026-03-01T00:00:00", "2026-12-26T00:00:00", "1d" },
        { "UTC", "1900-01-01T00:00:00", "1975-01-01T00:00:00", "1q" },
        { "UTC", "1900-01-01T00:00:00", "1925-01-01T00:00:00", "1mo" },
        { "UTC", "1800-01-01T00:00:00", "2100-01-01T00:00:00", "1y" },
        { "UTC", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999", "100y" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        int64_t *edges;
        struct plan_bucket bucket = { UNIT_AUTO, 1 }, chosen = bucket_of(cases[i].chosen);
        uint32_t n =
            plan_edges(zone_of(cases[i].zone), &bucket, ms_of(cases[i].from), ms_of(cases[i].to), &arena, &edges);
        assert_in_range(n, 1, PLAN_AUTO_BUCKETS);
        if (bucket.unit != chosen.unit || bucket.count != chosen.count)
            fail_msg("%s to %s: %u of unit %u, not %s", cases[i].from, cases[i].to, bucket.count, bucket.unit,
                     cases[i].chosen);
    }
}

static void plan_edges_refuse_too_many(void **state)
{
    int64_t *edges = &(int64_t){ 0 };
    assert_int_equal(edges_of("UTC", "1s", "2026-11-23T00:00:00", "2026-11-23T02:46:40", &edges), PLAN_BUCKETS_MAX);
    assert_int_equal(edges_of("UTC", "1s", "2026-11-23T00:00:00", "2026-11-23T02:46:40.001", &edges), 0);
    assert_null(edges);
    assert_int_equal(edges_of("UTC", "1d", "0001-01-01T00:00:00", "9999-12-31T00:00:00", &edges), 0);
    assert_int_equal(edges_of("UTC", "1y", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999", &edges), 9999);
    assert_int_equal(edges_of("UTC", "100000y", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999", &edges), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_edges_are_where_units_begin),
        cmocka_unit_test(plan_edges_choose_the_shortest_usual_length),
        cmocka_unit_test(plan_edges_refuse_too_many),
    };
    return cmocka_run_group_tests_name("plan_edges", tests, fixture_open, fixture_close);
}
