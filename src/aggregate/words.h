/* SPDX-License-Identifier: MIT */
/* words: texts numbered from 0 in the order in which they come, each once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

struct pool;

struct word {
    uint64_t hash; /* hash_seeded() */
    struct slice text;
};

struct words {
    struct pool *pool;
    struct word *words;
    uint32_t n, capacity;
    uint32_t *slots;  /* open addressing, at most half full: number + 1; 0: free */
    uint32_t n_slots; /* 0, or a power of two */
    char *chunk;      /* where the bytes of the next text go */
    uint32_t chunk_used, chunk_bytes;
    void *chunks; /* the newest; each begins with a pointer to the one before */
};

/* Keeps pool, which ends the words by its own end. */
void words_init(struct words *words, struct pool *pool);
/* Forgets all and gives their memory back. */
void words_clear(struct words *words);

/* Whether there is this text, with its number. */
MUST_CHECK bool words_find(const struct words *words, struct slice text, uint32_t *ret_number);
/* The same, and a text that is not there is copied: its number is the words->n of before. False without memory. */
MUST_CHECK bool words_put(struct words *words, struct slice text, uint32_t *ret_number);
