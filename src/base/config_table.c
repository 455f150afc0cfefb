/* SPDX-License-Identifier: MIT */
#include "base/config_table.h"

#include <inttypes.h>

#define CONFIG_FILE_KEY_TEXT(key)   NULL
#define CONFIG_FILE_KEY_CHOICE(key) NULL
#define CONFIG_FILE_KEY_SECRET(key) (key "_FILE")
#define CONFIG_FILE_KEY_COUNT(key)  NULL
#define CONFIG_FILE_KEY_BYTES(key)  NULL
#define CONFIG_FILE_KEY_MS(key)     NULL
#define CONFIG_FILE_KEY_US(key)     NULL
#define CONFIG_FILE_KEY_DAYS(key)   NULL

const struct config_row config_rows[] = {
#define CONFIG_TITLE(text) { .title = (text) },
#define CONFIG_ROW(member, key, kind, standard, min, max, help)                                                        \
    { NULL, (key), CONFIG_FILE_KEY_##kind(key), CONFIG_##kind, offsetof(struct config, member), (standard), (min), (max), (help) },
    CONFIG_TABLE(CONFIG_TITLE, CONFIG_ROW)
#undef CONFIG_ROW
#undef CONFIG_TITLE
        { 0 }
};

char **config_text(struct config *config, const struct config_row *row)
{
    return (char **)(void *)((char *)config + row->offset);
}

uint64_t *config_number(struct config *config, const struct config_row *row)
{
    return (uint64_t *)(void *)((char *)config + row->offset);
}

const char *config_size(char ret_text[CONFIG_SIZE_BYTES], uint64_t bytes)
{
    static const char *const suffixes[] = { "", "k", "m", "g" };
    unsigned i = 0;
    for (; i < 3 && bytes > 0 && bytes % 1024 == 0; i++)
        bytes /= 1024;
    snprintf(ret_text, CONFIG_SIZE_BYTES, "%" PRIu64 "%s", bytes, suffixes[i]);
    return ret_text;
}
