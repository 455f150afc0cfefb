/* SPDX-License-Identifier: MIT */
/* parser: the first stage. It matches a request to its route and reads target and body into the job.
 *
 * Happy path: split the target, find the row, run its decode, job_next(). A request that breaks a
 * rule gets its status and detail here and goes straight home. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/job.h>
#include <telemetry/worker.h>

struct stats_registry;

/* The limits and tables a parser works by; const after boot and shared by all workers. */
struct parser_settings {
    const struct route *routes;
    size_t n_routes;
    size_t single_max_bytes;  /* body of one metric */
    uint32_t batch_max_items; /* metrics in one body */
    unsigned json_depth_max;
    unsigned name_max_bytes, tags_max, tag_max_bytes;
    const struct stats_registry *stats;
    /* What /readyz says: STATUS_OK, or why not, in words if there are any (else NULL); `ret_store` names the
     * store. Any thread. */
    enum status (*ready)(void *context, const char **ret_store, const char **ret_reason);
    void *ready_context;
};

/* One parser thread's own. */
struct parser {
    struct worker worker; /* first: stages are found from their worker */
    const struct parser_settings *settings;
    struct arena scratch; /* of one item; reset between items */
    char *scratch_block;
};

extern const struct stage parser_stage;

/* Prepares a parser to be started by worker_start(). Keeps settings. */
void parser_init(struct parser *parser, const struct parser_settings *settings);

/* Rows of the route table name these (app/routes.c). Each reads one kind of request. */
void decode_insert(struct parser *parser, struct job *job);   /* POST /metrics */
void decode_list(struct parser *parser, struct job *job);     /* GET /metrics */
void decode_get(struct parser *parser, struct job *job);      /* GET /metrics/{id} */
void decode_update(struct parser *parser, struct job *job);   /* PUT /metrics/{id} */
void decode_delete(struct parser *parser, struct job *job);   /* DELETE /metrics/{id} */
void decode_health(struct parser *parser, struct job *job);   /* GET /healthz; answers itself */
void decode_ready(struct parser *parser, struct job *job);    /* GET /readyz; answers itself */
void decode_counters(struct parser *parser, struct job *job); /* GET /-/metrics; answers itself */
void decode_stats(struct parser *parser, struct job *job);    /* GET /-/stats; answers itself */

/* And these write the answers, on any thread: POST, list, one metric, nothing. */
void encode_inserted(struct job *job);
void encode_list(struct job *job);
void encode_metric(struct job *job);
void encode_deleted(struct job *job);
