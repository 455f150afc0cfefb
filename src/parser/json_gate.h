/* SPDX-License-Identifier: MIT */
/* json_gate: the validating pass over JSON text (RFC 8259), before cJSON reads it.
 *
 * It takes what the RFC's grammar takes and cJSON then reads without loss: well-formed UTF-8, no
 * U+0000, no lone surrogates, no member name twice in one object, no number beyond a double, bounded
 * depth. A gate stands at one place of a text and moves forward value by value, so that a list is
 * checked item by item while each item is warm:
 *
 *   gate_open(&gate, text, depth_max);
 *   if (gate_list(&gate))                                 the text is an array
 *       while (gate_next(&gate) && gate_value(&gate, &value)) ...
 *   if (gate_end(&gate)) ...                              all of the text was well-formed
 *
 * Once a call has failed, `reason` says why and `at` is where; further calls fail too. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>

enum {
    GATE_DEPTH_MAX = 1000,     /* what cJSON bears */
    GATE_NAMES_MAX = 128,      /* members of an object, and of the objects it lies in, together */
    GATE_NAME_BYTES_MAX = 256, /* of a member name, as written */
    GATE_NUMBER_BYTES_MAX = 63 /* cJSON reads no further */
};

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_WORD };

struct json_gate {
    const char *start; /* of the text, which is kept while the gate is in use */
    const char *at;    /* the next byte to read */
    const char *end;
    unsigned depth_max; /* 1..GATE_DEPTH_MAX, the list included */
    unsigned depth;     /* 1 inside of the list, else 0 */
    bool has_item;      /* an item of the list was read */
    const char *reason; /* NULL, or a static sentence */
};

/* One value that passed. */
struct json_value {
    struct slice text; /* without the blanks around it */
    enum json_kind kind;
    size_t n_values;                     /* in it, at every depth, itself included */
    unsigned n_members;                  /* of an object */
    const char *members[GATE_NAMES_MAX]; /* where the value of each member starts, in order */
};

void gate_open(struct json_gate *gate, struct slice text, unsigned depth_max);

/* Whether an array comes next; its bracket is then read and gate_next() walks its items. */
bool gate_list(struct json_gate *gate);

/* Whether another item follows in the list. False also on failure: see reason. */
bool gate_next(struct json_gate *gate);

/* Reads one value of any kind and says what it is. */
bool gate_value(struct json_gate *gate, struct json_value *ret_value);

/* Whether nothing but blanks is left, and nothing failed. */
bool gate_end(struct json_gate *gate);

/* Offset of `at` in the text. */
static inline size_t gate_offset(const struct json_gate *gate)
{
    return (size_t)(gate->at - gate->start);
}
