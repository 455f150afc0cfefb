/* SPDX-License-Identifier: MIT */
#include "http/drain.h"

#include <telemetry/job.h>

#include "http/accept.h"
#include "http/connection.h"
#include "http/loop.h"

/* So many turns accept whoever has connected when the drain begins, if the backlog is full; those who come later do not
 * keep the listener open. */
enum { ACCEPTING_POLLS_MAX = ACCEPT_BACKLOG / ACCEPTS_A_TURN };

static bool has_drained(const struct loop *loop)
{
    return loop->n_connections == 0 && job_pool_in_use(loop->pool) == 0;
}

/* At the end of the drain time whoever is left is closed. The loop itself stays until the last job is
 * home: the stages, which end behind it, would have nowhere to send it. */
void drain_further(struct loop *loop)
{
    if (has_drained(loop)) {
        loop_close_handles(loop);
        return;
    }
    if (loop_now_ns(loop) < loop->drain_until_ns)
        return;
    while (loop->connections != NULL)
        connection_close(loop->connections);
}

static void drain_connections(struct loop *loop)
{
    loop->draining = true;
    loop->timer_ns = UINT64_MAX;
    for (struct connection *connection = loop->connections; connection != NULL;) {
        struct connection *later = connection->later;
        connection_drain(connection);
        connection = later;
    }
    loop_arm_timer(loop);
}

static void on_drain_turn(uv_timer_t *timer);

/* Goes on behind n_polls whole polls. A timer alone is no sign of one: when a turn took long, it fires before. */
static void drain_behind(struct loop *loop, uint64_t n_polls)
{
    loop->drain_poll = n_polls;
    uv_timer_start(&loop->timer, on_drain_turn, 1, 0);
}

/* The loop's timer, which accepts who waits, is the drain's by now. */
static bool goes_on_accepting(const struct loop *loop)
{
    return accept_waits(loop) && loop->n_polls < loop->drain_accepts_until && loop_now_ns(loop) < loop->drain_until_ns;
}

/* A poll accepts whoever has connected, as many as a turn accepts; the one behind the last of these reads what all have
 * sent. */
static void on_drain_turn(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    if (loop->n_polls < loop->drain_poll) {
        drain_behind(loop, loop->drain_poll);
    } else if (uv_is_closing((uv_handle_t *)&loop->listener)) {
        drain_connections(loop);
    } else if (goes_on_accepting(loop)) {
        accept_when_due(loop);
        drain_behind(loop, loop->n_polls + 1);
    } else {
        uv_close((uv_handle_t *)&loop->listener, NULL);
        drain_behind(loop, loop->n_polls + 1);
    }
}

/* The poll under way does not count. */
void drain_begin(struct loop *loop)
{
    loop->drain_until_ns = loop_now_ns(loop) + loop->settings->drain_ns;
    loop->drain_accepts_until = loop->n_polls + 2 + ACCEPTING_POLLS_MAX;
    drain_behind(loop, loop->n_polls + 2);
}
