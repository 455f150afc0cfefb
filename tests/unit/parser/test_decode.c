/* SPDX-License-Identifier: MIT */
/* decode: bodies of POST and PUT become metrics, or the list of what is wrong with them. */
#include "parser_fixture.h"

#include <stdio.h>

#include <telemetry/clock.h>

static struct job *decode_body(struct fixture *fixture, const char *type, const char *body)
{
    struct job *job = fixture_job(fixture, METHOD_POST, "/metrics", slice_of(body));
    job->request.content_type = slice_of(type);
    decode_insert(&fixture->parser, job);
    return job;
}

static struct job *decode(struct fixture *fixture, const char *body)
{
    return decode_body(fixture, "application/json", body);
}

static struct job *decode_lines(struct fixture *fixture, const char *body)
{
    return decode_body(fixture, "application/x-ndjson", body);
}

static void assert_failed(const struct job *job, enum status status, const char *detail)
{
    if (job->status != status)
        fail_msg("status %d, not %d: %.*s", job->status, status, (int)job->reply.detail.len, job->reply.detail.data);
    assert_contains(job->reply.detail, detail);
    assert_int_equal(job->n_metrics, 0);
}

static void assert_error(const struct job *job, unsigned n, uint32_t index, const char *pointer)
{
    assert_true(n < job->reply.n_errors);
    assert_int_equal(job->reply.errors[n].index, index);
    assert_slice(job->reply.errors[n].pointer, pointer);
    assert_true(job->reply.errors[n].detail.len > 0);
}

static void decode_insert_reads_a_metric(void **state)
{
    struct job *job =
        decode(*state, "{\"id\":\"0123456789ABCDEF01234567\",\"name\":\"cpu\",\"tags\":[\"b\",\"a\",\"b\"],"
                       "\"value\":-1.5e2,\"timestamp\":\"2026-11-23T11:00:00.5+01:00\"}");
    struct metric_id id;
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->n_metrics, 1);
    assert_false(job->batch);
    struct metric *metric = &job->metrics[0];
    assert_true(metric_id_parse(SLICE("0123456789abcdef01234567"), &id));
    assert_memory_equal(&metric->id, &id, sizeof(id));
    assert_true(metric->has_id && metric->client_id);
    assert_slice(metric_name(metric), "cpu");
    assert_int_equal(metric->n_tags, 2);
    assert_memory_equal(metric->series.data, "cpu\0a\0b", 7);
    assert_true(metric->value == -150.0);
    assert_int_equal(metric->timestamp_ms, 1795428000500);
}

static void decode_insert_fills_in_what_may_be_left_out(void **state)
{
    int64_t before = clock_wall_ms();
    struct job *job = decode(*state, " {\"value\":0,\"name\":\"x\"} ");
    assert_int_equal(job->status, STATUS_OK);
    assert_false(job->metrics[0].has_id || job->metrics[0].client_id);
    assert_int_equal(job->metrics[0].n_tags, 0);
    assert_true(job->metrics[0].timestamp_ms >= before && job->metrics[0].timestamp_ms <= clock_wall_ms());
}

static void decode_insert_keeps_every_digit_of_a_timestamp(void **state)
{
    static const struct {
        const char *digits;
        int64_t ms;
    } cases[] = { { "0", 0 },
                  { "-0", 0 },
                  { "-1", -1 },
                  { "1795428000123", 1795428000123 },
                  { "253402300799999", METRIC_TIMESTAMP_MAX },
                  { "-62135596800000", METRIC_TIMESTAMP_MIN } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[128];
        sprintf(body, "{\"name\":\"x\",\"t\\u0061gs\":[],\"time\\u0073tamp\" : %s ,\"value\":1}", cases[i].digits);
        struct job *job = decode(*state, body);
        assert_int_equal(job->status, STATUS_OK);
        assert_int_equal(job->metrics[0].timestamp_ms, cases[i].ms);
    }
}

