/* SPDX-License-Identifier: MIT */
/* cutting_relay: stands between a client and a server on the loopback, hands bytes on in pieces, and cuts each
 * connection when the server has sent so many bytes. It runs on a thread of its own. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct cutting_relay {
    int listener;
    unsigned port, server_port;
    size_t piece_bytes;         /* at most so many at once */
    atomic_size_t cut_at_bytes; /* SIZE_MAX: never */
    atomic_uint n_cuts;
    atomic_bool stopping;
    pthread_t thread;
};

/* Takes connections on a free port, one at a time. */
void cutting_relay_start(struct cutting_relay *relay, unsigned server_port, size_t piece_bytes, size_t cut_at_bytes);
void cutting_relay_stop(struct cutting_relay *relay);
