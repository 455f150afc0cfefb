/* SPDX-License-Identifier: MIT */
/* scenario: lines of `key values`. What stands before the first `call` is the scenario's, what follows one is that
 * call's; `#` begins a comment where a word could. At the end, what the lines can only say together is checked. */
#include "scenario_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"
#include "random.h"

enum { FILE_BYTES_MAX = 1024 * 1024 };

static int read_rate(struct reader *reader)
{
    return read_number(reader, "requests a second", (double[]){ 0, 1e6 }, &reader->scenario->rate);
}

static int read_connections(struct reader *reader)
{
    return read_count(reader, "connections", 65535, &reader->scenario->connections);
}

static int read_warm_up(struct reader *reader)
{
    return read_number(reader, "seconds", (double[]){ 0, 86400 }, &reader->scenario->warm_up_s);
}

static int read_duration(struct reader *reader)
{
    return read_number(reader, "seconds", (double[]){ 0.1, 86400 }, &reader->scenario->duration_s);
}

static bool is_name_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!good && strchr("._-", c) == NULL)
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

static int find_set(const struct scenario *scenario, struct slice key)
{
    for (unsigned i = 0; i < scenario->n_sets; i++)
        if (slice_equal(scenario->sets[i].key, key))
            return (int)i;
    return -1;
}

int read_set(struct reader *reader, unsigned *ret_set)
{
    struct slice key = word(reader);
    int found = find_set(reader->scenario, key);
    if (found < 0)
        return refuse(reader, "no line above says `names %.*s`", (int)key.len, key.data);
    *ret_set = (unsigned)found;
    return 0;
}

static int read_choice(struct reader *reader, struct name_set *set)
{
    struct slice choice = word(reader);
    if (slice_equal(choice, SLICE("zipf")))
        return read_number(reader, "exponent", (double[]){ 0.01, 10 }, &set->exponent);
    return slice_equal(choice, SLICE("uniform")) ? 0 : refuse(reader, "a choice is `uniform` or `zipf EXPONENT`");
}

static int read_names(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    struct name_set set = { .key = word(reader) };
    if (!is_name_text(set.key) || slice_equal(set.key, SLICE("id")) || find_set(scenario, set.key) >= 0)
        return refuse(reader, "names need a key of their own: letters, digits, `.`, `_`, `-`, and not `id`");
    if (scenario->n_sets == SETS_MAX)
        return refuse(reader, "more than %d `names`", SETS_MAX);
    if (read_count(reader, "names", NAMES_MAX, &set.n) != 0 || read_choice(reader, &set) != 0)
        return -1;
    set.prefix = word(reader);
    if (set.prefix.len == 0)
        set.prefix = SLICE("load.");
    if (!is_name_text(set.prefix))
        return refuse(reader, "a prefix has up to 64 letters, digits, `.`, `_`, `-`");
    set.sums = zeroed(set.n, sizeof(*set.sums));
    zipf_sums(set.sums, set.n, set.exponent);
    scenario->sets[scenario->n_sets++] = set;
    return 0;
}

static int read_prepare(struct reader *reader)
{
    reader->prepared_line = reader->line;
    if (read_count(reader, "requests", 1000000, &reader->scenario->n_prepared) != 0)
        return -1;
    reader->prepared = word(reader);
    return reader->prepared.len > 0 ? 0 : refuse(reader, "`prepare COUNT CALL` lacks the call");
}

static int read_call(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    struct call call = { .key = word(reader), .weight = 1, .line = reader->line };
    if (!is_name_text(call.key) || scenario_find_call(scenario, call.key) >= 0)
        return refuse(reader, "a call needs a key of its own: letters, digits, `.`, `_`, `-`");
    if (scenario->n_calls == CALLS_MAX)
        return refuse(reader, "more than %d calls", CALLS_MAX);
    scenario->calls[scenario->n_calls++] = call;
    return 0;
}

static const struct {
    const char *key;
    int (*read)(struct reader *reader);
} lines[] = {
    { "rate", read_rate },       { "connections", read_connections },
    { "warm-up", read_warm_up }, { "duration", read_duration },
    { "names", read_names },     { "prepare", read_prepare },
    { "call", read_call },
};

