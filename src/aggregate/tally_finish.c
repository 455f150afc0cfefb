/* SPDX-License-Identifier: MIT */
/* tally_finish: the groups in the order of the answer, then each number of it. Groups are ranked by their
 * cells of all buckets merged into one, buckets by the one group's cells. */
#include "tally_inside.h"

#include <math.h>
#include <stdlib.h>

static const struct slice too_large =
    SLICE("The answer takes more memory than AGGREGATE_MAX_BYTES: narrow the name, the tags or the range, ask for "
          "longer buckets, or for the top few");
static const struct slice too_many_groups = SLICE(
    "There are too many groups of about the same size to tell the largest: narrow the name, the tags or the range");

/* One group or bucket on its way into the answer. */
struct place {
    uint32_t number;
    double key; /* the first measure */
    struct slice text;
};

struct answer {
    struct tally *tally;
    struct arena *arena;
    struct result *result;
    int64_t from_ms[TURNS], to_ms[TURNS]; /* ranges, open ends closed */
    struct place *groups;                 /* in the pool */
    struct place *buckets;                /* when they are ranked, else NULL */
};

/* Order ------------------------------------------------------------------- */

static int by_text(const void *left, const void *right)
{
    return slice_compare(((const struct place *)left)->text, ((const struct place *)right)->text);
}

