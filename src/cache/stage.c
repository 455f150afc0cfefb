/* SPDX-License-Identifier: MIT */
/* Each hop starts a call of the backend, which ends, now or later, in ended(): before start() returns,
 * in a pump, or in close. */
#include "cache/stage.h"

#include <assert.h>
#include <errno.h>

#include <telemetry/cache.h>
#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

static struct cache_worker *self_of(struct worker *worker)
{
    return (struct cache_worker *)worker;
}

static void count(struct cache_worker *self, enum stats_counter counter)
{
    stats_add(self->worker.stats, counter, 1);
}

static uint8_t op_of(const struct job *job)
{
    return job->route->hops[job->hop].op;
}

/* A refresh is at its end behind the put. */
static void go_on(struct cache_worker *self, struct job *job)
{
    if (refreshes_own(job) && op_of(job) == OP_CACHE_PUT)
        refreshes_put(&self->refreshes, &job);
    else
        job_next(&self->worker.outbox, &job);
}

static void go_home(struct cache_worker *self, struct job *job)
{
    job_done(&self->worker.outbox, &job);
}

static void expire(struct cache_worker *self, struct job *job)
{
    count(self, STATS_CACHE_MISSES);
    job_fail(job, STATUS_EXPIRED, (struct slice){ NULL, 0 });
    go_home(self, job);
}

/* Flights ----------------------------------------------------------------- */

static void lead(struct cache_worker *self, struct job *job)
{
    count(self, STATS_CACHE_MISSES);
    job->cache.leads = true;
    go_on(self, job);
}

static void park(struct cache_worker *self, struct flight *flight, struct job *job)
{
    if (job->deadline_ns < self->followers_due_ns)
        self->followers_due_ns = job->deadline_ns;
    parked_push(&flight->followers, &job);
}

/* Joins the flight of identical reads, or leads one. Without memory for it the job goes alone. */
static void missed(struct cache_worker *self, struct job *job)
{
    if (job->deadline_ns <= job->cache.read_ns) {
        expire(self, job);
        return;
    }
    struct flight *flight = flights_find(&self->flights, job);
    if (flight != NULL) {
        park(self, flight, job);
    } else if (flights_begin(&self->flights, job) != NULL) {
        lead(self, job);
    } else {
        count(self, STATS_CACHE_MISSES);
        go_on(self, job);
    }
}

/* Reads the store anew for an old answer, unless somebody does already. */
static void refresh(struct cache_worker *self, const struct job *reader)
{
    struct job *job = flights_find(&self->flights, reader) == NULL ? refreshes_take(&self->refreshes, reader) : NULL;
    if (job == NULL)
        return;
    if (flights_begin(&self->flights, job) == NULL) {
        refreshes_put(&self->refreshes, &job);
        return;
    }
    count(self, STATS_CACHE_REFRESHES);
    job->cache.leads = true;
    go_on(self, job);
}

static bool copy_slice(struct arena *arena, struct slice *slice)
{
    *slice = arena_copy(arena, *slice);
    return slice->data != NULL;
}

static void share(struct cache_worker *self, const struct job *leader, struct job *job)
{
    struct reply reply = leader->reply;
    bool copied = copy_slice(&job->arena, &reply.body) && copy_slice(&job->arena, &reply.next_cursor) &&
                  copy_slice(&job->arena, &reply.detail);
    count(self, STATS_CACHE_COLLAPSED_HITS);
    job->cache.result = CACHE_COLLAPSED;
    if (copied) {
        reply.lead = job->reply.lead;
        reply.errors = NULL; /* a read has none, and they would be the leader's */
        reply.n_errors = 0;
        reply.extra = (struct slice){ NULL, 0 };
        job->status = leader->status;
        job->reply = reply;
    } else {
        job_fail(job, STATUS_OUT_OF_MEMORY, (struct slice){ NULL, 0 });
    }
    go_home(self, job);
}

/* The first follower that may still live leads on. */
static void promote(struct cache_worker *self, struct flight *flight)
{
    uint64_t now_ns = clock_ns();
    struct job *job = parked_pop(&flight->followers);
    while (job != NULL && job->deadline_ns <= now_ns) {
        expire(self, job);
        job = parked_pop(&flight->followers);
    }
    if (job == NULL) {
        flights_end(&self->flights, &flight);
        return;
    }
    flight->left_ns = now_ns;
    lead(self, job);
}

