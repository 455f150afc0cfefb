/* SPDX-License-Identifier: MIT */
/* list: parameters and filters={...} of GET /metrics. */
#include "parser_fixture.h"

#include <math.h>
#include <stdio.h>

#include <telemetry/clock.h>

#include "query/filters.h"

static struct job *list(struct fixture *fixture, const char *query)
{
    static char target[8192];
    snprintf(target, sizeof(target), "/metrics?%s", query);
    struct job *job = fixture_job(fixture, METHOD_GET, target, SLICE(""));
    decode_list(&fixture->parser, job);
    return job;
}

/* The same with a JSON text, percent-encoded as a client would. */
static struct job *list_filters(struct fixture *fixture, const char *json)
{
    char query[4096] = "filters=";
    size_t len = strlen(query);
    for (; *json != '\0'; json++)
        len += (size_t)sprintf(query + len, "%%%02X", (unsigned char)*json);
    return list(fixture, query);
}

static struct filter *listed(struct job *job)
{
    if (job->status != STATUS_OK)
        fail_msg("%.*s", (int)job->reply.detail.len, job->reply.detail.data);
    return &job->filter;
}

static void decode_list_takes_all_without_parameters(void **state)
{
    struct job *job = list(*state, "");
    struct filter *filter = listed(job);
    assert_int_equal(filter->limit, FILTER_LIMIT_DEFAULT);
    assert_int_equal(filter->name.len, 0);
    assert_false(filter->ascending || filter->has_after);
    assert_true(filter->from_ms == INT64_MIN && filter->to_ms == INT64_MAX);
    assert_int_equal(job->cache.scope, SCOPE_ALL);
    assert_true(slice_starts_with(job->cache.key, SLICE("list:")));
}

static void decode_list_reads_plain_parameters(void **state)
{
    struct job *job = list(*state, "name=cpu&tag=b&tag=a&tag=b&any_tag=x&any_tag=y&not_tag=z&from=2026-11-23T10:00:00Z"
                                   "&to=1795428000001&min=-1.5&max=1e3&limit=7&order=asc");
    struct filter *filter = listed(job);
    assert_slice(filter->name, "cpu");
    assert_false(filter->name_is_prefix);
    assert_int_equal(filter->n_tags, 2);
    assert_slice(filter->tags[0], "a");
    assert_slice(filter->tags[1], "b");
    assert_int_equal(filter->n_any_tags, 2);
    assert_int_equal(filter->n_not_tags, 1);
    assert_true(filter->from_ms == 1795428000000 && filter->to_ms == 1795428000001);
    assert_true(filter->min == -1.5 && filter->max == 1000);
    assert_int_equal(filter->limit, 7);
    assert_true(filter->ascending);
    assert_int_equal(job->cache.scope, SCOPE_NAME);
    assert_slice(job->cache.scope_text, "cpu");
}

static void decode_list_reads_prefixes(void **state)
{
    struct job *job = list(*state, "name=cpu.*");
    assert_slice(listed(job)->name, "cpu.");
    assert_true(job->filter.name_is_prefix);
    assert_int_equal(job->cache.scope, SCOPE_ALL);
    job = list(*state, "name=*");
    assert_int_equal(listed(job)->name.len, 0);
}

static void decode_list_reads_filters(void **state)
{
    struct job *job =
        list_filters(*state, "{\"name\":\"cpu*\",\"tags\":[\"b\",\"a\"],\"any_tags\":[\"x\"],\"not_tags\":[],"
                             "\"from\":1795428000000,\"to\":\"2026-11-23T10:00:01Z\",\"min\":-1.5,\"max\":1e3}");
    struct filter *filter = listed(job);
    assert_slice(filter->name, "cpu");
    assert_true(filter->name_is_prefix);
    assert_slice(filter->tags[0], "a");
    assert_int_equal(filter->n_tags, 2);
    assert_int_equal(filter->n_any_tags, 1);
    assert_int_equal(filter->n_not_tags, 0);
    assert_true(filter->from_ms == 1795428000000 && filter->to_ms == 1795428001000);
    assert_true(filter->min == -1.5 && filter->max == 1000);
}

static void decode_list_has_one_key_for_one_question(void **state)
{
    char key[512];
    struct job *job = list(*state, "tag=a&tag=b&name=cpu&from=1795428000000");
    size_t len = job->cache.key.len;
    assert_true(len < sizeof(key));
    memcpy(key, job->cache.key.data, len);
    job =
        list_filters(*state, "{\"from\":\"2026-11-23T11:00:00+01:00\",\"name\":\"cpu\",\"tags\":[\"b\",\"a\",\"a\"]}");
    assert_true(slice_equal(listed(job) == NULL ? SLICE("") : job->cache.key, (struct slice){ key, len }));
    job = list(*state, "tag=a&tag=b&name=cpu&from=1795428000000&limit=5");
    assert_false(slice_equal(job->cache.key, (struct slice){ key, len }));
}

