/* SPDX-License-Identifier: MIT */
/* request: what the model is told, how its answer must look, and which names and tags it gets to know. */
#include "assistant/request.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/* Texts that are related to a prompt, by their numbers. */
struct related {
    const struct catalogue_index *index;
    uint64_t *bits;
};

/* Notes the texts with a word that begins with this one, in lower case: as many as can be told. */
static void note_word(struct related *related, struct slice word)
{
    const struct catalogue_index *index = related->index;
    unsigned n_left = REQUEST_TEXTS_MAX;
    for (uint32_t t = catalogue_term_place(index, word); t < index->n_terms && n_left > 0; t++) {
        const struct catalogue_term *term = &index->terms[t];
        if (!slice_starts_with(term->text, word))
            return;
        for (uint32_t i = 0; i < term->n && n_left > 0; i++, n_left--) {
            uint32_t number = index->refs[term->first + i];
            related->bits[number / 64] |= UINT64_C(1) << number % 64;
        }
    }
}

static bool is_related(const struct related *related, uint32_t number)
{
    return (related->bits[number / 64] >> number % 64 & 1) != 0;
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) != 0 || (unsigned char)c >= 0x80;
}

/* Looks up the prompt's words of WORD_MIN letters or more. False without memory. */
static bool find_related(struct related *related, struct slice prompt, struct arena *arena)
{
    size_t bytes = (related->index->n / 64 + 1) * sizeof(related->bits[0]);
    char *lower = arena_alloc(arena, prompt.len + 1);
    related->bits = arena_alloc(arena, bytes);
    if (lower == NULL || related->bits == NULL)
        return false;
    memset(related->bits, 0, bytes);
    for (size_t i = 0; i < prompt.len; i++)
        lower[i] = (char)tolower((unsigned char)prompt.data[i]);
    for (size_t start = 0, end; start < prompt.len; start = end + 1) {
        for (end = start; end < prompt.len && is_word_byte(lower[end]);)
            end++;
        if (end - start >= WORD_MIN)
            note_word(related, (struct slice){ lower + start, end - start });
    }
    return true;
}

/* What of a list of texts has been written. */
struct budget {
    unsigned n;
    size_t bytes;
};

/* Appends those texts that are related, or those that are not. */
static void append_texts(struct text *out, const struct slice texts[], const struct related *related, bool wanted,
                         struct budget *budget)
{
    for (uint32_t i = 0; i < related->index->n && budget->n < REQUEST_TEXTS_MAX; i++) {
        if (budget->bytes + texts[i].len > REQUEST_TEXTS_BYTES_MAX || is_related(related, i) != wanted)
            continue;
        text_append(out, "\n", budget->n == 0 ? 0 : 1);
        text_append(out, texts[i].data, texts[i].len);
        budget->n++;
        budget->bytes += texts[i].len;
    }
}

/* False without memory. */
static bool append_list(struct text *out, const struct slice texts[], const struct catalogue_index *index,
                        struct slice prompt)
{
    struct related related = { .index = index };
    struct budget budget = { 0 };
    if (!find_related(&related, prompt, out->arena))
        return false;
    append_texts(out, texts, &related, true, &budget);
    append_texts(out, texts, &related, false, &budget);
    return true;
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
    bool listed = catalogue == NULL || append_list(&text, catalogue->names, &catalogue->name_index, inquiry->prompt);
    text_literal(&text, "\nTags:\n");
    if (listed && catalogue != NULL)
        listed = append_list(&text, catalogue->tags, &catalogue->tag_index, inquiry->prompt);
    return !listed || text.failed ? (struct slice){ NULL, 0 } : text_slice(&text);
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