static void settle(struct cache_worker *self, struct job *leader)
{
    struct flight *flight = flights_find(&self->flights, leader);
    assert(flight != NULL);
    leader->cache.leads = false;
    struct parked waiting = flight->followers;
    flight->followers = (struct parked){ NULL, NULL };
    struct job *job;
    while ((job = parked_pop(&waiting)) != NULL) {
        if (flight_fits(flight, leader, job))
            share(self, leader, job);
        else
            parked_push(&flight->followers, &job);
    }
    promote(self, flight);
}

/* Hops -------------------------------------------------------------------- */

static bool is_bypassed(const struct cache_worker *self, const struct job *job)
{
    return self->settings.max_bytes == 0 || job->cache.key.len == 0 || job->cache.no_cache;
}

static uint64_t allowed_stale_ns(const struct cache_worker *self, const struct job *job)
{
    uint64_t ttl_ns = self->settings.ttl_ns;
    uint64_t stale_ns = self->settings.stale_ns < ttl_ns ? self->settings.stale_ns : ttl_ns;
    if (job->cache.max_stale_ms <= 0)
        return stale_ns;
    uint64_t wanted_ms = (uint64_t)job->cache.max_stale_ms;
    uint64_t wanted_ns = wanted_ms < ttl_ns / NS_PER_MS ? wanted_ms * NS_PER_MS : ttl_ns;
    return wanted_ns > stale_ns ? wanted_ns : stale_ns;
}

static void looked_up(struct cache_worker *self, struct job *job)
{
    switch (job->cache.result) {
    case CACHE_HIT:
        count(self, STATS_CACHE_HITS);
        go_home(self, job);
        break;
    case CACHE_STALE_HIT:
        count(self, STATS_CACHE_STALE_HITS);
        if (job->cache.old_ns >= self->settings.renew_ns)
            refresh(self, job);
        go_home(self, job);
        break;
    case CACHE_MISS:
        missed(self, job);
        break;
    default:
        count(self, is_bypassed(self, job) ? STATS_CACHE_BYPASSES : STATS_CACHE_ERRORS);
        go_on(self, job);
    }
}

/* A read that wants no cached answer still notes the generation: its own answer may be kept. */
static void get(struct cache_worker *self, struct job *job)
{
    job->cache.generation = 0;
    job->cache.leads = false;
    if (!is_bypassed(self, job)) {
        self->settings.ops->get(self->cache, job, allowed_stale_ns(self, job));
        return;
    }
    job->cache.result = CACHE_BYPASS;
    if (self->settings.max_bytes > 0 && job->cache.key.len > 0 && !job->cache.no_store)
        self->settings.ops->peek(self->cache, job);
    else
        looked_up(self, job);
}

/* Those who wait are answered first: a backend may take its time to put. */
static void put(struct cache_worker *self, struct job *job)
{
    if (job->cache.leads)
        settle(self, job);
    if (flight_is_whole(job) && job->cache.generation != 0)
        self->settings.ops->put(self->cache, job, allowed_stale_ns(self, job));
    else
        go_on(self, job);
}

/* Others may keep answers where this server keeps none. */
static void invalidate(struct cache_worker *self, struct job *job)
{
    bool changed = job->status == STATUS_OK || job->status == STATUS_OUTCOME_UNKNOWN;
    if (changed)
        self->settings.ops->bump(self->cache, job);
    else
        go_on(self, job);
}

static void ended(void *context, struct job *job)
{
    struct cache_worker *self = context;
    if (op_of(job) == OP_CACHE_GET)
        looked_up(self, job);
    else
        go_on(self, job);
}

static void start(struct cache_worker *self, struct job *job)
{
    switch (op_of(job)) {
    case OP_CACHE_GET:
        get(self, job);
        break;
    case OP_CACHE_PUT:
        put(self, job);
        break;
    default:
        assert(op_of(job) == OP_CACHE_INVALIDATE);
        invalidate(self, job);
    }
}

/* Stage ------------------------------------------------------------------- */

