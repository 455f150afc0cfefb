/* SPDX-License-Identifier: MIT */
#include "base/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { EXCERPT_BYTES = 48, ALLOWED_BYTES = 160, SECRET_MAX_BYTES = 4096 };

/* What a number of each kind counts, for the line that refuses one. */
static const char *const nouns[] = { [CONFIG_COUNT] = "whole number",
                                     [CONFIG_BYTES] = "size in bytes (suffixes k, m, g)",
                                     [CONFIG_MS] = "number of milliseconds",
                                     [CONFIG_US] = "number of microseconds",
                                     [CONFIG_DAYS] = "number of days" };

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

int setting_refuse(const struct setting *setting, struct error *error, const char *format, ...)
{
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    if (setting->path == NULL)
        return error_set(error, EX_CONFIG, "environment: %s: %s", setting->key, reason);
    return error_set(error, EX_CONFIG, "%s:%u: %s: %s", setting->path, setting->line, setting->key, reason);
}

/* Refuses the value, quoting its beginning on one line. */
static int value_refuse(const struct setting *setting, struct error *error, const char *allowed)
{
    char excerpt[EXCERPT_BYTES + 1];
    size_t len = 0;
    for (; len < EXCERPT_BYTES && setting->value[len] != '\0'; len++)
        excerpt[len] = is_control(setting->value[len]) ? '?' : setting->value[len];
    excerpt[len] = '\0';
    return setting_refuse(setting, error, "\"%s%s\" is not %s", excerpt, setting->value[len] == '\0' ? "" : "...",
                          allowed);
}

static int number_refuse(const struct config_row *row, const struct setting *setting, struct error *error)
{
    char allowed[ALLOWED_BYTES], min[CONFIG_SIZE_BYTES], max[CONFIG_SIZE_BYTES];
    if (row->kind == CONFIG_BYTES) {
        config_size(min, row->min);
        config_size(max, row->max);
    } else {
        snprintf(min, sizeof(min), "%" PRIu64, row->min);
        snprintf(max, sizeof(max), "%" PRIu64, row->max);
    }
    snprintf(allowed, sizeof(allowed), "a %s from %s to %s", nouns[row->kind], min, max);
    return value_refuse(setting, error, allowed);
}

/* Bits that a suffix shifts by; -1 for an unknown one. */
static int suffix_shift(const char *suffix)
{
    static const char letters[] = "kKmMgG";
    if (suffix[0] == '\0')
        return 0;
    const char *place = strchr(letters, suffix[0]);
    return place == NULL || suffix[1] != '\0' ? -1 : 10 * (1 + (int)(place - letters) / 2);
}

/* Digits, and for sizes a suffix. */
static bool number_parse(const char *text, bool is_size, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*digit - '0'), &number))
            return false;
    int shift = is_size ? suffix_shift(digit) : *digit == '\0' ? 0 : -1;
    if (digit == text || shift < 0 || number > UINT64_MAX >> shift)
        return false;
    *ret_number = number << shift;
    return true;
}

/* Whether value is one of the words, separated by |, that end at a colon. */
static bool is_choice(const char *words, const char *value)
{
    size_t len = strlen(value);
    for (const char *word = words;; word += strcspn(word, "|:") + 1) {
        size_t word_len = strcspn(word, "|:");
        if (word_len == len && strncmp(word, value, len) == 0)
            return true;
        if (word[word_len] != '|')
            return false;
    }
}

static bool has_control(const char *text)
{
    while (*text != '\0' && !is_control(*text))
        text++;
    return *text != '\0';
}

static int text_check(const struct config_row *row, const struct setting *setting, struct error *error)
{
    char allowed[ALLOWED_BYTES];
    if (row->kind == CONFIG_CHOICE && !is_choice(row->help, setting->value)) {
        snprintf(allowed, sizeof(allowed), "one of %.*s", (int)strcspn(row->help, ":"), row->help);
        return value_refuse(setting, error, allowed);
    }
    if (has_control(setting->value))
        return value_refuse(setting, error, "a text without control characters");
    return 0;
}

/* Puts a copy of the text in the row's member. */
static int text_keep(struct config *config, const struct config_row *row, const struct setting *setting,
                     const char *value, struct error *error)
{
    char *copy = strdup(value);
    if (copy == NULL)
        return setting_refuse(setting, error, "no memory to keep it");
    char **text = config_text(config, row);
    free(*text);
    *text = copy;
    return 0;
}

/* A secret's bytes go into no line, whatever is wrong with them. */
static int secret_keep(struct config *config, const struct config_row *row, const struct setting *setting,
                       const char *value, struct error *error)
{
    if (has_control(value))
        return setting_refuse(setting, error, "it must be one line of text without control characters");
    return text_keep(config, row, setting, value, error);
}

static int secret_keep_file(struct config *config, const struct config_row *row, const struct setting *setting,
                            struct error *error)
{
    char value[SECRET_MAX_BYTES + 1];
    if (text_check(row, setting, error) < 0)
        return -1;
    FILE *file = fopen(setting->value, "re");
    if (file == NULL)
        return setting_refuse(setting, error, "cannot read %s: %s", setting->value, strerror(errno));
    size_t len = fread(value, 1, sizeof(value), file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return setting_refuse(setting, error, "cannot read %s", setting->value);
    while (len > 0 && (value[len - 1] == '\n' || value[len - 1] == '\r'))
        len--;
    if (len == 0 || len > SECRET_MAX_BYTES || memchr(value, '\0', len) != NULL)
        return setting_refuse(setting, error, "%s must hold one line of 1 to %d bytes", setting->value,
                              (int)SECRET_MAX_BYTES);
    value[len] = '\0';
    return secret_keep(config, row, setting, value, error);
}

int config_value_read(struct config *config, const struct config_row *row, const struct setting *setting,
                      struct error *error)
{
    uint64_t number;
    if (row->kind == CONFIG_SECRET)
        return setting->is_path ? secret_keep_file(config, row, setting, error)
                                : secret_keep(config, row, setting, setting->value, error);
    if (config_is_text(row))
        return text_check(row, setting, error) < 0 ? -1 : text_keep(config, row, setting, setting->value, error);
    if (!number_parse(setting->value, row->kind == CONFIG_BYTES, &number) || number < row->min || number > row->max)
        return number_refuse(row, setting, error);
    *config_number(config, row) = number;
    return 0;
}
