/* SPDX-License-Identifier: MIT */
/* folder: the data folder and the lock that makes it one server's. */
#pragma once

#include <telemetry/status.h>

/* Makes the folder, and those above it, if they are missing. 0, or -1 with error set. */
MUST_CHECK int folder_make(const char *path, struct error *error);

/* Locks the folder for this process. Gives a file descriptor in *ret_lock, whose close() unlocks; the
 * kernel does so too when the process ends in any way. -1 with error set otherwise. */
MUST_CHECK int folder_lock(const char *path, int *ret_lock, struct error *error);
