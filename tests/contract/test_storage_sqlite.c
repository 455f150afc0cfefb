/* SPDX-License-Identifier: MIT */
#include <telemetry/storage.h>

#include "storage_contract.h"

int main(void)
{
    return storage_contract_run(&storage_sqlite, 8);
}
