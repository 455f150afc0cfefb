/* SPDX-License-Identifier: MIT */
#include "app/routes.h"

#include <telemetry/access.h>

#include "parser/parser.h"

/* clang-format off */
#define INSERT     { STAGE_WRITER, OP_INSERT, 0 }
#define UPDATE     { STAGE_WRITER, OP_UPDATE, 0 }
#define DELETE     { STAGE_WRITER, OP_DELETE, 0 }
#define GET        { STAGE_READER, OP_GET, HOP_ANY | HOP_ENCODE }
#define FIND       { STAGE_READER, OP_FIND, HOP_ANY | HOP_ENCODE }
#define AGGREGATE  { STAGE_READER, OP_AGGREGATE, HOP_ANY | HOP_LONG | HOP_ENCODE }
#define CATALOGUE  { STAGE_READER, OP_CATALOGUE, HOP_ANY | HOP_LONG }
#define UNDERSTAND { STAGE_PARSER, OP_UNDERSTAND, 0 }
#define ADVISE     { STAGE_ASSISTANT, OP_ADVISE, 0 }
#define HEED       { STAGE_PARSER, OP_HEED, 0 }
#define LOOK_UP    { STAGE_CACHE, OP_CACHE_GET, 0 }
#define KEEP       { STAGE_CACHE, OP_CACHE_PUT, HOP_ALWAYS }
#define INVALIDATE { STAGE_CACHE, OP_CACHE_INVALIDATE, HOP_ENCODE | HOP_ALWAYS }
#define QUESTION   CATALOGUE, UNDERSTAND, ADVISE, HEED, LOOK_UP, AGGREGATE, KEEP
/* clang-format on */

/* Behind the parser, a job visits its hops in order. A hit of LOOK_UP skips the rest; INVALIDATE stands
 * behind the commit, so that the cache never shows what the store refused, and before the answer; a
 * commit of unknown outcome makes answers old too. A parser that has kept the store's newest catalogue
 * understands a prompt at once, behind CATALOGUE and UNDERSTAND; ADVISE and HEED are for those that are read with
 * little confidence, where there is an assistant. */
const struct route routes[] = {
    { METHOD_POST, "/metrics", decode_insert, encode_inserted, { INSERT, INVALIDATE }, ROLE_WRITER },
    { METHOD_GET, "/metrics", decode_list, encode_list, { LOOK_UP, FIND, KEEP }, ROLE_READER },
    { METHOD_GET, "/metrics/aggregate", decode_aggregate, encode_result, { LOOK_UP, AGGREGATE, KEEP }, ROLE_READER },
    { METHOD_GET, "/metrics/{id}", decode_get, encode_metric, { LOOK_UP, GET, KEEP }, ROLE_READER },
    { METHOD_PUT, "/metrics/{id}", decode_update, encode_metric, { UPDATE, INVALIDATE }, ROLE_ADMIN },
    { METHOD_DELETE, "/metrics/{id}", decode_delete, encode_deleted, { DELETE, INVALIDATE }, ROLE_ADMIN },
    { METHOD_GET, "/query", decode_query, encode_result, { QUESTION }, ROLE_READER },
    { METHOD_POST, "/query", decode_query, encode_result, { QUESTION }, ROLE_READER },
    { METHOD_GET, "/healthz", decode_health, NULL, { { 0 } }, ROLE_NONE },
    { METHOD_GET, "/readyz", decode_ready, NULL, { { 0 } }, ROLE_NONE },
    { METHOD_GET, "/-/metrics", decode_counters, NULL, { { 0 } }, ROLE_READER },
    { METHOD_GET, "/-/stats", decode_stats, NULL, { { 0 } }, ROLE_READER },
};

const size_t n_routes = sizeof(routes) / sizeof(routes[0]);
