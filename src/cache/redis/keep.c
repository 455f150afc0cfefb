/* SPDX-License-Identifier: MIT */
/* keep: SET value, with what is left of its time to live, a little less at random, so that answers which
 * came together do not go together. Nobody waits for the reply. */
#include "cache/redis/redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "cache/redis/value.h"

enum { LARGEST_SHARE = 8, LARGEST_BYTES = 1 << 20, JITTER_SHARE = 10, LIFE_BYTES = 24 };

static void kept(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    if (reply != NULL && reply->type != REDIS_REPLY_STATUS)
        stats_add(redis->settings.stats, STATS_CACHE_BAD_REPLIES, 1);
}

/* Whether the answer is of use to anyone, as far as this server knows. */
static bool is_of_use(const struct redis_cache *redis, const struct job *job, uint64_t stale_ns)
{
    const struct job_cache *cache = &job->cache;
    if (cache->generation == 0 || clock_ns() - cache->read_ns > redis->settings.ttl_ns)
        return false;
    return stale_ns > 0 ||
           cache->generation == redis_generation(redis->known.epoch, redis->known.slots[bumps_slot(cache)]);
}

/* Notes the put; false when a newer answer to the same question was put before. */
static bool is_newest(struct redis_cache *redis, const struct job_cache *cache)
{
    uint64_t hash = hash_seeded(cache->key);
    struct last_put *last = &redis->puts[hash % PUTS];
    if (last->key_hash == hash && last->read_ns > cache->read_ns)
        return false;
    *last = (struct last_put){ hash, cache->read_ns };
    return true;
}

/* Milliseconds that the answer may still live: below its time to live by up to a tenth. */
static uint32_t life_of(struct redis_cache *redis, uint64_t age_ns)
{
    uint64_t left_ms = age_ns >= redis->settings.ttl_ns ? 0 : (redis->settings.ttl_ns - age_ns) / NS_PER_MS;
    uint64_t life_ms = left_ms - redis_random(redis) % (left_ms / JITTER_SHARE + 1);
    return life_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)life_ms;
}

/* Lends the value's bytes in scratch; empty when it is too large, or without memory. */
static struct slice bytes_of(struct redis_cache *redis, const struct value *value)
{
    size_t bytes = value_bytes(value);
    if (bytes == 0 || bytes > LARGEST_BYTES || bytes > redis->settings.max_bytes / LARGEST_SHARE)
        return (struct slice){ NULL, 0 };
    if (bytes > redis->scratch_bytes) {
        char *larger = realloc(redis->scratch, bytes);
        if (larger == NULL)
            return (struct slice){ NULL, 0 };
        redis->scratch = larger;
        redis->scratch_bytes = bytes;
    }
    value_write(value, redis->scratch);
    return (struct slice){ redis->scratch, bytes };
}

static void set(struct redis_cache *redis, const struct value *value)
{
    char room[KEY_BYTES], life[LIFE_BYTES];
    struct slice bytes = bytes_of(redis, value);
    if (bytes.len == 0)
        return;
    snprintf(life, sizeof(life), "%" PRIu32, value->life_ms);
    struct slice arguments[] = { SLICE("SET"), key_of_value(redis->prefix, value->key, room), bytes, SLICE("PX"),
                                 slice_of(life) };
    struct call call = redis_call(redis, kept, 1);
    pipeline_call(&redis->link.pipeline, &call);
    pipeline_command(&redis->link.pipeline, 5, arguments);
}

static void keep(struct redis_cache *redis, const struct job *job)
{
    const struct reply *reply = &job->reply;
    uint64_t age_ns = clock_ns() - job->cache.read_ns;
    struct value value = {
        .generation = job->cache.generation,
        .etag = reply->etag,
        .has_etag = reply->has_etag,
        .http = reply->http,
        .media = reply->media,
        .age_ms = (uint32_t)(age_ns / NS_PER_MS + 1),
        .life_ms = life_of(redis, age_ns),
        .key = job->cache.key,
        .body = reply->body,
        .next_cursor = reply->next_cursor,
    };
    if (value.life_ms > 0 && is_newest(redis, &job->cache))
        set(redis, &value);
}

void redis_put(struct cache *cache, struct job *job, uint64_t stale_ns)
{
    struct redis_cache *redis = (struct redis_cache *)cache;
    if (link_is_ready(&redis->link) && pipeline_has_room(&redis->link.pipeline, false) &&
        is_of_use(redis, job, stale_ns))
        keep(redis, job);
    redis_done(redis, job);
}
