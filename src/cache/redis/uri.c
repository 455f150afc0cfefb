/* SPDX-License-Identifier: MIT */
#include "cache/redis/uri.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sysexits.h>

#include <telemetry/slice.h>

enum { PORT_MAX = 65535, DB_MAX = 1 << 20, SHOWN_BYTES = 512 };

static int refuse(struct error *error, const char *reason)
{
    return error_set(error, EX_CONFIG, "REDIS_URI: %s", reason);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Gives the text percent-decoded, NUL-terminated; NULL when an escape is broken or says NUL. */
static char *decode(struct slice text)
{
    char *decoded = malloc(text.len + 1), *out = decoded;
    for (size_t i = 0; decoded != NULL && i < text.len; i++) {
        if (text.data[i] != '%') {
            *out++ = text.data[i];
            continue;
        }
        int high = i + 2 < text.len ? digit_of(text.data[i + 1]) : -1;
        int low = high >= 0 ? digit_of(text.data[i + 2]) : -1;
        if (low < 0 || high + low == 0) {
            free(decoded);
            return NULL;
        }
        *out++ = (char)(unsigned char)(high * 16 + low);
        i += 2;
    }
    if (decoded != NULL)
        *out = '\0';
    return decoded;
}

static bool number(struct slice text, unsigned max, unsigned *ret_number)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text.data[i] >= '0' && text.data[i] <= '9' ? text.data[i] - '0' : -1;
        if (digit < 0 || value > max / 10)
            return false;
        value = value * 10 + (unsigned)digit;
    }
    *ret_number = value;
    return text.len > 0 && value <= max;
}

/* Cuts what stands before the first `mark`, and the mark, off *text; false when there is none. */
static bool cut(struct slice *text, char mark, struct slice *ret_before)
{
    const char *place = text->len == 0 ? NULL : memchr(text->data, mark, text->len);
    if (place == NULL)
        return false;
    *ret_before = (struct slice){ text->data, (size_t)(place - text->data) };
    *text = (struct slice){ place + 1, text->len - ret_before->len - 1 };
    return true;
}

/* user, user:password or :password. */
static int user_parse(struct redis_uri *uri, struct slice text, struct error *error)
{
    struct slice user;
    if (!cut(&text, ':', &user))
        return text.len == 0
                   ? 0
                   : refuse(error, "names a user without a password (a password alone: redis://:password@host)");
    if (user.len > 0 && (uri->user = decode(user)) == NULL)
        return refuse(error, "the user has a % that is no escape (a literal one is %25)");
    if (text.len > 0 && (uri->password = decode(text)) == NULL)
        return refuse(error, "the password has a % that is no escape (a literal one is %25)");
    if (uri->user != NULL && uri->password == NULL)
        return refuse(error, "names a user without a password");
    return 0;
}

/* The part up to the last @ of the authority. */
static int user_cut(struct redis_uri *uri, struct slice *text, struct error *error)
{
    size_t end = 0;
    while (end < text->len && text->data[end] != '/')
        end++;
    const char *at = memrchr(text->data, '@', end);
    if (at == NULL)
        return 0;
    struct slice user = { text->data, (size_t)(at - text->data) };
    *text = (struct slice){ at + 1, text->len - user.len - 1 };
    return user_parse(uri, user, error);
}

/* host, host:port, [IPv6] or [IPv6]:port. */
static int host_parse(struct redis_uri *uri, struct slice text, struct error *error)
{
    struct slice host = text, port = { NULL, 0 };
    if (text.len > 0 && text.data[0] == '[') {
        text = (struct slice){ text.data + 1, text.len - 1 };
        if (!cut(&text, ']', &host) || (text.len > 0 && text.data[0] != ':'))
            return refuse(error, "an IPv6 address stands in brackets: redis://[::1]:6379");
        if (text.len > 0)
            port = (struct slice){ text.data + 1, text.len - 1 };
    } else if (cut(&text, ':', &host)) {
        port = text;
    }
    uri->port = REDIS_PORT;
    if (host.len == 0)
        return refuse(error, "names no host");
    if (port.data != NULL && (!number(port, PORT_MAX, &uri->port) || uri->port == 0))
        return refuse(error, "the port is not a number from 1 to 65535");
    uri->host = decode(host);
    return uri->host == NULL ? refuse(error, "the host has a % that is no escape") : 0;
}

static int tcp_parse(struct redis_uri *uri, struct slice text, struct error *error)
{
    struct slice authority;
    bool has_path = cut(&text, '/', &authority);
    if (host_parse(uri, has_path ? authority : text, error) < 0)
        return -1;
    if (has_path && text.len > 0 && !number(text, DB_MAX, &uri->db))
        return refuse(error, "what follows the host is not a database number, as in redis://host:6379/0");
    return 0;
}

static int unix_parse(struct redis_uri *uri, struct slice text, struct error *error)
{
    struct slice path = text;
    if (cut(&text, '?', &path) && (!slice_starts_with(text, SLICE("db=")) ||
                                   !number((struct slice){ text.data + 3, text.len - 3 }, DB_MAX, &uri->db)))
        return refuse(error, "only ?db= and a number may follow the path of a unix socket");
    if (path.len == 0 || path.data[0] != '/')
        return refuse(error, "the path of a unix socket is absolute: unix:///run/redis/redis.sock");
    uri->path = decode(path);
    if (uri->path == NULL || strlen(uri->path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return refuse(error, "the path of the unix socket is too long, or has a % that is no escape");
    return 0;
}

static int show(struct redis_uri *uri, struct error *error)
{
    char text[SHOWN_BYTES];
    if (uri->path != NULL)
        snprintf(text, sizeof(text), "unix://%s?db=%u", uri->path, uri->db);
    else
        snprintf(text, sizeof(text), strchr(uri->host, ':') != NULL ? "%s://[%s]:%u/%u" : "%s://%s:%u/%u",
                 uri->is_tls ? "rediss" : "redis", uri->host, uri->port, uri->db);
    uri->shown = strdup(text);
    return uri->shown == NULL ? refuse(error, "no memory to keep it") : 0;
}

static bool scheme_cut(struct slice *text, struct slice scheme)
{
    if (!slice_starts_with(*text, scheme))
        return false;
    *text = (struct slice){ text->data + scheme.len, text->len - scheme.len };
    return true;
}

static int parse(struct redis_uri *uri, struct slice text, struct error *error)
{
    uri->is_tls = scheme_cut(&text, SLICE("rediss://"));
    bool is_tcp = uri->is_tls || scheme_cut(&text, SLICE("redis://"));
    if (!is_tcp && !scheme_cut(&text, SLICE("unix://")) && !scheme_cut(&text, SLICE("redis+unix://")))
        return refuse(error, "begins with none of redis://, rediss://, unix://, redis+unix://");
    if (user_cut(uri, &text, error) < 0 || (is_tcp ? tcp_parse(uri, text, error) : unix_parse(uri, text, error)) < 0)
        return -1;
    return show(uri, error);
}

int redis_uri_parse(const char *text, struct redis_uri *ret_uri, struct error *error)
{
    struct redis_uri uri = { .user = NULL };
    if (parse(&uri, slice_of(text), error) < 0) {
        redis_uri_fini(&uri);
        return -1;
    }
    *ret_uri = uri;
    return 0;
}

void redis_uri_fini(struct redis_uri *uri)
{
    free(uri->user);
    free(uri->password);
    free(uri->host);
    free(uri->path);
    free(uri->shown);
    *uri = (struct redis_uri){ .user = NULL };
}
