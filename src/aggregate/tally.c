/* SPDX-License-Identifier: MIT */
#include "tally_inside.h"

#include <stdlib.h>

static const struct slice too_large = SLICE("The groups and buckets of this question take more memory than "
                                            "AGGREGATE_MAX_BYTES: narrow the name, the tags or the range, or ask for "
                                            "longer buckets");
static const struct slice too_many_buckets =
    SLICE("The range has too many buckets of this length: narrow the range or ask for longer buckets");

bool tally_fail(struct tally *tally, enum status status, struct slice detail)
{
    if (tally->status == STATUS_OK) {
        tally->status = status;
        tally->detail = detail;
    }
    return false;
}

bool tally_fail_pool(struct tally *tally)
{
    struct slice none = { NULL, 0 };
    return tally_fail(tally, tally->pool.status, tally->pool.status == STATUS_QUERY_TOO_LARGE ? too_large : none);
}

struct tally *tally_new(const struct plan *plan, size_t max_bytes)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    if (tally == NULL)
        return NULL;
    tally->plan = plan;
    tally->bucket = plan->bucket;
    tally->n_turns = plan->compare ? 2 : 1;
    pool_init(&tally->pool, max_bytes);
    form_init(&tally->form, plan);
    arena_init(&tally->arena, tally->arena_block, sizeof(tally->arena_block));
    words_init(&tally->group_words, &tally->pool);
    words_init(&tally->series_words, &tally->pool);
    return tally;
}

void tally_free(struct tally **tally)
{
    struct tally *self = *tally;
    *tally = NULL;
    pool_fini(&self->pool);
    arena_reset(&self->arena);
    free(self);
}

unsigned tally_needs(const struct tally *tally)
{
    return tally->form.needs;
}

bool tally_needs_series(const struct tally *tally)
{
    return tally->plan->group_by != GROUP_NONE || (tally->form.needs & (TALLY_NAMES | TALLY_TAGS)) != 0;
}

uint32_t tally_epoch(const struct tally *tally)
{
    return tally->epoch;
}

/* Range and buckets ------------------------------------------------------- */

struct cut tally_cut(const struct tally *tally, const struct turn *turn, int64_t first_ms, int64_t last_ms)
{
    struct cut cut = { tally->plan->zone, turn->from_ms, turn->to_ms };
    bool none = first_ms > last_ms;
    if (cut.from_ms == INT64_MIN)
        cut.from_ms = !none ? first_ms : cut.to_ms == INT64_MAX ? 0 : cut.to_ms;
    if (cut.to_ms == INT64_MAX)
        cut.to_ms = none ? cut.from_ms : last_ms + 1;
    return cut;
}

static bool make_buckets(struct tally *tally, struct turn *turn, int64_t first_ms, int64_t last_ms)
{
    struct cut cut = tally_cut(tally, turn, first_ms, last_ms);
    enum status status = buckets_make(&turn->buckets, &cut, &tally->bucket, &tally->arena);
    struct slice none = { NULL, 0 };
    return status == STATUS_OK || tally_fail(tally, status, status == STATUS_QUERY_TOO_LARGE ? too_many_buckets : none);
}

static bool begin_turn(struct tally *tally, struct turn *turn)
{
    *turn = (struct turn){ .first_ms = INT64_MAX, .last_ms = INT64_MIN };
    turn->from_ms = tally->n_begun == 1 ? tally->plan->filter.from_ms : tally->plan->compare_from_ms;
    turn->to_ms = tally->n_begun == 1 ? tally->plan->filter.to_ms : tally->plan->compare_to_ms;
    buckets_none(&turn->buckets);
    if (!tally_forget_members(tally))
        return false;
    if (tally->plan->bucket.unit == UNIT_NONE)
        return true;
    turn->wants_extent = turn->from_ms == INT64_MIN || turn->to_ms == INT64_MAX;
    return turn->wants_extent || make_buckets(tally, turn, turn->first_ms, turn->last_ms);
}

bool tally_turn(struct tally *tally, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    if (tally->status != STATUS_OK || tally->n_begun == tally->n_turns)
        return false;
    tally->n_begun++;
    struct turn *turn = tally_now(tally);
    if (!begin_turn(tally, turn))
        return false;
    *ret_from_ms = turn->from_ms;
    *ret_to_ms = turn->to_ms;
    return true;
}

bool tally_wants_extent(const struct tally *tally)
{
    return tally->turns[tally->n_begun - 1].wants_extent;
}

bool tally_extent(struct tally *tally, int64_t first_ms, int64_t last_ms)
{
    struct turn *turn = tally_now(tally);
    turn->wants_extent = false;
    return make_buckets(tally, turn, first_ms, last_ms);
}

uint32_t tally_edges(const struct tally *tally, const int64_t **ret_edges)
{
    const struct buckets *buckets = &tally->turns[tally->n_begun - 1].buckets;
    *ret_edges = buckets->edges;
    return buckets->edges == NULL ? 0 : buckets->n;
}
