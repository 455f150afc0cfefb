/* SPDX-License-Identifier: MIT */
/* routes: the whole API on one screen. */
#pragma once

#include <stddef.h>

#include <telemetry/route.h>

extern const struct route routes[];
extern const size_t n_routes;
