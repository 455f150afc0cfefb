/* SPDX-License-Identifier: MIT */
/* entries: kept answers, by key and by last use.
 *
 * The table is a linear hash: each insertion adds at most one bucket and splits one other, so it
 * grows without ever moving all entries at once. `bytes` counts entries, their heap overhead and the
 * buckets. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

/* One heap block: the head, then key, body and next_cursor. */
struct entry {
    struct entry *bucket_next;
    struct entry *newer, *older;
    uint64_t hash;
    uint64_t generation;
    uint64_t read_ns;
    uint64_t etag;
    size_t key_bytes, body_bytes, cursor_bytes;
    uint16_t http;
    uint8_t media;
    bool has_etag;
    char text[];
};

struct entries {
    struct entry **buckets;
    size_t n_buckets, capacity; /* in use; allocated */
    size_t low_mask;            /* of the largest power of two that is not above n_buckets */
    size_t n;
    size_t bytes;
    struct entry *newest, *oldest; /* by last use */
};

/* -1 without memory. */
MUST_CHECK int entries_init(struct entries *entries);
void entries_fini(struct entries *entries);

/* What an entry with so many bytes of text counts. */
size_t entry_bytes(size_t text_bytes);

/* The entry of the key, or NULL. */
struct entry *entries_find(const struct entries *entries, uint64_t hash, struct slice key);

/* Adds an entry, heap-allocated with hash, sizes and text set, as the newest. Takes *entry. */
void entries_add(struct entries *entries, struct entry **entry);

/* Makes an entry the newest. */
void entries_touch(struct entries *entries, struct entry *entry);

/* Removes and frees an entry. Takes *entry. */
void entries_drop(struct entries *entries, struct entry **entry);
