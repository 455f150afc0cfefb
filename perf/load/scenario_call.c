/* SPDX-License-Identifier: MIT */
/* scenario_call: the lines of one call, and the templates of its target and text. */
#include "scenario_lines.h"

static int refuse_placeholder(struct reader *reader, struct slice key)
{
    return refuse(reader, "{%.*s} is neither {id} nor a `names` line above", (int)key.len, key.data);
}

static int add_piece(struct reader *reader, struct template *template, struct piece piece)
{
    if (piece.kind == PIECE_LITERAL && piece.literal.len == 0)
        return 0;
    if (template->n == PIECES_MAX)
        return refuse(reader, "more than %d pieces", PIECES_MAX);
    template->pieces[template->n++] = piece;
    return 0;
}

static int add_placeholder(struct reader *reader, struct template *template, struct slice key)
{
    struct piece piece = { .kind = PIECE_ID };
    if (!slice_equal(key, SLICE("id"))) {
        struct reader inside = *reader;
        inside.rest = key;
        piece.kind = PIECE_NAME;
        if (read_set(&inside, &piece.set) != 0)
            return refuse_placeholder(reader, key);
    }
    return add_piece(reader, template, piece);
}

/* Where the next placeholder begins: a brace before a letter, so that JSON's braces are text. */
static size_t placeholder_at(struct slice text)
{
    size_t at = 0;
    while (at < text.len &&
           !(text.data[at] == '{' && at + 1 < text.len && text.data[at + 1] >= 'a' && text.data[at + 1] <= 'z'))
        at++;
    return at;
}

static int read_template(struct reader *reader, struct slice text, struct template *template)
{
    while (text.len > 0) {
        size_t at = placeholder_at(text);
        if (add_piece(reader, template, (struct piece){ .literal = { text.data, at } }) != 0)
            return -1;
        text = (struct slice){ text.data + at, text.len - at };
        if (text.len == 0)
            return 0;
        const char *end = memchr(text.data, '}', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        if (add_placeholder(reader, template, (struct slice){ text.data + 1, len - 1 }) != 0)
            return -1;
        len += end != NULL;
        text = (struct slice){ text.data + len, text.len - len };
    }
    return 0;
}

static bool has_id(const struct template *template)
{
    unsigned n = 0;
    for (unsigned i = 0; i < template->n; i++)
        n += template->pieces[i].kind == PIECE_ID;
    return n > 0;
}

/* What is left of the line, blanks at both ends left out: `#` is no comment in it. */
static struct slice line_rest(struct reader *reader)
{
    struct slice rest = reader->rest;
    while (rest.len > 0 && (unsigned char)rest.data[0] <= ' ')
        rest = (struct slice){ rest.data + 1, rest.len - 1 };
    while (rest.len > 0 && (unsigned char)rest.data[rest.len - 1] <= ' ')
        rest.len--;
    reader->rest.len = 0;
    return rest;
}

static int read_weight(struct reader *reader, struct call *call)
{
    return read_number(reader, "weight", (double[]){ 0, 1e6 }, &call->weight);
}

static int read_request(struct reader *reader, struct call *call)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
    if (call->target.n > 0)
        return refuse(reader, "the call has a `request` already");
    call->method = word(reader);
    bool known = false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        known = known || slice_equal(call->method, slice_of(methods[i]));
    struct slice target = word(reader);
    if (!known || target.len == 0 || target.data[0] != '/')
        return refuse(reader, "`request` is followed by GET, POST, PUT or DELETE and a target that begins with `/`");
    if (read_template(reader, target, &call->target) != 0)
        return -1;
    call->needs_id = call->needs_id || has_id(&call->target);
    return 0;
}

static int read_body(struct reader *reader, struct call *call)
{
    struct slice kind = word(reader);
    if (call->body != BODY_NONE)
        return refuse(reader, "the call has a `body` already");
    if (slice_equal(kind, SLICE("text"))) {
        call->body = BODY_TEXT;
        int code = read_template(reader, line_rest(reader), &call->text);
        call->needs_id = call->needs_id || has_id(&call->text);
        return code;
    }
    call->body = slice_equal(kind, SLICE("metric")) ? BODY_METRIC : BODY_BATCH;
    if (call->body == BODY_BATCH && !slice_equal(kind, SLICE("batch")))
        return refuse(reader, "a body is `metric NAMES`, `batch COUNT NAMES` or `text TEXT`");
    call->n_items = 1;
    if (call->body == BODY_BATCH && read_count(reader, "metrics in a batch", BATCH_MAX, &call->n_items) != 0)
        return -1;
    return read_set(reader, &call->set);
}

static int read_header(struct reader *reader, struct call *call)
{
    struct slice header = line_rest(reader);
    const char *colon = header.len == 0 ? NULL : memchr(header.data, ':', header.len);
    if (colon == NULL || colon == header.data)
        return refuse(reader, "a header is `Name: value`");
    if (call->n_headers == HEADERS_MAX)
        return refuse(reader, "more than %d headers", HEADERS_MAX);
    call->headers[call->n_headers++] = header;
    return 0;
}

static int read_expect(struct reader *reader, struct call *call)
{
    struct reader before = *reader;
    for (struct slice next = word(&before); next.len > 0; next = word(&before)) {
        unsigned status = 0;
        if (call->n_statuses == STATUSES_MAX || read_count(reader, "status", 599, &status) != 0 || status < 200)
            return refuse(reader, "`expect` is followed by up to %d statuses from 200 to 599", STATUSES_MAX);
        call->statuses[call->n_statuses++] = (int)status;
    }
    return call->n_statuses > 0 ? 0 : refuse(reader, "`expect` names no status");
}

static int read_ids(struct reader *reader, struct call *call)
{
    struct slice from = word(reader);
    bool location = slice_equal(from, SLICE("location"));
    if (!location && !slice_equal(from, SLICE("body")))
        return refuse(reader, "ids come from `location` or `body`");
    call->ids_from = location ? IDS_LOCATION : IDS_BODY;
    return 0;
}

static const struct {
    const char *key;
    int (*read)(struct reader *reader, struct call *call);
} lines[] = {
    { "weight", read_weight }, { "request", read_request }, { "body", read_body },
    { "header", read_header }, { "expect", read_expect },   { "ids", read_ids },
};

enum { N_LINES = sizeof(lines) / sizeof(lines[0]) };

bool is_call_key(struct slice key)
{
    bool found = false;
    for (size_t i = 0; i < N_LINES; i++)
        found = found || slice_equal(key, slice_of(lines[i].key));
    return found;
}

int read_call_line(struct reader *reader, struct slice key, struct call *call)
{
    for (size_t i = 0; i < N_LINES; i++)
        if (slice_equal(key, slice_of(lines[i].key)))
            return lines[i].read(reader, call);
    return -1;
}
