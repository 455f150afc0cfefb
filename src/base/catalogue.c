/* SPDX-License-Identifier: MIT */
/* catalogue: one heap block: the header, the slices of the names, those of the tags, then their bytes; the two
 * indexes have a block each. What exceeds a bound is left out from the end of the order: tags before names. */
#include <telemetry/catalogue.h>

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <telemetry/clock.h>

#include "base/catalogue_index.h"

struct block {
    struct catalogue catalogue; /* first: the block is found from it */
    atomic_uint n_references;
    struct slice slices[]; /* names, then tags */
};

/* Texts that are taken, the first ones of sorted, distinct ones. */
struct share {
    uint32_t n;
    size_t bytes;
};

/* Making ------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Returns how many are left. */
static uint32_t sort_distinct(struct slice slices[], uint32_t n)
{
    uint32_t n_distinct = 0;
    if (n > 0)
        qsort(slices, n, sizeof(slices[0]), by_text);
    for (uint32_t i = 0; i < n; i++)
        if (n_distinct == 0 || !slice_equal(slices[n_distinct - 1], slices[i]))
            slices[n_distinct++] = slices[i];
    return n_distinct;
}

static struct share share_of(const struct slice slices[], uint32_t n, size_t bytes_max)
{
    struct share share = { 0, 0 };
    while (share.n < n && share.n < CATALOGUE_TEXTS_MAX && slices[share.n].len <= bytes_max - share.bytes)
        share.bytes += slices[share.n++].len;
    return share;
}

/* Copies texts to *bytes and moves it behind them. */
static void copy(struct slice to[], const struct slice from[], uint32_t n, char **bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        if (from[i].len > 0)
            memcpy(*bytes, from[i].data, from[i].len);
        to[i] = (struct slice){ *bytes, from[i].len };
        *bytes += from[i].len;
    }
}

static void block_free(struct block *block)
{
    catalogue_index_fini(&block->catalogue.name_index);
    catalogue_index_fini(&block->catalogue.tag_index);
    free(block);
}

/* Returns the catalogue, or frees it and returns NULL when there is no memory. */
static struct catalogue *index_texts(struct catalogue *catalogue)
{
    if (catalogue_index_init(&catalogue->name_index, catalogue->names, catalogue->n_names) &&
        catalogue_index_init(&catalogue->tag_index, catalogue->tags, catalogue->n_tags))
        return catalogue;
    block_free((struct block *)catalogue);
    return NULL;
}

struct catalogue *catalogue_new(struct slice names[], uint32_t n_names, struct slice tags[], uint32_t n_tags,
                                bool complete, uint64_t version)
{
    uint32_t n_distinct_names = sort_distinct(names, n_names), n_distinct_tags = sort_distinct(tags, n_tags);
    struct share of_names = share_of(names, n_distinct_names, CATALOGUE_BYTES_MAX);
    struct share of_tags = share_of(tags, n_distinct_tags, CATALOGUE_BYTES_MAX - of_names.bytes);
    size_t n_slices = (size_t)of_names.n + of_tags.n;
    struct block *block = malloc(sizeof(*block) + n_slices * sizeof(struct slice) + of_names.bytes + of_tags.bytes);
    if (block == NULL)
        return NULL;
    char *bytes = (char *)(block->slices + n_slices);
    copy(block->slices, names, of_names.n, &bytes);
    copy(block->slices + of_names.n, tags, of_tags.n, &bytes);
    block->catalogue =
        (struct catalogue){ .n_names = of_names.n,
                            .n_tags = of_tags.n,
                            .names = block->slices,
                            .tags = block->slices + of_names.n,
                            .complete = complete && of_names.n == n_distinct_names && of_tags.n == n_distinct_tags,
                            .version = version,
                            .made_ns = clock_ns() };
    atomic_init(&block->n_references, 1);
    return index_texts(&block->catalogue);
}

/* References --------------------------------------------------------------- */

struct catalogue *catalogue_share(struct catalogue *catalogue)
{
    struct block *block = (struct block *)catalogue;
    unsigned before = atomic_fetch_add_explicit(&block->n_references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return catalogue;
}

void catalogue_release(struct catalogue **catalogue)
{
    struct block *block = (struct block *)*catalogue;
    *catalogue = NULL;
    if (block == NULL)
        return;
    /* whoever frees it sees all that the others did with it */
    unsigned before = atomic_fetch_sub_explicit(&block->n_references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        block_free(block);
}

/* Looking up --------------------------------------------------------------- */

static bool has(const struct slice slices[], uint32_t n, struct slice text)
{
    uint32_t first = 0, end = n;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        int order = slice_compare(slices[middle], text);
        if (order == 0)
            return true;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return false;
}

bool catalogue_has_name(const struct catalogue *catalogue, struct slice name)
{
    return has(catalogue->names, catalogue->n_names, name);
}

bool catalogue_has_tag(const struct catalogue *catalogue, struct slice tag)
{
    return has(catalogue->tags, catalogue->n_tags, tag);
}
