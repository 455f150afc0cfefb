/* SPDX-License-Identifier: MIT */
#include "pipeline.h"

#include <float.h>
#include <stdio.h>

#include "aggregate/tally.h"
#include "bucket.h"
#include "query.h"

/* The stages as they are appended. */
struct stages {
    bson_t array, stage;
    char key[8];
    unsigned n;
};

static bson_t *begin(struct stages *stages)
{
    snprintf(stages->key, sizeof(stages->key), "%u", stages->n++);
    BSON_APPEND_DOCUMENT_BEGIN(&stages->array, stages->key, &stages->stage);
    return &stages->stage;
}

static void end(struct stages *stages)
{
    bson_append_document_end(&stages->array, &stages->stage);
}

/* Conditions ------------------------------------------------------------------- */

static void write_filter(struct stages *stages, const struct pipeline *pipeline)
{
    bson_t match;
    struct filter filter = pipeline->plan->filter;
    filter.to_ms = pipeline->to_ms;
    struct query query = { .filter = &filter, .kind = QUERY_ALONG, .from_ms = pipeline->from_ms };
    BSON_APPEND_DOCUMENT_BEGIN(begin(stages), "$match", &match);
    query_write_conditions(&match, &query);
    bson_append_document_end(&stages->stage, &match);
    end(stages);
}

/* Comparisons of values and kinds, not of what may be in an array: { $expr: { $and: [...] } }. */
static void write_kinds(bson_t *match)
{
    bson_t expression,
        *conditions =
            BCON_NEW("$and", "[", "{", "$eq", "[", "{", "$type", "$_id", "}", "objectId", "]", "}", "{", "$eq", "[",
                     "{", "$type", "$name", "}", "string", "]", "}", "{", "$ne", "[", "$name", "", "]", "}", "{", "$eq",
                     "[", "{", "$type", "$tags", "}", "array", "]", "}", "{", "$eq", "[", "{", "$type", "$timestamp",
                     "}", "date", "]", "}", "{", "$in", "[", "{", "$type", "$value", "}", "[", "double", "int", "long",
                     "]", "]", "}", "{", "$gte", "[", "$value", BCON_DOUBLE(-DBL_MAX), "]", "}", "{", "$lte", "[",
                     "$value", BCON_DOUBLE(DBL_MAX), "]", "}", "]");
    BSON_APPEND_DOCUMENT_BEGIN(match, "$expr", &expression);
    bson_concat(&expression, conditions);
    bson_append_document_end(match, &expression);
    bson_destroy(conditions);
}

/* What makes a document a metric. No tag is anything but a text that is not empty. */
static void write_kind(struct stages *stages)
{
    bson_t match, *tags = BCON_NEW("$nor", "[", "{", "tags", "{", "$elemMatch", "{", "$not", "{", "$gt", "", "}", "}",
                                   "}", "}", "]");
    BSON_APPEND_DOCUMENT_BEGIN(begin(stages), "$match", &match);
    write_kinds(&match);
    bson_concat(&match, tags);
    bson_append_document_end(&stages->stage, &match);
    end(stages);
    bson_destroy(tags);
}

static void open_pipeline(struct stages *stages, bson_t *document, const struct pipeline *pipeline)
{
    *stages = (struct stages){ .n = 0 };
    BSON_APPEND_ARRAY_BEGIN(document, "pipeline", &stages->array);
    write_filter(stages, pipeline);
    write_kind(stages);
}

static void append(struct stages *stages, const char *name, bson_t *taken)
{
    BSON_APPEND_DOCUMENT(begin(stages), name, taken);
    end(stages);
    bson_destroy(taken);
}

/* Tags ------------------------------------------------------------------------- */

/* { $gte or $lt: ["$$tag", { $literal: text }] } */
static void write_bound(bson_t *bounds, const char *key, const char *operator, struct slice text)
{
    bson_t bound, parts, literal;
    BSON_APPEND_DOCUMENT_BEGIN(bounds, key, &bound);
    BSON_APPEND_ARRAY_BEGIN(&bound, operator, & parts);
    BSON_APPEND_UTF8(&parts, "0", "$$tag");
    BSON_APPEND_DOCUMENT_BEGIN(&parts, "1", &literal);
    bson_append_utf8(&literal, "$literal", -1, text.data, (int)text.len);
    bson_append_document_end(&parts, &literal);
    bson_append_array_end(&bound, &parts);
    bson_append_document_end(bounds, &bound);
}

/* The tags that make groups: "$tags", or those of them that begin with the prefix. */
static void write_tags(bson_t *array, const char *key, struct slice prefix)
{
    bson_t outer, filter, condition, bounds;
    char text[METRIC_TAG_MAX + 4];
    struct slice above = { text, 0 };
    if (prefix.len == 0) {
        BSON_APPEND_UTF8(array, key, "$tags");
        return;
    }
    BSON_APPEND_DOCUMENT_BEGIN(array, key, &outer);
    BSON_APPEND_DOCUMENT_BEGIN(&outer, "$filter", &filter);
    BSON_APPEND_UTF8(&filter, "input", "$tags");
    BSON_APPEND_UTF8(&filter, "as", "tag");
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "cond", &condition);
    BSON_APPEND_ARRAY_BEGIN(&condition, "$and", &bounds);
    write_bound(&bounds, "0", "$gte", prefix);
    if (query_end_of_prefix(prefix, text, &above.len))
        write_bound(&bounds, "1", "$lt", above);
    bson_append_array_end(&condition, &bounds);
    bson_append_document_end(&filter, &condition);
    bson_append_document_end(&outer, &filter);
    bson_append_document_end(array, &outer);
}

