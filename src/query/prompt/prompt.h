/* SPDX-License-Identifier: MIT */
/* prompt: a question in words becomes a plan, by a deterministic grammar.
 *
 * Normalise, cut into words, match the longest entry of a closed lexicon at each place, fill slots (rank,
 * aggregate, subject, name, tags, values, group, bucket, range, compare, zone), each at most once, and
 * settle the plan. Same words, same catalogue, same clock: same plan bytes. Words that nothing knows are listed, never
 * guessed; what they could change is refused (grammar.c). docs/query.md, "Words", has the slots, the fixed meanings and
 * the rule of confidence. Pure but for zones, which belong to the thread; all that is given lies in the arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/catalogue.h>
#include <telemetry/plan.h>

enum { PROMPT_BYTES_MAX = 1024, PROMPT_UNKNOWN_MAX = 16, PROMPT_SUGGESTIONS = 3 };

struct prompt_setting {
    const struct catalogue *catalogue; /* names and tags that the store knows */
    struct zones *zones;               /* for `in <zone>` */
    const struct zone *zone;           /* what the wall clock means, unless the prompt says */
    int64_t now_ms;
};

struct prompt_reading {
    bool understood;
    struct plan plan;   /* settled; when understood */
    double confidence;  /* 0..1: 1 when each word had its place and each name was written out */
    unsigned n_unknown; /* words that nothing knows */
    struct slice unknown[PROMPT_UNKNOWN_MAX];
    struct slice detail;        /* when not understood: one sentence that says what was, and what was not */
    struct slice understood_as; /* the same in short for the part that was understood: "top 5, today" */
    unsigned n_suggestions;
    struct slice suggestions[PROMPT_SUGGESTIONS]; /* when not understood: prompts that would work here */
};

/* Reads a prompt, UTF-8 of any length. False only when the arena is exhausted. */
bool prompt_read(struct slice prompt, const struct prompt_setting *setting, struct arena *arena,
                 struct prompt_reading *ret_reading);
