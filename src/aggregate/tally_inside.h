/* SPDX-License-Identifier: MIT */
/* tally_inside: what the files of a tally share. */
#pragma once

#include <telemetry/arena.h>

#include "buckets.h"
#include "cell.h"
#include "pool.h"
#include "tally.h"
#include "words.h"

enum {
    TURNS = 2,
    GROUPS_EXACT = 128 * 1024 /* a TOP of counts keeps so many groups before it drops some (prune.h) */
};

/* The range of one turn and what was seen in it. */
struct turn {
    int64_t from_ms, to_ms; /* as the plan has them; open ends as in the filter */
    bool wants_extent;
    struct buckets buckets;
    uint64_t n_metrics;
    int64_t first_ms, last_ms; /* of them */
};

struct group {
    uint64_t n_metrics; /* of the first turn; a group without any is not in the result */
    char *cells[TURNS]; /* buckets.n cells end to end, or NULL */
};

/* The groups to which the metrics of a handle belong. */
struct member {
    uint32_t n_groups;
    uint32_t group;   /* when there is one */
    uint32_t *groups; /* when there are more */
};

struct tally {
    const struct plan *plan;
    struct pool pool;
    struct form form;
    struct arena arena;        /* of the edges */
    struct plan_bucket bucket; /* no longer AUTO when the first turn has its buckets: both turns' are of one length */
    enum status status;        /* other than OK: why it failed */
    struct slice detail;
    unsigned n_turns, n_begun;
    struct turn turns[TURNS];
    uint32_t epoch;
    uint64_t dropped;         /* at most so many metrics of a group are not counted */
    struct words group_words; /* word i is the text of groups[i] */
    struct group *groups;
    uint32_t groups_capacity;
    struct words series_words; /* and the member of handle i is members[i] */
    struct member *members;
    uint32_t members_capacity;
    _Alignas(16) char arena_block[512];
};

/* The turn under way. */
static inline struct turn *tally_now(struct tally *tally)
{
    return &tally->turns[tally->n_begun - 1];
}

static inline struct cell *tally_cell(const struct tally *tally, char *cells, uint32_t bucket)
{
    return (struct cell *)(cells + (size_t)bucket * tally->form.bytes);
}

/* What the turn cuts into buckets: its range, with open ends closed by the first and the last metric. first > last:
 * there is none, and a range with an open end is empty, at its other end. */
struct cut tally_cut(const struct tally *tally, const struct turn *turn, int64_t first_ms, int64_t last_ms);

/* Notes the first failure; false. */
bool tally_fail(struct tally *tally, enum status status, struct slice detail);
/* Notes that the pool failed; false. */
bool tally_fail_pool(struct tally *tally);
/* Forgets all handles. */
bool tally_forget_members(struct tally *tally);
