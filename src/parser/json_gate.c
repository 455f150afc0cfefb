/* SPDX-License-Identifier: MIT */
/* json_gate: happy path.
 *
 * gate_value() steps through the tokens of one value with a stack of bits (object or array) instead
 * of recursion. Strings are read eight bytes at a time (json_scan.h), numbers byte by byte. The names
 * of all open objects lie on one stack of hashes; those of the innermost object are its top. */
#include "json_gate.h"

#include <assert.h>

#include "json_scan.h"

#include <telemetry/hash.h>

enum step { STEP_VALUE, STEP_AFTER, STEP_DONE, STEP_BAD };

/* One gate_value() under way. */
struct walk {
    struct json_gate *gate;
    struct json_value *value;
    unsigned depth;   /* containers open inside of the value */
    unsigned n_names; /* of all open objects */
    uint64_t names[GATE_NAMES_MAX];
    uint8_t first_name[GATE_DEPTH_MAX];        /* of each open container, in names[] */
    uint64_t objects[GATE_DEPTH_MAX / 64 + 1]; /* one bit for each open container */
};

static bool refuse(struct json_gate *gate, const char *at, const char *reason)
{
    gate->at = at;
    gate->reason = reason;
    return false;
}

static void skip_blanks(struct json_gate *gate)
{
    const char *at = gate->at;
    while (at < gate->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    gate->at = at;
}

static bool gate_word(struct json_gate *gate, struct slice word)
{
    if (!slice_starts_with((struct slice){ gate->at, (size_t)(gate->end - gate->at) }, word))
        return refuse(gate, gate->at, "expected a value");
    gate->at += word.len;
    return true;
}

static bool in_object(const struct walk *walk)
{
    unsigned level = walk->depth - 1;
    return walk->objects[level / 64] >> level % 64 & 1;
}

static bool push(struct walk *walk, bool is_object)
{
    struct json_gate *gate = walk->gate;
    if (gate->depth + walk->depth >= gate->depth_max)
        return refuse(gate, gate->at, "nested too deeply");
    unsigned level = walk->depth++;
    assert(level < gate->depth_max);
    uint64_t bit = UINT64_C(1) << level % 64;
    uint64_t *bits = &walk->objects[level / 64];
    uint64_t others = level % 64 == 0 ? 0 : *bits & ~bit;
    *bits = is_object ? others | bit : others;
    walk->first_name[level] = (uint8_t)walk->n_names;
    gate->at++;
    skip_blanks(gate);
    return true;
}

static enum step pop(struct walk *walk)
{
    walk->gate->at++;
    walk->n_names = walk->first_name[--walk->depth];
    return STEP_AFTER;
}

/* The name between its quotes: equal names have equal hashes however they are escaped. Two names of
 * one object that share a 64-bit hash count as the same. */
static bool note_name(struct walk *walk, struct slice raw, bool escaped)
{
    struct json_gate *gate = walk->gate;
    char plain[GATE_NAME_BYTES_MAX];
    if (raw.len > sizeof(plain))
        return refuse(gate, raw.data, "a member name has more than 256 bytes");
    if (escaped)
        raw = (struct slice){ plain, json_unescape(raw, plain) };
    uint64_t hash = hash_seeded(raw);
    for (unsigned i = walk->first_name[walk->depth - 1]; i < walk->n_names; i++)
        if (walk->names[i] == hash)
            return refuse(gate, gate->at, "a member name stands twice in one object");
    if (walk->n_names == GATE_NAMES_MAX)
        return refuse(gate, gate->at, "more than 128 members");
    walk->names[walk->n_names++] = hash;
    return true;
}

static bool gate_string(struct json_gate *gate, bool *ret_escaped)
{
    struct json_scan scan = { .at = gate->at, .end = gate->end };
    if (!json_scan_string(&scan))
        return refuse(gate, scan.at, scan.reason);
    gate->at = scan.at;
    *ret_escaped = scan.escaped;
    return true;
}

static bool gate_number(struct json_gate *gate)
{
    struct json_scan scan = { .at = gate->at, .end = gate->end };
    if (!json_scan_number(&scan))
        return refuse(gate, scan.at, scan.reason);
    gate->at = scan.at;
    return true;
}

/* "name" : of a member, up to where its value starts. */
static enum step read_name(struct walk *walk)
{
    struct json_gate *gate = walk->gate;
    const char *quote = gate->at;
    bool escaped;
    if (quote == gate->end || *quote != '"')
        return refuse(gate, quote, "expected a member name in quotes"), STEP_BAD;
    if (!gate_string(gate, &escaped))
        return STEP_BAD;
    struct slice raw = { quote + 1, (size_t)(gate->at - quote) - 2 };
    if (!note_name(walk, raw, escaped))
        return gate->at = quote, STEP_BAD;
    skip_blanks(gate);
    if (gate->at == gate->end || *gate->at != ':')
        return refuse(gate, gate->at, "expected a colon"), STEP_BAD;
    gate->at++;
    skip_blanks(gate);
    if (walk->depth == 1)
        walk->value->members[walk->value->n_members++] = gate->at;
    return STEP_VALUE;
}

static enum step read_container(struct walk *walk, bool is_object)
{
    struct json_gate *gate = walk->gate;
    if (!push(walk, is_object))
        return STEP_BAD;
    if (gate->at < gate->end && *gate->at == (is_object ? '}' : ']'))
        return pop(walk);
    return is_object ? read_name(walk) : STEP_VALUE;
}

/* One value, or the opening of one; no blanks before it. */
static enum step read_value(struct walk *walk)
{
    struct json_gate *gate = walk->gate;
    bool escaped;
    bool good;
    walk->value->n_values++;
    if (gate->at == gate->end)
        return refuse(gate, gate->at, "expected a value, but the text ends"), STEP_BAD;
    switch (*gate->at) {
    case '{':
        return read_container(walk, true);
    case '[':
        return read_container(walk, false);
    case '"':
        good = gate_string(gate, &escaped);
        break;
    case 't':
        good = gate_word(gate, SLICE("true"));
        break;
    case 'f':
        good = gate_word(gate, SLICE("false"));
        break;
    case 'n':
        good = gate_word(gate, SLICE("null"));
        break;
    default:
        good = gate_number(gate);
    }
    return good ? STEP_AFTER : STEP_BAD;
}

/* What stands behind a value: the end of its container, or a comma and what follows it. */
static enum step read_after(struct walk *walk)
{
    struct json_gate *gate = walk->gate;
    if (walk->depth == 0)
        return STEP_DONE;
    skip_blanks(gate);
    bool is_object = in_object(walk);
    char c = gate->at < gate->end ? *gate->at : '\0';
    if (c == (is_object ? '}' : ']'))
        return pop(walk);
    if (c != ',')
        return refuse(gate, gate->at, is_object ? "expected a comma or }" : "expected a comma or ]"), STEP_BAD;
    gate->at++;
    skip_blanks(gate);
    return is_object ? read_name(walk) : STEP_VALUE;
}

static enum json_kind kind_at(const struct json_gate *gate)
{
    char c = gate->at < gate->end ? *gate->at : '\0';
    switch (c) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
    case 'n':
        return JSON_WORD;
    default:
        return JSON_NUMBER;
    }
}

