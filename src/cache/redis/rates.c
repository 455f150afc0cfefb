/* SPDX-License-Identifier: MIT */
/* rates: XADD and PEXPIRE of what was taken here, if anything was, then XREAD of what came behind the message that was
 * read last, again at once as long as answers are full.
 *
 * A message is numbers of 64 bits: a mark, the server, two for each client, and a checksum of all before. What is
 * not so is counted and read over. What Redis refuses (XADD is not allowed, or not known) is tried again later. */
#include "cache/redis/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>
#include <telemetry/log.h>
#include <telemetry/stats.h>

#define RATES_LIFE_MS "60000"
#define RATES_KEPT    "1024" /* messages, about */

enum { READ_MAX = REPLY_ELEMENTS_MAX }; /* messages in one answer */
_Static_assert(READ_MAX == 16, "as XREAD says");

enum { HEAD_NUMBERS = 2, USE_NUMBERS = 2, MESSAGE_NUMBERS = HEAD_NUMBERS + USE_NUMBERS * RATES_USES_MAX + 1 };

static const uint64_t mark = 0x3173657461727374; /* "tsrates1" in a little-endian dump */
static const uint64_t refused_again_ns = 5 * NS_PER_S;

static void fault(struct redis_cache *redis)
{
    stats_add(redis->settings.stats, STATS_RATES_FAULTS, 1);
}

/* Everything under way is over; reads begin anew with the next hello. */
static void forget(struct redis_cache *redis)
{
    redis->rates.is_out = false;
    redis->rates.read_id[0] = '\0';
}

