/* SPDX-License-Identifier: MIT */
/* cutting_proxy: stands between a client and a MongoDB server and cuts connections at a chosen moment of a
 * chosen call: before the server gets it, or after it was carried out and before its answer comes back.
 *
 * It runs on a thread of its own; all functions may be called on the test's. */
#pragma once

#include <stdbool.h>

struct cutting_proxy;

enum cut_moment { CUT_BEFORE_CALL, CUT_BEFORE_ANSWER };

/* Gives a proxy on a free port of the loopback in front of host:port; fails the test if it cannot. */
struct cutting_proxy *cutting_proxy_new(const char *host, unsigned port);
/* Cuts all connections. Takes *proxy. */
void cutting_proxy_free(struct cutting_proxy **proxy);
unsigned cutting_proxy_port(const struct cutting_proxy *proxy);

/* The next n calls of a command ("insert") are cut. */
void cutting_proxy_cut(struct cutting_proxy *proxy, const char *command, enum cut_moment moment, unsigned n);
/* How many were, since the last call of this function. */
unsigned cutting_proxy_cuts(struct cutting_proxy *proxy);

/* Away: every connection is cut, and new ones as soon as they are made. */
void cutting_proxy_go_away(struct cutting_proxy *proxy, bool away);
