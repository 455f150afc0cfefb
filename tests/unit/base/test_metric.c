/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <telemetry/metric.h>

static _Alignas(16) char block[16384];
static struct arena arena;

static int arena_renew(void **state)
{
    arena_init(&arena, block, sizeof(block));
    return 0;
}

/* Tags are given in one text, separated by commas. */
static struct metric metric_of(const char *name, const char *tags)
{
    struct metric metric = { .timestamp_ms = 1000, .value = 1.5 };
    struct slice slices[METRIC_TAGS_MAX];
    unsigned n = 0;
    while (*tags != '\0') {
        size_t len = strcspn(tags, ",");
        slices[n++] = (struct slice){ tags, len };
        tags += len + (tags[len] == ',');
    }
    assert_true(metric_set_series(&metric, &arena, slice_of(name), slices, n));
    return metric;
}

static void metric_set_series_sorts_and_drops_doubles(void **state)
{
    static const struct {
        const char *tags, *series;
        unsigned bytes, n_tags;
    } cases[] = {
        { "", "cpu", 3, 0 },
        { "a", "cpu\0a", 5, 1 },
        { "b,a", "cpu\0a\0b", 7, 2 },
        { "b,a,b,a,a", "cpu\0a\0b", 7, 2 },
        { "ab,a,b", "cpu\0a\0ab\0b", 10, 3 },
        { "\xc3\xa4,z,A", "cpu\0A\0z\0\xc3\xa4", 10, 3 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct metric metric = metric_of("cpu", cases[i].tags);
        assert_int_equal(metric.n_tags, cases[i].n_tags);
        assert_int_equal(metric.series.len, cases[i].bytes);
        assert_memory_equal(metric.series.data, cases[i].series, cases[i].bytes);
        assert_true(slice_equal(metric_name(&metric), SLICE("cpu")));
    }
}

static void metric_next_tag_walks_in_order(void **state)
{
    struct metric metric = metric_of("n", "three,one,two");
    static const char *const expected[] = { "one", "three", "two" };
    size_t cursor = 0;
    struct slice tag;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(metric_next_tag(&metric, &cursor, &tag));
        assert_true(slice_equal(tag, slice_of(expected[i])));
    }
    assert_false(metric_next_tag(&metric, &cursor, &tag));
    metric = metric_of("n", "");
    cursor = 0;
    assert_false(metric_next_tag(&metric, &cursor, &tag));
}

static void metric_set_series_holds_the_largest(void **state)
{
    char name[METRIC_NAME_MAX], texts[METRIC_TAGS_MAX][METRIC_TAG_MAX];
    struct slice tags[METRIC_TAGS_MAX], tag;
    struct metric metric = { 0 };
    size_t cursor = 0;
    memset(name, 'n', sizeof(name));
    memset(texts, 't', sizeof(texts));
    for (unsigned i = 0; i < METRIC_TAGS_MAX; i++) {
        texts[i][METRIC_TAG_MAX - 1] = (char)('A' + METRIC_TAGS_MAX - i);
        tags[i] = (struct slice){ texts[i], METRIC_TAG_MAX };
    }
    assert_true(metric_set_series(&metric, &arena, (struct slice){ name, sizeof(name) }, tags, METRIC_TAGS_MAX));
    assert_int_equal(metric.series.len, METRIC_SERIES_MAX);
    for (unsigned i = 0; i < METRIC_TAGS_MAX; i++) {
        assert_true(metric_next_tag(&metric, &cursor, &tag));
        assert_int_equal(tag.len, METRIC_TAG_MAX);
        assert_int_equal(tag.data[METRIC_TAG_MAX - 1], 'A' + 1 + i);
    }
    assert_false(metric_next_tag(&metric, &cursor, &tag));
}

