/* SPDX-License-Identifier: MIT */
/* prompt_golden: prompts and what they must come to, from tests/unit/query/prompt.golden; its head says how it is
 * written. */
#pragma once

#include "suite.h"

#include "query/prompt/prompt.h"

enum { GOLDEN_TEXTS_MAX = 64 };

/* One prompt of the file. */
struct golden {
    unsigned line;
    bool opens_group; /* the first prompt of its group */
    bool understood;  /* expected is a plan, else words of the refusal */
    struct slice expected, prompt;
    struct prompt_setting setting;
};

struct golden_file {
    char *bytes;
    size_t len, at;
    unsigned line;
    struct slice names[GOLDEN_TEXTS_MAX], tags[GOLDEN_TEXTS_MAX];
    uint32_t n_names, n_tags;
    struct zones *zones;
    struct catalogue *catalogue; /* made at the first prompt */
    struct golden next;
};

/* Reads the file; fails the test where that cannot be done. Frees what golden_open() made. */
void golden_open(struct golden_file *file);
void golden_close(struct golden_file *file);
/* Lends the next prompt until the file is closed; false at the end. */
bool golden_next(struct golden_file *file, struct golden *ret_golden);
