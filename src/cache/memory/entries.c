/* SPDX-License-Identifier: MIT */
#include "cache/memory/entries.h"

#include <stdlib.h>

enum { BUCKETS_MIN = 64, HEAP_ALIGNMENT = 16, HEAP_OVERHEAD = 8 };

int entries_init(struct entries *entries)
{
    *entries = (struct entries){ .n_buckets = BUCKETS_MIN, .capacity = BUCKETS_MIN, .low_mask = BUCKETS_MIN - 1 };
    entries->buckets = calloc(BUCKETS_MIN, sizeof(*entries->buckets));
    entries->bytes = BUCKETS_MIN * sizeof(*entries->buckets);
    return entries->buckets == NULL ? -1 : 0;
}

void entries_fini(struct entries *entries)
{
    struct entry *entry = entries->newest;
    while (entry != NULL) {
        struct entry *older = entry->older;
        free(entry);
        entry = older;
    }
    free(entries->buckets);
    entries->buckets = NULL;
}

size_t entry_bytes(size_t text_bytes)
{
    size_t bytes = sizeof(struct entry) + text_bytes + HEAP_OVERHEAD;
    return (bytes + HEAP_ALIGNMENT - 1) / HEAP_ALIGNMENT * HEAP_ALIGNMENT;
}

static size_t bytes_of(const struct entry *entry)
{
    return entry_bytes(entry->key_bytes + entry->body_bytes + entry->cursor_bytes);
}

/* Buckets from n_buckets on are not split off yet: their entries are in the bucket without the top bit. */
static struct entry **bucket_of(const struct entries *entries, uint64_t hash)
{
    size_t bucket = hash & (2 * entries->low_mask + 1);
    return &entries->buckets[bucket < entries->n_buckets ? bucket : bucket & entries->low_mask];
}

struct entry *entries_find(const struct entries *entries, uint64_t hash, struct slice key)
{
    struct entry *entry = *bucket_of(entries, hash);
    while (entry != NULL && !(entry->hash == hash && slice_equal((struct slice){ entry->text, entry->key_bytes }, key)))
        entry = entry->bucket_next;
    return entry;
}

/* Without memory the table stays as it is and its chains get longer. */
static bool make_capacity(struct entries *entries)
{
    if (entries->n_buckets < entries->capacity)
        return true;
    struct entry **buckets = realloc(entries->buckets, 2 * entries->capacity * sizeof(*buckets));
    if (buckets == NULL)
        return false;
    entries->bytes += entries->capacity * sizeof(*buckets);
    entries->buckets = buckets;
    entries->capacity *= 2;
    return true;
}

/* Adds one bucket and moves to it what belongs there from the bucket it splits. */
static void split_one(struct entries *entries)
{
    if (!make_capacity(entries))
        return;
    size_t added = entries->n_buckets++;
    entries->buckets[added] = NULL;
    struct entry **link = &entries->buckets[added & entries->low_mask];
    while (*link != NULL) {
        struct entry *entry = *link;
        if ((entry->hash & (2 * entries->low_mask + 1)) != added) {
            link = &entry->bucket_next;
            continue;
        }
        *link = entry->bucket_next;
        entry->bucket_next = entries->buckets[added];
        entries->buckets[added] = entry;
    }
    if (entries->n_buckets == 2 * (entries->low_mask + 1))
        entries->low_mask = 2 * entries->low_mask + 1;
}

static void use_link(struct entries *entries, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = entries->newest;
    if (entries->newest != NULL)
        entries->newest->newer = entry;
    else
        entries->oldest = entry;
    entries->newest = entry;
}

static void use_unlink(struct entries *entries, struct entry *entry)
{
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        entries->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        entries->oldest = entry->newer;
}

void entries_add(struct entries *entries, struct entry **entry)
{
    struct entry *added = *entry;
    *entry = NULL;
    struct entry **bucket = bucket_of(entries, added->hash);
    added->bucket_next = *bucket;
    *bucket = added;
    use_link(entries, added);
    entries->bytes += bytes_of(added);
    if (++entries->n > entries->n_buckets)
        split_one(entries);
}

void entries_touch(struct entries *entries, struct entry *entry)
{
    if (entries->newest == entry)
        return;
    use_unlink(entries, entry);
    use_link(entries, entry);
}

void entries_drop(struct entries *entries, struct entry **entry)
{
    struct entry *dropped = *entry;
    *entry = NULL;
    struct entry **link = bucket_of(entries, dropped->hash);
    while (*link != dropped)
        link = &(*link)->bucket_next;
    *link = dropped->bucket_next;
    use_unlink(entries, dropped);
    entries->bytes -= bytes_of(dropped);
    entries->n--;
    free(dropped);
}
