/* SPDX-License-Identifier: MIT */
#include <telemetry/storage.h>

#include "storage_contract.h"

/* Short runs: some of the stock is merged, some is not. No factor in common with the numbers of choices: each of them
 * comes. */
enum { RUN_ROWS = 2, N_APART = 29 };

int main(void)
{
    return storage_contract_aggregates_ranges_run(&storage_sqlite, RUN_ROWS, N_APART);
}
