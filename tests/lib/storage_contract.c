/* SPDX-License-Identifier: MIT */
#include "storage_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

static const struct storage_ops *suite_ops;
static unsigned suite_run_rows;

static int set_up(void **state)
{
    *state = hands_new(suite_ops, suite_run_rows);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

#define ID_A "0123456789abcdef01234567"
#define ID_B "fedcba9876543210fedcba98"

static void assert_same(const struct metric *a, const struct metric *b)
{
    assert_true(metric_equal(a, b));
    assert_int_equal(a->n_tags, b->n_tags);
}

static unsigned count_of(struct hands *hands, const char *name)
{
    struct job *job = hands_job(OP_FIND);
    job->filter.name = slice_of(name);
    job->filter.limit = FILTER_LIMIT_MAX;
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    unsigned n = job->n_metrics;
    job_fixture_free(&job);
    return n;
}

/* Insert and get ----------------------------------------------------------- */

static void insert_mints_id_and_get_finds_it(void **state)
{
    struct hands *hands = *state;
    struct spec spec = { "cpu.load", "host:a zone:b", 1700000000123, 0.25, NULL };
    struct job *job = hands_insert_job(&spec, 1);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_true(job->metrics[0].has_id);
    assert_false(job->metrics[0].client_id);
    assert_false(job->existed);
    struct job *found = hands_get(hands, job->metrics[0].id);
    assert_int_equal(found->status, STATUS_OK);
    assert_int_equal(found->n_metrics, 1);
    assert_same(&found->metrics[0], &job->metrics[0]);
    job_fixture_free(&found);
    job_fixture_free(&job);
}

static void insert_keeps_extremes(void **state)
{
    static const struct spec specs[] = {
        { "a", "", METRIC_TIMESTAMP_MIN, 1.7976931348623157e308, NULL },
        { "b", "", METRIC_TIMESTAMP_MAX, -5e-324, NULL },
        { "c", "", -1, 0.0, NULL },
        { "d", "", 0, 9007199254740993.0, NULL },
        { "e", "", 999, -3.0, ID_A },
    };
    struct hands *hands = *state;
    struct metric_id ids[N_CASES(specs)];
    hands_insert(hands, specs, N_CASES(specs), ids);
    hands_reopen(hands);
    for (unsigned i = 0; i < N_CASES(specs); i++) {
        struct job *found = hands_get(hands, ids[i]);
        struct metric expected = hands_metric(&specs[i], &found->arena);
        expected.id = ids[i];
        assert_int_equal(found->status, STATUS_OK);
        assert_same(&found->metrics[0], &expected);
        job_fixture_free(&found);
    }
}

static void insert_keeps_longest_series(void **state)
{
    struct hands *hands = *state;
    char name[METRIC_NAME_MAX + 1], tags[METRIC_TAGS_MAX * (METRIC_TAG_MAX + 1)];
    memset(name, 'n', METRIC_NAME_MAX);
    name[METRIC_NAME_MAX] = '\0';
    for (unsigned i = 0; i < METRIC_TAGS_MAX; i++) {
        memset(tags + i * (METRIC_TAG_MAX + 1), 't', METRIC_TAG_MAX);
        tags[i * (METRIC_TAG_MAX + 1)] = (char)('A' + i);
        tags[i * (METRIC_TAG_MAX + 1) + METRIC_TAG_MAX] = i + 1 < METRIC_TAGS_MAX ? ' ' : '\0';
    }
    struct spec spec = { name, tags, 1, 1, NULL };
    struct metric_id id;
    hands_insert(hands, &spec, 1, &id);
    struct job *found = hands_get(hands, id);
    assert_int_equal(found->status, STATUS_OK);
    assert_int_equal(found->metrics[0].n_tags, METRIC_TAGS_MAX);
    assert_int_equal(found->metrics[0].name_bytes, METRIC_NAME_MAX);
    assert_int_equal(found->metrics[0].series.len, METRIC_SERIES_MAX);
    job_fixture_free(&found);
    assert_int_equal(count_of(hands, name), 1);
}

static void get_of_unknown_id_is_not_found(void **state)
{
    struct hands *hands = *state;
    struct metric_id id, minted;
    assert_true(metric_id_parse(slice_of(ID_A), &id));
    struct job *job = hands_get(hands, id);
    assert_int_equal(job->status, STATUS_NOT_FOUND);
    job_fixture_free(&job);
    struct spec spec = { "a", "", 1, 1, NULL };
    hands_insert(hands, &spec, 1, &minted);
    for (unsigned byte = 0; byte < METRIC_ID_BYTES; byte++) { /* near a real one */
        struct metric_id near = minted;
        near.bytes[byte] ^= 1;
        job = hands_get(hands, near);
        assert_int_equal(job->status, STATUS_NOT_FOUND);
        job_fixture_free(&job);
    }
}

/* Ids that clients bring --------------------------------------------------- */

static void insert_of_equal_metric_existed(void **state)
{
    struct hands *hands = *state;
    struct spec spec = { "a", "x y", 5, 1.5, ID_A };
    hands_insert(hands, &spec, 1, NULL);
    struct job *job = hands_insert_job(&spec, 1);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_true(job->existed);
    job_fixture_free(&job);
    assert_int_equal(count_of(hands, "a"), 1);
}

static void insert_of_other_metric_conflicts(void **state)
{
    static const struct spec others[] = {
        { "b", "x", 5, 1.5, ID_A }, { "a", "y", 5, 1.5, ID_A }, { "a", "x", 6, 1.5, ID_A }, { "a", "x", 5, 2.5, ID_A }
    };
    struct hands *hands = *state;
    struct spec spec = { "a", "x", 5, 1.5, ID_A };
    hands_insert(hands, &spec, 1, NULL);
    for (unsigned i = 0; i < N_CASES(others); i++) {
        struct job *job = hands_insert_job(&others[i], 1);
        assert_int_equal(hands_run(hands, job), STATUS_CONFLICT);
        assert_int_equal(job->reply.n_errors, 1);
        assert_int_equal(job->reply.errors[0].index, 0);
        job_fixture_free(&job);
    }
    assert_int_equal(count_of(hands, "a"), 1);
    assert_int_equal(count_of(hands, "b"), 0);
}

static void insert_of_minted_id_again(void **state)
{
    struct hands *hands = *state;
    struct spec spec = { "a", "x", 5, 1.5, NULL }, other = { "a", "x", 5, 2.5, NULL };
    struct metric_id id;
    char hex[METRIC_ID_HEX + 1] = "";
    hands_insert(hands, &spec, 1, &id);
    metric_id_hex(&id, hex);
    spec.id = other.id = hex;
    struct job *job = hands_insert_job(&spec, 1);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_true(job->existed);
    job_fixture_free(&job);
    job = hands_insert_job(&other, 1);
    assert_int_equal(hands_run(hands, job), STATUS_CONFLICT);
    job_fixture_free(&job);
    assert_int_equal(hands_delete(hands, id), STATUS_OK);
    hands_insert(hands, &other, 1, NULL); /* it is free again, for any metric */
    hands_reopen(hands);
    job = hands_get(hands, id);
    assert_int_equal(job->status, STATUS_OK);
    assert_true(job->metrics[0].value == 2.5);
    job_fixture_free(&job);
    assert_int_equal(hands_delete(hands, id), STATUS_OK);
    assert_int_equal(count_of(hands, "a"), 0);
}

/* An id like a minted one of a row that does not exist yet stays its metric's own. */
static void insert_of_id_like_a_future_one(void **state)
{
    struct hands *hands = *state;
    struct spec spec = { "a", "", 5, 1, NULL }, future = { "f", "", 5, 77, NULL };
    struct metric_id id;
    char hex[METRIC_ID_HEX + 1] = "";
    hands_insert(hands, &spec, 1, &id);
    id.bytes[METRIC_ID_BYTES - 1] = (uint8_t)(id.bytes[METRIC_ID_BYTES - 1] + 3);
    id.bytes[0] ^= 1; /* another second than any to come */
    metric_id_hex(&id, hex);
    future.id = hex;
    hands_insert(hands, &future, 1, NULL);
    for (unsigned i = 0; i < 8; i++)
        hands_insert(hands, &spec, 1, NULL);
    struct job *job = hands_get(hands, id);
    assert_int_equal(job->status, STATUS_OK);
    assert_true(job->metrics[0].value == 77);
    job_fixture_free(&job);
}

static void batch_with_equal_metrics_is_stored(void **state)
{
    struct hands *hands = *state;
    static const struct spec first = { "a", "", 1, 1, ID_A };
    static const struct spec batch[] = {
        { "a", "", 1, 1, ID_A }, { "a", "", 2, 2, NULL }, { "a", "", 3, 3, ID_B }, { "a", "", 3, 3, ID_B }
    };
    hands_insert(hands, &first, 1, NULL);
    hands_insert(hands, batch, N_CASES(batch), NULL);
    assert_int_equal(count_of(hands, "a"), 3);
}

static void batch_with_conflicts_leaves_no_trace(void **state)
{
    struct hands *hands = *state;
    static const struct spec first = { "a", "", 1, 1, ID_A };
    static const struct spec batch[] = {
        { "new.one", "t", 2, 2, NULL }, { "a", "", 1, 7, ID_A }, { "new.two", "", 3, 3, ID_B },
        { "new.two", "", 3, 4, ID_B },  { "a", "", 9, 9, NULL },
    };
    hands_insert(hands, &first, 1, NULL);
    struct job *job = hands_insert_job(batch, N_CASES(batch));
    assert_int_equal(hands_run(hands, job), STATUS_CONFLICT);
    assert_int_equal(job->reply.n_errors, 2);
    assert_int_equal(job->reply.errors[0].index, 1);
    assert_int_equal(job->reply.errors[1].index, 3);
    assert_false(job->metrics[0].has_id);
    struct metric_id id_b = job->metrics[2].id;
    job_fixture_free(&job);
    job = hands_get(hands, id_b);
    assert_int_equal(job->status, STATUS_NOT_FOUND);
    job_fixture_free(&job);
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(count_of(hands, "a"), 1);
        assert_int_equal(count_of(hands, "new.one"), 0);
        assert_int_equal(count_of(hands, "new.two"), 0);
        hands_reopen(hands);
    }
    static const struct spec later = { "new.one", "t", 2, 2, NULL };
    hands_insert(hands, &later, 1, NULL);
    assert_int_equal(count_of(hands, "new.one"), 1);
}

