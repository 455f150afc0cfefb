/* SPDX-License-Identifier: MIT */
/* json: cJSON with its memory in an arena.
 *
 * cJSON takes its allocator once for the whole process; ours takes from the arena of the json_parse()
 * under way on the calling thread. No tree is freed by itself: it goes when its arena is reset. */
#pragma once

#include <cjson/cJSON.h>

#include <telemetry/arena.h>
#include <telemetry/slice.h>
#include <telemetry/status.h>

/* Sets cJSON's allocator. Any thread, any number of times, before json_parse(). */
void json_init(void);

/* Lends in *ret_tree the tree of one value that passed the gate, alone in its text. STATUS_OUT_OF_MEMORY,
 * or STATUS_INTERNAL when cJSON reads the text otherwise than the gate. Borrows text, keeps arena until
 * it is reset. */
MUST_CHECK enum status json_parse(struct slice text, struct arena *arena, cJSON **ret_tree);
