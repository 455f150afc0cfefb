/* SPDX-License-Identifier: MIT */
/* healthcheck: is the server of this configuration alive? For the HEALTHCHECK of a container, which then
 * needs no client program of its own. */
#pragma once

#include <telemetry/config.h>
#include <telemetry/status.h>

/* Asks /healthz where config says that the server listens, from this machine. 0 when it answers 200, else
 * -1 and error; it takes 2 s at most, apart from resolving a HOST that is a name. Any thread; borrows config. */
MUST_CHECK int healthcheck(const struct config *config, struct error *error);
