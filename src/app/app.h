/* SPDX-License-Identifier: MIT */
/* app: the server as a whole: who exists, who reaches whom, in which order they start and stop.
 *
 * All functions run on the boot thread. */
#pragma once

#include <telemetry/config.h>
#include <telemetry/status.h>

struct app;

/* Whether a server could have this configuration, as far as shows without opening anything. -1 with error
 * set and exit_code 78. */
MUST_CHECK int app_check(const struct config *config, struct error *error);

/* Opens the port and the store, starts all threads; when it returns the server answers. Gives *ret_app,
 * or -1 with error set and nothing left. Borrows config until app_stop(). */
MUST_CHECK int app_start(const struct config *config, struct app **ret_app, struct error *error);

/* Reads API_KEYS_FILE again; from then on its keys count. When it cannot be read those of before stay; the log
 * says which. */
void app_reload(struct app *app);

/* Drains and ends it: no new requests, answers for what was received whole, every thread joined, every
 * job home (asserted), the store closed cleanly. Takes *app. */
void app_stop(struct app **app);
