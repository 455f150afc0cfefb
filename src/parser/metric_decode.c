/* SPDX-License-Identifier: MIT */
/* metric_decode: happy path.
 *
 * cJSON makes a tree of the item in the parser's scratch arena; each member of it has a reader in one
 * table; then name and tags become the series bytes. Every rule an item breaks is reported. */
#include "metric_decode.h"

#include <telemetry/rfc3339.h>

#include "json.h"
#include "refuse.h"
#include "utf8_text.h"

/* One item under way; its texts lie in the tree. */
struct item {
    struct decoder *decoder;
    struct metric *metric;
    struct slice name;
    struct slice tags[METRIC_TAGS_MAX];
    unsigned n_tags;
    bool has_name, has_value, has_timestamp;
    bool bad;
};

bool decoder_has_room(const struct decoder *decoder)
{
    return decoder->job->reply.n_errors < REPLY_ERRORS_MAX;
}

void decoder_error(struct decoder *decoder, struct slice pointer, struct slice detail)
{
    struct reply *reply = &decoder->job->reply;
    if (!decoder_has_room(decoder))
        return;
    if (reply->errors == NULL)
        reply->errors = arena_alloc(&decoder->job->arena, REPLY_ERRORS_MAX * sizeof(reply->errors[0]));
    if (reply->errors == NULL)
        return;
    reply->errors[reply->n_errors++] =
        (struct reply_error){ .index = decoder->index, .pointer = pointer, .detail = detail };
}

/* Neither text is made when nobody would see it: a body can break more rules than it has bytes to spare. */
#define ITEM_ERROR(item, pointer, detail)                                                                              \
    do {                                                                                                               \
        (item)->bad = true;                                                                                            \
        if (decoder_has_room((item)->decoder))                                                                         \
            decoder_error((item)->decoder, (pointer), (detail));                                                       \
    } while (0)

static void read_id(struct item *item, const cJSON *node, const char *raw)
{
    struct metric_id id;
    (void)raw;
    if (!cJSON_IsString(node) || !metric_id_parse(slice_of(node->valuestring), &id)) {
        ITEM_ERROR(item, SLICE("/id"), SLICE("id must be a string of 24 hex digits"));
        return;
    }
    item->metric->id = id;
    item->metric->has_id = true;
    item->metric->client_id = true;
}

static void read_name(struct item *item, const cJSON *node, const char *raw)
{
    unsigned max = item->decoder->parser->settings->name_max_bytes;
    (void)raw;
    item->has_name = true;
    if (!cJSON_IsString(node)) {
        ITEM_ERROR(item, SLICE("/name"), SLICE("name must be a string"));
        return;
    }
    item->name = slice_of(node->valuestring);
    if (item->name.len == 0)
        ITEM_ERROR(item, SLICE("/name"), SLICE("name must not be empty"));
    else if (item->name.len > max)
        ITEM_ERROR(
            item, SLICE("/name"),
            sentence(&item->decoder->job->arena, "name must have at most %u bytes, not %zu", max, item->name.len));
    else if (utf8_text_has_control(item->name))
        ITEM_ERROR(item, SLICE("/name"), SLICE("name must not hold control characters"));
}

/* What is wrong with a tag, or NULL. */
static const char *tag_fault(const struct item *item, const cJSON *node)
{
    if (!cJSON_IsString(node))
        return "a tag must be a string";
    struct slice tag = slice_of(node->valuestring);
    if (tag.len == 0)
        return "a tag must not be empty";
    if (tag.len > item->decoder->parser->settings->tag_max_bytes)
        return "a tag has too many bytes";
    return utf8_text_has_control(tag) ? "a tag must not hold control characters" : NULL;
}

static void read_tags(struct item *item, const cJSON *node, const char *raw)
{
    struct arena *arena = &item->decoder->job->arena;
    unsigned max = item->decoder->parser->settings->tags_max;
    unsigned index = 0;
    (void)raw;
    if (!cJSON_IsArray(node)) {
        ITEM_ERROR(item, SLICE("/tags"), SLICE("tags must be an array of strings"));
        return;
    }
    for (const cJSON *tag = node->child; tag != NULL; tag = tag->next, index++) {
        if (index == max) {
            ITEM_ERROR(item, SLICE("/tags"), sentence(arena, "a metric must have at most %u tags", max));
            return;
        }
        const char *fault = tag_fault(item, tag);
        if (fault != NULL)
            ITEM_ERROR(item, sentence(arena, "/tags/%u", index), slice_of(fault));
        else
            item->tags[item->n_tags++] = slice_of(tag->valuestring);
    }
}

static void read_value(struct item *item, const cJSON *node, const char *raw)
{
    (void)raw;
    item->has_value = true;
    if (!cJSON_IsNumber(node)) {
        ITEM_ERROR(item, SLICE("/value"), SLICE("value must be a number"));
        return;
    }
    item->metric->value = node->valuedouble == 0.0 ? 0.0 : node->valuedouble; /* there is one zero */
}

/* The digits as they stand in the text: a double would lose the last of them beyond 2^53. */
static bool whole_number(const char *raw, int64_t *ret_number)
{
    bool negative = *raw == '-';
    int64_t number = 0;
    for (raw += negative; *raw >= '0' && *raw <= '9'; raw++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_sub_overflow(number, *raw - '0', &number))
            return false;
    if (*raw == '.' || *raw == 'e' || *raw == 'E')
        return false;
    return !__builtin_mul_overflow(number, negative ? 1 : -1, ret_number);
}

