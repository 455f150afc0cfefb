/* SPDX-License-Identifier: MIT */
#include "ring_bench.h"

#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>

#include "flow/job_pool.h"

enum { PEERS_MAX = 8, BATCH = 64, WATCH_MS = 20, HANG_MS = 10000, SPINS = 4000 };

struct bench;

/* One thread. The senders come first. */
struct peer {
    _Alignas(64) struct bench *bench;
    unsigned index; /* its lane in every inbox */
    enum ring_sleep sleep;
    struct inbox *inbox;
    _Alignas(64) atomic_int pending;            /* SLEEP_ON_FLAG: 1 when woken */
    uv_async_t async;                           /* SLEEP_IN_UV */
    _Alignas(64) atomic_uint_fast64_t n_handed; /* by this one, for the watch */
    uint64_t target;                            /* hand-overs a sender makes at least */
    uint64_t sent[PEERS_MAX];                   /* numbers the hand-overs to each */
    uint64_t seen[PEERS_MAX];                   /* and those from each */
    uint64_t random;
    struct job *free[RING_JOBS_MAX]; /* a sender's jobs at home */
    unsigned n_free;
    struct job *jobs;      /* all of a sender's */
    struct job_pool *pool; /* or where they are */
    uv_loop_t loop;
    pthread_t thread;
};

struct bench {
    const struct ring_scenario *scenario;
    struct peer peers[PEERS_MAX];
    unsigned n_peers;
    atomic_bool stop;
    atomic_uint n_running; /* threads */
    atomic_uint n_senders_running;
    atomic_uint n_faults;
    char fault[160]; /* the first one */
};

/* Faults ------------------------------------------------------------------ */

static void stop_all(struct bench *bench)
{
    atomic_store(&bench->stop, true);
    for (unsigned i = 0; i < bench->n_peers; i++)
        inbox_wake(bench->peers[i].inbox);
}

static void fault(struct bench *bench, const char *what, unsigned from, unsigned to)
{
    if (atomic_fetch_add(&bench->n_faults, 1) == 0)
        snprintf(bench->fault, sizeof(bench->fault), "%s: %s, from %u to %u", bench->scenario->name, what, from, to);
    atomic_store(&bench->stop, true);
}

/* Sleep ------------------------------------------------------------------- */

static void wake_uv(void *context)
{
    struct peer *peer = context;
    uv_async_send(&peer->async);
}

static void on_async(uv_async_t *async)
{
    (void)async; /* it ended uv_run(), which is all */
}

/* uv_async_send() begins with a plain load of its flag. */
static void wake_flag(void *context)
{
    struct peer *peer = context;
    if (atomic_load_explicit(&peer->pending, memory_order_relaxed) == 0)
        atomic_exchange(&peer->pending, 1);
}

static void sleep_on_flag(struct peer *peer)
{
    for (unsigned spins = 0; atomic_load_explicit(&peer->pending, memory_order_relaxed) == 0; spins++)
        if (spins > SPINS)
            sched_yield();
    atomic_exchange(&peer->pending, 0);
}

static void peer_sleep(struct peer *peer, uint32_t ticket)
{
    switch (peer->sleep) {
    case SLEEP_IN_WAIT:
    case SLEEP_IN_POLL:
        inbox_wait(peer->inbox, ticket, UINT64_MAX);
        break;
    case SLEEP_IN_UV:
        uv_run(&peer->loop, UV_RUN_ONCE);
        break;
    case SLEEP_ON_FLAG:
        sleep_on_flag(peer);
    }
}

/* Jobs -------------------------------------------------------------------- */

static uint64_t roll(struct peer *peer)
{
    peer->random ^= peer->random << 13;
    peer->random ^= peer->random >> 7;
    peer->random ^= peer->random << 17;
    return peer->random;
}

