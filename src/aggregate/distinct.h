/* SPDX-License-Identifier: MIT */
/* distinct: how many different ones there are, of things that have a hash of 64 bits.
 *
 * A set of the hashes, and for values, beyond DISTINCT_EXACT of them or when less than half of the budget is left,
 * HyperLogLog with 2^14 registers (Flajolet
 * et al. 2007, standard error 0.81 %), read by the estimator of Ertl ("New cardinality estimation algorithms
 * for HyperLogLog sketches", 2017), which has no bias to correct at either end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

struct pool;

enum { DISTINCT_EXACT = 4096, DISTINCT_BITS = 14, DISTINCT_REGISTERS = 1 << DISTINCT_BITS };

/* All zeroes: empty. Its memory is the pool's. */
struct distinct {
    uint32_t n;         /* hashes in the set */
    uint32_t n_slots;   /* 0, or a power of two */
    uint64_t *slots;    /* open addressing; 0: free */
    uint8_t *registers; /* of the estimate that took the set's place, or NULL */
};

/* The same hashes on every machine. Each value has its own (0.0 and -0.0 one together). */
uint64_t distinct_hash_value(double value);
uint64_t distinct_hash_text(struct slice text);

/* Adds a hash; at most so many are kept in a set (UINT32_MAX: as memory allows). False when the pool is exhausted. */
MUST_CHECK bool distinct_add(struct distinct *distinct, struct pool *pool, uint64_t hash, uint32_t exact_max);
/* Adds all of other. False when the pool is exhausted; what there was is then of no use. */
MUST_CHECK bool distinct_merge(struct distinct *distinct, struct pool *pool, const struct distinct *other,
                               uint32_t exact_max);
void distinct_clear(struct distinct *distinct, struct pool *pool);

double distinct_count(const struct distinct *distinct);
