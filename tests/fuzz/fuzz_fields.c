/* SPDX-License-Identifier: MIT */
/* Header fields of requests: blanks and empty elements around a value change nothing of what it means, nor does the
 * case of its letters where case does not count. */
#include "fuzz.h"
#include "job.h"
#include "parser/fields.h"

enum { INPUT_MAX = 1024 };

struct meaning {
    bool json, text;
    enum body_type body;
    struct job_cache cache;
};

static struct meaning mean(const char *bytes, size_t len)
{
    struct exact copy = exact_new(bytes, len);
    struct meaning meaning = { .json = accept_allows(exact_slice(&copy), SLICE("application/json")),
                               .text = accept_allows(exact_slice(&copy), SLICE("text/plain")),
                               .body = content_type_parse(exact_slice(&copy)) };
    cache_control_read(exact_slice(&copy), &meaning.cache);
    exact_free(&copy);
    return meaning;
}

static void check_same(struct meaning a, struct meaning b)
{
    assert(a.json == b.json && a.text == b.text && a.body == b.body);
    assert(a.cache.no_cache == b.cache.no_cache && a.cache.no_store == b.cache.no_store);
    assert(a.cache.max_stale_ms == b.cache.max_stale_ms && a.cache.max_stale_ms >= -1);
    assert(a.cache.no_cache || !a.cache.no_store);
}

static char flip_case(char c)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter ? (char)(c ^ 0x20) : c;
}

static void check_tags(struct slice if_match)
{
    struct fuzz_job *fuzz = fuzz_job_open();
    struct job *job = &fuzz->job;
    job->request.if_match = if_match;
    bool good = if_match_read(job);
    assert(good == (job->status == STATUS_OK));
    assert(good || job->status == STATUS_MALFORMED_REQUEST || job->status == STATUS_PRECONDITION_FAILED);
    assert(job->n_if_match <= sizeof(job->if_match_etags) / sizeof(job->if_match_etags[0]));
    assert(job->if_match || job->n_if_match == 0);
    fuzz_job_close(fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char other[INPUT_MAX + 4];
    if (size > INPUT_MAX)
        return 0;
    struct exact copy = exact_new(data, size);
    struct meaning meaning = mean(copy.bytes, size);
    other[0] = ' ';
    memcpy(other + 1, copy.bytes, size);
    other[size + 1] = '\t';
    check_same(meaning, mean(other, size + 2));
    for (size_t i = 0; i < size; i++)
        other[i] = flip_case(copy.bytes[i]);
    check_same(meaning, mean(other, size));
    check_tags(exact_slice(&copy));
    exact_free(&copy);
    return 0;
}
