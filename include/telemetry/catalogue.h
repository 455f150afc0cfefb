/* SPDX-License-Identifier: MIT */
/* catalogue: the names and tags that a store knows, as they were at one moment.
 *
 * A catalogue never changes once it is made. Jobs, workers and backends hold references to it; the last one
 * frees it, on whatever thread that is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

enum {
    CATALOGUE_BYTES_MAX = 16 * 1024 * 1024, /* of all texts; what comes later is left out */
    CATALOGUE_TEXTS_MAX = 256 * 1024        /* of names, and of tags */
};

struct catalogue {
    uint32_t n_names, n_tags;
    const struct slice *names, *tags; /* sorted by slice_compare(), without doubles */
    bool complete;                    /* false: some were left out */
    uint64_t version;                 /* of the store's names and tags, as storage_ops.catalogue_version() counts */
    uint64_t made_ns;                 /* clock_ns() */
};

/* Gives a catalogue with one reference, of names and tags in any order, doubles allowed; their bytes are
 * copied. Sorts both in place. NULL without memory. */
MUST_CHECK struct catalogue *catalogue_new(struct slice names[], uint32_t n_names, struct slice tags[], uint32_t n_tags,
                                           bool complete, uint64_t version);
/* Another reference to the same. */
struct catalogue *catalogue_share(struct catalogue *catalogue);
/* Lets go of one; nulls *catalogue. NULL inside is allowed. */
void catalogue_release(struct catalogue **catalogue);
/* Whether it has this name; this tag. */
bool catalogue_has_name(const struct catalogue *catalogue, struct slice name);
bool catalogue_has_tag(const struct catalogue *catalogue, struct slice tag);