static void decode_insert_refuses_what_would_be_gone_at_once(void **state)
{
    struct fixture *fixture = *state;
    const int64_t kept_ms = INT64_C(2) * 24 * 3600 * 1000, now_ms = clock_wall_ms();
    char body[256];
    fixture->settings.retention_ms = kept_ms;
    sprintf(body, "{\"name\":\"x\",\"value\":1,\"timestamp\":%lld}", (long long)(now_ms - kept_ms + 60000));
    assert_int_equal(decode(fixture, body)->status, STATUS_OK);
    sprintf(body, "[{\"name\":\"x\",\"value\":1},{\"name\":\"x\",\"value\":1,\"timestamp\":%lld}]",
            (long long)(now_ms - kept_ms - 1));
    struct job *job = decode(fixture, body);
    assert_failed(job, STATUS_INVALID_METRIC, "1 of 2");
    assert_error(job, 0, 1, "/timestamp");
    assert_contains(job->reply.errors[0].detail, "RETENTION_DAYS");
    fixture->settings.retention_ms = 0;
    assert_int_equal(decode(fixture, body)->status, STATUS_OK);
}

static void decode_insert_refuses_other_timestamps(void **state)
{
    static const char *const timestamps[] = { "1.5",
                                              "1e3",
                                              "1E3",
                                              "1.0",
                                              "null",
                                              "true",
                                              "[]",
                                              "{}",
                                              "\"\"",
                                              "\"1\"",
                                              "\"2026-11-23\"",
                                              "\"2026-02-30T00:00:00Z\"",
                                              "253402300800000",
                                              "-62135596800001",
                                              "9223372036854775807",
                                              "9223372036854775808",
                                              "-9223372036854775808",
                                              "-9223372036854775809",
                                              "99999999999999999999999999",
                                              "\"2026-11-23T10:00:00\"" };
    for (size_t i = 0; i < sizeof(timestamps) / sizeof(timestamps[0]); i++) {
        char body[128];
        sprintf(body, "{\"name\":\"x\",\"value\":1,\"timestamp\":%s}", timestamps[i]);
        struct job *job = decode(*state, body);
        assert_failed(job, STATUS_INVALID_METRIC, "timestamp");
        assert_error(job, 0, 0, "/timestamp");
    }
}

static void decode_insert_names_the_member_that_is_wrong(void **state)
{
    static const struct {
        const char *body, *pointer, *detail;
    } cases[] = { { "{\"value\":1}", "/name", "name is missing" },
                  { "{\"name\":\"x\"}", "/value", "value is missing" },
                  { "{\"name\":1,\"value\":1}", "/name", "name must be a string" },
                  { "{\"name\":null,\"value\":1}", "/name", "name must be a string" },
                  { "{\"name\":\"\",\"value\":1}", "/name", "name must not be empty" },
                  { "{\"name\":\"a\\nb\",\"value\":1}", "/name", "control characters" },
                  { "{\"name\":\"a\x7F\",\"value\":1}", "/name", "control characters" },
                  { "{\"name\":\"a\\u0085\",\"value\":1}", "/name", "control characters" },
                  { "{\"name\":\"a\xC2\x9F\",\"value\":1}", "/name", "control characters" },
                  { "{\"Name\":\"x\",\"name\":\"x\",\"value\":1}", "/Name", "no member \"Name\"" },
                  { "{\"name\":\"x\",\"value\":1,\"a~/b\":1}", "/a~0~1b", "no member" },
                  { "{\"name\":\"x\",\"value\":1,\"\":1}", "/", "no member" },
                  { "{\"name\":\"x\",\"value\":\"1\"}", "/value", "value must be a number" },
                  { "{\"name\":\"x\",\"value\":null}", "/value", "value must be a number" },
                  { "{\"name\":\"x\",\"value\":true}", "/value", "value must be a number" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":\"a\"}", "/tags", "array of strings" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":null}", "/tags", "array of strings" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":{}}", "/tags", "array of strings" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":[\"a\",1]}", "/tags/1", "a tag must be a string" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":[[]]}", "/tags/0", "a tag must be a string" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":[\"\"]}", "/tags/0", "a tag must not be empty" },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":[\"a\\u0000\"]}", NULL, NULL },
                  { "{\"name\":\"x\",\"value\":1,\"tags\":[\"\\t\"]}", "/tags/0", "control characters" },
                  { "{\"name\":\"x\",\"value\":1,\"id\":1}", "/id", "24 hex digits" },
                  { "{\"name\":\"x\",\"value\":1,\"id\":null}", "/id", "24 hex digits" },
                  { "{\"name\":\"x\",\"value\":1,\"id\":\"0123\"}", "/id", "24 hex digits" },
                  { "{\"name\":\"x\",\"value\":1,\"id\":\"0123456789abcdef0123456g\"}", "/id", "24 hex digits" },
                  { "5", "", "must be a JSON object" },
                  { "\"x\"", "", "must be a JSON object" },
                  { "null", "", "must be a JSON object" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct job *job = decode(*state, cases[i].body);
        if (cases[i].pointer == NULL) {
            assert_failed(job, STATUS_MALFORMED_JSON, "U+0000");
            continue;
        }
        assert_failed(job, STATUS_INVALID_METRIC, cases[i].detail);
        assert_error(job, 0, 0, cases[i].pointer);
    }
}

