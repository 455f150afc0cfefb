/* SPDX-License-Identifier: MIT */
/* codel: whether a queue takes more work, by how long the work in it waits.
 *
 * After CoDel (Nichols and Jacobson, RFC 8289): a burst that is worked off within the interval does no harm; a
 * queue of which even the newest job has waited longer than the target, and that for a whole interval, stands and
 * makes everybody wait. CoDel drops what has waited. Here that is served, for its client still waits, and what
 * comes is refused as long as more than the target is ahead of it: the queue then stays about as long as the target
 * whatever comes, and the server loses no time. A whole interval without more than the target ends it. Work for a whole
 * interval ahead begins it at once: such a queue will stand for as long.
 *
 * One queue has one, of the thread that takes from it. It knows no clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct codel {
    uint64_t target_ns;   /* 0: all is taken */
    uint64_t interval_ns; /* how long the target is missed, or met, before that counts */
    uint64_t step_ns;     /* how long the reader works on one batch, smoothed */
    uint64_t since_ns;    /* when it began to be otherwise, if `turning` */
    bool turning;
    bool overloaded;
};

/* The reader worked for step_ns on a batch: smooths it by an eighth. A batch that stalled counts as one of four times
 * the usual work: it says little of those to come; a store that has become slow shows within some dozen of them. The
 * first one, which finds all cold, counts as a millisecond at most. */
void codel_worked(struct codel *codel, uint64_t step_ns);

/* The reader looks: the newest job of its batch has waited for waited_ns, and one that comes now will wait for
 * ahead_ns. Both are 0 when the queue is empty. True while those that come are to be refused. */
bool codel_refuses(struct codel *codel, uint64_t now_ns, uint64_t waited_ns, uint64_t ahead_ns);
