/* SPDX-License-Identifier: MIT */
#include "http/accept.h"

#include <telemetry/clock.h>
#include <telemetry/stats.h>

#include "http/connection.h"
#include "http/loop.h"

enum { ACCEPT_AGAIN_MS = 100 };

static void accept_one(struct loop *loop)
{
    loop->n_accepts++;
    connection_accept(loop);
}

/* libuv does not listen on before the connection that it holds is accepted. */
static void accept_at(struct loop *loop, uint64_t when_ns)
{
    loop->accept_ns = when_ns;
    loop_arm_timer(loop);
}

/* At the limit on open files libuv itself closes the connections that wait, without a word. */
void accept_connection(uv_stream_t *listener, int result)
{
    struct loop *loop = listener->data;
    if (result != 0)
        stats_add(loop->stats, STATS_CONNECTIONS_REFUSED, 1);
    else if (loop->n_accepts == ACCEPTS_A_TURN)
        accept_at(loop, loop_now_ns(loop));
    else
        accept_one(loop);
}

void loop_accept_later(struct loop *loop)
{
    accept_at(loop, loop_now_ns(loop) + ACCEPT_AGAIN_MS * NS_PER_MS);
}

void accept_when_due(struct loop *loop)
{
    if (loop->accept_ns > loop_now_ns(loop))
        return;
    loop->accept_ns = UINT64_MAX;
    if (!uv_is_closing((uv_handle_t *)&loop->listener))
        accept_one(loop);
}

bool accept_waits(const struct loop *loop)
{
    return loop->accept_ns != UINT64_MAX;
}