static void decode_insert_reports_every_broken_rule(void **state)
{
    struct job *job = decode(*state, "{\"name\":\"\",\"tags\":[\"\",\"a\",2],\"id\":\"x\",\"foo\":1}");
    assert_failed(job, STATUS_INVALID_METRIC, "name");
    assert_int_equal(job->reply.n_errors, 6);
    assert_error(job, 0, 0, "/name");
    assert_error(job, 1, 0, "/tags/0");
    assert_error(job, 2, 0, "/tags/2");
    assert_error(job, 3, 0, "/id");
    assert_error(job, 4, 0, "/foo");
    assert_error(job, 5, 0, "/value");
}

/* {"name":"aaa...","value":1,"tags":["00..","01..",...]} */
static const char *sized(unsigned name_bytes, unsigned n_tags, unsigned tag_bytes)
{
    static char body[16384];
    size_t len = (size_t)sprintf(body, "{\"name\":\"%0*d\",\"value\":1,\"tags\":[", (int)name_bytes, 0);
    for (unsigned i = 0; i < n_tags; i++)
        len += (size_t)sprintf(body + len, "%s\"%0*u\"", i == 0 ? "" : ",", (int)tag_bytes, i);
    strcpy(body + len, "]}");
    return body;
}

static void decode_insert_bounds_name_and_tags(void **state)
{
    assert_int_equal(decode(*state, sized(256, 32, 128))->status, STATUS_OK);
    assert_int_equal(((struct fixture *)*state)->job.metrics[0].series.len, METRIC_SERIES_MAX);
    assert_failed(decode(*state, sized(257, 0, 0)), STATUS_INVALID_METRIC, "at most 256 bytes, not 257");
    assert_failed(decode(*state, sized(1, 33, 4)), STATUS_INVALID_METRIC, "at most 32 tags");
    assert_failed(decode(*state, sized(1, 1, 129)), STATUS_INVALID_METRIC, "too many bytes");
    assert_failed(decode(*state, sized(1, 2000, 4)), STATUS_INVALID_METRIC, "1024");
}

static void decode_insert_has_one_zero(void **state)
{
    struct job *job = decode(*state, "{\"name\":\"x\",\"value\":-0.0}");
    assert_int_equal(job->status, STATUS_OK);
    assert_false(__builtin_signbit(job->metrics[0].value));
}

static void decode_insert_says_where_json_is_malformed(void **state)
{
    assert_failed(decode(*state, ""), STATUS_MALFORMED_JSON, "at byte 0: expected a value, but the text ends");
    assert_failed(decode(*state, "{\"name\":\"x\",}"), STATUS_MALFORMED_JSON, "at byte 12: expected a member name");
    assert_failed(decode(*state, "{} {}"), STATUS_MALFORMED_JSON, "at byte 3: text behind the end");
    assert_failed(decode(*state, "[{\"name\":\"x\",\"value\":1},]"), STATUS_MALFORMED_JSON,
                  "at byte 24: expected a value");
    assert_failed(decode(*state, "[{\"name\":\"x\",\"value\":1e999}]"), STATUS_MALFORMED_JSON,
                  "too large for a double");
    assert_failed(decode(*state, "[{}] x"), STATUS_MALFORMED_JSON, "at byte 5");
    assert_failed(decode(*state, "{\"name\":\"x\",\"n\\u0061me\":\"y\",\"value\":1}"), STATUS_MALFORMED_JSON, "twice");
}

