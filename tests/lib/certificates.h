/* SPDX-License-Identifier: MIT */
/* certificates: a folder that make-certificates filled, for one test program. */
#pragma once

#include <stdbool.h>

struct certificates {
    char folder[32];
    char ca[64], other_ca[64], client[64], client_key[64], both[64], stranger[64], stranger_key[64];
};

/* False without the command openssl; then there is nothing to end. */
bool certificates_make(struct certificates *certificates);
void certificates_fini(struct certificates *certificates);
