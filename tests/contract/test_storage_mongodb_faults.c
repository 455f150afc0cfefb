/* SPDX-License-Identifier: MIT */
/* What becomes of jobs when the connection breaks at the worst moment: stored once, or told so. Each test
 * counts how often the fault really happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mongoc/mongoc.h>

#include <telemetry/clock.h>

#include "cutting_proxy.h"
#include "job_fixture.h"
#include "storage_hands.h"
#include "storage_mongodb_fixture.h"
#include "suite.h"

#define ID_A "0123456789abcdef01234567"

/* A store behind a proxy. The driver's own retries are off, or on, by `retry`. */
struct scene {
    struct cutting_proxy *proxy;
    struct hands *hands;
    char uri[128];
};

static struct scene *scene_new(const char *retry)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    mongoc_uri_t *uri = mongoc_uri_new(storage_mongodb_fixture_uri());
    const mongoc_host_list_t *host = mongoc_uri_get_hosts(uri);
    scene->proxy = cutting_proxy_new(host->host, host->port);
    mongoc_uri_destroy(uri);
    snprintf(scene->uri, sizeof(scene->uri),
             "mongodb://127.0.0.1:%u/?directConnection=true&retryReads=false&retryWrites=%s",
             cutting_proxy_port(scene->proxy), retry);
    storage_mongodb_fixture_use(scene->uri);
    scene->hands = hands_new(storage_mongodb_fixture(), 0);
    return scene;
}

static int set_up(void **state)
{
    *state = scene_new("false");
    return 0;
}

static int set_up_with_retries(void **state)
{
    *state = scene_new("true");
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    hands_free(&scene->hands);
    storage_mongodb_fixture_use(NULL);
    cutting_proxy_free(&scene->proxy);
    free(scene);
    return 0;
}

static unsigned count_of(struct scene *scene, const char *name)
{
    struct job *job = hands_job(OP_FIND);
    job->filter.name = slice_of(name);
    job->filter.limit = FILTER_LIMIT_MAX;
    assert_int_equal(hands_run(scene->hands, job), STATUS_OK);
    unsigned n = job->n_metrics;
    job_fixture_free(&job);
    return n;
}

static enum status health_of(const struct scene *scene)
{
    return (enum status)atomic_load(&scene->hands->ops->health(scene->hands->storage)->status);
}

static bool wait_for_health(const struct scene *scene, bool good)
{
    for (unsigned waited_ms = 0; waited_ms < 20000; waited_ms++) {
        if ((health_of(scene) == STATUS_OK) == good)
            return true;
        usleep(1000);
    }
    return false;
}

/* A change with one broken call, then the same store without. */
static enum status run_cut(struct scene *scene, struct job *job, const char *command, enum cut_moment moment,
                           unsigned n_cuts)
{
    job->deadline_ns = clock_ns() + 20 * NS_PER_S;
    cutting_proxy_cut(scene->proxy, command, moment, n_cuts);
    enum status status = hands_run(scene->hands, job);
    assert_int_equal(cutting_proxy_cuts(scene->proxy), n_cuts);
    assert_true(wait_for_health(scene, true));
    return status;
}

/* Inserts ------------------------------------------------------------------------ */

static void insert_without_an_answer_is_stored_once(void **state)
{
    static const struct spec minted = { "minted", "", 1, 1, NULL }, client = { "client", "", 1, 1, ID_A };
    for (unsigned i = 0; i < 4; i++) {
        const struct spec *spec = i % 2 == 0 ? &minted : &client;
        struct job *job = hands_insert_job(spec, 1);
        assert_int_equal(run_cut(*state, job, "insert", i < 2 ? CUT_BEFORE_ANSWER : CUT_BEFORE_CALL, 1), STATUS_OK);
        assert_false(job->existed); /* as far as it knows, its own first attempt did it */
        struct job *found = hands_get(((struct scene *)*state)->hands, job->metrics[0].id);
        assert_int_equal(found->status, STATUS_OK);
        assert_true(metric_equal(&found->metrics[0], &job->metrics[0]));
        job_fixture_free(&found);
        job_fixture_free(&job);
    }
    assert_int_equal(count_of(*state, "minted"), 2);
    assert_int_equal(count_of(*state, "client"), 1);
}

