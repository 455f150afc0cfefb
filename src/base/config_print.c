/* SPDX-License-Identifier: MIT */
/* config_print: the table and its values as text for people. */
#include <telemetry/config.h>

#include <inttypes.h>
#include <string.h>

#include "base/config_table.h"

static const char sample_head[] =
    "# Every setting of telemetry-server, each with its default. Copy this file to .env, or to\n"
    "# .env.${ENVIRONMENT} for one stack (local, dev, test, staging, prod), and uncomment what is to differ.\n"
    "#\n"
    "# The environment of the process comes first, then .env.${ENVIRONMENT} or, only where that file is\n"
    "# absent, .env, then these defaults. An empty value counts as not set.\n";

/* A text as a dotenv file can hold it: in double quotes, unless it is made of safe bytes only. */
static void print_text(const char *text, FILE *out)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@%+,=~";
    if (text[strspn(text, safe)] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_number(const struct config_row *row, uint64_t number, FILE *out)
{
    char size[CONFIG_SIZE_BYTES];
    if (row->kind == CONFIG_BYTES)
        fputs(config_size(size, number), out);
    else
        fprintf(out, "%" PRIu64, number);
}

/* What a number may be, behind the help, or how else a secret can be set. */
static void print_bounds(const struct config_row *row, FILE *out)
{
    if (row->file_key != NULL)
        fprintf(out, " (or %s: a file that holds it)", row->file_key);
    if (config_is_text(row))
        return;
    fputs(" (", out);
    print_number(row, row->min, out);
    fputs(" to ", out);
    print_number(row, row->max, out);
    fputc(')', out);
}

void config_print(const struct config *config, FILE *out)
{
    struct config values = *config; /* read through the accessors, never changed */
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++) {
        if (row->key == NULL)
            continue;
        fprintf(out, "%s=", row->key);
        if (row->kind == CONFIG_SECRET)
            fputs(**config_text(&values, row) == '\0' ? "" : "***", out);
        else if (config_is_text(row))
            print_text(*config_text(&values, row), out);
        else
            print_number(row, *config_number(&values, row), out);
        fputc('\n', out);
    }
}

void config_help(FILE *out)
{
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++) {
        if (row->key == NULL) {
            fprintf(out, "%s%s:\n", row == config_rows ? "" : "\n", row->title);
            continue;
        }
        fprintf(out, "  %-26s %-10s %s", row->key, row->standard, row->help);
        print_bounds(row, out);
        fputc('\n', out);
    }
}

void config_sample(FILE *out)
{
    fputs(sample_head, out);
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++) {
        if (row->key == NULL) {
            fprintf(out, "\n## %s\n", row->title);
            continue;
        }
        fprintf(out, "\n# %s", row->help);
        print_bounds(row, out);
        fprintf(out, "\n#%s=%s\n", row->key, row->standard);
    }
}
