/* SPDX-License-Identifier: MIT */
/* ring_bench: jobs through inboxes, between threads that sleep and wake.
 *
 * Senders own the jobs: each sends its jobs to echoes, which send them back. All are readers of an
 * inbox of their own, in which everybody has a lane. Every job carries the number of its hand-over in
 * its lane, so a lost, doubled or overtaken job is seen by whoever reads next; what is written beside
 * the number shows whether the job's bytes came along. In a burst the sender waits until all its jobs
 * are home: one lost wake-up then stops everything, which the watch sees as time without progress. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RING_JOBS_MAX = 1000 };

/* How a reader sleeps and is woken. */
enum ring_sleep {
    SLEEP_IN_WAIT, /* inbox_wait() */
    SLEEP_IN_POLL, /* the same, of a reader that can watch a socket */
    SLEEP_IN_UV,   /* uv_run(), woken by uv_async_send() */
    SLEEP_ON_FLAG  /* as uv_async of libuv 1.44, without its system calls: many more chances a second */
};

struct ring_scenario {
    const char *name;
    unsigned n_senders, n_echoes;
    unsigned n_jobs; /* of each sender, and the room of each lane */
    bool burst;      /* all jobs come home before the next ones leave, each with a wake of its own */
    enum ring_sleep senders_sleep, echoes_sleep;
    unsigned share;   /* hand-overs, in thousandths of all */
    bool pooled;      /* a sender's jobs are those of a job_pool, taken and put back for each journey */
    bool shared_lane; /* what no sender may do: all senders push into one lane of an echo */
};

struct ring_outcome {
    uint64_t n_handed; /* hand-overs */
    uint64_t took_ms;
    char fault[160]; /* the first one, or empty */
};

/* Runs until at least `wanted` hand-overs were made, or something is wrong. */
void ring_bench_run(const struct ring_scenario *scenario, uint64_t wanted, struct ring_outcome *ret_outcome);
