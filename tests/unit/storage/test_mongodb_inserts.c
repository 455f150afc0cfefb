/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/inserts.h"

#include <stdio.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

#define ID_A "0123456789abcdef01234567"
#define ID_B "fedcba9876543210fedcba98"

static void add_tells_twins_from_conflicts(void **state)
{
    static const struct spec specs[] = { { "a", "", 1, 1, ID_A }, { "a", "", 1, 1, NULL }, { "a", "", 1, 1, ID_A },
                                         { "a", "", 1, 2, ID_A }, { "b", "", 1, 1, ID_B } };
    static const enum insert_state expected[] = { INSERT_PENDING, INSERT_PENDING, INSERT_TWIN, INSERT_CONFLICT,
                                                  INSERT_PENDING };
    struct inserts inserts = { .n = 0 };
    struct job *job = hands_insert_job(specs, N_CASES(specs));
    assert_true(inserts_add(&inserts, job));
    assert_int_equal(inserts.n, N_CASES(specs));
    for (unsigned i = 0; i < N_CASES(specs); i++)
        assert_int_equal(inserts.items[i].state, expected[i]);
    assert_ptr_equal(inserts_find(&inserts, &job->metrics[2].id), &inserts.items[0]);
    inserts_fini(&inserts);
    job_fixture_free(&job);
}

static void meet_finds_ids_of_other_jobs(void **state)
{
    static const struct spec a = { "a", "", 1, 1, ID_A }, b = { "b", "", 1, 1, ID_B }, none = { "c", "", 1, 1, NULL };
    struct inserts inserts = { .n = 0 };
    struct job *first = hands_insert_job(&a, 1), *second = hands_insert_job(&b, 1), *third = hands_insert_job(&none, 1);
    assert_false(inserts_meet(&inserts, first));
    assert_true(inserts_add(&inserts, first));
    assert_true(inserts_meet(&inserts, first));
    assert_false(inserts_meet(&inserts, second));
    assert_false(inserts_meet(&inserts, third));
    inserts_clear(&inserts);
    assert_false(inserts_meet(&inserts, first));
    inserts_fini(&inserts);
    job_fixture_free(&first);
    job_fixture_free(&second);
    job_fixture_free(&third);
}

/* More ids than the first table holds, over several jobs, so that it grows while it is in use. */
static void find_holds_while_the_table_grows(void **state)
{
    enum { JOBS = 40, EACH = 50 };
    static struct spec specs[EACH];
    static char ids[JOBS][EACH][METRIC_ID_HEX + 1];
    struct job *jobs[JOBS];
    struct inserts inserts = { .n = 0 };
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < JOBS; i++) {
            for (unsigned k = 0; k < EACH; k++) {
                snprintf(ids[i][k], sizeof(ids[i][k]), "%024x", i * EACH + k);
                specs[k] = (struct spec){ "a", "", k, 1, ids[i][k] };
            }
            jobs[i] = hands_insert_job(specs, EACH);
            assert_true(inserts_add(&inserts, jobs[i]));
        }
        assert_int_equal(inserts.n_ids, JOBS * EACH);
        assert_true(inserts.n_slots >= 2 * inserts.n_ids);
        for (unsigned i = 0; i < JOBS * EACH; i++)
            assert_ptr_equal(inserts_find(&inserts, &inserts.items[i].metric->id), &inserts.items[i]);
        for (unsigned i = 0; i < JOBS; i++)
            job_fixture_free(&jobs[i]);
        inserts_clear(&inserts);
        assert_int_equal(inserts.n, 0);
    }
    inserts_fini(&inserts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_tells_twins_from_conflicts),
        cmocka_unit_test(meet_finds_ids_of_other_jobs),
        cmocka_unit_test(find_holds_while_the_table_grows),
    };
    return cmocka_run_group_tests_name("MongoDB inserts", tests, NULL, NULL);
}
