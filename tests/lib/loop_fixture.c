/* SPDX-License-Identifier: MIT */
#include "loop_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>

#include "http/listener.h"

enum { HELD_MAX = 256, PATIENCE_S = 20, LANE_LOOP = 0, LANE_STAGE = 1, N_LANES = 2, A_BATCH = 64 };

struct loop_fixture {
    struct loop loop;
    struct http_settings settings;
    struct stats_registry registry;
    struct topology topology;
    unsigned port;
    bool draining;
    bool joined;
    /* of a loop that rests */
    uv_check_t rest;
    sem_t rests, goes_on;
    /* the stage */
    pthread_t thread;
    struct inbox *inbox;
    struct outbox outbox;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    struct job *held[HELD_MAX];
    unsigned n_held;
    const char *release; /* NULL, or what the stage shall let go */
    unsigned n_released;
    bool stopping;
    bool holds_nothing;
};

/* The stage ----------------------------------------------------------------- */

static struct slice letters(struct job *job, size_t n)
{
    char *text = arena_alloc(&job->arena, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + i % 26);
    return (struct slice){ text, n };
}

static struct slice echo(struct job *job)
{
    struct text text = text_in(&job->arena, 64);
    text_append(&text, job->request.target.data, job->request.target.len);
    text_literal(&text, ":");
    text_append(&text, job->request.body.data, job->request.body.len);
    return text_slice(&text);
}

static void answer_in_two(struct job *job)
{
    struct slice target = job->request.target;
    job->reply.lead = SLICE("lead:");
    job->reply.body = (struct slice){ target.data + 6, target.len - 6 };
}

static struct slice who(struct job *job)
{
    const struct job_access *access = &job->access;
    struct text text = text_in(&job->arena, 64);
    text_printf(&text, "%s:%.*s:%.*s", role_name(access->role), (int)access->key.len, access->key.data,
                (int)access->prefix.len, access->prefix.data);
    return text_slice(&text);
}

static void answer(struct loop_fixture *fixture, struct job *job)
{
    struct slice target = job->request.target;
    job->reply.http = 200;
    job->reply.media = MEDIA_JSON;
    if (slice_starts_with(target, SLICE("/big/")))
        job->reply.body = letters(job, strtoul(target.data + 5, NULL, 10));
    else if (slice_starts_with(target, SLICE("/lead/")))
        answer_in_two(job);
    else if (slice_equal(target, SLICE("/who")))
        job->reply.body = who(job);
    else if (slice_equal(target, SLICE("/fail")))
        job_fail(job, STATUS_NOT_FOUND, SLICE("it failed"));
    else
        job->reply.body = echo(job);
    job_done(&fixture->outbox, &job);
}

static void take(struct loop_fixture *fixture, struct job *job)
{
    if (!slice_starts_with(job->request.target, SLICE("/hold"))) {
        answer(fixture, job);
        return;
    }
    pthread_mutex_lock(&fixture->mutex);
    if (fixture->holds_nothing) {
        pthread_mutex_unlock(&fixture->mutex);
        answer(fixture, job);
        return;
    }
    assert(fixture->n_held < HELD_MAX);
    fixture->held[fixture->n_held++] = job;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->mutex);
}

static void let_go(struct loop_fixture *fixture)
{
    unsigned n = 0;
    pthread_mutex_lock(&fixture->mutex);
    for (unsigned i = 0; i < fixture->n_held; i++) {
        struct job *job = fixture->held[i];
        if (fixture->release[0] != '\0' && !slice_equal(job->request.target, slice_of(fixture->release)))
            fixture->held[n++] = job;
        else
            answer(fixture, job);
    }
    fixture->n_released = fixture->n_held - n;
    fixture->n_held = n;
    fixture->release = NULL;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->mutex);
}

static void read_orders(struct loop_fixture *fixture, bool *ret_releasing, bool *ret_stopping)
{
    pthread_mutex_lock(&fixture->mutex);
    *ret_releasing = fixture->release != NULL;
    *ret_stopping = fixture->stopping;
    pthread_mutex_unlock(&fixture->mutex);
}

