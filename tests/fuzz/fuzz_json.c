/* SPDX-License-Identifier: MIT */
/* The gate against a second reading of RFC 8259, which takes a function for each rule of the grammar, and against
 * cJSON: what the gate takes, both take and find the same in; what it refuses, the grammar refuses too, or else a limit
 * is named. */
#include "fuzz.h"
#include "parser/json.h"
#include "parser/json_gate.h"
#include "parser/json_scan.h"
#include "parser/utf8_text.h"

enum { INPUT_MAX = 4096, DEPTH_MAX = 32, REFERENCE_DEPTH_MAX = 5000 };

/* The grammar alone ------------------------------------------------------- */

struct reference {
    const char *at, *end;
    unsigned depth;
    size_t n_values;
};

static bool read_value(struct reference *reference);

static void blanks(struct reference *reference)
{
    while (reference->at < reference->end && strchr(" \t\r\n", *reference->at) != NULL && *reference->at != '\0')
        reference->at++;
}

static bool take(struct reference *reference, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(reference->end - reference->at) < len || memcmp(reference->at, word, len) != 0)
        return false;
    reference->at += len;
    return true;
}

static bool is_in(const struct reference *reference, const char *letters)
{
    return reference->at < reference->end && *reference->at != '\0' && strchr(letters, *reference->at) != NULL;
}

static bool read_string(struct reference *reference)
{
    const char *start = reference->at;
    if (!take(reference, "\""))
        return false;
    while (reference->at < reference->end && *reference->at != '"') {
        if ((unsigned char)*reference->at < 0x20)
            return false;
        if (*reference->at++ != '\\')
            continue;
        if (!is_in(reference, "\"\\/bfnrtu"))
            return false;
        if (*reference->at++ != 'u')
            continue;
        for (unsigned i = 0; i < 4; i++, reference->at++)
            if (!is_in(reference, "0123456789abcdefABCDEF"))
                return false;
    }
    return take(reference, "\"") && utf8_text_valid((struct slice){ start, (size_t)(reference->at - start) });
}

static bool read_digits(struct reference *reference)
{
    const char *start = reference->at;
    while (is_in(reference, "0123456789"))
        reference->at++;
    return reference->at > start;
}

static bool read_number(struct reference *reference)
{
    (void)(is_in(reference, "-") && reference->at++);
    if (!take(reference, "0") && !read_digits(reference))
        return false;
    if (take(reference, ".") && !read_digits(reference))
        return false;
    if (!is_in(reference, "eE"))
        return true;
    reference->at++;
    (void)(is_in(reference, "+-") && reference->at++);
    return read_digits(reference);
}

static bool read_members(struct reference *reference, bool is_object, const char *close)
{
    blanks(reference);
    if (take(reference, close))
        return true;
    do {
        blanks(reference);
        if (is_object && !read_string(reference))
            return false;
        blanks(reference);
        if ((is_object && !take(reference, ":")) || !read_value(reference))
            return false;
        blanks(reference);
    } while (take(reference, ","));
    return take(reference, close);
}

static bool read_value(struct reference *reference)
{
    bool good;
    blanks(reference);
    reference->n_values++;
    if (++reference->depth > REFERENCE_DEPTH_MAX)
        return false;
    if (take(reference, "{"))
        good = read_members(reference, true, "}");
    else if (take(reference, "["))
        good = read_members(reference, false, "]");
    else if (is_in(reference, "\""))
        good = read_string(reference);
    else
        good = take(reference, "true") || take(reference, "false") || take(reference, "null") || read_number(reference);
    reference->depth--;
    return good;
}

static bool is_json(struct slice text, size_t *ret_values)
{
    struct reference reference = { .at = text.data, .end = text.data + text.len };
    bool good = read_value(&reference);
    blanks(&reference);
    *ret_values = reference.n_values;
    return good && reference.at == reference.end;
}

/* cJSON ------------------------------------------------------------------- */

static size_t count_tree(const cJSON *node)
{
    size_t n = 1;
    for (const cJSON *child = node->child; child != NULL; child = child->next)
        n += count_tree(child);
    return n;
}

/* A string that the gate took and cJSON read: json_unescape() makes the same of it. */
static void check_string(const cJSON *node, struct slice text)
{
    char plain[INPUT_MAX];
    size_t len = json_unescape((struct slice){ text.data + 1, text.len - 2 }, plain);
    assert(len == strlen(node->valuestring) && memcmp(plain, node->valuestring, len) == 0);
}

static void check_tree(const struct json_value *value, struct slice text)
{
    static char block[64 * 1024];
    struct arena arena;
    cJSON *tree = NULL;
    arena_init(&arena, block, sizeof(block));
    enum status status = json_parse(value->text, &arena, &tree);
    assert(status == STATUS_OK);
    assert(count_tree(tree) == value->n_values);
    assert(cJSON_IsObject(tree) == (value->kind == JSON_OBJECT) && cJSON_IsArray(tree) == (value->kind == JSON_ARRAY));
    assert(cJSON_IsString(tree) == (value->kind == JSON_STRING) &&
           cJSON_IsNumber(tree) == (value->kind == JSON_NUMBER));
    if (value->kind == JSON_STRING)
        check_string(tree, value->text);
    assert(value->kind != JSON_OBJECT || (unsigned)cJSON_GetArraySize(tree) == value->n_members);
    for (unsigned i = 0; value->kind == JSON_OBJECT && i < value->n_members; i++)
        assert(lies_in((struct slice){ value->members[i], 1 }, text.data, text.len));
    arena_reset(&arena);
}

/* The gate ---------------------------------------------------------------- */

static bool is_a_limit(const char *reason)
{
    static const char *const limits[] = { "nested too deeply",
                                          "a member name has more than 256 bytes",
                                          "a member name stands twice in one object",
                                          "more than 128 members",
                                          "the character U+0000 is not taken",
                                          "half of a surrogate pair",
                                          "a number has more than 63 characters",
                                          "a number is too large for a double" };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (strcmp(reason, limits[i]) == 0)
            return true;
    return false;
}

/* A list read item by item is a list that reads as a whole. */
static void check_list(struct slice text, bool good, size_t n_values)
{
    struct json_gate gate;
    struct json_value value;
    size_t sum = 1;
    gate_open(&gate, text, DEPTH_MAX);
    if (!gate_list(&gate))
        return;
    while (gate_next(&gate) && gate_value(&gate, &value))
        sum += value.n_values;
    bool ended = gate_end(&gate);
    assert(!good || (ended && sum == n_values));
    assert(ended || gate.reason != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_gate gate;
    struct json_value value;
    size_t n_values;
    if (size > INPUT_MAX)
        return 0;
    json_init();
    struct exact copy = exact_new(data, size);
    struct slice text = exact_slice(&copy);
    gate_open(&gate, text, DEPTH_MAX);
    bool good = gate_value(&gate, &value) && gate_end(&gate);
    assert(gate_offset(&gate) <= size && good == (gate.reason == NULL));
    bool is_grammar = is_json(text, &n_values);
    assert(good ? is_grammar && n_values == value.n_values : !is_grammar || is_a_limit(gate.reason));
    if (good)
        check_tree(&value, text);
    check_list(text, good, n_values);
    exact_free(&copy);
    return 0;
}
