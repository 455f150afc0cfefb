/* SPDX-License-Identifier: MIT */
#include <telemetry/storage.h>

#include "storage_contract.h"

/* Short runs, so that merging, retiring and loading take part. */
enum { RUN_ROWS = 32, N_STEPS = 1200 };

int main(void)
{
    return storage_contract_aggregates_model_run(&storage_sqlite, RUN_ROWS, N_STEPS);
}
