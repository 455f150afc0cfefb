/* SPDX-License-Identifier: MIT */
/* find_tail: the part of a list that is not in the index yet. */
#pragma once

#include <telemetry/status.h>

struct finder;
struct tail_view;

/* Offers what the view holds of the finder's list to finder->unmerged. The finder's selection is
 * complete or of everything. */
MUST_CHECK int find_in_tail(struct finder *finder, const struct tail_view *view);
