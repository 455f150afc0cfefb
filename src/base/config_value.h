/* SPDX-License-Identifier: MIT */
/* config_value: one setting as text, and what it must be. */
#pragma once

#include "base/config_table.h"

/* A value and the place where it was found. */
struct setting {
    const char *key;   /* as it is written there */
    const char *value; /* NULL: it is not there */
    const char *path;  /* of the file; NULL: the environment */
    unsigned line;     /* in the file */
    bool is_path;      /* of a secret: value names the file that holds it */
};

/* Writes the line `place: key: reason`; returns -1. */
__attribute__((format(printf, 3, 4))) int setting_refuse(const struct setting *setting, struct error *error,
                                                         const char *format, ...);

/* Checks a value and stores it in the row's member; a text there is freed. -1 with error set. */
MUST_CHECK int config_value_read(struct config *config, const struct config_row *row, const struct setting *setting,
                                 struct error *error);
