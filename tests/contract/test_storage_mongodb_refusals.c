/* SPDX-License-Identifier: MIT */
/* What the server refuses or does not confirm: a document that its validator does not let in, and failures
 * that its failCommand fail point makes, where it was started with test commands. And what it does not refuse: metrics
 * of other tools, which may be written as this server would not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mongoc/mongoc.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "storage_mongodb_fixture.h"
#include "suite.h"

#define ID_A "0123456789abcdef01234567"

static struct hands *hands;
static mongoc_client_t *client;
static char database[64];

static int set_up(void **state)
{
    hands = hands_new(storage_mongodb_fixture(), 0);
    client = mongoc_client_new(storage_mongodb_fixture_uri());
    storage_mongodb_fixture_database(hands->folder, database);
    return 0;
}

/* Runs a command, which is taken; false when the server does not know it. */
static bool run_command(const char *on_database, bson_t *command)
{
    bson_error_t error;
    bool ok = mongoc_client_write_command_with_opts(client, on_database, command, NULL, NULL, &error);
    bson_destroy(command);
    return ok;
}

static int tear_down(void **state)
{
    run_command("admin", BCON_NEW("configureFailPoint", "failCommand", "mode", "off"));
    mongoc_client_destroy(client);
    hands_free(&hands);
    return 0;
}

static unsigned count_of(const char *name)
{
    struct job *job = hands_job(OP_FIND);
    job->filter.name = slice_of(name);
    job->filter.limit = FILTER_LIMIT_MAX;
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    unsigned n = job->n_metrics;
    job_fixture_free(&job);
    return n;
}

/* Documents ------------------------------------------------------------------------ */

static void poison(void)
{
    if (!run_command(database,
                     BCON_NEW("collMod", "metrics", "validator", "{", "name", "{", "$ne", "poison", "}", "}")))
        fail_msg("the server takes no validator");
}

static void poisoned_metric_fails_alone(void **state)
{
    static const struct spec good = { "good", "", 1, 1, NULL }, bad = { "poison", "", 1, 1, NULL };
    struct job *jobs[9];
    poison();
    for (unsigned i = 0; i < N_CASES(jobs); i++)
        jobs[i] = hands_insert_job(i == 4 ? &bad : &good, 1);
    hands->ops->write(hands->writer, jobs, N_CASES(jobs));
    for (unsigned i = 0; i < N_CASES(jobs); i++) {
        assert_int_equal(jobs[i]->status, i == 4 ? STATUS_INTERNAL : STATUS_OK);
        assert_int_equal(jobs[i]->metrics[0].has_id, i != 4);
        job_fixture_free(&jobs[i]);
    }
    assert_int_equal(count_of("good"), N_CASES(jobs) - 1);
    assert_int_equal(count_of("poison"), 0);
}

/* The rest of its batch is stored by then, and nothing can be taken back. */
static void poisoned_batch_says_that_it_is_not_whole(void **state)
{
    static const struct spec batch[] = { { "good", "", 1, 1, NULL }, { "poison", "", 1, 1, NULL } };
    poison();
    struct job *job = hands_insert_job(batch, N_CASES(batch));
    assert_int_equal(hands_run(hands, job), STATUS_OUTCOME_UNKNOWN);
    job_fixture_free(&job);
    assert_int_equal(count_of("good"), 1);
}

static void update_to_a_poisoned_metric_changes_nothing(void **state)
{
    static const struct spec good = { "good", "", 1, 1, NULL }, bad = { "poison", "", 1, 1, NULL };
    struct metric_id id;
    hands_insert(hands, &good, 1, &id);
    poison();
    assert_int_equal(hands_update(hands, id, &bad), STATUS_INTERNAL);
    assert_int_equal(count_of("good"), 1);
}

#define METRIC(tags, value)                                                                                            \
    "{\"_id\":{\"$oid\":\"" ID_A "\"},\"by\":\"hand\",\"value\":" value ",\"tags\":" tags                              \
    ",\"name\":\"other\",\"timestamp\":{\"$date\":{\"$numberLong\":\"1\"}}}"

