/* SPDX-License-Identifier: MIT */
/* Against the real Redis that TEST_REDIS_URI names, or one that the test starts for itself. */
#include <telemetry/cache.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache_contract.h"
#include "redis_process.h"

int main(void)
{
    struct redis_process own = { .pid = 0 };
    const char *given = getenv("TEST_REDIS_URI");
    bool is_given = given != NULL && given[0] != '\0';
    signal(SIGPIPE, SIG_IGN);
    if (!is_given && !redis_process_start(&own, false)) {
        puts("1..0 # SKIP there is no redis-server, and TEST_REDIS_URI names none");
        return 0;
    }
    const struct contract_backend redis = { .ops = &cache_redis, .uri = is_given ? given : own.uri };
    int n_failed = cache_contract_run(&redis);
    if (!is_given)
        redis_process_fini(&own);
    return n_failed;
}