static void random_pause(struct peer *peer)
{
    uint64_t dice = roll(peer) >> 20;
    if (dice % 4096 == 0)
        nanosleep(&(struct timespec){ .tv_nsec = (long)(dice >> 12) % 100000 }, NULL);
    else if (dice % 64 == 0)
        sched_yield();
    else if (dice % 4 == 0)
        for (volatile unsigned i = (unsigned)(dice >> 6) % 64; i > 0; i--)
            continue;
}

/* The next of a sender's jobs that are home, or NULL. */
static struct job *job_leave(struct peer *peer)
{
    if (peer->pool != NULL)
        return job_pool_take(peer->pool);
    return peer->n_free > 0 ? peer->free[--peer->n_free] : NULL;
}

static void job_come_home(struct peer *peer, struct job *job)
{
    if (peer->pool != NULL)
        job_pool_put(peer->pool, &job);
    else if (peer->n_free < RING_JOBS_MAX) /* else a fault by now */
        peer->free[peer->n_free++] = job;
}

static unsigned n_home(const struct peer *peer)
{
    return peer->pool == NULL ? peer->n_free : peer->bench->scenario->n_jobs - job_pool_in_use(peer->pool);
}

static uint64_t seal(unsigned from, unsigned to, uint64_t number)
{
    return (number * 0x9E3779B97F4A7C15ULL) ^ from << 8 ^ to;
}

static void hand_over(struct peer *from, struct peer *to, struct job *job)
{
    uint64_t number = ++from->sent[to->index];
    job->home.number = number;
    job->worker_hash = from->index;
    job->deadline_ns = seal(from->index, to->index, number);
    bool shares = from->bench->scenario->shared_lane && from->index < from->bench->scenario->n_senders;
    inbox_push(to->inbox, shares ? 0 : from->index, &job);
    uint64_t handed = atomic_load_explicit(&from->n_handed, memory_order_relaxed);
    atomic_store_explicit(&from->n_handed, handed + 1, memory_order_relaxed);
}

static void check(struct peer *to, const struct job *job)
{
    unsigned from = (unsigned)job->worker_hash;
    if (from >= to->bench->n_peers) {
        fault(to->bench, "a job from nowhere", from, to->index);
        return;
    }
    uint64_t expected = ++to->seen[from];
    if (job->home.number != expected)
        fault(to->bench, job->home.number < expected ? "a job came twice" : "a job was lost or overtaken", from,
              to->index);
    else if (job->deadline_ns != seal(from, to->index, expected))
        fault(to->bench, "a job came without its bytes", from, to->index);
}

/* Takes and checks what is there, sleeping until something is. 0: the bench stops. */
static unsigned take(struct peer *peer, struct job *jobs[])
{
    for (;;) {
        uint32_t ticket = inbox_ticket(peer->inbox);
        bool stopping = atomic_load(&peer->bench->stop);
        unsigned n = inbox_drain(peer->inbox, jobs, 1 + (unsigned)(roll(peer) >> 30) % BATCH);
        for (unsigned i = 0; i < n; i++)
            check(peer, jobs[i]);
        if (n > 0 || stopping)
            return n;
        peer_sleep(peer, ticket);
    }
}

/* Threads ----------------------------------------------------------------- */

/* Sends up to n jobs to one echo; with a wake for each, or one for all. */
static void send_some(struct peer *peer, unsigned n, bool wake_each)
{
    struct bench *bench = peer->bench;
    struct peer *echo = &bench->peers[bench->scenario->n_senders + (roll(peer) >> 40) % bench->scenario->n_echoes];
    struct job *job;
    for (unsigned i = 0; i < n && (job = job_leave(peer)) != NULL; i++) {
        hand_over(peer, echo, job);
        if (wake_each)
            inbox_wake(echo->inbox);
    }
    if (!wake_each)
        inbox_wake(echo->inbox);
}

static bool take_home(struct peer *peer)
{
    struct job *jobs[BATCH];
    unsigned n = take(peer, jobs);
    for (unsigned i = 0; i < n; i++)
        job_come_home(peer, jobs[i]);
    return n > 0;
}

