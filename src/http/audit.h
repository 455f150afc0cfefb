/* SPDX-License-Identifier: MIT */
/* audit: one line of the log for each change that was made, or may have been, with an admin's key. */
#pragma once

struct job;

/* Writes it, if the job is such a change. For each job that comes home, whether or not somebody is there to be
 * answered. Loop thread. */
void audit(const struct job *job);
