/* SPDX-License-Identifier: MIT */
#include "bucket.h"

#include <stdlib.h>

/* Buckets of one length, side by side. */
struct run {
    int64_t start_ms, length_ms;
    uint32_t first, n; /* numbers of the buckets */
};

static uint32_t find_runs(const int64_t edges[], uint32_t n, struct run ret_runs[])
{
    uint32_t n_runs = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t length_ms = edges[i + 1] - edges[i];
        if (n_runs == 0 || ret_runs[n_runs - 1].length_ms != length_ms)
            ret_runs[n_runs++] = (struct run){ .start_ms = edges[i], .length_ms = length_ms, .first = i };
        ret_runs[n_runs - 1].n++;
    }
    return n_runs;
}

/* { $toLong: "$timestamp" } - start, divided by the length, without the rest. The quotients of numbers below 2^53 are
 * never rounded up to the next whole number. */
static void write_quotient(bson_t *array, const char *index, const struct run *run)
{
    bson_t floor, divide, parts, subtract, terms, date;
    BSON_APPEND_DOCUMENT_BEGIN(array, index, &floor);
    BSON_APPEND_DOCUMENT_BEGIN(&floor, "$floor", &divide);
    BSON_APPEND_ARRAY_BEGIN(&divide, "$divide", &parts);
    BSON_APPEND_DOCUMENT_BEGIN(&parts, "0", &subtract);
    BSON_APPEND_ARRAY_BEGIN(&subtract, "$subtract", &terms);
    BSON_APPEND_DOCUMENT_BEGIN(&terms, "0", &date);
    BSON_APPEND_UTF8(&date, "$toLong", "$timestamp");
    bson_append_document_end(&terms, &date);
    BSON_APPEND_INT64(&terms, "1", run->start_ms);
    bson_append_array_end(&subtract, &terms);
    bson_append_document_end(&parts, &subtract);
    BSON_APPEND_INT64(&parts, "1", run->length_ms);
    bson_append_array_end(&divide, &parts);
    bson_append_document_end(&floor, &divide);
    bson_append_document_end(array, &floor);
}

/* A plain number would be taken for a choice of members, which $group refuses. */
static void write_number(bson_t *document, const char *key, uint32_t number)
{
    bson_t literal;
    BSON_APPEND_DOCUMENT_BEGIN(document, key, &literal);
    BSON_APPEND_INT32(&literal, "$literal", (int32_t)number);
    bson_append_document_end(document, &literal);
}

static void write_run(bson_t *document, const char *key, const struct run *run)
{
    bson_t add, terms;
    if (run->n == 1) {
        write_number(document, key, run->first);
        return;
    }
    BSON_APPEND_DOCUMENT_BEGIN(document, key, &add);
    BSON_APPEND_ARRAY_BEGIN(&add, "$add", &terms);
    BSON_APPEND_INT32(&terms, "0", (int32_t)run->first);
    write_quotient(&terms, "1", run);
    bson_append_array_end(&add, &terms);
    bson_append_document_end(document, &add);
}

/* Halves the runs: as deep as their logarithm. */
static void write_runs(bson_t *document, const char *key, const struct run runs[], uint32_t n)
{
    bson_t condition, parts, less, terms;
    const struct run *middle = &runs[n / 2];
    if (n == 1) {
        write_run(document, key, runs);
        return;
    }
    BSON_APPEND_DOCUMENT_BEGIN(document, key, &condition);
    BSON_APPEND_ARRAY_BEGIN(&condition, "$cond", &parts);
    BSON_APPEND_DOCUMENT_BEGIN(&parts, "0", &less);
    BSON_APPEND_ARRAY_BEGIN(&less, "$lt", &terms);
    BSON_APPEND_UTF8(&terms, "0", "$timestamp");
    BSON_APPEND_DATE_TIME(&terms, "1", middle->start_ms);
    bson_append_array_end(&less, &terms);
    bson_append_document_end(&parts, &less);
    write_runs(&parts, "1", runs, n / 2);
    write_runs(&parts, "2", middle, n - n / 2);
    bson_append_array_end(&condition, &parts);
    bson_append_document_end(document, &condition);
}

bool bucket_write(bson_t *document, const char *key, const int64_t edges[], uint32_t n)
{
    struct run *runs = malloc(n * sizeof(runs[0]));
    if (runs == NULL)
        return false;
    write_runs(document, key, runs, find_runs(edges, n, runs));
    free(runs);
    return true;
}
