/* SPDX-License-Identifier: MIT */
#include <telemetry/storage.h>

#include "storage_contract.h"

/* Short runs, so that merging, retiring and loading take part. */
enum { RUN_ROWS = 8, N_STEPS = 2000 };

int main(void)
{
    return storage_contract_model_run(&storage_sqlite, RUN_ROWS, N_STEPS);
}
