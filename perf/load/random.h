/* SPDX-License-Identifier: MIT */
/* random: a fixed sequence of numbers for each seed (splitmix64), and choices made with it. */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state; /* any number is a seed */
};

uint64_t random_next(struct random *random);

/* 0 <= number < 1 */
double random_unit(struct random *random);

/* 0 <= number < n; n is above 0 */
unsigned random_below(struct random *random, unsigned n);

/* An index into n rising sums of weights, as likely as its weight is large. Borrows them. */
unsigned random_weighted(struct random *random, const double sums[], unsigned n);

/* Fills sums[0..n) for a Zipf choice: rank k, from 1, weighs 1 / k^exponent. Exponent 0 is uniform. */
void zipf_sums(double sums[], unsigned n, double exponent);
