/* SPDX-License-Identifier: MIT */
/* words: a prompt cut into words.
 *
 * Quotes ("..", '..', `..`, curly ones) keep what is between them as it is written: a name or a tag. Other
 * words are in lower case (ASCII), without the marks behind them and without a possessive 's. "24h" is two
 * words, so is ">90"; "1,000" is one number. Commas, brackets and other marks between words only separate. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>

enum { WORDS_MAX = 160, WORDS_BYTES_MAX = 1024 };

enum word_kind {
    WORD_PLAIN,
    WORD_QUOTED,
    WORD_NUMBER, /* digits, with a sign, a fraction or an ordinal's ending */
    WORD_SYMBOL  /* no letter and no digit in it */
};

struct word {
    struct slice raw;  /* in the prompt, quotes included */
    struct slice text; /* in struct words, except of quoted ones: in the prompt */
    uint8_t kind;      /* enum word_kind */
    bool after_comma;  /* a comma stands before it */
    bool ordinal;      /* NUMBER: "95th" */
    bool whole;        /* NUMBER: digits alone */
    double number;     /* NUMBER */
};

struct words {
    unsigned n;
    struct word at[WORDS_MAX];
    char lower[WORDS_BYTES_MAX];
};

/* Cuts a prompt, which must outlive *ret_words. NULL, or a static sentence that says why it is no prompt. */
const char *words_cut(struct slice prompt, struct words *ret_words);
