/* SPDX-License-Identifier: MIT */
/* bucket: the number of the bucket that a document falls into, as an expression of MongoDB.
 *
 * Buckets come as their edges, whatever calendar made them. Neighbours of one length make a run, within
 * which the number is a quotient; the runs are found by halving. So hours are one division, days of a year
 * with its two changes of the clock five runs, and months as many as there are, of which a document passes
 * the logarithm. Pure: any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <bson/bson.h>

/* Appends { key: expression } for the n buckets [edges[i], edges[i + 1]), n > 0, in milliseconds since 1970. The
 * documents have a date between the first and the last edge in `timestamp`. The number may come as any kind of
 * number. False without memory. */
bool bucket_write(bson_t *document, const char *key, const int64_t edges[], uint32_t n);
