/* SPDX-License-Identifier: MIT */
/* cache_contract: what telemetry/cache.h promises, as one suite that every backend passes. */
#pragma once

struct cache_ops;

/* Runs the suite as one cmocka group; returns the number of failed tests. */
int cache_contract_run(const struct cache_ops *ops);
