/* SPDX-License-Identifier: MIT */
/* Reports of a made-up result: they must parse, and say what was put in. */
#include "suite.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { TEXT_BYTES = 64 * 1024, N = 2000 };

static const uint64_t us = 1000;

struct made {
    struct scenario scenario;
    struct settings settings;
    struct result *result;
    char text[TEXT_BYTES];
};

/* Latencies of 1 to 2,000 us for one call, an error for the other, nothing for the third. */
static int make(void **state)
{
    struct made *made = calloc(1, sizeof(*made));
    char complaint[COMPLAINT_BYTES];
    assert_non_null(made);
    *state = made;
    assert_int_equal(scenario_parse(&made->scenario,
                                    "rate 500\nconnections 3\nnames all 5 uniform\n"
                                    "call post\n request POST /\n body batch 10 all\ncall get\n request GET /\n"
                                    "call none\n weight 0\n request GET /\n",
                                    "trial", complaint),
                     0);
    made->settings = (struct settings){ .title = "a \"<&\" title", .n_hosts = 1, .hosts = { { .name = "host:1" } } };
    struct result *result = made->result = result_new(&made->scenario);
    for (unsigned i = 1; i <= N; i++)
        histogram_record(&result->calls[0].latency, i * us);
    result->calls[0].n_good = N;
    result->calls[0].statuses[201] = N;
    result->calls[0].cached[CACHED_HIT] = 3 * N / 4;
    result->calls[0].cached[CACHED_STALE] = N / 8;
    result->calls[0].cached[CACHED_MISS] = N / 8;
    result->calls[1].statuses[503] = 1;
    result_count_fault(result, 1, FAULT_STATUS, 1);
    histogram_record(&result->second, 7 * us);
    result_end_interval(result, 1, 42);
    result_end(result, 4);
    return 0;
}

static int unmake(void **state)
{
    struct made *made = *state;
    result_free(made->result);
    scenario_free(&made->scenario);
    free(made);
    return 0;
}

static const char *written(struct made *made, void report(FILE *, const struct result *, const struct settings *))
{
    FILE *file = fmemopen(made->text, sizeof(made->text), "w");
    assert_non_null(file);
    report(file, made->result, &made->settings);
    assert_int_equal(ferror(file), 0);
    fclose(file);
    return made->text;
}

static double number_at(const cJSON *object, const char *first, const char *second, const char *third)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, first);
    found = second == NULL ? found : cJSON_GetObjectItemCaseSensitive(found, second);
    found = third == NULL ? found : cJSON_GetObjectItemCaseSensitive(found, third);
    assert_true(cJSON_IsNumber(found));
    return found->valuedouble;
}

static void json_parses_and_holds_the_figures(void **state)
{
    cJSON *all = cJSON_Parse(written(*state, report_json));
    assert_non_null(all);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(all, "scenario")->valuestring, "a \"<&\" title");
    assert_true(number_at(all, "rate", NULL, NULL) == 500);
    assert_true(number_at(all, "per_second", NULL, NULL) == N / 4);
    assert_true(number_at(all, "errors", NULL, NULL) == 1);
    assert_true(fabs(number_at(all, "latency_us", "p99", NULL) - 1980) <= 2);
    assert_true(number_at(all, "latency_us", "max", NULL) == N);
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(all, "calls");
    assert_true(number_at(calls, "post", "items_per_second", NULL) == 10 * N / 4);
    assert_true(number_at(calls, "post", "statuses", "201") == N);
    assert_true(number_at(calls, "post", "cached", "hit") == 3 * N / 4);
    assert_true(number_at(calls, "post", "cached", "stale") == N / 8);
    assert_true(number_at(calls, "post", "cached", "collapsed") == 0);
    assert_true(number_at(calls, "get", "errors", "status") == 1);
    assert_true(number_at(calls, "none", "answered", NULL) == 0);
    cJSON_Delete(all);
}

static void table_has_calls_errors_and_rates(void **state)
{
    const char *text = written(*state, report_text);
    assert_ptr_equal(strstr(text, "a \"<&\" title: open loop, 500 a second, 3 connections, "), text);
    assert_non_null(strstr(text, "\npost               2,000       500        0     1.000"));
    assert_non_null(strstr(text, "\nget                    0         0        1 "));
    assert_non_null(strstr(text, "\npost: 10 metrics each, 5,000 metrics a second\n"));
    assert_non_null(strstr(text, "\npost: 87.50 % from the cache: 75.00 % newest, 12.50 % stale, 0.00 % collapsed\n"));
    assert_null(strstr(text, "\nget: "));
    assert_non_null(strstr(text, "\nerror: get: 1 answers of 503\n"));
    assert_null(strstr(text, "\nnone"));
}

static unsigned occurrences(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

static void svg_is_whole_and_escaped(void **state)
{
    const char *text = written(*state, report_svg);
    assert_ptr_equal(strstr(text, "<svg "), text);
    assert_non_null(strstr(text, "a \"&lt;&amp;\" title: open loop"));
    assert_int_equal(occurrences(text, "<polyline "), 2); /* all, and the one call that was answered */
    assert_int_equal(occurrences(text, "nan") + occurrences(text, "inf"), 0);
    assert_string_equal(text + strlen(text) - strlen("</svg>\n"), "</svg>\n");
}

static void intervals_are_a_line_a_second(void **state)
{
    struct made *made = *state;
    FILE *file = fmemopen(made->text, sizeof(made->text), "w");
    report_intervals(file, made->result);
    fclose(file);
    assert_non_null(strstr(made->text, "second\tanswered\terrors\twaiting\tp50_ms\tp99_ms\tp99.9_ms\tmax_ms\n"
                                       "1.0\t1\t1\t42\t0.007\t0.007\t0.007\t0.007\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_parses_and_holds_the_figures, make, unmake),
        cmocka_unit_test_setup_teardown(table_has_calls_errors_and_rates, make, unmake),
        cmocka_unit_test_setup_teardown(svg_is_whole_and_escaped, make, unmake),
        cmocka_unit_test_setup_teardown(intervals_are_a_line_a_second, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
