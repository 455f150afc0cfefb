/* SPDX-License-Identifier: MIT */
/* storage_contract: what telemetry/storage.h promises, as one suite that every backend passes. */
#pragma once

struct storage_ops;

/* Runs the suite as one cmocka group, with that many rows in a run (embedded backends; 0: their own
 * choice); returns the number of failed tests. */
int storage_contract_run(const struct storage_ops *ops, unsigned run_rows);
