/* SPDX-License-Identifier: MIT */
#include <telemetry/storage.h>

#include "storage_contract.h"

/* Short runs, so that merging and retiring take part. */
enum { RUN_ROWS = 8 };

int main(void)
{
    return storage_contract_aggregates_run(&storage_sqlite, RUN_ROWS);
}
