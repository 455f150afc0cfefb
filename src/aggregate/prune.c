/* SPDX-License-Identifier: MIT */
#include "prune.h"

#include <stdlib.h>

#include "tally_inside.h"

static bool plan_allows(const struct plan *plan)
{
    bool allows =
        plan->op == PLAN_TOP && plan->group_by != GROUP_NONE && plan->bucket.unit == UNIT_NONE && !plan->compare;
    for (unsigned i = 0; i < plan->n_measures; i++)
        allows =
            allows && (plan->measures[i].aggregate == AGGREGATE_COUNT || plan->measures[i].aggregate == AGGREGATE_RATE);
    return allows;
}

static int compare_counts(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The median of the groups' counts; 0 without memory. */
static uint64_t median_count(struct tally *tally)
{
    uint32_t n = tally->group_words.n;
    uint64_t *counts = pool_alloc(&tally->pool, n * sizeof(counts[0]));
    if (counts == NULL)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        counts[i] = tally->groups[i].n_metrics;
    qsort(counts, n, sizeof(counts[0]), compare_counts);
    uint64_t median = counts[n / 2] > 0 ? counts[n / 2] : 1;
    pool_free(&tally->pool, counts);
    return median;
}

/* Moves the groups with more than `taken` metrics to the front, with so many less. */
static bool keep_larger(struct tally *tally, uint64_t taken)
{
    struct words kept;
    words_init(&kept, &tally->pool);
    for (uint32_t i = 0; i < tally->group_words.n; i++) {
        struct group group = tally->groups[i];
        uint32_t number;
        if (group.n_metrics <= taken) {
            pool_free(&tally->pool, group.cells[0]);
            continue;
        }
        if (!words_put(&kept, tally->group_words.words[i].text, &number))
            return false;
        group.n_metrics -= taken;
        ((struct cell *)group.cells[0])->count -= taken;
        tally->groups[number] = group;
    }
    for (uint32_t i = kept.n; i < tally->group_words.n; i++)
        tally->groups[i] = (struct group){ 0 };
    words_clear(&tally->group_words);
    tally->group_words = kept;
    return true;
}

bool prune_if_full(struct tally *tally)
{
    if (tally->group_words.n < GROUPS_EXACT || !plan_allows(tally->plan))
        return true;
    uint64_t median = median_count(tally);
    if (median == 0 || !keep_larger(tally, median))
        return tally_fail_pool(tally);
    tally->dropped += median;
    return tally_forget_members(tally);
}