static void conflict_names_a_hundred_items(void **state)
{
    struct hands *hands = *state;
    struct spec specs[130];
    char ids[130][METRIC_ID_HEX + 1];
    for (unsigned i = 0; i < 130; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%024x", i + 1);
        specs[i] = (struct spec){ "a", "", i, 1, ids[i] };
    }
    hands_insert(hands, specs, 130, NULL);
    for (unsigned i = 0; i < 130; i++)
        specs[i].value = 2;
    struct job *job = hands_insert_job(specs, 130);
    assert_int_equal(hands_run(hands, job), STATUS_CONFLICT);
    assert_int_equal(job->reply.n_errors, REPLY_ERRORS_MAX);
    job_fixture_free(&job);
}

/* Jobs of one group are done in order: the failing ones between them leave no trace. */
static void group_does_its_jobs_in_order(void **state)
{
    struct hands *hands = *state;
    static const struct spec a = { "a", "", 1, 1, ID_A }, other = { "b", "", 1, 2, ID_A }, c = { "c", "", 3, 3, NULL };
    static const struct spec mixed[] = { { "d", "", 4, 4, NULL }, { "d", "", 5, 5, ID_A } };
    struct job *jobs[] = { hands_insert_job(&a, 1),     hands_insert_job(&a, 1), hands_insert_job(&other, 1),
                           hands_insert_job(mixed, 2),  hands_insert_job(&c, 1), hands_job(OP_DELETE),
                           hands_insert_job(&other, 1), hands_job(OP_DELETE) };
    static const enum status expected[] = { STATUS_OK, STATUS_OK, STATUS_CONFLICT, STATUS_CONFLICT,
                                            STATUS_OK, STATUS_OK, STATUS_OK,       STATUS_NOT_FOUND };
    assert_true(metric_id_parse(SLICE(ID_A), &jobs[5]->id));
    assert_true(metric_id_parse(SLICE(ID_B), &jobs[7]->id));
    hands->ops->write(hands->writer, jobs, N_CASES(jobs));
    assert_true(jobs[1]->existed);
    for (unsigned i = 0; i < N_CASES(jobs); i++) {
        assert_int_equal(jobs[i]->status, expected[i]);
        job_fixture_free(&jobs[i]);
    }
    assert_int_equal(count_of(hands, "a"), 0);
    assert_int_equal(count_of(hands, "b"), 1);
    assert_int_equal(count_of(hands, "c"), 1);
    assert_int_equal(count_of(hands, "d"), 0);
}

