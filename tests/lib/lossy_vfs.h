/* SPDX-License-Identifier: MIT */
/* lossy_vfs: a disk below SQLite that can lose its power, or refuse.
 *
 * Killing a process cannot show a missing fsync, for the kernel still writes what it holds. This layer
 * remembers what each file held where it was written since its last sync, and can put that back. */
#pragma once

#include <stdint.h>

/* Makes the layer the default of this process. Before the first connection. */
void lossy_vfs_install(void);

/* Takes back all that was written and not synced, and ends the process with that exit code. */
_Noreturn void lossy_vfs_power_off(int exit_code);

/* When and how the power goes off by itself. */
struct lossy_end {
    unsigned at_operation; /* instead of which write, truncation or sync from now on; 0: of none */
    int exit_code;         /* of the process */
    unsigned
        kept_percent; /* chance of each write that is not synced to be on the disk all the same, whole or in part */
    uint64_t seed;    /* of that chance; not 0 */
};
void lossy_vfs_end(const struct lossy_end *end);

/* The next n syncs of logs, or writes to logs, fail. */
void lossy_vfs_fail_syncs(int n);
void lossy_vfs_fail_writes(int n);
