/* SPDX-License-Identifier: MIT */
/* drain: how a loop ends. Whoever has connected is accepted, the listener closes, one more turn reads what the kernel
 * still held, then no connection takes requests any more; the loop ends when the last connection and job are gone, or
 * closes connections at the end of its time. Loop thread. */
#pragma once

struct loop;

/* Begins, in a poll. */
void drain_begin(struct loop *loop);
/* Ends the loop when nothing is left of it; at the end of the drain time closes whoever is. Once connections know. */
void drain_further(struct loop *loop);