/* No number stands behind any number. Among equals, buckets have no text and stand as they are numbered. */
static int by_key(const struct place *a, const struct place *b, double sign)
{
    if (isnan(a->key) != isnan(b->key))
        return isnan(a->key) - isnan(b->key);
    double left = sign * a->key, right = sign * b->key;
    if (left < right || left > right)
        return left < right ? -1 : 1;
    int order = slice_compare(a->text, b->text);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static int greatest_first(const void *left, const void *right)
{
    return by_key(left, right, -1);
}

static int least_first(const void *left, const void *right)
{
    return by_key(left, right, 1);
}

/* Puts the places in the plan's order and returns how many it keeps. */
static uint32_t rank(const struct plan *plan, struct place places[], uint32_t n)
{
    if (n > 0)
        qsort(places, n, sizeof(places[0]), plan->op == PLAN_TOP ? greatest_first : least_first);
    return n < plan->k ? n : plan->k;
}

/* Numbers ----------------------------------------------------------------- */

static void close_range(struct answer *answer, unsigned index)
{
    const struct turn *turn = &answer->tally->turns[index];
    struct cut cut = tally_cut(answer->tally, turn, turn->first_ms, turn->last_ms);
    answer->from_ms[index] = cut.from_ms;
    answer->to_ms[index] = cut.to_ms;
}

/* How long a bucket is inside its range; 0 where nothing bounds it but one single metric. */
static uint64_t span_of(const struct answer *answer, unsigned index, uint32_t bucket, bool all)
{
    const struct turn *turn = &answer->tally->turns[index];
    int64_t from_ms = answer->from_ms[index], to_ms = answer->to_ms[index];
    const int64_t *edges = turn->buckets.edges;
    if (turn->from_ms == INT64_MIN && turn->to_ms == INT64_MAX && to_ms - from_ms <= 1 && (all || edges == NULL))
        return 0;
    if (!all && edges != NULL) {
        from_ms = edges[bucket] > from_ms ? edges[bucket] : from_ms;
        to_ms = edges[bucket + 1] < to_ms ? edges[bucket + 1] : to_ms;
    }
    return to_ms > from_ms ? (uint64_t)to_ms - (uint64_t)from_ms : 0;
}

static double number_of(const struct answer *answer, unsigned index, uint32_t group, uint32_t bucket, unsigned measure)
{
    struct tally *tally = answer->tally;
    char *cells = group < tally->group_words.n ? tally->groups[group].cells[index] : NULL;
    bool there = bucket < tally->turns[index].buckets.n;
    struct cell *cell = cells != NULL && there ? tally_cell(tally, cells, bucket) : NULL;
    if (cell != NULL && cell_is_approximate(&tally->form, cell))
        answer->result->approximate = true;
    return cell_measure(&tally->form, cell, &tally->plan->measures[measure],
                        there ? span_of(answer, index, bucket, false) : 0);
}

/* The first measure of a group over all buckets. False when the pool is exhausted. */
static bool total_of(struct answer *answer, uint32_t group, double *ret_key)
{
    struct tally *tally = answer->tally;
    const struct form *form = &tally->form;
    struct cell *total = pool_alloc(&tally->pool, form->bytes);
    bool done = total != NULL;
    for (uint32_t i = 0; done && i < tally->turns[0].buckets.n; i++)
        done = cell_merge(form, total, &tally->pool, tally_cell(tally, tally->groups[group].cells[0], i));
    if (!done)
        return tally_fail_pool(tally);
    *ret_key = cell_measure(form, total, &tally->plan->measures[0], span_of(answer, 0, 0, true));
    cell_clear(form, total, &tally->pool);
    pool_free(&tally->pool, total);
    return true;
}

/* Places ------------------------------------------------------------------ */

/* All groups with metrics, by their texts; without grouping the one that stands for all. */
static bool list_groups(struct answer *answer)
{
    struct tally *tally = answer->tally;
    uint32_t n = 0, n_words = tally->group_words.n;
    answer->groups = pool_alloc(&tally->pool, (n_words + 1) * sizeof(answer->groups[0]));
    if (answer->groups == NULL)
        return tally_fail_pool(tally);
    if (tally->plan->group_by == GROUP_NONE)
        n = 1;
    else
        for (uint32_t i = 0; i < n_words; i++)
            if (tally->groups[i].n_metrics > 0)
                answer->groups[n++] = (struct place){ .number = i, .text = tally->group_words.words[i].text };
    if (n > 1)
        qsort(answer->groups, n, sizeof(answer->groups[0]), by_text);
    answer->result->n_groups = n;
    answer->result->n_groups_all = n;
    return true;
}

static bool rank_groups(struct answer *answer)
{
    struct result *result = answer->result;
    for (uint32_t i = 0; i < result->n_groups; i++)
        if (!total_of(answer, answer->groups[i].number, &answer->groups[i].key))
            return false;
    result->n_groups = rank(answer->tally->plan, answer->groups, result->n_groups);
    return true;
}

/* Buckets that have a number, in the plan's order. */
static bool rank_buckets(struct answer *answer)
{
    struct tally *tally = answer->tally;
    uint32_t n = 0, n_all = tally->turns[0].buckets.n;
    answer->buckets = pool_alloc(&tally->pool, (n_all + 1) * sizeof(answer->buckets[0]));
    if (answer->buckets == NULL)
        return tally_fail_pool(tally);
    for (uint32_t i = 0; i < n_all; i++) {
        answer->buckets[n] = (struct place){ .number = i, .key = number_of(answer, 0, 0, i, 0) };
        n += isnan(answer->buckets[n].key) ? 0 : 1;
    }
    answer->result->n_buckets = rank(tally->plan, answer->buckets, n);
    return true;
}

static bool make_places(struct answer *answer)
{
    const struct plan *plan = answer->tally->plan;
    answer->result->n_buckets = answer->tally->turns[0].buckets.n;
    if (!list_groups(answer))
        return false;
    if (plan->op == PLAN_AGGREGATE)
        return true;
    if (plan->group_by != GROUP_NONE)
        return rank_groups(answer);
    return answer->tally->turns[0].buckets.edges == NULL || rank_buckets(answer);
}

/* When groups were dropped to make room: whether what was taken from each is within 1 % of it. */
static bool check_dropped(struct answer *answer)
{
    struct tally *tally = answer->tally;
    for (uint32_t i = 0; tally->dropped > 0 && i < answer->result->n_groups; i++)
        if (tally->groups[answer->groups[i].number].n_metrics / 100 < tally->dropped)
            return tally_fail(tally, STATUS_QUERY_TOO_LARGE, too_many_groups);
    answer->result->approximate |= tally->dropped > 0;
    return true;
}

/* The result --------------------------------------------------------------- */

static bool has_room(struct answer *answer)
{
    const struct result *result = answer->result;
    struct tally *tally = answer->tally;
    size_t row = (size_t)result->n_buckets * tally->plan->n_measures * tally->n_turns * sizeof(double);
    size_t limit = tally->pool.max_bytes / (result->n_groups == 0 ? 1 : result->n_groups);
    if (row <= limit && pool_has_room(&tally->pool, row * result->n_groups, 1))
        return true;
    return tally_fail(tally, STATUS_QUERY_TOO_LARGE, too_large);
}

static bool fill_texts(struct answer *answer)
{
    struct result *result = answer->result;
    if (answer->tally->plan->group_by == GROUP_NONE)
        return true;
    result->groups = arena_alloc(answer->arena, result->n_groups * sizeof(result->groups[0]));
    bool done = result->groups != NULL;
    for (uint32_t i = 0; done && i < result->n_groups; i++) {
        result->groups[i] = arena_copy(answer->arena, answer->groups[i].text);
        done = result->groups[i].data != NULL;
    }
    return done;
}

static bool fill_edges(struct answer *answer)
{
    struct result *result = answer->result;
    const int64_t *edges = answer->tally->turns[0].buckets.edges;
    if (edges == NULL)
        return true;
    if (answer->buckets == NULL) {
        result->edges = arena_alloc(answer->arena, (result->n_buckets + 1) * sizeof(result->edges[0]));
        if (result->edges != NULL)
            memcpy(result->edges, edges, (result->n_buckets + 1) * sizeof(edges[0]));
        return result->edges != NULL;
    }
    result->spans = arena_alloc(answer->arena, result->n_buckets * sizeof(result->spans[0]));
    for (uint32_t i = 0; result->spans != NULL && i < result->n_buckets; i++) {
        result->spans[i][0] = edges[answer->buckets[i].number];
        result->spans[i][1] = edges[answer->buckets[i].number + 1];
    }
    return result->spans != NULL;
}

static bool fill_numbers(struct answer *answer, unsigned index, double **ret_values)
{
    const struct result *result = answer->result;
    unsigned n_measures = answer->tally->plan->n_measures;
    double *values =
        arena_alloc(answer->arena, (size_t)result->n_groups * result->n_buckets * n_measures * sizeof(values[0]));
    if (values == NULL)
        return false;
    *ret_values = values;
    for (uint32_t g = 0; g < result->n_groups; g++) {
        for (uint32_t b = 0; b < result->n_buckets; b++) {
            uint32_t bucket = answer->buckets == NULL ? b : answer->buckets[b].number;
            for (unsigned m = 0; m < n_measures; m++)
                *values++ = number_of(answer, index, answer->groups[g].number, bucket, m);
        }
    }
    return true;
}

static bool fill_result(struct answer *answer)
{
    struct result *result = answer->result;
    const struct tally *tally = answer->tally;
    result->from_ms = answer->from_ms[0];
    result->to_ms = answer->to_ms[0];
    result->n_metrics = tally->turns[0].n_metrics;
    if (fill_texts(answer) && fill_edges(answer) && fill_numbers(answer, 0, &result->values) &&
        (tally->n_turns == 1 || fill_numbers(answer, 1, &result->previous)))
        return true;
    return tally_fail(answer->tally, STATUS_OUT_OF_MEMORY, (struct slice){ NULL, 0 });
}

static bool work_out(struct answer *answer)
{
    *answer->result = (struct result){ 0 };
    for (unsigned i = 0; i < answer->tally->n_turns; i++)
        close_range(answer, i);
    return make_places(answer) && check_dropped(answer) && has_room(answer) && fill_result(answer);
}

enum status tally_finish(struct tally *tally, struct arena *arena, struct result **ret_result, struct slice *ret_detail)
{
    struct answer answer = { .tally = tally, .arena = arena };
    answer.result = arena_alloc(arena, sizeof(*answer.result));
    if (answer.result == NULL)
        tally_fail(tally, STATUS_OUT_OF_MEMORY, (struct slice){ NULL, 0 });
    else if (tally->status == STATUS_OK && work_out(&answer))
        *ret_result = answer.result;
    *ret_detail = tally->detail;
    return tally->status;
}
