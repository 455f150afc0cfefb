/* SPDX-License-Identifier: MIT */
/* pow10: powers of ten in 128 bits, as number.c needs them. Any thread. */
#pragma once

#include <stdint.h>

enum { POW10_MIN = -292, POW10_MAX = 324 };

struct pow10 {
    uint64_t high, low;
};

/* floor(log2(10^k)). */
static inline int pow10_log2(int k)
{
    return (k * 1741647) >> 19;
}

/* 10^k / 2^(pow10_log2(k) - 127), rounded up: its top bit is set. POW10_MIN <= k <= POW10_MAX. */
struct pow10 pow10_of(int k);
