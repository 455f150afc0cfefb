/* SPDX-License-Identifier: MIT */
/* turns: how long a thread may keep a processor from another. */
#pragma once

/* Boot thread, before it starts those that serve, which inherit it. Asks the kernel for the shortest turns that it
 * gives (sched_setattr(2), sched_runtime of SCHED_OTHER: Linux 6.12 and newer). Most work of a stage is short, so its
 * threads come earlier to a processor that is busy with longer work, and leave it earlier to a store on the same
 * machine. The share of time stays the same. Where the kernel does not take it, all stays as it was. */
void turns_shorten(void);
