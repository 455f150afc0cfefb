/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <telemetry/hash.h>

#include "pool.h"

enum { SLOTS_FIRST = 32, CHUNK_BYTES = 16 * 1024 };

void words_init(struct words *words, struct pool *pool)
{
    *words = (struct words){ .pool = pool };
}

void words_clear(struct words *words)
{
    while (words->chunks != NULL) {
        void *chunk = words->chunks;
        words->chunks = *(void **)chunk;
        pool_free(words->pool, chunk);
    }
    pool_free(words->pool, words->slots);
    pool_free(words->pool, words->words);
    words_init(words, words->pool);
}

/* The slot of the text, or the free one where it belongs. */
static uint32_t *slot_of(const struct words *words, struct slice text, uint64_t hash)
{
    for (uint64_t at = hash;; at++) {
        uint32_t *slot = &words->slots[at & (words->n_slots - 1)];
        if (*slot == 0)
            return slot;
        const struct word *word = &words->words[*slot - 1];
        if (word->hash == hash && slice_equal(word->text, text))
            return slot;
    }
}

bool words_find(const struct words *words, struct slice text, uint32_t *ret_number)
{
    if (words->n_slots == 0)
        return false;
    uint32_t slot = *slot_of(words, text, hash_seeded(text));
    if (slot != 0)
        *ret_number = slot - 1;
    return slot != 0;
}

/* Twice as many slots, and words to fill half of them. */
static bool grow(struct words *words)
{
    uint32_t n_slots = words->n_slots == 0 ? SLOTS_FIRST : 2 * words->n_slots;
    uint32_t *slots = pool_alloc(words->pool, n_slots * sizeof(slots[0]));
    if (slots == NULL)
        return false;
    struct word *grown =
        pool_grow(words->pool, words->words, words->n * sizeof(grown[0]), n_slots / 2 * sizeof(grown[0]));
    if (grown == NULL) {
        pool_free(words->pool, slots);
        return false;
    }
    pool_free(words->pool, words->slots);
    words->words = grown;
    words->capacity = n_slots / 2;
    words->slots = slots;
    words->n_slots = n_slots;
    for (uint32_t i = 0; i < words->n; i++)
        *slot_of(words, grown[i].text, grown[i].hash) = i + 1;
    return true;
}

static bool new_chunk(struct words *words, size_t bytes)
{
    size_t chunk_bytes = sizeof(void *) + (bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
    char *chunk = pool_alloc(words->pool, chunk_bytes);
    if (chunk == NULL)
        return false;
    *(void **)chunk = words->chunks;
    words->chunks = chunk;
    words->chunk = chunk;
    words->chunk_used = sizeof(void *);
    words->chunk_bytes = (uint32_t)chunk_bytes;
    return true;
}

static bool copy_text(struct words *words, struct slice text, struct slice *ret_copy)
{
    if ((words->chunk == NULL || text.len > words->chunk_bytes - words->chunk_used) && !new_chunk(words, text.len))
        return false;
    char *copy = words->chunk + words->chunk_used;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    words->chunk_used += (uint32_t)text.len;
    *ret_copy = (struct slice){ copy, text.len };
    return true;
}

bool words_put(struct words *words, struct slice text, uint32_t *ret_number)
{
    struct word word = { .hash = hash_seeded(text) };
    uint32_t *slot = words->n_slots == 0 ? NULL : slot_of(words, text, word.hash);
    if (slot != NULL && *slot != 0) {
        *ret_number = *slot - 1;
        return true;
    }
    if (words->n == words->capacity && !grow(words))
        return false;
    if (!copy_text(words, text, &word.text))
        return false;
    words->words[words->n] = word;
    *slot_of(words, text, word.hash) = words->n + 1;
    *ret_number = words->n++;
    return true;
}
