/* SPDX-License-Identifier: MIT */
/* catalogue: the names and tags of the dictionary of series, as a reader's snapshot has them.
 *
 * A reader keeps the newest it made and hands it on until the store's version has moved. Reading costs a step
 * in an index for each name and each tag, however many series have them; so one of more than
 * CATALOGUE_EXACT_MAX stands for a time that grows with its size, or whoever stores new series and asks in
 * turn would keep the readers busy with nothing else. Series stay in the dictionary when their last metric
 * goes, so names and tags do too. */
#pragma once

#include <stdint.h>

#include <sqlite3.h>

#include <telemetry/catalogue.h>

enum { CATALOGUE_NEXT_NAME, CATALOGUE_NEXT_TAG, CATALOGUE_STATEMENTS };

/* How long a large catalogue stands, for each of its names and tags: some ten times what reading one takes. */
enum { CATALOGUE_REST_NS = 25000 };

/* A reader's own. */
struct cataloguer {
    sqlite3_stmt *statements[CATALOGUE_STATEMENTS];
    struct catalogue *newest; /* or NULL */
};

/* Prepares on handle. */
MUST_CHECK int cataloguer_open(struct cataloguer *cataloguer, sqlite3 *handle);
void cataloguer_close(struct cataloguer *cataloguer);

/* Gives a reference to a catalogue of this version, which was read before the snapshot began, or to a large one of
 * before. SQLITE_OK, or a failure: SQLITE_NOMEM when the heap is exhausted. */
MUST_CHECK int cataloguer_read(struct cataloguer *cataloguer, uint64_t version, struct catalogue **ret_catalogue);
