/* SPDX-License-Identifier: MIT */
/* cache: the contract of a cache of answers.
 *
 * The cache stage owns one backend and calls it on its own thread only. A backend keeps answers by
 * key, each with the generation of its scope at the time it was read; a generation is a number that
 * every committed write to the scope moves to one that the scope never had, and which is never 0. Calls
 * with `done` may finish now or later, on the same thread, by done(context, job).
 *
 * Why nobody who reads after an answered write sees older data: a write is answered behind its bump,
 * so a read that begins later is looked up under a newer generation, which no older answer carries.
 * A fill cannot race that: the generation of an answer is read before the storage query, so an answer
 * that misses a write was numbered before this write's bump, no matter when it is put.
 *
 * A backend that several servers share keeps that promise among them. When it cannot be reached for a
 * bump, the write is answered all the same, and this server uses no answer from it until it has made all
 * of them old; other servers may then show what was there before, for the TTL at most: keep it short. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/status.h>

struct cache; /* a backend's own; begins with struct cache_head */
struct job;
struct limiter;
struct stats;

/* The job's lookup, put or bump ended. */
typedef void cache_done_fn(void *context, struct job *job);

/* The backend waits for one of the events of poll(2) on fd, from now until the next call; fd -1: for none. */
typedef void cache_watch_fn(void *context, int fd, short events);

/* Where a cache outside of the process is. */
struct cache_remote {
    const char *uri;     /* redis[s]://[user][:password]@host[:port][/db], unix:///path[?db=n] */
    const char *prefix;  /* of all keys; servers that share it share their answers */
    uint64_t timeout_ns; /* no job waits longer */
    /* For rediss://, each NULL or empty when not set: PEM files of the authorities to trust instead of the
     * system's, and of the certificate to show, with its key. */
    const char *tls_ca_file, *tls_cert_file, *tls_key_file;
    /* Calls of clients, of which servers that share rates_prefix tell each other; NULL: they do not. */
    struct limiter *limiter;
    uint64_t rates_every_ns;
    const char *rates_prefix;
};

struct cache_settings {
    size_t max_bytes; /* of all entries, keys and bookkeeping included; a remote cache has its own bound */
    uint64_t ttl_ns;  /* an answer is not used when it is older */
    struct stats *stats;
    cache_watch_fn *watch;      /* called with the context of done; for a backend with a pump */
    struct cache_remote remote; /* lent until close */
};

struct cache_ops {
    const char *name; /* "memory", "redis" */

    /* Worker thread. Gives *ret_cache, or -1 with error set; a remote cache need not be there yet. Keeps
     * context until close, which ends what is under way: done is called for each such job. */
    int (*open)(const struct cache_settings *settings, cache_done_fn *done, void *context, struct cache **ret_cache,
                struct error *error);
    void (*close)(struct cache **cache);

    /* Looks up job->cache.key. Sets cache.generation and cache.read_ns. When an answer of that
     * generation is there: result CACHE_HIT and job->reply complete, its body and next_cursor copied
     * to the job's arena, its lead as it was. An answer of an older generation that was surely the newest no
     * longer ago than stale_ns, at its own read or later: CACHE_STALE_HIT, and cache.old_ns says how long ago. Else
     * CACHE_MISS, or CACHE_BYPASS when the backend is out of order (generation stays 0 then). `stale_ns` 0: only the
     * newest. Then done. */
    void (*get)(struct cache *cache, struct job *job, uint64_t stale_ns);
    /* Sets cache.generation and read_ns as get does, without looking for an answer; the result stays
     * as it is. Then done. */
    void (*peek)(struct cache *cache, struct job *job);
    /* Keeps a copy of the reply (http, media, etag, body, next_cursor) under cache.key with
     * cache.generation and read_ns. When the generation has moved since, the answer is of use to
     * readers of old answers only: it is kept when stale_ns is not 0 and nothing newer is there (of
     * what other servers did meanwhile, a remote cache need not know). An answer that is too large or
     * older than the TTL is not kept. Then done. */
    void (*put)(struct cache *cache, struct job *job, uint64_t stale_ns);
    /* Moves the generations of what the job wrote: SCOPE_ALL, the name of each of metrics[] and of
     * previous, and the ids that were there before (client ids, update, delete). An update or delete
     * of unknown outcome has no previous: it may have been any name, so all scopes move. Then done. */
    void (*bump)(struct cache *cache, struct job *job);
    /* NULL when all calls are done when they return. Else: behind each batch, when the watched socket
     * has an event, and at the time it asked for: sends what was gathered, takes what arrived, ends what
     * waited too long. Returns the clock_ns() at which it wants to be called again. */
    uint64_t (*pump)(struct cache *cache);
};

struct cache_head {
    const struct cache_ops *ops;
};

extern const struct cache_ops cache_memory;
extern const struct cache_ops cache_redis;
