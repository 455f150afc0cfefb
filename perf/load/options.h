/* SPDX-License-Identifier: MIT */
/* options: the command line. */
#pragma once

#include <stdbool.h>

#include "runner.h"

struct options {
    struct scenario scenario; /* with what the command line changes in it */
    struct settings settings;
    struct buffer headers;
    uint64_t errors_allowed;
    const char *out; /* how the names of the files begin; or NULL */
    bool json, quiet, check;
};

/* Reads all, the scenario's file too, and looks host names up. Returns 0; 1 when there is nothing more to do
 * (--help); -1 after a line on standard error. options_free() in any case. */
int options_read(struct options *ret_options, int argc, char *argv[]);
void options_free(struct options *options);
