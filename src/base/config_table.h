/* SPDX-License-Identifier: MIT */
/* config_table: the rows of CONFIG_TABLE as data, for what reads them and what prints them. */
#pragma once

#include <telemetry/config.h>

enum config_kind { CONFIG_TEXT, CONFIG_CHOICE, CONFIG_SECRET, CONFIG_COUNT, CONFIG_BYTES, CONFIG_MS, CONFIG_US, CONFIG_DAYS };

struct config_row {
    const char *title; /* of the group that begins here; then all else is unset */
    const char *key;
    const char *file_key; /* for a secret, the key that names a file of it; else NULL */
    enum config_kind kind;
    size_t offset; /* of the member in struct config */
    const char *standard;
    uint64_t min, max;
    const char *help;
};

/* Ends with a row that has neither title nor key. */
extern const struct config_row config_rows[];

static inline bool config_is_text(const struct config_row *row)
{
    return row->kind == CONFIG_TEXT || row->kind == CONFIG_CHOICE || row->kind == CONFIG_SECRET;
}

/* The member of a row: *config_text() or *config_number(), as config_is_text() says. */
char **config_text(struct config *config, const struct config_row *row);
uint64_t *config_number(struct config *config, const struct config_row *row);

/* A size in the shortest form that is exact: 65536 is 64k. Returns ret_text. */
enum { CONFIG_SIZE_BYTES = 24 };
const char *config_size(char ret_text[CONFIG_SIZE_BYTES], uint64_t bytes);
