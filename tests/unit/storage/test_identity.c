/* SPDX-License-Identifier: MIT */
#include "storage/sqlite/identity.h"

#include "suite.h"

static void mint_lays_out_seconds_tag_and_row(void **state)
{
    static const uint8_t expected[] = { 0x65, 0x53, 0xf1, 0x00, 0xab, 0xcd, 0xef, 0x01, 0x02, 0x03, 0x04, 0x05 };
    struct metric_id id = identity_mint(0xabcdef, 0x6553f100, 0x0102030405);
    assert_memory_equal(id.bytes, expected, sizeof(expected));
}

static void read_gives_what_was_minted(void **state)
{
    static const uint64_t rows[] = { 0, 1, 255, 256, UINT64_C(0xffffffffff) };
    for (unsigned i = 0; i < N_CASES(rows); i++) {
        struct metric_id id = identity_mint(7, UINT32_MAX - i, rows[i]);
        uint32_t seconds = 0;
        uint64_t row = 0;
        assert_true(identity_read(&id, 7, &seconds, &row));
        assert_int_equal(seconds, UINT32_MAX - i);
        assert_int_equal(row, rows[i]);
    }
}

static void read_refuses_another_tag(void **state)
{
    struct metric_id id = identity_mint(7, 1, 1);
    uint32_t seconds = 5;
    uint64_t row = 5;
    assert_false(identity_read(&id, 8, &seconds, &row));
    assert_int_equal(seconds, 5);
    assert_int_equal(row, 5);
}

static void age_is_zero_within_the_second(void **state)
{
    assert_int_equal(identity_age(1700000000, INT64_C(1700000000999)), 0);
    assert_int_equal(identity_age(1700000000, INT64_C(1700000001000)), -1);
    assert_int_equal(identity_age(1700000000, INT64_C(1699999999999)), 1);
}

static void seconds_come_back_from_age(void **state)
{
    static const int64_t times[] = {
        METRIC_TIMESTAMP_MIN, -1001, -1000, -999, -1, 0, 1, 999, 1000, METRIC_TIMESTAMP_MAX
    };
    static const uint32_t seconds[] = { 0, 1, 1700000000, UINT32_MAX };
    for (unsigned i = 0; i < N_CASES(times); i++)
        for (unsigned k = 0; k < N_CASES(seconds); k++)
            assert_int_equal(identity_seconds(identity_age(seconds[k], times[i]), times[i]), seconds[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mint_lays_out_seconds_tag_and_row), cmocka_unit_test(read_gives_what_was_minted),
        cmocka_unit_test(read_refuses_another_tag),          cmocka_unit_test(age_is_zero_within_the_second),
        cmocka_unit_test(seconds_come_back_from_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
