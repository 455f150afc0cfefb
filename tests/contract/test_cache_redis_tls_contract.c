/* SPDX-License-Identifier: MIT */
/* The contract, through TLS, in another database than the first. */
#include <telemetry/cache.h>

#include <signal.h>
#include <stdio.h>

#include "cache_contract.h"
#include "certificates.h"
#include "redis_process.h"

static int run(const struct certificates *files)
{
    struct redis_process own;
    char uri[64];
    if (!redis_process_start_on_port(&own, files->folder, "server")) {
        puts("1..0 # SKIP there is no redis-server");
        return 0;
    }
    snprintf(uri, sizeof(uri), "rediss://localhost:%u/3", own.port);
    const struct contract_backend redis = { .ops = &cache_redis, .uri = uri, .tls_ca_file = files->ca };
    int n_failed = cache_contract_run(&redis);
    redis_process_fini(&own);
    return n_failed;
}

int main(void)
{
    struct certificates files;
    signal(SIGPIPE, SIG_IGN);
    if (!certificates_make(&files)) {
        puts("1..0 # SKIP there is no openssl");
        return 0;
    }
    int n_failed = run(&files);
    certificates_fini(&files);
    return n_failed;
}
