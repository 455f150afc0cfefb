/* SPDX-License-Identifier: MIT */
#include "prompt_golden.h"

#include <stdio.h>
#include <stdlib.h>

#include <telemetry/rfc3339.h>

void golden_open(struct golden_file *file)
{
    char path[512];
    *file = (struct golden_file){ .zones = zones_new(NULL) };
    assert_non_null(file->zones);
    assert_non_null(getenv("SOURCE_ROOT"));
    snprintf(path, sizeof(path), "%s/tests/unit/query/prompt.golden", getenv("SOURCE_ROOT"));
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    fseek(stream, 0, SEEK_END);
    file->len = (size_t)ftell(stream);
    rewind(stream);
    file->bytes = malloc(file->len + 1);
    assert_non_null(file->bytes);
    assert_int_equal(fread(file->bytes, 1, file->len, stream), file->len);
    fclose(stream);
}

void golden_close(struct golden_file *file)
{
    catalogue_release(&file->catalogue);
    zones_free(&file->zones);
    free(file->bytes);
}

static bool next_line(struct golden_file *file, struct slice *ret_line)
{
    if (file->at >= file->len)
        return false;
    const char *start = file->bytes + file->at, *end = memchr(start, '\n', file->len - file->at);
    *ret_line = (struct slice){ start, end == NULL ? file->len - file->at : (size_t)(end - start) };
    file->at += ret_line->len + 1;
    file->line++;
    return true;
}

static bool takes(struct slice line, const char *word, struct slice *ret_rest)
{
    struct slice prefix = slice_of(word);
    if (!slice_starts_with(line, prefix))
        return false;
    *ret_rest = (struct slice){ line.data + prefix.len, line.len - prefix.len };
    return true;
}

static void add(struct slice texts[], uint32_t *n, struct slice text)
{
    assert_true(*n < GOLDEN_TEXTS_MAX);
    texts[(*n)++] = text;
}

static void begin_group(struct golden_file *file, struct slice expected, bool understood)
{
    file->next.expected = expected;
    file->next.understood = understood;
    file->next.opens_group = true;
}

/* False when the line is a prompt. */
static bool take_setting(struct golden_file *file, struct slice line)
{
    struct slice rest;
    if (line.len == 0 || line.data[0] == '#')
        return true;
    if (takes(line, "name ", &rest))
        add(file->names, &file->n_names, rest);
    else if (takes(line, "tag ", &rest))
        add(file->tags, &file->n_tags, rest);
    else if (takes(line, "now ", &rest))
        assert_true(rfc3339_parse(rest, &file->next.setting.now_ms));
    else if (takes(line, "zone ", &rest))
        assert_non_null(file->next.setting.zone = zones_find(file->zones, rest));
    else if (takes(line, "= ", &rest))
        begin_group(file, rest, true);
    else if (takes(line, "! ", &rest))
        begin_group(file, rest, false);
    else
        return false;
    return true;
}

bool golden_next(struct golden_file *file, struct golden *ret_golden)
{
    struct slice line;
    while (next_line(file, &line)) {
        if (take_setting(file, line))
            continue;
        if (file->catalogue == NULL)
            file->catalogue = catalogue_new(file->names, file->n_names, file->tags, file->n_tags, true, 1);
        assert_non_null(file->catalogue);
        file->next.line = file->line;
        file->next.prompt = line;
        file->next.setting.catalogue = file->catalogue;
        file->next.setting.zones = file->zones;
        *ret_golden = file->next;
        file->next.opens_group = false;
        return true;
    }
    return false;
}
