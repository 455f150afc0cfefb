/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <telemetry/storage.h>

#include "storage_contract.h"
#include "storage_mongodb_fixture.h"

int main(void)
{
    if (storage_mongodb_fixture_uri() == NULL)
        return storage_mongodb_fixture_skip();
    int n_failed = storage_contract_aggregates_run(storage_mongodb_fixture(), 0);
    storage_mongodb_fixture_end();
    return n_failed;
}
