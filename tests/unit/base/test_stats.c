/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "base/stats_read.h"
#include <telemetry/clock.h>

static struct stats_registry registry;
static _Alignas(16) char block[65536];
static struct arena arena;

static int setup(void **state)
{
    arena_init(&arena, block, sizeof(block));
    stats_registry_init(&registry, "sqlite", "memory");
    return 0;
}

static int teardown(void **state)
{
    stats_registry_fini(&registry);
    arena_reset(&arena);
    return 0;
}

/* The bucket that one duration lands in. */
static unsigned bucket_of(uint64_t ns)
{
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    unsigned bucket = 0;
    histogram_add(histogram, ns);
    while (histogram->buckets[bucket] == 0)
        bucket++;
    assert_int_equal(histogram->buckets[bucket], 1);
    assert_int_equal(histogram->sum_ns, ns);
    free(histogram);
    return bucket;
}

static void histogram_bounds_rise_without_gaps(void **state)
{
    for (unsigned i = 0; i < STATS_BUCKETS; i++) {
        uint64_t bound = histogram_bound_ns(i);
        assert_true(i == 0 || bound > histogram_bound_ns(i - 1));
        assert_int_equal(bucket_of(bound), i);
        if (i + 1 < STATS_BUCKETS)
            assert_int_equal(bucket_of(bound + 1), i + 1);
    }
}

static void histogram_add_stays_within_a_quarter(void **state)
{
    for (uint64_t ns = 1; ns < histogram_bound_ns(STATS_BUCKETS - 1); ns += ns / 37 + 1) {
        uint64_t bound = histogram_bound_ns(bucket_of(ns));
        assert_true(bound >= ns && (double)bound <= 1.25 * (double)ns);
    }
}

static void histogram_add_takes_the_extremes(void **state)
{
    assert_int_equal(bucket_of(0), 0);
    assert_int_equal(bucket_of(1), 0);
    assert_int_equal(bucket_of(UINT64_MAX), STATS_BUCKETS - 1);
    assert_int_equal(bucket_of(UINT64_C(1) << 63), STATS_BUCKETS - 1);
}

static void histogram_percentile_finds_shares(void **state)
{
    struct histogram_sum sum = { 0 };
    assert_int_equal(histogram_percentile_ns(&sum, 50), 0);
    assert_int_equal(histogram_percentile_ns(&sum, 100), 0);
    sum.buckets[10] = sum.n = 1;
    assert_int_equal(histogram_percentile_ns(&sum, 1), histogram_bound_ns(10));
    assert_int_equal(histogram_percentile_ns(&sum, 100), histogram_bound_ns(10));
    sum.buckets[10] = 50;
    sum.buckets[20] = 49;
    sum.buckets[30] = 1;
    sum.n = 100;
    assert_int_equal(histogram_percentile_ns(&sum, 50), histogram_bound_ns(10));
    assert_int_equal(histogram_percentile_ns(&sum, 51), histogram_bound_ns(20));
    assert_int_equal(histogram_percentile_ns(&sum, 99), histogram_bound_ns(20));
    assert_int_equal(histogram_percentile_ns(&sum, 100), histogram_bound_ns(30));
    sum.buckets[10] = UINT64_MAX / 2;
    sum.n = UINT64_MAX / 2 + 50;
    assert_int_equal(histogram_percentile_ns(&sum, 99), histogram_bound_ns(10));
}

static void stats_total_sums_blocks(void **state)
{
    struct stats *a = stats_new(&registry), *b = stats_new(&registry);
    assert_true(a != NULL && b != NULL && (uintptr_t)a % 64 == 0 && (uintptr_t)b % 64 == 0);
    for (unsigned i = 0; i < STATS_N_COUNTERS; i++)
        assert_int_equal(atomic_load(&a->counters[i]), 0);
    stats_add(a, STATS_REQUESTS, 3);
    stats_add(a, STATS_REQUESTS, 4);
    stats_add(b, STATS_REQUESTS, 5);
    stats_set(a, STATS_GAUGE_CONNECTIONS, 7);
    stats_set(b, STATS_GAUGE_CONNECTIONS, -2);
    histogram_add(&a->stages[STAGE_READER], 1000);
    histogram_add(&b->stages[STAGE_READER], 3000);
    struct histogram_sum sum;
    stats_histogram_total(&registry, STATS_HISTOGRAM_READER, &sum);
    assert_int_equal(stats_total(&registry, STATS_REQUESTS), 12);
    assert_int_equal(stats_total(&registry, STATS_COMMITS), 0);
    assert_int_equal(stats_gauge_total(&registry, STATS_GAUGE_CONNECTIONS), 5);
    assert_int_equal(sum.n, 2);
    assert_int_equal(sum.sum_ns, 4000);
    stats_histogram_total(&registry, STATS_HISTOGRAM_WRITER, &sum);
    assert_int_equal(sum.n, 0);
}

