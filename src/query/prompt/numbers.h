/* SPDX-License-Identifier: MIT */
/* numbers: digits of a prompt as numbers. */
#pragma once

#include "query/prompt/words.h"

/* Reads "5", "-3", "1,000", "99.9", "1e6", "90%", "1st", "95th": sets number, ordinal and whole of *word. False
 * for anything else. */
bool number_read(struct slice text, struct word *word);

/* The digits of a text as a number of at most `digits_max` digits; false for anything else. */
bool number_digits(struct slice text, unsigned digits_max, int *ret_number);
