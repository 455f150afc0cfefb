/* SPDX-License-Identifier: MIT */
/* lossy_disk: what each file of a disk held before what is not synced, and what becomes of that when the power goes
 * off. Not locked: for one thread at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lossy_vfs.h"

struct disk_file; /* of one path, however often it is open */

/* One write that is not synced; a truncation is one of no new bytes. */
struct change {
    struct change *older;
    int64_t offset, old_file_bytes;
    size_t old_bytes, new_bytes; /* of what was there, and of what came */
    char data[];                 /* both, one behind the other */
};

/* Lends the file of a path, for ever. */
struct disk_file *disk_file_of(const char *path);
/* Takes a change that is about to be made. */
void disk_file_note(struct disk_file *file, struct change *change);
/* What was noted is synced, or gone with its file. */
void disk_file_forget(struct disk_file *file);

/* Puts all files back to what was synced, and makes of the changes since those again that happen to have reached the
 * disk. Ends the process. */
_Noreturn void disk_power_off(const struct lossy_end *end);