static void metric_equal_sees_every_member(void **state)
{
    struct metric a = metric_of("cpu", "x,y"), b = metric_of("cpu", "y,x");
    assert_true(metric_equal(&a, &b));
    assert_int_equal(metric_etag(&a), metric_etag(&b));
    struct metric changed[6] = { b, b, b, b, metric_of("cpu", "x"), metric_of("cpux", "y") };
    changed[0].value = 2.5;
    changed[1].timestamp_ms++;
    changed[2].id.bytes[METRIC_ID_BYTES - 1] = 1;
    changed[3].value = -b.value;
    for (unsigned i = 0; i < 6; i++) {
        assert_false(metric_equal(&a, &changed[i]));
        assert_int_not_equal(metric_etag(&a), metric_etag(&changed[i]));
    }
}

static void metric_equal_has_one_zero(void **state)
{
    struct metric a = metric_of("cpu", ""), b = metric_of("cpu", "");
    a.value = 0.0;
    b.value = -0.0;
    assert_true(metric_equal(&a, &b));
    assert_int_equal(metric_etag(&a), metric_etag(&b));
}

static void metric_id_round_trips(void **state)
{
    char hex[METRIC_ID_HEX];
    struct metric_id id, again;
    assert_true(metric_id_parse(SLICE("00ff0123456789ABCDEFabcd"), &id));
    metric_id_hex(&id, hex);
    assert_memory_equal(hex, "00ff0123456789abcdefabcd", METRIC_ID_HEX);
    assert_true(metric_id_parse((struct slice){ hex, sizeof(hex) }, &again));
    assert_memory_equal(&id, &again, sizeof(id));
}

static void metric_id_parse_refuses(void **state)
{
    static const char *const texts[] = { "",
                                         "00ff0123456789abcdefabc",
                                         "00ff0123456789abcdefabcde",
                                         "00ff0123456789abcdefabcg",
                                         "00ff0123456789abcdefab d",
                                         "0x0f0123456789abcdefabcd",
                                         "00ff0123456789abcdefab-1" };
    struct metric_id id = { { 7 } };
    for (size_t i = 0; i < N_CASES(texts); i++)
        assert_false(metric_id_parse(slice_of(texts[i]), &id));
    assert_false(metric_id_parse(SLICE("00ff0123456789abcdefabc\0"), &id));
    assert_int_equal(id.bytes[0], 7);
}

static void slice_compare_orders_by_bytes(void **state)
{
    static const char *const ordered[] = { "", "A", "a", "aa", "ab", "b", "\xc3\xa4" };
    for (unsigned i = 0; i < 7; i++)
        for (unsigned j = 0; j < 7; j++) {
            int order = slice_compare(slice_of(ordered[i]), slice_of(ordered[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    assert_int_equal(slice_compare((struct slice){ NULL, 0 }, SLICE("")), 0);
}

static void metric_resent_forgives_the_time_of_arrival(void **state)
{
    struct metric stored = { .series = SLICE("a"), .name_bytes = 1, .timestamp_ms = 1, .value = 2 }, sent = stored;
    assert_true(metric_resent(&stored, &sent));
    sent.timestamp_ms = 5;
    assert_false(metric_resent(&stored, &sent));
    assert_int_equal(sent.timestamp_ms, 5);
    sent.arrival_time = true;
    assert_true(metric_resent(&stored, &sent));
    assert_int_equal(sent.timestamp_ms, 1);
    sent.value = 3;
    assert_false(metric_resent(&stored, &sent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(metric_set_series_sorts_and_drops_doubles, arena_renew),
        cmocka_unit_test_setup(metric_next_tag_walks_in_order, arena_renew),
        cmocka_unit_test_setup(metric_set_series_holds_the_largest, arena_renew),
        cmocka_unit_test_setup(metric_equal_sees_every_member, arena_renew),
        cmocka_unit_test_setup(metric_equal_has_one_zero, arena_renew),
        cmocka_unit_test(metric_id_round_trips),
        cmocka_unit_test(metric_id_parse_refuses),
        cmocka_unit_test(slice_compare_orders_by_bytes),
        cmocka_unit_test(metric_resent_forgives_the_time_of_arrival),
    };
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
