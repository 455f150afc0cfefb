/* SPDX-License-Identifier: MIT */
/* worker: a thread of a stage, with its inbox and its way to all others.
 *
 * A stage is a value: a name, what to do with a batch of jobs, how to open and close on the worker's
 * own thread. Each stage embeds `struct worker` as the first member of its own worker type. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <telemetry/codel.h>
#include <telemetry/route.h>
#include <telemetry/status.h>

struct inbox;
struct job;
struct stats;
struct worker;

enum { WORKERS_MAX = 16, LOOPS_MAX = 16, BATCH_LIMIT = 4096 };

/* Who can be reached: built at boot, then const. */
struct topology {
    struct inbox *stages[STAGE_COUNT][WORKERS_MAX];
    unsigned n_workers[STAGE_COUNT];
    struct inbox *loops[LOOPS_MAX];
    unsigned n_loops;
};

/* One thread's way to all inboxes: its lane number, and whom it has yet to wake. */
struct outbox {
    const struct topology *topology;
    struct inbox *own; /* this thread's inbox, which jobs that leave are let go from; NULL: it has none that counts */
    unsigned lane;     /* this thread's number, the same in every inbox */
    uint64_t now_ns;   /* times the jobs that leave; worker_step() sets it before a step, and a stage whose
                        * work takes long sets it anew before it lets go */
    struct stats *stats;
    struct inbox *touched[STAGE_COUNT * WORKERS_MAX + LOOPS_MAX];
    unsigned n_touched;
};

void outbox_init(struct outbox *outbox, const struct topology *topology, unsigned lane, struct stats *stats);

/* From the loop to the parser: starts the itinerary. Takes *job. */
void job_start(struct outbox *outbox, struct job **job);
/* From a stage to the job's next hop, or home when there is none or the job failed (hops marked
 * HOP_ALWAYS are still visited). Runs the route's encode where the hop says so. A job whose next hop is a worker
 * that has too much to do fails with STATUS_OVERLOADED in its place. Takes *job. */
void job_next(struct outbox *outbox, struct job **job);
/* From a stage straight home, with job->reply complete: a cache hit skips the rest. Takes *job. */
void job_done(struct outbox *outbox, struct job **job);
/* Wakes everyone who was sent something since the last call. Before sleeping or waiting for I/O. */
void outbox_flush(struct outbox *outbox);

struct stage {
    const char *name;
    enum stage_id id;
    /* All on the worker's thread. open: 0 or -1 with error set. */
    int (*open)(struct worker *worker, struct error *error);
    /* Takes jobs[0..n): each leaves by job_next() or job_done(), now or later. */
    void (*step)(struct worker *worker, struct job *jobs[], unsigned n);
    /* NULL or: upkeep between batches, when its time has come or what worker_watch() was given has an
     * event. Returns the clock_ns() at which it wants to run again, UINT64_MAX for never. */
    uint64_t (*tick)(struct worker *worker, uint64_t now_ns);
    /* NULL or: whether jobs that the stage itself sent out are yet to come back. The thread does not end before. */
    bool (*awaits)(const struct worker *worker);
    void (*close)(struct worker *worker);
};

struct worker {
    const struct stage *stage;
    struct inbox *inbox;
    struct outbox outbox;
    struct stats *stats;
    unsigned batch_max; /* jobs a step takes at most, 1..BATCH_LIMIT */
    uint64_t linger_ns; /* how long a batch that is not full waits for more; 0: not at all */
    uint64_t tick_ns;   /* when tick wants to run */
    struct codel codel; /* whether the inbox takes more; all zero: it always does */
    struct job **batch; /* room for batch_max */
    atomic_bool stopping;
    pthread_t thread;
};

/* Boot thread. Starts the thread and waits until open succeeded there; -1 with error set otherwise. */
MUST_CHECK int worker_start(struct worker *worker, struct error *error);
/* Boot thread. Lets the thread finish what is in its inbox, close, and joins it. */
void worker_stop(struct worker *worker);

/* Worker thread. Lets the stage wait for a socket too; called in open. -1 with errno set. */
MUST_CHECK int worker_watch_open(struct worker *worker);
/* From now on tick runs also when fd has one of the events of poll(2); fd -1: no longer. Keeps fd until the
 * next call. */
void worker_watch(struct worker *worker, int fd, short events);

/* Takes one batch without waiting and steps it; returns how many jobs. The thread's own loop calls
 * this, and so do tests that step stages by hand. */
unsigned worker_step(struct worker *worker);
