/* SPDX-License-Identifier: MIT */
/* loop: a turn polls, reads, makes jobs, takes answers; before the next poll it wakes the stages that
 * were sent something and writes the answers whose turn it is. How it ends stands in drain.h. */
#include "http/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "http/accept.h"
#include "http/audit.h"
#include "http/connection.h"
#include "http/drain.h"

enum {
    ANSWERS_A_TURN = 256,
    TIME_OUTS_A_TURN = 32, /* a crowd whose time is over does not stall the others: a millisecond of work */
    LINGER_MS = 1000,
    BODY_LOOK_MS = 1000,
    EXPIRY_GRACE_MS = 250 /* the stages' own word on an expired request comes first */
};

uint64_t loop_now_ns(const struct loop *loop)
{
    return uv_now(&loop->uv) * NS_PER_MS;
}

/* Requests under way -------------------------------------------------------- */

void loop_submit(struct loop *loop, struct job **job_place)
{
    struct job *job = *job_place;
    job->home.number = ++loop->n_requests;
    job->home.received_ns = clock_ns();
    job->home.away = true;
    job->deadline_ns = job->home.received_ns + loop->settings->request_ns;
    job->worker_hash = job->home.connection->number;
    job->home.later = NULL;
    job->home.earlier = loop->newest;
    if (loop->newest != NULL)
        loop->newest->home.later = job;
    else
        loop->oldest = job;
    loop->newest = job;
    stats_add(loop->stats, STATS_REQUESTS, 1);
    loop->outbox.now_ns = job->home.received_ns;
    job_start(&loop->outbox, job_place);
    loop_arm_timer(loop);
}

void loop_unlink_request(struct loop *loop, struct job *job)
{
    if (job->home.earlier != NULL)
        job->home.earlier->home.later = job->home.later;
    else
        loop->oldest = job->home.later;
    if (job->home.later != NULL)
        job->home.later->home.earlier = job->home.earlier;
    else
        loop->newest = job->home.earlier;
}

static uint64_t expiry_ns(const struct loop *loop, const struct job *job)
{
    return job->home.received_ns + loop->settings->request_ns + EXPIRY_GRACE_MS * NS_PER_MS;
}

void loop_recycle(struct loop *loop, struct job *job)
{
    if (job->arena.overflow_bytes > 0)
        stats_add(loop->stats, STATS_ARENA_OVERFLOWS, 1);
    loop_budget_give(loop, BUDGET_BODIES, job->home.body_block_bytes);
    loop->n_shares[job->home.share]--;
    job_pool_put(loop->pool, &job);
}

/* A job has come home: to its place in a pipeline, or to nobody. */
static void take_home(struct loop *loop, struct job *job)
{
    job->home.away = false;
    audit(job);
    if (job->home.connection == NULL) {
        loop_recycle(loop, job);
        return;
    }
    if (job->home.expired)
        return; /* its 504 waits in the pipeline */
    loop_unlink_request(loop, job);
    connection_answered(job->home.connection, job);
}

static void take_answers(struct loop *loop)
{
    struct job *jobs[ANSWERS_A_TURN];
    unsigned n;
    while ((n = inbox_drain(loop->inbox, jobs, ANSWERS_A_TURN)) > 0)
        for (unsigned i = 0; i < n; i++)
            take_home(loop, jobs[i]);
}

/* Turns --------------------------------------------------------------------- */

void loop_mark_dirty(struct loop *loop, struct connection *connection)
{
    if (connection->dirty)
        return;
    connection->dirty = true;
    connection->next_dirty = loop->dirty;
    loop->dirty = connection;
}

static void flush_dirty(struct loop *loop)
{
    while (loop->dirty != NULL) {
        struct connection *connection = loop->dirty;
        loop->dirty = connection->next_dirty;
        connection->dirty = false;
        connection_flush(connection);
    }
}

void loop_close_handles(struct loop *loop)
{
    uv_handle_t *handles[] = { (uv_handle_t *)&loop->listener, (uv_handle_t *)&loop->wake,
                               (uv_handle_t *)&loop->prepare, (uv_handle_t *)&loop->check,
                               (uv_handle_t *)&loop->timer };
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
}

/* Twice a turn: behind the timers and behind the poll, and so before closed connections are freed. */
static void turn(struct loop *loop)
{
    take_answers(loop);
    flush_dirty(loop);
    outbox_flush(&loop->outbox);
    stats_set(loop->stats, STATS_GAUGE_JOBS_IN_USE, job_pool_in_use(loop->pool));
    stats_set(loop->stats, STATS_GAUGE_BODY_BYTES, (int64_t)loop->budget_used);
    if (loop->draining)
        drain_further(loop);
}

static void on_prepare(uv_prepare_t *prepare)
{
    turn(prepare->data);
}

static void on_check(uv_check_t *check)
{
    struct loop *loop = check->data;
    turn(loop);
    loop->n_accepts = 0;
    loop->n_polls++;
}

static void take_access(struct loop *loop)
{
    struct access *next = atomic_exchange_explicit(&loop->next_access, NULL, memory_order_acquire);
    if (next == NULL)
        return;
    access_release(&loop->access);
    loop->access = next;
}