/* Tags in an order of their own and twice, numbers that no double is. */
static const char *const others[] = {
    METRIC("[\"b\",\"a\"]", "{\"$numberDouble\":\"1\"}"),
    METRIC("[\"a\",\"a\"]", "{\"$numberInt\":\"1\"}"),
    METRIC("[]", "{\"$numberLong\":\"9007199254740993\"}"),
    METRIC("[\"b\",\"a\",\"b\"]", "{\"$numberLong\":\"-9223372036854775807\"}"),
};

static struct metric_id store_by_driver(const char *json)
{
    bson_error_t error;
    struct metric_id id;
    mongoc_collection_t *collection = mongoc_client_get_collection(client, database, "metrics");
    bson_t *document = bson_new_from_json((const uint8_t *)json, -1, &error);
    assert_non_null(document);
    if (!mongoc_collection_insert_one(collection, document, NULL, NULL, &error))
        fail_msg("%s: %s", json, error.message);
    bson_destroy(document);
    mongoc_collection_destroy(collection);
    assert_true(metric_id_parse(SLICE(ID_A), &id));
    return id;
}

static void metric_of_another_tool_is_changed(void **state)
{
    static const struct spec new = { "new", "x", 2, 2, NULL };
    for (unsigned i = 0; i < N_CASES(others); i++) {
        struct metric_id id = store_by_driver(others[i]);
        assert_int_equal(count_of("other"), 1);
        assert_int_equal(hands_update(hands, id, &new), STATUS_OK);
        assert_int_equal(count_of("other"), 0);
        assert_int_equal(count_of("new"), 1);
        assert_int_equal(hands_delete(hands, id), STATUS_OK);
        store_by_driver(others[i]);
        assert_int_equal(hands_delete(hands, id), STATUS_OK);
        assert_int_equal(count_of("other"), 0);
    }
}

/* Fail points ------------------------------------------------------------------------ */

/* The next n calls of a command fail with a code, or succeed without being confirmed. */
static void fail_calls(const char *command, int n, int code, bool is_confirmation)
{
    bson_t *failing = is_confirmation
                          ? BCON_NEW("failCommands", "[", BCON_UTF8(command), "]", "writeConcernError", "{", "code",
                                     BCON_INT32(code), "errmsg", "too few", "}")
                          : BCON_NEW("failCommands", "[", BCON_UTF8(command), "]", "errorCode", BCON_INT32(code));
    bool ok = run_command("admin", BCON_NEW("configureFailPoint", "failCommand", "mode", "{", "times", BCON_INT32(n),
                                            "}", "data", BCON_DOCUMENT(failing)));
    bson_destroy(failing);
    assert_true(ok);
}

static bool wait_for_health(void)
{
    for (unsigned waited_ms = 0; waited_ms < 20000; waited_ms++) {
        if (atomic_load(&hands->ops->health(hands->storage)->status) == STATUS_OK)
            return true;
        usleep(1000);
    }
    return false;
}

static enum status insert_one(const char *name, const char *id)
{
    struct spec spec = { name, "", 1, 1, id };
    struct job *job = hands_insert_job(&spec, 1);
    job->deadline_ns = clock_ns() + 10 * NS_PER_S;
    enum status status = hands_run(hands, job);
    job_fixture_free(&job);
    return status;
}

static void unconfirmed_insert_is_sent_again(void **state)
{
    fail_calls("insert", 3, 64, true);
    assert_int_equal(insert_one("minted", NULL), STATUS_OK);
    fail_calls("insert", 3, 64, true);
    assert_int_equal(insert_one("client", ID_A), STATUS_OK);
    assert_int_equal(count_of("minted"), 1);
    assert_int_equal(count_of("client"), 1);
}

static void insert_that_is_never_confirmed_is_unknown(void **state)
{
    static const struct spec spec = { "never", "", 1, 1, NULL };
    fail_calls("insert", 1000000, 64, true);
    struct job *job = hands_insert_job(&spec, 1);
    job->deadline_ns = clock_ns() + NS_PER_S;
    assert_int_equal(hands_run(hands, job), STATUS_OUTCOME_UNKNOWN);
    job_fixture_free(&job);
}

