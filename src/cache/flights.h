/* SPDX-License-Identifier: MIT */
/* flights: the storage reads under way, and who waits for their answers.
 *
 * A flight has one leader, the job that went to storage; identical reads that arrive meanwhile are
 * its followers, parked in order of arrival. Reads are identical when key and generation are equal: a
 * read that began behind a write has a newer generation and never joins an older flight. There are
 * never more flights than jobs. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

struct job;

enum { FLIGHT_BUCKETS = 1024 };

/* A chain of jobs linked by cache.waiting_next. */
struct parked {
    struct job *first, *last;
};

struct flight {
    struct flight *next; /* of the bucket */
    uint64_t hash, generation;
    uint64_t left_ns; /* clock_ns() when a promoted leader left; 0: the first leader */
    struct parked followers;
    size_t key_bytes;
    char key[];
};

struct flights {
    struct flight *buckets[FLIGHT_BUCKETS];
    unsigned n;
};

/* The flight of the job's key and generation, or NULL. */
struct flight *flights_find(const struct flights *flights, const struct job *job);

/* Opens a flight that the job leads; lent until flights_end(). NULL without memory. */
struct flight *flights_begin(struct flights *flights, const struct job *leader);

/* Takes *flight, which has no followers. */
void flights_end(struct flights *flights, struct flight **flight);

/* Whether the job has an answer that may be kept and shared. */
bool flight_is_whole(const struct job *job);
/* Whether the leader's outcome is the follower's too. */
bool flight_fits(const struct flight *flight, const struct job *leader, const struct job *follower);

/* Puts *job at the end. Takes *job. */
void parked_push(struct parked *parked, struct job **job);

/* Gives the first one, or NULL. */
struct job *parked_pop(struct parked *parked);