void gate_open(struct json_gate *gate, struct slice text, unsigned depth_max)
{
    *gate =
        (struct json_gate){ .start = text.data, .at = text.data, .end = text.data + text.len, .depth_max = depth_max };
    if (gate->depth_max > GATE_DEPTH_MAX)
        gate->depth_max = GATE_DEPTH_MAX;
}

bool gate_list(struct json_gate *gate)
{
    skip_blanks(gate);
    if (gate->reason != NULL || kind_at(gate) != JSON_ARRAY)
        return false;
    gate->at++;
    gate->depth = 1;
    return true;
}

bool gate_next(struct json_gate *gate)
{
    if (gate->reason != NULL)
        return false;
    skip_blanks(gate);
    char c = gate->at < gate->end ? *gate->at : '\0';
    if (c == ']') {
        gate->at++;
        gate->depth = 0;
        return false;
    }
    bool is_first = !gate->has_item;
    gate->has_item = true;
    if (is_first)
        return true; /* gate_value() finds out whether it is one */
    if (c != ',')
        return refuse(gate, gate->at, "expected a comma or ]");
    gate->at++;
    return true;
}

bool gate_value(struct json_gate *gate, struct json_value *ret_value)
{
    if (gate->reason != NULL)
        return false;
    skip_blanks(gate);
    struct walk walk; /* stacks are written before they are read */
    walk.gate = gate;
    walk.value = ret_value;
    walk.depth = 0;
    walk.n_names = 0;
    const char *start = gate->at;
    ret_value->kind = kind_at(gate);
    ret_value->n_values = 0;
    ret_value->n_members = 0;
    enum step step = STEP_VALUE;
    while (step < STEP_DONE)
        step = step == STEP_VALUE ? read_value(&walk) : read_after(&walk);
    ret_value->text = (struct slice){ start, (size_t)(gate->at - start) };
    return step == STEP_DONE;
}

bool gate_end(struct json_gate *gate)
{
    if (gate->reason != NULL)
        return false;
    skip_blanks(gate);
    return gate->at == gate->end || refuse(gate, gate->at, "text behind the end of the value");
}