/* Orders are read before the inbox and obeyed behind it: they hold for every job that came before them. */
static void *stage_main(void *context)
{
    struct loop_fixture *fixture = context;
    for (;;) {
        struct job *jobs[A_BATCH];
        bool releasing, stopping;
        uint32_t ticket = inbox_ticket(fixture->inbox);
        read_orders(fixture, &releasing, &stopping);
        unsigned n = inbox_drain(fixture->inbox, jobs, A_BATCH);
        fixture->outbox.now_ns = clock_ns();
        for (unsigned i = 0; i < n; i++)
            take(fixture, jobs[i]);
        if (releasing && n == 0)
            let_go(fixture);
        outbox_flush(&fixture->outbox);
        if (n > 0 || releasing)
            continue;
        if (stopping)
            return NULL;
        inbox_wait(fixture->inbox, ticket, UINT64_MAX);
    }
}

/* Start and stop ------------------------------------------------------------ */

struct http_settings loop_fixture_settings(void)
{
    const uint64_t long_ns = 100 * NS_PER_S;
    return (struct http_settings){ .connections_max = 64,
                                   .share_max = UINT_MAX,
                                   .shares_max = UINT_MAX,
                                   .pipeline_max = 8,
                                   .head = { .target_max_bytes = 1024, .head_max_bytes = 4096, .fields_max = 20 },
                                   .body_max_bytes = 100000,
                                   .body_budget_bytes = 8 << 20,
                                   .head_ns = long_ns,
                                   .body_ns = long_ns,
                                   .idle_ns = long_ns,
                                   .write_ns = long_ns,
                                   .request_ns = long_ns,
                                   .drain_ns = long_ns };
}

static void rest(uv_check_t *check)
{
    struct loop_fixture *fixture = check->data;
    if (fixture->loop.drain_until_ns == 0)
        return;
    sem_post(&fixture->rests);
    sem_wait(&fixture->goes_on);
    uv_close((uv_handle_t *)check, NULL);
}

static struct loop_fixture *start(const struct http_settings *settings, unsigned n_jobs, bool rests)
{
    struct loop_fixture *fixture = calloc(1, sizeof(*fixture));
    struct error error;
    int fd;
    assert_non_null(fixture);
    struct loop *loop = &fixture->loop;
    fixture->settings = *settings;
    pthread_mutex_init(&fixture->mutex, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    stats_registry_init(&fixture->registry, "none", "none");
    loop->stats = stats_new(&fixture->registry);
    loop->pool = job_pool_new(n_jobs, 0);
    loop->inbox = inbox_new(N_LANES, n_jobs, loop_wake, loop);
    fixture->inbox = inbox_new(N_LANES, n_jobs, NULL, NULL);
    fixture->topology.stages[STAGE_PARSER][0] = fixture->inbox;
    fixture->topology.n_workers[STAGE_PARSER] = 1;
    fixture->topology.loops[0] = loop->inbox;
    fixture->topology.n_loops = 1;
    outbox_init(&loop->outbox, &fixture->topology, LANE_LOOP, loop->stats);
    outbox_init(&fixture->outbox, &fixture->topology, LANE_STAGE, NULL);
    assert_int_equal(listener_open("127.0.0.1", 0, 1, &fd, &fixture->port, &error), 0);
    assert_int_equal(loop_open(loop, &fixture->settings, fd, &error), 0);
    sem_init(&fixture->rests, 0, 0);
    sem_init(&fixture->goes_on, 0, 0);
    fixture->rest.data = fixture;
    if (rests) {
        uv_check_init(&loop->uv, &fixture->rest);
        uv_check_start(&fixture->rest, rest);
    }
    assert_int_equal(pthread_create(&fixture->thread, NULL, stage_main, fixture), 0);
    assert_int_equal(loop_start(loop, &error), 0);
    return fixture;
}

struct loop_fixture *loop_fixture_start(const struct http_settings *settings, unsigned n_jobs)
{
    return start(settings, n_jobs, false);
}

struct loop_fixture *loop_fixture_start_resting(const struct http_settings *settings, unsigned n_jobs)
{
    return start(settings, n_jobs, true);
}

void loop_fixture_await_rest(struct loop_fixture *fixture)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    assert_int_equal(sem_timedwait(&fixture->rests, &until), 0);
}

void loop_fixture_go_on(struct loop_fixture *fixture)
{
    sem_post(&fixture->goes_on);
}

unsigned loop_fixture_port(const struct loop_fixture *fixture)
{
    return fixture->port;
}

