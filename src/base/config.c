/* SPDX-License-Identifier: MIT */
/* config: where each setting comes from.
 *
 * Happy path: the environment says which stack this is, the stack names the file, every key of the
 * file is one of the table's, and each row takes the first value there is in environment, file and
 * table. */
#include <telemetry/config.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/config_value.h"
#include "base/dotenv.h"
#include "base/nearest.h"

/* Two names of one setting; its row has the first. */
static const char stack_key[] = "APP_ENV", stack_alias[] = "ENVIRONMENT";

struct sources {
    char *const *environment;
    struct dotenv file;
    char *path;         /* of the file */
    bool path_is_stack; /* it is .env.${ENVIRONMENT}, not .env */
};

typedef struct setting finder(const struct sources *sources, const char *key);

static struct setting find_in_environment(const struct sources *sources, const char *key)
{
    size_t len = strlen(key);
    struct setting setting = { .key = key };
    for (char *const *variable = sources->environment; *variable != NULL && setting.value == NULL; variable++)
        if (strncmp(*variable, key, len) == 0 && (*variable)[len] == '=' && (*variable)[len + 1] != '\0')
            setting.value = *variable + len + 1;
    return setting;
}

static struct setting find_in_file(const struct sources *sources, const char *key)
{
    struct setting setting = { .key = key, .path = sources->path };
    const struct dotenv_entry *entry = dotenv_find(&sources->file, key);
    if (entry != NULL && entry->value[0] != '\0') {
        setting.value = entry->value;
        setting.line = entry->line;
    }
    return setting;
}

static int find_stack(finder *find, const struct sources *sources, struct setting *ret_setting, struct error *error)
{
    *ret_setting = find(sources, stack_key);
    struct setting other = find(sources, stack_alias);
    if (other.value == NULL)
        return 0;
    if (ret_setting->value != NULL && strcmp(ret_setting->value, other.value) != 0)
        return setting_refuse(&other, error, "differs from %s, and both name one setting: set only one of them",
                              stack_key);
    *ret_setting = other;
    return 0;
}

static int find_secret(finder *find, const struct sources *sources, const struct config_row *row,
                       struct setting *ret_setting, struct error *error)
{
    *ret_setting = find(sources, row->key);
    struct setting file = find(sources, row->file_key);
    if (file.value == NULL)
        return 0;
    if (ret_setting->value != NULL)
        return setting_refuse(&file, error, "%s is set too: set only one of them", row->key);
    *ret_setting = file;
    ret_setting->is_path = true;
    return 0;
}

/* Looks a row up in one source, under both names if it has two. */
static int find_in(finder *find, const struct sources *sources, const struct config_row *row,
                   struct setting *ret_setting, struct error *error)
{
    if (strcmp(row->key, stack_key) == 0)
        return find_stack(find, sources, ret_setting, error);
    if (row->kind == CONFIG_SECRET)
        return find_secret(find, sources, row, ret_setting, error);
    *ret_setting = find(sources, row->key);
    return 0;
}

static int row_find(const struct sources *sources, const struct config_row *row, struct setting *ret_setting,
                    struct error *error)
{
    if (find_in(find_in_environment, sources, row, ret_setting, error) < 0)
        return -1;
    if (ret_setting->value == NULL && find_in(find_in_file, sources, row, ret_setting, error) < 0)
        return -1;
    if (ret_setting->value == NULL)
        *ret_setting = (struct setting){ .key = row->key, .value = row->standard, .path = "default" };
    return 0;
}

static int row_load(struct config *config, const struct sources *sources, const struct config_row *row,
                    struct error *error)
{
    struct setting setting;
    if (row_find(sources, row, &setting, error) < 0)
        return -1;
    return config_value_read(config, row, &setting, error);
}

static bool is_key_of(const struct config_row *row, const char *key)
{
    return strcmp(row->key, key) == 0 || (row->file_key != NULL && strcmp(row->file_key, key) == 0);
}

static const struct config_row *row_of(const char *key)
{
    const struct config_row *row = config_rows;
    while (row->title != NULL || (row->key != NULL && !is_key_of(row, key)))
        row++;
    return row->key == NULL ? NULL : row;
}

static const char *nearest_key(const char *key)
{
    const char *nearest = stack_alias;
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++)
        if (row->key != NULL && nearest_distance(row->key, key) < nearest_distance(nearest, key))
            nearest = row->key;
    return nearest_is_close(nearest_distance(nearest, key), (unsigned)strlen(nearest)) ? nearest : NULL;
}