void loop_set_access(struct loop *loop, struct access **access)
{
    struct access *unused = atomic_exchange_explicit(&loop->next_access, *access, memory_order_acq_rel);
    *access = NULL;
    access_release(&unused);
    uv_async_send(&loop->wake);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    take_access(loop);
    if (atomic_load_explicit(&loop->drain, memory_order_acquire) && loop->drain_until_ns == 0)
        drain_begin(loop);
}

void loop_wake(void *context)
{
    struct loop *loop = context;
    uv_async_send(&loop->wake);
}

/* Time-outs ----------------------------------------------------------------- */

static void expire_requests(struct loop *loop)
{
    while (loop->oldest != NULL && expiry_ns(loop, loop->oldest) <= loop_now_ns(loop)) {
        struct job *job = loop->oldest;
        loop_unlink_request(loop, job);
        job->home.expired = true;
        stats_add(loop->stats, STATS_TIMEOUT_REQUEST, 1);
        connection_answered(job->home.connection, job);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    struct wait *wait;
    loop->timer_ns = UINT64_MAX;
    for (unsigned n = 0; n < TIME_OUTS_A_TURN && (wait = waits_due(&loop->waits, loop_now_ns(loop))) != NULL; n++)
        connection_timed_out(wait);
    expire_requests(loop);
    accept_when_due(loop);
    loop_arm_timer(loop);
}

void loop_arm_timer(struct loop *loop)
{
    uint64_t next_ns = waits_next_ns(&loop->waits);
    if (loop->oldest != NULL && expiry_ns(loop, loop->oldest) < next_ns)
        next_ns = expiry_ns(loop, loop->oldest);
    if (loop->draining && loop->drain_until_ns > loop_now_ns(loop) && loop->drain_until_ns < next_ns)
        next_ns = loop->drain_until_ns;
    if (loop->accept_ns < next_ns)
        next_ns = loop->accept_ns;
    if (next_ns >= loop->timer_ns || (loop->drain_until_ns != 0 && !loop->draining))
        return;
    loop->timer_ns = next_ns;
    uint64_t now_ns = loop_now_ns(loop), left_ns = next_ns <= now_ns ? 0 : next_ns - now_ns;
    /* what is due already comes behind a poll, unless the turn is long */
    uv_timer_start(&loop->timer, on_timer, left_ns / NS_PER_MS + 1, 0);
}

/* Date ---------------------------------------------------------------------- */

const char *loop_date(struct loop *loop)
{
    time_t now = time(NULL);
    if ((uint64_t)now != loop->date_second) {
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(loop->date, sizeof(loop->date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
        loop->date_second = (uint64_t)now;
    }
    return loop->date;
}

/* Life ---------------------------------------------------------------------- */

static void set_durations(struct loop *loop)
{
    loop->waits.duration_ns[WAIT_IDLE] = loop->settings->idle_ns;
    loop->waits.duration_ns[WAIT_HEAD] = loop->settings->head_ns;
    loop->waits.duration_ns[WAIT_BODY] = BODY_LOOK_MS * NS_PER_MS;
    if (loop->settings->body_ns < loop->waits.duration_ns[WAIT_BODY])
        loop->waits.duration_ns[WAIT_BODY] = loop->settings->body_ns;
    loop->waits.duration_ns[WAIT_WRITE] = loop->settings->write_ns;
    loop->waits.duration_ns[WAIT_LINGER] = LINGER_MS * NS_PER_MS;
}

int loop_open(struct loop *loop, const struct http_settings *settings, int fd, struct error *error)
{
    loop->settings = settings;
    loop->timer_ns = loop->accept_ns = UINT64_MAX;
    set_durations(loop);
    if (getrandom(&loop->id_prefix, sizeof(loop->id_prefix), 0) != (ssize_t)sizeof(loop->id_prefix))
        loop->id_prefix = (uint32_t)clock_ns();
    int result = uv_loop_init(&loop->uv);
    if (result == 0)
        result = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (result == 0)
        result = uv_tcp_init(&loop->uv, &loop->listener);
    if (result == 0)
        result = uv_tcp_open(&loop->listener, fd);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&loop->listener, ACCEPT_BACKLOG, accept_connection);
    if (result != 0)
        return error_set(error, 1, "cannot listen: %s", uv_strerror(result));
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_timer_init(&loop->uv, &loop->timer);
    loop->listener.data = loop->wake.data = loop->prepare.data = loop->check.data = loop->timer.data = loop;
    return 0;
}

static void *loop_main(void *context)
{
    struct loop *loop = context;
    sigset_t pipe_signal; /* libuv writes to clients that are gone, too */
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    pthread_setname_np(pthread_self(), "loop");
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    take_access(loop); /* no request comes before the keys that were set at boot */
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    return NULL;
}

int loop_start(struct loop *loop, struct error *error)
{
    if (pthread_create(&loop->thread, NULL, loop_main, loop) == 0)
        return 0;
    return error_set(error, 1, "cannot start a loop thread: check the limit on processes (ulimit -u)");
}

void loop_drain(struct loop *loop)
{
    atomic_store_explicit(&loop->drain, true, memory_order_release);
    uv_async_send(&loop->wake);
}

void loop_join(struct loop *loop)
{
    pthread_join(loop->thread, NULL);
}

void loop_close(struct loop *loop)
{
    loop_close_handles(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    take_answers(loop);
    take_access(loop);
    access_release(&loop->access);
    uv_loop_close(&loop->uv);
}
