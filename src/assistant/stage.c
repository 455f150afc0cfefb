/* SPDX-License-Identifier: MIT */
#include "assistant/stage.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>

#include "assistant/request.h"

static void count(struct assistant_worker *self, enum stats_counter counter)
{
    stats_add(self->worker.stats, counter, 1);
}

/* Starting ------------------------------------------------------------------ */

static struct call *free_call(struct assistant_worker *self)
{
    for (unsigned i = 0; i < ASSISTANT_CALLS; i++)
        if (self->calls[i].job == NULL)
            return &self->calls[i];
    return NULL;
}

static bool ask(struct assistant_worker *self, struct job *job)
{
    uint64_t now_ns = clock_ns(), limit_ns = self->settings.timeout_ns;
    struct call *call = free_call(self);
    if (call == NULL || job->deadline_ns < now_ns + NS_PER_MS)
        return false;
    if (job->deadline_ns - now_ns < limit_ns)
        limit_ns = job->deadline_ns - now_ns;
    struct slice body = request_body(self->settings.model, job->inquiry, job->catalogue, &job->arena);
    return body.data != NULL && call_start(call, job, body, limit_ns);
}

static void assistant_step(struct worker *worker, struct job *jobs[], unsigned n)
{
    struct assistant_worker *self = (struct assistant_worker *)worker;
    for (unsigned i = 0; i < n; i++) {
        jobs[i]->inquiry->advice = (struct slice){ NULL, 0 };
        if (ask(self, jobs[i]))
            continue;
        count(self, STATS_ASSISTANT_SKIPPED);
        job_next(&worker->outbox, &jobs[i]);
    }
    worker->tick_ns = 0; /* calls that were added want to be run */
}

/* Ending -------------------------------------------------------------------- */

static enum stats_counter counter_of(enum call_end end)
{
    static const enum stats_counter counters[] = { [CALL_ANSWERED] = STATS_ASSISTANT_ANSWERED,
                                                   [CALL_REFUSED] = STATS_ASSISTANT_REFUSED,
                                                   [CALL_TIMED_OUT] = STATS_ASSISTANT_TIMED_OUT,
                                                   [CALL_FAILED] = STATS_ASSISTANT_FAILED };
    return counters[end];
}

static void deliver(struct assistant_worker *self, struct call *call, enum call_end end, const char *reason)
{
    struct job *job = call->job;
    call->job = NULL;
    count(self, counter_of(end));
    if (end == CALL_ANSWERED)
        job->inquiry->advice = arena_copy(&job->arena, (struct slice){ call->answer, call->answer_bytes });
    else
        log_warn("the language model gave no plan", "reason", reason);
    job_next(&self->worker.outbox, &job);
}

static uint64_t assistant_tick(struct worker *worker, uint64_t now_ns)
{
    struct assistant_worker *self = (struct assistant_worker *)worker;
    enum call_end end;
    const char *reason;
    struct call *call;
    call_hub_run(&self->hub, now_ns);
    while ((call = call_hub_ended(&self->hub, &end, &reason)) != NULL)
        deliver(self, call, end, reason);
    return self->hub.due_ns;
}

/* Opening and closing -------------------------------------------------------- */

/* Frees calls[0..n) and the hub. */
static void close_calls(struct assistant_worker *self, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        call_close(&self->calls[i]);
    call_hub_close(&self->hub);
}

static int assistant_open(struct worker *worker, struct error *error)
{
    struct assistant_worker *self = (struct assistant_worker *)worker;
    const struct call_settings settings = { .base_url = self->settings.base_url, .api_key = self->settings.api_key };
    if (worker_watch_open(worker) < 0)
        return error_set(error, 1, "cannot watch connections of the assistant: %s", strerror(errno));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return error_set(error, 1, "libcurl does not start");
    if (call_hub_open(&self->hub, error) != 0)
        return -1;
    for (unsigned i = 0; i < ASSISTANT_CALLS; i++) {
        if (call_open(&self->calls[i], &self->hub, &settings, error) == 0)
            continue;
        close_calls(self, i + 1);
        return -1;
    }
    worker_watch(worker, self->hub.poll_fd, POLLIN);
    return 0;
}

/* All jobs are home, so no call is under way. */
static void assistant_close(struct worker *worker)
{
    close_calls((struct assistant_worker *)worker, ASSISTANT_CALLS);
}

const struct stage assistant_stage = { .name = "assistant",
                                       .id = STAGE_ASSISTANT,
                                       .open = assistant_open,
                                       .step = assistant_step,
                                       .tick = assistant_tick,
                                       .close = assistant_close };

void assistant_worker_init(struct assistant_worker *worker, const struct assistant_settings *settings)
{
    *worker = (struct assistant_worker){ .worker = { .stage = &assistant_stage, .tick_ns = UINT64_MAX },
                                         .settings = *settings };
}
