/* SPDX-License-Identifier: MIT */
/* retention: removes metrics that are older than the store keeps them, a slice at a time.
 *
 * Readers do not show such metrics from the moment they are too old, so removing them can wait until
 * much of a zone is due: RETENTION_SLACK_MS. The cache is not told: its answers live for seconds. */
#pragma once

#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/status.h>

struct writer;

enum { SWEEP_NEXT_ZONE, SWEEP_NEWEST_ZONE, SWEEP_ROWS, SWEEP_STATEMENTS };
enum { SWEEP_SLICE_ROWS = 256, RETENTION_SLACK_MS = 3600 * 1000 };

struct sweeper {
    sqlite3_stmt *statements[SWEEP_STATEMENTS];
    uint64_t next_ns; /* when to look again */
};

MUST_CHECK int sweeper_open(struct sweeper *sweeper, sqlite3 *handle);

/* Removes up to one slice if it is time, and returns when it wants to run again. */
uint64_t sweeper_tick(struct writer *writer, uint64_t now_ns);