static int read_line(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    struct slice key = word(reader);
    int code = 1;
    if (key.len == 0)
        return 0;
    if (is_call_key(key))
        code = scenario->n_calls == 0 ? refuse(reader, "`%.*s` belongs to a `call` above it", (int)key.len, key.data)
                                      : read_call_line(reader, key, &scenario->calls[scenario->n_calls - 1]);
    for (size_t i = 0; code == 1 && i < sizeof(lines) / sizeof(lines[0]); i++)
        if (slice_equal(key, slice_of(lines[i].key)))
            code = lines[i].read(reader);
    if (code == 1)
        return refuse(reader, "`%.*s` means nothing here", (int)key.len, key.data);
    struct slice more = code == 0 ? word(reader) : SLICE("");
    return more.len == 0 ? code : refuse(reader, "too much: `%.*s`", (int)more.len, more.data);
}

/* The call that gives ids and needs none. */
static bool find_giver(struct scenario *scenario)
{
    for (unsigned i = 0; i < scenario->n_calls; i++) {
        scenario->giver = i;
        if (scenario->calls[i].ids_from != IDS_NONE && !scenario->calls[i].needs_id)
            return true;
    }
    return false;
}

static int check_calls(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    bool weighs = false;
    for (unsigned i = 0; i < scenario->n_calls; i++)
        weighs = weighs || scenario->calls[i].weight > 0;
    bool gives_ids = find_giver(scenario);
    for (unsigned i = 0; i < scenario->n_calls; i++) {
        const struct call *call = &scenario->calls[i];
        reader->line = call->line;
        if (call->target.n == 0)
            return refuse(reader, "the call has no `request`");
        if (call->needs_id && !gives_ids)
            return refuse(reader, "the call needs an {id}, and no call that needs none has a line `ids`");
    }
    return weighs ? 0 : refuse(reader, "there is no call with a weight above 0");
}

static int check(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    if (check_calls(reader) != 0)
        return -1;
    if (scenario->n_prepared == 0)
        return 0;
    int call = scenario_find_call(scenario, reader->prepared);
    reader->line = reader->prepared_line;
    if (call < 0 || scenario->calls[call].needs_id)
        return refuse(reader, "`prepare` needs a call of this file that needs no {id}");
    scenario->prepared = (unsigned)call;
    return 0;
}

static int parse(struct scenario *scenario, const char *name, char complaint[COMPLAINT_BYTES])
{
    struct reader reader = { .scenario = scenario, .name = name, .complaint = complaint };
    const char *at = scenario->text;
    complaint[0] = '\0';
    while (at != NULL && *at != '\0') {
        const char *end = strchr(at, '\n');
        reader.rest = (struct slice){ at, end == NULL ? strlen(at) : (size_t)(end - at) };
        reader.line++;
        if (read_line(&reader) != 0)
            return -1;
        at = end == NULL ? NULL : end + 1;
    }
    return check(&reader);
}

int scenario_parse(struct scenario *ret_scenario, const char *text, const char *name,
                   char ret_complaint[COMPLAINT_BYTES])
{
    struct scenario scenario = { .rate = 1000, .connections = 64, .warm_up_s = 2, .duration_s = 10 };
    struct buffer copy = { 0 };
    buffer_append(&copy, (struct slice){ text, strlen(text) + 1 });
    scenario.text = copy.data;
    if (parse(&scenario, name, ret_complaint) != 0) {
        scenario_free(&scenario);
        return -1;
    }
    *ret_scenario = scenario;
    return 0;
}

int scenario_read(struct scenario *ret_scenario, const char *path, char ret_complaint[COMPLAINT_BYTES])
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        snprintf(ret_complaint, COMPLAINT_BYTES, "%s: cannot be read", path);
        return -1;
    }
    char *text = zeroed(FILE_BYTES_MAX + 1, 1);
    size_t len = fread(text, 1, FILE_BYTES_MAX, file);
    int code = -1;
    if (len == FILE_BYTES_MAX || strlen(text) != len)
        snprintf(ret_complaint, COMPLAINT_BYTES, "%s: too large, or no text", path);
    else
        code = scenario_parse(ret_scenario, text, path, ret_complaint);
    free(text);
    fclose(file);
    return code;
}

void scenario_free(struct scenario *scenario)
{
    for (unsigned i = 0; i < scenario->n_sets; i++)
        free(scenario->sets[i].sums);
    free(scenario->text);
    *scenario = (struct scenario){ 0 };
}
