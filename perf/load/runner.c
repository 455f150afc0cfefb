/* SPDX-License-Identifier: MIT */
/* runner: begins a run, watches over it ten times a second, and ends it. What is sent when is pump.c's. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>

#include "run_state.h"

enum { WATCH_MS = 100, WATCHES_IN_SECOND = 10, CONNECT_S = 10, PREPARE_S = 60 };

static double seconds(uint64_t from_ns, uint64_t to_ns)
{
    return ((double)to_ns - (double)from_ns) / 1e9;
}

void runner_enter(struct runner *runner, enum phase phase)
{
    runner->phase = phase;
    runner->phase_ns = uv_hrtime();
}

/* Ending ------------------------------------------------------------------ */
static void close_all(struct runner *runner)
{
    for (unsigned i = 0; i < runner->scenario->connections; i++)
        connection_close(&runner->connections[i], FAULT_TIMEOUT);
    alarm_close(&runner->alarm);
    uv_close((uv_handle_t *)&runner->watch, NULL);
}

static double cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void weigh_client(struct runner *runner, uint64_t now_ns)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    runner->result->client_cpu =
        (cpu_seconds(&usage) - cpu_seconds(&runner->usage)) / seconds(runner->usage_ns, now_ns);
    runner->result->client_mib = (double)usage.ru_maxrss / 1024;
}

/* From the end of the warm-up to the last answer; the whole duration, unless the run had its number of requests before.
 */
static double measured_seconds(const struct runner *runner)
{
    const struct schedule *schedule = &runner->schedule;
    double took_s = runner->last_answer_ns > 0 ? seconds(schedule->warm_ns, runner->last_answer_ns) : 0;
    bool had_all = schedule->limit > 0 && schedule->next >= schedule->limit && took_s > 0;
    return had_all || took_s > runner->scenario->duration_s ? took_s : runner->scenario->duration_s;
}

void runner_end(struct runner *runner)
{
    uint64_t now_ns = uv_hrtime();
    const struct schedule *schedule = &runner->schedule;
    if (runner->phase == PHASE_RUNNING) {
        weigh_client(runner, now_ns);
        runner_count_unsent(runner, now_ns);
    }
    close_all(runner); /* counts the requests under way */
    runner_enter(runner, PHASE_ENDED);
    if (runner->result->second.total > 0)
        result_end_interval(runner->result, seconds(schedule->start_ns, now_ns), 0);
    result_end(runner->result, measured_seconds(runner));
}

void runner_give_up(struct runner *runner, const char *why)
{
    fprintf(stderr, "load: %s\n", why);
    runner->failed = true;
    runner_end(runner);
}

/* Watching ---------------------------------------------------------------- */
static void report_second(struct runner *runner, uint64_t now_ns)
{
    struct result *result = runner->result;
    double at_s = seconds(runner->schedule.start_ns, now_ns);
    uint64_t backlog = schedule_backlog(&runner->schedule, now_ns);
    result_end_interval(result, at_s, backlog);
    if (!runner->settings->progress)
        return;
    const struct interval *last = &result->intervals[result->n_intervals - 1];
    fprintf(stderr, "%6.0f s %9llu/s answered  p50 %.2f  p99 %.2f  max %.2f ms  waiting %llu  errors %llu%s\n", at_s,
            (unsigned long long)last->n_answered, (double)last->p50_ns / 1e6, (double)last->p99_ns / 1e6,
            (double)last->max_ns / 1e6, (unsigned long long)backlog, (unsigned long long)result->n_errors,
            now_ns < runner->schedule.warm_ns ? "  (warming up)" : "");
}

static void check_limits(struct runner *runner, uint64_t now_ns)
{
    double phase_s = seconds(runner->phase_ns, now_ns);
    if (runner->phase == PHASE_CONNECTING && phase_s > CONNECT_S)
        runner_give_up(runner, "not all connections opened in time");
    else if (runner->phase == PHASE_PREPARING && phase_s > PREPARE_S)
        runner_give_up(runner, "`prepare` took more than a minute");
    else if (runner->phase == PHASE_RUNNING && seconds(runner->schedule.end_ns, now_ns) > runner->settings->drain_s)
        runner_end(runner);
}

static void watch_run(struct runner *runner, uint64_t now_ns)
{
    if (now_ns <= runner->schedule.warm_ns) {
        getrusage(RUSAGE_SELF, &runner->usage);
        runner->usage_ns = now_ns;
    }
    if (++runner->n_watches % WATCHES_IN_SECOND == 0)
        report_second(runner, now_ns);
}

static void on_watch(uv_timer_t *timer)
{
    struct runner *runner = timer->data;
    uint64_t now_ns = uv_hrtime(), timeout_ns = (uint64_t)(runner->settings->timeout_s * 1e9);
    for (unsigned i = 0; i < runner->scenario->connections && runner->phase != PHASE_ENDED; i++)
        connection_tend(&runner->connections[i], &runner->loop, now_ns, timeout_ns);
    if (runner->phase == PHASE_RUNNING)
        watch_run(runner, now_ns);
    check_limits(runner, now_ns);
    runner_pump(runner);
}

/* Beginning --------------------------------------------------------------- */
static void on_alarm(void *owner)
{
    runner_pump(owner);
}

static void open_connections(struct runner *runner)
{
    for (unsigned i = 0; i < runner->scenario->connections && runner->phase != PHASE_ENDED; i++) {
        struct connection *connection = &runner->connections[i];
        connection->runner = runner;
        connection->scenario = runner->scenario;
        connection->host = &runner->settings->hosts[i % runner->settings->n_hosts];
        connection->ids = &runner->ids;
        connection_open(connection, &runner->loop);
    }
}

static int begin(struct runner *runner)
{
    int code = uv_loop_init(&runner->loop);
    if (code != 0)
        return code;
    uv_timer_init(&runner->loop, &runner->watch);
    runner->watch.data = runner;
    code = alarm_open(&runner->alarm, &runner->loop, on_alarm, runner);
    if (code != 0)
        return code;
    uv_timer_start(&runner->watch, on_watch, WATCH_MS, WATCH_MS);
    runner_enter(runner, PHASE_CONNECTING);
    open_connections(runner);
    return 0;
}

static void runner_free(struct runner *runner)
{
    for (unsigned i = 0; i < runner->scenario->connections; i++)
        connection_free(&runner->connections[i]);
    free(runner->connections);
    idle_free(&runner->idle);
    composer_free(&runner->composer);
    ids_free(&runner->ids);
    free(runner);
}

int runner_run(const struct scenario *scenario, const struct settings *settings, struct result *result)
{
    struct runner *runner = zeroed(1, sizeof(*runner));
    runner->scenario = scenario;
    runner->settings = settings;
    runner->result = result;
    runner->schedule.rate = scenario->rate;
    runner->schedule.limit = settings->n_requests;
    runner->connections = zeroed(scenario->connections, sizeof(*runner->connections));
    idle_init(&runner->idle, scenario->connections);
    ids_init(&runner->ids, settings->seed);
    composer_init(&runner->composer, scenario, &runner->ids, settings->seed);
    runner->composer.headers = settings->headers;
    int code = begin(runner);
    if (code != 0) {
        fprintf(stderr, "load: cannot start: %s\n", uv_strerror(code));
        exit(1);
    }
    uv_run(&runner->loop, UV_RUN_DEFAULT);
    uv_loop_close(&runner->loop);
    code = runner->failed ? -1 : 0;
    runner_free(runner);
    return code;
}
