/* SPDX-License-Identifier: MIT */
/* watch: a thread that makes the store ready, and then keeps an eye on it.
 *
 * It looks at the store again and again: every now and then while it can be used, more often while it
 * cannot. So no worker waits for a server that is away: it asks mongo_failure() first. Looking is a
 * real read and a write that changes nothing; before the first success, and after a failure, the
 * indexes are seen to (setup.h). */
#pragma once

#include <telemetry/status.h>

struct store;
struct watch;

/* Boot thread. Gives *ret_watch, or -1 with error set. Keeps store until watch_stop(). */
MUST_CHECK int watch_start(struct store *store, struct watch **ret_watch, struct error *error);
/* Boot thread. Waits for the look under way. Takes *watch (NULL is allowed). */
void watch_stop(struct watch **watch);

/* Any thread. Makes it look now. */
void watch_wake(struct watch *watch);