static void decode_insert_reads_an_array(void **state)
{
    struct job *job = decode(*state, "[{\"name\":\"a\",\"value\":1},\n {\"name\":\"b\",\"value\":2}]");
    assert_int_equal(job->status, STATUS_OK);
    assert_true(job->batch);
    assert_int_equal(job->n_metrics, 2);
    assert_slice(metric_name(&job->metrics[1]), "b");
    assert_int_equal(job->metrics[0].timestamp_ms, job->metrics[1].timestamp_ms);
}

static void decode_insert_reads_lines(void **state)
{
    struct job *job = decode_lines(
        *state, "\r\n{\"name\":\"a\",\"value\":1}\r\n\n  \n{\"name\":\"b\",\"value\":2}\n{\"name\":\"c\",\"value\":3}");
    assert_int_equal(job->status, STATUS_OK);
    assert_true(job->batch);
    assert_int_equal(job->n_metrics, 3);
    assert_slice(metric_name(&job->metrics[2]), "c");
}

static void decode_insert_refuses_empty_batches(void **state)
{
    assert_failed(decode(*state, "[]"), STATUS_INVALID_METRIC, "no metrics");
    assert_failed(decode_lines(*state, ""), STATUS_INVALID_METRIC, "no metrics");
    assert_failed(decode_lines(*state, "\n \r\n"), STATUS_INVALID_METRIC, "no metrics");
}

static void decode_insert_names_the_line_that_is_malformed(void **state)
{
    assert_failed(decode_lines(*state, "{\"name\":\"a\",\"value\":1}\n\n{\"name\":]\n"), STATUS_MALFORMED_JSON,
                  "line 3, at byte 32: expected a value");
    assert_failed(decode_lines(*state, "{} {}\n"), STATUS_MALFORMED_JSON, "line 1, at byte 3");
    assert_failed(decode_lines(*state, "{\"name\":\"a\",\n\"value\":1}"), STATUS_MALFORMED_JSON, "line 1");
}

static void decode_insert_stores_nothing_of_a_bad_batch(void **state)
{
    struct job *job =
        decode(*state, "[{\"name\":\"a\",\"value\":1},{\"name\":\"b\"},7,{\"name\":\"c\",\"value\":1,\"tags\":[0]}]");
    assert_failed(job, STATUS_INVALID_METRIC, "3 of 4 metrics break a rule");
    assert_int_equal(job->reply.n_errors, 3);
    assert_error(job, 0, 1, "/value");
    assert_error(job, 1, 2, "");
    assert_error(job, 2, 3, "/tags/0");
    job = decode_lines(*state, "{\"name\":\"a\",\"value\":1}\n[{\"name\":\"a\",\"value\":1}]\n");
    assert_failed(job, STATUS_INVALID_METRIC, "1 of 2");
    assert_error(job, 0, 1, "");
}

static void decode_insert_prefers_malformed_text_over_broken_rules(void **state)
{
    assert_failed(decode(*state, "[{\"name\":\"a\"},{]"), STATUS_MALFORMED_JSON, "at byte 15");
}

static void decode_insert_lists_at_most_100_errors(void **state)
{
    char body[4096] = "";
    for (unsigned i = 0; i < 150; i++)
        strcat(body, "{\"name\":\"a\"}\n");
    struct job *job = decode_lines(*state, body);
    assert_failed(job, STATUS_INVALID_METRIC, "150 of 150");
    assert_int_equal(job->reply.n_errors, REPLY_ERRORS_MAX);
    assert_error(job, 99, 99, "/value");
}

