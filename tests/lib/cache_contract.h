/* SPDX-License-Identifier: MIT */
/* cache_contract: what telemetry/cache.h promises, as one suite that every backend passes. */
#pragma once

#include <stdint.h>

struct cache_ops;
struct limiter;

/* A backend, and where it is when it is not in the process. */
struct contract_backend {
    const struct cache_ops *ops;
    const char *uri;     /* or NULL */
    const char *prefix;  /* of its keys; NULL: one that nobody else has */
    uint64_t timeout_ns; /* 0: 5 s */
    /* As in struct cache_remote. */
    const char *tls_ca_file, *tls_cert_file, *tls_key_file;
    struct limiter *limiter; /* told of every millisecond; NULL: none */
};

/* Runs the suite as one cmocka group; returns the number of failed tests. */
int cache_contract_run(const struct contract_backend *backend);