/* Update and delete -------------------------------------------------------- */

static void update_replaces_and_tells_previous(void **state)
{
    struct hands *hands = *state;
    static const struct spec old = { "a", "x", 1000, 1, NULL }, new = { "b", "y z", 999000, 2, NULL };
    struct metric_id id;
    hands_insert(hands, &old, 1, &id);
    struct job *job = hands_job(OP_UPDATE);
    struct metric metric = hands_metric(&new, &job->arena);
    job->metrics = &metric;
    job->n_metrics = 1;
    job->id = id;
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_true(job->has_previous);
    assert_string_equal(job->previous.series.data, "a");
    assert_true(job->previous.value == 1);
    assert_true(metric.has_id);
    assert_memory_equal(metric.id.bytes, id.bytes, METRIC_ID_BYTES);
    struct job *found = hands_get(hands, id);
    assert_int_equal(found->status, STATUS_OK);
    assert_same(&found->metrics[0], &metric);
    job_fixture_free(&found);
    job_fixture_free(&job);
    assert_int_equal(count_of(hands, "a"), 0);
    assert_int_equal(count_of(hands, "b"), 1);
}

static void update_and_delete_of_unknown_id_are_not_found(void **state)
{
    static const struct spec spec = { "a", "", 1, 1, NULL };
    struct metric_id id;
    assert_true(metric_id_parse(slice_of(ID_A), &id));
    assert_int_equal(hands_update(*state, id, &spec), STATUS_NOT_FOUND);
    assert_int_equal(hands_delete(*state, id), STATUS_NOT_FOUND);
    assert_int_equal(count_of(*state, "a"), 0);
}

