/* SPDX-License-Identifier: MIT */
#include <telemetry/cache.h>

#include "cache_contract.h"

int main(void)
{
    return cache_contract_run(&cache_memory);
}
