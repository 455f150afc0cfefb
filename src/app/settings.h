/* SPDX-License-Identifier: MIT */
/* settings: what the configuration means to each part. Boot thread. */
#pragma once

#include <telemetry/config.h>
#include <telemetry/status.h>

#include "assistant/stage.h"
#include "cache/stage.h"
#include "http/loop.h"
#include "parser/parser.h"

/* Lowers the number of connections to what the system allows, and logs it. */
struct http_settings http_settings_of(const struct config *config);

/* All but what only the running server can tell. Borrows config, as long as the settings are in use. */
struct parser_settings parser_settings_of(const struct config *config);

/* All but the backend and its prefix. Borrows config, as long as the settings are in use. */
struct cache_stage_settings cache_settings_of(const struct config *config);

enum { CACHE_PREFIX_BYTES = 256 };

/* Of all keys in a shared cache. Servers that share their answers must share their store; an embedded one is this
 * process' alone, so what no other has is part of the prefix. */
void cache_prefix(const struct config *config, bool is_embedded, char ret_prefix[CACHE_PREFIX_BYTES]);

/* Borrows config, as long as the settings are in use. */
struct assistant_settings assistant_settings_of(const struct config *config);

/* What config_load() cannot see. 0, or -1 with error set and exit_code 78. */
MUST_CHECK int settings_check(const struct config *config, struct error *error);
