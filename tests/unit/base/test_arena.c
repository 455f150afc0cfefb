/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <telemetry/arena.h>

enum { BLOCK_BYTES = 256 };

static _Alignas(16) char block[BLOCK_BYTES];

static struct arena fresh(void)
{
    struct arena arena;
    arena_init(&arena, block, sizeof(block));
    return arena;
}

static void arena_alloc_starts_in_the_block(void **state)
{
    struct arena arena = fresh();
    assert_ptr_equal(arena_alloc(&arena, 1), block);
    assert_ptr_equal(arena_alloc(&arena, 16), block + 16);
    assert_ptr_equal(arena_alloc(&arena, 17), block + 32);
    assert_ptr_equal(arena_alloc(&arena, BLOCK_BYTES - 64), block + 64);
    assert_int_equal(arena.overflow_bytes, 0);
    arena_reset(&arena);
}

static void arena_alloc_aligns_every_size(void **state)
{
    struct arena arena = fresh();
    for (size_t bytes = 0; bytes < 3000; bytes++) {
        char *memory = arena_alloc(&arena, bytes);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        memset(memory, 0xa5, bytes);
    }
    arena_reset(&arena);
}

static void arena_alloc_keeps_allocations_apart(void **state)
{
    enum { N = 500 };
    struct arena arena = fresh();
    unsigned char *memory[N];
    for (unsigned i = 0; i < N; i++) {
        memory[i] = arena_alloc(&arena, i);
        memset(memory[i], (int)(i & 0xff), i);
    }
    for (unsigned i = 0; i < N; i++)
        for (unsigned at = 0; at < i; at++)
            assert_int_equal(memory[i][at], i & 0xff);
    arena_reset(&arena);
}

static void arena_alloc_takes_chunks_and_counts_them(void **state)
{
    struct arena arena = fresh();
    assert_non_null(arena_alloc(&arena, BLOCK_BYTES));
    assert_int_equal(arena.overflow_bytes, 0);
    assert_non_null(arena_alloc(&arena, 1));
    size_t first = arena.overflow_bytes;
    assert_true(first > 0);
    assert_non_null(arena_alloc(&arena, 10 * 1024 * 1024));
    assert_true(arena.overflow_bytes >= first + 10 * 1024 * 1024);
    arena_reset(&arena);
    assert_int_equal(arena.overflow_bytes, 0);
    assert_ptr_equal(arena_alloc(&arena, 1), block);
}

static void arena_alloc_refuses_the_impossible(void **state)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2, SIZE_MAX / 4 + 1 };
    struct arena arena = fresh();
    for (size_t i = 0; i < N_CASES(sizes); i++)
        assert_null(arena_alloc(&arena, sizes[i]));
    assert_ptr_equal(arena_alloc(&arena, 1), block);
}

static void arena_copy_ends_in_a_nul(void **state)
{
    struct arena arena = fresh();
    struct slice copy = arena_copy(&arena, SLICE("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    copy = arena_copy(&arena, (struct slice){ NULL, 0 });
    assert_int_equal(copy.len, 0);
    assert_string_equal(copy.data, "");
}

static void text_append_grows_and_keeps_all(void **state)
{
    struct arena arena = fresh();
    struct text text = text_in(&arena, 0);
    for (unsigned i = 0; i < 100000; i++)
        text_append(&text, (const char[]){ (char)('a' + i % 26) }, 1);
    assert_false(text.failed);
    assert_int_equal(text_slice(&text).len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(text.data[i], 'a' + i % 26);
    arena_reset(&arena);
}

static void text_numbers_print_their_extremes(void **state)
{
    struct arena arena = fresh();
    struct text text = text_in(&arena, 8);
    text_u64(&text, 0);
    text_literal(&text, " ");
    text_u64(&text, UINT64_MAX);
    text_literal(&text, " ");
    text_i64(&text, INT64_MIN);
    text_literal(&text, " ");
    text_i64(&text, -7);
    text_printf(&text, " %s|%d", "x", 5);
    text_append(&text, NULL, 0);
    const char expected[] = "0 18446744073709551615 -9223372036854775808 -7 x|5";
    assert_int_equal(text.len, sizeof(expected) - 1);
    assert_memory_equal(text.data, expected, text.len);
    arena_reset(&arena);
}

static void text_fails_once_and_stays_failed(void **state)
{
    struct arena arena = fresh();
    struct text text = text_in(&arena, 16);
    text_literal(&text, "kept");
    assert_null(text_reserve(&text, SIZE_MAX));
    assert_true(text.failed);
    text_literal(&text, "ignored");
    text_printf(&text, "%d", 1);
    assert_null(text_reserve(&text, 1));
    assert_int_equal(text.len, 4);
    arena_reset(&arena);
}

static void text_reserve_refuses_a_sum_that_wraps(void **state)
{
    struct arena arena = fresh();
    struct text text = text_in(&arena, 16);
    text_literal(&text, "0123456789");
    assert_null(text_reserve(&text, SIZE_MAX - 4));
    assert_true(text.failed);
    arena_reset(&arena);
}

static void text_json_escapes_what_json_must(void **state)
{
    struct arena arena = fresh();
    struct text text = text_in(&arena, 1);
    text_json(&text, (struct slice){ "a\"b\\\0\n\x1f\xc3\xa9/", 10 });
    text_json(&text, (struct slice){ NULL, 0 });
    text_json(&text, SLICE("\"\""));
    const char *expected = "\"a\\\"b\\\\\\u0000\\u000a\\u001f\xc3\xa9/\"\"\"\"\\\"\\\"\"";
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_alloc_starts_in_the_block),
        cmocka_unit_test(arena_alloc_aligns_every_size),
        cmocka_unit_test(arena_alloc_keeps_allocations_apart),
        cmocka_unit_test(arena_alloc_takes_chunks_and_counts_them),
        cmocka_unit_test(arena_alloc_refuses_the_impossible),
        cmocka_unit_test(arena_copy_ends_in_a_nul),
        cmocka_unit_test(text_append_grows_and_keeps_all),
        cmocka_unit_test(text_numbers_print_their_extremes),
        cmocka_unit_test(text_fails_once_and_stays_failed),
        cmocka_unit_test(text_json_escapes_what_json_must),
        cmocka_unit_test(text_reserve_refuses_a_sum_that_wraps),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
