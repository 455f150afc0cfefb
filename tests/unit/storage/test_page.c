/* SPDX-License-Identifier: MIT */
#include "storage/sqlite/page.h"

#include <stdlib.h>

#include "suite.h"

/* The k-th of n places in an order that looks random, with ties in time. */
static struct place scattered(unsigned k, unsigned n)
{
    unsigned i = k * 7919 % n;
    return (struct place){ (int64_t)(i / 3) - 50, i + 1 };
}

static void page_keeps_the_best(bool ascending, unsigned n, unsigned capacity)
{
    static struct page page;
    page_init(&page, capacity, ascending);
    for (unsigned k = 0; k < n; k++)
        page_offer(&page, scattered(k, n));
    page_sort(&page);
    assert_int_equal(page.n, n < capacity ? n : capacity);
    for (unsigned i = 0; i < page.n; i++) {
        unsigned expected = ascending ? i : n - 1 - i;
        assert_int_equal(page.places[i].row, expected + 1);
        assert_int_equal(page.places[i].timestamp_ms, (int64_t)(expected / 3) - 50);
    }
}

static void offer_keeps_the_best_in_order(void **state)
{
    static const unsigned sizes[] = { 1, 2, 3, 7, 100, 1000, 1001, 5000 };
    for (unsigned i = 0; i < N_CASES(sizes); i++) {
        for (unsigned capacity = 1; capacity <= FILTER_LIMIT_MAX + 1; capacity += capacity < 5 ? 1 : 249) {
            page_keeps_the_best(true, sizes[i], capacity);
            page_keeps_the_best(false, sizes[i], capacity);
        }
    }
}

static void wants_tells_what_offer_does(void **state)
{
    static struct page page;
    page_init(&page, 2, false);
    assert_true(page_wants(&page, (struct place){ 5, 1 }));
    page_offer(&page, (struct place){ 5, 1 });
    page_offer(&page, (struct place){ 5, 3 });
    assert_false(page_wants(&page, (struct place){ 5, 1 }));
    assert_false(page_wants(&page, (struct place){ 4, 9 }));
    assert_true(page_wants(&page, (struct place){ 5, 2 }));
    assert_true(page_wants(&page, (struct place){ 6, 0 }));
}

static void join_counts_doubles_once(void **state)
{
    static struct page a, b, joined;
    for (unsigned ascending = 0; ascending < 2; ascending++) {
        page_init(&a, 4, ascending);
        page_init(&b, 4, ascending);
        for (unsigned i = 0; i < 4; i++) {
            page_offer(&a, (struct place){ 10, ascending ? i : 9 - i });     /* 0 1 2 3, or 9 8 7 6 */
            page_offer(&b, (struct place){ 10, ascending ? 2 + i : 7 - i }); /* 2 3 4 5, or 7 6 5 4 */
        }
        page_sort(&a);
        page_sort(&b);
        page_join(&a, &b, &joined);
        assert_int_equal(joined.n, 4);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(joined.places[i].row, ascending ? i : 9 - i);
        joined.n = 0;
        a.capacity = b.capacity = 6;
        page_join(&b, &a, &joined);
        assert_int_equal(joined.n, 6);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(joined.places[i].row, ascending ? i : 9 - i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offer_keeps_the_best_in_order),
        cmocka_unit_test(wants_tells_what_offer_does),
        cmocka_unit_test(join_counts_doubles_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
