/* SPDX-License-Identifier: MIT */
/* memory: the cache inside the process.
 *
 * A hit costs two hashes, one compare of the key and one copy of the answer into the job's arena. A
 * put allocates one block, drops the least recently used answers until all fit in max_bytes, and of
 * those that are past their TTL as many as keep their number from growing. Answers of an older
 * generation stay until then: readers that allow old answers may still want them. Every call is done before it returns.
 */
#include <telemetry/cache.h>

#include <stdlib.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>
#include <telemetry/job.h>
#include <telemetry/stats.h>

#include "cache/memory/entries.h"
#include "cache/memory/generations.h"

enum {
    LARGEST_SHARE = 8, /* one answer takes at most this part of max_bytes */
    EXPIRED_SHARE = 2  /* so many past their TTL go when one comes */
};

struct memory_cache {
    struct cache_head head;
    struct cache_settings settings;
    cache_done_fn *done;
    void *context;
    struct entries entries;
    struct generations generations;
};

static struct memory_cache *memory_of(struct cache *cache)
{
    return (struct memory_cache *)cache;
}

static int memory_open(const struct cache_settings *settings, cache_done_fn *done, void *context,
                       struct cache **ret_cache, struct error *error)
{
    struct memory_cache *memory = malloc(sizeof(*memory));
    if (memory == NULL || entries_init(&memory->entries) < 0) {
        free(memory);
        return error_set(error, 1, "cannot start the cache: out of memory");
    }
    memory->head.ops = &cache_memory;
    memory->settings = *settings;
    memory->done = done;
    memory->context = context;
    generations_init(&memory->generations);
    stats_set(settings->stats, STATS_GAUGE_CACHE_UP, 1);
    *ret_cache = (struct cache *)memory;
    return 0;
}

static void memory_close(struct cache **cache)
{
    struct memory_cache *memory = memory_of(*cache);
    *cache = NULL;
    entries_fini(&memory->entries);
    free(memory);
}

static void show_size(const struct memory_cache *memory)
{
    stats_set(memory->settings.stats, STATS_GAUGE_CACHE_BYTES, (int64_t)memory->entries.bytes);
    stats_set(memory->settings.stats, STATS_GAUGE_CACHE_ENTRIES, (int64_t)memory->entries.n);
}

static void drop(struct memory_cache *memory, struct entry *entry)
{
    entries_drop(&memory->entries, &entry);
    show_size(memory);
}

static uint64_t age_ns(uint64_t read_ns, uint64_t now_ns)
{
    return now_ns > read_ns ? now_ns - read_ns : 0;
}

/* Body and cursor lie side by side, in the entry and in the arena. */
static bool answer_from(struct job *job, const struct entry *entry)
{
    size_t bytes = entry->body_bytes + entry->cursor_bytes;
    char *copy = arena_alloc(&job->arena, bytes);
    if (copy == NULL)
        return false;
    memcpy(copy, entry->text + entry->key_bytes, bytes);
    job->reply = (struct reply){
        .http = entry->http,
        .media = entry->media,
        .has_etag = entry->has_etag,
        .etag = entry->etag,
        .lead = job->reply.lead,
        .body = { copy, entry->body_bytes },
        .next_cursor = { copy + entry->body_bytes, entry->cursor_bytes },
    };
    return true;
}

/* How long ago an old answer was surely the newest: the write that made it old tells, unless many have come
 * since, else its own read. */
static uint64_t old_ns(const struct memory_cache *memory, const struct job *job, const struct entry *entry)
{
    const struct generation *newest = generations_of(&memory->generations, &job->cache);
    uint64_t made_old_ns = generation_left_ns(newest, entry->generation);
    return age_ns(made_old_ns != 0 ? made_old_ns : entry->read_ns, job->cache.read_ns);
}

static enum cache_result look_up(struct memory_cache *memory, struct job *job, uint64_t stale_ns)
{
    struct entry *entry = entries_find(&memory->entries, hash_seeded(job->cache.key), job->cache.key);
    if (entry == NULL)
        return CACHE_MISS;
    uint64_t age = age_ns(entry->read_ns, job->cache.read_ns);
    if (age > memory->settings.ttl_ns) {
        drop(memory, entry);
        return CACHE_MISS;
    }
    bool newest = entry->generation == job->cache.generation;
    job->cache.old_ns = newest ? 0 : old_ns(memory, job, entry);
    if (!newest && (stale_ns == 0 || job->cache.old_ns > stale_ns))
        return CACHE_MISS;
    if (!answer_from(job, entry))
        return CACHE_BYPASS;
    entries_touch(&memory->entries, entry);
    return newest ? CACHE_HIT : CACHE_STALE_HIT;
}

