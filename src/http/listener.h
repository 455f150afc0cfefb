/* SPDX-License-Identifier: MIT */
/* listener: the listening sockets, made before any thread so that a taken port is one clear line. */
#pragma once

#include <stdbool.h>

#include <telemetry/status.h>

/* Binds n_sockets sockets to host and port (0: any free one, the same for all); more than one share
 * the port by SO_REUSEPORT, and the kernel spreads connections over them. Gives the descriptors in
 * ret_fds[] and the port. -1 with error set. */
MUST_CHECK int listener_open(const char *host, unsigned port, unsigned n_sockets, int ret_fds[], unsigned *ret_port,
                             struct error *error);