/* A document for each tag, and one with null for the metric itself: { g, value, timestamp }. $setUnion drops doubles,
 * which a foreign document may have. */
static void write_unwinding(struct stages *stages, struct slice prefix)
{
    bson_t project, group, sets, nothing;
    BSON_APPEND_DOCUMENT_BEGIN(begin(stages), "$project", &project);
    BSON_APPEND_INT32(&project, "_id", 0);
    BSON_APPEND_INT32(&project, "value", 1);
    BSON_APPEND_INT32(&project, "timestamp", 1);
    BSON_APPEND_DOCUMENT_BEGIN(&project, "g", &group);
    BSON_APPEND_ARRAY_BEGIN(&group, "$setUnion", &sets);
    BSON_APPEND_ARRAY_BEGIN(&sets, "0", &nothing);
    BSON_APPEND_NULL(&nothing, "0");
    bson_append_array_end(&sets, &nothing);
    write_tags(&sets, "1", prefix);
    bson_append_array_end(&group, &sets);
    bson_append_document_end(&project, &group);
    bson_append_document_end(&stages->stage, &project);
    end(stages);
    BSON_APPEND_UTF8(begin(stages), "$unwind", "$g");
    end(stages);
}

/* Moments ---------------------------------------------------------------------- */

bool pipeline_has_moments(unsigned needs)
{
    return (needs & (unsigned)~(TALLY_SUM | TALLY_EXTREMES | TALLY_SPREAD)) == 0;
}

static bool write_key(bson_t *group, const struct pipeline *pipeline)
{
    bson_t key;
    bool ok = true;
    uint8_t group_by = pipeline->plan->group_by;
    if (group_by == GROUP_NONE && pipeline->n_buckets == 0)
        return BSON_APPEND_NULL(group, "_id");
    BSON_APPEND_DOCUMENT_BEGIN(group, "_id", &key);
    if (group_by != GROUP_NONE)
        BSON_APPEND_UTF8(&key, "g", group_by == GROUP_NAME ? "$name" : "$g");
    if (pipeline->n_buckets > 0)
        ok = bucket_write(&key, "b", pipeline->edges, pipeline->n_buckets);
    bson_append_document_end(group, &key);
    return ok;
}

static void write_member(bson_t *group, const char *key, const char *operator, const char * path)
{
    bson_t member;
    BSON_APPEND_DOCUMENT_BEGIN(group, key, &member);
    BSON_APPEND_UTF8(&member, operator, path);
    bson_append_document_end(group, &member);
}

static void write_members(bson_t *group, unsigned needs)
{
    bson_t count;
    BSON_APPEND_DOCUMENT_BEGIN(group, "n", &count);
    BSON_APPEND_INT32(&count, "$sum", 1);
    bson_append_document_end(group, &count);
    write_member(group, "f", "$min", "$timestamp");
    write_member(group, "l", "$max", "$timestamp");
    if ((needs & TALLY_SUM) != 0)
        write_member(group, "s", "$sum", "$value");
    if ((needs & TALLY_EXTREMES) != 0) {
        write_member(group, "lo", "$min", "$value");
        write_member(group, "hi", "$max", "$value");
    }
    if ((needs & TALLY_SPREAD) != 0) {
        write_member(group, "m", "$avg", "$value");
        write_member(group, "d", "$stdDevPop", "$value");
    }
}

bool pipeline_write_moments(bson_t *document, const struct pipeline *pipeline)
{
    struct stages stages;
    bson_t group;
    open_pipeline(&stages, document, pipeline);
    if (pipeline->plan->group_by == GROUP_TAG)
        write_unwinding(&stages, pipeline->plan->tag_prefix);
    BSON_APPEND_DOCUMENT_BEGIN(begin(&stages), "$group", &group);
    bool ok = write_key(&group, pipeline);
    write_members(&group, pipeline->needs);
    bson_append_document_end(&stages.stage, &group);
    end(&stages);
    bson_append_array_end(document, &stages.array);
    return ok;
}

/* Samples and ends ------------------------------------------------------------- */

/* Tags that nobody needs do not travel. */
void pipeline_write_samples(bson_t *document, const struct pipeline *pipeline)
{
    struct stages stages;
    bool has_tags = (pipeline->needs & TALLY_TAGS) != 0 || pipeline->plan->group_by == GROUP_TAG;
    open_pipeline(&stages, document, pipeline);
    if (has_tags)
        append(
            &stages, "$project",
            BCON_NEW("name", BCON_INT32(1), "tags", BCON_INT32(1), "timestamp", BCON_INT32(1), "value", BCON_INT32(1)));
    else
        append(&stages, "$project",
               BCON_NEW("name", BCON_INT32(1), "tags", "{", "$literal", "[", "]", "}", "timestamp", BCON_INT32(1),
                        "value", BCON_INT32(1)));
    bson_append_array_end(document, &stages.array);
}

void pipeline_write_end(bson_t *document, const struct pipeline *pipeline, bool is_last)
{
    struct stages stages;
    open_pipeline(&stages, document, pipeline);
    append(&stages, "$sort", BCON_NEW("timestamp", BCON_INT32(is_last ? -1 : 1)));
    BSON_APPEND_INT64(begin(&stages), "$limit", 1);
    end(&stages);
    append(&stages, "$project", BCON_NEW("_id", BCON_INT32(0), "timestamp", BCON_INT32(1)));
    bson_append_array_end(document, &stages.array);
}
