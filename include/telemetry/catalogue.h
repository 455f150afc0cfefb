/* SPDX-License-Identifier: MIT */
/* catalogue: the names and tags that a store knows, as they were at one moment.
 *
 * A catalogue never changes once it is made. An index finds its texts by the words in them: what people say of
 * `awscloudwatch.ec2_cpu_utilization` is "cpu utilization". Jobs, workers and backends hold references to it; the last
 * one frees it, on whatever thread that is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

enum {
    CATALOGUE_BYTES_MAX = 16 * 1024 * 1024, /* of all texts; what comes later is left out */
    CATALOGUE_TEXTS_MAX = 256 * 1024,       /* of names, and of tags */
    CATALOGUE_EXACT_MAX = 16 * 1024         /* names and tags; a store need not read more of them for each new one */
};

/* A run of letters and digits that stands in texts; those are refs[first..first + n) of its index. */
struct catalogue_term {
    struct slice text; /* in lower case */
    uint32_t first, n;
};

struct catalogue_index {
    uint32_t n, n_terms;
    const struct slice *keys; /* of each text: in lower case, a blank for each ASCII mark; as long as the text */
    const uint32_t *by_key;   /* numbers of the texts in the order of their keys */
    const struct catalogue_term *terms; /* distinct, sorted by slice_compare() */
    const uint32_t *refs;               /* numbers of texts, ascending within a term */
};

struct catalogue {
    uint32_t n_names, n_tags;
    const struct slice *names, *tags; /* sorted by slice_compare(), without doubles */
    struct catalogue_index name_index, tag_index;
    bool complete;    /* false: some were left out */
    uint64_t version; /* of the store's names and tags, as storage_ops.catalogue_version() counts */
    uint64_t made_ns; /* clock_ns() */
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
/* The first place in by_key whose key is not before this one: n when there is none. */
uint32_t catalogue_key_place(const struct catalogue_index *index, struct slice key);
/* The first place in terms that is not before this text, in lower case: n_terms when there is none. */
uint32_t catalogue_term_place(const struct catalogue_index *index, struct slice text);
/* Lends the term of this text, in lower case; NULL when no text has it. */
const struct catalogue_term *catalogue_term_find(const struct catalogue_index *index, struct slice text);
