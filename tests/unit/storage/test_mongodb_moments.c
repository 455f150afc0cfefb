/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/moments.h"

#include <math.h>
#include <string.h>

#include <telemetry/metric.h>

#include "suite.h"

/* Reads a row in extended JSON, of a plan that groups so. The group's bytes are static. */
static bool read_row(const char *json, enum plan_group group_by, struct moments_row *ret_row)
{
    static char group[512];
    struct plan plan = { .group_by = (uint8_t)group_by };
    bson_error_t error;
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (document == NULL)
        fail_msg("%s: %s", json, error.message);
    bool ok = moments_read(document, &plan, ret_row);
    memcpy(group, ret_row->group.len > 0 ? ret_row->group.data : "", ret_row->group.len);
    ret_row->group.data = group;
    bson_destroy(document);
    return ok;
}

static void read_takes_all_members(void **state)
{
    struct moments_row row;
    assert_true(
        read_row("{\"_id\":{\"g\":\"cpu\",\"b\":7.0},\"n\":4,\"f\":{\"$date\":{\"$numberLong\":\"-5\"}},"
                 "\"l\":{\"$date\":{\"$numberLong\":\"9\"}},\"s\":10,\"lo\":-1.5,\"hi\":{\"$numberLong\":\"8\"},"
                 "\"m\":2.5,\"d\":3.0}",
                 GROUP_NAME, &row));
    assert_true(slice_equal(row.group, SLICE("cpu")) && row.bucket == 7 && !row.is_of_all);
    assert_true(row.first_ms == -5 && row.last_ms == 9);
    assert_true(row.moments.count == 4 && row.moments.sum == 10);
    assert_true(row.moments.min == -1.5 && row.moments.max == 8);
    assert_true(row.moments.mean == 2.5 && row.moments.m2 == 36);
}

static void read_takes_rows_of_all_forms(void **state)
{
    struct moments_row row;
    assert_true(read_row("{\"_id\":null,\"n\":1}", GROUP_NONE, &row));
    assert_true(row.group.len == 0 && row.bucket == 0);
    assert_true(read_row("{\"_id\":{\"b\":3},\"n\":1}", GROUP_NONE, &row));
    assert_int_equal(row.bucket, 3);
    assert_true(read_row("{\"_id\":{\"g\":\"$ne\"},\"n\":1}", GROUP_TAG, &row));
    assert_true(slice_equal(row.group, SLICE("$ne")));
    assert_true(read_row("{\"_id\":{\"g\":null,\"b\":2},\"n\":1}", GROUP_TAG, &row));
    assert_true(row.is_of_all && row.bucket == 2);
}

static void read_passes_over_what_is_no_row(void **state)
{
    static const struct {
        const char *json;
        enum plan_group group_by;
    } cases[] = {
        { "{}", GROUP_NONE },
        { "{\"n\":1}", GROUP_NONE },
        { "{\"_id\":null}", GROUP_NONE },
        { "{\"_id\":null,\"n\":0}", GROUP_NONE },
        { "{\"_id\":null,\"n\":1}", GROUP_NAME },
        { "{\"_id\":{\"b\":1},\"n\":1}", GROUP_NAME },
        { "{\"_id\":{\"g\":null},\"n\":1}", GROUP_NAME },
        { "{\"_id\":{\"g\":5},\"n\":1}", GROUP_NAME },
        { "{\"_id\":{\"g\":\"\"},\"n\":1}", GROUP_NAME },
        { "{\"_id\":{\"g\":\"a\\u0000b\"},\"n\":1}", GROUP_NAME },
        { "{\"_id\":{\"g\":\"a\\nb\"},\"n\":1}", GROUP_TAG },
        { "{\"_id\":{\"b\":-1},\"n\":1}", GROUP_NONE },
        { "{\"_id\":{\"b\":10000},\"n\":1}", GROUP_NONE },
        { "{\"_id\":{\"b\":\"1\"},\"n\":1}", GROUP_NONE },
        { "{\"_id\":{\"b\":null},\"n\":1}", GROUP_NONE },
        { "{\"_id\":5,\"n\":1}", GROUP_NONE },
    };
    struct moments_row row;
    for (unsigned i = 0; i < N_CASES(cases); i++)
        if (read_row(cases[i].json, cases[i].group_by, &row))
            fail_msg("%s", cases[i].json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_takes_all_members),
        cmocka_unit_test(read_takes_rows_of_all_forms),
        cmocka_unit_test(read_passes_over_what_is_no_row),
    };
    return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
