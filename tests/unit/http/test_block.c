/* SPDX-License-Identifier: MIT */
/* block: what it holds is always charged to the loop's budget, and given back once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "http/connection.h"
#include "http/loop.h"

enum { BUDGET = 10000 };

static const struct http_settings settings = { .body_budget_bytes = BUDGET };

/* A loop of which only the budget is used. */
static int make_loop(void **state)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return -1;
    loop->settings = &settings;
    *state = loop;
    return 0;
}

static int free_loop(void **state)
{
    free(*state);
    return 0;
}

static void block_append_keeps_all_bytes_in_order(void **state)
{
    struct loop *loop = *state;
    struct block block = { 0 };
    for (unsigned i = 0; i < 4000; i++) {
        char byte = (char)i;
        assert_true(block_append(loop, &block, &byte, 1));
        assert_int_equal(loop->budget_used, block.capacity);
    }
    assert_int_equal(block.len, 4000);
    for (unsigned i = 0; i < 4000; i++)
        assert_int_equal(block.data[i], (char)i);
    block_free(loop, &block);
    assert_int_equal(loop->budget_used, 0);
}

static void block_append_stops_at_the_budget(void **state)
{
    struct loop *loop = *state;
    static const char bytes[BUDGET + 1];
    struct block block = { 0 };
    assert_false(block_append(loop, &block, bytes, BUDGET + 1));
    assert_int_equal(loop->budget_used, 0);
    assert_true(block_append(loop, &block, bytes, BUDGET));
    assert_int_equal(loop->budget_used, BUDGET);
    assert_false(block_append(loop, &block, bytes, 1));
    assert_int_equal(block.len, BUDGET); /* what it had stays */
    assert_int_equal(loop->budget_used, BUDGET);
    block_free(loop, &block);
    assert_int_equal(loop->budget_used, 0);
}

static void block_append_shares_the_budget(void **state)
{
    struct loop *loop = *state;
    static const char bytes[6000];
    struct block first = { 0 };
    struct block second = { 0 };
    assert_true(block_append(loop, &first, bytes, 6000));
    assert_false(block_append(loop, &second, bytes, 6000));
    block_free(loop, &first);
    assert_true(block_append(loop, &second, bytes, 6000));
    block_free(loop, &second);
}

/* Twice as much would not fit, what is needed does. */
static void block_append_takes_what_is_needed_of_a_small_rest(void **state)
{
    struct loop *loop = *state;
    static const char bytes[BUDGET];
    struct block block = { 0 };
    assert_true(block_append(loop, &block, bytes, 6000));
    assert_true(block_append(loop, &block, bytes, 100));
    assert_int_equal(loop->budget_used, 6100);
    assert_true(block_append(loop, &block, bytes, BUDGET - 6100));
    assert_int_equal(loop->budget_used, BUDGET);
    assert_false(block_append(loop, &block, bytes, 1));
    block_free(loop, &block);
    assert_int_equal(loop->budget_used, 0);
}

/* A share has its part, whatever else is free, and leaves the rest to bodies. */
static void block_append_of_a_share_has_a_part_of_the_budget(void **state)
{
    static const struct {
        enum budget_share share;
        size_t most;
    } cases[] = { { BUDGET_ANSWERS, BUDGET / 2 }, { BUDGET_HEADS, BUDGET / 4 } };
    struct loop *loop = *state;
    static const char bytes[BUDGET];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct block first = { .share = (uint8_t)cases[i].share }, second = first, body = { 0 };
        assert_true(block_append(loop, &first, bytes, cases[i].most - 100));
        assert_false(block_append(loop, &second, bytes, 101));
        assert_true(block_append(loop, &first, bytes, 100));
        assert_int_equal(loop->budget_shares[cases[i].share], cases[i].most);
        assert_true(block_append(loop, &body, bytes, BUDGET - cases[i].most));
        block_free(loop, &first);
        assert_int_equal(loop->budget_shares[cases[i].share], 0);
        assert_int_equal(loop->budget_used, BUDGET - cases[i].most);
        block_free(loop, &body);
    }
}

static void block_append_grows_no_further_than_what_is_expected(void **state)
{
    struct loop *loop = *state;
    static const char bytes[BUDGET];
    struct block block = { .most = 5000 };
    assert_true(block_append(loop, &block, bytes, 10));
    assert_int_equal(loop->budget_used, 1024);
    assert_true(block_append(loop, &block, bytes, 3000));
    assert_true(block_append(loop, &block, bytes, 1000));
    assert_int_equal(loop->budget_used, 5000);
    assert_true(block_append(loop, &block, bytes, 990));
    assert_int_equal(loop->budget_used, 5000);
    block_free(loop, &block);
}

static void block_append_of_a_little_to_much_takes_little(void **state)
{
    enum { MUCH = 20 << 20, LITTLE = 512 * 1024 };
    static const struct http_settings large = { .body_budget_bytes = 2 * MUCH };
    struct loop *loop = *state;
    static const char bytes[MUCH];
    struct block block = { 0 };
    loop->settings = &large;
    assert_true(block_append(loop, &block, bytes, MUCH));
    assert_true(block_append(loop, &block, bytes, 1));
    assert_in_range(loop->budget_used, MUCH + 1, MUCH + LITTLE);
    block_free(loop, &block);
}

static void block_append_of_nothing_is_nothing(void **state)
{
    struct loop *loop = *state;
    struct block block = { 0 };
    assert_true(block_append(loop, &block, "", 0));
    assert_int_equal(loop->budget_used, 0);
    block_free(loop, &block);
    block_free(loop, &block); /* an empty block is free already */
}

static void loop_budget_take_never_wraps(void **state)
{
    struct loop *loop = *state;
    assert_true(loop_budget_take(loop, BUDGET_BODIES, BUDGET - 1));
    assert_false(loop_budget_take(loop, BUDGET_BODIES, SIZE_MAX));
    assert_false(loop_budget_take(loop, BUDGET_BODIES, SIZE_MAX - BUDGET + 2));
    assert_true(loop_budget_take(loop, BUDGET_BODIES, 1));
    loop_budget_give(loop, BUDGET_BODIES, BUDGET);
    assert_int_equal(loop->budget_used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(block_append_keeps_all_bytes_in_order, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_stops_at_the_budget, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_shares_the_budget, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_takes_what_is_needed_of_a_small_rest, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_of_a_share_has_a_part_of_the_budget, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_grows_no_further_than_what_is_expected, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_of_a_little_to_much_takes_little, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(block_append_of_nothing_is_nothing, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(loop_budget_take_never_wraps, make_loop, free_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