static bool has_all_home(const struct peer *peer)
{
    return n_home(peer) == peer->bench->scenario->n_jobs;
}

static void *sender_main(void *context)
{
    struct peer *peer = context;
    struct bench *bench = peer->bench;
    bool burst = bench->scenario->burst;
    bool going = true;
    while (going && atomic_load_explicit(&peer->n_handed, memory_order_relaxed) < peer->target) {
        send_some(peer, burst ? RING_JOBS_MAX : 1 + (unsigned)(roll(peer) >> 30) % BATCH, burst);
        while (going && (n_home(peer) == 0 || (burst && !has_all_home(peer))))
            going = take_home(peer);
        random_pause(peer);
    }
    while (going && !has_all_home(peer))
        going = take_home(peer);
    if (atomic_fetch_sub(&bench->n_senders_running, 1) == 1)
        stop_all(bench);
    atomic_fetch_sub(&bench->n_running, 1);
    return NULL;
}

static void *echo_main(void *context)
{
    struct peer *peer = context;
    struct bench *bench = peer->bench;
    struct job *jobs[BATCH];
    unsigned n;
    while ((n = take(peer, jobs)) > 0) {
        bool touched[PEERS_MAX] = { false };
        for (unsigned i = 0; i < n; i++) {
            unsigned to = (unsigned)jobs[i]->worker_hash;
            if (to >= bench->scenario->n_senders)
                continue; /* a fault by now */
            hand_over(peer, &bench->peers[to], jobs[i]);
            touched[to] = true;
        }
        for (unsigned to = 0; to < bench->scenario->n_senders; to++)
            if (touched[to])
                inbox_wake(bench->peers[to].inbox);
        random_pause(peer);
    }
    atomic_fetch_sub(&bench->n_running, 1);
    return NULL;
}

/* The bench --------------------------------------------------------------- */

static void peer_own_jobs(struct peer *peer)
{
    const struct ring_scenario *scenario = peer->bench->scenario;
    if (scenario->pooled) {
        peer->pool = job_pool_new(scenario->n_jobs, peer->index);
        assert_non_null(peer->pool);
        return;
    }
    peer->jobs = aligned_alloc(64, scenario->n_jobs * sizeof(peer->jobs[0]));
    assert_non_null(peer->jobs);
    for (unsigned i = 0; i < scenario->n_jobs; i++)
        peer->free[peer->n_free++] = &peer->jobs[i];
}

static void peer_open(struct bench *bench, unsigned index, uint64_t target)
{
    static inbox_wake_fn *const wakes[] = {
        [SLEEP_IN_WAIT] = NULL, [SLEEP_IN_UV] = wake_uv, [SLEEP_ON_FLAG] = wake_flag
    };
    const struct ring_scenario *scenario = bench->scenario;
    struct peer *peer = &bench->peers[index];
    bool sends = index < scenario->n_senders;
    *peer = (struct peer){ .bench = bench, .index = index, .target = target, .random = clock_ns() * 2 + 1 + index };
    peer->sleep = sends ? scenario->senders_sleep : scenario->echoes_sleep;
    unsigned room = scenario->n_jobs * (scenario->shared_lane ? scenario->n_senders : 1);
    peer->inbox = inbox_new(bench->n_peers, room, wakes[peer->sleep], peer);
    assert_non_null(peer->inbox);
    if (peer->sleep == SLEEP_IN_POLL)
        assert_int_equal(inbox_watch_open(peer->inbox), 0);
    if (peer->sleep == SLEEP_IN_UV) {
        assert_int_equal(uv_loop_init(&peer->loop), 0);
        assert_int_equal(uv_async_init(&peer->loop, &peer->async, on_async), 0);
    }
    if (sends)
        peer_own_jobs(peer);
}

