/* SPDX-License-Identifier: MIT */
/* fields: Accept, Content-Type, Cache-Control and If-Match. */
#include "parser_fixture.h"

#include "parser/fields.h"

static bool accepts_json(const char *accept)
{
    char *copy = exact_copy(slice_of(accept));
    bool allowed = accept_allows((struct slice){ copy, strlen(accept) }, SLICE("application/json"));
    free(copy);
    return allowed;
}

static void accept_allows_what_a_range_names(void **state)
{
    static const char *const fields[] = { "",
                                          " ",
                                          "*/*",
                                          "application/json",
                                          "APPLICATION/JSON",
                                          "application/*",
                                          "text/html, */*;q=0.1",
                                          "application/json;q=0.001",
                                          "application/json; charset=utf-8",
                                          "text/html;q=1,application/json",
                                          "*/*;q=0, application/json",
                                          "application/*;q=0,application/json;q=1",
                                          "application/json, */*;q=0",
                                          ",,application/json",
                                          "text/html;level=\"a,b\", application/json",
                                          "application/json;q=0, application/json;q=1" };
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!accepts_json(fields[i]))
            fail_msg("%s", fields[i]);
}

static void accept_allows_nothing_else(void **state)
{
    static const char *const fields[] = { "text/html",
                                          "text/*",
                                          "application/jsonx",
                                          "application/jso",
                                          "application",
                                          "application/json;q=0",
                                          "application/json;q=0.000, */*",
                                          "*/*;q=0",
                                          "application/*;q=0, */*",
                                          "application/problem+json",
                                          "*",
                                          "application/json ; Q=0",
                                          "text/html;x=\"application/json\"" };
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (accepts_json(fields[i]))
            fail_msg("%s", fields[i]);
}

static void content_type_parse_knows_json_and_lines(void **state)
{
    static const struct {
        const char *field;
        enum body_type type;
    } cases[] = { { "application/json", BODY_JSON },
                  { "Application/JSON", BODY_JSON },
                  { "application/json; charset=utf-8", BODY_JSON },
                  { "application/json;charset=\"UTF-8\"", BODY_JSON },
                  { "application/json ; version=1", BODY_JSON },
                  { "application/x-ndjson", BODY_NDJSON },
                  { "application/jsonl", BODY_NDJSON },
                  { "application/x-jsonlines;charset=utf-8", BODY_NDJSON },
                  { "application/json; charset=latin1", BODY_OTHER },
                  { "application/jsonp", BODY_OTHER },
                  { "application/json, text/plain", BODY_OTHER },
                  { "application/x-www-form-urlencoded", BODY_OTHER },
                  { "text/plain", BODY_OTHER },
                  { "json", BODY_OTHER },
                  { "", BODY_OTHER } };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (content_type_parse(slice_of(cases[i].field)) != cases[i].type)
            fail_msg("%s", cases[i].field);
}

static void cache_control_read_knows_three_directives(void **state)
{
    static const struct {
        const char *field;
        bool no_cache, no_store;
        int64_t max_stale_ms;
    } cases[] = { { "", false, false, -1 },
                  { "no-cache", true, false, -1 },
                  { "No-Store", true, true, -1 },
                  { "max-age=0", false, false, -1 },
                  { "max-stale", false, false, INT64_MAX },
                  { "max-stale=10", false, false, 10000 },
                  { "max-stale=\"10\"", false, false, 10000 },
                  { "max-stale=0", false, false, 0 },
                  { "max-stale=99999999999999999999", false, false, INT64_MAX },
                  { "max-stale=-1", false, false, -1 },
                  { "max-stale=1.5", false, false, -1 },
                  { "only-if-cached, max-stale=2 ,no-cache", true, false, 2000 },
                  { "x=\"no-cache\"", false, false, -1 } };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct job_cache cache = { 0 };
        cache_control_read(slice_of(cases[i].field), &cache);
        if (cache.no_cache != cases[i].no_cache || cache.no_store != cases[i].no_store ||
            cache.max_stale_ms != cases[i].max_stale_ms)
            fail_msg("%s", cases[i].field);
    }
}

static struct job *job_with_if_match(struct fixture *fixture, const char *field)
{
    struct job *job = fixture_job(fixture, METHOD_PUT, "/metrics/x", SLICE(""));
    job->request.if_match = slice_of(field);
    return job;
}

static void if_match_read_takes_tags(void **state)
{
    struct job *job =
        job_with_if_match(*state, "\"00000000000000ff\" , W/\"1234567890abcdef\",\"other\",, \"0123456789abcdef\"");
    assert_true(if_match_read(job));
    assert_true(job->if_match);
    assert_int_equal(job->n_if_match, 2);
    assert_true(job->if_match_etags[0] == 0xff);
    assert_true(job->if_match_etags[1] == 0x0123456789abcdef);
}

static void if_match_read_tells_absent_from_any(void **state)
{
    struct job *job = job_with_if_match(*state, "");
    assert_true(if_match_read(job));
    assert_false(job->if_match);
    job = job_with_if_match(*state, "*");
    assert_true(if_match_read(job));
    assert_true(job->if_match);
    assert_int_equal(job->n_if_match, 0);
}

static void if_match_read_fails_the_condition_when_no_tag_can_match(void **state)
{
    static const char *const fields[] = { "W/\"0123456789abcdef\"", "\"abc\"", "\"\"", "\"0123456789ABCDEF\"", "," };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct job *job = job_with_if_match(*state, fields[i]);
        assert_false(if_match_read(job));
        assert_int_equal(job->status, STATUS_PRECONDITION_FAILED);
    }
}

static void if_match_read_refuses_malformed_fields(void **state)
{
    static const char *const fields[] = {
        "0123456789abcdef", "\"0123456789abcdef",     "\"a b\"", "*, \"a\"", "w/\"a\"",
        "\"a\" \"b\"",      "\"0123456789abcdef\", x"
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct job *job = job_with_if_match(*state, fields[i]);
        assert_false(if_match_read(job));
        assert_int_equal(job->status, STATUS_MALFORMED_REQUEST);
    }
}

static void if_match_read_takes_eight_tags(void **state)
{
    char field[256] = "";
    for (unsigned i = 0; i < 8; i++)
        strcat(field, "\"0123456789abcdef\",");
    struct job *job = job_with_if_match(*state, field);
    assert_true(if_match_read(job));
    assert_int_equal(job->n_if_match, 8);
    strcat(field, "\"0123456789abcdef\"");
    job = job_with_if_match(*state, field);
    assert_false(if_match_read(job));
    assert_int_equal(job->status, STATUS_MALFORMED_REQUEST);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_allows_what_a_range_names),
        cmocka_unit_test(accept_allows_nothing_else),
        cmocka_unit_test(content_type_parse_knows_json_and_lines),
        cmocka_unit_test(cache_control_read_knows_three_directives),
        WITH_FIXTURE(if_match_read_takes_tags),
        WITH_FIXTURE(if_match_read_tells_absent_from_any),
        WITH_FIXTURE(if_match_read_fails_the_condition_when_no_tag_can_match),
        WITH_FIXTURE(if_match_read_refuses_malformed_fields),
        WITH_FIXTURE(if_match_read_takes_eight_tags),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
