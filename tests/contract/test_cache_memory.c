/* SPDX-License-Identifier: MIT */
#include <telemetry/cache.h>

#include "cache_contract.h"

int main(void)
{
    const struct contract_backend memory = { .ops = &cache_memory };
    return cache_contract_run(&memory);
}
