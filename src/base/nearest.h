/* SPDX-License-Identifier: MIT */
/* nearest: whether one word may be a slip of the pen for another. */
#pragma once

/* How many letters must be added, dropped, changed or swapped with their neighbour to turn one word
 * into the other, without regard to case; NEAREST_FAR when a word is longer than that. */
enum { NEAREST_FAR = 64 };
unsigned nearest_distance(const char *a, const char *b);

/* Whether a distance is small enough, for a word of `len` letters, to suggest the other. */
static inline int nearest_is_close(unsigned distance, unsigned len)
{
    return distance <= 1 + len / 5;
}
