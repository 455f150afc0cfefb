/* SPDX-License-Identifier: MIT */
/* audit: one line of the log for each change that was made with an admin's key. */
#pragma once

struct job;

/* Writes it, if the job is such a change. The job is home. */
void audit(const struct job *job);