/* What a body may cost in memory is bounded by its size, however many rules it breaks. */
static void decode_insert_spends_no_memory_on_errors_nobody_sees(void **state)
{
    enum { ITEMS = 300, MEMBERS = 100 };
    char *body = malloc(ITEMS * MEMBERS * 16);
    size_t len = 0;
    assert_non_null(body);
    for (unsigned i = 0; i < ITEMS; i++) {
        for (unsigned member = 0; member < MEMBERS; member++)
            len += (size_t)sprintf(body + len, "%s\"%u\":0", member == 0 ? "{" : ",", member);
        len += (size_t)sprintf(body + len, "}\n");
    }
    struct job *job = decode_lines(*state, body);
    free(body);
    assert_failed(job, STATUS_INVALID_METRIC, "300 of 300");
    assert_int_equal(job->reply.n_errors, REPLY_ERRORS_MAX);
    assert_true(job->arena.overflow_bytes < 2 * len);
}

static void decode_insert_holds_ids_of_a_batch_together(void **state)
{
#define WITH_ID(id, value) "{\"id\":\"0123456789abcdef0123456" id "\",\"name\":\"a\",\"value\":" value "}"
    assert_int_equal(decode(*state, "[" WITH_ID("a", "1") "," WITH_ID("b", "1") "," WITH_ID("A", "1.0") "]")->status,
                     STATUS_OK);
    struct job *job = decode(*state, "[" WITH_ID("a", "1") "," WITH_ID("b", "1") "," WITH_ID("a", "2") "]");
    assert_failed(job, STATUS_INVALID_METRIC, "1 of 3");
    assert_error(job, 0, 2, "/id");
    assert_contains(job->reply.errors[0].detail, "item 0");
}

static void decode_insert_grows_with_the_batch(void **state)
{
    enum { N = 3000 };
    char *body = malloc(N * 32);
    size_t len = 0;
    assert_non_null(body);
    for (unsigned i = 0; i < N; i++)
        len += (size_t)sprintf(body + len, "{\"name\":\"%u\",\"value\":%u}\n", i, i);
    struct job *job = decode_lines(*state, body);
    free(body);
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->n_metrics, N);
    for (unsigned i = 0; i < N; i++)
        assert_true(job->metrics[i].value == i);
}

static void decode_insert_bounds_bodies(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.batch_max_items = 2;
    fixture->settings.single_max_bytes = 30;
    assert_int_equal(decode(fixture, "[{\"name\":\"a\",\"value\":1},{\"name\":\"b\",\"value\":2}]")->status, STATUS_OK);
    assert_failed(
        decode(fixture, "[{\"name\":\"a\",\"value\":1},{\"name\":\"b\",\"value\":2},{\"name\":\"c\",\"value\":3}]"),
        STATUS_BODY_TOO_LARGE, "more than 2 metrics");
    assert_failed(
        decode_lines(fixture,
                     "{\"name\":\"a\",\"value\":1}\n{\"name\":\"a\",\"value\":1}\n{\"name\":\"a\",\"value\":1}\n"),
        STATUS_BODY_TOO_LARGE, "more than 2 metrics");
    assert_failed(decode(fixture, "{\"name\":\"aaaaaaaaaaaa\",\"value\":1}"), STATUS_BODY_TOO_LARGE, "30 bytes");
}

static void decode_insert_needs_a_type_it_reads(void **state)
{
    struct job *job = decode_body(*state, "application/x-www-form-urlencoded", "{}");
    assert_failed(job, STATUS_UNSUPPORTED_MEDIA_TYPE, "-H 'Content-Type: application/json'");
    assert_failed(decode_body(*state, "", "{}"), STATUS_UNSUPPORTED_MEDIA_TYPE, "Content-Type is missing");
    assert_failed(decode_body(*state, "application/json;charset=latin1", "{}"), STATUS_UNSUPPORTED_MEDIA_TYPE, "UTF-8");
    job = fixture_job(*state, METHOD_POST, "/metrics", SLICE("{}"));
    job->request.content_encoding = SLICE("gzip");
    decode_insert(&((struct fixture *)*state)->parser, job);
    assert_failed(job, STATUS_UNSUPPORTED_MEDIA_TYPE, "Content-Encoding");
    job = fixture_job(*state, METHOD_POST, "/metrics", SLICE("{\"name\":\"a\",\"value\":1}"));
    job->request.content_encoding = SLICE("Identity");
    decode_insert(&((struct fixture *)*state)->parser, job);
    assert_int_equal(job->status, STATUS_OK);
}

