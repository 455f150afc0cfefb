/* SPDX-License-Identifier: MIT */
/* stage: jobs past their deadline are refused before the store sees them; the rest is the store's. */
#include "stage.h"

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

void storage_worker_init(struct storage_worker *worker, const struct stage *stage, const struct storage_ops *ops,
                         struct storage *storage, unsigned index)
{
    *worker = (struct storage_worker){ .worker.stage = stage, .ops = ops, .storage = storage, .index = index };
}

static struct storage_worker *of(struct worker *worker)
{
    return (struct storage_worker *)worker;
}

static int stage_open(struct worker *worker, struct error *error)
{
    struct storage_worker *self = of(worker);
    enum storage_role role = worker->stage->id == STAGE_WRITER ? STORAGE_WRITER : STORAGE_READER;
    return self->ops->attach(self->storage, role, self->index, worker->stats, &self->session, error);
}

static void stage_close(struct worker *worker)
{
    of(worker)->ops->detach(&of(worker)->session);
}

/* Refuses a job that has waited too long; true if it may go to the store. */
static bool in_time(struct worker *worker, struct job *job, uint64_t now_ns)
{
    if (now_ns < job->deadline_ns)
        return true;
    job->status = STATUS_EXPIRED;
    stats_add(worker->stats, STATS_REFUSED_EXPIRED, 1);
    return false;
}

/* Moves the jobs that are in time to the front, in order; returns how many. The others leave. */
static unsigned drop_expired(struct worker *worker, struct job *jobs[], unsigned n)
{
    unsigned n_kept = 0;
    for (unsigned i = 0; i < n; i++) {
        struct job *job = jobs[i];
        if (in_time(worker, job, worker->outbox.now_ns))
            jobs[n_kept++] = job;
        else
            job_next(&worker->outbox, &job);
    }
    return n_kept;
}

static void writer_step(struct worker *worker, struct job *jobs[], unsigned n)
{
    struct storage_worker *self = of(worker);
    n = drop_expired(worker, jobs, n);
    if (n == 0)
        return;
    self->ops->write(self->session, jobs, n);
    worker->outbox.now_ns = clock_ns();
    worker->tick_ns = 0;
    for (unsigned i = 0; i < n; i++)
        job_next(&worker->outbox, &jobs[i]);
}

static uint64_t stage_tick(struct worker *worker, uint64_t now_ns)
{
    return of(worker)->ops->tick(of(worker)->session, now_ns);
}

static void reader_step(struct worker *worker, struct job *jobs[], unsigned n)
{
    struct storage_worker *self = of(worker);
    for (unsigned i = 0; i < n; i++) {
        if (in_time(worker, jobs[i], worker->outbox.now_ns))
            self->ops->read(self->session, &jobs[i], 1);
        worker->outbox.now_ns = clock_ns();
        job_next(&worker->outbox, &jobs[i]);
        outbox_flush(&worker->outbox);
    }
}

const struct stage storage_writer_stage = {
    .name = "writer",
    .id = STAGE_WRITER,
    .open = stage_open,
    .step = writer_step,
    .tick = stage_tick,
    .close = stage_close,
};

const struct stage storage_reader_stage = {
    .name = "reader",
    .id = STAGE_READER,
    .open = stage_open,
    .step = reader_step,
    .close = stage_close,
};