static void peer_close(struct peer *peer)
{
    struct job *left[BATCH];
    while (inbox_drain(peer->inbox, left, BATCH) > 0)
        continue; /* of a bench that failed */
    inbox_free(&peer->inbox);
    free(peer->jobs);
    if (peer->pool != NULL && job_pool_in_use(peer->pool) == 0)
        job_pool_free(&peer->pool);
    if (peer->sleep != SLEEP_IN_UV)
        return;
    uv_close((uv_handle_t *)&peer->async, NULL);
    uv_run(&peer->loop, UV_RUN_DEFAULT);
    uv_loop_close(&peer->loop);
}

static uint64_t total_handed(struct bench *bench)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < bench->n_peers; i++)
        total += atomic_load_explicit(&bench->peers[i].n_handed, memory_order_relaxed);
    return total;
}

/* Where the jobs are that do not move. */
static void report_hang(struct bench *bench)
{
    fault(bench, "no progress: a wake-up was lost", 0, 0);
    for (unsigned i = 0; i < bench->n_peers; i++)
        print_message("# peer %u: handed %llu, pending flag %d\n", i, (unsigned long long)bench->peers[i].n_handed,
                      atomic_load(&bench->peers[i].pending));
}

/* Waits until all threads have ended; who makes no progress for long is stopped, or else the process is. */
static void watch(struct bench *bench)
{
    uint64_t last = 0;
    unsigned still_ms = 0;
    while (atomic_load(&bench->n_running) > 0) {
        nanosleep(&(struct timespec){ .tv_nsec = WATCH_MS * 1000000L }, NULL);
        uint64_t total = total_handed(bench);
        still_ms = total == last ? still_ms + WATCH_MS : 0;
        last = total;
        if (still_ms == HANG_MS)
            report_hang(bench);
        if (atomic_load(&bench->stop))
            stop_all(bench); /* until all have ended */
        if (still_ms > 2 * HANG_MS) {
            print_message("# %s; and some thread does not end\n", bench->fault);
            abort();
        }
    }
}

/* Every job was taken as often as it was sent: order was checked on the way, this is the last of each lane. */
static void check_ends(struct bench *bench)
{
    for (unsigned from = 0; from < bench->n_peers; from++)
        for (unsigned to = 0; to < bench->n_peers; to++)
            if (bench->peers[from].sent[to] != bench->peers[to].seen[from])
                fault(bench, "a job was not taken", from, to);
    for (unsigned i = 0; i < bench->scenario->n_senders; i++)
        if (!has_all_home(&bench->peers[i]))
            fault(bench, "a job is not home", i, i);
}

void ring_bench_run(const struct ring_scenario *scenario, uint64_t wanted, struct ring_outcome *ret_outcome)
{
    static struct bench bench;
    uint64_t begin = clock_ns();
    bench = (struct bench){ .scenario = scenario, .n_peers = scenario->n_senders + scenario->n_echoes };
    atomic_store(&bench.n_running, bench.n_peers);
    atomic_store(&bench.n_senders_running, scenario->n_senders);
    for (unsigned i = 0; i < bench.n_peers; i++)
        peer_open(&bench, i, wanted / 2 / scenario->n_senders + 1);
    for (unsigned i = 0; i < bench.n_peers; i++) {
        struct peer *peer = &bench.peers[i];
        void *(*run)(void *) = i < scenario->n_senders ? sender_main : echo_main;
        assert_int_equal(pthread_create(&peer->thread, NULL, run, peer), 0);
    }
    watch(&bench);
    for (unsigned i = 0; i < bench.n_peers; i++)
        pthread_join(bench.peers[i].thread, NULL);
    check_ends(&bench);
    *ret_outcome = (struct ring_outcome){ .n_handed = total_handed(&bench) };
    for (unsigned i = 0; i < bench.n_peers; i++)
        peer_close(&bench.peers[i]);
    ret_outcome->took_ms = (clock_ns() - begin) / NS_PER_MS;
    memcpy(ret_outcome->fault, bench.fault, sizeof(bench.fault));
    print_message("# %s: %llu hand-overs in %llu ms\n", scenario->name, (unsigned long long)ret_outcome->n_handed,
                  (unsigned long long)ret_outcome->took_ms);
}
