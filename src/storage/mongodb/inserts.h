/* SPDX-License-Identifier: MIT */
/* inserts: the metrics of some jobs, on their way into the store, and what became of each.
 *
 * The jobs do not depend on each other: no id that a client gave stands in two of them. Within a job an
 * equal metric may come again under its id (a twin), which shares the fate of the first. Pure: the
 * thread of the writer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/metric.h>
#include <telemetry/status.h>

struct job;

enum insert_state {
    INSERT_PENDING,
    INSERT_TWIN,
    INSERT_STORED,   /* by this job */
    INSERT_EXISTED,  /* before it: an equal metric */
    INSERT_IN_DOUBT, /* its id exists; what stands there is yet to be read */
    INSERT_FOUND,    /* it stands there, by this job or before it; that it is safe is yet to be confirmed */
    INSERT_CONFLICT, /* another metric has its id */
    INSERT_REFUSED,  /* the server takes no such document */
    INSERT_FULL,     /* no space for it */
    INSERT_DROPPED   /* not tried any longer */
};

struct insert {
    struct metric *metric;
    uint32_t job;       /* number in jobs[] */
    uint8_t state;      /* enum insert_state */
    uint8_t n_refusals; /* by reasons that may pass */
    bool sent;          /* an attempt without answer may have stored it */
};

struct insert_job {
    struct job *job;
    uint32_t first, n;  /* its metrics in items[] */
    enum status status; /* why it was given up; STATUS_OK: it was not */
};

struct inserts {
    struct insert *items;
    uint32_t n, capacity;
    struct insert_job *jobs;
    uint32_t n_jobs, jobs_capacity;
    uint32_t *slots; /* hash table of those with a client's id: 1 + number in items[]; 0: free */
    uint32_t n_ids, n_slots;
};

void inserts_fini(struct inserts *inserts);
/* Forgets all jobs; keeps the memory, unless it is much. */
void inserts_clear(struct inserts *inserts);

/* Whether an id that the job brings is already there, so that the job must wait for the others. */
bool inserts_meet(const struct inserts *inserts, const struct job *job);
/* Adds a job's metrics, PENDING, or TWIN or CONFLICT where they meet one of the same job. False without
 * memory; then nothing is added. Keeps job until inserts_clear(). */
MUST_CHECK bool inserts_add(struct inserts *inserts, struct job *job);

/* The first metric with this id of a client, or NULL. */
struct insert *inserts_find(const struct inserts *inserts, const struct metric_id *id);
