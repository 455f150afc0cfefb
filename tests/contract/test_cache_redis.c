/* SPDX-License-Identifier: MIT */
/* Against the real Redis that TEST_REDIS_URI names. */
#include <telemetry/cache.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache_contract.h"

int main(void)
{
    const struct contract_backend redis = { &cache_redis, getenv("TEST_REDIS_URI") };
    signal(SIGPIPE, SIG_IGN);
    if (redis.uri == NULL || redis.uri[0] == '\0') {
        puts("1..0 # SKIP TEST_REDIS_URI names no Redis");
        return 0;
    }
    return cache_contract_run(&redis);
}
