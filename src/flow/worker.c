/* SPDX-License-Identifier: MIT */
/* worker: drain a batch, step it, wake whom it went to, again; sleep on the inbox when there is none.
 *
 * Failure paths: open fails on the new thread, which reports and ends before worker_start() returns.
 * Stop: the flag is set and the worker woken; it ends when its inbox is empty and its stage awaits no job. */
#include <telemetry/worker.h>

#include <assert.h>
#include <semaphore.h>
#include <stdlib.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>

/* What worker_start() shares with the new thread until open has ended. */
struct worker_launch {
    struct worker *worker;
    struct error *error;
    sem_t opened;
    int result;
};

/* The earliest mark of jobs[0..n) and `oldest`. */
static uint64_t oldest_mark(struct job *const jobs[], unsigned n, uint64_t oldest)
{
    for (unsigned i = 0; i < n; i++)
        oldest = jobs[i]->mark_ns < oldest ? jobs[i]->mark_ns : oldest;
    return oldest;
}

/* Gathers more jobs until the batch is full or its oldest job has waited the linger. The ticket is older
 * than the look at the flag, so a stop that comes between them ends the wait. */
static unsigned linger(struct worker *worker, unsigned n)
{
    uint64_t oldest = oldest_mark(worker->batch, n, UINT64_MAX);
    for (;;) {
        uint32_t ticket = inbox_ticket(worker->inbox);
        unsigned more = inbox_drain(worker->inbox, worker->batch + n, worker->batch_max - n);
        oldest = oldest_mark(worker->batch + n, more, oldest);
        n += more;
        bool stopping = atomic_load_explicit(&worker->stopping, memory_order_relaxed);
        if (n == worker->batch_max || stopping || clock_ns() >= oldest + worker->linger_ns)
            return n;
        if (more == 0)
            inbox_wait(worker->inbox, ticket, oldest + worker->linger_ns);
    }
}

static void tick_when_due(struct worker *worker)
{
    if (worker->stage->tick == NULL || clock_ns() < worker->tick_ns)
        return;
    worker->outbox.now_ns = clock_ns();
    worker->tick_ns = worker->stage->tick(worker, worker->outbox.now_ns);
    outbox_flush(&worker->outbox);
}

/* How long the newest of jobs[0..n) has waited. */
static uint64_t least_wait_ns(struct job *const jobs[], unsigned n, uint64_t now_ns)
{
    uint64_t newest = 0;
    for (unsigned i = 0; i < n; i++)
        newest = jobs[i]->mark_ns > newest ? jobs[i]->mark_ns : newest;
    return now_ns > newest ? now_ns - newest : 0;
}

/* How long a job that comes now will wait: for nothing where the next batch takes it along. */
static uint64_t ahead_ns(const struct worker *worker)
{
    unsigned n = inbox_length(worker->inbox);
    return n < worker->batch_max ? 0 : worker->codel.step_ns * n / worker->batch_max;
}

static void open_inbox(struct worker *worker)
{
    if (worker->codel.target_ns > 0)
        inbox_shut(worker->inbox, codel_refuses(&worker->codel, clock_ns(), 0, 0));
}

/* Steps the batch, and looks at what has come meanwhile. */
static void step_and_look(struct worker *worker, unsigned n)
{
    uint64_t begun_ns = worker->outbox.now_ns;
    uint64_t waited_ns = least_wait_ns(worker->batch, n, begun_ns);
    worker->stage->step(worker, worker->batch, n);
    uint64_t now_ns = clock_ns();
    codel_worked(&worker->codel, now_ns - begun_ns);
    inbox_shut(worker->inbox, codel_refuses(&worker->codel, now_ns, waited_ns, ahead_ns(worker)));
}

unsigned worker_step(struct worker *worker)
{
    unsigned n = inbox_drain(worker->inbox, worker->batch, worker->batch_max);
    if (n == 0) {
        open_inbox(worker);
        return 0;
    }
    if (worker->linger_ns > 0)
        n = linger(worker, n);
    worker->outbox.now_ns = clock_ns();
    if (worker->codel.target_ns > 0)
        step_and_look(worker, n);
    else
        worker->stage->step(worker, worker->batch, n);
    outbox_flush(&worker->outbox);
    return n;
}

static bool awaits(const struct worker *worker)
{
    return worker->stage->awaits != NULL && worker->stage->awaits(worker);
}

/* The look at the flag comes before the drain, which then finds all that was sent before the stop. */
static void worker_run(struct worker *worker)
{
    for (;;) {
        uint32_t ticket = inbox_ticket(worker->inbox);
        bool stopping = atomic_load_explicit(&worker->stopping, memory_order_acquire);
        unsigned n = worker_step(worker);
        tick_when_due(worker);
        if (n > 0)
            continue;
        if (stopping && !awaits(worker))
            return;
        if (inbox_wait(worker->inbox, ticket, worker->stage->tick == NULL ? UINT64_MAX : worker->tick_ns))
            worker->tick_ns = 0; /* what the stage watches wants its attention */
    }
}

static void *worker_main(void *context)
{
    struct worker_launch *launch = context;
    struct worker *worker = launch->worker;
    pthread_setname_np(pthread_self(), worker->stage->name);
    int result = worker->stage->open(worker, launch->error);
    launch->result = result;
    sem_post(&launch->opened); /* launch is gone from here on */
    if (result != 0)
        return NULL;
    worker_run(worker);
    worker->stage->close(worker);
    return NULL;
}

int worker_start(struct worker *worker, struct error *error)
{
    struct worker_launch launch = { .worker = worker, .error = error };
    assert(worker->batch_max >= 1 && worker->batch_max <= BATCH_LIMIT);
    atomic_store(&worker->stopping, false);
    worker->batch = calloc(worker->batch_max, sizeof(worker->batch[0]));
    if (worker->batch == NULL)
        return error_set(error, 1, "no memory for the %s stage", worker->stage->name);
    sem_init(&launch.opened, 0, 0);
    if (pthread_create(&worker->thread, NULL, worker_main, &launch) != 0) {
        error_set(error, 1, "cannot start a thread for the %s stage: check the limit on processes (ulimit -u)",
                  worker->stage->name);
        goto free_batch;
    }
    while (sem_wait(&launch.opened) != 0)
        continue;
    sem_destroy(&launch.opened);
    if (launch.result == 0)
        return 0;
    pthread_join(worker->thread, NULL);
free_batch:
    free(worker->batch);
    worker->batch = NULL;
    return -1;
}

void worker_stop(struct worker *worker)
{
    atomic_store_explicit(&worker->stopping, true, memory_order_release);
    inbox_wake(worker->inbox);
    pthread_join(worker->thread, NULL);
    free(worker->batch);
    worker->batch = NULL;
}

int worker_watch_open(struct worker *worker)
{
    return inbox_watch_open(worker->inbox);
}

void worker_watch(struct worker *worker, int fd, short events)
{
    inbox_watch(worker->inbox, fd, events);
}
