/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <telemetry/storage.h>

#include "storage_contract.h"
#include "storage_mongodb_fixture.h"

/* A question takes milliseconds here. No factor in common with the numbers of choices: each of them comes. */
enum { N_APART = 31 };

int main(void)
{
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    int n_failed = storage_contract_aggregates_ranges_run(storage_mongodb_fixture(), 0, N_APART);
    storage_mongodb_fixture_end();
    return n_failed;
}
