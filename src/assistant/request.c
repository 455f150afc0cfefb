/* SPDX-License-Identifier: MIT */
/* request: what the model is told, how its answer must look, and which names and tags it gets to know. */
#include "assistant/request.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <strings.h>

#include <telemetry/catalogue.h>
#include <telemetry/inquiry.h>
#include <telemetry/rfc3339.h>
#include <telemetry/zone.h>

enum { WORD_MIN = 3 }; /* shorter words say little of a name */

/* One text in the schema's words; NULL stands for what the question does not ask. */
static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"op\",\"k\",\"agg\",\"filter\",\"range\",\"group_by\",\"bucket\",\"compare\",\"trend\"],"
    "\"properties\":{"
    "\"op\":{\"type\":\"string\",\"enum\":[\"aggregate\",\"top\",\"bottom\",\"none\"]},"
    "\"k\":{\"type\":[\"integer\",\"null\"]},"
    "\"agg\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"filter\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"name\",\"tags\",\"any_tags\",\"not_tags\",\"min\",\"max\"],\"properties\":{"
    "\"name\":{\"type\":[\"string\",\"null\"]},"
    "\"tags\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}},"
    "\"any_tags\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}},"
    "\"not_tags\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}},"
    "\"min\":{\"type\":[\"number\",\"null\"]},\"max\":{\"type\":[\"number\",\"null\"]}}},"
    "\"range\":{\"$ref\":\"#/$defs/range\"},"
    "\"group_by\":{\"type\":[\"string\",\"null\"]},"
    "\"bucket\":{\"type\":[\"string\",\"null\"]},"
    "\"compare\":{\"anyOf\":[{\"$ref\":\"#/$defs/range\"},{\"type\":\"null\"}]},"
    "\"trend\":{\"type\":\"boolean\"}},"
    "\"$defs\":{\"range\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"from\",\"to\"],"
    "\"properties\":{\"from\":{\"type\":[\"string\",\"null\"]},\"to\":{\"type\":[\"string\",\"null\"]}}}}}";

static const char rules[] =
    "You turn a question about stored metrics into one query plan. A metric has a name, tags, a numeric value and a "
    "timestamp. Answer with the plan alone. op: aggregate works measures out; top and bottom rank groups by the first "
    "measure and keep k; none when the question cannot be answered from metrics. agg: 1 to 8 of count, sum, avg, min, "
    "max, stddev, median, p0 to p100, rate, distinct, first, latest, names, tags. filter.name: one of the names "
    "below, or the beginning of some with a trailing *; filter.tags: all of them must be there. range: half-open, "
    "absolute, RFC 3339; null is open. group_by: name, tag, or the beginning of a tag such as host: . bucket: a length "
    "such as 5m, 1h, 1d, or auto. compare: a second range to compare with. Never use a name or tag that is not listed.";

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) != 0 || (unsigned char)c >= 0x80;
}

static bool holds(struct slice text, struct slice word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (strncasecmp(text.data + i, word.data, word.len) == 0)
            return true;
    return false;
}

/* Whether `text` holds one of the prompt's words of WORD_MIN letters or more. */
static bool shares_a_word(struct slice text, struct slice prompt)
{
    for (size_t start = 0, end; start < prompt.len; start = end + 1) {
        for (end = start; end < prompt.len && is_word_byte(prompt.data[end]);)
            end++;
        if (end - start >= WORD_MIN && holds(text, (struct slice){ prompt.data + start, end - start }))
            return true;
    }
    return false;
}

/* What of a list of texts has been written. */
struct budget {
    unsigned n;
    size_t bytes;
};

/* Appends those texts that share a word with the prompt, or those that do not. */
static void append_texts(struct text *out, const struct slice texts[], uint32_t n, struct slice prompt, bool related,
                         struct budget *budget)
{
    for (uint32_t i = 0; i < n && budget->n < REQUEST_TEXTS_MAX; i++) {
        if (budget->bytes + texts[i].len > REQUEST_TEXTS_BYTES_MAX || shares_a_word(texts[i], prompt) != related)
            continue;
        text_append(out, "\n", budget->n == 0 ? 0 : 1);
        text_append(out, texts[i].data, texts[i].len);
        budget->n++;
        budget->bytes += texts[i].len;
    }
}

static void append_list(struct text *out, const struct slice texts[], uint32_t n, struct slice prompt)
{
    struct budget budget = { 0 };
    append_texts(out, texts, n, prompt, true, &budget);
    append_texts(out, texts, n, prompt, false, &budget);
}

/* The message that sets the scene, as plain text. */
static struct slice scene(const struct inquiry *inquiry, const struct catalogue *catalogue, struct arena *arena)
{
    struct text text = text_in(arena, 4096);
    char now[RFC3339_BYTES];
    struct slice zone = zone_name(inquiry->zone);
    rfc3339_format(inquiry->now_ms, now);
    text_literal(&text, rules);
    text_printf(&text, "\nNow: %.*s. Days begin at midnight in %.*s.\nNames:\n", (int)RFC3339_BYTES, now, (int)zone.len,
                zone.data);
    if (catalogue != NULL)
        append_list(&text, catalogue->names, catalogue->n_names, inquiry->prompt);
    text_literal(&text, "\nTags:\n");
    if (catalogue != NULL)
        append_list(&text, catalogue->tags, catalogue->n_tags, inquiry->prompt);
    return text.failed ? (struct slice){ NULL, 0 } : text_slice(&text);
}

struct slice request_body(const char *model, const struct inquiry *inquiry, const struct catalogue *catalogue,
                          struct arena *arena)
{
    struct slice told = scene(inquiry, catalogue, arena);
    struct text body = text_in(arena, told.len + sizeof(schema) + 1024);
    text_literal(&body, "{\"model\":");
    text_json(&body, slice_of(model));
    text_literal(&body, ",\"temperature\":0,\"messages\":[{\"role\":\"system\",\"content\":");
    text_json(&body, told);
    text_literal(&body, "},{\"role\":\"user\",\"content\":");
    text_json(&body, inquiry->prompt);
    text_literal(&body, "}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"plan\","
                        "\"strict\":true,\"schema\":");
    text_literal(&body, schema);
    text_literal(&body, "}}}");
    return told.data == NULL || body.failed ? (struct slice){ NULL, 0 } : text_slice(&body);
}
