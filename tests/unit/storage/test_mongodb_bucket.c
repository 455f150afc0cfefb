/* SPDX-License-Identifier: MIT */
/* Expressions are worked out here as a server does it, and give each timestamp the bucket between whose
 * edges it lies. */
#include "storage/mongodb/bucket.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/metric.h>

#include "suite.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

struct operand {
    bson_iter_t iter;
};

static double value_of(const bson_iter_t *iter, int64_t timestamp_ms, unsigned depth);

/* The operands of an operator: an array, or the one that it has. */
static unsigned operands_of(const bson_iter_t *iter, struct operand ret_operands[3])
{
    bson_iter_t operand;
    unsigned n = 0;
    ret_operands[0].iter = *iter;
    if (!BSON_ITER_HOLDS_ARRAY(iter))
        return 1;
    assert_true(bson_iter_recurse(iter, &operand));
    while (bson_iter_next(&operand)) {
        assert_true(n < 3);
        ret_operands[n++].iter = operand;
    }
    return n;
}

static double apply(const char *operator, const bson_iter_t * iter, int64_t timestamp_ms, unsigned depth)
{
    struct operand operands[3];
    unsigned n = operands_of(iter, operands);
    double first = value_of(&operands[0].iter, timestamp_ms, depth);
    if (strcmp(operator, "$cond") == 0)
        return value_of(&operands[first != 0 ? 1 : 2].iter, timestamp_ms, depth);
    if (strcmp(operator, "$toLong") == 0 || strcmp(operator, "$literal") == 0)
        return first;
    if (strcmp(operator, "$floor") == 0)
        return floor(first);
    assert_int_equal(n, 2);
    double second = value_of(&operands[1].iter, timestamp_ms, depth);
    if (strcmp(operator, "$lt") == 0)
        return first < second;
    if (strcmp(operator, "$add") == 0)
        return first + second;
    if (strcmp(operator, "$subtract") == 0)
        return first - second;
    assert_string_equal(operator, "$divide");
    return first / second;
}

static double value_of(const bson_iter_t *iter, int64_t timestamp_ms, unsigned depth)
{
    bson_iter_t member;
    assert_true(depth < 80); /* servers take 100 and more */
    if (BSON_ITER_HOLDS_UTF8(iter)) {
        assert_string_equal(bson_iter_utf8(iter, NULL), "$timestamp");
        return (double)timestamp_ms;
    }
    if (BSON_ITER_HOLDS_DATE_TIME(iter))
        return (double)bson_iter_date_time(iter);
    if (!BSON_ITER_HOLDS_DOCUMENT(iter))
        return bson_iter_as_double(iter);
    assert_true(bson_iter_recurse(iter, &member) && bson_iter_next(&member));
    return apply(bson_iter_key(&member), &member, timestamp_ms, depth + 2);
}

static void assert_buckets_of(const bson_t *document, const int64_t edges[], uint32_t n)
{
    bson_iter_t iter;
    assert_true(bson_iter_init_find(&iter, document, "b"));
    assert_false(BSON_ITER_HOLDS_NUMBER(&iter)); /* $group takes no plain number in its _id */
    for (uint32_t i = 0; i < n; i++) {
        int64_t length = edges[i + 1] - edges[i];
        int64_t inside[] = { edges[i], edges[i] + length / 3, edges[i + 1] - 1 };
        for (unsigned k = 0; k < N_CASES(inside); k++)
            assert_true(value_of(&iter, inside[k], 0) == i);
    }
}

/* Returns the bytes that the expression takes. */
static uint32_t assert_buckets(const int64_t edges[], uint32_t n)
{
    bson_t document = BSON_INITIALIZER;
    assert_true(bucket_write(&document, "b", edges, n));
    assert_buckets_of(&document, edges, n);
    uint32_t bytes = document.len;
    bson_destroy(&document);
    return bytes;
}

static void bucket_of_one_length_is_a_quotient(void **state)
{
    static int64_t edges[10001];
    static const int64_t lengths[] = { 1, 7, 1000, 60000, HOUR, DAY, 36500 * DAY / 10000 };
    for (unsigned k = 0; k < N_CASES(lengths); k++) {
        for (int64_t i = 0; i < 10001; i++)
            edges[i] = METRIC_TIMESTAMP_MIN + 12345 + i * lengths[k];
        assert_true(assert_buckets(edges, 10000) < 256);
    }
}

static void bucket_alone_is_a_constant(void **state)
{
    static const int64_t edges[] = { METRIC_TIMESTAMP_MIN, METRIC_TIMESTAMP_MAX + 1 };
    assert_true(assert_buckets(edges, 1) < 64);
}

/* Two days of a year have another length. */
static void bucket_of_days_knows_changes_of_the_clock(void **state)
{
    int64_t edges[366] = { 1767222000000 };
    for (unsigned i = 0; i < 365; i++)
        edges[i + 1] = edges[i] + DAY - (i == 87 ? HOUR : 0) + (i == 297 ? HOUR : 0);
    assert_true(assert_buckets(edges, 365) < 2048);
}

static void bucket_of_months_is_found_by_halving(void **state)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    static int64_t edges[10001];
    edges[0] = -DAY * 365 * 400;
    for (unsigned i = 0; i < 10000; i++)
        edges[i + 1] = edges[i] + days[i % 12] * DAY;
    assert_true(assert_buckets(edges, 10000) < 4 * 1024 * 1024);
}

static void bucket_of_any_lengths_is_right(void **state)
{
    static int64_t edges[2001];
    for (unsigned round = 0; round < 50; round++) {
        uint32_t n = 1 + (uint32_t)rand() % 2000;
        edges[0] = rand() % 1000000 - 500000;
        for (uint32_t i = 0; i < n; i++)
            edges[i + 1] = edges[i] + 1 + rand() % (round % 5 == 0 ? 1000000 : 2);
        assert_buckets(edges, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_of_one_length_is_a_quotient),
        cmocka_unit_test(bucket_alone_is_a_constant),
        cmocka_unit_test(bucket_of_days_knows_changes_of_the_clock),
        cmocka_unit_test(bucket_of_months_is_found_by_halving),
        cmocka_unit_test(bucket_of_any_lengths_is_right),
    };
    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