static void batch_without_answers_is_stored_once(void **state)
{
    enum { N = 2500 }; /* three calls */
    static struct spec specs[N];
    static char ids[N][METRIC_ID_HEX + 1];
    for (unsigned i = 0; i < N; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%024x", i + 1);
        specs[i] = (struct spec){ i < 900 ? "some" : "others", "", i, i, i % 3 == 0 ? ids[i] : NULL };
    }
    struct job *job = hands_insert_job(specs, N);
    assert_int_equal(run_cut(*state, job, "insert", CUT_BEFORE_ANSWER, 2), STATUS_OK);
    job_fixture_free(&job);
    assert_int_equal(count_of(*state, "some"), 900);
    job = hands_insert_job(specs, 1);
    assert_int_equal(hands_run(((struct scene *)*state)->hands, job), STATUS_OK);
    assert_true(job->existed);
    job_fixture_free(&job);
}

/* Whether or not it came in: without any answer nobody knows. */
static void insert_without_any_answer_is_unknown(void **state)
{
    static const struct spec spec = { "unknown", "", 1, 1, NULL };
    struct scene *scene = *state;
    struct job *job = hands_insert_job(&spec, 1);
    job->deadline_ns = clock_ns() + NS_PER_S;
    cutting_proxy_cut(scene->proxy, "insert", CUT_BEFORE_ANSWER, 1000000);
    assert_int_equal(hands_run(scene->hands, job), STATUS_OUTCOME_UNKNOWN);
    assert_true(clock_ns() >= job->deadline_ns);
    assert_true(cutting_proxy_cuts(scene->proxy) > 1);
    cutting_proxy_cut(scene->proxy, "", CUT_BEFORE_CALL, 0);
    job_fixture_free(&job);
    assert_true(wait_for_health(scene, true));
    assert_int_equal(count_of(scene, "unknown"), 1);
}

/* A broken call of one job must not make another one fail, or be stored twice. */
static void group_without_an_answer_is_stored_once(void **state)
{
    enum { N = 40 };
    struct scene *scene = *state;
    struct job *jobs[N];
    static const struct spec taken = { "taken", "", 1, 1, ID_A }, other = { "other", "", 1, 2, ID_A };
    static const struct spec spec = { "group", "", 1, 1, NULL };
    hands_insert(scene->hands, &taken, 1, NULL);
    for (unsigned i = 0; i < N; i++) {
        jobs[i] = hands_insert_job(i == 7 ? &other : &spec, 1);
        jobs[i]->deadline_ns = clock_ns() + 20 * NS_PER_S;
    }
    cutting_proxy_cut(scene->proxy, "insert", CUT_BEFORE_ANSWER, 2);
    scene->hands->ops->write(scene->hands->writer, jobs, N);
    assert_int_equal(cutting_proxy_cuts(scene->proxy), 2);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(jobs[i]->status, i == 7 ? STATUS_CONFLICT : STATUS_OK);
        job_fixture_free(&jobs[i]);
    }
    assert_true(wait_for_health(scene, true));
    assert_int_equal(count_of(scene, "group"), N - 1);
    assert_int_equal(count_of(scene, "other"), 0);
}

/* Changes ------------------------------------------------------------------------ */

static struct job *update_job(const struct metric_id *id, const struct spec *spec)
{
    struct job *job = hands_job(OP_UPDATE);
    job->metrics = arena_alloc(&job->arena, sizeof(job->metrics[0]));
    job->metrics[0] = hands_metric(spec, &job->arena);
    job->n_metrics = 1;
    job->id = *id;
    return job;
}

static void update_without_an_answer_tells_previous(void **state)
{
    static const struct spec old = { "old", "x", 1, 1, NULL };
    static const struct spec changes[] = { { "new", "y", 2, 2, NULL }, { "newer", "", 3, 3, NULL } };
    struct scene *scene = *state;
    struct metric_id id;
    hands_insert(scene->hands, &old, 1, &id);
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = update_job(&id, &changes[i]);
        assert_int_equal(run_cut(scene, job, "update", i == 0 ? CUT_BEFORE_ANSWER : CUT_BEFORE_CALL, 1), STATUS_OK);
        assert_true(job->has_previous);
        assert_true(job->previous.value == i + 1);
        job_fixture_free(&job);
        assert_int_equal(count_of(scene, i == 0 ? "old" : "new"), 0);
        assert_int_equal(count_of(scene, changes[i].name), 1);
    }
}

