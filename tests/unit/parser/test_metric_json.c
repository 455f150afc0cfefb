/* SPDX-License-Identifier: MIT */
/* metric_json and encode: documents and answers, byte by byte. */
#include "parser_fixture.h"

#include <telemetry/hash.h>

#include "parser/metric_json.h"
#include "query/filters.h"

static struct metric make_metric(struct arena *arena, const char *name, struct slice tags[], unsigned n_tags)
{
    struct metric metric = { .has_id = true, .value = 1.5, .timestamp_ms = 1795428000000 };
    assert_true(metric_id_parse(SLICE("0123456789abcdef01234567"), &metric.id));
    assert_true(metric_set_series(&metric, arena, slice_of(name), tags, n_tags));
    return metric;
}

static struct job *job_with_metrics(struct fixture *fixture, unsigned n)
{
    struct job *job = fixture_job(fixture, METHOD_GET, "/metrics", SLICE(""));
    job->metrics = arena_alloc(&job->arena, n * sizeof(job->metrics[0]) + 1);
    assert_non_null(job->metrics);
    for (unsigned i = 0; i < n; i++)
        job->metrics[i] = make_metric(&job->arena, "cpu", NULL, 0);
    job->n_metrics = n;
    return job;
}

#define DOCUMENT                                                                                                       \
    "{\"id\":\"0123456789abcdef01234567\",\"name\":\"cpu\",\"tags\":[],\"value\":1.5,\"timestamp\":\"2026-11-23T10:"   \
    "00:00.000Z\"}"

static void metric_json_writes_the_document(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_GET, "", SLICE(""));
    struct slice tags[] = { SLICE("b"), SLICE("a:1") };
    struct metric metric = make_metric(&job->arena, "cpu", tags, 2);
    struct text text = text_in(&job->arena, 8);
    metric_json_append(&text, &metric);
    assert_false(text.failed);
    assert_slice(text_slice(&text), "{\"id\":\"0123456789abcdef01234567\",\"name\":\"cpu\",\"tags\":[\"a:1\",\"b\"],"
                                    "\"value\":1.5,\"timestamp\":\"2026-11-23T10:00:00.000Z\"}");
}

static void metric_json_escapes(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_GET, "", SLICE(""));
    struct slice tags[] = { SLICE("\x01\x1f\\") };
    struct metric metric = make_metric(&job->arena, "say \"hi\" \xC3\xA9 / \x7F", tags, 1);
    struct text text = text_in(&job->arena, 8);
    metric_json_append(&text, &metric);
    assert_contains(text_slice(&text), "\"name\":\"say \\\"hi\\\" \xC3\xA9 / \x7F\"");
    assert_contains(text_slice(&text), "[\"\\u0001\\u001f\\\\\"]");
}

static void metric_json_has_room_for_the_longest_metric(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_GET, "", SLICE(""));
    char name[METRIC_NAME_MAX + 1], tag[METRIC_TAGS_MAX][METRIC_TAG_MAX];
    struct slice tags[METRIC_TAGS_MAX];
    memset(name, 1, sizeof(name));
    name[METRIC_NAME_MAX] = '\0';
    memset(tag, 2, sizeof(tag));
    for (unsigned i = 0; i < METRIC_TAGS_MAX; i++) {
        tag[i][0] = (char)(i + 1);
        tags[i] = (struct slice){ tag[i], METRIC_TAG_MAX };
    }
    struct metric metric = make_metric(&job->arena, name, tags, METRIC_TAGS_MAX);
    metric.value = -1.7976931348623157e308;
    metric.timestamp_ms = METRIC_TIMESTAMP_MIN;
    struct text text = text_in(&job->arena, 1);
    metric_json_append(&text, &metric);
    assert_false(text.failed);
    assert_true(text.len > 6 * (METRIC_NAME_MAX + METRIC_TAGS_MAX * METRIC_TAG_MAX));
}

static void metric_json_comes_back_by_decode(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_GET, "", SLICE(""));
    struct slice tags[] = { SLICE("t\"1"), SLICE("t\xE2\x82\xAC") };
    struct metric metric = make_metric(&job->arena, "a\\b", tags, 2);
    struct text text = text_in(&job->arena, 8);
    metric.value = 0.1 + 0.2;
    metric.timestamp_ms = -1;
    metric_json_append(&text, &metric);
    char *copy = exact_copy(text_slice(&text));
    size_t len = text.len;
    uint64_t etag = metric_etag(&metric);
    job = fixture_job(fixture, METHOD_POST, "/metrics", (struct slice){ copy, len });
    decode_insert(&fixture->parser, job);
    assert_int_equal(job->status, STATUS_OK);
    assert_true(metric_etag(&job->metrics[0]) == etag);
    free(copy);
}

