/* SPDX-License-Identifier: MIT */
#include "storage/sqlite/tail.h"

#include "suite.h"

enum { RUN = 8 };

/* Appends and publishes n rows from `row` on, of one series. */
static void fill(struct tail *tail, uint64_t row, uint32_t n)
{
    assert_true(tail_reserve(tail, row, n));
    for (uint32_t i = 0; i < n; i++)
        tail_append(tail, row + i, 1, (int64_t)(row + i), 0.5);
    tail_publish(tail);
}

static uint64_t rows_in(const struct tail_view *view)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < view->n_runs; i++)
        n += view->n_rows[i];
    return n;
}

static uint64_t rows_seen(struct tail *tail)
{
    struct tail_view view;
    tail_pin(tail, 0, &view);
    uint64_t n = rows_in(&view);
    tail_unpin(&view);
    return n;
}

static void append_is_seen_only_when_published(void **state)
{
    struct tail tail;
    tail_init(&tail, RUN);
    assert_true(tail_reserve(&tail, 1, 2));
    tail_append(&tail, 1, 1, 1, 1);
    tail_append(&tail, 2, 1, 1, 1);
    assert_int_equal(rows_seen(&tail), 0);
    tail_publish(&tail);
    assert_int_equal(rows_seen(&tail), 2);
    assert_int_equal(tail_rows(&tail), 2);
    tail_fini(&tail);
}

static void rewind_drops_what_is_not_published(void **state)
{
    struct tail tail;
    tail_init(&tail, RUN);
    fill(&tail, 1, 3);
    assert_true(tail_reserve(&tail, 4, 4));
    for (uint64_t row = 4; row < 8; row++)
        tail_append(&tail, row, 1, 1, 1);
    tail_rewind(&tail, 6);
    tail_publish(&tail);
    assert_int_equal(rows_seen(&tail), 5);
    tail_rewind(&tail, 1);
    assert_int_equal(rows_seen(&tail), 5);
    fill(&tail, 6, 1);
    assert_int_equal(rows_seen(&tail), 6);
    tail_fini(&tail);
}

static void rows_that_are_left_out_are_holes(void **state)
{
    struct tail tail;
    struct tail_view view;
    tail_init(&tail, RUN);
    fill(&tail, 1, 1);
    fill(&tail, 5, 1);
    tail_pin(&tail, 0, &view);
    assert_int_equal(view.n_rows[0], 5);
    assert_int_equal(view.runs[0]->series[0], 1);
    assert_int_equal(view.runs[0]->series[2], 0);
    assert_int_equal(view.runs[0]->series[4], 1);
    assert_int_equal(view.runs[0]->timestamp_ms[4], 5);
    tail_unpin(&view);
    fill(&tail, 1000, 2); /* too far for the run: a new one begins */
    assert_int_equal(rows_seen(&tail), 7);
    tail_fini(&tail);
}

static void groups_larger_than_a_run_get_a_run_of_their_own(void **state)
{
    struct tail tail;
    tail_init(&tail, RUN);
    fill(&tail, 1, 5);
    fill(&tail, 6, 100);
    assert_int_equal(rows_seen(&tail), 105);
    assert_non_null(tail_oldest_sealed(&tail));
    tail_fini(&tail);
}

static void reserve_fails_until_the_oldest_run_is_retired(void **state)
{
    struct tail tail;
    tail_init(&tail, RUN);
    for (unsigned i = 0; i < TAIL_RUNS; i++)
        fill(&tail, 1 + i * RUN, RUN);
    assert_false(tail_reserve(&tail, 1 + TAIL_RUNS * RUN, 1));
    assert_false(tail_pinned(&tail));
    tail_retire(&tail);
    fill(&tail, 1 + TAIL_RUNS * RUN, 1);
    assert_int_equal(rows_seen(&tail), (TAIL_RUNS - 1) * RUN + 1);
    tail_fini(&tail);
}

static void pinned_run_outlives_its_retirement(void **state)
{
    struct tail tail;
    struct tail_view view;
    tail_init(&tail, RUN);
    for (unsigned i = 0; i < TAIL_RUNS; i++)
        fill(&tail, 1 + i * RUN, RUN);
    tail_pin(&tail, 3, &view);
    tail_retire(&tail);
    assert_true(tail_pinned(&tail));
    assert_false(tail_reserve(&tail, 1 + TAIL_RUNS * RUN, 1));
    assert_int_equal(rows_in(&view), TAIL_RUNS * RUN);
    assert_int_equal(view.runs[0]->first_row, 1);
    assert_int_equal(view.runs[0]->series[RUN - 1], 1);
    tail_unpin(&view);
    tail_unpin(&view);
    assert_true(tail_reserve(&tail, 1 + TAIL_RUNS * RUN, 1));
    assert_false(tail_pinned(&tail));
    tail_fini(&tail);
}

