/* SPDX-License-Identifier: MIT */
/* Which indexes the store makes, and that every form of a filter can be answered from one of them: what
 * the server's explain says of the very finds and pipelines that the reader makes. What MongoDB chooses by itself is
 * looked at too; another server's choice is its own affair. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mongoc/mongoc.h>

#include "aggregate/tally.h"
#include "job_fixture.h"
#include "storage/mongodb/pipeline.h"
#include "storage/mongodb/query.h"
#include "storage/mongodb/setup.h"
#include "storage_hands.h"
#include "storage_mongodb_fixture.h"
#include "suite.h"

struct scene {
    struct hands *hands;
    mongoc_client_t *client;
    mongoc_collection_t *collection;
    bool is_real; /* MongoDB */
};

static struct scene scene;

static int set_up(void **state)
{
    char database[64];
    scene.hands = hands_new(storage_mongodb_fixture(), 0);
    scene.client = mongoc_client_new(storage_mongodb_fixture_uri());
    storage_mongodb_fixture_database(scene.hands->folder, database);
    scene.collection = mongoc_client_get_collection(scene.client, database, "metrics");
    return 0;
}

static int tear_down(void **state)
{
    mongoc_collection_destroy(scene.collection);
    mongoc_client_destroy(scene.client);
    hands_free(&scene.hands);
    return 0;
}

/* Seconds behind the timestamp after which the server deletes; -1: never; -2: there is no such index. */
static int64_t expiry_of_timestamp(unsigned *ret_n_indexes)
{
    const bson_t *document;
    int64_t expiry = -2;
    *ret_n_indexes = 0;
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(scene.collection, NULL);
    while (mongoc_cursor_next(cursor, &document)) {
        bson_iter_t iter, keys;
        (*ret_n_indexes)++;
        assert_true(bson_iter_init_find(&iter, document, "key") && bson_iter_recurse(&iter, &keys));
        assert_true(bson_iter_next(&keys));
        if (strcmp(bson_iter_key(&keys), "timestamp") != 0)
            continue;
        expiry = bson_iter_init_find(&iter, document, "expireAfterSeconds") ? bson_iter_as_int64(&iter) : -1;
    }
    mongoc_cursor_destroy(cursor);
    return expiry;
}

static void assert_expiry_after_reopening(unsigned days, int64_t seconds)
{
    unsigned n_indexes;
    scene.hands->settings.retention_days = days;
    hands_reopen(scene.hands);
    assert_int_equal(expiry_of_timestamp(&n_indexes), seconds);
    assert_int_equal(n_indexes, 4); /* with that of _id */
}

static void indexes_follow_the_retention(void **state)
{
    assert_expiry_after_reopening(0, -1);
    assert_expiry_after_reopening(0, -1);
    assert_expiry_after_reopening(30, 30 * 86400);
    assert_expiry_after_reopening(30, 30 * 86400);
    assert_expiry_after_reopening(7, 7 * 86400);
    assert_expiry_after_reopening(0, -1);
    assert_expiry_after_reopening(36500, -1); /* more seconds than the server can count */
}

/* A server of an older release cannot turn a plain index into one that expires. */
static void indexes_made_by_hand_are_used(void **state)
{
    unsigned n_indexes;
    bson_error_t error;
    bson_t *command = BCON_NEW("createIndexes", "metrics", "indexes", "[", "{", "key", "{", "timestamp", BCON_DOUBLE(1),
                               "}", "name", "of_mine", "}", "]");
    assert_int_equal(expiry_of_timestamp(&n_indexes), -1);
    assert_true(mongoc_collection_drop_index(scene.collection, "timestamp_1", &error));
    assert_true(mongoc_collection_write_command_with_opts(scene.collection, command, NULL, NULL, &error));
    bson_destroy(command);
    assert_expiry_after_reopening(0, -1);
    assert_expiry_after_reopening(5, 5 * 86400);
}

