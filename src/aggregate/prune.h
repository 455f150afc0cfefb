/* SPDX-License-Identifier: MIT */
/* prune: room for more groups where only the largest are asked for.
 *
 * A TOP whose measures are counts or rates keeps GROUPS_EXACT groups. When one more comes, the median of their counts
 * is taken from all and those with nothing left are dropped, as Misra and Gries do ("Finding repeated
 * elements", 1982). What was taken in all bounds how much any group's count is short, also of those that
 * came anew; tally_finish() gives the answer when that is within 1 % of the least count in it. */
#pragma once

#include <stdbool.h>

#include <telemetry/status.h>

struct tally;

/* Drops groups if there is no room for one more and the plan allows it. False when the pool is exhausted. */
MUST_CHECK bool prune_if_full(struct tally *tally);