/* What would be gone as soon as it was stored is not taken. */
static void check_age(struct item *item)
{
    const struct decoder *decoder = item->decoder;
    int64_t kept_ms = decoder->parser->settings->retention_ms;
    if (kept_ms > 0 && item->metric->timestamp_ms < decoder->now_ms - kept_ms)
        ITEM_ERROR(item, SLICE("/timestamp"),
                   SLICE("timestamp is older than the RETENTION_DAYS that metrics are kept"));
}

static void read_timestamp(struct item *item, const cJSON *node, const char *raw)
{
    int64_t ms;
    item->has_timestamp = true;
    if (cJSON_IsString(node)) {
        if (!rfc3339_parse(slice_of(node->valuestring), &ms)) {
            ITEM_ERROR(item, SLICE("/timestamp"),
                       SLICE("timestamp is not an RFC 3339 date-time such as 2026-11-23T10:00:00Z"));
            return;
        }
    } else if (!cJSON_IsNumber(node) || !whole_number(raw, &ms)) {
        ITEM_ERROR(item, SLICE("/timestamp"),
                   SLICE("timestamp must be an RFC 3339 date-time or a whole number of milliseconds since 1970"));
        return;
    } else if (ms < METRIC_TIMESTAMP_MIN || ms > METRIC_TIMESTAMP_MAX) {
        ITEM_ERROR(item, SLICE("/timestamp"), SLICE("timestamp must lie in the years 0001 to 9999"));
        return;
    }
    item->metric->timestamp_ms = ms;
    check_age(item);
}

/* `raw` is where the member's value starts in the text. */
static const struct member {
    const char *name;
    void (*read)(struct item *item, const cJSON *node, const char *raw);
} members[] = {
    { "name", read_name }, { "value", read_value },         { "tags", read_tags },
    { "id", read_id },     { "timestamp", read_timestamp },
};

/* "/" and the name as a JSON pointer writes it (RFC 6901): ~ is ~0 and / is ~1. */
static struct slice pointer_to(struct slice name, struct arena *arena)
{
    struct text pointer = text_in(arena, name.len + 8);
    name = utf8_text_clip(name, REFUSE_QUOTE_MAX);
    text_literal(&pointer, "/");
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '~')
            text_literal(&pointer, "~0");
        else if (name.data[i] == '/')
            text_literal(&pointer, "~1");
        else
            text_append(&pointer, name.data + i, 1);
    }
    return text_slice(&pointer);
}

static void read_member(struct item *item, const cJSON *node, const char *raw)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strcmp(node->string, members[i].name) == 0) {
            members[i].read(item, node, raw);
            return;
        }
    }
    struct arena *arena = &item->decoder->job->arena;
    struct slice name = slice_of(node->string);
    ITEM_ERROR(
        item, pointer_to(name, arena),
        sentence(arena, "there is no member \"%.*s\"; a metric has id, name, tags, value and timestamp", QUOTE(name)));
}

static void read_members(struct item *item, const cJSON *tree, const struct json_value *value)
{
    unsigned i = 0; /* cJSON keeps the order of the text */
    for (const cJSON *node = tree->child; node != NULL; node = node->next)
        read_member(item, node, value->members[i++]);
    if (!item->has_name)
        ITEM_ERROR(item, SLICE("/name"), SLICE("name is missing"));
    if (!item->has_value)
        ITEM_ERROR(item, SLICE("/value"), SLICE("value is missing"));
    item->metric->arrival_time = !item->has_timestamp;
    if (!item->has_timestamp)
        item->metric->timestamp_ms = item->decoder->now_ms;
}

/* What keeps the value from being read as a metric at all, or an empty slice. */
static struct slice shape_fault(const struct json_value *value)
{
    if (value->kind != JSON_OBJECT)
        return SLICE("a metric must be a JSON object");
    if (value->n_values > METRIC_VALUES_MAX)
        return SLICE("a metric must not hold more than 1024 JSON values");
    return (struct slice){ NULL, 0 };
}

bool metric_decode(struct decoder *decoder, const struct json_value *value, struct metric *ret_metric)
{
    struct item item = { .decoder = decoder, .metric = ret_metric };
    struct arena *scratch = &decoder->parser->scratch;
    struct slice fault = shape_fault(value);
    *ret_metric = (struct metric){ 0 };
    if (fault.len > 0) {
        decoder_error(decoder, SLICE(""), fault);
        decoder->n_bad++;
        return false;
    }
    arena_reset(scratch);
    cJSON *tree = NULL;
    enum status status = json_parse(value->text, scratch, &tree);
    if (status != STATUS_OK) {
        job_fail(decoder->job, status, SLICE(""));
        return false;
    }
    read_members(&item, tree, value);
    if (item.bad) {
        decoder->n_bad++;
        return false;
    }
    if (!metric_set_series(ret_metric, &decoder->job->arena, item.name, item.tags, item.n_tags)) {
        job_fail(decoder->job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return false;
    }
    decoder->n_client_ids += ret_metric->client_id;
    return true;
}
