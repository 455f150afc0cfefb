/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "percentiles.h"
#include "random.h"
#include "report.h"

enum { N = 100000 };

static const double precision = 1.0 / 1024; /* three significant digits and a little more */

static struct histogram histogram, other;
static uint64_t samples[N];

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* From nanoseconds to half an hour, each power of two as likely as the next. */
static void record_samples(void)
{
    struct random random = { 7 };
    histogram_reset(&histogram);
    for (unsigned i = 0; i < N; i++) {
        samples[i] = (uint64_t)exp2(random_unit(&random) * 40.9);
        histogram_record(&histogram, samples[i]);
    }
    qsort(samples, N, sizeof(samples[0]), by_value);
}

static void percentile_is_that_of_sorted_samples(void **state)
{
    record_samples();
    for (double percent = 0.01; percent <= 100; percent += 0.01) {
        uint64_t exact = samples[(size_t)fmin(N, fmax(1, ceil(percent / 100 * N - 1e-6))) - 1];
        uint64_t found = histogram_percentile(&histogram, percent);
        assert_true(found >= exact);
        assert_true((double)(found - exact) <= precision * (double)exact);
    }
}

static void small_values_are_exact(void **state)
{
    histogram_reset(&histogram);
    for (uint64_t value = 1; value <= 2000; value++)
        histogram_record(&histogram, value);
    for (unsigned rank = 1; rank <= 2000; rank++)
        assert_int_equal(histogram_percentile(&histogram, rank / 20.0), rank);
}

static void mean_deviation_and_max_are_exact(void **state)
{
    histogram_reset(&histogram);
    histogram_record(&histogram, 1000000001);
    histogram_record(&histogram, 3000000003);
    assert_true(fabs(histogram_mean(&histogram) - 2000000002.0) < 1);
    assert_true(fabs(histogram_deviation(&histogram) - 1000000001.0) < 1);
    assert_int_equal(histogram.max, 3000000003);
    assert_int_equal(histogram_percentile(&histogram, 100), 3000000003);
}

static void values_beyond_the_last_bucket_are_counted(void **state)
{
    histogram_reset(&histogram);
    histogram_record(&histogram, 5);
    histogram_record(&histogram, UINT64_MAX / 2);
    assert_int_equal(histogram.total, 2);
    assert_int_equal(histogram_percentile(&histogram, 50), 5);
    assert_int_equal(histogram_percentile(&histogram, 99), UINT64_MAX / 2);
}

static void empty_has_no_percentiles(void **state)
{
    struct point points[POINTS_MAX];
    histogram_reset(&histogram);
    assert_int_equal(histogram_percentile(&histogram, 99), 0);
    assert_true(histogram_mean(&histogram) == 0 && histogram_deviation(&histogram) == 0);
    assert_int_equal(percentile_curve(&histogram, points), 0);
}

static void add_is_as_if_recorded_in_one(void **state)
{
    record_samples();
    other = histogram;
    histogram_reset(&histogram);
    histogram_add(&histogram, &other);
    histogram_add(&histogram, &other);
    assert_int_equal(histogram.total, 2 * N);
    for (double percent = 1; percent <= 100; percent += 1)
        assert_int_equal(histogram_percentile(&histogram, percent), histogram_percentile(&other, percent));
}

static void curve_rises_to_all_values(void **state)
{
    struct point points[POINTS_MAX];
    record_samples();
    unsigned n = percentile_curve(&histogram, points);
    assert_true(n > 50 && n < POINTS_MAX);
    for (unsigned i = 1; i < n; i++) {
        assert_true(points[i].percent > points[i - 1].percent);
        assert_true(points[i].value_ns >= points[i - 1].value_ns);
        assert_true((double)points[i].n_values >= points[i].percent / 100 * N - 1e-3);
    }
    assert_int_equal(points[n - 1].n_values, N);
    assert_true(points[n - 1].percent == 100);
}

/* As HdrHistogram's outputPercentileDistribution() prints four values, each the highest of its bucket. */
static void hgrm_is_the_text_that_plotters_read(void **state)
{
    char text[4096] = "";
    histogram_reset(&histogram);
    for (uint64_t i = 1; i <= 4; i++)
        histogram_record(&histogram, (i << 20) - 1);
    FILE *file = fmemopen(text, sizeof(text), "w");
    report_hgrm(file, &histogram);
    fclose(file);
    assert_ptr_equal(strstr(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"), text);
    assert_non_null(strstr(text, "\n       1.049 0.000000000000          1           1.00\n"));
    assert_non_null(strstr(text, "\n       2.097 0.500000000000          2           2.00\n"));
    assert_non_null(strstr(text, "\n       3.146 0.750000000000          3           4.00\n"));
    assert_non_null(strstr(text, "\n       4.194 1.000000000000          4\n#[Mean    =        2.621, "));
    assert_non_null(strstr(text, "#[Max     =        4.194, Total count    =            4]\n#[Buckets = "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentile_is_that_of_sorted_samples),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(mean_deviation_and_max_are_exact),
        cmocka_unit_test(values_beyond_the_last_bucket_are_counted),
        cmocka_unit_test(empty_has_no_percentiles),
        cmocka_unit_test(add_is_as_if_recorded_in_one),
        cmocka_unit_test(curve_rises_to_all_values),
        cmocka_unit_test(hgrm_is_the_text_that_plotters_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