static void delete_removes_and_tells_previous(void **state)
{
    struct hands *hands = *state;
    static const struct spec specs[] = { { "a", "x", 1, 1, NULL }, { "a", "x", 2, 2, ID_A } };
    struct metric_id ids[2];
    hands_insert(hands, specs, 2, ids);
    for (unsigned i = 0; i < 2; i++) {
        struct job *job = hands_job(OP_DELETE);
        job->id = ids[i];
        assert_int_equal(hands_run(hands, job), STATUS_OK);
        assert_true(job->has_previous);
        assert_true(job->previous.value == specs[i].value);
        job_fixture_free(&job);
        assert_int_equal(hands_delete(hands, ids[i]), STATUS_NOT_FOUND);
        assert_int_equal(count_of(hands, "a"), 1 - i);
    }
}

static void ids_of_deleted_metrics_are_not_given_again(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "a", "", 1, 1, NULL };
    struct metric_id ids[3], id;
    for (unsigned i = 0; i < 3; i++) {
        hands_insert(hands, &spec, 1, &ids[i]);
        assert_int_equal(hands_delete(hands, ids[i]), STATUS_OK);
        hands_reopen(hands);
    }
    hands_insert(hands, &spec, 1, &id);
    for (unsigned i = 0; i < 3; i++) {
        assert_memory_not_equal(ids[i].bytes, id.bytes, METRIC_ID_BYTES);
        assert_int_equal(hands_delete(hands, ids[i]), STATUS_NOT_FOUND);
    }
}

