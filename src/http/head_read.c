/* SPDX-License-Identifier: MIT */
/* head_read: the strict check of the lines first, then llhttp over the same bytes; its callbacks
 * collect the target and the fields that matter, and pause it at the end of the head. */
#include "http/head.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "http/token.h"

/* The fields that frame a message; the others are in REQUEST_FIELDS and HEAD_FIELDS. */
enum framing_field {
    FIELD_NONE,
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_REQUEST
};

enum { LENGTH_DIGITS_MAX = 19 }; /* below 2^64, whatever they are */

struct reader {
    llhttp_t llhttp; /* first: callbacks get its address */
    struct head *head;
    const struct head_limits *limits;
    char *joined;
    const char *joined_end;
    struct refusal refusal;
    enum framing_field field;
    struct slice *member; /* of head or head->request, when field is FIELD_REQUEST */
    unsigned n_fields, n_hosts, n_lengths, n_codings;
    bool has_length; /* a Content-Length with a value */
    bool asks_close, asks_keep_alive;
};

static int refuse(struct reader *reader, enum status status, const char *detail)
{
    reader->refusal = (struct refusal){ status, detail };
    return HPE_USER;
}

/* Strict check ------------------------------------------------------------ */

/* Field content: no controls but HTAB (RFC 9110, 5.5). */
static bool value_is_clean(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Visible ASCII without a fragment (RFC 9112, 3.2) and without what would end the target in a Link. Braces and
 * quotes, though no URI has them bare (RFC 3986, 2), are let pass: people type them. */
static bool is_target_byte(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '#' && c != '<' && c != '>';
}

static const char *check_request_line(const char *line, size_t len)
{
    if (len < 14 || (memcmp(line + len - 9, " HTTP/1.1", 9) != 0 && memcmp(line + len - 9, " HTTP/1.0", 9) != 0))
        return "the request line is not METHOD SP target SP HTTP/1.1 (or HTTP/1.0)";
    unsigned n_blanks = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c != ' ' && !is_target_byte(c))
            return "the request line holds a byte that no method and no target has";
        n_blanks += c == ' ';
    }
    return n_blanks == 2 ? NULL : "the request line is not METHOD SP target SP HTTP/1.1 (or HTTP/1.0)";
}

static const char *check_field_line(const char *line, size_t len)
{
    if (line[0] == ' ' || line[0] == '\t')
        return "a header field is folded over several lines";
    size_t name_bytes = 0;
    while (name_bytes < len && is_token_byte((unsigned char)line[name_bytes]))
        name_bytes++;
    if (name_bytes == 0 || name_bytes == len || line[name_bytes] != ':')
        return "a header field has no valid name followed by a colon";
    if (!value_is_clean(line + name_bytes + 1, len - name_bytes - 1))
        return "a header field holds a control byte";
    return NULL;
}

/* Every line but the last, empty one. head_scan() has seen to the line ends. */
static const char *check_lines(const char *bytes, size_t len)
{
    const char *end = bytes + len - 2;
    for (const char *line = bytes; line < end;) {
        size_t line_bytes = (size_t)((const char *)memchr(line, '\r', (size_t)(end - line)) - line);
        const char *complaint =
            line == bytes ? check_request_line(line, line_bytes) : check_field_line(line, line_bytes);
        if (complaint != NULL)
            return complaint;
        line += line_bytes + 2;
    }
    return NULL;
}

/* llhttp's callbacks ------------------------------------------------------ */

static int on_target(llhttp_t *llhttp, const char *at, size_t len)
{
    struct reader *reader = (struct reader *)llhttp;
    if (len > reader->limits->target_max_bytes)
        return refuse(reader, STATUS_TARGET_TOO_LONG, "the request target is longer than TARGET_MAX_BYTES");
    reader->head->request.target = (struct slice){ at, len };
    return 0;
}

static bool name_is(struct slice name, const char *wanted)
{
    return strlen(wanted) == name.len && strncasecmp(name.data, wanted, name.len) == 0;
}

