/* SPDX-License-Identifier: MIT */
/* Targets of lists: a filter that is taken is in its normal form, says the same when it is written out anew with every
 * byte escaped or as filters={...}, and its cursors go with it and with no other. */
#include <stdarg.h>
#include <stdio.h>

#include "fuzz.h"
#include "job.h"
#include "parser/target.h"
#include "parser/utf8_text.h"
#include "query/filters.h"

enum { INPUT_MAX = 2048 };

static void check_path(struct slice path)
{
    static const char *const patterns[] = { "/metrics", "/metrics/{id}", "/-/stats" };
    struct slice untouched = SLICE("none");
    unsigned n_matches = 0;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct slice id = untouched;
        bool matches = path_matches(path, patterns[i], &id);
        n_matches += matches;
        bool has_id = matches && i == 1;
        assert(has_id == !slice_equal(id, untouched) || (has_id && path.len == strlen("/metrics/none")));
        assert(!has_id || (id.len > 0 && memchr(id.data, '/', id.len) == NULL && lies_in(id, path.data, path.len)));
    }
    assert(n_matches <= 1);
}

static void check_tags(const struct slice tags[], unsigned n)
{
    assert(n <= FILTER_TAGS_MAX);
    for (unsigned i = 0; i < n; i++) {
        assert(tags[i].len > 0 && tags[i].len <= METRIC_TAG_MAX && utf8_text_valid(tags[i]));
        assert(!utf8_text_has_control(tags[i]));
        assert(i == 0 || slice_compare(tags[i - 1], tags[i]) < 0);
    }
}

static void check_filter(const struct filter *filter)
{
    check_tags(filter->tags, filter->n_tags);
    check_tags(filter->any_tags, filter->n_any_tags);
    check_tags(filter->not_tags, filter->n_not_tags);
    assert(filter->name.len <= METRIC_NAME_MAX && utf8_text_valid(filter->name));
    assert(!utf8_text_has_control(filter->name));
    assert(filter->from_ms < filter->to_ms && filter->min <= filter->max);
    assert(filter->limit >= 1 && filter->limit <= FILTER_LIMIT_MAX);
}

/* Cursors ----------------------------------------------------------------- */

static void check_cursor(const struct filter *filter)
{
    static _Alignas(16) char block[4096];
    struct arena arena;
    struct list_position read, position = { .timestamp_ms = filter->limit * INT64_C(1000003) };
    struct filter other = *filter;
    arena_init(&arena, block, sizeof(block));
    position.tie[0] = (uint8_t)filter->name.len;
    struct slice cursor = cursor_format(&position, filter, &arena);
    bool good = cursor_parse(cursor, filter, &arena, &read);
    assert(good && read.timestamp_ms == position.timestamp_ms);
    assert(memcmp(read.tie, position.tie, sizeof(read.tie)) == 0);
    other.ascending = !other.ascending;
    bool same_order = cursor_parse(cursor, &other, &arena, &read);
    other = *filter;
    other.name_is_prefix = !other.name_is_prefix;
    bool same_name = cursor_parse(cursor, &other, &arena, &read);
    assert(!same_order && !same_name);
    arena_reset(&arena);
}

/* Any text as a cursor: what is taken is what is written. */
static void check_cursor_text(struct slice text)
{
    static _Alignas(16) char block[1024];
    struct arena arena;
    struct filter filter;
    struct list_position position;
    arena_init(&arena, block, sizeof(block));
    filter_init(&filter);
    if (cursor_parse(text, &filter, &arena, &position))
        assert(slice_equal(cursor_format(&position, &filter, &arena), text));
    arena_reset(&arena);
}

static void check_time_point(struct slice text)
{
    int64_t ms = 7, again = 7;
    const char *fault = time_point_parse(text, 0, &ms);
    assert(fault == NULL || ms == 7);
    if (fault != NULL)
        return;
    char digits[32];
    assert(ms >= METRIC_TIMESTAMP_MIN && ms <= METRIC_TIMESTAMP_MAX);
    snprintf(digits, sizeof(digits), "%lld", (long long)ms);
    fault = time_point_parse(slice_of(digits), 1, &again);
    assert(fault == NULL && again == ms);
}

