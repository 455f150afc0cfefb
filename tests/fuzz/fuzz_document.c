/* SPDX-License-Identifier: MIT */
/* Documents of MongoDB that anybody may have written: one that is read as a metric is written and read as the same
 * metric again; of others nothing but id and timestamp is told. */
#include <math.h>

#include "fuzz.h"
#include "storage/mongodb/document.h"

enum { INPUT_MAX = 2048 };

static void check_round(const struct metric *metric)
{
    static _Alignas(16) char block[512];
    struct arena arena;
    struct metric again;
    bson_t document = BSON_INITIALIZER;
    arena_init(&arena, block, sizeof(block));
    document_write(&document, metric, true);
    enum document_result result = document_read(&document, &arena, &again);
    assert(result == DOCUMENT_OK && metric_equal(metric, &again));
    arena_reset(&arena);
    bson_destroy(&document);
}

static void check_metric(const struct metric *metric)
{
    struct slice tag;
    size_t cursor = 0;
    assert(metric->has_id && isfinite(metric->value) && metric->n_tags <= METRIC_TAGS_MAX);
    assert(metric->timestamp_ms >= METRIC_TIMESTAMP_MIN && metric->timestamp_ms <= METRIC_TIMESTAMP_MAX);
    assert(document_is_text(metric_name(metric), METRIC_NAME_MAX));
    while (metric_next_tag(metric, &cursor, &tag))
        assert(document_is_text(tag, METRIC_TAG_MAX));
    check_round(metric);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) char block[512];
    bson_t document;
    if (size > INPUT_MAX)
        return 0;
    struct exact copy = exact_new(data, size);
    if (bson_init_static(&document, (const uint8_t *)copy.bytes, copy.len)) {
        struct arena arena;
        struct metric metric;
        arena_init(&arena, block, sizeof(block));
        if (document_read(&document, &arena, &metric) == DOCUMENT_OK)
            check_metric(&metric);
        else
            assert(metric.name_bytes == 0 && metric.n_tags == 0);
        arena_reset(&arena);
    }
    exact_free(&copy);
    return 0;
}
