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

static struct inbox *inbox_for(const struct outbox *outbox, unsigned stage, const struct job *job)
{
    unsigned n_workers = outbox->topology->n_workers[stage];
    assert(n_workers > 0);
    return outbox->topology->stages[stage][job->worker_hash % n_workers];
}

static void send_to_stage(struct outbox *outbox, unsigned stage, struct job **job)
{
    outbox_send(outbox, inbox_for(outbox, stage, *job), job);
}

static void send_home(struct outbox *outbox, struct job **job)
{
    outbox_send(outbox, outbox->topology->loops[(*job)->home.loop], job);
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
    send_to_stage(outbox, STAGE_PARSER, job);
}

/* Whether the hop's worker takes the job, which fails otherwise; those that must come are always taken. */
static bool is_welcome(struct outbox *outbox, const struct hop *hop, struct job *job)
{
    if ((hop->flags & HOP_ALWAYS) != 0 || !inbox_is_shut(inbox_for(outbox, hop->stage, job)))
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
    const struct route *route = job->route;
    if (route == NULL) { /* the parser knows no such route */
        send_home(outbox, &job);
        return;
    }
    if (job->hop != HOP_PARSER && (route->hops[job->hop].flags & HOP_ENCODE) != 0 && job->status == STATUS_OK)
        route->encode(job);
    for (unsigned hop = (uint8_t)(job->hop + 1); hop < HOPS_MAX && route->hops[hop].op != OP_NONE; hop++) {
        if (!hop_is_due(job, &route->hops[hop]) || !is_welcome(outbox, &route->hops[hop], job))
            continue;
        job->hop = (uint8_t)hop;
        send_to_stage(outbox, route->hops[hop].stage, &job);
        return;
    }
    send_home(outbox, &job);
}

void job_done(struct outbox *outbox, struct job **job_place)
{
    struct job *job = *job_place;
    *job_place = NULL;
    charge(outbox, job);
    send_home(outbox, &job);
}

void outbox_flush(struct outbox *outbox)
{
    for (unsigned i = 0; i < outbox->n_touched; i++)
        inbox_wake(outbox->touched[i]);
    outbox->n_touched = 0;
}
