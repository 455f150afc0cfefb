/* SPDX-License-Identifier: MIT */
/* plan_canonical: fixed fields in eight bytes each, texts behind their lengths, the filter's own canonical bytes at
 * the end. */
#include "query/plan_own.h"

#include "query/filters.h"

enum { CANONICAL_BYTES = 512 }; /* most plans; longer ones grow */

static void put_u64(struct text *text, uint64_t number)
{
    char bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(uint8_t)(number >> (56 - 8 * i));
    text_append(text, bytes, sizeof(bytes));
}

static void put_slice(struct text *text, struct slice slice)
{
    put_u64(text, slice.len);
    text_append(text, slice.data, slice.len);
}

static void put_measures(struct text *text, const struct plan *plan)
{
    put_u64(text, plan->n_measures);
    for (unsigned i = 0; i < plan->n_measures; i++)
        put_u64(text, (uint64_t)plan->measures[i].aggregate << 32 | plan->measures[i].hundredths);
}

struct slice plan_canonical(const struct plan *plan, struct arena *arena)
{
    struct text text = text_in(arena, CANONICAL_BYTES);
    struct slice filter = filter_canonical(&plan->filter, false, arena);
    put_u64(&text, (uint64_t)plan->op << 32 | (uint64_t)plan->group_by << 16 | plan->bucket.unit);
    put_u64(&text, (uint64_t)plan->trend << 8 | plan->compare);
    put_u64(&text, plan->k);
    put_u64(&text, plan->bucket.count);
    put_u64(&text, (uint64_t)plan->compare_from_ms);
    put_u64(&text, (uint64_t)plan->compare_to_ms);
    put_measures(&text, plan);
    put_slice(&text, plan->tag_prefix);
    put_slice(&text, zone_name(plan->zone));
    text_append(&text, filter.data, filter.len);
    return text.failed || filter.data == NULL ? (struct slice){ NULL, 0 } : text_slice(&text);
}
