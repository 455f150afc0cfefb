/* SPDX-License-Identifier: MIT */
#include <telemetry/hash.h>

#include <pthread.h>
#include <sys/random.h>
#include <xxhash.h>

static uint64_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_make(void)
{
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed = (uint64_t)(uintptr_t)&seed; /* address randomisation is what is left without a random device */
}

uint64_t hash_stable(struct slice bytes)
{
    return XXH3_64bits(bytes.data, bytes.len);
}

struct hash128 hash_stable128(struct slice bytes)
{
    XXH128_hash_t hash = XXH3_128bits(bytes.data, bytes.len);
    return (struct hash128){ hash.high64, hash.low64 };
}

uint64_t hash_seeded(struct slice bytes)
{
    pthread_once(&seed_once, seed_make);
    return XXH3_64bits_withSeed(bytes.data, bytes.len, seed);
}
