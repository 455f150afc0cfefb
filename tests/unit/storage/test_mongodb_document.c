/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/document.h"

#include <string.h>

#include "suite.h"

static char block[64 * 1024] __attribute__((aligned(16)));
static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena, block, sizeof(block));
    return 0;
}

static int tear_down(void **state)
{
    arena_reset(&arena);
    return 0;
}

static struct metric metric_of(const char *name, struct slice tags[], unsigned n_tags)
{
    struct metric metric = { .timestamp_ms = 1700000000123, .value = 0.25, .has_id = true };
    assert_true(metric_id_parse(SLICE("0123456789abcdef01234567"), &metric.id));
    assert_true(metric_set_series(&metric, &arena, slice_of(name), tags, n_tags));
    return metric;
}

/* The document of a text in extended JSON. */
static bson_t *document_of(const char *json)
{
    bson_error_t error;
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (document == NULL)
        fail_msg("%s: %s", json, error.message);
    return document;
}

static void write_makes_the_documented_form(void **state)
{
    struct slice tags[] = { SLICE("host:a"), SLICE("zone:b") };
    struct metric metric = metric_of("cpu.load", tags, 2);
    bson_t document = BSON_INITIALIZER;
    document_write(&document, &metric, true);
    bson_t *expected = document_of("{\"_id\": {\"$oid\": \"0123456789abcdef01234567\"}, \"name\": \"cpu.load\","
                                   "\"tags\": [\"host:a\", \"zone:b\"], \"value\": {\"$numberDouble\": \"0.25\"},"
                                   "\"timestamp\": {\"$date\": {\"$numberLong\": \"1700000000123\"}}}");
    assert_true(bson_equal(&document, expected));
    bson_destroy(expected);
    bson_destroy(&document);
}

static void write_leaves_the_id_out_of_a_replacement(void **state)
{
    struct metric metric = metric_of("a", NULL, 0);
    bson_t document = BSON_INITIALIZER;
    document_write(&document, &metric, false);
    assert_false(bson_has_field(&document, "_id"));
    assert_true(bson_has_field(&document, "tags"));
    bson_destroy(&document);
}

static void read_gives_what_was_written(void **state)
{
    static const int64_t times[] = { METRIC_TIMESTAMP_MIN, -1, 0, 999, METRIC_TIMESTAMP_MAX };
    static const double values[] = { -5e-324, 0.0, 1.7976931348623157e308, 9007199254740993.0, -3 };
    struct slice tags[METRIC_TAGS_MAX];
    char texts[METRIC_TAGS_MAX][4];
    for (unsigned i = 0; i < METRIC_TAGS_MAX; i++)
        tags[i] = (struct slice){ texts[i], (size_t)snprintf(texts[i], sizeof(texts[i]), "t%u", i) };
    for (unsigned i = 0; i < N_CASES(times); i++) {
        struct metric metric = metric_of("caf\xc3\xa9\xc2\xa0", tags, i == 0 ? METRIC_TAGS_MAX : i), again;
        metric.timestamp_ms = times[i];
        metric.value = values[i];
        bson_t document = BSON_INITIALIZER;
        document_write(&document, &metric, true);
        assert_int_equal(document_read(&document, &arena, &again), DOCUMENT_OK);
        assert_true(metric_equal(&metric, &again));
        assert_int_equal(metric.n_tags, again.n_tags);
        bson_destroy(&document);
    }
}

#define ID   "\"_id\": {\"$oid\": \"0123456789abcdef01234567\"}"
#define TIME "\"timestamp\": {\"$date\": {\"$numberLong\": \"5\"}}"

static void read_takes_numbers_of_any_type(void **state)
{
    static const char *const numbers[] = { "{\"$numberInt\": \"7\"}", "{\"$numberLong\": \"7\"}",
                                           "{\"$numberDouble\": \"7\"}" };
    for (unsigned i = 0; i < N_CASES(numbers); i++) {
        char json[256];
        struct metric metric;
        snprintf(json, sizeof(json), "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": %s, " TIME ", \"more\": 1}",
                 numbers[i]);
        bson_t *document = document_of(json);
        assert_int_equal(document_read(document, &arena, &metric), DOCUMENT_OK);
        assert_true(metric.value == 7);
        bson_destroy(document);
    }
}

