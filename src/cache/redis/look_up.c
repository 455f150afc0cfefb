/* SPDX-License-Identifier: MIT */
/* look_up: MGET epoch, number of the scope, value; behind a PTTL of the value where the reader allows old
 * answers: the life that the value has left tells its age, without comparing the clocks of two machines.
 * (PTTL goes first: a value that is put between the two can only seem older than it is.)
 *
 * Where a number is missing, a second round makes it, unless another server was faster, and reads what is
 * there then. An old answer may also be younger than its age when this server itself saw that it was the newest: at
 * a look-up, or at a glance before a write of its own.
 * Whatever is not as it should be is a miss at most; without a generation, a bypass. */
#include "cache/redis/redis.h"

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "cache/redis/value.h"

enum { IS_PEEK, IS_GET }; /* call.kind of a look-up; of a glance it is the slot */

static void end(struct redis_cache *redis, const struct call *call, enum cache_result result)
{
    if (call->kind == IS_GET)
        call->job->cache.result = (uint8_t)result;
    redis_done(redis, call->job);
}

static void give_up(struct redis_cache *redis, const struct call *call, const redisReply *reply)
{
    if (reply != NULL)
        stats_add(redis->settings.stats, STATS_CACHE_BAD_REPLIES, 1);
    end(redis, call, CACHE_BYPASS);
}

/* Numbers -------------------------------------------------------------------------- */

static bool is_number(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING && reply->len == NUMBER_BYTES;
}

static uint64_t number_of(const redisReply *reply)
{
    uint64_t number;
    memcpy(&number, reply->str, NUMBER_BYTES);
    return number;
}

/* Whether a reply begins with epoch and number. */
static bool has_numbers(const redisReply *reply)
{
    return is_number(reply->element[0]) && is_number(reply->element[1]);
}

static void note_seen(struct seen *seen, struct sighting sighting, bool in_passing)
{
    bool is_new = seen->sightings[seen->newest].generation != sighting.generation;
    if (is_new && !seen->in_passing)
        seen->newest = (seen->newest + 1) % SIGHTINGS;
    seen->in_passing = in_passing && (is_new || seen->in_passing);
    seen->sightings[seen->newest] = sighting;
}

/* Notes the generation of the job's scope, from a reply that begins with epoch and number. False: they are
 * not there. */
static bool note_generation(struct redis_cache *redis, struct job *job, const redisReply *reply)
{
    if (!has_numbers(reply))
        return false;
    uint64_t epoch = number_of(reply->element[0]), number = number_of(reply->element[1]);
    redis->known.epoch = epoch;
    unsigned slot = bumps_slot(&job->cache);
    redis->known.slots[slot] = number;
    job->cache.generation = redis_generation(epoch, number);
    note_seen(&redis->known.seen[slot], (struct sighting){ job->cache.generation, job->cache.read_ns }, false);
    return true;
}

/* Whether both are there or simply missing. */
static bool are_sound(const redisReply *reply)
{
    for (unsigned i = 0; i < 2; i++)
        if (reply->element[i]->type != REDIS_REPLY_NIL && !is_number(reply->element[i]))
            return false;
    return true;
}

/* For epoch and number; and for the answer to a question, unless it is empty. */
static void ask(struct redis_cache *redis, unsigned slot, struct slice question)
{
    char rooms[3][KEY_BYTES];
    struct slice arguments[] = { SLICE("MGET"), key_of_epoch(redis->prefix, rooms[0]),
                                 key_of_slot(redis->prefix, slot, rooms[1]),
                                 question.len > 0 ? key_of_value(redis->prefix, question, rooms[2]) : question };
    pipeline_command(&redis->link.pipeline, question.len > 0 ? 4 : 3, arguments);
}

static void glanced(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    if (reply == NULL)
        return;
    if (!redis_is_array_of(reply, 2) || !are_sound(reply)) {
        stats_add(redis->settings.stats, STATS_CACHE_BAD_REPLIES, 1);
    } else if (has_numbers(reply)) {
        uint64_t generation = redis_generation(number_of(reply->element[0]), number_of(reply->element[1]));
        note_seen(&redis->known.seen[call->kind], (struct sighting){ generation, call->begun_ns }, true);
    }
}

void redis_glance(struct redis_cache *redis, unsigned slot)
{
    struct call call = redis_call(redis, glanced, 1);
    call.kind = slot;
    pipeline_call(&redis->link.pipeline, &call);
    ask(redis, slot, (struct slice){ NULL, 0 });
}

static void made(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    if (reply != NULL && call->n_left > 0)
        return; /* of the SETs: what counts is what is there now */
    if (reply != NULL && redis_is_array_of(reply, 2) && note_generation(redis, call->job, reply))
        end(redis, call, CACHE_MISS);
    else
        give_up(redis, call, reply);
}

/* The second round, within the time of the first. */
static void make_missing(struct redis_cache *redis, const struct call *first, const redisReply *reply)
{
    char room[KEY_BYTES];
    bool has_epoch = reply->element[0]->type != REDIS_REPLY_NIL;
    bool has_number = reply->element[1]->type != REDIS_REPLY_NIL;
    struct call call = *first;
    if (!pipeline_has_room(&redis->link.pipeline, false)) {
        give_up(redis, first, NULL);
        return;
    }
    call.answered = made;
    call.n_left = 1 + (has_epoch ? 0U : 1U) + (has_number ? 0U : 1U);
    pipeline_call(&redis->link.pipeline, &call);
    if (!has_epoch)
        redis_set_number(redis, key_of_epoch(redis->prefix, room), redis_random(redis), true);
    if (!has_number)
        redis_set_number(redis, key_of_slot(redis->prefix, bumps_slot(&call.job->cache), room), redis_random(redis),
                         true);
    ask(redis, bumps_slot(&call.job->cache), (struct slice){ NULL, 0 });
}

