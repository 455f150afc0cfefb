/* SPDX-License-Identifier: MIT */
/* The embedded store's catalogue is exact: a name or tag that an answered write brought is in the next one, unless it
 * is a large one. */
#include <stdio.h>

#include <telemetry/catalogue.h>
#include <telemetry/storage.h>

#include "job_fixture.h"
#include "storage/sqlite/catalogue.h"
#include "storage_hands.h"
#include "suite.h"

static int set_up(void **state)
{
    *state = hands_new(&storage_sqlite, 8);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

/* Gives a reference to the catalogue that the reader hands out now. */
static struct catalogue *read_catalogue(struct hands *hands)
{
    struct job *job = hands_job(OP_CATALOGUE);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_non_null(job->catalogue);
    struct catalogue *catalogue = catalogue_share(job->catalogue);
    job_fixture_free(&job);
    return catalogue;
}

static uint64_t version_of(const struct hands *hands)
{
    return hands->ops->catalogue_version(hands->storage);
}

static void catalogue_of_nothing_is_empty_and_complete(void **state)
{
    struct catalogue *catalogue = read_catalogue(*state);
    assert_int_equal(catalogue->n_names, 0);
    assert_int_equal(catalogue->n_tags, 0);
    assert_true(catalogue->complete);
    catalogue_release(&catalogue);
}

static void catalogue_has_each_name_and_tag_once(void **state)
{
    struct hands *hands = *state;
    static const struct spec specs[] = {
        { "cpu", "host:a zone:1", 1, 1, NULL }, { "cpu", "host:b", 1, 1, NULL }, { "cpu", "", 1, 1, NULL },
        { "cpu.user", "host:a", 1, 1, NULL },   { "cp", "host:a", 1, 1, NULL },  { "\xc3\xa9", "\xc3\xa9", 1, 1, NULL }
    };
    static const char *const names[] = { "cp", "cpu", "cpu.user", "\xc3\xa9" };
    static const char *const tags[] = { "host:a", "host:b", "zone:1", "\xc3\xa9" };
    hands_insert(hands, specs, N_CASES(specs), NULL);
    struct catalogue *catalogue = read_catalogue(hands);
    assert_int_equal(catalogue->n_names, N_CASES(names));
    assert_int_equal(catalogue->n_tags, N_CASES(tags));
    for (unsigned i = 0; i < N_CASES(names); i++)
        assert_true(slice_equal(catalogue->names[i], slice_of(names[i])));
    for (unsigned i = 0; i < N_CASES(tags); i++)
        assert_true(slice_equal(catalogue->tags[i], slice_of(tags[i])));
    assert_true(catalogue->complete);
    assert_true(catalogue->version == version_of(hands));
    catalogue_release(&catalogue);
}

/* Also when an update brings it; not when nothing new comes. */
static void catalogue_moves_with_what_is_new(void **state)
{
    struct hands *hands = *state;
    struct spec spec = { "first", "a", 1, 1, NULL };
    struct metric_id id;
    hands_insert(hands, &spec, 1, &id);
    uint64_t version = version_of(hands);
    struct catalogue *before = read_catalogue(hands), *same;
    hands_insert(hands, &spec, 1, NULL);
    assert_true(version_of(hands) == version);
    same = read_catalogue(hands);
    assert_ptr_equal(same, before);
    catalogue_release(&same);
    spec.tags = "b";
    assert_int_equal(hands_update(hands, id, &spec), STATUS_OK);
    assert_true(version_of(hands) != version);
    struct catalogue *after = read_catalogue(hands);
    assert_false(catalogue_has_tag(before, SLICE("b")));
    assert_true(catalogue_has_tag(after, SLICE("b")));
    assert_true(after->version == version_of(hands));
    catalogue_release(&after);
    catalogue_release(&before);
}

static void version_does_not_come_again_after_reopening(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "first", "a", 1, 1, NULL };
    hands_insert(hands, &spec, 1, NULL);
    uint64_t version = version_of(hands);
    hands_reopen(hands);
    assert_true(version_of(hands) != version);
    struct catalogue *catalogue = read_catalogue(hands);
    assert_true(catalogue_has_name(catalogue, SLICE("first")));
    catalogue_release(&catalogue);
}

static void names_stay_when_their_metrics_go(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "gone", "", 1, 1, NULL };
    struct metric_id id;
    hands_insert(hands, &spec, 1, &id);
    assert_int_equal(hands_delete(hands, id), STATUS_OK);
    struct catalogue *catalogue = read_catalogue(hands);
    assert_true(catalogue_has_name(catalogue, SLICE("gone")));
    catalogue_release(&catalogue);
}

static void large_catalogue_stands_for_a_time(void **state)
{
    struct hands *hands = *state;
    enum { N = 1000, BATCHES = CATALOGUE_EXACT_MAX / N + 1 };
    static struct spec specs[N];
    static char names[N][16];
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        for (unsigned i = 0; i < N; i++) {
            snprintf(names[i], sizeof(names[i]), "name.%u", batch * N + i);
            specs[i] = (struct spec){ names[i], "", 1, 1, NULL };
        }
        hands_insert(hands, specs, N, NULL);
    }
    struct catalogue *before = read_catalogue(hands);
    uint64_t rest_ns = (uint64_t)before->n_names * CATALOGUE_REST_NS;
    specs[0].name = "new";
    hands_insert(hands, specs, 1, NULL);
    bool is_there = false;
    while (!is_there) {
        struct catalogue *now = read_catalogue(hands);
        is_there = catalogue_has_name(now, SLICE("new"));
        assert_true(is_there ? now->made_ns - before->made_ns >= rest_ns : now == before);
        catalogue_release(&now);
    }
    catalogue_release(&before);
}

static void many_names_are_all_there(void **state)
{
    struct hands *hands = *state;
    enum { N = 3000 };
    static struct spec specs[N];
    static char names[N][16];
    for (unsigned i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "name.%u", i);
        specs[i] = (struct spec){ names[i], names[i], 1, 1, NULL };
    }
    hands_insert(hands, specs, N, NULL);
    struct catalogue *catalogue = read_catalogue(hands);
    assert_int_equal(catalogue->n_names, N);
    assert_int_equal(catalogue->n_tags, N);
    for (unsigned i = 0; i < N; i++)
        assert_true(catalogue_has_name(catalogue, slice_of(names[i])) &&
                    catalogue_has_tag(catalogue, slice_of(names[i])));
    catalogue_release(&catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(catalogue_of_nothing_is_empty_and_complete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_has_each_name_and_tag_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catalogue_moves_with_what_is_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_does_not_come_again_after_reopening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_stay_when_their_metrics_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_catalogue_stands_for_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_names_are_all_there, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("sqlite catalogue", tests, NULL, NULL);
}