static struct slice *member_of(struct head *head, struct slice name)
{
#define MATCH_REQUEST(member, text)                                                                                    \
    if (name_is(name, text))                                                                                           \
        return &head->request.member;
#define MATCH_HEAD(member, text)                                                                                       \
    if (name_is(name, text))                                                                                           \
        return &head->member;
    REQUEST_FIELDS(MATCH_REQUEST)
    HEAD_FIELDS(MATCH_HEAD)
#undef MATCH_HEAD
#undef MATCH_REQUEST
    return NULL;
}

static enum framing_field framing_field(struct slice name)
{
    if (name_is(name, "host"))
        return FIELD_HOST;
    if (name_is(name, "connection"))
        return FIELD_CONNECTION;
    if (name_is(name, "content-length"))
        return FIELD_CONTENT_LENGTH;
    if (name_is(name, "transfer-encoding"))
        return FIELD_TRANSFER_ENCODING;
    return name_is(name, "expect") ? FIELD_EXPECT : FIELD_NONE;
}

static int on_field_name(llhttp_t *llhttp, const char *at, size_t len)
{
    struct reader *reader = (struct reader *)llhttp;
    struct slice name = { at, len };
    if (++reader->n_fields > reader->limits->fields_max)
        return refuse(reader, STATUS_HEAD_TOO_LARGE, "the request has more header fields than HEAD_MAX_FIELDS");
    reader->member = member_of(reader->head, name);
    reader->field = reader->member != NULL ? FIELD_REQUEST : framing_field(name);
    reader->n_hosts += reader->field == FIELD_HOST;
    reader->n_lengths += reader->field == FIELD_CONTENT_LENGTH;
    reader->n_codings += reader->field == FIELD_TRANSFER_ENCODING;
    return 0;
}

/* RFC 9110, 5.2: lines of one name are one list. The joined text grows in place when it is the last. */
static int join(struct reader *reader, struct slice value)
{
    struct slice *member = reader->member;
    if (value.len == 0)
        return 0;
    if (member->len == 0) {
        *member = value;
        return 0;
    }
    bool in_place = member->data + member->len == reader->joined;
    size_t bytes = (in_place ? 0 : member->len) + 2 + value.len;
    if (bytes > (size_t)(reader->joined_end - reader->joined))
        return refuse(reader, STATUS_HEAD_TOO_LARGE, "a header field is repeated too often");
    if (!in_place) {
        memcpy(reader->joined, member->data, member->len);
        *member = (struct slice){ reader->joined, member->len };
        reader->joined += member->len;
    }
    memcpy(reader->joined, ", ", 2);
    memcpy(reader->joined + 2, value.data, value.len);
    reader->joined += 2 + value.len;
    member->len += 2 + value.len;
    return 0;
}

/* uri-host [":" port] (RFC 9112, 3.2): letters that a host can have; empty is allowed. */
static bool host_is_valid(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}/?#@,", c) != NULL)
            return false;
    }
    return true;
}

static int read_content_length(struct reader *reader, struct slice value)
{
    uint64_t length = 0;
    if (value.len == 0 || value.len > LENGTH_DIGITS_MAX)
        return refuse(reader, STATUS_MALFORMED_REQUEST, "Content-Length is not a number of at most 19 digits");
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return refuse(reader, STATUS_MALFORMED_REQUEST, "Content-Length is not a number of at most 19 digits");
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    reader->has_length = true;
    reader->head->content_length = length;
    return 0;
}

/* The options of Connection (RFC 9110, 7.6.1), a list of tokens. llhttp 8.1 forgets `close` beside
 * `keep-alive` and before a tab. */
static void read_connection(struct reader *reader, struct slice value)
{
    while (value.len > 0) {
        const char *comma = memchr(value.data, ',', value.len);
        struct slice option = { value.data, comma == NULL ? value.len : (size_t)(comma - value.data) };
        size_t bytes = option.len + (comma != NULL);
        value = (struct slice){ value.data + bytes, value.len - bytes };
        option = slice_trim(option);
        reader->asks_close = reader->asks_close || name_is(option, "close");
        reader->asks_keep_alive = reader->asks_keep_alive || name_is(option, "keep-alive");
    }
}

