/* SPDX-License-Identifier: MIT */
/* outbox: a job leaves by the next hop of its route whose turn it is. Who was sent something is
 * noted, and woken once when the batch is out. */
#include <telemetry/worker.h>

#include <assert.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

void outbox_init(struct outbox *outbox, const struct topology *topology, unsigned lane, struct stats *stats)
{
    *outbox = (struct outbox){ .topology = topology, .lane = lane, .stats = stats };
}

static void outbox_send(struct outbox *outbox, struct inbox *inbox, struct job **job)
{
    inbox_push(inbox, outbox->lane, job);
    for (unsigned i = 0; i < outbox->n_touched; i++)
        if (outbox->touched[i] == inbox)
            return;
    outbox->touched[outbox->n_touched++] = inbox;
}

static struct inbox *by_hash(const struct topology *topology, unsigned stage, const struct job *job)
{
    unsigned n_workers = topology->n_workers[stage];
    assert(n_workers > 0);
    return topology->stages[stage][job->worker_hash % n_workers];
}

/* The first worker has nothing long, if there is another; the others have nothing short behind what is long. */
static struct inbox *by_load(const struct topology *topology, const struct hop *hop, const struct job *job)
{
    struct inbox *const *inboxes = topology->stages[hop->stage];
    bool is_long = (hop->flags & HOP_LONG) != 0;
    unsigned n_workers = topology->n_workers[hop->stage], first = is_long && n_workers > 1 ? 1 : 0;
    struct inbox *least = NULL;
    assert(n_workers > 0);
    for (unsigned i = 0; i < n_workers - first; i++) {
        struct inbox *inbox = inboxes[first + (job->worker_hash + i) % (n_workers - first)];
        if (!is_long && inbox_longs(inbox) > 0)
            continue;
        if (least == NULL || inbox_jobs(inbox) < inbox_jobs(least))
            least = inbox;
    }
    return least == NULL ? inboxes[first] : least;
}

static struct inbox *inbox_for(const struct outbox *outbox, const struct hop *hop, const struct job *job)
{
    bool any = (hop->flags & HOP_ANY) != 0;
    return any ? by_load(outbox->topology, hop, job) : by_hash(outbox->topology, hop->stage, job);
}

static void send_to_hop(struct outbox *outbox, struct inbox *inbox, struct job **job)
{
    const struct hop *hop = &(*job)->route->hops[(*job)->hop];
    if ((hop->flags & HOP_ANY) != 0)
        inbox_charge(inbox, (hop->flags & HOP_LONG) != 0);
    outbox_send(outbox, inbox, job);
}

static void send_home(struct outbox *outbox, struct job **job)
{
    outbox_send(outbox, outbox->topology->loops[(*job)->home.loop], job);
}

/* The hop that ends now is this thread's. */
static void let_go(struct outbox *outbox, const struct job *job)
{
    if (job->hop == HOP_PARSER || outbox->own == NULL)
        return;
    const struct hop *hop = &job->route->hops[job->hop];
    if ((hop->flags & HOP_ANY) != 0)
        inbox_discharge(outbox->own, (hop->flags & HOP_LONG) != 0);
}

/* Charges the time since the stage before let go to the stage that lets go now. */
static void charge(struct outbox *outbox, struct job *job)
{
    unsigned stage = job->hop == HOP_PARSER ? STAGE_PARSER : job->route->hops[job->hop].stage;
    uint64_t elapsed = outbox->now_ns > job->mark_ns ? outbox->now_ns - job->mark_ns : 0;
    job->stage_ns[stage] += elapsed;
    job->mark_ns = outbox->now_ns;
    if (outbox->stats != NULL)
        histogram_add(&outbox->stats->stages[stage], elapsed);
}

void job_start(struct outbox *outbox, struct job **job)
{
    assert((*job)->hop == HOP_PARSER);
    (*job)->mark_ns = outbox->now_ns;
    outbox_send(outbox, by_hash(outbox->topology, STAGE_PARSER, *job), job);
}

/* Whether the hop's worker takes the job, which fails otherwise; those that must come are always taken. */
static bool is_welcome(struct outbox *outbox, const struct hop *hop, const struct inbox *inbox, struct job *job)
{
    if ((hop->flags & HOP_ALWAYS) != 0 || !inbox_is_shut(inbox))
        return true;
    job_fail(job, STATUS_OVERLOADED, SLICE("the store is more than CODEL_TARGET_MS behind; nothing of it was begun"));
    if (outbox->stats != NULL)
        stats_add(outbox->stats, STATS_REFUSED_DELAY, 1);
    return false;
}

static bool hop_is_due(const struct job *job, const struct hop *hop)
{
    return job->status == STATUS_OK || (hop->flags & HOP_ALWAYS) != 0;
}

void job_next(struct outbox *outbox, struct job **job_place)
{
    struct job *job = *job_place;
    *job_place = NULL;
    charge(outbox, job);
    let_go(outbox, job);
    const struct route *route = job->route;
    if (route == NULL) { /* the parser knows no such route */
        send_home(outbox, &job);
        return;
    }
    if (job->hop != HOP_PARSER && (route->hops[job->hop].flags & HOP_ENCODE) != 0 && job->status == STATUS_OK)
        route->encode(job);
    for (unsigned hop = (uint8_t)(job->hop + 1); hop < HOPS_MAX && route->hops[hop].op != OP_NONE; hop++) {
        if (!hop_is_due(job, &route->hops[hop]))
            continue;
        struct inbox *inbox = inbox_for(outbox, &route->hops[hop], job);
        if (!is_welcome(outbox, &route->hops[hop], inbox, job))
            continue;
        job->hop = (uint8_t)hop;
        send_to_hop(outbox, inbox, &job);
        return;
    }
    send_home(outbox, &job);
}

void job_done(struct outbox *outbox, struct job **job_place)
{
    struct job *job = *job_place;
    *job_place = NULL;
    charge(outbox, job);
    let_go(outbox, job);
    send_home(outbox, &job);
}

void outbox_flush(struct outbox *outbox)
{
    for (unsigned i = 0; i < outbox->n_touched; i++)
        inbox_wake(outbox->touched[i]);
    outbox->n_touched = 0;
}
