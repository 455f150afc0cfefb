/* SPDX-License-Identifier: MIT */
/* tally_add: a group has its cells of a turn in one block, made when the first metric falls into it. */
#include "tally_inside.h"

void tally_seen(struct tally *tally, uint64_t n, int64_t first_ms, int64_t last_ms)
{
    struct turn *turn = tally_now(tally);
    if (n == 0)
        return;
    turn->n_metrics += n;
    turn->first_ms = first_ms < turn->first_ms ? first_ms : turn->first_ms;
    turn->last_ms = last_ms > turn->last_ms ? last_ms : turn->last_ms;
}

/* The cell of a group and bucket, or NULL when the pool is exhausted. */
static struct cell *cell_at(struct tally *tally, struct group *group, uint32_t bucket)
{
    char **cells = &group->cells[tally->n_begun - 1];
    if (*cells == NULL)
        *cells = pool_alloc(&tally->pool, (size_t)tally_now(tally)->buckets.n * tally->form.bytes);
    return *cells == NULL ? NULL : tally_cell(tally, *cells, bucket);
}

static bool add_to_group(struct tally *tally, uint32_t handle, uint32_t number, const struct sample *sample,
                         uint32_t bucket)
{
    struct group *group = &tally->groups[number];
    struct cell *cell = cell_at(tally, group, bucket);
    if (cell == NULL || !cell_add(&tally->form, cell, &tally->pool, sample))
        return tally_fail_pool(tally);
    group->n_metrics += tally->n_begun == 1;
    if ((tally->form.needs & (TALLY_NAMES | TALLY_TAGS)) == 0)
        return true;
    return cell_note(&tally->form, cell, &tally->pool, handle, tally->series_words.words[handle].text) ||
           tally_fail_pool(tally);
}

bool tally_add(struct tally *tally, uint32_t handle, const struct sample *sample)
{
    const struct member *member = &tally->members[handle];
    const struct buckets *buckets = &tally_now(tally)->buckets;
    if (tally->status != STATUS_OK)
        return false;
    if (buckets->n == 0) /* came after the extent was measured and there was nothing */
        return true;
    tally_seen(tally, 1, sample->timestamp_ms, sample->timestamp_ms);
    if (member->n_groups == 0)
        return true;
    uint32_t bucket = buckets_find(buckets, sample->timestamp_ms);
    if (member->groups == NULL)
        return add_to_group(tally, handle, member->group, sample, bucket);
    for (uint32_t i = 0; i < member->n_groups; i++)
        if (!add_to_group(tally, handle, member->groups[i], sample, bucket))
            return false;
    return true;
}

static bool merge_into_group(struct tally *tally, uint32_t handle, uint32_t number, uint32_t bucket,
                             const struct moments *moments)
{
    struct group *group = &tally->groups[number];
    struct cell *cell = cell_at(tally, group, bucket);
    if (cell == NULL)
        return tally_fail_pool(tally);
    cell_add_moments(&tally->form, cell, moments);
    group->n_metrics += tally->n_begun == 1 ? moments->count : 0;
    if ((tally->form.needs & (TALLY_NAMES | TALLY_TAGS)) == 0)
        return true;
    return cell_note(&tally->form, cell, &tally->pool, handle, tally->series_words.words[handle].text) ||
           tally_fail_pool(tally);
}

bool tally_merge(struct tally *tally, uint32_t handle, int64_t timestamp_ms, const struct moments *moments)
{
    const struct member *member = &tally->members[handle];
    const struct buckets *buckets = &tally_now(tally)->buckets;
    if (tally->status != STATUS_OK)
        return false;
    if (buckets->n == 0)
        return true;
    uint32_t bucket = buckets_find(buckets, timestamp_ms);
    for (uint32_t i = 0; moments->count > 0 && i < member->n_groups; i++) {
        uint32_t group = member->groups == NULL ? member->group : member->groups[i];
        if (!merge_into_group(tally, handle, group, bucket, moments))
            return false;
    }
    return true;
}