static void decode_list_mixes_filters_and_parameters(void **state)
{
    struct job *job = list(*state, "filters=%7B%22name%22:%22cpu%22%7D&tag=a&limit=3");
    assert_slice(listed(job)->name, "cpu");
    assert_int_equal(job->filter.n_tags, 1);
    job = list(*state, "filters=%7B%22name%22:%22cpu%22%7D&name=cpu");
    assert_int_equal(job->status, STATUS_BAD_FILTER);
    assert_contains(job->reply.detail, "name is given both");
    job = list(*state, "tag=a&filters=%7B%22tags%22:%5B%5D%7D");
    assert_int_equal(job->status, STATUS_BAD_FILTER);
}

static void decode_list_reads_phrases_by_one_clock(void **state)
{
    int64_t before = clock_wall_ms();
    struct job *job = list(*state, "from=now-1h&to=now");
    struct filter *filter = listed(job);
    assert_int_equal(filter->to_ms - filter->from_ms, 3600000);
    assert_true(filter->to_ms >= before && filter->to_ms <= clock_wall_ms());
    assert_int_equal(listed(list_filters(*state, "{\"from\":\"now-1d\"}"))->to_ms, INT64_MAX);
}

static void decode_list_keeps_every_digit_of_a_time(void **state)
{
    assert_int_equal(listed(list_filters(*state, "{\"from\":253402300799998,\"to\":253402300799999}"))->from_ms,
                     253402300799998);
}

static void assert_refused(struct job *job, const char *detail)
{
    assert_int_equal(job->status, STATUS_BAD_FILTER);
    assert_contains(job->reply.detail, detail);
}

