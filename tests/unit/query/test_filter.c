/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <math.h>
#include <stdlib.h>

#include "query/filters.h"

static _Alignas(16) char block[65536];
static struct arena arena;

static int arena_renew(void **state)
{
    arena_init(&arena, block, sizeof(block));
    return 0;
}

static int arena_drop(void **state)
{
    arena_reset(&arena);
    return 0;
}

/* Tags given in one text, separated by commas; an empty text is no tag. */
static uint8_t split(const char *text, struct slice **ret_tags)
{
    uint8_t n = 0;
    *ret_tags = arena_alloc(&arena, 64 * sizeof(struct slice));
    for (; *text != '\0'; n++) {
        size_t len = strcspn(text, ",");
        (*ret_tags)[n] = (struct slice){ text, len };
        text += len + (text[len] == ',');
    }
    return n;
}

static struct filter filter_of(const char *name, const char *tags, const char *any_tags, const char *not_tags)
{
    struct filter filter;
    filter_init(&filter);
    filter.name = slice_of(name);
    filter.n_tags = split(tags, &filter.tags);
    filter.n_any_tags = split(any_tags, &filter.any_tags);
    filter.n_not_tags = split(not_tags, &filter.not_tags);
    return filter;
}

static void filter_init_lets_everything_pass(void **state)
{
    struct filter filter;
    memset(&filter, 0xff, sizeof(filter));
    filter_init(&filter);
    assert_null(filter_normalise(&filter));
    assert_int_equal(filter.name.len, 0);
    assert_int_equal(filter.n_tags + filter.n_any_tags + filter.n_not_tags, 0);
    assert_int_equal(filter.limit, FILTER_LIMIT_DEFAULT);
    assert_false(filter.ascending || filter.has_after || filter.name_is_prefix);
    assert_true(filter.from_ms == INT64_MIN && filter.to_ms == INT64_MAX);
    assert_true(isinf(filter.min) && filter.min < 0 && isinf(filter.max) && filter.max > 0);
}

static void filter_normalise_sorts_and_drops_doubles(void **state)
{
    struct filter filter = filter_of("cpu", "b,a,b", "z,y,x,y", "q,q");
    assert_null(filter_normalise(&filter));
    assert_int_equal(filter.n_tags, 2);
    assert_true(slice_equal(filter.tags[0], SLICE("a")) && slice_equal(filter.tags[1], SLICE("b")));
    assert_int_equal(filter.n_any_tags, 3);
    assert_true(slice_equal(filter.any_tags[0], SLICE("x")) && slice_equal(filter.any_tags[2], SLICE("z")));
    assert_int_equal(filter.n_not_tags, 1);
}