static void decode_insert_takes_return_ids_only(void **state)
{
    static const char *const targets[] = { "/metrics?return=id", "/metrics?return=", "/metrics?foo=1",
                                           "/metrics?return=ids&x", "/metrics?return=%zz" };
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_POST, "/metrics?return=ids", SLICE("[{\"name\":\"a\",\"value\":1}]"));
    decode_insert(&fixture->parser, job);
    assert_int_equal(job->status, STATUS_OK);
    assert_true(job->return_ids);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        job = fixture_job(fixture, METHOD_POST, targets[i], SLICE("[{\"name\":\"a\",\"value\":1}]"));
        decode_insert(&fixture->parser, job);
        assert_failed(job, STATUS_BAD_FILTER, "");
    }
}

/* The body cut short at every byte is malformed or breaks a rule, and is never read beyond its end. */
static void decode_insert_reads_no_byte_too_far(void **state)
{
    static const char body[] =
        "[{\"id\":\"0123456789abcdef01234567\",\"name\":\"c\\u00e9\",\"tags\":[\"a\",\"\xE2\x82\xAC\"],"
        "\"value\":-1.5e2,\"timestamp\":1795428000000}]";
    struct fixture *fixture = *state;
    for (size_t len = 0; len + 1 < sizeof(body); len++) {
        struct job *job = fixture_job(fixture, METHOD_POST, "/metrics", (struct slice){ body, len });
        decode_insert(&fixture->parser, job);
        assert_int_equal(job->status, STATUS_MALFORMED_JSON);
        job = fixture_job(fixture, METHOD_POST, "/metrics", (struct slice){ body + 1, len });
        job->request.content_type = SLICE("application/x-ndjson");
        decode_insert(&fixture->parser, job);
        assert_int_equal(job->status, len == 0                  ? STATUS_INVALID_METRIC
                                      : len == sizeof(body) - 3 ? STATUS_OK
                                                                : STATUS_MALFORMED_JSON);
    }
}

static struct job *update(struct fixture *fixture, const char *body)
{
    struct job *job = fixture_job(fixture, METHOD_PUT, "/metrics/0123456789abcdef01234567", slice_of(body));
    assert_true(metric_id_parse(SLICE("0123456789abcdef01234567"), &job->id));
    decode_update(&fixture->parser, job);
    return job;
}

static void decode_update_takes_the_id_of_the_path(void **state)
{
    struct job *job = update(*state, "{\"name\":\"a\",\"value\":1}");
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->n_metrics, 1);
    assert_true(job->metrics[0].has_id);
    assert_memory_equal(&job->metrics[0].id, &job->id, sizeof(job->id));
    assert_int_equal(update(*state, "{\"id\":\"0123456789ABCDEF01234567\",\"name\":\"a\",\"value\":1}")->status,
                     STATUS_OK);
    job = update(*state, "{\"id\":\"ff23456789abcdef01234567\",\"name\":\"a\",\"value\":1}");
    assert_failed(job, STATUS_INVALID_METRIC, "id must be the one of the path");
    assert_error(job, 0, 0, "/id");
}

static void decode_update_takes_one_whole_metric(void **state)
{
    struct fixture *fixture = *state;
    assert_failed(update(fixture, "{\"value\":1}"), STATUS_INVALID_METRIC, "name is missing");
    assert_failed(update(fixture, "[{\"name\":\"a\",\"value\":1}]"), STATUS_INVALID_METRIC, "must be a JSON object");
    assert_failed(update(fixture, ""), STATUS_MALFORMED_JSON, "");
    struct job *job = fixture_job(fixture, METHOD_PUT, "/metrics/x", SLICE("{\"name\":\"a\",\"value\":1}\n"));
    job->request.content_type = SLICE("application/x-ndjson");
    decode_update(&fixture->parser, job);
    assert_failed(job, STATUS_UNSUPPORTED_MEDIA_TYPE, "application/json");
}

