/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <stdlib.h>

void page_init(struct page *page, uint32_t capacity, bool ascending)
{
    page->ascending = ascending;
    page->n = 0;
    page->capacity = capacity;
}

/* The later of two places stands nearer to the top. */
static bool above(const struct page *page, uint32_t a, uint32_t b)
{
    return place_before(page->places[b], page->places[a], page->ascending);
}

static void swap(struct page *page, uint32_t a, uint32_t b)
{
    struct place place = page->places[a];
    page->places[a] = page->places[b];
    page->places[b] = place;
}

static void rise(struct page *page, uint32_t at)
{
    while (at > 0 && above(page, at, (at - 1) / 2)) {
        swap(page, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sink(struct page *page, uint32_t at)
{
    for (;;) {
        uint32_t top = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < page->n; child++)
            top = above(page, child, top) ? child : top;
        if (top == at)
            return;
        swap(page, at, top);
        at = top;
    }
}

void page_offer(struct page *page, struct place place)
{
    if (page->n < page->capacity) {
        page->places[page->n] = place;
        rise(page, page->n++);
    } else if (place_before(place, page->places[0], page->ascending)) {
        page->places[0] = place;
        sink(page, 0);
    }
}

static int compare_ascending(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return place_before(*a, *b, true) ? -1 : place_before(*b, *a, true);
}

static int compare_descending(const void *left, const void *right)
{
    return compare_ascending(right, left);
}

void page_sort(struct page *page)
{
    qsort(page->places, page->n, sizeof(page->places[0]), page->ascending ? compare_ascending : compare_descending);
}

void page_join(const struct page *a, const struct page *b, struct page *ret_page)
{
    uint32_t i = 0, j = 0;
    page_init(ret_page, a->capacity, a->ascending);
    while (ret_page->n < ret_page->capacity && (i < a->n || j < b->n)) {
        bool take_a = j == b->n || (i < a->n && !place_before(b->places[j], a->places[i], a->ascending));
        struct place place = take_a ? a->places[i] : b->places[j];
        ret_page->places[ret_page->n++] = place;
        i += i < a->n && a->places[i].row == place.row && a->places[i].timestamp_ms == place.timestamp_ms;
        j += j < b->n && b->places[j].row == place.row && b->places[j].timestamp_ms == place.timestamp_ms;
    }
}