static int on_field_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct reader *reader = (struct reader *)llhttp;
    struct slice value = slice_trim((struct slice){ at, len });
    switch (reader->field) {
    case FIELD_HOST:
        return host_is_valid(value) ? 0 : refuse(reader, STATUS_MALFORMED_REQUEST, "Host does not name a host");
    case FIELD_CONNECTION:
        read_connection(reader, value);
        return 0;
    case FIELD_CONTENT_LENGTH:
        return read_content_length(reader, value);
    case FIELD_TRANSFER_ENCODING:
        if (!name_is(value, "chunked"))
            return refuse(reader, STATUS_MALFORMED_REQUEST, "Transfer-Encoding is not a single `chunked`");
        reader->head->chunked = true;
        return 0;
    case FIELD_EXPECT:
        if (value.len == 0)
            return 0;
        if (!name_is(value, "100-continue"))
            return refuse(reader, STATUS_EXPECTATION_FAILED, "the only expectation the server meets is 100-continue");
        reader->head->expects_continue = true;
        return 0;
    case FIELD_REQUEST:
        return join(reader, value);
    case FIELD_NONE:
        return 0;
    }
    return 0;
}

static enum method method_of(const llhttp_t *llhttp)
{
    switch (llhttp->method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_PUT:
        return METHOD_PUT;
    case HTTP_DELETE:
        return METHOD_DELETE;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    default:
        return METHOD_OTHER;
    }
}

/* RFC 9112, 3.2 and 6.3: one host, and one way to tell the length of the body. */
static const char *check_framing(const struct reader *reader)
{
    if (reader->n_hosts > 1 || (reader->n_hosts == 0 && !reader->head->http10))
        return "an HTTP/1.1 request needs exactly one Host";
    if (reader->n_lengths > 1 || (reader->n_lengths == 1 && !reader->has_length))
        return "there is more than one Content-Length, or an empty one";
    if (reader->n_codings > 1 || (reader->n_codings == 1 && !reader->head->chunked))
        return "Transfer-Encoding is not a single `chunked`";
    if (reader->n_codings == 1 && (reader->head->http10 || reader->n_lengths > 0))
        return "Transfer-Encoding comes with Content-Length or in HTTP/1.0";
    return NULL;
}

static int on_end(llhttp_t *llhttp)
{
    struct reader *reader = (struct reader *)llhttp;
    struct head *head = reader->head;
    head->request.method = method_of(llhttp);
    head->http10 = llhttp->http_minor == 0;
    head->keep_alive = !reader->asks_close && (reader->asks_keep_alive || !head->http10);
    const char *complaint = check_framing(reader);
    if (complaint != NULL)
        return refuse(reader, STATUS_MALFORMED_REQUEST, complaint);
    head->expects_continue = head->expects_continue && !head->http10;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_header_field = on_field_name,
    .on_header_value = on_field_value,
    .on_headers_complete = on_end,
};

/* The path and query of an absolute target (RFC 9112, 3.2.2). */
static void strip_authority(struct slice *target)
{
    static const struct slice scheme = { "http://", 7 };
    if (target->len < scheme.len || strncasecmp(target->data, scheme.data, scheme.len) != 0)
        return;
    const char *end = target->data + target->len;
    const char *path = target->data + scheme.len;
    while (path < end && *path != '/' && *path != '?')
        path++;
    *target = path == end ? SLICE("/") : (struct slice){ path, (size_t)(end - path) };
}

int head_read(const char *bytes, size_t len, const struct head_limits *limits, char *joined, struct head *ret_head,
              struct refusal *ret_refusal)
{
    const char *complaint = check_lines(bytes, len);
    *ret_head = (struct head){ 0 };
    if (complaint != NULL) {
        *ret_refusal = (struct refusal){ STATUS_MALFORMED_REQUEST, complaint };
        return -1;
    }
    struct reader reader = { .head = ret_head, .limits = limits, .joined = joined, .joined_end = joined + len };
    llhttp_init(&reader.llhttp, HTTP_REQUEST, &settings);
    llhttp_errno_t result = llhttp_execute(&reader.llhttp, bytes, len);
    if (result == HPE_PAUSED) {
        strip_authority(&ret_head->request.target);
        return 0;
    }
    *ret_refusal = reader.refusal.detail != NULL
                       ? reader.refusal
                       : (struct refusal){ STATUS_MALFORMED_REQUEST, "the request head is not valid HTTP/1.1" };
    return -1;
}