static void filter_normalise_refuses(void **state)
{
    static const struct {
        int64_t from_ms, to_ms;
        double min, max;
        uint32_t limit;
        const char *word;
    } cases[] = {
        { 5, 5, 0, 1, 1, "`from`" },
        { 6, 5, 0, 1, 1, "`from`" },
        { INT64_MAX, INT64_MAX, 0, 1, 1, "`from`" },
        { 0, 1, 2, 1, 1, "`min`" },
        { 0, 1, INFINITY, -INFINITY, 1, "`min`" },
        { 0, 1, NAN, 1, 1, "numbers" },
        { 0, 1, 0, NAN, 1, "numbers" },
        { 0, 1, 0, 1, 0, "`limit`" },
        { 0, 1, 0, 1, 1001, "`limit`" },
        { 0, 1, 0, 1, UINT32_MAX, "`limit`" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct filter filter;
        filter_init(&filter);
        filter.from_ms = cases[i].from_ms;
        filter.to_ms = cases[i].to_ms;
        filter.min = cases[i].min;
        filter.max = cases[i].max;
        filter.limit = cases[i].limit;
        const char *wrong = filter_normalise(&filter);
        assert_non_null(wrong);
        assert_non_null(strstr(wrong, cases[i].word));
    }
}

static void filter_normalise_refuses_too_much(void **state)
{
    static char name[METRIC_NAME_MAX + 1];
    struct filter filter;
    struct slice tags[FILTER_TAGS_MAX + 1];
    memset(name, 'n', sizeof(name));
    for (unsigned i = 0; i <= FILTER_TAGS_MAX; i++)
        tags[i] = SLICE("t");
    filter_init(&filter);
    filter.name = (struct slice){ name, METRIC_NAME_MAX };
    assert_null(filter_normalise(&filter));
    filter.name.len++;
    assert_non_null(filter_normalise(&filter));
    filter_init(&filter);
    filter.tags = tags;
    filter.n_tags = FILTER_TAGS_MAX + 1;
    assert_non_null(filter_normalise(&filter));
    filter.n_tags = FILTER_TAGS_MAX;
    assert_null(filter_normalise(&filter));
    assert_int_equal(filter.n_tags, 1);
}

static void filter_normalise_takes_the_bounds(void **state)
{
    struct filter filter = filter_of("", "", "", "");
    filter.from_ms = 5;
    filter.to_ms = 6;
    filter.min = filter.max = 3;
    filter.limit = FILTER_LIMIT_MAX;
    assert_null(filter_normalise(&filter));
    filter.limit = 1;
    assert_null(filter_normalise(&filter));
}

static void filter_canonical_is_equal_for_equal_questions(void **state)
{
    struct filter a = filter_of("cpu", "a,b", "x,y", "n"), b = filter_of("cpu", "b,a,a", "y,x", "n,n");
    a.min = 0.0;
    b.min = -0.0;
    assert_null(filter_normalise(&a));
    assert_null(filter_normalise(&b));
    assert_true(slice_equal(filter_canonical(&a, true, &arena), filter_canonical(&b, true, &arena)));
    struct filter all = filter_of("", "", "", ""), star = all;
    star.name_is_prefix = true;
    assert_null(filter_normalise(&all));
    assert_null(filter_normalise(&star));
    assert_true(slice_equal(filter_canonical(&all, true, &arena), filter_canonical(&star, true, &arena)));
}

/* Filters that all ask something else, among them those that a separator would confuse. */
static unsigned different_filters(struct filter ret_filters[32])
{
    static const char *const texts[][4] = {
        { "", "", "", "" },     { "cpu", "", "", "" },  { "cp", "u", "", "" },  { "", "cpu", "", "" },
        { "", "", "cpu", "" },  { "", "", "", "cpu" },  { "", "a,b", "", "" },  { "", "a", "b", "" },
        { "", "a", "", "b" },   { "", "ab", "", "" },   { "", "", "a,b", "" },  { "", "", "ab", "" },
        { "a", "a", "a", "a" }, { "aa", "a", "a", "" }, { "", "b,c", "d", "" }, { "", "b", "c,d", "" },
        { "", "a,bc", "", "" }, { "", "ab,c", "", "" },
    };
    unsigned n = 0;
    for (; n < N_CASES(texts); n++)
        ret_filters[n] = filter_of(texts[n][0], texts[n][1], texts[n][2], texts[n][3]);
    for (unsigned i = 0; i < 6; i++)
        ret_filters[n + i] = filter_of("cpu", "", "", "");
    ret_filters[n++].name_is_prefix = true;
    ret_filters[n++].from_ms = 7;
    ret_filters[n++].to_ms = 7;
    ret_filters[n++].min = 7;
    ret_filters[n++].max = 7;
    ret_filters[n++].min = -7;
    return n;
}

static void filter_canonical_differs_for_different_questions(void **state)
{
    struct filter filters[32];
    unsigned n = different_filters(filters);
    for (unsigned i = 0; i < n; i++)
        assert_null(filter_normalise(&filters[i]));
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            for (int paging = 0; paging < 2; paging++)
                if (slice_equal(filter_canonical(&filters[i], paging, &arena),
                                filter_canonical(&filters[j], paging, &arena)))
                    fail_msg("filters %u and %u are one", i, j);
}

static void filter_canonical_leaves_out_paging(void **state)
{
    struct filter variants[6];
    for (unsigned i = 0; i < 6; i++)
        variants[i] = filter_of("cpu", "", "", "");
    variants[1].limit = 5;
    variants[2].ascending = true;
    variants[3].has_after = true;
    variants[4].has_after = true;
    variants[4].after.timestamp_ms = 1;
    variants[5].has_after = true;
    variants[5].after.tie[METRIC_ID_BYTES - 1] = 1;
    for (unsigned i = 0; i < 6; i++)
        for (unsigned j = 0; j < i; j++) {
            assert_true(slice_equal(filter_canonical(&variants[i], false, &arena),
                                    filter_canonical(&variants[j], false, &arena)));
            assert_false(slice_equal(filter_canonical(&variants[i], true, &arena),
                                     filter_canonical(&variants[j], true, &arena)));
        }
    variants[0].after.timestamp_ms = 9; /* without has_after it says nothing */
    struct filter plain = filter_of("cpu", "", "", "");
    assert_true(slice_equal(filter_canonical(&variants[0], true, &arena), filter_canonical(&plain, true, &arena)));
}

static void filter_canonical_holds_the_largest(void **state)
{
    static char name[METRIC_NAME_MAX], texts[FILTER_TAGS_MAX][METRIC_TAG_MAX];
    struct slice tags[3][FILTER_TAGS_MAX];
    struct filter filter;
    memset(name, 0xff, sizeof(name));
    for (unsigned i = 0; i < FILTER_TAGS_MAX; i++) {
        memset(texts[i], (int)i, METRIC_TAG_MAX);
        for (unsigned list = 0; list < 3; list++)
            tags[list][i] = (struct slice){ texts[i], METRIC_TAG_MAX };
    }
    filter_init(&filter);
    filter.name = (struct slice){ name, sizeof(name) };
    filter.tags = tags[0];
    filter.any_tags = tags[1];
    filter.not_tags = tags[2];
    filter.n_tags = filter.n_any_tags = filter.n_not_tags = FILTER_TAGS_MAX;
    assert_null(filter_normalise(&filter));
    assert_true(filter_canonical(&filter, true, &arena).len > METRIC_NAME_MAX + 3 * FILTER_TAGS_MAX * METRIC_TAG_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(filter_init_lets_everything_pass, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_normalise_sorts_and_drops_doubles, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_normalise_refuses, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_normalise_refuses_too_much, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_normalise_takes_the_bounds, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_canonical_is_equal_for_equal_questions, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_canonical_differs_for_different_questions, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_canonical_leaves_out_paging, arena_renew, arena_drop),
        cmocka_unit_test_setup_teardown(filter_canonical_holds_the_largest, arena_renew, arena_drop),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