static char *page(void (*print)(const struct stats_registry *, struct text *))
{
    struct text text = text_in(&arena, 1);
    print(&registry, &text);
    text_append(&text, "", 1);
    assert_false(text.failed);
    return text.data;
}

/* The value of a sample, or a failure. */
static double sample(const char *text, const char *series)
{
    char line[256];
    snprintf(line, sizeof(line), "\n%s ", series);
    const char *place = strstr(text, line);
    if (place == NULL)
        fail_msg("no %s", series);
    assert_null(strstr(place + 1, line));
    return strtod(place + strlen(line), NULL);
}

/* A name, then perhaps labels in braces, one blank and a number. */
static void assert_is_sample(const char *line, size_t len, const char *family)
{
    size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
    assert_int_equal(strncmp(line, family, strlen(family)), 0);
    const char *rest = line + name;
    while (*rest == '{' || *rest == ',') {
        size_t label = strspn(++rest, "abcdefghijklmnopqrstuvwxyz_");
        assert_true(label > 0 && rest[label] == '=' && rest[label + 1] == '"');
        rest += label + 2;
        rest += strcspn(rest, "\"\\\n") + 1;
        assert_int_equal(rest[-1], '"');
        if (*rest == '}') {
            rest++;
            break;
        }
    }
    assert_int_equal(*rest, ' ');
    char *end;
    double value = strtod(rest + 1, &end);
    assert_ptr_equal(end, line + len);
    assert_true(isfinite(value));
}

/* Each name has HELP, TYPE and then all its samples together, once. */
static void stats_prometheus_is_in_the_text_format(void **state)
{
    char families[64][64];
    unsigned n = 0;
    assert_non_null(stats_new(&registry));
    char *text = page(stats_prometheus);
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = text, *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line, "# HELP %63s", families[n]), 1);
            for (unsigned i = 0; i < n; i++)
                assert_string_not_equal(families[i], families[n]);
            char expected[128];
            snprintf(expected, sizeof(expected), "\n# TYPE %s ", families[n++]);
            assert_int_equal(strncmp(end, expected, strlen(expected)), 0);
        } else if (*line != '#') {
            assert_true(n > 0);
            assert_is_sample(line, (size_t)(end - line), families[n - 1]);
        }
    }
    assert_true(n > 20);
}

static void stats_prometheus_shows_figures(void **state)
{
    struct stats *stats = stats_new(&registry);
    stats_add(stats, STATS_ANSWERS_5XX, 1);
    stats_add(stats, STATS_ANSWERS_2XX, UINT64_C(18446744073709551614));
    stats_add(stats, STATS_COMMITS, 9);
    stats_set(stats, STATS_GAUGE_BODY_BYTES, INT64_C(-5));
    char *text = page(stats_prometheus);
    assert_int_equal(sample(text, "telemetry_answers_total{class=\"5xx\"}"), 1);
    assert_non_null(strstr(text, "\ntelemetry_answers_total{class=\"2xx\"} 18446744073709551614\n"));
    assert_int_equal(sample(text, "telemetry_storage_commits_total"), 9);
    assert_true(sample(text, "telemetry_body_bytes") == -5);
    assert_true(sample(text, "process_resident_memory_bytes") > 100000);
    assert_true(sample(text, "process_open_fds") >= 3);
    assert_true(sample(text, "process_max_fds") >= sample(text, "process_open_fds"));
    assert_true(fabs(sample(text, "process_start_time_seconds") - (double)clock_wall_ms() / 1000) < 60);
    assert_int_equal(
        sample(text, "telemetry_build_info{version=\"" TELEMETRY_VERSION "\",storage=\"sqlite\",cache=\"memory\"}"), 1);
}

