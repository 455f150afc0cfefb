/* SPDX-License-Identifier: MIT */
/* job: one request on its way through the server.
 *
 * Whoever popped a job from an inbox owns every byte reachable from it until job_next() hands it on.
 * Its three groups lie on cache lines of their own and belong to different hands. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/arena.h>
#include <telemetry/catalogue.h>
#include <telemetry/filter.h>
#include <telemetry/limiter.h>
#include <telemetry/metric.h>
#include <telemetry/plan.h>
#include <telemetry/inquiry.h>
#include <telemetry/reply.h>
#include <telemetry/request.h>
#include <telemetry/result.h>
#include <telemetry/route.h>
#include <telemetry/status.h>

struct connection;

/* job.hop while the job is in the parser, before the first hop. */
enum { HOP_PARSER = UINT8_MAX };

/* job.home.loop of a job that no loop made: the cache's, which never sends it home. */
enum { JOB_OF_CACHE = UINT32_MAX - 1 };

enum cache_result {
    CACHE_NOT_ASKED, /* the route does not use the cache */
    CACHE_HIT,
    CACHE_STALE_HIT, /* older than the newest write, within what the client or CACHE_STALE_MS allows */
    CACHE_COLLAPSED, /* answered by the storage read of an identical request in flight */
    CACHE_MISS,
    CACHE_BYPASS /* the request said no-cache, or the cache is out of order */
};

/* Which writes make a cached answer old. */
enum cache_scope { SCOPE_ALL, SCOPE_NAME, SCOPE_ID };

/* What the cache stage knows of a read. */
struct job_cache {
    struct slice key;         /* canonical bytes of what is asked; empty: not cacheable */
    struct slice scope_text;  /* the name, or the id's 24 hex digits; empty for SCOPE_ALL */
    uint8_t scope;            /* enum cache_scope */
    uint8_t result;           /* enum cache_result */
    bool leads;               /* others wait for this job's answer */
    bool no_cache;            /* Cache-Control: no-cache or no-store */
    bool no_store;            /* Cache-Control: no-store: the answer is not kept */
    int64_t max_stale_ms;     /* Cache-Control: max-stale; -1 when absent, INT64_MAX without a number */
    uint64_t generation;      /* of the scope, read before the storage query; 0: not known */
    uint64_t read_ns;         /* clock_ns() at that moment */
    uint64_t old_ns;          /* of CACHE_STALE_HIT: how long ago the answer was surely the newest */
    struct job *waiting_next; /* the next one that waits for the same; of the cache stage or its backend */
};

/* Who asks. */
struct job_access {
    uint8_t role;        /* enum role */
    struct slice prefix; /* of the names it may touch; empty: all */
    struct slice key;    /* name of its key; empty: it has none */
};

/* Of which share of the loop's jobs one is: neither reads nor writes can take all of them, nor both together. */
enum job_share { SHARE_OWN, SHARE_READ, SHARE_WRITE, SHARES };

/* What the loop needs to answer: kept by the loop's thread even while the job is away. */
struct job_home {
    struct job *next;              /* of the pool's free list, or of the connection's pipeline */
    struct connection *connection; /* NULL when it is gone: the answer has nobody to go to */
    struct job *earlier, *later;   /* requests under way on this loop, oldest first */
    uint64_t received_ns;          /* clock_ns() when the request was whole */
    uint64_t number;               /* counts the loop's requests, for the request id */
    char *body_block;              /* heap block of a large body, or NULL */
    size_t body_block_bytes;
    unsigned loop;   /* index of the loop that made the job */
    uint8_t share;   /* enum job_share */
    bool away;       /* a stage holds the job: only this struct may be read */
    bool answered;   /* its answer waits for its turn in the pipeline */
    bool expired;    /* the answer is 504, whatever comes home */
    bool head_only;  /* HEAD */
    bool keep_alive; /* the connection goes on after this answer */
    bool http10;
    struct limit_note note; /* of the sender's calls */
};

/* One request on its way. */
struct job {
    /* itinerary: written by the loop and the parser, then const */
    _Alignas(64) const struct route *route; /* NULL until the parser matched one */
    uint64_t deadline_ns;                   /* clock_ns() after which no stage starts on it */
    uint64_t worker_hash;                   /* chooses the worker of a stage, but for hops that any may do */
    uint8_t hop;                            /* index into route->hops of the hop under way, or HOP_PARSER */

    /* cargo: of the current holder */
    _Alignas(64) struct arena arena;
    enum status status;
    bool if_match;      /* the change is on condition that the metric's tag is in if_match_etags */
    uint8_t n_if_match; /* 0 with if_match: `*`, any existing metric */
    uint64_t if_match_etags[8];
    struct job_access access;
    struct request request;
    struct metric *metrics; /* decoded from the body, or found */
    uint32_t n_metrics;
    bool has_next;       /* a list has more behind `next` */
    bool existed;        /* an insert met an equal metric of the same id: 200, not 201 */
    bool has_previous;   /* an update or delete changed `previous` */
    bool return_ids;     /* ?return=ids */
    bool batch;          /* the body was an array or NDJSON */
    struct metric_id id; /* of /metrics/{id} */
    struct list_position next;
    struct metric previous;
    struct filter filter;
    struct inquiry *inquiry;     /* of /query, in the arena */
    struct plan *plan;           /* of an aggregate or a prompt, in the arena */
    struct result *result;       /* what the store worked out for it */
    struct catalogue *catalogue; /* a reference of the job's own, or NULL; the pool releases what is left */
    uint64_t catalogue_after_ns; /* one made before this clock_ns() does not do; 0: any of the store's version */
    struct job_cache cache;
    struct reply reply;
    uint64_t mark_ns;               /* clock_ns() when the stage before let go */
    uint64_t stage_ns[STAGE_COUNT]; /* time in and before each stage, queueing included */

    /* home: the loop's alone, whoever holds the rest */
    _Alignas(64) struct job_home home;
};

/* Whether the job's key may see and change a metric: its name begins with the key's prefix. */
static inline bool job_may_touch(const struct job *job, const struct metric *metric)
{
    return slice_starts_with(metric->series, job->access.prefix);
}

/* Whether a change of the metric that is stored meets the job's If-Match. */
static inline bool job_condition_holds(const struct job *job, const struct metric *stored)
{
    if (!job->if_match || job->n_if_match == 0)
        return true;
    uint64_t etag = metric_etag(stored);
    for (unsigned i = 0; i < job->n_if_match; i++)
        if (job->if_match_etags[i] == etag)
            return true;
    return false;
}

/* Sets the status and one sentence for the client. The detail is borrowed: literal or in the arena. */
static inline void job_fail(struct job *job, enum status status, struct slice detail)
{
    job->status = status;
    job->reply.detail = detail;
}