static void decode_list_refuses_bad_parameters(void **state)
{
    static const char *const cases[][2] = {
        { "foo=1", "\"foo\"" },
        { "Name=x", "\"Name\"" },
        { "tags=a", "\"tags\"" },
        { "name=", "name" },
        { "name=a&name=b", "twice" },
        { "limit=0", "limit" },
        { "limit=1001", "limit" },
        { "limit=", "limit" },
        { "limit=-1", "limit" },
        { "limit=1.5", "limit" },
        { "limit=99999999999", "limit" },
        { "limit=+5", "limit" },
        { "order=up", "order" },
        { "order=", "order" },
        { "min=x", "min" },
        { "min=", "min" },
        { "min=1e999", "min" },
        { "min=NaN", "min" },
        { "max=0x10", "max" },
        { "max=.5", "max" },
        { "max=%221%22", "max" },
        { "min=2&max=1", "min" },
        { "from=yesterday", "from" },
        { "from=", "from" },
        { "to=1.5", "to" },
        { "from=2&to=1", "from" },
        { "from=5&to=5", "from" },
        { "tag=", "tag" },
        { "cursor=", "cursor" },
        { "limit=5&limit=5", "twice" },
        { "name=%00", "control" },
        { "name=%FF", "UTF-8" },
        { "name=%4", "hex" },
        { "filters=", "byte 0" },
        { "filters={", "filters" },
        { "filters=[]", "object" },
        { "filters=%7B%7D&filters=%7B%7D", "twice" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(list(*state, cases[i][0]), cases[i][1]);
}

static void decode_list_refuses_bad_filters(void **state)
{
    static const char *const cases[][2] = {
        { "{\"foo\":1}", "\"foo\"" },
        { "{\"Name\":\"x\"}", "\"Name\"" },
        { "{\"tag\":[\"x\"]}", "\"tag\"" },
        { "{\"limit\":1}", "\"limit\"" },
        { "{\"name\":1}", "name" },
        { "{\"name\":\"\"}", "name" },
        { "{\"name\":[\"a\"]}", "name" },
        { "{\"name\":\"a\\n\"}", "control" },
        { "{\"name\":\"a\\u0000\"}", "U+0000" },
        { "{\"name\":\"a\",\"name\":\"b\"}", "twice" },
        { "{\"name\":\"a\",\"n\\u0061me\":\"b\"}", "twice" },
        { "{\"tags\":\"a\"}", "tags" },
        { "{\"tags\":[1]}", "tags" },
        { "{\"tags\":[\"\"]}", "tags" },
        { "{\"any_tags\":{}}", "any_tags" },
        { "{\"from\":1.5}", "from" },
        { "{\"from\":1e3}", "from" },
        { "{\"from\":true}", "from" },
        { "{\"to\":null}", "to" },
        { "{\"min\":\"1\"}", "min" },
        { "{\"min\":1e999}", "double" },
        { "{\"max\":[]}", "max" },
        { "{\"name\":{\"$gt\":\"\"}}", "name" },
        { "{\"$where\":\"1\"}", "\"$where\"" },
        { "{\"a\":[[[[[[[[[[]]]]]]]]]]}", "nested" },
        { "{} x", "byte 3" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(list_filters(*state, cases[i][0]), cases[i][1]);
}

static void decode_list_bounds_names_and_tags(void **state)
{
    char query[4096], text[400];
    size_t len = 0;
    sprintf(text, "name=%0256d", 0);
    assert_int_equal(listed(list(*state, text))->name.len, 256);
    sprintf(text, "name=%0257d", 0);
    assert_refused(list(*state, text), "name");
    sprintf(text, "tag=%0129d", 0);
    assert_refused(list(*state, text), "tag");
    for (unsigned i = 0; i < 32; i++)
        len += (size_t)sprintf(query + len, "tag=%u&", i);
    assert_int_equal(listed(list(*state, query))->n_tags, 32);
    strcat(query, "tag=x");
    assert_refused(list(*state, query), "tag");
}

/* The cursor behind one metric of what the query asks for. */
static void make_cursor(struct fixture *fixture, const char *query, char *ret_cursor, size_t size)
{
    struct job *job = list(fixture, query);
    struct list_position position = { .timestamp_ms = 1795428000000, .tie = { 7 } };
    struct slice cursor = cursor_format(&position, listed(job), &job->arena);
    assert_true(cursor.data != NULL && cursor.len < size);
    memcpy(ret_cursor, cursor.data, cursor.len);
    ret_cursor[cursor.len] = '\0';
}

static void decode_list_goes_on_behind_a_cursor(void **state)
{
    char cursor[128], query[256];
    make_cursor(*state, "name=cpu", cursor, sizeof(cursor));
    sprintf(query, "cursor=%s&name=cpu&limit=5", cursor);
    struct job *job = list(*state, query);
    assert_true(listed(job)->has_after);
    assert_int_equal(job->filter.after.timestamp_ms, 1795428000000);
    assert_int_equal(job->filter.after.tie[0], 7);
}

/* Each page is asked for at another `now`. */
static void decode_list_goes_on_in_a_range_that_moves(void **state)
{
    char cursor[128], query[256];
    make_cursor(*state, "from=now-1h&to=now", cursor, sizeof(cursor));
    int64_t before = clock_wall_ms();
    while (clock_wall_ms() == before)
        continue;
    sprintf(query, "cursor=%s&from=now-1h&to=now", cursor);
    assert_true(listed(list(*state, query))->has_after);
    sprintf(query, "cursor=%s&from=now-1h&to=4000000000000", cursor);
    assert_int_equal(list(*state, query)->status, STATUS_BAD_CURSOR);
    sprintf(query, "cursor=%s", cursor);
    assert_int_equal(list(*state, query)->status, STATUS_BAD_CURSOR);
}

static void decode_list_refuses_cursors_of_other_questions(void **state)
{
    char cursor[128], query[256];
    make_cursor(*state, "name=cpu", cursor, sizeof(cursor));
    sprintf(query, "cursor=%s&name=mem", cursor);
    assert_int_equal(list(*state, query)->status, STATUS_BAD_CURSOR);
    sprintf(query, "cursor=%s&name=cpu&order=asc", cursor);
    assert_int_equal(list(*state, query)->status, STATUS_BAD_CURSOR);
    assert_int_equal(list(*state, "cursor=abc")->status, STATUS_BAD_CURSOR);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(decode_list_takes_all_without_parameters),
        WITH_FIXTURE(decode_list_reads_plain_parameters),
        WITH_FIXTURE(decode_list_reads_prefixes),
        WITH_FIXTURE(decode_list_reads_filters),
        WITH_FIXTURE(decode_list_has_one_key_for_one_question),
        WITH_FIXTURE(decode_list_mixes_filters_and_parameters),
        WITH_FIXTURE(decode_list_reads_phrases_by_one_clock),
        WITH_FIXTURE(decode_list_keeps_every_digit_of_a_time),
        WITH_FIXTURE(decode_list_refuses_bad_parameters),
        WITH_FIXTURE(decode_list_refuses_bad_filters),
        WITH_FIXTURE(decode_list_bounds_names_and_tags),
        WITH_FIXTURE(decode_list_goes_on_behind_a_cursor),
        WITH_FIXTURE(decode_list_goes_on_in_a_range_that_moves),
        WITH_FIXTURE(decode_list_refuses_cursors_of_other_questions),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
