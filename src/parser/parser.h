/* SPDX-License-Identifier: MIT */
/* parser: the first stage. It matches a request to its route and reads target and body into the job.
 *
 * Happy path: split the target, find the row, run its decode, job_next(). A request that breaks a
 * rule gets its status and detail here and goes straight home. A prompt whose words cannot be looked up here comes
 * back from the store with a catalogue (OP_UNDERSTAND). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <telemetry/access.h>
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
    int64_t retention_ms; /* older metrics are not taken; 0: all are */
    const struct stats_registry *stats;
    /* What /readyz says: STATUS_OK, or why not, in words if there are any (else NULL); `ret_store` names the
     * store. Any thread. */
    enum status (*ready)(void *context, const char **ret_store, const char **ret_reason);
    void *ready_context;
    /* Questions */
    const char *zone; /* what the wall clock means when nobody says; zones_find() knows it */
    bool takes_now;   /* questions may say what `now` means: for tests */
    /* The store's catalogue_version(), with ready_context. A prompt that is not understood with a catalogue kept for
     * longer than catalogue_trust_ns is read again with a fresh one. */
    uint64_t (*catalogue_version)(void *context);
    uint64_t catalogue_trust_ns;
    /* A prompt that is read with less confidence goes to the assistant; 0: there is none. */
    double advice_below;
};

/* One parser thread's own. */
struct parser {
    struct worker worker; /* first: stages are found from their worker */
    const struct parser_settings *settings;
    struct arena scratch; /* of one item; reset between items */
    char *scratch_block;
    struct zones *zones;         /* every zone that a plan of this parser has */
    const struct zone *zone;     /* settings->zone */
    struct catalogue *catalogue; /* the newest one that came by, or NULL */
    /* What the last prompt of a key with a prefix might know, of which catalogue, and the prefix; or NULL. */
    struct catalogue *granted;
    uint64_t granted_from_ns;
    char granted_prefix[ACCESS_PREFIX_MAX + 1];
};

extern const struct stage parser_stage;

/* Prepares a parser to be started by worker_start(). Keeps settings. */
void parser_init(struct parser *parser, const struct parser_settings *settings);

/* Rows of the route table name these (app/routes.c). Each reads one kind of request. */
void decode_insert(struct parser *parser, struct job *job);    /* POST /metrics */
void decode_list(struct parser *parser, struct job *job);      /* GET /metrics */
void decode_aggregate(struct parser *parser, struct job *job); /* GET /metrics/aggregate */
void decode_query(struct parser *parser, struct job *job);     /* GET and POST /query */
void decode_get(struct parser *parser, struct job *job);       /* GET /metrics/{id} */
void decode_update(struct parser *parser, struct job *job);    /* PUT /metrics/{id} */
void decode_delete(struct parser *parser, struct job *job);    /* DELETE /metrics/{id} */
void decode_health(struct parser *parser, struct job *job);    /* GET /healthz; answers itself */
void decode_ready(struct parser *parser, struct job *job);     /* GET /readyz; answers itself */
void decode_counters(struct parser *parser, struct job *job);  /* GET /-/metrics; answers itself */
void decode_stats(struct parser *parser, struct job *job);     /* GET /-/stats; answers itself */

/* And these write the answers, on any thread: POST, list, one metric, nothing, what a plan asked. */
void encode_inserted(struct job *job);
void encode_list(struct job *job);
void encode_metric(struct job *job);
void encode_deleted(struct job *job);
void encode_result(struct job *job);