static void delete_without_an_answer_is_no_not_found(void **state)
{
    static const struct spec spec = { "gone", "x", 1, 1, NULL };
    struct scene *scene = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct metric_id id;
        hands_insert(scene->hands, &spec, 1, &id);
        struct job *job = hands_job(OP_DELETE);
        job->id = id;
        assert_int_equal(run_cut(scene, job, "delete", i == 0 ? CUT_BEFORE_ANSWER : CUT_BEFORE_CALL, 1), STATUS_OK);
        assert_true(job->has_previous);
        assert_true(job->previous.value == 1);
        job_fixture_free(&job);
        assert_int_equal(count_of(scene, "gone"), 0);
        assert_int_equal(hands_delete(scene->hands, id), STATUS_NOT_FOUND);
    }
}

static void change_without_any_answer_is_unknown(void **state)
{
    static const struct spec spec = { "a", "x", 1, 1, NULL };
    struct scene *scene = *state;
    struct metric_id id;
    hands_insert(scene->hands, &spec, 1, &id);
    struct job *job = hands_job(OP_DELETE);
    job->id = id;
    job->deadline_ns = clock_ns() + NS_PER_S;
    cutting_proxy_cut(scene->proxy, "delete", CUT_BEFORE_CALL, 1000000);
    enum status status = hands_run(scene->hands, job);
    assert_true(cutting_proxy_cuts(scene->proxy) > 1);
    assert_int_equal(status, STATUS_OUTCOME_UNKNOWN);
    cutting_proxy_cut(scene->proxy, "", CUT_BEFORE_CALL, 0);
    job_fixture_free(&job);
}

/* The whole store ------------------------------------------------------------------ */

/* Away, it is known to be so, and each call is refused at once; back, it is used again without more. */
static void store_that_is_away_refuses_at_once_and_comes_back(void **state)
{
    static const struct spec spec = { "away", "", 1, 1, NULL };
    struct scene *scene = *state;
    struct metric_id id;
    hands_insert(scene->hands, &spec, 1, &id);
    for (unsigned round = 0; round < 2; round++) {
        cutting_proxy_go_away(scene->proxy, true);
        assert_true(wait_for_health(scene, false));
        assert_non_null(atomic_load(&scene->hands->ops->health(scene->hands->storage)->reason));
        uint64_t start_ns = clock_ns();
        for (unsigned i = 0; i < 10; i++) {
            struct job *job = hands_insert_job(&spec, 1);
            assert_int_equal(hands_run(scene->hands, job), STATUS_STORAGE_UNAVAILABLE);
            assert_false(job->metrics[0].has_id);
            job_fixture_free(&job);
            assert_int_equal(hands_delete(scene->hands, id), STATUS_STORAGE_UNAVAILABLE);
            job = hands_get(scene->hands, id);
            assert_int_equal(job->status, STATUS_STORAGE_UNAVAILABLE);
            job_fixture_free(&job);
        }
        assert_true(clock_ns() - start_ns < NS_PER_S);
        cutting_proxy_go_away(scene->proxy, false);
        assert_true(wait_for_health(scene, true));
        assert_null(atomic_load(&scene->hands->ops->health(scene->hands->storage)->reason));
        assert_int_equal(count_of(scene, "away"), 1);
    }
}

/* Writes under way when the store goes away, and comes back before their deadline, are stored once. */
static void store_that_comes_back_in_time_loses_nothing(void **state)
{
    static const struct spec spec = { "back", "", 1, 1, NULL };
    struct scene *scene = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct job *job = hands_insert_job(&spec, 1);
        assert_int_equal(run_cut(scene, job, "insert", CUT_BEFORE_ANSWER, 3), STATUS_OK);
        job_fixture_free(&job);
    }
    assert_int_equal(count_of(scene, "back"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(insert_without_an_answer_is_stored_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch_without_answers_is_stored_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_without_any_answer_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(group_without_an_answer_is_stored_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(update_without_an_answer_tells_previous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delete_without_an_answer_is_no_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(change_without_any_answer_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_that_is_away_refuses_at_once_and_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_that_comes_back_in_time_loses_nothing, set_up_with_retries, tear_down),
    };
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    mongoc_init();
    int n_failed = cmocka_run_group_tests_name("MongoDB faults", tests, NULL, NULL);
    storage_mongodb_fixture_end();
    return n_failed;
}
