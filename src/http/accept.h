/* SPDX-License-Identifier: MIT */
/* accept: when a loop takes new connections: so many in a turn that a crowd of them is no stall for the others (a
 * millisecond of work), and none for a while when there is no memory for one. libuv holds the one that waits, and
 * listens on when it is taken. Loop thread. */
#pragma once

#include <stdbool.h>
#include <uv.h>

struct loop;

enum { ACCEPT_BACKLOG = 4096, ACCEPTS_A_TURN = 64 };

/* The listener's callback. */
void accept_connection(uv_stream_t *listener, int result);
/* Takes the connection that waits, when its time has come. */
void accept_when_due(struct loop *loop);
/* Whether one waits; others may wait behind it. */
bool accept_waits(const struct loop *loop);