static void watch(void *context, int fd, short events)
{
    struct cache_worker *self = context;
    worker_watch(&self->worker, fd, events);
}

static int cache_open(struct worker *worker, struct error *error)
{
    struct cache_worker *self = self_of(worker);
    struct cache_settings settings = { .max_bytes = self->settings.max_bytes,
                                       .ttl_ns = self->settings.ttl_ns,
                                       .stats = worker->stats,
                                       .watch = watch,
                                       .remote = self->settings.remote };
    bool has_pump = self->settings.ops->pump != NULL;
    if (has_pump && worker_watch_open(worker) < 0)
        return error_set(error, 1, "cannot watch a connection of the cache: %s", strerror(errno));
    if (refreshes_init(&self->refreshes) < 0)
        return error_set(error, 1, "cannot start the cache: out of memory");
    if (self->settings.ops->open(&settings, ended, self, &self->cache, error) < 0) {
        refreshes_fini(&self->refreshes);
        return -1;
    }
    if (has_pump)
        self->backend_due_ns = worker->tick_ns = 0;
    return 0;
}

/* Behind each batch and in each tick: notes when the next tick is due. */
static void pump(struct cache_worker *self)
{
    if (self->settings.ops->pump != NULL)
        self->backend_due_ns = self->settings.ops->pump(self->cache);
    uint64_t due_ns = self->followers_due_ns;
    self->worker.tick_ns = self->backend_due_ns < due_ns ? self->backend_due_ns : due_ns;
}

static void cache_step(struct worker *worker, struct job *jobs[], unsigned n)
{
    struct cache_worker *self = self_of(worker);
    for (unsigned i = 0; i < n; i++)
        start(self, jobs[i]);
    pump(self);
}

/* Ends those past their deadline; returns the next deadline of one that stays. */
static uint64_t expire_followers(struct cache_worker *self, struct flight *flight, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    struct parked waiting = flight->followers;
    flight->followers = (struct parked){ NULL, NULL };
    struct job *job;
    while ((job = parked_pop(&waiting)) != NULL) {
        if (job->deadline_ns <= now_ns) {
            expire(self, job);
            continue;
        }
        next_ns = job->deadline_ns < next_ns ? job->deadline_ns : next_ns;
        parked_push(&flight->followers, &job);
    }
    return next_ns;
}

/* Runs only when a deadline has come that some follower had: at most once for each of them. */
static void expire_all_followers(struct cache_worker *self, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned i = 0; i < FLIGHT_BUCKETS && self->flights.n > 0; i++) {
        for (struct flight *flight = self->flights.buckets[i]; flight != NULL; flight = flight->next) {
            uint64_t flight_ns = expire_followers(self, flight, now_ns);
            next_ns = flight_ns < next_ns ? flight_ns : next_ns;
        }
    }
    self->followers_due_ns = next_ns;
}

static uint64_t cache_tick(struct worker *worker, uint64_t now_ns)
{
    struct cache_worker *self = self_of(worker);
    if (now_ns >= self->followers_due_ns)
        expire_all_followers(self, now_ns);
    pump(self);
    return worker->tick_ns;
}

static bool cache_awaits(const struct worker *worker)
{
    return refreshes_out(&((const struct cache_worker *)worker)->refreshes) > 0;
}

static void cache_close(struct worker *worker)
{
    struct cache_worker *self = self_of(worker);
    assert(self->flights.n == 0); /* every leader came back */
    self->settings.ops->close(&self->cache);
    refreshes_fini(&self->refreshes);
    outbox_flush(&worker->outbox);
}

const struct stage cache_stage = {
    .name = "cache",
    .id = STAGE_CACHE,
    .open = cache_open,
    .step = cache_step,
    .tick = cache_tick,
    .awaits = cache_awaits,
    .close = cache_close,
};

void cache_worker_init(struct cache_worker *worker, const struct cache_stage_settings *settings)
{
    *worker = (struct cache_worker){ .settings = *settings };
    worker->worker.stage = &cache_stage;
    worker->worker.tick_ns = UINT64_MAX;
    worker->followers_due_ns = UINT64_MAX;
    worker->backend_due_ns = UINT64_MAX;
}
