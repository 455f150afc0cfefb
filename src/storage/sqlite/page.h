/* SPDX-License-Identifier: MIT */
/* page: the best so many metrics of a list, whatever order they are found in. Pure.
 *
 * A heap whose top is the last of the page, so that one comparison tells whether a candidate comes
 * into it. The order is by timestamp, then row; a row is offered to one page once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/filter.h>

/* Where a metric stands in a list. */
struct place {
    int64_t timestamp_ms;
    uint64_t row;
};

struct page {
    bool ascending;
    uint32_t n, capacity;
    struct place places[FILTER_LIMIT_MAX + 1];
};

/* capacity: 1..FILTER_LIMIT_MAX + 1. */
void page_init(struct page *page, uint32_t capacity, bool ascending);

/* Whether a comes before b in a list of that order. */
static inline bool place_before(struct place a, struct place b, bool ascending)
{
    bool less = a.timestamp_ms < b.timestamp_ms || (a.timestamp_ms == b.timestamp_ms && a.row < b.row);
    bool same = a.timestamp_ms == b.timestamp_ms && a.row == b.row;
    return ascending ? less : !less && !same;
}

/* Whether the page would change by this candidate. */
static inline bool page_wants(const struct page *page, struct place place)
{
    return page->n < page->capacity || place_before(place, page->places[0], page->ascending);
}

/* Takes the candidate, if it is wanted. */
void page_offer(struct page *page, struct place place);

/* Puts the places in list order; nothing can be offered afterwards. */
void page_sort(struct page *page);

/* Both sorted: makes the best of both in ret_page, which is sorted; a place in both counts once. */
void page_join(const struct page *a, const struct page *b, struct page *ret_page);
