/* SPDX-License-Identifier: MIT */
/* announce: the writes of a batch, told to Redis by a new random number for each of their scopes. While readers allow
 * old answers, a glance at the number before tells until when those of the scope were the newest.
 *
 * A write goes on when every number was acknowledged, or when it is clear that it will not be: then the
 * link is lost, and begins again with a new epoch before this server uses the cache. One that goes on while
 * Redis is greeted may come behind that epoch, so another follows; writes wait for that one, as Redis answers. */
#include "cache/redis/redis.h"

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

enum { GLANCES_MAX = 16 };

static void go_on(struct redis_cache *redis, struct job *job)
{
    while (job != NULL) {
        struct job *next = job->cache.waiting_next;
        job->cache.waiting_next = NULL;
        redis_done(redis, job);
        job = next;
    }
}

/* A number that is not taken ends the connection: nothing from it may be used any more. */
static bool is_taken(struct redis_cache *redis, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_STATUS)
        return true;
    stats_add(redis->settings.stats, STATS_CACHE_BAD_REPLIES, 1);
    if (reply->type == REDIS_REPLY_ERROR)
        pipeline_break(&redis->link.pipeline, "it refuses to be written to: %s", reply->str);
    else
        pipeline_break(&redis->link.pipeline, "an answer of another kind to SET");
    return false;
}

static void announced(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    if (reply != NULL)
        is_taken(redis, reply);
    if (reply == NULL || call->n_left == 0)
        go_on(redis, call->job);
}

static bool gives_old(const struct redis_cache *redis)
{
    return redis->gave_old_ns != 0 && clock_ns() - redis->gave_old_ns < redis->settings.ttl_ns;
}

/* Of a large batch only the first scopes get a glance. */
static void glance(struct redis_cache *redis)
{
    const struct bumps *bumps = &redis->bumps;
    for (unsigned i = 0; i < bumps->n && i < GLANCES_MAX && pipeline_has_room(&redis->link.pipeline, false); i++)
        redis_glance(redis, bumps->slots[i]);
}

static void send_scopes(struct redis_cache *redis)
{
    char room[KEY_BYTES];
    const struct bumps *bumps = &redis->bumps;
    uint64_t number = redis_random(redis);
    for (unsigned i = 0; i < bumps->n; i++) {
        redis->known.slots[bumps->slots[i]] = number;
        redis_set_number(redis, key_of_slot(redis->prefix, bumps->slots[i], room), number, false);
    }
}

static void send_epoch(struct redis_cache *redis)
{
    char room[KEY_BYTES];
    redis->known.epoch = redis_random(redis);
    redis_set_number(redis, key_of_epoch(redis->prefix, room), redis->known.epoch, false);
}

void redis_announce(struct redis_cache *redis)
{
    struct bumps *bumps = &redis->bumps;
    struct job *jobs = link_is_renewing(&redis->link) ? NULL : bumps_take(bumps);
    if (jobs == NULL)
        return;
    if (link_is_ready(&redis->link) && !pipeline_has_room(&redis->link.pipeline, true))
        pipeline_break(&redis->link.pipeline, "too many calls wait for it");
    if (!link_is_ready(&redis->link)) {
        go_on(redis, jobs);
        bumps_empty(bumps);
        return;
    }
    if (gives_old(redis) && !bumps->all)
        glance(redis);
    struct call call = redis_call(redis, announced, bumps->all ? 1 : bumps->n);
    call.job = jobs;
    pipeline_call(&redis->link.pipeline, &call);
    if (bumps->all)
        send_epoch(redis);
    else
        send_scopes(redis);
    bumps_empty(bumps);
}

void redis_bump(struct cache *cache, struct job *job)
{
    struct redis_cache *redis = (struct redis_cache *)cache;
    if (link_is_ready(&redis->link) || link_is_renewing(&redis->link)) {
        bumps_add(&redis->bumps, &job);
        return;
    }
    redis->is_behind = true;
    redis_done(redis, job);
}

static void greeted(struct call *call, const redisReply *reply)
{
    if (reply != NULL)
        is_taken(call->context, reply);
}

static void renew_epoch(struct redis_cache *redis)
{
    struct call call = redis_call(redis, greeted, 1);
    redis->is_behind = false;
    pipeline_call(&redis->link.pipeline, &call);
    send_epoch(redis);
}

void redis_greet(void *context)
{
    renew_epoch(context);
    rates_greet(context);
}

bool redis_renew(void *context)
{
    struct redis_cache *redis = context;
    bool is_behind = redis->is_behind;
    if (is_behind)
        renew_epoch(redis);
    return is_behind;
}