void loop_fixture_set_access(struct loop_fixture *fixture, struct access **access)
{
    loop_set_access(&fixture->loop, access);
}

void loop_fixture_drain(struct loop_fixture *fixture)
{
    if (!fixture->draining)
        loop_drain(&fixture->loop);
    fixture->draining = true;
}

void loop_fixture_join(struct loop_fixture *fixture)
{
    if (!fixture->joined)
        loop_join(&fixture->loop);
    fixture->joined = true;
}

void loop_fixture_stop(struct loop_fixture **place)
{
    struct loop_fixture *fixture = *place;
    struct loop *loop = &fixture->loop;
    pthread_mutex_lock(&fixture->mutex);
    fixture->holds_nothing = true; /* the loop waits for the last job */
    pthread_mutex_unlock(&fixture->mutex);
    loop_fixture_release(fixture, "");
    loop_fixture_drain(fixture);
    loop_fixture_join(fixture);
    pthread_mutex_lock(&fixture->mutex);
    fixture->stopping = true;
    pthread_mutex_unlock(&fixture->mutex);
    inbox_wake(fixture->inbox);
    pthread_join(fixture->thread, NULL);
    loop_close(loop);
    assert_int_equal(job_pool_in_use(loop->pool), 0);
    assert_int_equal(loop->budget_used, 0);
    assert_int_equal(loop->n_connections, 0);
    assert_null(loop->oldest);
    assert_null(loop->newest);
    inbox_free(&loop->inbox);
    inbox_free(&fixture->inbox);
    job_pool_free(&loop->pool);
    stats_registry_fini(&fixture->registry);
    sem_destroy(&fixture->rests);
    sem_destroy(&fixture->goes_on);
    pthread_cond_destroy(&fixture->changed);
    pthread_mutex_destroy(&fixture->mutex);
    free(fixture);
    *place = NULL;
}

/* Orders and conditions ----------------------------------------------------- */

static struct timespec patience(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return until;
}

void loop_fixture_await_held(struct loop_fixture *fixture, unsigned n)
{
    struct timespec until = patience();
    int result = 0;
    pthread_mutex_lock(&fixture->mutex);
    while (fixture->n_held != n && result == 0)
        result = pthread_cond_timedwait(&fixture->changed, &fixture->mutex, &until);
    unsigned n_held = fixture->n_held;
    pthread_mutex_unlock(&fixture->mutex);
    assert_int_equal(n_held, n);
}

unsigned loop_fixture_release(struct loop_fixture *fixture, const char *target)
{
    struct timespec until = patience();
    int result = 0;
    pthread_mutex_lock(&fixture->mutex);
    fixture->release = target;
    inbox_wake(fixture->inbox);
    while (fixture->release != NULL && result == 0)
        result = pthread_cond_timedwait(&fixture->changed, &fixture->mutex, &until);
    unsigned n = fixture->n_released;
    pthread_mutex_unlock(&fixture->mutex);
    assert_int_equal(result, 0);
    return n;
}

uint64_t loop_fixture_counter(const struct loop_fixture *fixture, enum stats_counter counter)
{
    return atomic_load_explicit(&fixture->loop.stats->counters[counter], memory_order_relaxed);
}

void loop_fixture_await_counter(struct loop_fixture *fixture, enum stats_counter counter, uint64_t value)
{
    uint64_t until_ns = clock_ns() + PATIENCE_S * NS_PER_S;
    while (loop_fixture_counter(fixture, counter) < value && clock_ns() < until_ns)
        usleep(500);
    assert_in_range(loop_fixture_counter(fixture, counter), value, UINT64_MAX);
}

int64_t loop_fixture_gauge(const struct loop_fixture *fixture, enum stats_gauge gauge)
{
    return atomic_load_explicit(&fixture->loop.stats->gauges[gauge], memory_order_relaxed);
}

void loop_fixture_await_gauge(struct loop_fixture *fixture, enum stats_gauge gauge, int64_t value)
{
    uint64_t until_ns = clock_ns() + PATIENCE_S * NS_PER_S;
    while (loop_fixture_gauge(fixture, gauge) != value && clock_ns() < until_ns)
        usleep(500);
    assert_int_equal(loop_fixture_gauge(fixture, gauge), value);
}
