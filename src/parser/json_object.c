/* SPDX-License-Identifier: MIT */
#include "json_object.h"

enum status json_object_open(struct json_object *object, const struct json_value *value, struct arena *arena)
{
    cJSON *tree = NULL;
    enum status status = json_parse(value->text, arena, &tree);
    if (status == STATUS_OK)
        *object = (struct json_object){ .value = *value, .next = tree->child };
    return status;
}

bool json_object_next(struct json_object *object)
{
    object->index += object->node != NULL;
    object->node = object->next;
    if (object->node == NULL)
        return false;
    object->next = object->node->next;
    return true;
}

struct slice json_object_name(const struct json_object *object)
{
    return slice_of(object->node->string);
}

/* What follows the value is no part of it. */
struct slice json_object_text(const struct json_object *object)
{
    const char *start = object->value.members[object->index];
    const char *end = object->value.text.data + object->value.text.len;
    struct json_gate gate;
    struct json_value value = { .text = { start, 0 } };
    gate_open(&gate, (struct slice){ start, (size_t)(end - start) }, GATE_DEPTH_MAX);
    gate_value(&gate, &value);
    return value.text;
}
