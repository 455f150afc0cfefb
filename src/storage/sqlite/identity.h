/* SPDX-License-Identifier: MIT */
/* identity: the ids that this store mints, which carry the row they belong to.
 *
 * An id is 4 bytes of seconds since 1970, 3 bytes of the store's own tag (random, made with the
 * database) and 5 bytes of row number, all big-endian: a well-formed ObjectId. Look-ups by such an
 * id need no index, and a row need not hold its id: of the seconds it keeps only their distance from
 * its timestamp (`age`), mostly 0. Pure: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/metric.h>

enum { IDENTITY_TAG_BITS = 24, IDENTITY_ROW_BITS = 40 };

/* The id of a row minted at `seconds`. */
struct metric_id identity_mint(uint32_t tag, uint32_t seconds, uint64_t row);

/* Whether the id carries the tag; if so sets what it was minted from, true or forged. */
bool identity_read(const struct metric_id *id, uint32_t tag, uint32_t *ret_seconds, uint64_t *ret_row);

/* What a row keeps of the seconds, and the seconds again from it. */
int64_t identity_age(uint32_t seconds, int64_t timestamp_ms);
uint32_t identity_seconds(int64_t age, int64_t timestamp_ms);
