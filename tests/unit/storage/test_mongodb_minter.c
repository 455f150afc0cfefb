/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/minter.h"

#include <string.h>

#include "suite.h"

static int compare(struct metric_id a, struct metric_id b)
{
    return memcmp(a.bytes, b.bytes, METRIC_ID_BYTES);
}

static void next_lays_out_seconds_random_and_count(void **state)
{
    static const uint8_t expected[] = { 0x65, 0x53, 0xf1, 0x00, 1, 2, 3, 4, 5, 0, 0, 1 };
    struct minter minter = { .random = { 1, 2, 3, 4, 5 } };
    minter_next(&minter, 0x6553f100);
    struct metric_id id = minter_next(&minter, 0x6553f100);
    assert_memory_equal(id.bytes, expected, sizeof(expected));
}

static void next_rises_whatever_the_clock_does(void **state)
{
    static const uint32_t clock[] = { 100, 100, 101, 99, 99, 101, 102, 50, 103 };
    struct minter minter;
    minter_init(&minter);
    struct metric_id last = minter_next(&minter, 100);
    for (unsigned i = 0; i < N_CASES(clock); i++) {
        struct metric_id id = minter_next(&minter, clock[i]);
        assert_true(compare(last, id) < 0);
        last = id;
    }
}

static void next_goes_on_in_the_next_second_when_one_is_full(void **state)
{
    struct minter minter;
    minter_init(&minter);
    struct metric_id last = minter_next(&minter, 7);
    minter.count = MINTER_COUNT_MAX - 1;
    for (unsigned i = 0; i < 4; i++) {
        struct metric_id id = minter_next(&minter, 7);
        assert_true(compare(last, id) < 0);
        assert_int_equal(id.bytes[3], i < 2 ? 7 : 8);
        last = id;
    }
}

static void two_minters_differ(void **state)
{
    struct minter a, b;
    minter_init(&a);
    minter_init(&b);
    assert_memory_not_equal(a.random, b.random, MINTER_RANDOM_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_lays_out_seconds_random_and_count),
        cmocka_unit_test(next_rises_whatever_the_clock_does),
        cmocka_unit_test(next_goes_on_in_the_next_second_when_one_is_full),
        cmocka_unit_test(two_minters_differ),
    };
    return cmocka_run_group_tests_name("minter", tests, NULL, NULL);
}
