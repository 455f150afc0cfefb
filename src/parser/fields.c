/* SPDX-License-Identifier: MIT */
/* fields: each field is a list of elements parted by commas, an element a token with parameters
 * parted by semicolons. Neither parts a quoted string. */
#include "fields.h"

#include "refuse.h"

enum { IF_MATCH_MAX = sizeof(((struct job *)0)->if_match_etags) / sizeof(uint64_t), ETAG_DIGITS = 16 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same_word(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

/* Cuts what stands before the next separator, outside of quotes, off the front of *rest. False when
 * nothing is left. */
static bool next_part(struct slice *rest, char separator, struct slice *ret_part)
{
    size_t at = 0;
    bool quoted = false;
    if (rest->len == 0)
        return false;
    for (; at < rest->len && (quoted || rest->data[at] != separator); at++) {
        if (rest->data[at] == '"')
            quoted = !quoted;
        else if (quoted && rest->data[at] == '\\' && at + 1 < rest->len)
            at++;
    }
    *ret_part = slice_trim((struct slice){ rest->data, at });
    at += at < rest->len;
    *rest = (struct slice){ rest->data + at, rest->len - at };
    return true;
}

/* Cuts name=value in two; without = the value is empty. Quotes around the value are taken off. */
static struct slice split_parameter(struct slice part, struct slice *ret_value)
{
    const char *equals = part.len == 0 ? NULL : memchr(part.data, '=', part.len);
    size_t name_len = equals == NULL ? part.len : (size_t)(equals - part.data);
    struct slice value = { part.data + name_len, part.len - name_len };
    if (equals != NULL)
        value = slice_trim((struct slice){ value.data + 1, value.len - 1 });
    if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
        value = (struct slice){ value.data + 1, value.len - 2 };
    *ret_value = value;
    return slice_trim((struct slice){ part.data, name_len });
}

/* 2: the type itself, 1: its kind (application/...), 0: any type, -1: another. */
static int range_rank(struct slice range, struct slice media_type)
{
    const char *slash = memchr(media_type.data, '/', media_type.len);
    struct slice kind = { media_type.data, (size_t)(slash - media_type.data) + 1 };
    if (same_word(range, media_type))
        return 2;
    if (range.len == kind.len + 1 && range.data[kind.len] == '*' &&
        same_word((struct slice){ range.data, kind.len }, kind))
        return 1;
    return slice_equal(range, SLICE("*/*")) ? 0 : -1;
}

/* q=0, q=0.0 and so on. */
static bool weight_is_zero(struct slice weight)
{
    for (size_t i = 0; i < weight.len; i++)
        if (weight.data[i] != '0' && weight.data[i] != '.')
            return false;
    return weight.len > 0;
}

static bool element_allows(struct slice parameters)
{
    struct slice part, value;
    while (next_part(&parameters, ';', &part))
        if (same_word(split_parameter(part, &value), SLICE("q")))
            return !weight_is_zero(value);
    return true;
}

bool accept_allows(struct slice accept, struct slice media_type)
{
    struct slice element, range;
    int best = -1;
    bool allowed = slice_trim(accept).len == 0;
    while (next_part(&accept, ',', &element)) {
        if (!next_part(&element, ';', &range))
            continue;
        int rank = range_rank(range, media_type);
        if (rank > best || (rank >= 0 && rank == best && !allowed)) {
            best = rank;
            allowed = element_allows(element);
        }
    }
    return allowed;
}

static bool charset_is_utf8(struct slice parameters)
{
    struct slice part, value;
    while (next_part(&parameters, ';', &part))
        if (same_word(split_parameter(part, &value), SLICE("charset")) && !same_word(value, SLICE("utf-8")) &&
            !same_word(value, SLICE("us-ascii")))
            return false;
    return true;
}

enum body_type content_type_parse(struct slice content_type)
{
    static const struct {
        const char *name;
        enum body_type type;
    } types[] = { { "application/json", BODY_JSON },
                  { "application/x-ndjson", BODY_NDJSON },
                  { "application/jsonl", BODY_NDJSON },
                  { "application/x-jsonlines", BODY_NDJSON } };
    struct slice name;
    if (!next_part(&content_type, ';', &name) || !charset_is_utf8(content_type))
        return BODY_OTHER;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (same_word(name, slice_of(types[i].name)))
            return types[i].type;
    return BODY_OTHER;
}

/* Seconds as milliseconds; a number too large counts as for ever, and so does none at all. */
static int64_t stale_ms(struct slice seconds)
{
    int64_t ms = 0;
    if (seconds.len == 0)
        return INT64_MAX;
    for (size_t i = 0; i < seconds.len; i++) {
        if (seconds.data[i] < '0' || seconds.data[i] > '9')
            return -1;
        if (__builtin_mul_overflow(ms, 10, &ms) || __builtin_add_overflow(ms, (seconds.data[i] - '0') * 1000, &ms))
            return INT64_MAX;
    }
    return ms;
}

void cache_control_read(struct slice cache_control, struct job_cache *ret_cache)
{
    struct slice directive, value;
    ret_cache->no_cache = false;
    ret_cache->no_store = false;
    ret_cache->max_stale_ms = -1;
    while (next_part(&cache_control, ',', &directive)) {
        struct slice name = split_parameter(directive, &value);
        bool is_no_store = same_word(name, SLICE("no-store"));
        if (is_no_store || same_word(name, SLICE("no-cache")))
            ret_cache->no_cache = true;
        if (is_no_store)
            ret_cache->no_store = true;
        if (same_word(name, SLICE("max-stale")))
            ret_cache->max_stale_ms = stale_ms(value);
    }
}

/* The inside of an entity tag's quotes: any visible character but a quote. */
static bool is_opaque_tag(struct slice tag)
{
    if (tag.len < 2 || tag.data[0] != '"' || tag.data[tag.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < tag.len; i++)
        if ((unsigned char)tag.data[i] <= 0x20 || tag.data[i] == '"' || tag.data[i] == 0x7F)
            return false;
    return true;
}

/* The number that our own tags write as 16 lower-case hex digits; false for a tag of another make. */
static bool etag_number(struct slice tag, uint64_t *ret_etag)
{
    uint64_t etag = 0;
    if (tag.len != ETAG_DIGITS + 2)
        return false;
    for (size_t i = 1; i <= ETAG_DIGITS; i++) {
        char c = tag.data[i];
        bool is_letter = c >= 'a' && c <= 'f';
        if (!is_letter && (c < '0' || c > '9'))
            return false;
        etag = etag << 4 | (uint64_t)(is_letter ? c - 'a' + 10 : c - '0');
    }
    *ret_etag = etag;
    return true;
}

/* One entity tag of the list; weak ones match nothing here (RFC 9110, 8.8.3.2). */
static bool read_tag(struct job *job, struct slice tag)
{
    uint64_t etag;
    bool weak = slice_starts_with(tag, SLICE("W/"));
    if (weak)
        tag = (struct slice){ tag.data + 2, tag.len - 2 };
    if (!is_opaque_tag(tag)) {
        job_fail(job, STATUS_MALFORMED_REQUEST, SLICE("If-Match must be * or a list of entity tags in quotes"));
        return false;
    }
    if (weak || !etag_number(tag, &etag))
        return true;
    if (job->n_if_match == IF_MATCH_MAX) {
        job_fail(job, STATUS_MALFORMED_REQUEST, SLICE("If-Match must not name more than 8 entity tags"));
        return false;
    }
    job->if_match_etags[job->n_if_match++] = etag;
    return true;
}

bool if_match_read(struct job *job)
{
    struct slice rest = slice_trim(job->request.if_match), tag;
    job->if_match = rest.len > 0;
    job->n_if_match = 0;
    if (!job->if_match || slice_equal(rest, SLICE("*")))
        return true;
    while (next_part(&rest, ',', &tag))
        if (tag.len > 0 && !read_tag(job, tag))
            return false;
    if (job->n_if_match == 0)
        job_fail(job, STATUS_PRECONDITION_FAILED, SLICE("no metric can have the entity tag that If-Match names"));
    return job->n_if_match > 0;
}
