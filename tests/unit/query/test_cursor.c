/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>

#include "query/filters.h"

enum { LETTERS = 38 };

static _Alignas(16) char block[65536];
static struct arena arena;
static struct filter filter;

static const struct list_position somewhere = { .timestamp_ms = 1795428000123,
                                                .tie = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252 } };

static int setup(void **state)
{
    arena_init(&arena, block, sizeof(block));
    filter_init(&filter);
    filter.name = SLICE("cpu");
    return 0;
}

static int teardown(void **state)
{
    arena_reset(&arena);
    return 0;
}

static void assert_refused(struct slice text)
{
    struct list_position position = { .timestamp_ms = 42 };
    assert_false(cursor_parse(text, &filter, &arena, &position));
    assert_int_equal(position.timestamp_ms, 42);
}

static void cursor_round_trips(void **state)
{
    static const int64_t times[] = { 0, -1, 1, METRIC_TIMESTAMP_MIN, METRIC_TIMESTAMP_MAX };
    for (size_t i = 0; i < N_CASES(times); i++) {
        struct list_position position = somewhere, read = { 0 };
        position.timestamp_ms = times[i];
        struct slice text = cursor_format(&position, &filter, &arena);
        assert_int_equal(text.len, LETTERS);
        for (size_t at = 0; at < text.len; at++)
            assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text.data[at]));
        assert_true(cursor_parse(text, &filter, &arena, &read));
        assert_int_equal(read.timestamp_ms, position.timestamp_ms);
        assert_memory_equal(read.tie, position.tie, sizeof(position.tie));
    }
}

/* The form is part of the interface: pages that clients hold must go on working. */
static void cursor_format_does_not_change(void **state)
{
    struct slice text = cursor_format(&somewhere, &filter, &arena);
    assert_memory_equal(text.data, "AAABogfZIXsBAgMEBQYHCAn6-_xhLCQthcvWtQ", LETTERS);
}

static void cursor_parse_refuses_another_question(void **state)
{
    struct slice tag = SLICE("a"), text = cursor_format(&somewhere, &filter, &arena);
    struct filter same = filter;
    filter.limit = 7; /* pages of another size go on */
    struct list_position read;
    assert_true(cursor_parse(text, &filter, &arena, &read));
    filter = same;
    filter.ascending = true;
    assert_refused(text);
    filter = same;
    filter.name_is_prefix = true;
    assert_refused(text);
    filter = same;
    filter.to_ms = 5;
    assert_refused(text);
    filter = same;
    filter.tags = &tag;
    filter.n_tags = 1;
    assert_refused(text);
}

static void cursor_parse_refuses_every_changed_letter(void **state)
{
    struct slice text = cursor_format(&somewhere, &filter, &arena);
    char changed[LETTERS];
    for (unsigned at = 0; at < LETTERS; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(changed, text.data, LETTERS);
            changed[at] = (char)byte;
            if (memcmp(changed, text.data, LETTERS) != 0)
                assert_refused((struct slice){ changed, LETTERS });
        }
}

/* The last letter carries two bits of the cursor; the other four must be zero. */
static void cursor_parse_refuses_trailing_bits(void **state)
{
    struct slice text = cursor_format(&somewhere, &filter, &arena);
    char changed[LETTERS];
    memcpy(changed, text.data, LETTERS);
    assert_non_null(strchr("AQgw", changed[LETTERS - 1]));
    changed[LETTERS - 1]++;
    assert_refused((struct slice){ changed, LETTERS });
}

static void cursor_parse_refuses_other_lengths(void **state)
{
    struct slice text = cursor_format(&somewhere, &filter, &arena);
    char longer[LETTERS + 4];
    memset(longer, '=', sizeof(longer));
    memcpy(longer, text.data, LETTERS);
    for (size_t len = 0; len <= sizeof(longer); len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, longer, len);
        if (len != LETTERS)
            assert_refused((struct slice){ copy, len });
        free(copy);
    }
    longer[LETTERS] = 'A';
    assert_refused((struct slice){ longer, LETTERS + 1 });
    assert_refused((struct slice){ NULL, 0 });
}

static void cursor_parse_refuses_other_alphabets(void **state)
{
    static const char *const texts[] = {
        "AAABogfZIXsBAgMEBQYHCAn6+/xhLCQthcvWtQ", "                                      ",
        "AAABogfZIXsBAgMEBQYHCAn6-_xhLCQ%3D%3D=", "{\"timestamp\":1795428000123,\"x\":\"aaaa\"}"
    };
    for (size_t i = 0; i < N_CASES(texts); i++)
        assert_refused(slice_of(texts[i]));
}

/* A position outside of the calendar has a valid hash and is refused all the same. */
static void cursor_parse_refuses_impossible_times(void **state)
{
    static const int64_t times[] = { INT64_MIN, INT64_MAX, METRIC_TIMESTAMP_MIN - 1, METRIC_TIMESTAMP_MAX + 1 };
    for (size_t i = 0; i < N_CASES(times); i++) {
        struct list_position position = somewhere;
        position.timestamp_ms = times[i];
        assert_refused(cursor_format(&position, &filter, &arena));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cursor_round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_format_does_not_change, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_parse_refuses_another_question, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_parse_refuses_every_changed_letter, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_parse_refuses_trailing_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_parse_refuses_other_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_parse_refuses_other_alphabets, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor_parse_refuses_impossible_times, setup, teardown),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
