/* SPDX-License-Identifier: MIT */
/* random: splitmix64 by Sebastiano Vigna (public domain, https://prng.di.unimi.it/splitmix64.c), weights by binary
 * search in their running sums. */
#include "random.h"

#include <math.h>

uint64_t random_next(struct random *random)
{
    uint64_t mixed = random->state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

unsigned random_below(struct random *random, unsigned n)
{
    return (unsigned)(random_unit(random) * n);
}

unsigned random_weighted(struct random *random, const double sums[], unsigned n)
{
    double wanted = random_unit(random) * sums[n - 1];
    unsigned low = 0, high = n - 1;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (sums[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void zipf_sums(double sums[], unsigned n, double exponent)
{
    double sum = 0;
    for (unsigned rank = 1; rank <= n; rank++)
        sums[rank - 1] = sum += pow(rank, -exponent);
}
