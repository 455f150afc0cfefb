/* SPDX-License-Identifier: MIT */
/* Names and tags: of what this server stores, of what others store, and of what is no metric. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mongoc/mongoc.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "storage_mongodb_fixture.h"
#include "suite.h"

static struct hands *hands;
static mongoc_client_t *client;
static mongoc_collection_t *collection;

static int set_up(void **state)
{
    char database[64];
    hands = hands_new(storage_mongodb_fixture(), 0);
    client = mongoc_client_new(storage_mongodb_fixture_uri());
    storage_mongodb_fixture_database(hands->folder, database);
    collection = mongoc_client_get_collection(client, database, "metrics");
    return 0;
}

static int tear_down(void **state)
{
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
    hands_free(&hands);
    return 0;
}

/* Gives the catalogue; fails the test if there is none. */
static struct catalogue *ask(void)
{
    struct job *job = hands_job(OP_CATALOGUE);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    struct catalogue *catalogue = catalogue_share(job->catalogue);
    job_fixture_free(&job);
    return catalogue;
}

static void append(char text[256], const struct slice slices[], uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        strncat(text, slices[i].data, slices[i].len);
        strcat(text, i + 1 < n ? " " : "");
    }
}

/* "a b | x y": names and tags. */
static void assert_catalogue(const char *expected)
{
    char text[256] = "";
    struct catalogue *catalogue = ask();
    append(text, catalogue->names, catalogue->n_names);
    strcat(text, " | ");
    append(text, catalogue->tags, catalogue->n_tags);
    assert_true(catalogue->complete);
    catalogue_release(&catalogue);
    assert_string_equal(text, expected);
}

static void catalogue_has_what_was_stored_at_once(void **state)
{
    static const struct spec first[] = { { "cpu", "host:b x", 1, 1, NULL }, { "mem", "host:a", 2, 2, NULL } };
    static const struct spec more = { "disk", "x", 3, 3, NULL }, changed = { "cpu", "$ne a.b", 3, 3, NULL };
    struct metric_id id;
    assert_catalogue(" | ");
    hands_insert(hands, first, N_CASES(first), NULL);
    assert_catalogue("cpu mem | host:a host:b x");
    hands_insert(hands, &more, 1, &id);
    assert_catalogue("cpu disk mem | host:a host:b x");
    assert_int_equal(hands_update(hands, id, &changed), STATUS_OK);
    assert_catalogue("cpu mem | $ne a.b host:a host:b x");
}

static void catalogue_is_shared_while_its_version_holds(void **state)
{
    static const struct spec metric = { "cpu", "x", 1, 1, NULL };
    bool was_same = false;
    hands_insert(hands, &metric, 1, NULL);
    for (unsigned i = 0; i < 100 && !was_same; i++) { /* the version may move between the two */
        struct catalogue *a = ask();
        hands_insert(hands, &metric, 1, NULL);
        struct catalogue *b = ask();
        assert_int_equal(a == b, a->version == b->version);
        was_same = a == b;
        catalogue_release(&a);
        catalogue_release(&b);
    }
    assert_true(was_same);
}

static void catalogue_version_is_that_of_the_store(void **state)
{
    uint64_t before = hands->ops->catalogue_version(hands->storage);
    struct catalogue *catalogue = ask();
    uint64_t after = hands->ops->catalogue_version(hands->storage);
    assert_true(before <= catalogue->version && catalogue->version <= after);
    assert_true(clock_ns() - catalogue->made_ns < 60 * NS_PER_S);
    catalogue_release(&catalogue);
}

static void insert_by_hand(const char *json)
{
    bson_error_t error;
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);
    if (document == NULL || !mongoc_collection_insert_one(collection, document, NULL, NULL, &error))
        fail_msg("%s: %s", json, error.message);
    bson_destroy(document);
}

static void catalogue_soon_has_what_others_stored(void **state)
{
    uint64_t end_ns = clock_ns() + 60 * NS_PER_S;
    bool has = false;
    assert_catalogue(" | ");
    insert_by_hand("{\"name\": \"theirs\", \"tags\": [], \"value\": 1, \"timestamp\": {\"$date\": 1000}}");
    uint64_t before = hands->ops->catalogue_version(hands->storage);
    while (hands->ops->catalogue_version(hands->storage) == before && clock_ns() < end_ns)
        usleep(1000);
    struct catalogue *catalogue = ask();
    has = catalogue_has_name(catalogue, SLICE("theirs"));
    catalogue_release(&catalogue);
    assert_true(has);
}

