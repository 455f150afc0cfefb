/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "aggregate/pool.h"
#include "suite.h"

static void alloc_stops_at_the_budget_and_goes_on_after_free(void **state)
{
    struct pool pool;
    pool_init(&pool, 4096);
    void *first = pool_alloc(&pool, 3000);
    assert_non_null(first);
    assert_null(pool_alloc(&pool, 3000));
    assert_int_equal(pool.status, STATUS_QUERY_TOO_LARGE);
    assert_null(pool_alloc(&pool, SIZE_MAX));
    pool_free(&pool, first);
    assert_int_equal(pool.used_bytes, 0);
    assert_non_null(pool_alloc(&pool, 3000));
    pool_fini(&pool);
}

static void blocks_are_zeroed_and_free_in_any_order(void **state)
{
    struct pool pool;
    char *blocks[10];
    pool_init(&pool, 64 * 1024);
    for (unsigned i = 0; i < 10; i++) {
        blocks[i] = pool_alloc(&pool, 100);
        for (unsigned k = 0; k < 100; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], 0xff, 100);
    }
    static const unsigned order[] = { 9, 0, 5, 4, 6 };
    for (unsigned i = 0; i < N_CASES(order); i++)
        pool_free(&pool, blocks[order[i]]);
    pool_fini(&pool);
    assert_int_equal(pool.used_bytes, 0);
}

static void grow_keeps_what_there_was(void **state)
{
    struct pool pool;
    pool_init(&pool, 1024);
    char *memory = pool_grow(&pool, NULL, 0, 10);
    memcpy(memory, "123456789", 10);
    memory = pool_grow(&pool, memory, 10, 100);
    assert_string_equal(memory, "123456789");
    assert_int_equal(memory[99], 0);
    assert_null(pool_grow(&pool, memory, 100, 2000));
    assert_string_equal(memory, "123456789");
    pool_fini(&pool);
}

static void has_room_counts_a_share(void **state)
{
    struct pool pool;
    pool_init(&pool, 1000);
    assert_true(pool_has_room(&pool, 500, 2));
    assert_false(pool_has_room(&pool, 501, 2));
    assert_non_null(pool_alloc(&pool, 600));
    assert_false(pool_has_room(&pool, 1, 2));
    assert_true(pool_has_room(&pool, 100, 1));
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_stops_at_the_budget_and_goes_on_after_free),
        cmocka_unit_test(blocks_are_zeroed_and_free_in_any_order),
        cmocka_unit_test(grow_keeps_what_there_was),
        cmocka_unit_test(has_room_counts_a_share),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