static int keys_check(const struct sources *sources, struct error *error)
{
    for (size_t i = 0; i < sources->file.n_entries; i++) {
        const struct dotenv_entry *entry = &sources->file.entries[i];
        if (strcmp(entry->key, stack_alias) == 0 || row_of(entry->key) != NULL)
            continue;
        const char *nearest = nearest_key(entry->key);
        struct setting setting = { .key = entry->key, .path = sources->path, .line = entry->line };
        if (nearest == NULL)
            return setting_refuse(&setting, error, "there is no such setting");
        return setting_refuse(&setting, error, "there is no such setting; did you mean %s?", nearest);
    }
    return 0;
}

/* Reads directory/.env or, with a stack, directory/.env.stack into sources. */
static int file_read(struct sources *sources, const char *directory, const char *stack, struct error *error)
{
    bool found;
    free(sources->path);
    int len = asprintf(&sources->path, "%s%s.env%s%s", directory == NULL ? "" : directory, directory == NULL ? "" : "/",
                       stack == NULL ? "" : ".", stack == NULL ? "" : stack);
    if (len < 0) {
        sources->path = NULL;
        return error_set(error, EX_CONFIG, "no memory to read the configuration");
    }
    if (dotenv_read(&sources->file, sources->path, &found, error) < 0)
        return -1;
    sources->path_is_stack = found && stack != NULL;
    if (!found && stack != NULL)
        return file_read(sources, directory, NULL, error);
    return keys_check(sources, error);
}

/* The file of one stack must not say that it is of another. */
static int stack_check(const struct sources *sources, const char *stack, struct error *error)
{
    struct setting setting;
    if (find_stack(find_in_file, sources, &setting, error) < 0)
        return -1;
    if (!sources->path_is_stack || setting.value == NULL || strcmp(setting.value, stack) == 0)
        return 0;
    return setting_refuse(&setting, error, "must be %s in this file, as its name says", stack);
}

/* What no single row shows. */
struct bound {
    bool is_broken;
    const char *keys[3]; /* the first that is not left at its default is to blame */
    const char *rule;
};

static int bound_refuse(const struct bound *bound, const struct sources *sources, struct error *error)
{
    struct setting setting;
    for (size_t i = 0; i < sizeof(bound->keys) / sizeof(bound->keys[0]); i++) {
        if (row_find(sources, row_of(bound->keys[i]), &setting, error) < 0)
            return -1;
        if (setting.path == NULL || setting.line > 0)
            break;
    }
    return setting_refuse(&setting, error, "%s", bound->rule);
}

/* Who sends a body or a head that never fits would be told to come back for ever; a server that hears of more calls
 * than it can remember would let them pass. */
static int bounds_check(const struct config *config, const struct sources *sources, struct error *error)
{
    uint64_t budget = config->body_budget_bytes / config->loops;
    const struct bound bounds[] = {
        { config->body_max_bytes > budget,
          { "BODY_MAX_BYTES", "BODY_BUDGET_BYTES", "LOOPS" },
          "BODY_MAX_BYTES must not be larger than BODY_BUDGET_BYTES / LOOPS" },
        { config->head_max_bytes > budget / CONFIG_HEADS_PART,
          { "HEAD_MAX_BYTES", "BODY_BUDGET_BYTES", "LOOPS" },
          "HEAD_MAX_BYTES must not be larger than a quarter of BODY_BUDGET_BYTES / LOOPS" },
        { config->rate_shared_ms > 0 && config->rate_limit > 0 &&
              config->rate_burst > config->rate_limit * CONFIG_SHARED_BURST_S,
          { "RATE_BURST", "RATE_SHARED_MS", "RATE_LIMIT" },
          "RATE_BURST must not be more than RATE_LIMIT allows in half an hour where RATE_SHARED_MS is set" },
    };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        if (bounds[i].is_broken)
            return bound_refuse(&bounds[i], sources, error);
    return 0;
}

static int sources_load(struct config *config, struct sources *sources, const char *directory, struct error *error)
{
    if (row_load(config, sources, row_of(stack_key), error) < 0 ||
        file_read(sources, directory, config->environment, error) < 0 ||
        stack_check(sources, config->environment, error) < 0)
        return -1;
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++)
        if (row->key != NULL && row_load(config, sources, row, error) < 0)
            return -1;
    return bounds_check(config, sources, error);
}

int config_load(struct config *config, char *const environment[], const char *directory, struct error *error)
{
    struct sources sources = { .environment = environment };
    *config = (struct config){ 0 };
    int result = sources_load(config, &sources, directory, error);
    dotenv_fini(&sources.file);
    free(sources.path);
    if (result < 0)
        config_fini(config);
    return result;
}

void config_fini(struct config *config)
{
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++)
        if (row->key != NULL && config_is_text(row))
            free(*config_text(config, row));
    *config = (struct config){ 0 };
}
