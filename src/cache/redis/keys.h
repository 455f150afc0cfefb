/* SPDX-License-Identifier: MIT */
/* keys: the names of what is kept in Redis, all behind one prefix.
 *
 *   <prefix>e          the epoch: a random number that is part of every generation
 *   <prefix>g:<slot>   the number of a scope, found by the hash of its text; <prefix>g:all of SCOPE_ALL
 *   <prefix>v:<hash>   an answer, by the 128-bit hash of its canonical question
 *   <prefix>rates      a stream of what clients called
 *
 * Slots and hashes are the same on every server. Two scopes that share a slot cost each other a miss. */
#pragma once

#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

enum { KEY_PREFIX_MAX = 160, KEY_BYTES = KEY_PREFIX_MAX + 40 };
enum { SCOPE_SLOTS = 65536, SLOT_ALL = SCOPE_SLOTS, N_SLOTS };

/* Each lends a key in `room`, behind the prefix (at most KEY_PREFIX_MAX bytes). */
struct slice key_of_epoch(struct slice prefix, char room[KEY_BYTES]);
struct slice key_of_slot(struct slice prefix, unsigned slot, char room[KEY_BYTES]);
struct slice key_of_value(struct slice prefix, struct slice question, char room[KEY_BYTES]);
struct slice key_of_rates(struct slice prefix, char room[KEY_BYTES]);