static void insert_during_an_election_is_sent_again(void **state)
{
    static const int codes[] = { 10107, 189, 91, 11602 };
    for (unsigned i = 0; i < N_CASES(codes); i++) {
        fail_calls("insert", 3, codes[i], false);
        assert_int_equal(insert_one("elected", NULL), STATUS_OK);
        assert_true(wait_for_health());
    }
    assert_int_equal(count_of("elected"), N_CASES(codes));
}

static void insert_that_is_refused_ends_at_once(void **state)
{
    static const struct {
        int code;
        enum status status;
    } cases[] = { { 13, STATUS_STORAGE_UNAVAILABLE },
                  { 14031, STATUS_STORAGE_FULL },
                  { 112, STATUS_STORAGE_UNAVAILABLE } };
    for (unsigned i = 0; i < N_CASES(cases); i++) {
        uint64_t start_ns = clock_ns();
        fail_calls("insert", 6, cases[i].code, false);
        assert_int_equal(insert_one("refused", NULL), cases[i].status);
        assert_true(clock_ns() - start_ns < 3 * NS_PER_S);
        fail_calls("insert", 1, cases[i].code, false);
        run_command("admin", BCON_NEW("configureFailPoint", "failCommand", "mode", "off"));
        assert_true(wait_for_health());
    }
    assert_int_equal(count_of("refused"), 0);
    assert_int_equal(insert_one("refused", NULL), STATUS_OK);
}

static void unconfirmed_changes_are_confirmed_later(void **state)
{
    static const struct spec old = { "old", "", 1, 1, NULL }, new = { "new", "", 2, 2, NULL };
    struct metric_id id;
    hands_insert(hands, &old, 1, &id);
    fail_calls("update", 2, 64, true);
    assert_int_equal(hands_update(hands, id, &new), STATUS_OK);
    assert_true(wait_for_health()); /* the watch may have met one of them */
    assert_int_equal(count_of("new"), 1);
    fail_calls("delete", 1, 64, true);
    assert_int_equal(hands_delete(hands, id), STATUS_OK);
    assert_int_equal(count_of("new"), 0);
}

static void slow_find_is_too_slow(void **state)
{
    char text[64];
    fail_calls("find", 4, 50, false);
    assert_string_equal(hands_values(hands, hands_job(OP_FIND), text, sizeof(text)), "query-too-slow");
    run_command("admin", BCON_NEW("configureFailPoint", "failCommand", "mode", "off"));
    assert_true(wait_for_health());
    assert_string_equal(hands_values(hands, hands_job(OP_FIND), text, sizeof(text)), "");
}

static bool has_fail_points(void)
{
    client = mongoc_client_new(storage_mongodb_fixture_uri());
    bool ok = run_command("admin", BCON_NEW("configureFailPoint", "failCommand", "mode", "off"));
    mongoc_client_destroy(client);
    return ok;
}

static int run_without_fail_points(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(poisoned_metric_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(poisoned_batch_says_that_it_is_not_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(update_to_a_poisoned_metric_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metric_of_another_tool_is_changed, set_up, tear_down),
    };
    print_message("# the server has no fail points: six tests are left out\n");
    return cmocka_run_group_tests_name("MongoDB refusals", tests, NULL, NULL);
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(poisoned_metric_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(poisoned_batch_says_that_it_is_not_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(update_to_a_poisoned_metric_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metric_of_another_tool_is_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unconfirmed_insert_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_that_is_never_confirmed_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_during_an_election_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_that_is_refused_ends_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unconfirmed_changes_are_confirmed_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_find_is_too_slow, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("MongoDB refusals", tests, NULL, NULL);
}

int main(void)
{
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    mongoc_init();
    int n_failed = has_fail_points() ? run_all() : run_without_fail_points();
    storage_mongodb_fixture_end();
    return n_failed;
}
