/* SPDX-License-Identifier: MIT */
/* Questions take rows of the tail from the tail and all others from the index, and know where in time each of them lie.
 */
#include <telemetry/storage.h>

#include "job_fixture.h"
#include "storage/sqlite/rows.h"
#include "storage_hands.h"
#include "storage_questions.h"
#include "suite.h"

enum { RUN_ROWS = 8192, CHUNK = 100, LOOSE = 4 };
_Static_assert(ZONE_ROWS == 1024, "the numbers of the answers go with it");

static int set_up(void **state)
{
    *state = hands_new(&storage_sqlite, RUN_ROWS);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

static void check(struct hands *hands, const struct plan_words *words, const char *answer)
{
    char text[256];
    assert_string_equal(questions_ask(hands, words, text, sizeof(text)), answer);
}

/* The index has it from then on, earlier than anything that the tail was told. */
static void row_of_the_tail_that_moved_back_counts_once(void **state)
{
    static const struct spec specs[] = { { "a", "x", 1000, 1, NULL },
                                         { "a", "x", 2000, 2, NULL },
                                         { "a", "x", 3000, 3, NULL } };
    struct metric_id ids[N_CASES(specs)];
    hands_insert(*state, specs, N_CASES(specs), ids);
    check(*state, &(struct plan_words){ .group = "tag" }, "x 3");
    assert_int_equal(hands_update(*state, ids[1], &(struct spec){ "a", "x", 500, 20, NULL }), STATUS_OK);
    check(*state, &(struct plan_words){ .group = "tag" }, "x 3");
    check(*state, &(struct plan_words){ .from_ms = 0, .to_ms = 1000 }, "1");
    check(*state, &(struct plan_words){ .measures = "sum" }, "24");
}

static void insert_in_order(struct hands *hands, unsigned n)
{
    struct spec specs[CHUNK];
    for (unsigned first = 0; first < n; first += CHUNK) {
        unsigned n_specs = n - first < CHUNK ? n - first : CHUNK;
        for (unsigned i = 0; i < n_specs; i++)
            specs[i] = (struct spec){ "a", "x", first + i, 1, NULL };
        hands_insert(hands, specs, n_specs, NULL);
    }
}

/* They are in the index and in no zone, and newer than every zone. */
static void rows_behind_the_last_zone_count_beside_a_tail(void **state)
{
    unsigned n = ZONE_ROWS + LOOSE;
    insert_in_order(*state, n);
    hands_reopen(*state);
    hands_insert(*state, &(struct spec){ "a", "x", 0, 1, NULL }, 1, NULL);
    check(*state, &(struct plan_words){ .measures = "count" }, "1029");
    check(*state, &(struct plan_words){ .measures = "sum", .from_ms = ZONE_ROWS, .to_ms = 2 * ZONE_ROWS }, "4");
}

/* A late metric lies among those of the index, and the index ends before the tail does. */
static void late_rows_count_once(void **state)
{
    insert_in_order(*state, 2 * ZONE_ROWS);
    hands_reopen(*state);
    hands_insert(*state, &(struct spec){ "a", "x", 10, 1, NULL }, 1, NULL);
    hands_insert(*state, &(struct spec){ "a", "x", 3 * ZONE_ROWS, 1, NULL }, 1, NULL);
    check(*state, &(struct plan_words){ .measures = "count" }, "2050");
    check(*state, &(struct plan_words){ .measures = "sum" }, "2050");
    check(*state, &(struct plan_words){ .from_ms = 2 * ZONE_ROWS - 1, .to_ms = 4 * ZONE_ROWS }, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(row_of_the_tail_that_moved_back_counts_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_behind_the_last_zone_count_beside_a_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late_rows_count_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
