/* SPDX-License-Identifier: MIT */
/* hash: XXH3 (libxxhash), 64 bits. Not for secrets. */
#pragma once

#include <stdint.h>

#include <telemetry/slice.h>

/* The same on every machine and in every run: entity tags, cursors. */
uint64_t hash_stable(struct slice bytes);

/* Seeded at random for each process, so that nobody outside can choose collisions: tables. */
uint64_t hash_seeded(struct slice bytes);
