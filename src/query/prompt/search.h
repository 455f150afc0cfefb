/* SPDX-License-Identifier: MIT */
/* search: texts of a catalogue's index by the words in them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/catalogue.h>

enum {
    SEARCH_PARTS_MAX = 16,
    SEARCH_FOUND_MAX = 8,
    SEARCH_LOOK_MAX = 256 /* texts that are looked at; who names a rarer word needs no more */
};

/* Parts that a text must hold in this order: "cpu", "utilization". */
struct query {
    unsigned n;
    struct slice parts[SEARCH_PARTS_MAX]; /* in lower case */
    bool glued[SEARCH_PARTS_MAX];         /* right behind the part before it */
};

struct found {
    uint32_t n;                       /* texts that hold the parts */
    bool incomplete;                  /* there may be more */
    uint32_t texts[SEARCH_FOUND_MAX]; /* the first of them */
    uint32_t n_whole, whole;          /* texts that hold nothing else, and one of them */
    bool shares_prefix;               /* each of all n begins with the prefix */
    struct slice prefix;              /* of the first text: its bytes until behind the last part and the mark there */
};

/* Adds the parts of a word. False when there are too many. */
bool query_add(struct query *query, struct slice word, bool glued);
/* Finds them; the texts are what the index was made of. */
void search(const struct catalogue_index *index, const struct slice texts[], const struct query *query,
            struct found *ret_found);
/* Whether any text holds them. */
bool search_any(const struct catalogue_index *index, const struct query *query);
/* The text that is this one, but for letters' case; false when there is none or several and none in this very case. */
bool search_text(const struct catalogue_index *index, const struct slice texts[], struct slice text,
                 uint32_t *ret_text);
/* Whether any text begins so, but for letters' case; lends one that does. */
bool search_prefix(const struct catalogue_index *index, const struct slice texts[], struct slice prefix,
                   struct slice *ret_text);
/* The tags "kind:value" of this value, but for letters' case: how many there are (of those looked at), and the first
 * ones. */
unsigned search_value(const struct catalogue_index *index, const struct slice tags[], struct slice value,
                      uint32_t ret_tags[SEARCH_FOUND_MAX]);
