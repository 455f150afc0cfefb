/* SPDX-License-Identifier: MIT */
/* The head of a request: what comes byte by byte ends as what comes at once, and a head that is taken tells the length
 * of its body in one way only. */
#include <strings.h>

#include "fuzz.h"
#include "http/head.h"

static const struct head_limits limits = { .target_max_bytes = 64, .head_max_bytes = 512, .fields_max = 8 };

struct outcome {
    enum head_progress progress;
    size_t head_bytes; /* when complete */
    size_t seen;       /* when it was settled */
};

/* Feeds bytes[0..len) step by step, each time in a block that ends where the bytes do. */
static struct outcome feed(const uint8_t *bytes, size_t len, size_t step)
{
    struct outcome outcome = { HEAD_INCOMPLETE, 0, 0 };
    size_t scanned = 0;
    while (outcome.progress == HEAD_INCOMPLETE && outcome.seen < len) {
        struct refusal refusal = { STATUS_OK, NULL };
        outcome.seen = len - outcome.seen < step ? len : outcome.seen + step;
        struct exact part = exact_new(bytes, outcome.seen);
        outcome.progress = head_scan(part.bytes, part.len, &limits, &scanned, &outcome.head_bytes, &refusal);
        assert((outcome.progress == HEAD_REFUSED) == (refusal.detail != NULL));
        assert(outcome.progress != HEAD_INCOMPLETE || scanned <= part.len);
        exact_free(&part);
    }
    return outcome;
}

static bool line_is(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    return len > name_len && strncasecmp(line, name, name_len) == 0 && line[name_len] == ':';
}

struct counts {
    unsigned n_lengths, n_codings, n_hosts;
};

static struct counts count_lines(const struct exact *bytes)
{
    struct counts counts = { 0, 0, 0 };
    for (size_t at = 0; at < bytes->len;) {
        const char *line = bytes->bytes + at;
        const char *lf = memchr(line, '\n', bytes->len - at);
        assert(lf != NULL && lf > line - 1 && lf[-1] == '\r');
        size_t len = (size_t)(lf - line) - 1;
        assert(memchr(line, '\r', len) == NULL && memchr(line, '\0', len) == NULL);
        assert(at == 0 || len == 0 || (line[0] != ' ' && line[0] != '\t'));
        counts.n_lengths += line_is(line, len, "content-length");
        counts.n_codings += line_is(line, len, "transfer-encoding");
        counts.n_hosts += line_is(line, len, "host");
        at += len + 2;
    }
    return counts;
}

static void check_head(const struct head *head, const struct exact *bytes, const struct exact *joined)
{
    struct counts counts = count_lines(bytes);
    assert(counts.n_lengths + counts.n_codings <= 1);
    assert(head->chunked == (counts.n_codings == 1));
    assert(counts.n_lengths == 1 || head->content_length == 0);
    assert(counts.n_hosts == 1 || (counts.n_hosts == 0 && head->http10));
    assert(!head->http10 || (!head->chunked && !head->expects_continue));
    struct slice target = head->request.target;
    assert(target.len > 0 && target.len <= limits.target_max_bytes);
    for (size_t i = 0; i < target.len; i++)
        assert(target.data[i] > ' ' && target.data[i] < 0x7f && strchr("<>#", target.data[i]) == NULL);
#define CHECK_MEMBER(member, name)                                                                                     \
    assert(lies_in(head->request.member, bytes->bytes, bytes->len) ||                                                  \
           lies_in(head->request.member, joined->bytes, joined->len));
    REQUEST_FIELDS(CHECK_MEMBER)
#undef CHECK_MEMBER
#define CHECK_MEMBER(member, name)                                                                                     \
    assert(lies_in(head->member, bytes->bytes, bytes->len) || lies_in(head->member, joined->bytes, joined->len));
    HEAD_FIELDS(CHECK_MEMBER)
#undef CHECK_MEMBER
}

static void read_head(const uint8_t *data, size_t len)
{
    struct exact bytes = exact_new(data, len), joined = exact_new(data, len);
    struct head head;
    struct refusal refusal = { STATUS_OK, NULL };
    if (head_read(bytes.bytes, bytes.len, &limits, joined.bytes, &head, &refusal) == 0)
        check_head(&head, &bytes, &joined);
    else
        assert(refusal.status != STATUS_OK && refusal.detail != NULL);
    exact_free(&bytes);
    exact_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 2 * limits.head_max_bytes)
        return 0;
    struct outcome whole = feed(data, size, size), bytewise = feed(data, size, 1);
    assert(whole.progress == bytewise.progress);
    if (whole.progress != HEAD_COMPLETE)
        return 0;
    assert(whole.head_bytes == bytewise.head_bytes && bytewise.seen == bytewise.head_bytes);
    read_head(data, whole.head_bytes);
    return 0;
}