static void decode_update_reads_if_match(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_PUT, "/metrics/x", SLICE("{\"name\":\"a\",\"value\":1}"));
    job->request.if_match = SLICE("\"0000000000000001\"");
    decode_update(&fixture->parser, job);
    assert_int_equal(job->status, STATUS_OK);
    assert_true(job->if_match && job->n_if_match == 1 && job->if_match_etags[0] == 1);
}

static void decode_delete_and_get_take_no_parameters(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_DELETE, "/metrics/x?force=1", SLICE(""));
    decode_delete(&fixture->parser, job);
    assert_failed(job, STATUS_BAD_FILTER, "force");
    job = fixture_job(fixture, METHOD_GET, "/metrics/x?force=1", SLICE(""));
    decode_get(&fixture->parser, job);
    assert_failed(job, STATUS_BAD_FILTER, "force");
    job = fixture_job(fixture, METHOD_DELETE, "/metrics/x", SLICE(""));
    job->request.if_match = SLICE("nonsense");
    decode_delete(&fixture->parser, job);
    assert_failed(job, STATUS_MALFORMED_REQUEST, "If-Match");
}

static void decode_get_names_its_cached_answer(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_GET, "/metrics/0123456789ABCDEF01234567", SLICE(""));
    assert_true(metric_id_parse(SLICE("0123456789ABCDEF01234567"), &job->id));
    decode_get(&fixture->parser, job);
    assert_int_equal(job->status, STATUS_OK);
    assert_slice(job->cache.key, "id:0123456789abcdef01234567");
    assert_slice(job->cache.scope_text, "0123456789abcdef01234567");
    assert_int_equal(job->cache.scope, SCOPE_ID);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(decode_insert_reads_a_metric),
        WITH_FIXTURE(decode_insert_fills_in_what_may_be_left_out),
        WITH_FIXTURE(decode_insert_keeps_every_digit_of_a_timestamp),
        WITH_FIXTURE(decode_insert_refuses_what_would_be_gone_at_once),
        WITH_FIXTURE(decode_insert_refuses_other_timestamps),
        WITH_FIXTURE(decode_insert_names_the_member_that_is_wrong),
        WITH_FIXTURE(decode_insert_reports_every_broken_rule),
        WITH_FIXTURE(decode_insert_bounds_name_and_tags),
        WITH_FIXTURE(decode_insert_has_one_zero),
        WITH_FIXTURE(decode_insert_says_where_json_is_malformed),
        WITH_FIXTURE(decode_insert_reads_an_array),
        WITH_FIXTURE(decode_insert_reads_lines),
        WITH_FIXTURE(decode_insert_refuses_empty_batches),
        WITH_FIXTURE(decode_insert_names_the_line_that_is_malformed),
        WITH_FIXTURE(decode_insert_stores_nothing_of_a_bad_batch),
        WITH_FIXTURE(decode_insert_prefers_malformed_text_over_broken_rules),
        WITH_FIXTURE(decode_insert_lists_at_most_100_errors),
        WITH_FIXTURE(decode_insert_spends_no_memory_on_errors_nobody_sees),
        WITH_FIXTURE(decode_insert_holds_ids_of_a_batch_together),
        WITH_FIXTURE(decode_insert_grows_with_the_batch),
        WITH_FIXTURE(decode_insert_bounds_bodies),
        WITH_FIXTURE(decode_insert_needs_a_type_it_reads),
        WITH_FIXTURE(decode_insert_takes_return_ids_only),
        WITH_FIXTURE(decode_insert_reads_no_byte_too_far),
        WITH_FIXTURE(decode_update_takes_the_id_of_the_path),
        WITH_FIXTURE(decode_update_takes_one_whole_metric),
        WITH_FIXTURE(decode_update_reads_if_match),
        WITH_FIXTURE(decode_delete_and_get_take_no_parameters),
        WITH_FIXTURE(decode_get_names_its_cached_answer),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