/* Values --------------------------------------------------------------------------- */

/* Body and cursor lie side by side, in the value and in the arena. */
static bool answer_from(struct job *job, const struct value *value)
{
    size_t bytes = value->body.len + value->next_cursor.len;
    char *copy = arena_alloc(&job->arena, bytes);
    if (copy == NULL)
        return false;
    memcpy(copy, value->body.data, bytes);
    job->reply = (struct reply){
        .http = value->http,
        .media = value->media,
        .has_etag = value->has_etag,
        .etag = value->etag,
        .lead = job->reply.lead,
        .body = { copy, value->body.len },
        .next_cursor = { copy + value->body.len, value->next_cursor.len },
    };
    return true;
}

/* How long ago this server itself saw that the answer was the newest; UINT64_MAX: it did not. */
static uint64_t seen_newest_ns(const struct redis_cache *redis, const struct call *call, const struct value *value)
{
    const struct sighting *sightings = redis->known.seen[bumps_slot(&call->job->cache)].sightings;
    for (unsigned i = 0; i < SIGHTINGS; i++)
        if (sightings[i].generation == value->generation)
            return clock_ns() - sightings[i].seen_ns;
    return UINT64_MAX;
}

/* How long ago the answer was read from the store; UINT64_MAX: not known. */
static uint64_t age_ns(const struct call *call, const struct value *value)
{
    if (call->life_left_ms < 0 || call->life_left_ms > value->life_ms)
        return UINT64_MAX;
    uint64_t lived_ms = value->life_ms - (uint64_t)call->life_left_ms + 1; /* Redis rounds to whole ones */
    uint64_t way_ns = clock_ns() - call->job->cache.read_ns;
    return (value->age_ms + lived_ms) * NS_PER_MS + way_ns;
}

/* How long ago an answer of an older generation was surely the newest. */
static uint64_t old_ns(const struct redis_cache *redis, const struct call *call, const struct value *value)
{
    uint64_t seen_ns = seen_newest_ns(redis, call, value), read_ns = age_ns(call, value);
    return seen_ns < read_ns ? seen_ns : read_ns;
}

static enum cache_result judge(struct redis_cache *redis, const struct call *call, const redisReply *reply)
{
    struct value value;
    struct job *job = call->job;
    if (reply->type == REDIS_REPLY_NIL)
        return CACHE_MISS;
    if (reply->type != REDIS_REPLY_STRING ||
        !value_read((struct slice){ reply->str, reply->len }, job->cache.key, &value)) {
        stats_add(redis->settings.stats, STATS_CACHE_BAD_VALUES, 1);
        return CACHE_MISS;
    }
    bool is_newest = value.generation == job->cache.generation;
    job->cache.old_ns = is_newest ? 0 : old_ns(redis, call, &value);
    if (!is_newest && (call->stale_ns == 0 || job->cache.old_ns > call->stale_ns))
        return CACHE_MISS;
    if (!answer_from(job, &value))
        return CACHE_BYPASS;
    return is_newest ? CACHE_HIT : CACHE_STALE_HIT;
}

static void looked_up(struct call *call, const redisReply *reply)
{
    struct redis_cache *redis = call->context;
    size_t n_elements = call->kind == IS_GET ? 3 : 2;
    if (reply != NULL && call->n_left > 0) {
        call->life_left_ms = reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
        return;
    }
    if (reply == NULL || !redis_is_array_of(reply, n_elements) || !are_sound(reply)) {
        give_up(redis, call, reply);
        return;
    }
    if (!note_generation(redis, call->job, reply))
        make_missing(redis, call, reply);
    else
        end(redis, call, call->kind == IS_GET ? judge(redis, call, reply->element[2]) : CACHE_MISS);
}

static void look_up(struct redis_cache *redis, struct job *job, unsigned kind, uint64_t stale_ns)
{
    struct call call = redis_call(redis, looked_up, stale_ns > 0 ? 2 : 1);
    call.job = job;
    call.kind = kind;
    call.stale_ns = stale_ns;
    job->cache.generation = 0;
    job->cache.read_ns = call.begun_ns;
    if (!link_is_ready(&redis->link) || !pipeline_has_room(&redis->link.pipeline, false)) {
        give_up(redis, &call, NULL);
        return;
    }
    pipeline_call(&redis->link.pipeline, &call);
    if (stale_ns > 0) {
        redis->gave_old_ns = call.begun_ns;
        char room[KEY_BYTES];
        struct slice pttl[] = { SLICE("PTTL"), key_of_value(redis->prefix, job->cache.key, room) };
        pipeline_command(&redis->link.pipeline, 2, pttl);
    }
    ask(redis, bumps_slot(&job->cache), kind == IS_GET ? job->cache.key : (struct slice){ NULL, 0 });
}

void redis_get(struct cache *cache, struct job *job, uint64_t stale_ns)
{
    look_up((struct redis_cache *)cache, job, IS_GET, stale_ns);
}

void redis_peek(struct cache *cache, struct job *job)
{
    look_up((struct redis_cache *)cache, job, IS_PEEK, 0);
}
