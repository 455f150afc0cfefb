/* SPDX-License-Identifier: MIT */
/* pump: sends and counts. runner_pump() runs whenever something happened - an answer came, the alarm rang, a
 * connection opened - and in between the thread sleeps.
 *
 * The connection that is idle longest is next. So requests go over all connections in turn, and the moment at which
 * it became idle is the first at which a request that had to wait could have been sent: what passes from there on
 * is the client's own lag. */
#include <stdio.h>

#include "run_state.h"

enum { START_DELAY_NS = 1000000 };

/* Sending ----------------------------------------------------------------- */
static void count_lag(struct runner *runner, const struct request *request, uint64_t idle_ns)
{
    bool waited = idle_ns > request->due_ns;
    runner->result->n_waited += waited;
    histogram_record(&runner->result->lag, request->sent_ns - (waited ? idle_ns : request->due_ns));
}

static void send_request(struct runner *runner, struct request request)
{
    struct connection *connection = idle_pop(&runner->idle);
    composer_write(&runner->composer, request.call, slice_of(connection->host->name), &connection->out, &request.id);
    request.sent_ns = uv_hrtime();
    if (request.measured)
        count_lag(runner, &request, connection->since_ns);
    connection->request = request;
    runner->n_busy++;
    connection_send(connection);
}

static void send_due(struct runner *runner)
{
    struct schedule *schedule = &runner->schedule;
    for (uint64_t now_ns = uv_hrtime(); idle_peek(&runner->idle) != NULL && schedule_has_next(schedule, now_ns);
         now_ns = uv_hrtime()) {
        uint64_t due_ns = schedule_next_due_ns(schedule, now_ns);
        if (due_ns > now_ns) {
            alarm_set(&runner->alarm, due_ns);
            return;
        }
        bool substituted;
        unsigned call = composer_choose(&runner->composer, &substituted);
        runner->result->n_substituted += substituted;
        schedule->next++;
        send_request(runner,
                     (struct request){ .call = call, .due_ns = due_ns, .measured = due_ns >= schedule->warm_ns });
    }
}

static void prepare(struct runner *runner)
{
    const struct scenario *scenario = runner->scenario;
    for (; idle_peek(&runner->idle) != NULL && runner->n_prepared < scenario->n_prepared; runner->n_prepared++)
        send_request(runner, (struct request){ .call = scenario->prepared, .due_ns = uv_hrtime() });
    if (runner->n_prepared < scenario->n_prepared || runner->n_busy > 0)
        return;
    schedule_start(&runner->schedule, uv_hrtime() + START_DELAY_NS, scenario->warm_up_s, scenario->duration_s);
    histogram_reset(&runner->result->second);
    runner->n_watches = 0;
    runner_enter(runner, PHASE_RUNNING);
    getrusage(RUSAGE_SELF, &runner->usage);
    runner->usage_ns = runner->phase_ns;
}

void runner_pump(struct runner *runner)
{
    if (runner->phase == PHASE_PREPARING)
        prepare(runner);
    if (runner->phase != PHASE_RUNNING)
        return;
    send_due(runner);
    if (runner->n_busy == 0 && !schedule_has_next(&runner->schedule, uv_hrtime()))
        runner_end(runner);
}

/* Counting ---------------------------------------------------------------- */
static void count_latency(struct runner *runner, const struct request *request, uint64_t now_ns)
{
    struct result *result = runner->result;
    histogram_record(&result->second, now_ns - request->due_ns);
    if (!request->measured)
        return;
    histogram_record(&result->calls[request->call].latency, now_ns - request->due_ns);
    histogram_record(&result->service, now_ns - request->sent_ns);
    runner->last_answer_ns = now_ns;
}

/* They have waited since they were due, and the histogram is told so: not sending must not look better. */
void runner_count_unsent(struct runner *runner, uint64_t now_ns)
{
    struct schedule *schedule = &runner->schedule;
    for (; schedule->rate > 0 && schedule_has_next(schedule, now_ns); schedule->next++) {
        bool substituted;
        unsigned call = composer_choose(&runner->composer, &substituted);
        uint64_t due_ns = schedule_next_due_ns(schedule, now_ns);
        result_count_fault(runner->result, call, FAULT_UNSENT, 1);
        if (due_ns >= schedule->warm_ns && due_ns <= now_ns)
            histogram_record(&runner->result->calls[call].latency, now_ns - due_ns);
    }
}

static void count_cached(struct call_result *counts, const struct field_value *status)
{
    enum cached cached = cached_of((struct slice){ status->text, status->len });
    if (cached != N_CACHED)
        counts->cached[cached]++;
}

/* What connections say ---------------------------------------------------- */
void runner_ready(struct connection *connection)
{
    struct runner *runner = connection->runner;
    idle_push(&runner->idle, connection);
    if (runner->phase == PHASE_CONNECTING && runner->idle.n == runner->scenario->connections)
        runner_enter(runner, PHASE_PREPARING);
    runner_pump(runner);
}

void runner_answered(struct connection *connection, int status, uint64_t now_ns)
{
    struct runner *runner = connection->runner;
    const struct request *request = &connection->request;
    const struct call *call = &runner->scenario->calls[request->call];
    struct call_result *counts = &runner->result->calls[request->call];
    runner->n_busy--;
    counts->statuses[status < STATUS_END ? status : STATUS_END - 1]++;
    if (!call_expects(call, status)) {
        result_count_fault(runner->result, request->call, FAULT_STATUS, 1);
        return;
    }
    if (call->needs_id && !slice_equal(call->method, SLICE("DELETE")))
        ids_put(&runner->ids, &request->id);
    counts->n_good += request->measured;
    if (request->measured)
        count_cached(counts, &connection->answer.cache_status);
    count_latency(runner, request, now_ns);
}

void runner_failed(struct connection *connection, enum fault fault)
{
    struct runner *runner = connection->runner;
    runner->n_busy--;
    result_count_fault(runner->result, connection->request.call, fault, 1);
    if (fault == FAULT_TIMEOUT)
        count_latency(runner, &connection->request, uv_hrtime());
}

void runner_connect_failed(struct connection *connection, int code)
{
    struct runner *runner = connection->runner;
    char why[400];
    runner->result->n_connects_failed++;
    snprintf(why, sizeof(why), "cannot connect to %s: %s", connection->host->name, uv_strerror(code));
    if (runner->phase == PHASE_CONNECTING)
        runner_give_up(runner, why);
}