static void stats_prometheus_has_cumulative_buckets(void **state)
{
    struct stats *stats = stats_new(&registry);
    static const uint64_t durations[] = { 0, 1, 1024, 1025, 2048, 1u << 20, UINT64_C(1) << 36, UINT64_C(1) << 37 };
    for (size_t i = 0; i < N_CASES(durations); i++)
        histogram_add(&stats->stages[STAGE_CACHE], durations[i]);
    char *text = page(stats_prometheus);
#define BUCKET(le) sample(text, "telemetry_stage_seconds_bucket{stage=\"cache\",le=\"" le "\"}")
    assert_int_equal(BUCKET("0.000001024"), 3);
    assert_int_equal(BUCKET("0.000002048"), 5);
    assert_int_equal(BUCKET("0.000524288"), 5);
    assert_int_equal(BUCKET("0.001048576"), 6);
    assert_int_equal(BUCKET("34.359738368"), 6);
    assert_int_equal(BUCKET("68.719476736"), 7);
    assert_int_equal(BUCKET("+Inf"), 8);
#undef BUCKET
    assert_int_equal(sample(text, "telemetry_stage_seconds_count{stage=\"cache\"}"), 8);
    assert_true(fabs(sample(text, "telemetry_stage_seconds_sum{stage=\"cache\"}") - 206.1594821) < 0.001);
    assert_int_equal(sample(text, "telemetry_request_seconds_count"), 0);
    assert_int_equal(sample(text, "telemetry_storage_commit_seconds_bucket{le=\"+Inf\"}"), 0);
}

static const cJSON *member(const cJSON *json, const char *a, const char *b, const char *c)
{
    json = cJSON_GetObjectItemCaseSensitive(json, a);
    json = b == NULL ? json : cJSON_GetObjectItemCaseSensitive(json, b);
    json = c == NULL ? json : cJSON_GetObjectItemCaseSensitive(json, c);
    if (json == NULL)
        fail_msg("no %s %s %s", a, b == NULL ? "" : b, c == NULL ? "" : c);
    return json;
}

static void stats_json_is_one_object_with_all_figures(void **state)
{
    struct stats *stats = stats_new(&registry);
    stats_add(stats, STATS_CACHE_HITS, 3);
    stats_add(stats, STATS_COMMITS, 2);
    stats_set(stats, STATS_GAUGE_CACHE_BYTES, 4096);
    for (unsigned i = 0; i < 98; i++)
        histogram_add(&stats->requests, 1024);
    histogram_add(&stats->requests, 1 << 20);
    histogram_add(&stats->requests, 1 << 30);
    cJSON *json = cJSON_ParseWithOpts(page(stats_json), NULL, 1);
    assert_non_null(json);
    assert_string_equal(member(json, "version", NULL, NULL)->valuestring, TELEMETRY_VERSION);
    assert_string_equal(member(json, "storage", NULL, NULL)->valuestring, "sqlite");
    assert_string_equal(member(json, "cache", NULL, NULL)->valuestring, "memory");
    assert_int_equal(strlen(member(json, "started", NULL, NULL)->valuestring), 24);
    assert_true(member(json, "uptime_s", NULL, NULL)->valuedouble < 60);
    assert_true(member(json, "process", "resident_bytes", NULL)->valuedouble > 100000);
    assert_int_equal(member(json, "counters", "cache", "hit")->valueint, 3);
    assert_int_equal(member(json, "counters", "cache", "miss")->valueint, 0);
    assert_int_equal(member(json, "counters", "storage_commits", NULL)->valueint, 2);
    assert_int_equal(member(json, "gauges", "cache_bytes", NULL)->valueint, 4096);
    assert_int_equal(member(json, "durations", "stage", "writer")->type, cJSON_Object);
    assert_int_equal(member(json, "durations", "request", "count")->valueint, 100);
    assert_true(member(json, "durations", "request", "p50_s")->valuedouble == 0.000001024);
    assert_true(member(json, "durations", "request", "p99_s")->valuedouble == 0.001048576);
    assert_true(member(json, "durations", "request", "max_s")->valuedouble == 1.073741824);
    cJSON_Delete(json);
}

static void stats_pages_work_without_blocks(void **state)
{
    char *text = page(stats_prometheus);
    assert_int_equal(sample(text, "telemetry_requests_total"), 0);
    cJSON *json = cJSON_ParseWithOpts(page(stats_json), NULL, 1);
    assert_non_null(json);
    cJSON_Delete(json);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histogram_bounds_rise_without_gaps),
        cmocka_unit_test(histogram_add_stays_within_a_quarter),
        cmocka_unit_test(histogram_add_takes_the_extremes),
        cmocka_unit_test(histogram_percentile_finds_shares),
        with_registry(stats_total_sums_blocks),
        with_registry(stats_prometheus_is_in_the_text_format),
        with_registry(stats_prometheus_shows_figures),
        with_registry(stats_prometheus_has_cumulative_buckets),
        with_registry(stats_json_is_one_object_with_all_figures),
        with_registry(stats_pages_work_without_blocks),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
