/* SPDX-License-Identifier: MIT */
/* dotenv: the text is cut into lines and each line into key and value in place, so entries point
 * into it. */
#include "base/dotenv.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { FILE_BYTES_MAX = 1024 * 1024 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

static bool is_key_byte(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (!first && c >= '0' && c <= '9');
}

/* Ends the key at *cursor with a NUL and moves *cursor behind the equals sign. */
static const char *cut_key(char **cursor, char **ret_key)
{
    char *key = *cursor;
    if (strncmp(key, "export", 6) == 0 && is_blank(key[6]))
        key = skip_blanks(key + 6);
    char *end = key;
    while (is_key_byte(*end, end == key))
        end++;
    char *equals = skip_blanks(end);
    if (end == key || *equals != '=')
        return "a line is KEY=value or a # comment";
    *end = '\0';
    *ret_key = key;
    *cursor = equals + 1;
    return NULL;
}

/* The value ends before a blank and #, or with the line; blanks around it are not part of it. The
 * byte before `value` is the equals sign or a blank. */
static void cut_bare(char *value, char **ret_value)
{
    char *end = value;
    while (*end != '\0' && !(*end == '#' && is_blank(end[-1])))
        end++;
    while (end > value && is_blank(end[-1]))
        end--;
    *end = '\0';
    *ret_value = value;
}

/* What the letter behind a backslash stands for; '\0' for an unknown one. */
static char unescaped(char letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '"':
    case '\\':
        return letter;
    default:
        return '\0';
    }
}

/* Takes the text up to the closing quote together, escapes replaced; moves *cursor behind it. */
static const char *cut_quoted(char **cursor, char **ret_value)
{
    char quote = **cursor;
    char *from = *cursor + 1, *to = from;
    *ret_value = from;
    for (; *from != quote; from++) {
        if (*from == '\0')
            return "the closing quote is missing";
        *to = *from;
        if (quote == '"' && *from == '\\') {
            *to = unescaped(*++from);
            if (*to == '\0')
                return "in double quotes a backslash stands before n, t, \" or another backslash";
        }
        to++;
    }
    *to = '\0';
    *cursor = from + 1;
    return NULL;
}

static const char *cut_value(char *start, char **ret_value)
{
    char *cursor = skip_blanks(start);
    if (*cursor != '"' && *cursor != '\'') {
        cut_bare(cursor, ret_value);
        return NULL;
    }
    const char *wrong = cut_quoted(&cursor, ret_value);
    if (wrong != NULL)
        return wrong;
    char *rest = skip_blanks(cursor);
    if (*rest != '\0' && !(*rest == '#' && rest > cursor))
        return "something stands behind the closing quote";
    return NULL;
}

/* Reads one line, NUL-terminated. The key stays NULL for a line without one. */
static const char *line_parse(char *line, size_t len, struct dotenv_entry *entry)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
            return "the line holds a control character";
    char *cursor = skip_blanks(line);
    if (*cursor == '\0' || *cursor == '#')
        return NULL;
    const char *wrong = cut_key(&cursor, &entry->key);
    return wrong != NULL ? wrong : cut_value(cursor, &entry->value);
}

/* Cuts dotenv->text, len bytes and a NUL, into entries. */
static int lines_parse(struct dotenv *dotenv, const char *path, size_t len, struct error *error)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    char *line = dotenv->text, *end = dotenv->text + len;
    if (strncmp(line, byte_order_mark, 3) == 0)
        line += 3;
    for (unsigned number = 1; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        char *next = stop == NULL ? end : stop + 1;
        stop = stop == NULL ? end : stop;
        if (stop > line && stop[-1] == '\r')
            stop--;
        *stop = '\0';
        struct dotenv_entry entry = { .line = number };
        const char *wrong = line_parse(line, (size_t)(stop - line), &entry);
        if (wrong != NULL)
            return error_set(error, EX_CONFIG, "%s:%u: %s%s%s", path, number, entry.key == NULL ? "" : entry.key,
                             entry.key == NULL ? "" : ": ", wrong);
        if (entry.key != NULL)
            dotenv->entries[dotenv->n_entries++] = entry;
        line = next;
    }
    return 0;
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* Takes text, which has room for a NUL behind its len bytes; NULL is a failed allocation. */
static int text_parse(struct dotenv *dotenv, const char *path, char *text, size_t len, struct error *error)
{
    struct dotenv_entry *entries = text == NULL ? NULL : calloc(count_lines(text, len), sizeof(*entries));
    *dotenv = (struct dotenv){ 0 };
    if (entries == NULL) {
        free(text);
        return error_set(error, EX_CONFIG, "%s: no memory to read it", path);
    }
    text[len] = '\0';
    *dotenv = (struct dotenv){ .text = text, .entries = entries };
    int result = lines_parse(dotenv, path, len, error);
    if (result < 0)
        dotenv_fini(dotenv);
    return result;
}

int dotenv_parse(struct dotenv *dotenv, const char *path, const char *text, size_t len, struct error *error)
{
    char *copy = malloc(len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return text_parse(dotenv, path, copy, len, error);
}

static int file_parse(struct dotenv *dotenv, const char *path, FILE *file, struct error *error)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    size_t len = text == NULL ? 0 : fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file)) {
        free(text);
        return error_set(error, EX_CONFIG, "%s: %s", path, strerror(errno));
    }
    if (len > FILE_BYTES_MAX) {
        free(text);
        return error_set(error, EX_CONFIG, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
    }
    return text_parse(dotenv, path, text, len, error);
}

int dotenv_read(struct dotenv *dotenv, const char *path, bool *ret_found, struct error *error)
{
    *dotenv = (struct dotenv){ 0 };
    FILE *file = fopen(path, "re");
    *ret_found = file != NULL;
    if (file == NULL && errno == ENOENT)
        return 0;
    if (file == NULL)
        return error_set(error, EX_CONFIG, "%s: %s", path, strerror(errno));
    int result = file_parse(dotenv, path, file, error);
    fclose(file);
    return result;
}

void dotenv_fini(struct dotenv *dotenv)
{
    free(dotenv->entries);
    free(dotenv->text);
    *dotenv = (struct dotenv){ 0 };
}

const struct dotenv_entry *dotenv_find(const struct dotenv *dotenv, const char *key)
{
    for (size_t i = dotenv->n_entries; i > 0; i--)
        if (strcmp(dotenv->entries[i - 1].key, key) == 0)
            return &dotenv->entries[i - 1];
    return NULL;
}