static void catalogue_passes_over_what_no_metric_has(void **state)
{
    char json[1024], long_text[METRIC_NAME_MAX + 2];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    insert_by_hand("{\"name\": \"good\", \"tags\": [\"tag\", 5, \"\", \"a\\u0000b\", \"a\\tb\", [\"deep\"]]}");
    insert_by_hand("{\"name\": 5, \"tags\": {\"a\": \"b\"}}");
    insert_by_hand("{\"name\": \"\", \"tags\": null}");
    insert_by_hand("{\"name\": \"a\\u0000b\"}");
    insert_by_hand("{\"name\": \"a\\nb\"}");
    snprintf(json, sizeof(json), "{\"name\": \"%s\", \"tags\": [\"%s\"]}", long_text, long_text);
    insert_by_hand(json);
    assert_catalogue("good | tag");
}

/* More than one answer of the server holds, and more than a catalogue does. */
static void catalogue_of_too_much_is_not_complete(void **state)
{
    enum { METRICS = CATALOGUE_BYTES_MAX / METRIC_TAG_MAX / METRIC_TAGS_MAX + 64, BATCH = 128 };
    unsigned n_tags = 0;
    for (unsigned i = 0; i < METRICS; i += BATCH) {
        struct job *job = hands_job(OP_INSERT);
        job->metrics = arena_alloc(&job->arena, BATCH * sizeof(job->metrics[0]));
        job->n_metrics = BATCH;
        job->batch = true;
        for (unsigned k = 0; k < BATCH; k++) {
            struct slice tags[METRIC_TAGS_MAX];
            char texts[METRIC_TAGS_MAX][METRIC_TAG_MAX + 1];
            for (unsigned t = 0; t < METRIC_TAGS_MAX; t++) {
                snprintf(texts[t], sizeof(texts[t]), "%0*u", (int)METRIC_TAG_MAX, n_tags++);
                tags[t] = slice_of(texts[t]);
            }
            job->metrics[k] = (struct metric){ .timestamp_ms = i, .value = 1 };
            assert_true(metric_set_series(&job->metrics[k], &job->arena, SLICE("a"), tags, METRIC_TAGS_MAX));
        }
        assert_int_equal(hands_run(hands, job), STATUS_OK);
        job_fixture_free(&job);
    }
    struct catalogue *catalogue = ask();
    assert_false(catalogue->complete);
    assert_int_equal(catalogue->n_names, 1);
    assert_in_range(catalogue->n_tags, CATALOGUE_BYTES_MAX / METRIC_TAG_MAX * 9 / 10,
                    CATALOGUE_BYTES_MAX / METRIC_TAG_MAX);
    catalogue_release(&catalogue);
}

/* Whether the next n calls of `distinct` fail as those do whose answer is too large; n of 0: none. */
static bool fail_distinct(int n)
{
    bson_error_t error;
    bson_t *command =
        n == 0 ? BCON_NEW("configureFailPoint", "failCommand", "mode", "off")
               : BCON_NEW("configureFailPoint", "failCommand", "mode", "{", "times", BCON_INT32(n), "}", "data", "{",
                          "failCommands", "[", "distinct", "]", "errorCode", BCON_INT32(17217), "}");
    bool ok = mongoc_client_write_command_with_opts(client, "admin", command, NULL, NULL, &error);
    bson_destroy(command);
    return ok;
}

static void catalogue_of_what_distinct_cannot_answer_is_grouped(void **state)
{
    static const struct spec metrics[] = { { "cpu", "host:b x", 1, 1, NULL }, { "mem", "", 2, 2, NULL } };
    if (!fail_distinct(0)) {
        print_message("# the server has no fail points: nothing is tested\n");
        return;
    }
    hands_insert(hands, metrics, N_CASES(metrics), NULL);
    insert_by_hand("{\"name\": [5], \"tags\": [\"host:b\", 7, \"\"]}");
    assert_true(fail_distinct(2));
    struct catalogue *catalogue = ask();
    fail_distinct(0);
    assert_false(catalogue->complete);
    assert_int_equal(catalogue->n_names, 2);
    assert_true(catalogue_has_name(catalogue, SLICE("cpu")) && catalogue_has_name(catalogue, SLICE("mem")));
    assert_int_equal(catalogue->n_tags, 2);
    assert_true(catalogue_has_tag(catalogue, SLICE("host:b")) && catalogue_has_tag(catalogue, SLICE("x")));
    catalogue_release(&catalogue);
}

static void catalogue_ends_with_the_time(void **state)
{
    struct job *job = hands_job(OP_CATALOGUE);
    job->deadline_ns = clock_ns();
    assert_int_equal(hands_run(hands, job), STATUS_QUERY_TOO_SLOW);
    assert_null(job->catalogue);
    job_fixture_free(&job);
    assert_catalogue(" | ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(catalogue_has_what_was_stored_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_is_shared_while_its_version_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_version_is_that_of_the_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_soon_has_what_others_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_passes_over_what_no_metric_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_of_too_much_is_not_complete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_of_what_distinct_cannot_answer_is_grouped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_ends_with_the_time, set_up, tear_down),
    };
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    mongoc_init();
    int n_failed = cmocka_run_group_tests_name("MongoDB catalogue", tests, NULL, NULL);
    storage_mongodb_fixture_end();
    return n_failed;
}
