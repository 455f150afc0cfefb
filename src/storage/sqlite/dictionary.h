/* SPDX-License-Identifier: MIT */
/* dictionary: from the series bytes of a metric to the number of its series.
 *
 * A table in memory of fixed size stands in front of the SQL tables `series` and `series_tag`. When
 * it is full it starts anew, so any number of series works; it only gets slower. Writer thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/metric.h>

enum { DICTIONARY_FIND, DICTIONARY_ADD, DICTIONARY_TAG, DICTIONARY_STATEMENTS };

struct dictionary_slot {
    uint64_t hash;
    uint32_t series; /* 0: the slot is free */
    uint32_t key_at; /* in keys */
    uint32_t key_bytes;
};

struct dictionary {
    sqlite3 *handle;
    sqlite3_stmt *statements[DICTIONARY_STATEMENTS];
    struct dictionary_slot *slots;
    char *keys;
    uint32_t n_slots_used, key_bytes_used;
    bool has_new; /* series were made that are not committed: a rollback must forget them */
};

/* Prepares on handle. SQLITE_NOMEM or a failure otherwise; dictionary_fini() is due in both cases. */
MUST_CHECK int dictionary_init(struct dictionary *dictionary, sqlite3 *handle);
void dictionary_fini(struct dictionary *dictionary);

/* The number of the metric's series, which is made if it is new. */
MUST_CHECK int dictionary_number(struct dictionary *dictionary, const struct metric *metric, uint32_t *ret_series);

/* The transaction is committed, or rolled back (if only to a savepoint). */
void dictionary_commit(struct dictionary *dictionary);
void dictionary_rollback(struct dictionary *dictionary);