static void refused(struct redis_cache *redis, const redisReply *reply)
{
    struct rates *rates = &redis->rates;
    fault(redis);
    forget(redis);
    rates->due_ns = clock_ns() + refused_again_ns;
    if (!rates->is_refused)
        log_warn("Redis takes no rates; each server counts calls for itself", "redis", redis->uri.shown, "reason",
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another kind");
    rates->is_refused = true;
}

/* Messages ---------------------------------------------------------------------- */

static uint64_t checksum(const uint64_t numbers[], size_t n)
{
    return hash_stable((struct slice){ (const char *)numbers, n * sizeof(numbers[0]) });
}

static void charge_all(struct redis_cache *redis, const uint64_t numbers[], size_t n_uses)
{
    uint64_t now_ns = clock_ns();
    for (size_t i = 0; i < n_uses; i++) {
        const uint64_t *pair = numbers + HEAD_NUMBERS + USE_NUMBERS * i;
        limiter_charge(redis->rates.limiter, &(struct limit_use){ pair[0], pair[1] }, now_ns);
    }
    stats_add(redis->settings.stats, STATS_RATES_HEARD, n_uses);
}

static void take_message(struct redis_cache *redis, const redisReply *text)
{
    uint64_t numbers[MESSAGE_NUMBERS];
    size_t n = text->type == REDIS_REPLY_STRING ? (size_t)text->len / sizeof(numbers[0]) : 0;
    if (n <= HEAD_NUMBERS || n > MESSAGE_NUMBERS || n * sizeof(numbers[0]) != (size_t)text->len) {
        fault(redis);
        return;
    }
    memcpy(numbers, text->str, (size_t)text->len);
    if (numbers[0] != mark || numbers[n - 1] != checksum(numbers, n - 1))
        fault(redis);
    else if (numbers[1] != redis->rates.server)
        charge_all(redis, numbers, (n - 1 - HEAD_NUMBERS) / USE_NUMBERS);
}

/* Adds a message of n_uses clients, which stand behind its head. */
static void send_message(struct redis_cache *redis, uint64_t numbers[], size_t n_uses, call_fn *answered)
{
    char room[KEY_BYTES];
    size_t n = HEAD_NUMBERS + USE_NUMBERS * n_uses;
    struct call call = redis_call(redis, answered, 1);
    numbers[0] = mark;
    numbers[1] = redis->rates.server;
    numbers[n] = checksum(numbers, n);
    struct slice bytes = { (const char *)numbers, (n + 1) * sizeof(numbers[0]) };
    pipeline_call(&redis->link.pipeline, &call);
    pipeline_command(&redis->link.pipeline, 8,
                     (struct slice[]){ SLICE("XADD"), key_of_rates(slice_of(redis->settings.remote.rates_prefix), room),
                                       SLICE("MAXLEN"), SLICE("~"), SLICE(RATES_KEPT), SLICE("*"), SLICE("u"), bytes });
}

/* Reading ------------------------------------------------------------------------ */

static void read_on(struct redis_cache *redis);

/* Milliseconds of Redis' clock, and which one it is of them. */
static bool is_id(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING && reply->len > 0 && reply->len < RATES_ID_BYTES &&
           strspn(reply->str, "0123456789-") == (size_t)reply->len;
}

static void keep_id(struct rates *rates, const redisReply *id)
{
    memcpy(rates->read_id, id->str, (size_t)id->len + 1);
}

/* [id, [field, value]] */
static bool take_entry(struct redis_cache *redis, const redisReply *entry)
{
    if (!redis_is_array_of(entry, 2) || !is_id(entry->element[0]) || !redis_is_array_of(entry->element[1], 2))
        return false;
    keep_id(&redis->rates, entry->element[0]);
    take_message(redis, entry->element[1]->element[1]);
    return true;
}

/* Nil, or [[key, [entry, ...]]]. */
static bool take_entries(struct redis_cache *redis, const redisReply *reply, size_t *ret_n)
{
    *ret_n = 0;
    if (reply->type == REDIS_REPLY_NIL)
        return true;
    if (!redis_is_array_of(reply, 1) || !redis_is_array_of(reply->element[0], 2))
        return false;
    const redisReply *entries = reply->element[0]->element[1];
    if (entries->type != REDIS_REPLY_ARRAY)
        return false;
    for (*ret_n = 0; *ret_n < (size_t)entries->elements; ++*ret_n)
        if (!take_entry(redis, entries->element[*ret_n]))
            return false;
    return true;
}

static void heard(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    size_t n;
    if (reply == NULL)
        forget(redis);
    else if (!take_entries(redis, reply, &n))
        refused(redis, reply);
    else if (n == READ_MAX)
        read_on(redis);
    else
        redis->rates.is_out = false;
}

static void read_on(struct redis_cache *redis)
{
    char room[KEY_BYTES];
    struct slice key = key_of_rates(slice_of(redis->settings.remote.rates_prefix), room);
    struct call call = redis_call(redis, heard, 1);
    if (!pipeline_has_room(&redis->link.pipeline, false)) {
        redis->rates.is_out = false;
        return;
    }
    pipeline_call(&redis->link.pipeline, &call);
    pipeline_command(&redis->link.pipeline, 6,
                     (struct slice[]){ SLICE("XREAD"), SLICE("COUNT"), SLICE("16"), SLICE("STREAMS"), key,
                                       slice_of(redis->rates.read_id) });
}

/* Telling ------------------------------------------------------------------------ */

/* A clock of Redis that was set back would hide what comes next behind what was read. */
static void told(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    struct rates *rates = &redis->rates;
    if (reply != NULL && !is_id(reply))
        refused(redis, reply);
    else if (reply != NULL && strtoull(reply->str, NULL, 10) < strtoull(rates->read_id, NULL, 10))
        keep_id(rates, reply);
}

static void outlives(struct call *call, const redisReply *reply)
{
    if (reply != NULL && reply->type != REDIS_REPLY_INTEGER)
        fault(call->context);
}

static void send_life(struct redis_cache *redis)
{
    char room[KEY_BYTES];
    struct slice key = key_of_rates(slice_of(redis->settings.remote.rates_prefix), room);
    struct call call = redis_call(redis, outlives, 1);
    pipeline_call(&redis->link.pipeline, &call);
    pipeline_command(&redis->link.pipeline, 3, (struct slice[]){ SLICE("PEXPIRE"), key, SLICE(RATES_LIFE_MS) });
}

static unsigned collect(struct redis_cache *redis, uint64_t numbers[])
{
    struct limit_use uses[RATES_USES_MAX];
    unsigned n = limiter_collect(redis->rates.limiter, uses, RATES_USES_MAX);
    for (unsigned i = 0; i < n; i++) {
        numbers[HEAD_NUMBERS + USE_NUMBERS * i] = uses[i].who;
        numbers[HEAD_NUMBERS + USE_NUMBERS * i + 1] = uses[i].ns;
    }
    return n;
}

static void exchange(struct redis_cache *redis)
{
    uint64_t numbers[MESSAGE_NUMBERS];
    unsigned n = collect(redis, numbers);
    if (n > 0) {
        send_message(redis, numbers, n, told);
        send_life(redis);
        stats_add(redis->settings.stats, STATS_RATES_TOLD, n);
    }
    read_on(redis);
}

/* Beginning ---------------------------------------------------------------------- */

static void welcomed(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    struct rates *rates = &redis->rates;
    rates->is_out = false;
    if (reply == NULL)
        return;
    if (!is_id(reply)) {
        refused(redis, reply);
        return;
    }
    keep_id(rates, reply);
    rates->is_refused = false;
    log_info("calls are counted together with the other servers", "redis", redis->uri.shown);
}

/* What was taken while nobody listened stays this server's own. */
static void say_hello(struct redis_cache *redis)
{
    uint64_t numbers[MESSAGE_NUMBERS];
    while (collect(redis, numbers) > RATES_USES_MAX / 2)
        continue;
    send_message(redis, numbers, 0, welcomed);
}

void rates_greet(struct redis_cache *redis)
{
    forget(redis);
}

uint64_t rates_turn(struct redis_cache *redis)
{
    struct rates *rates = &redis->rates;
    uint64_t now_ns = clock_ns();
    if (rates->limiter == NULL)
        return UINT64_MAX;
    if (now_ns < rates->due_ns)
        return rates->due_ns;
    rates->due_ns = now_ns + rates->every_ns;
    bool is_ready = link_is_ready(&redis->link);
    stats_set(redis->settings.stats, STATS_GAUGE_RATES_SHARED, is_ready && rates->read_id[0] != '\0');
    if (!is_ready || rates->is_out || !pipeline_has_room(&redis->link.pipeline, false))
        return rates->due_ns;
    rates->is_out = true;
    if (rates->read_id[0] == '\0')
        say_hello(redis);
    else
        exchange(redis);
    return rates->due_ns;
}

void rates_init(struct redis_cache *redis)
{
    const struct cache_remote *remote = &redis->settings.remote;
    redis->rates =
        (struct rates){ .limiter = remote->limiter, .every_ns = remote->rates_every_ns, .server = redis_random(redis) };
}
