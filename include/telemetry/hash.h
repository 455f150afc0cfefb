/* SPDX-License-Identifier: MIT */
/* hash: XXH3 (libxxhash). Not for secrets. */
#pragma once

#include <stdint.h>

#include <telemetry/slice.h>

/* The same on every machine and in every run: entity tags, cursors. */
uint64_t hash_stable(struct slice bytes);

/* 128 bits of that kind, where a table is so large or so shared that 64 bits may meet. */
struct hash128 {
    uint64_t high, low;
};
struct hash128 hash_stable128(struct slice bytes);

/* Seeded at random for each process, so that nobody outside can choose collisions: tables. */
uint64_t hash_seeded(struct slice bytes);