static void note_generation(const struct memory_cache *memory, struct job *job)
{
    job->cache.generation = generations_of(&memory->generations, &job->cache)->number;
    job->cache.read_ns = clock_ns();
}

static void memory_get(struct cache *cache, struct job *job, uint64_t stale_ns)
{
    struct memory_cache *memory = memory_of(cache);
    note_generation(memory, job);
    job->cache.result = (uint8_t)look_up(memory, job, stale_ns);
    memory->done(memory->context, job);
}

static void memory_peek(struct cache *cache, struct job *job)
{
    struct memory_cache *memory = memory_of(cache);
    note_generation(memory, job);
    memory->done(memory->context, job);
}

/* Drops least recently used answers until `bytes` more fit. False when they cannot. */
static bool make_room(struct memory_cache *memory, size_t bytes)
{
    struct entries *entries = &memory->entries;
    size_t max_bytes = memory->settings.max_bytes;
    while (entries->bytes + bytes > max_bytes && entries->oldest != NULL) {
        struct entry *oldest = entries->oldest;
        entries_drop(entries, &oldest);
        stats_add(memory->settings.stats, STATS_CACHE_EVICTIONS, 1);
    }
    return entries->bytes + bytes <= max_bytes;
}

/* From the end of the least recently used; what is past its TTL elsewhere goes when it is looked up. */
static void drop_expired(struct memory_cache *memory, uint64_t now_ns)
{
    struct entry *oldest = memory->entries.oldest;
    for (unsigned n = 0; n < EXPIRED_SHARE && oldest != NULL; n++, oldest = memory->entries.oldest) {
        if (age_ns(oldest->read_ns, now_ns) <= memory->settings.ttl_ns)
            return;
        entries_drop(&memory->entries, &oldest);
    }
}

static char *append(char *place, struct slice text)
{
    if (text.len > 0)
        memcpy(place, text.data, text.len);
    return place + text.len;
}

static struct entry *entry_of(const struct job *job, uint64_t hash)
{
    const struct reply *reply = &job->reply;
    size_t text_bytes = job->cache.key.len + reply->body.len + reply->next_cursor.len;
    struct entry *entry = malloc(sizeof(*entry) + text_bytes);
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){
        .hash = hash,
        .generation = job->cache.generation,
        .read_ns = job->cache.read_ns,
        .etag = reply->etag,
        .key_bytes = job->cache.key.len,
        .body_bytes = reply->body.len,
        .cursor_bytes = reply->next_cursor.len,
        .http = reply->http,
        .media = reply->media,
        .has_etag = reply->has_etag,
    };
    append(append(append(entry->text, job->cache.key), reply->body), reply->next_cursor);
    return entry;
}

/* Whether the answer can be of use to anyone: the newest, or one that readers of old answers get. */
static bool is_of_use(const struct memory_cache *memory, const struct job *job, uint64_t stale_ns)
{
    uint64_t age = age_ns(job->cache.read_ns, clock_ns());
    if (job->cache.generation == 0 || age > memory->settings.ttl_ns)
        return false;
    return generations_of(&memory->generations, &job->cache)->number == job->cache.generation || stale_ns > 0;
}

static void keep(struct memory_cache *memory, const struct job *job)
{
    size_t bytes = entry_bytes(job->cache.key.len + job->reply.body.len + job->reply.next_cursor.len);
    uint64_t hash = hash_seeded(job->cache.key);
    drop_expired(memory, job->cache.read_ns);
    struct entry *kept = entries_find(&memory->entries, hash, job->cache.key);
    if (bytes > memory->settings.max_bytes / LARGEST_SHARE ||
        (kept != NULL && kept->generation > job->cache.generation))
        return;
    if (kept != NULL)
        entries_drop(&memory->entries, &kept);
    struct entry *entry = make_room(memory, bytes) ? entry_of(job, hash) : NULL;
    if (entry != NULL)
        entries_add(&memory->entries, &entry);
    make_room(memory, 0); /* the table may have grown */
    show_size(memory);
}

static void memory_put(struct cache *cache, struct job *job, uint64_t stale_ns)
{
    struct memory_cache *memory = memory_of(cache);
    if (is_of_use(memory, job, stale_ns))
        keep(memory, job);
    memory->done(memory->context, job);
}

static void memory_bump(struct cache *cache, struct job *job)
{
    struct memory_cache *memory = memory_of(cache);
    generations_bump(&memory->generations, job, clock_ns());
    memory->done(memory->context, job);
}

const struct cache_ops cache_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .get = memory_get,
    .peek = memory_peek,
    .put = memory_put,
    .bump = memory_bump,
};