static void conditions_hold_changes_back(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "a", "", 1, 1, NULL };
    struct metric_id id;
    hands_insert(hands, &spec, 1, &id);
    struct job *found = hands_get(hands, id);
    uint64_t etag = metric_etag(&found->metrics[0]);
    job_fixture_free(&found);
    for (unsigned step = 0; step < 4; step++) {
        struct job *job = hands_job(step % 2 == 0 ? OP_UPDATE : OP_DELETE);
        struct metric metric = hands_metric(&spec, &job->arena);
        job->metrics = &metric;
        job->n_metrics = step % 2 == 0;
        job->id = id;
        job->if_match = true;
        job->n_if_match = 2;
        job->if_match_etags[0] = etag ^ 2;
        job->if_match_etags[1] = step < 2 ? etag ^ 1 : etag;
        assert_int_equal(hands_run(hands, job), step < 2 ? STATUS_PRECONDITION_FAILED : STATUS_OK);
        job_fixture_free(&job);
        assert_int_equal(count_of(hands, "a"), step < 3);
    }
}

static void condition_on_any_metric_holds_for_existing(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "a", "", 1, 1, NULL };
    struct metric_id id;
    hands_insert(hands, &spec, 1, &id);
    for (unsigned step = 0; step < 2; step++) {
        struct job *job = hands_job(OP_DELETE);
        job->id = id;
        job->if_match = true;
        assert_int_equal(hands_run(hands, job), step == 0 ? STATUS_OK : STATUS_NOT_FOUND);
        job_fixture_free(&job);
    }
}

/* A key's names end with its prefix, wherever tags begin. */
static void metrics_of_other_names_are_not_there(void **state)
{
    struct hands *hands = *state;
    static const struct spec specs[] = { { "a.b", "x", 1, 1, NULL }, { "a", ".b", 2, 2, NULL } };
    static const enum op ops[] = { OP_GET, OP_UPDATE, OP_DELETE };
    struct metric_id ids[2];
    hands_insert(hands, specs, 2, ids);
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned j = 0; j < N_CASES(ops); j++) {
            struct job *job = hands_job(ops[j]);
            job->access.prefix = SLICE("a.");
            job->id = ids[i];
            job->metrics = arena_alloc(&job->arena, sizeof(job->metrics[0]));
            job->metrics[0] = hands_metric(&specs[0], &job->arena);
            job->n_metrics = ops[j] == OP_UPDATE;
            assert_int_equal(hands_run(hands, job), i == 0 ? STATUS_OK : STATUS_NOT_FOUND);
            assert_int_equal(job->has_previous, i == 0 && ops[j] != OP_GET);
            job_fixture_free(&job);
        }
    }
    assert_int_equal(count_of(hands, "a.b"), 0);
    assert_int_equal(count_of(hands, "a"), 1);
}

int storage_contract_run(const struct storage_ops *ops, unsigned run_rows)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(insert_mints_id_and_get_finds_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_keeps_extremes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_keeps_longest_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(get_of_unknown_id_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_of_equal_metric_existed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_of_other_metric_conflicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_of_minted_id_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(insert_of_id_like_a_future_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch_with_equal_metrics_is_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch_with_conflicts_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conflict_names_a_hundred_items, set_up, tear_down),
        cmocka_unit_test_setup_teardown(group_does_its_jobs_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(update_replaces_and_tells_previous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(update_and_delete_of_unknown_id_are_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delete_removes_and_tells_previous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_of_deleted_metrics_are_not_given_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(conditions_hold_changes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(condition_on_any_metric_holds_for_existing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_of_other_names_are_not_there, set_up, tear_down),
    };
    suite_ops = ops;
    suite_run_rows = run_rows;
    return cmocka_run_group_tests_name("storage changes", tests, NULL, NULL);
}