/* Written out anew -------------------------------------------------------- */

struct writer {
    char text[16 * INPUT_MAX + 4096];
    size_t len;
};

static void put(struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(writer->text + writer->len, sizeof(writer->text) - writer->len, format, arguments);
    va_end(arguments);
    assert(n >= 0 && (size_t)n < sizeof(writer->text) - writer->len);
    writer->len += (size_t)n;
}

static void put_parameter(struct writer *writer, const char *name, struct slice value, bool is_prefix)
{
    put(writer, "&%s=", name);
    for (size_t i = 0; i < value.len; i++)
        put(writer, "%%%02x", (unsigned char)value.data[i]);
    if (is_prefix)
        put(writer, "*");
}

static void put_tags(struct writer *writer, const char *name, const struct slice tags[], unsigned n)
{
    for (unsigned i = n; i > 0; i--)
        put_parameter(writer, name, tags[i - 1], false);
}

/* An exponent's + would be a blank. */
static void put_number(struct writer *writer, const char *name, double number)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%.17g", number);
    put_parameter(writer, name, slice_of(digits), false);
}

static void put_filter(struct writer *writer, const struct filter *filter)
{
    put(writer, "/metrics?limit=%u&order=%s", filter->limit, filter->ascending ? "asc" : "desc");
    if (filter->name.len > 0 || filter->name_is_prefix)
        put_parameter(writer, "name", filter->name, filter->name_is_prefix);
    put_tags(writer, "tag", filter->tags, filter->n_tags);
    put_tags(writer, "any_tag", filter->any_tags, filter->n_any_tags);
    put_tags(writer, "not_tag", filter->not_tags, filter->n_not_tags);
    if (filter->from_ms != INT64_MIN)
        put(writer, "&from=%lld", (long long)filter->from_ms);
    if (filter->to_ms != INT64_MAX)
        put(writer, "&to=%lld", (long long)filter->to_ms);
    if (filter->min > -__builtin_inf())
        put_number(writer, "min", filter->min);
    if (filter->max < __builtin_inf())
        put_number(writer, "max", filter->max);
}

/* Filter and key are the job's, which is used again. */
static void check_written_anew(struct fuzz_job *fuzz, const struct filter *filter, struct slice key)
{
    static struct writer writer;
    writer.len = 0;
    put_filter(&writer, filter);
    struct exact text = exact_new(writer.text, writer.len), old_key = exact_new(key.data, key.len);
    fuzz_job_close(fuzz);
    fuzz = fuzz_job_open();
    fuzz->job.request.target = exact_slice(&text);
    decode_list(&fuzz->parser, &fuzz->job);
    assert(fuzz->job.status == STATUS_OK && slice_equal(fuzz->job.cache.key, exact_slice(&old_key)));
    exact_free(&text);
    exact_free(&old_key);
}

static void check_list(struct fuzz_job *fuzz)
{
    struct job *job = &fuzz->job;
    decode_list(&fuzz->parser, job);
    if (job->status != STATUS_OK) {
        assert(job->status == STATUS_BAD_FILTER || job->status == STATUS_BAD_CURSOR);
        assert(job->reply.detail.len > 0 && utf8_text_valid(job->reply.detail));
        return;
    }
    check_filter(&job->filter);
    check_cursor(&job->filter);
    assert(job->cache.key.len > 0);
    if (!job->filter.from_moves && !job->filter.to_moves && !job->filter.has_after)
        check_written_anew(fuzz, &job->filter, job->cache.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target target;
    if (size > INPUT_MAX)
        return 0;
    struct exact text = exact_new(data, size);
    check_cursor_text(exact_slice(&text));
    check_time_point(exact_slice(&text));
    if (target_split(exact_slice(&text), &target) == NULL) {
        assert(target.path.len > 0 && lies_in(target.query, text.bytes, text.len));
        check_path(target.path);
        struct fuzz_job *fuzz = fuzz_job_open();
        fuzz->job.request.target = exact_slice(&text);
        check_list(fuzz);
        fuzz_job_close(fuzz);
    }
    exact_free(&text);
    return 0;
}
