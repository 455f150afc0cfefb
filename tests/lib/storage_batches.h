/* SPDX-License-Identifier: MIT */
/* storage_batches: numbered batches of metrics, which are stored whole or not at all. */
#pragma once

#include "storage_hands.h"

enum { BATCH_METRICS = 7, BATCH_NAMES = 20 };

/* Stores a batch, whose number is its timestamp too; gives the first metric's id. Fails the test unless all is stored.
 */
struct metric_id batch_store(struct hands *hands, uint32_t number);
/* How many metrics of it are there. */
unsigned batch_count(struct hands *hands, uint32_t number);
