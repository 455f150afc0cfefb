/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "aggregate/distinct.h"
#include "aggregate/pool.h"
#include "suite.h"

static void add_values(struct distinct *distinct, struct pool *pool, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        assert_true(distinct_add(distinct, pool, distinct_hash_value(i * 0.25), DISTINCT_EXACT));
}

static void count_is_exact_up_to_its_number(void **state)
{
    struct pool pool;
    struct distinct distinct = { 0 };
    pool_init(&pool, 1024 * 1024);
    assert_true(distinct_count(&distinct) == 0);
    add_values(&distinct, &pool, 0, DISTINCT_EXACT);
    add_values(&distinct, &pool, 0, DISTINCT_EXACT);
    assert_true(distinct_count(&distinct) == DISTINCT_EXACT);
    assert_null(distinct.registers);
    distinct_clear(&distinct, &pool);
    assert_int_equal(pool.used_bytes, 0);
    pool_fini(&pool);
}

/* Root mean square of the relative error over many sets of each size: the standard error is under 1 %. */
static void estimate_has_its_standard_error(void **state)
{
    static const unsigned sizes[] = { 4097, 10000, 40000, 100000 };
    enum { SETS = 40 };
    unsigned first = 0;
    for (unsigned k = 0; k < N_CASES(sizes); k++) {
        double squares = 0, bias = 0;
        for (unsigned set = 0; set < SETS; set++, first += sizes[k]) {
            struct pool pool;
            struct distinct distinct = { 0 };
            pool_init(&pool, 1024 * 1024);
            add_values(&distinct, &pool, first, sizes[k]);
            double error = distinct_count(&distinct) / sizes[k] - 1;
            squares += error * error / SETS;
            bias += error / SETS;
            pool_fini(&pool);
        }
        assert_true(sqrt(squares) < 0.01);
        assert_true(fabs(bias) < 0.004);
    }
}

static void merge_counts_the_union(void **state)
{
    static const unsigned sizes[] = { 0, 10, 3000, 5000, 20000 };
    for (unsigned k = 0; k < N_CASES(sizes) * N_CASES(sizes); k++) {
        struct pool pool;
        struct distinct parts[2] = { { 0 } }, all = { 0 };
        unsigned a = sizes[k % N_CASES(sizes)], b = sizes[k / N_CASES(sizes)];
        pool_init(&pool, 1024 * 1024);
        add_values(&parts[0], &pool, 0, a);
        add_values(&parts[1], &pool, a / 2, b);
        add_values(&all, &pool, 0, a);
        add_values(&all, &pool, a / 2, b);
        assert_true(distinct_merge(&parts[0], &pool, &parts[1], DISTINCT_EXACT));
        assert_true(distinct_count(&parts[0]) == distinct_count(&all));
        pool_fini(&pool);
    }
}

static void texts_are_counted_exactly(void **state)
{
    struct pool pool;
    struct distinct distinct = { 0 };
    pool_init(&pool, 1024 * 1024);
    for (unsigned i = 0; i < 2 * 10000; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "name.%u", i % 10000);
        assert_true(
            distinct_add(&distinct, &pool, distinct_hash_text((struct slice){ text, (size_t)len }), UINT32_MAX));
    }
    assert_true(distinct_count(&distinct) == 10000);
    pool_fini(&pool);
}

static void zero_has_no_sign(void **state)
{
    assert_true(distinct_hash_value(0.0) == distinct_hash_value(-0.0));
    assert_true(distinct_hash_value(0.0) != distinct_hash_value(1.0));
}

static void set_gives_way_to_registers_when_memory_is_short(void **state)
{
    struct pool pool;
    struct distinct distinct = { 0 };
    pool_init(&pool, 64 * 1024);
    add_values(&distinct, &pool, 0, 4000);
    assert_non_null(distinct.registers);
    assert_true(fabs(distinct_count(&distinct) / 4000 - 1) < 0.03);
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count_is_exact_up_to_its_number),
        cmocka_unit_test(estimate_has_its_standard_error),
        cmocka_unit_test(merge_counts_the_union),
        cmocka_unit_test(texts_are_counted_exactly),
        cmocka_unit_test(zero_has_no_sign),
        cmocka_unit_test(set_gives_way_to_registers_when_memory_is_short),
    };
    return cmocka_run_group_tests_name("distinct", tests, NULL, NULL);
}
