/* SPDX-License-Identifier: MIT */
#include <telemetry/cache.h>

#include "cache_contract.h"

int main(void)
{
    const struct contract_backend memory = { &cache_memory, NULL };
    return cache_contract_run(&memory);
}
