/* SPDX-License-Identifier: MIT */
/* .env: a file that is taken reads the same when its entries are written out anew in double quotes; each value is then
 * held against every row of the table of settings, which takes it within its bounds or says in one line why not. */
#include <stdio.h>

#include "base/config_value.h"
#include "base/dotenv.h"
#include "fuzz.h"

enum { INPUT_MAX = 2048 };

static void check_line(const struct error *error)
{
    assert(error->exit_code == 78 && error->text[0] != '\0');
    for (const char *c = error->text; *c != '\0'; c++)
        assert((unsigned char)*c >= ' ' && *c != 0x7f);
}

static char *put_quoted(char *out, const char *value)
{
    *out++ = '"';
    for (; *value != '\0'; value++) {
        bool escaped = *value == '\n' || *value == '"' || *value == '\\';
        if (escaped)
            *out++ = '\\';
        *out++ = *value == '\n' ? 'n' : *value;
    }
    *out++ = '"';
    *out++ = '\n';
    return out;
}

static void check_written_anew(const struct dotenv *dotenv)
{
    static char text[8 * INPUT_MAX];
    char *out = text;
    struct dotenv again;
    struct error error;
    for (size_t i = 0; i < dotenv->n_entries; i++) {
        out += sprintf(out, "%s=", dotenv->entries[i].key);
        out = put_quoted(out, dotenv->entries[i].value);
    }
    int result = dotenv_parse(&again, "again", text, (size_t)(out - text), &error);
    assert(result == 0 && again.n_entries == dotenv->n_entries);
    for (size_t i = 0; i < again.n_entries; i++) {
        assert(strcmp(again.entries[i].key, dotenv->entries[i].key) == 0);
        assert(strcmp(again.entries[i].value, dotenv->entries[i].value) == 0);
        const struct dotenv_entry *found = dotenv_find(&again, again.entries[i].key);
        assert(found >= &again.entries[i] && strcmp(found->key, again.entries[i].key) == 0);
    }
    dotenv_fini(&again);
}

static void check_row(const struct config_row *row, const char *value)
{
    struct config config = { 0 };
    struct error error;
    struct setting setting = { .key = row->key, .value = value, .path = "file", .line = 1 };
    if (config_value_read(&config, row, &setting, &error) < 0) {
        check_line(&error);
        assert(row->kind != CONFIG_SECRET || value[0] == '\0' || strstr(error.text, value) == NULL ||
               strlen(value) < 8);
    } else if (config_is_text(row)) {
        assert(strcmp(*config_text(&config, row), value) == 0);
    } else {
        assert(*config_number(&config, row) >= row->min && *config_number(&config, row) <= row->max);
    }
    if (config_is_text(row))
        free(*config_text(&config, row));
}

static void check_settings(const struct dotenv *dotenv)
{
    for (size_t i = 0; i < dotenv->n_entries; i++)
        for (const struct config_row *row = config_rows; row->key != NULL || row->title != NULL; row++)
            if (row->key != NULL)
                check_row(row, dotenv->entries[i].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dotenv dotenv;
    struct error error;
    if (size > INPUT_MAX)
        return 0;
    struct exact copy = exact_new(data, size);
    int result = dotenv_parse(&dotenv, "file", copy.bytes, copy.len, &error);
    exact_free(&copy);
    if (result < 0) {
        check_line(&error);
        return 0;
    }
    check_written_anew(&dotenv);
    check_settings(&dotenv);
    dotenv_fini(&dotenv);
    return 0;
}
