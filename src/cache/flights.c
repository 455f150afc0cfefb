/* SPDX-License-Identifier: MIT */
#include "cache/flights.h"

#include <assert.h>
#include <stdlib.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>
#include <telemetry/job.h>

static struct flight **bucket_of(struct flights *flights, uint64_t hash)
{
    return &flights->buckets[hash % FLIGHT_BUCKETS];
}

struct flight *flights_find(const struct flights *flights, const struct job *job)
{
    if (flights->n == 0)
        return NULL;
    uint64_t hash = hash_seeded(job->cache.key) + job->cache.generation;
    struct flight *flight = flights->buckets[hash % FLIGHT_BUCKETS];
    for (; flight != NULL; flight = flight->next) {
        struct slice key = { flight->key, flight->key_bytes };
        if (flight->hash == hash && flight->generation == job->cache.generation && slice_equal(key, job->cache.key))
            return flight;
    }
    return NULL;
}

struct flight *flights_begin(struct flights *flights, const struct job *leader)
{
    struct slice key = leader->cache.key;
    struct flight *flight = malloc(sizeof(*flight) + key.len);
    if (flight == NULL)
        return NULL;
    *flight = (struct flight){ .hash = hash_seeded(key) + leader->cache.generation,
                               .generation = leader->cache.generation,
                               .key_bytes = key.len };
    memcpy(flight->key, key.data, key.len);
    struct flight **bucket = bucket_of(flights, flight->hash);
    flight->next = *bucket;
    *bucket = flight;
    flights->n++;
    return flight;
}

void flights_end(struct flights *flights, struct flight **flight)
{
    struct flight *ended = *flight;
    *flight = NULL;
    assert(ended->followers.first == NULL);
    struct flight **link = bucket_of(flights, ended->hash);
    while (*link != ended)
        link = &(*link)->next;
    *link = ended->next;
    flights->n--;
    free(ended);
}

bool flight_is_whole(const struct job *job)
{
    return job->status == STATUS_OK && job->reply.http == 200;
}

bool flight_fits(const struct flight *flight, const struct job *leader, const struct job *follower)
{
    switch (leader->status) {
    case STATUS_OK:
        return flight_is_whole(leader);
    case STATUS_NOT_FOUND:
        return follower->cache.read_ns < flight->left_ns;
    case STATUS_EXPIRED:
    case STATUS_OUT_OF_MEMORY:
        return false;
    case STATUS_QUERY_TOO_SLOW:
        return clock_ns() < leader->deadline_ns; /* the query's limit, not the leader's deadline */
    default:
        return true;
    }
}

void parked_push(struct parked *parked, struct job **job)
{
    struct job *pushed = *job;
    *job = NULL;
    pushed->cache.waiting_next = NULL;
    if (parked->first == NULL)
        parked->first = pushed;
    else
        parked->last->cache.waiting_next = pushed;
    parked->last = pushed;
}

struct job *parked_pop(struct parked *parked)
{
    struct job *job = parked->first;
    if (job == NULL)
        return NULL;
    parked->first = job->cache.waiting_next;
    job->cache.waiting_next = NULL;
    return job;
}