static void touch_marks_one_row(void **state)
{
    struct tail tail;
    struct tail_view view;
    tail_init(&tail, RUN);
    fill(&tail, 1, RUN);
    fill(&tail, 1 + RUN, 3);
    tail_touch(&tail, 2, 7);
    tail_touch(&tail, 3 + RUN, 8);
    tail_touch(&tail, 1000, 9);
    tail_pin(&tail, 0, &view);
    for (uint32_t i = 0; i < RUN; i++)
        assert_int_equal(tail_touched(view.runs[0], i), i == 1);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(tail_touched(view.runs[1], i), i == 2);
    tail_unpin(&view);
    tail_fini(&tail);
}

static void touch_notes_the_series_or_that_there_were_several(void **state)
{
    struct tail tail;
    struct tail_view view;
    tail_init(&tail, RUN);
    fill(&tail, 1, 3);
    tail_pin(&tail, 0, &view);
    tail_touch(&tail, 1, 7);
    tail_touch(&tail, 1, 7);
    tail_touch(&tail, 2, 7);
    tail_touch(&tail, 2, 8);
    tail_touch(&tail, 2, 7);
    assert_int_equal(view.runs[0]->touched[0], 7);
    assert_int_equal(view.runs[0]->touched[1], TAIL_ANY_SERIES);
    assert_int_equal(view.runs[0]->touched[2], 0);
    tail_unpin(&view);
    tail_fini(&tail);
}

/* A snapshot that begins after the change is still to be asked for it, whoever pinned before. */
static void touch_marks_a_row_of_a_retired_run_that_is_pinned(void **state)
{
    struct tail tail;
    struct tail_view view;
    tail_init(&tail, RUN);
    fill(&tail, 1, RUN);
    fill(&tail, 1 + RUN, 3);
    tail_sort(&tail);
    tail_pin(&tail, 0, &view);
    tail_retire(&tail);
    tail_touch(&tail, 2, 7);
    for (uint32_t i = 0; i < RUN; i++)
        assert_int_equal(tail_touched(view.runs[0], i), i == 1);
    tail_unpin(&view);
    tail_touch(&tail, 2, 7);
    assert_true(tail_reserve(&tail, 4 + RUN, RUN)); /* frees the run */
    tail_touch(&tail, 2, 7);
    tail_fini(&tail);
}

static void sort_orders_by_series_time_and_row(void **state)
{
    enum { N = 5000 };
    struct tail tail;
    tail_init(&tail, N);
    assert_true(tail_reserve(&tail, 1, N));
    for (uint32_t i = 0; i < N; i++)
        tail_append(&tail, 1 + i, i % 5 == 0 ? 3000000000U + i % 3 : i * 7919 % 97 * 50000, i * 31 % 17 - 8, 0);
    tail_publish(&tail);
    struct tail_run *run = tail_oldest_sealed(&tail);
    assert_non_null(run);
    assert_true(tail_unsorted(&tail));
    tail_sort(&tail);
    assert_false(tail_unsorted(&tail));
    for (uint32_t i = 1; i < N; i++) {
        uint32_t a = run->order[i - 1], b = run->order[i];
        assert_true(run->series[a] <= run->series[b]);
        if (run->series[a] != run->series[b])
            continue;
        assert_true(run->timestamp_ms[a] <= run->timestamp_ms[b]);
        assert_true(run->timestamp_ms[a] < run->timestamp_ms[b] || a < b);
    }
    tail_fini(&tail);
}

static void spans_hold_their_entries(void **state)
{
    enum { N = 3 * TAIL_SPAN_ROWS };
    struct tail tail;
    tail_init(&tail, N);
    assert_true(tail_reserve(&tail, 1, N));
    for (uint32_t i = 0; i < N - 1; i++)
        tail_append(&tail, 1 + i, 1, (int64_t)(i * 37 % N) - 100, 0);
    tail_publish(&tail);
    struct tail_view view;
    tail_pin(&tail, 0, &view);
    for (uint32_t i = 0; i < view.n_rows[0]; i++) {
        const struct tail_span *span = &view.runs[0]->spans[i / TAIL_SPAN_ROWS];
        assert_true(atomic_load(&span->min_ms) <= view.runs[0]->timestamp_ms[i]);
        assert_true(atomic_load(&span->max_ms) >= view.runs[0]->timestamp_ms[i]);
        assert_true(atomic_load(&span->min_ms) >= -100);
    }
    tail_unpin(&view);
    tail_fini(&tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_is_seen_only_when_published),
        cmocka_unit_test(rewind_drops_what_is_not_published),
        cmocka_unit_test(rows_that_are_left_out_are_holes),
        cmocka_unit_test(groups_larger_than_a_run_get_a_run_of_their_own),
        cmocka_unit_test(reserve_fails_until_the_oldest_run_is_retired),
        cmocka_unit_test(pinned_run_outlives_its_retirement),
        cmocka_unit_test(touch_marks_one_row),
        cmocka_unit_test(touch_notes_the_series_or_that_there_were_several),
        cmocka_unit_test(touch_marks_a_row_of_a_retired_run_that_is_pinned),
        cmocka_unit_test(sort_orders_by_series_time_and_row),
        cmocka_unit_test(spans_hold_their_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