static void metrics_past_the_retention_are_not_shown(void **state)
{
    static const struct spec old = { "old", "", 1000, 1, NULL };
    struct hands *hands = scene.hands;
    struct metric_id id;
    char text[64];
    hands_insert(hands, &old, 1, &id);
    hands->settings.retention_days = 1;
    hands_reopen(hands);
    struct job *job = hands_get(hands, id);
    assert_int_equal(job->status, STATUS_NOT_FOUND);
    job_fixture_free(&job);
    assert_string_equal(hands_values(hands, hands_job(OP_FIND), text, sizeof(text)), "");
    assert_int_equal(hands_update(hands, id, &old), STATUS_NOT_FOUND);
    assert_int_equal(hands_delete(hands, id), STATUS_NOT_FOUND);
}

/* Explain ------------------------------------------------------------------------ */

/* { explain: command, verbosity }; both borrowed. */
static void assert_plan_of(const bson_t *explained, const char *what)
{
    bson_t reply;
    bson_error_t error;
    bson_t *command = BCON_NEW("explain", BCON_DOCUMENT(explained), "verbosity", "queryPlanner");
    bool ok = mongoc_collection_read_command_with_opts(scene.collection, command, NULL, NULL, &reply, &error);
    if (!ok)
        fail_msg("%s: %s", what, error.message);
    char *plan = bson_as_relaxed_extended_json(&reply, NULL);
    if (strstr(plan, "IXSCAN") == NULL || strstr(plan, "\"COLLSCAN\"") != NULL)
        fail_msg("%s: no index in %s", what, plan);
    bson_free(plan);
    bson_destroy(&reply);
    bson_destroy(command);
}

/* The stand-in for MongoDB of the test machine names no commit that it was built from. */
static bool is_real_mongodb(void)
{
    bson_t reply, *command = BCON_NEW("buildInfo", BCON_INT32(1));
    bson_iter_t iter;
    bool ok = mongoc_client_command_simple(scene.client, "admin", command, NULL, &reply, NULL) &&
              bson_iter_init_find(&iter, &reply, "gitVersion") && BSON_ITER_HOLDS_UTF8(&iter) &&
              strspn(bson_iter_utf8(&iter, NULL), "0") != strlen(bson_iter_utf8(&iter, NULL));
    bson_destroy(command);
    bson_destroy(&reply);
    return ok;
}

/* Whether an index has a condition on its first key to begin with. */
static bool serves(const struct filter *filter, enum setup_index index)
{
    return index == INDEX_TIMESTAMP || (index == INDEX_NAME && filter->name.len > 0) ||
           (index == INDEX_TAGS && filter->n_tags + filter->n_any_tags > 0);
}

/* A command that has the conditions of a filter: with a hint of each index that serves them, and on a real MongoDB
 * without. */
static void assert_plans(const bson_t *command, const struct filter *filter, const char *what)
{
    if (scene.is_real)
        assert_plan_of(command, what);
    for (unsigned i = 0; i < INDEX_COUNT; i++) {
        bson_t hinted, hint;
        if (!serves(filter, (enum setup_index)i))
            continue;
        bson_copy_to(command, &hinted);
        BSON_APPEND_DOCUMENT_BEGIN(&hinted, "hint", &hint);
        setup_index_keys(&hint, (enum setup_index)i);
        bson_append_document_end(&hinted, &hint);
        assert_plan_of(&hinted, what);
        bson_destroy(&hinted);
    }
}

static void assert_plans_of_find(const struct query *query, const char *what)
{
    bson_t options = BSON_INITIALIZER, filter;
    bson_t *find = BCON_NEW("find", "metrics");
    BSON_APPEND_DOCUMENT_BEGIN(find, "filter", &filter);
    query_write_conditions(&filter, query);
    bson_append_document_end(find, &filter);
    query_write_options(&options, query);
    bson_concat(find, &options);
    assert_plans(find, query->filter, what);
    bson_destroy(&options);
    bson_destroy(find);
}

/* Takes the pipeline. */
static void assert_plans_of_pipeline(bson_t *pipeline, const struct filter *filter, const char *what)
{
    bson_t cursor;
    bson_t *aggregate = BCON_NEW("aggregate", "metrics");
    bson_concat(aggregate, pipeline);
    BSON_APPEND_DOCUMENT_BEGIN(aggregate, "cursor", &cursor);
    bson_append_document_end(aggregate, &cursor);
    assert_plans(aggregate, filter, what);
    bson_destroy(aggregate);
    bson_destroy(pipeline);
}