/* What is no part of a metric may change meanwhile. */
static void condition_has_what_is_read_as_it_stands(void **state)
{
    bson_t *document =
        document_of("{\"more\": 1, \"value\": {\"$numberLong\": \"9007199254740993\"}, \"tags\": [\"b\", \"a\", "
                    "\"b\"], \"name\": \"a\", " TIME ", " ID "}");
    bson_t *expected =
        document_of("{" ID ", \"name\": \"a\", \"tags\": [\"b\", \"a\", \"b\"], \"value\": {\"$numberLong\": "
                    "\"9007199254740993\"}, " TIME "}");
    bson_t condition = BSON_INITIALIZER;
    document_write_condition(&condition, document);
    assert_true(bson_equal(&condition, expected));
    bson_destroy(&condition);
    bson_destroy(expected);
    bson_destroy(document);
}

/* Whatever is not exactly a metric must not become one: a NUL would cut its series, a control character
 * its answer. */
static void read_knows_foreign_documents(void **state)
{
    static const char *const documents[] = {
        "{}",
        "{" ID "}",
        "{\"_id\": 1, \"name\": \"a\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": 5, \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\\u0000b\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\\nb\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\\u007f\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"\\u0080\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\\u009f\", \"tags\": [], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [\"t\", \"a\\u0085b\"], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\", \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": \"t\", \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [5], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [\"\"], \"value\": 1, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": \"1\", " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": {\"$numberDouble\": \"NaN\"}, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": {\"$numberDouble\": \"Infinity\"}, " TIME "}",
        "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": 1}",
        "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": 1, \"timestamp\": 5}",
        "{" ID ", \"name\": \"a\", \"tags\": [], \"value\": 1, \"timestamp\": {\"$date\": {\"$numberLong\": "
        "\"253402300800000\"}}}",
    };
    for (unsigned i = 0; i < N_CASES(documents); i++) {
        struct metric metric;
        bson_t *document = document_of(documents[i]);
        if (document_read(document, &arena, &metric) != DOCUMENT_FOREIGN)
            fail_msg("%s passes for a metric", documents[i]);
        assert_int_equal(metric.name_bytes, 0);
        bson_destroy(document);
    }
}

static void read_refuses_too_many_tags_and_long_ones(void **state)
{
    for (unsigned too_long = 0; too_long < 2; too_long++) {
        bson_t document = BSON_INITIALIZER, array;
        char text[METRIC_TAG_MAX + 1], key[16];
        struct metric metric = metric_of("a", NULL, 0), again;
        memset(text, 't', sizeof(text));
        document_write_id(&document, "_id", &metric.id);
        BSON_APPEND_UTF8(&document, "name", "a");
        BSON_APPEND_ARRAY_BEGIN(&document, "tags", &array);
        for (unsigned i = 0; i < METRIC_TAGS_MAX + 1 - too_long; i++) {
            snprintf(key, sizeof(key), "%u", i);
            bson_append_utf8(&array, key, -1, text, METRIC_TAG_MAX + (int)too_long);
        }
        bson_append_array_end(&document, &array);
        BSON_APPEND_DOUBLE(&document, "value", 1);
        BSON_APPEND_DATE_TIME(&document, "timestamp", 1);
        assert_int_equal(document_read(&document, &arena, &again), DOCUMENT_FOREIGN);
        bson_destroy(&document);
    }
}

#define in_arena(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_arena(write_makes_the_documented_form),
        in_arena(write_leaves_the_id_out_of_a_replacement),
        in_arena(read_gives_what_was_written),
        in_arena(read_takes_numbers_of_any_type),
        in_arena(read_knows_foreign_documents),
        in_arena(read_refuses_too_many_tags_and_long_ones),
        in_arena(condition_has_what_is_read_as_it_stands),
    };
    return cmocka_run_group_tests_name("MongoDB documents", tests, NULL, NULL);
}
