/* SPDX-License-Identifier: MIT */
/* list_filters: the gate checks the text, cJSON makes a tree of it in scratch, and each member is
 * handed to its field as the text that a plain parameter would have been. */
#include "list_filters.h"

#include "json.h"
#include "json_gate.h"
#include "refuse.h"
#include "utf8_text.h"

enum { FILTERS_DEPTH_MAX = 8 };

static bool refuse(struct list_query *query, const char *member, const char *why)
{
    struct slice place = query->place;
    if (place.len == 0)
        job_refuse(query->job, STATUS_BAD_FILTER, "filters, %s: %s", member, why);
    else
        job_refuse_at(query->job, STATUS_BAD_PLAN,
                      sentence(&query->job->arena, "%.*s/%s", (int)place.len, place.data, member), "%s", why);
    return false;
}

static bool refuse_member(struct list_query *query, struct slice name)
{
    if (query->place.len == 0)
        job_refuse(query->job, STATUS_BAD_FILTER, "filters has no member \"%.*s\"", QUOTE(name));
    else
        job_refuse_at(query->job, STATUS_BAD_PLAN, query->place, "there is no member \"%.*s\"", QUOTE(name));
    return false;
}

/* In a plan the range stands beside the filter, and null for what is left out. */
static bool is_taken(const struct list_query *query, const struct list_field *field)
{
    return field->member != NULL && (query->place.len == 0 || field->form != FORM_TIME);
}

/* Hands a string of the tree on, copied to where the job lives. */
static bool read_string(struct list_query *query, const struct list_field *field, const cJSON *node)
{
    struct slice text = slice_of(node->valuestring);
    if (utf8_text_has_control(text))
        return refuse(query, field->member, "there must be no control characters");
    text = arena_copy(&query->job->arena, text);
    if (text.data == NULL) {
        job_fail(query->job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return false;
    }
    const char *fault = field->read(query, text);
    return fault == NULL || refuse(query, field->member, fault);
}

static bool read_strings(struct list_query *query, const struct list_field *field, const cJSON *node)
{
    if (!cJSON_IsArray(node))
        return refuse(query, field->member, "it must be an array of strings");
    for (const cJSON *item = node->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item))
            return refuse(query, field->member, "it must be an array of strings");
        if (!read_string(query, field, item))
            return false;
    }
    return true;
}

/* Digits are read from the text, not from cJSON's double. */
static bool read_digits(struct list_query *query, const struct list_field *field, struct slice rest)
{
    struct json_gate gate;
    struct json_value value;
    gate_open(&gate, rest, 1);
    if (!gate_value(&gate, &value))
        return refuse(query, field->member, gate.reason);
    const char *fault = field->read(query, value.text);
    return fault == NULL || refuse(query, field->member, fault);
}

/* `rest` starts with the member's value. */
static bool read_member(struct list_query *query, const cJSON *node, struct slice rest)
{
    const struct list_field *field = list_fields;
    const struct list_field *end = list_fields + LIST_FIELDS;
    while (field < end && (!is_taken(query, field) || strcmp(field->member, node->string) != 0))
        field++;
    if (field == end)
        return refuse_member(query, slice_of(node->string));
    if (cJSON_IsNull(node) && query->place.len > 0)
        return true;
    query->json |= 1U << (field - list_fields);
    bool takes_number = field->form == FORM_TIME || field->form == FORM_NUMBER;
    if (cJSON_IsNumber(node) && takes_number)
        return read_digits(query, field, rest);
    if (field->form == FORM_STRINGS)
        return read_strings(query, field, node);
    if (field->form == FORM_NUMBER)
        return refuse(query, field->member, "it must be a number");
    if (!cJSON_IsString(node))
        return refuse(query, field->member,
                      field->form == FORM_TIME ? "it must be a string or a whole number" : "it must be a string");
    return read_string(query, field, node);
}

bool list_filters_read(struct parser *parser, struct list_query *query, struct slice text)
{
    struct json_gate gate;
    struct json_value value;
    cJSON *tree = NULL;
    gate_open(&gate, text, FILTERS_DEPTH_MAX);
    if (!gate_value(&gate, &value) || !gate_end(&gate)) {
        job_refuse(query->job, STATUS_BAD_FILTER, "filters, at byte %zu: %s", gate_offset(&gate), gate.reason);
        return false;
    }
    if (value.kind != JSON_OBJECT) {
        job_fail(query->job, STATUS_BAD_FILTER, SLICE("filters must be a JSON object"));
        return false;
    }
    arena_reset(&parser->scratch);
    enum status status = json_parse(value.text, &parser->scratch, &tree);
    if (status != STATUS_OK) {
        job_fail(query->job, status, SLICE(""));
        return false;
    }
    unsigned i = 0; /* cJSON keeps the order of the text */
    for (const cJSON *node = tree->child; node != NULL; node = node->next, i++)
        if (!read_member(query, node, (struct slice){ value.members[i], (size_t)(gate.end - value.members[i]) }))
            return false;
    return true;
}
