/* SPDX-License-Identifier: MIT */
/* storage_contract: what telemetry/storage.h promises, as suites that every backend passes. Each runs
 * one cmocka group, with that many rows in a run (embedded backends; 0: their own choice), and
 * returns the number of failed tests. */
#pragma once

struct storage_ops;

int storage_contract_run(const struct storage_ops *ops, unsigned run_rows);            /* one metric, one batch */
int storage_contract_lists_run(const struct storage_ops *ops, unsigned run_rows);      /* filters, order, pages */
int storage_contract_aggregates_run(const struct storage_ops *ops, unsigned run_rows); /* plans worked out */
/* Ranges at the ends of time and of what is stored, of which every n_apart-th combination is asked. */
int storage_contract_aggregates_ranges_run(const struct storage_ops *ops, unsigned run_rows, unsigned n_apart);
/* Random walks of n_steps each. */
int storage_contract_model_run(const struct storage_ops *ops, unsigned run_rows, unsigned n_steps);
int storage_contract_aggregates_model_run(const struct storage_ops *ops, unsigned run_rows, unsigned n_steps);
