/* SPDX-License-Identifier: MIT */
/* redis: the cache that several servers share.
 *
 * Happy path: get asks for the epoch, the number of the scope and the value in one MGET, and the job goes
 * on when the reply is there; put sends SET and is done at once; the bumps of a batch go out together and
 * their jobs go on when Redis has acknowledged all of them.
 *
 * When Redis fails, everything under way ends as if the cache were not there; see link.h for how it comes
 * back, and redis.h for why nothing stale comes back with it. */
#include "cache/redis/redis.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "cache/redis/tls.h"

/* One that expires is made anew: a miss. An hour keeps what nobody asks for any more from piling up. */
#define NUMBER_LIFE_MS "3600000"

static struct redis_cache *redis_of(struct cache *cache)
{
    return (struct redis_cache *)cache;
}

void redis_done(struct redis_cache *redis, struct job *job)
{
    redis->done(redis->context, job);
}

uint64_t redis_random(struct redis_cache *redis)
{
    if (redis->n_randoms == 0) {
        redis->n_randoms = RANDOMS;
        if (getrandom(redis->randoms, sizeof(redis->randoms), 0) != (ssize_t)sizeof(redis->randoms))
            abort(); /* the system promises so few bytes; without them an old answer could pass for a new one */
    }
    return redis->randoms[--redis->n_randoms];
}

struct call redis_call(struct redis_cache *redis, call_fn *answered, unsigned n)
{
    uint64_t now_ns = clock_ns();
    return (struct call){ .answered = answered,
                          .context = redis,
                          .begun_ns = now_ns,
                          .deadline_ns = now_ns + redis->settings.remote.timeout_ns,
                          .life_left_ms = -1,
                          .n_left = n };
}

void redis_set_number(struct redis_cache *redis, struct slice key, uint64_t number, bool if_missing)
{
    struct slice bytes = { (const char *)&number, NUMBER_BYTES };
    struct slice arguments[] = { SLICE("SET"), key, bytes, SLICE("PX"), SLICE(NUMBER_LIFE_MS), SLICE("NX") };
    pipeline_command(&redis->link.pipeline, if_missing ? 6 : 5, arguments);
}

/* Opening and closing ------------------------------------------------------------- */

/* A certificate that nobody looks at would look like safety. */
static int set_up_tls(struct redis_cache *redis, struct error *error)
{
    const struct cache_remote *remote = &redis->settings.remote;
    if (redis->uri.is_tls)
        return tls_open(remote, &redis->tls, error);
    if (tls_is_wanted(remote))
        return error_set(error, EX_CONFIG, "REDIS_TLS_... is set, and REDIS_URI does not begin with rediss://");
    return 0;
}

static int set_up(struct redis_cache *redis, struct error *error)
{
    const struct cache_remote *remote = &redis->settings.remote;
    redis->prefix = slice_of(remote->prefix);
    if (redis->prefix.len > KEY_PREFIX_MAX)
        return error_set(error, EX_CONFIG, "REDIS_PREFIX is longer than %d bytes", KEY_PREFIX_MAX);
    if (redis_uri_parse(remote->uri, &redis->uri, error) < 0)
        return -1;
    if (set_up_tls(redis, error) == 0)
        return 0;
    redis_uri_fini(&redis->uri);
    return -1;
}

static void watch(void *context, int fd, short events)
{
    struct redis_cache *redis = context;
    redis->settings.watch(redis->context, fd, events);
}

static int redis_open(const struct cache_settings *settings, cache_done_fn *done, void *context,
                      struct cache **ret_cache, struct error *error)
{
    struct redis_cache *redis = calloc(1, sizeof(*redis));
    if (redis == NULL)
        return error_set(error, 1, "cannot start the cache: out of memory");
    redis->head.ops = &cache_redis;
    redis->settings = *settings;
    redis->done = done;
    redis->context = context;
    if (set_up(redis, error) < 0) {
        free(redis);
        return -1;
    }
    struct link_settings link = { .uri = &redis->uri,
                                  .tls = redis->tls,
                                  .stats = settings->stats,
                                  .timeout_ns = settings->remote.timeout_ns,
                                  .watch = watch,
                                  .greet = redis_greet,
                                  .renew = redis_renew,
                                  .context = redis };
    link_init(&redis->link, &link);
    rates_init(redis);
    *ret_cache = (struct cache *)redis;
    return 0;
}

static void redis_close(struct cache **cache)
{
    struct redis_cache *redis = redis_of(*cache);
    *cache = NULL;
    link_fini(&redis->link);
    redis_announce(redis);
    SSL_CTX_free(redis->tls);
    redis_uri_fini(&redis->uri);
    free(redis->scratch);
    free(redis);
}

static uint64_t redis_pump(struct cache *cache)
{
    struct redis_cache *redis = redis_of(cache);
    redis_announce(redis);
    uint64_t rates_ns = rates_turn(redis), link_ns = link_pump(&redis->link);
    if (redis->bumps.first != NULL && !link_is_renewing(&redis->link)) { /* they have waited for the link */
        redis_announce(redis);
        link_ns = link_pump(&redis->link);
    }
    return rates_ns < link_ns ? rates_ns : link_ns;
}

const struct cache_ops cache_redis = {
    .name = "redis",
    .open = redis_open,
    .close = redis_close,
    .get = redis_get,
    .peek = redis_peek,
    .put = redis_put,
    .bump = redis_bump,
    .pump = redis_pump,
};
