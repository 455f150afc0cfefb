/* SPDX-License-Identifier: MIT */
/* shelf: the newest catalogue of a store, shared by its readers.
 *
 * It is read only when somebody asks, by one reader at a time, while the others wait for what it brings.
 * The version moves every CATALOGUE_AGE_NS; before that when a writer of this server stored a name or tag
 * that the newest catalogue lacks, unless that one is not complete or has more than CATALOGUE_EXACT_MAX. What other
 * servers store is thus in the catalogue CATALOGUE_AGE_NS later, and what this one stored at once. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <telemetry/catalogue.h>
#include <telemetry/status.h>

struct job;

struct shelf {
    atomic_uint_fast64_t n_moves; /* of the version, by writers */
    pthread_mutex_t mutex;        /* of what follows */
    pthread_cond_t changed;
    struct catalogue *newest; /* or NULL */
    bool reading;             /* a reader is about to bring another one */
    enum status status;       /* how the last reading ended */
    uint64_t n_readings;      /* that ended */
};

/* What a reader asks for. */
struct shelf_wish {
    uint64_t made_after_ns; /* one that was made before does not do, whatever its version; 0: any does */
    uint64_t end_ns;        /* nobody waits longer */
};

enum shelf_answer {
    SHELF_HAS,    /* a catalogue of now */
    SHELF_READ,   /* the caller reads one, then calls shelf_put() */
    SHELF_FAILED, /* the reader that was waited for failed */
    SHELF_LATE    /* the time is over */
};

void shelf_init(struct shelf *shelf);
void shelf_fini(struct shelf *shelf);

/* Any thread. Never goes back. */
uint64_t shelf_version(const struct shelf *shelf);

/* Reader thread. Asks for a catalogue of the version of this moment or a later one, and waits while another reader
 * brings it. HAS gives *ret_catalogue, a reference; FAILED sets *ret_status. Borrows wish. */
enum shelf_answer shelf_take(struct shelf *shelf, const struct shelf_wish *wish, struct catalogue **ret_catalogue,
                             enum status *ret_status);
/* Ends a reading: with STATUS_OK keeps a reference of its own to catalogue; else catalogue is NULL. */
void shelf_put(struct shelf *shelf, struct catalogue *catalogue, enum status status);

/* Writer thread. Moves the version when jobs of a batch that is done brought what the newest one lacks. */
void shelf_notice(struct shelf *shelf, struct job *const jobs[], unsigned n);
