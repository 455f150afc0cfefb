/* SPDX-License-Identifier: MIT */
/* filter: one form for each question. The canonical bytes put every text behind its length and every
 * number in eight bytes, most significant first, so no two filters share them. */
#include "query/filters.h"

#include <math.h>

enum { CANONICAL_BYTES = 256 }; /* most filters; longer ones grow */

void filter_init(struct filter *filter)
{
    *filter = (struct filter){
        .limit = FILTER_LIMIT_DEFAULT, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .min = -INFINITY, .max = INFINITY
    };
}

static const char *filter_check(const struct filter *filter)
{
    if (filter->name.len > METRIC_NAME_MAX)
        return "the name is longer than a metric's name can be";
    if (filter->n_tags > FILTER_TAGS_MAX || filter->n_any_tags > FILTER_TAGS_MAX ||
        filter->n_not_tags > FILTER_TAGS_MAX)
        return "there are more tags than a metric can have";
    if (filter->from_ms >= filter->to_ms)
        return "`from` must be before `to`";
    if (isnan(filter->min) || isnan(filter->max))
        return "`min` and `max` must be numbers";
    if (filter->min > filter->max)
        return "`min` must not be above `max`";
    if (filter->limit < 1 || filter->limit > FILTER_LIMIT_MAX)
        return "`limit` must be 1 to 1000";
    return NULL;
}
_Static_assert(FILTER_LIMIT_MAX == 1000, "the sentence about `limit` names it");

static uint8_t tags_normalise(struct slice tags[], uint8_t n_tags)
{
    return (uint8_t)slices_sort_distinct(tags, n_tags);
}

const char *filter_normalise(struct filter *filter)
{
    const char *wrong = filter_check(filter);
    if (wrong != NULL)
        return wrong;
    filter->n_tags = tags_normalise(filter->tags, filter->n_tags);
    filter->n_any_tags = tags_normalise(filter->any_tags, filter->n_any_tags);
    filter->n_not_tags = tags_normalise(filter->not_tags, filter->n_not_tags);
    filter->name_is_prefix = filter->name_is_prefix && filter->name.len > 0;
    filter->min += 0.0; /* -0.0 becomes 0.0 */
    filter->max += 0.0;
    return NULL;
}

static void put_u64(struct text *text, uint64_t number)
{
    char *place = text_reserve(text, sizeof(number));
    if (place == NULL)
        return;
    for (unsigned i = 0; i < sizeof(number); i++)
        place[i] = (char)(uint8_t)(number >> (56 - 8 * i));
    text_advance(text, sizeof(number));
}

static void put_double(struct text *text, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    put_u64(text, bits);
}

static void put_slice(struct text *text, struct slice slice)
{
    put_u64(text, slice.len);
    text_append(text, slice.data, slice.len);
}

static void put_tags(struct text *text, const struct slice tags[], unsigned n_tags)
{
    put_u64(text, n_tags);
    for (unsigned i = 0; i < n_tags; i++)
        put_slice(text, tags[i]);
}

static void put_paging(struct text *text, const struct filter *filter)
{
    put_u64(text, filter->limit);
    put_u64(text, (filter->ascending ? 1 : 0) | (filter->has_after ? 2 : 0));
    if (!filter->has_after)
        return;
    put_u64(text, (uint64_t)filter->after.timestamp_ms);
    text_append(text, (const char *)filter->after.tie, sizeof(filter->after.tie));
}

/* An answer holds a cursor, so it too depends on how the range was written. */
static void put_moving(struct text *text, const struct filter *filter)
{
    if (filter->from_moves || filter->to_moves)
        put_u64(text, (filter->from_moves ? 1 : 0) | (filter->to_moves ? 2 : 0));
}

struct slice filter_canonical(const struct filter *filter, bool paging, struct arena *arena)
{
    struct text text = text_in(arena, CANONICAL_BYTES);
    bool from_counts = paging || !filter->from_moves, to_counts = paging || !filter->to_moves;
    put_u64(&text, filter->name_is_prefix);
    put_slice(&text, filter->name);
    put_tags(&text, filter->tags, filter->n_tags);
    put_tags(&text, filter->any_tags, filter->n_any_tags);
    put_tags(&text, filter->not_tags, filter->n_not_tags);
    put_u64(&text, from_counts ? (uint64_t)filter->from_ms : 0);
    put_u64(&text, to_counts ? (uint64_t)filter->to_ms : 0);
    put_double(&text, filter->min);
    put_double(&text, filter->max);
    put_moving(&text, filter);
    if (paging)
        put_paging(&text, filter);
    return text.failed ? (struct slice){ NULL, 0 } : text_slice(&text);
}
