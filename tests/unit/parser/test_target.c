/* SPDX-License-Identifier: MIT */
/* target: splitting, matching and decoding of request targets. */
#include "parser_fixture.h"

#include "parser/target.h"

static void assert_split(const char *text, const char *path, const char *query)
{
    struct target target;
    char *copy = exact_copy(slice_of(text));
    assert_null(target_split((struct slice){ copy, strlen(text) }, &target));
    assert_slice(target.path, path);
    assert_slice(target.query, query);
    free(copy);
}

static void target_split_parts_path_and_query(void **state)
{
    (void)state;
    assert_split("/", "/", "");
    assert_split("/metrics", "/metrics", "");
    assert_split("/metrics?", "/metrics", "");
    assert_split("/metrics?a=b?c", "/metrics", "a=b?c");
    assert_split("*", "*", "");
}

static void target_split_drops_the_origin_of_absolute_form(void **state)
{
    (void)state;
    assert_split("http://host:8080/metrics?a=b", "/metrics", "a=b");
    assert_split("HTTPS://host/metrics", "/metrics", "");
    assert_split("http://host", "/", "");
    assert_split("http://host?a=b", "/", "a=b");
}

static void target_split_refuses_what_is_no_target(void **state)
{
    static const char *const texts[] = { "",    "metrics", "?a=b",   "/metrics#top", "/metrics?a=b#c",
                                         "*?a", "host:80", "http://" };
    struct target target;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *copy = exact_copy(slice_of(texts[i]));
        assert_non_null(target_split((struct slice){ copy, strlen(texts[i]) }, &target));
        free(copy);
    }
}

static bool matches(const char *path, const char *pattern)
{
    struct slice id;
    char *copy = exact_copy(slice_of(path));
    bool is_match = path_matches((struct slice){ copy, strlen(path) }, pattern, &id);
    free(copy);
    return is_match;
}

static void path_matches_segment_by_segment(void **state)
{
    (void)state;
    assert_true(matches("/metrics", "/metrics"));
    assert_true(matches("/", "/"));
    assert_true(matches("/-/stats", "/-/stats"));
    assert_true(matches("/metrics/x", "/metrics/{id}"));
    assert_false(matches("/metric", "/metrics"));
    assert_false(matches("/metricss", "/metrics"));
    assert_false(matches("/Metrics", "/metrics"));
    assert_false(matches("/metrics/", "/metrics"));
    assert_false(matches("//metrics", "/metrics"));
    assert_false(matches("/metrics", "/metrics/{id}"));
    assert_false(matches("/metrics/", "/metrics/{id}"));
    assert_false(matches("/metrics/x/y", "/metrics/{id}"));
    assert_false(matches("/", "/metrics"));
}

static void path_matches_reads_escapes(void **state)
{
    (void)state;
    assert_true(matches("/%6detric%73", "/metrics"));
    assert_true(matches("/%6Detrics/x", "/metrics/{id}"));
    assert_false(matches("/-%2Fstats", "/-/stats"));
    assert_false(matches("/metric%7", "/metrics"));
    assert_false(matches("/metric%", "/metrics"));
    assert_false(matches("/metric%zz", "/metrics"));
}

static void path_matches_gives_the_id(void **state)
{
    struct slice id = { NULL, 0 };
    (void)state;
    assert_true(path_matches(SLICE("/metrics/0a"), "/metrics/{id}", &id));
    assert_slice(id, "0a");
}

static void parameter_next_decodes(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_GET, "/m?a=b&&c=%41+%2B%26&d&=e&f=1=2&g=%C3%A9", SLICE(""));
    static const char *const expected[][2] = { { "a", "b" }, { "c", "A +&" }, { "d", "" },
                                               { "", "e" },  { "f", "1=2" },  { "g", "\xC3\xA9" } };
    struct slice query = job_query(job);
    struct parameter parameter;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(parameter_next(job, &query, &parameter));
        assert_slice(parameter.name, expected[i][0]);
        assert_slice(parameter.value, expected[i][1]);
    }
    assert_false(parameter_next(job, &query, &parameter));
    assert_int_equal(job->status, STATUS_OK);
}

static void parameter_next_refuses_bad_escapes_and_text(void **state)
{
    static const char *const targets[] = { "/m?a=%",   "/m?a=%4",        "/m?a=%zz",  "/m?a=%4z",    "/m?%=1",
                                           "/m?a=%00", "/m?a=%0A",       "/m?a=%7F",  "/m?a=%C2%80", "/m?a=%FF",
                                           "/m?a=%C3", "/m?a=%ED%A0%80", "/m?a=\x01", "/m?a=\xFF",   "/m?%C0%80=1" };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char *copy = exact_copy(slice_of(targets[i]));
        struct job *job = fixture_job(fixture, METHOD_GET, "", SLICE(""));
        job->request.target = (struct slice){ copy, strlen(targets[i]) };
        struct slice query = job_query(job);
        struct parameter parameter;
        assert_false(parameter_next(job, &query, &parameter));
        assert_int_equal(job->status, STATUS_BAD_FILTER);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_split_parts_path_and_query),
        cmocka_unit_test(target_split_drops_the_origin_of_absolute_form),
        cmocka_unit_test(target_split_refuses_what_is_no_target),
        cmocka_unit_test(path_matches_segment_by_segment),
        cmocka_unit_test(path_matches_reads_escapes),
        cmocka_unit_test(path_matches_gives_the_id),
        cmocka_unit_test_setup_teardown(parameter_next_decodes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(parameter_next_refuses_bad_escapes_and_text, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
