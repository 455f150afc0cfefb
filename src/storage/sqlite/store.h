/* SPDX-License-Identifier: MIT */
/* store: what the sessions of one embedded database share. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <telemetry/clock.h>
#include <telemetry/storage.h>

#include "rows.h"
#include "tail.h"
#include "upkeep.h"

struct store {
    struct storage_head head; /* first: struct storage is found from it */
    struct storage_health health;
    char *path; /* of the database file */
    int lock;   /* file descriptor; held while the store is open */
    uint32_t tag;
    int64_t retention_ms; /* 0: metrics are kept for ever */
    uint64_t query_limit_ns;
    size_t aggregate_max_bytes;
    atomic_uint_fast64_t catalogue_version; /* moved by the writer before it answers for a new series */
    uint64_t next_row;                      /* the writer's: handed from open to attach, and from detach to close */
    atomic_bool has_writer;
    struct tail tail;
    struct upkeep upkeep;
};

/* What the sessions of both roles begin with. */
struct session {
    struct storage_session_head head;
    enum storage_role role;
    struct store *store;
    struct stats *stats;
};

/* Metrics with an older timestamp are as good as deleted; INT64_MIN when all are kept. */
static inline int64_t store_oldest_ms(const struct store *store)
{
    return store->retention_ms == 0 ? INT64_MIN : clock_wall_ms() - store->retention_ms;
}

static inline uint64_t store_catalogue_version(const struct store *store)
{
    return atomic_load_explicit(&store->catalogue_version, memory_order_acquire);
}

/* Writer thread (or boot). Notes whether writes work; a change is logged. */
void store_note(struct store *store, enum status status, const char *reason);

/* Loads rows from first_row on into the tail, merging when there are more than it holds, and moves
 * next_row behind them. Writer thread (or boot) and connection, outside transactions. */
MUST_CHECK int store_load(struct store *store, struct rows *rows, sqlite3 *handle, uint64_t first_row);

/* Makes room in the tail for n rows from first_row on; waits for a reader that looks at merged ones, and merges old
 * ones, if they fill it. As above. */
MUST_CHECK int store_make_room(struct store *store, struct rows *rows, sqlite3 *handle, uint64_t first_row, uint32_t n);

/* writer.c and reader.c */
MUST_CHECK int writer_attach(struct store *store, struct stats *stats, struct storage_session **ret_session,
                             struct error *error);
void writer_detach(struct storage_session **session);
void writer_write(struct storage_session *session, struct job *jobs[], unsigned n);
uint64_t writer_tick(struct storage_session *session, uint64_t now_ns);

MUST_CHECK int reader_attach(struct store *store, unsigned index, struct stats *stats,
                             struct storage_session **ret_session, struct error *error);
void reader_detach(struct storage_session **session);
void reader_read(struct storage_session *session, struct job *jobs[], unsigned n);