/* Name, one or prefix; tags of three kinds; values; times. Each is there or not. */
static struct filter filter_of(unsigned form, struct slice tags[])
{
    struct filter filter = {
        .limit = 100, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .min = -INFINITY, .max = INFINITY
    };
    filter.name = form % 3 == 0 ? SLICE("") : SLICE("cpu.");
    filter.name_is_prefix = form % 3 == 2;
    form /= 3;
    filter.tags = &tags[0];
    filter.any_tags = &tags[1];
    filter.not_tags = &tags[3];
    filter.n_tags = form & 1;
    filter.n_any_tags = form & 2;
    filter.n_not_tags = (form & 4) != 0;
    if ((form & 8) != 0)
        filter.min = 5;
    if ((form & 16) != 0)
        filter.from_ms = 1000;
    filter.ascending = (form & 32) != 0;
    return filter;
}

static void insert_some(void)
{
    static struct spec specs[300];
    for (unsigned i = 0; i < N_CASES(specs); i++)
        specs[i] = (struct spec){ i % 2 == 0 ? "cpu." : "mem", i % 3 == 0 ? "a b" : "c d", i, i, NULL };
    hands_insert(scene.hands, specs, N_CASES(specs), NULL);
    scene.is_real = is_real_mongodb();
}

enum { FORMS = 3 * 64 };

static struct slice words[] = { SLICE("a"), SLICE("b"), SLICE("c"), SLICE("d") };

static void every_form_of_filter_has_an_index(void **state)
{
    char what[64];
    insert_some();
    for (unsigned form = 0; form < FORMS; form++) {
        struct filter filter = filter_of(form, words);
        bool is_of_one_name = query_is_of_one_name(&filter);
        for (unsigned has_after = 0; has_after < 2; has_after++) {
            struct query query = { .filter = &filter,
                                   .kind = is_of_one_name ? QUERY_PAGE : QUERY_ALONG,
                                   .has_after = has_after,
                                   .after.timestamp_ms = 2000,
                                   .from_ms = filter.from_ms,
                                   .limit = 101,
                                   .max_ms = 5000 };
            snprintf(what, sizeof(what), "form %u, %s", form, has_after ? "behind a place" : "first page");
            assert_plans_of_find(&query, what);
            query.kind = QUERY_WITHIN;
            snprintf(what, sizeof(what), "form %u, within a timestamp", form);
            if (!is_of_one_name)
                assert_plans_of_find(&query, what);
        }
    }
}

static void every_form_of_question_has_an_index(void **state)
{
    static const int64_t edges[] = { 0, 1000, 2000, 2500, 100000 };
    char what[64];
    insert_some();
    for (unsigned form = 0; form < FORMS / 2; form++) { /* a question has no order */
        bson_t moments = BSON_INITIALIZER, samples = BSON_INITIALIZER, end = BSON_INITIALIZER;
        struct plan plan = { .group_by = (uint8_t)(form % 5 % 3), .filter = filter_of(form, words) };
        struct pipeline pipeline = { .plan = &plan,
                                     .from_ms = plan.filter.from_ms,
                                     .to_ms = plan.filter.to_ms,
                                     .edges = edges,
                                     .n_buckets = form % 2 == 0 ? 0 : N_CASES(edges) - 1,
                                     .needs = TALLY_SUM | TALLY_EXTREMES | TALLY_SPREAD };
        snprintf(what, sizeof(what), "form %u of a question", form);
        assert_true(pipeline_write_moments(&moments, &pipeline));
        assert_plans_of_pipeline(&moments, &plan.filter, what);
        pipeline_write_samples(&samples, &pipeline);
        assert_plans_of_pipeline(&samples, &plan.filter, what);
        pipeline_write_end(&end, &pipeline, form % 4 < 2);
        assert_plans_of_pipeline(&end, &plan.filter, what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(indexes_follow_the_retention, set_up, tear_down),
        cmocka_unit_test_setup_teardown(indexes_made_by_hand_are_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_past_the_retention_are_not_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_form_of_filter_has_an_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_form_of_question_has_an_index, set_up, tear_down),
    };
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    mongoc_init();
    int n_failed = cmocka_run_group_tests_name("MongoDB indexes", tests, NULL, NULL);
    storage_mongodb_fixture_end();
    return n_failed;
}