static void encode_inserted_answers_a_single_metric(void **state)
{
    struct job *job = job_with_metrics(*state, 1);
    encode_inserted(job);
    assert_int_equal(job->reply.http, 201);
    assert_int_equal(job->reply.media, MEDIA_JSON);
    assert_true(job->reply.has_location);
    assert_true(job->reply.has_etag && job->reply.etag == metric_etag(&job->metrics[0]));
    assert_slice(job->reply.body, DOCUMENT);
    job->existed = true;
    encode_inserted(job);
    assert_int_equal(job->reply.http, 200);
}

static void encode_inserted_counts_a_batch(void **state)
{
    struct job *job = job_with_metrics(*state, 2);
    job->batch = true;
    encode_inserted(job);
    assert_int_equal(job->reply.http, 201);
    assert_false(job->reply.has_location);
    assert_slice(job->reply.body, "{\"accepted\":2}");
    job->return_ids = true;
    encode_inserted(job);
    assert_slice(job->reply.body,
                 "{\"accepted\":2,\"ids\":[\"0123456789abcdef01234567\",\"0123456789abcdef01234567\"]}");
}

static void encode_list_writes_pages(void **state)
{
    struct job *job = job_with_metrics(*state, 2);
    filter_init(&job->filter);
    encode_list(job);
    assert_int_equal(job->reply.http, 200);
    assert_slice(job->reply.body, "{\"metrics\":[" DOCUMENT "," DOCUMENT "],\"next\":null}");
    assert_true(job->reply.has_etag && job->reply.etag == hash_stable(job->reply.body));
    assert_int_equal(job->reply.next_cursor.len, 0);
    job->n_metrics = 0;
    encode_list(job);
    assert_slice(job->reply.body, "{\"metrics\":[],\"next\":null}");
}

static void encode_list_gives_a_cursor_that_is_taken_back(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = job_with_metrics(fixture, 1);
    struct list_position position;
    char *cursor;
    filter_init(&job->filter);
    job->has_next = true;
    job->next = (struct list_position){ .timestamp_ms = 1795428000000, .tie = { 1, 2, 3 } };
    encode_list(job);
    cursor = exact_copy(job->reply.next_cursor);
    assert_true(cursor_parse(job->reply.next_cursor, &job->filter, &job->arena, &position));
    assert_int_equal(position.timestamp_ms, 1795428000000);
    assert_contains(job->reply.body, "\"next\":\"");
    assert_true(memmem(job->reply.body.data, job->reply.body.len, cursor, job->reply.next_cursor.len) != NULL);
    free(cursor);
}

static void encode_metric_answers_the_document(void **state)
{
    struct job *job = job_with_metrics(*state, 1);
    encode_metric(job);
    assert_int_equal(job->reply.http, 200);
    assert_true(job->reply.has_etag && job->reply.etag == metric_etag(&job->metrics[0]));
    assert_slice(job->reply.body, DOCUMENT);
}

static void encode_deleted_has_no_body(void **state)
{
    struct job *job = job_with_metrics(*state, 0);
    encode_deleted(job);
    assert_int_equal(job->reply.http, 204);
    assert_int_equal(job->reply.media, MEDIA_NONE);
    assert_int_equal(job->reply.body.len, 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(metric_json_writes_the_document),
        WITH_FIXTURE(metric_json_escapes),
        WITH_FIXTURE(metric_json_has_room_for_the_longest_metric),
        WITH_FIXTURE(metric_json_comes_back_by_decode),
        WITH_FIXTURE(encode_inserted_answers_a_single_metric),
        WITH_FIXTURE(encode_inserted_counts_a_batch),
        WITH_FIXTURE(encode_list_writes_pages),
        WITH_FIXTURE(encode_list_gives_a_cursor_that_is_taken_back),
        WITH_FIXTURE(encode_metric_answers_the_document),
        WITH_FIXTURE(encode_deleted_has_no_body),
    };
    return cmocka_run_group_tests_name("metric_json", tests, NULL, NULL);
}
