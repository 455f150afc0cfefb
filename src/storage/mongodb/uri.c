/* SPDX-License-Identifier: MIT */
#include "uri.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <telemetry/clock.h>
#include <telemetry/log.h>
#include <telemetry/storage.h>

enum { PASSWORD_BYTES = 512, HEARTBEAT_MS = 1000 /* a new primary is found within that */ };

static const char app_name[] = "telemetry-server";

/* Masking ------------------------------------------------------------------ */

/* The bytes of a URI's user and password, text being behind its `://`; 0 when it has none. A password
 * that should have been escaped may hold any byte, so the last @ counts. */
static size_t credentials_bytes(const char *text)
{
    size_t end = strcspn(text, " \"'");
    while (end > 0 && text[end] != '@')
        end--;
    return end;
}

void uri_mask(const char *text, const char *password, char *ret_text, size_t bytes)
{
    static const char stars[] = "***", scheme_end[] = "://";
    size_t password_len = password == NULL ? 0 : strlen(password), len = 0;
    while (*text != '\0' && len + sizeof(scheme_end) < bytes) {
        size_t secret = 0;
        if (password_len > 0 && strncmp(text, password, password_len) == 0) {
            secret = password_len;
        } else if (strncmp(text, scheme_end, sizeof(scheme_end) - 1) == 0) {
            memcpy(ret_text + len, text, sizeof(scheme_end) - 1);
            len += sizeof(scheme_end) - 1;
            text += sizeof(scheme_end) - 1;
            secret = credentials_bytes(text);
        } else {
            ret_text[len++] = *text++;
        }
        if (secret == 0 || len + sizeof(stars) > bytes)
            continue;
        memcpy(ret_text + len, stars, sizeof(stars) - 1);
        len += sizeof(stars) - 1;
        text += secret;
    }
    ret_text[len] = '\0';
}

/* The password of a URI that could not be read, as it is written there. */
static void raw_password(const char *uri, char ret_password[PASSWORD_BYTES])
{
    const char *start = strstr(uri, "://");
    size_t end = start == NULL ? 0 : credentials_bytes(start + 3);
    const char *colon = end == 0 ? NULL : memchr(start + 3, ':', end);
    size_t len = colon == NULL ? 0 : (size_t)(start + 3 + end - colon - 1);
    if (len >= PASSWORD_BYTES)
        len = 0;
    if (len > 0)
        memcpy(ret_password, colon + 1, len);
    ret_password[len] = '\0';
}

static int refuse(const struct storage_settings *settings, const char *reason, struct error *error)
{
    char password[PASSWORD_BYTES], masked[256];
    raw_password(settings->uri, password);
    uri_mask(reason, password, masked, sizeof(masked));
    return error_set(error, EX_CONFIG, "MONGO_URI: %s", masked);
}

/* Reading ------------------------------------------------------------------ */

static void set_when_open(mongoc_uri_t *uri, const char *option, uint64_t number)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, (int32_t)number);
}

/* Majority and journal, and a limit that ends before the socket's: an answer instead of a broken
 * connection. */
static void set_write_concern(mongoc_uri_t *uri, uint64_t timeout_ms)
{
    mongoc_write_concern_t *concern = mongoc_write_concern_copy(mongoc_uri_get_write_concern(uri));
    if (mongoc_write_concern_get_w(concern) == MONGOC_WRITE_CONCERN_W_DEFAULT) {
        mongoc_write_concern_set_w(concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
        if (!mongoc_write_concern_journal_is_set(concern))
            mongoc_write_concern_set_journal(concern, true);
    }
    if (mongoc_write_concern_get_wtimeout_int64(concern) <= 0)
        mongoc_write_concern_set_wtimeout_int64(concern, (int64_t)timeout_ms);
    mongoc_uri_set_write_concern(uri, concern);
    mongoc_write_concern_destroy(concern);
}

/* Attempts without an answer are repeated here. The driver's own repetition would hide the first attempt, and its
 * duplicate would be taken for another's where the server, contrary to what it claims, forgets who sent what. */
static void set_retries(mongoc_uri_t *uri)
{
    if (!mongoc_uri_has_option(uri, MONGOC_URI_RETRYWRITES))
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
}

static void set_open_options(mongoc_uri_t *uri, const struct storage_settings *settings)
{
    uint64_t selection_ms = settings->selection_limit_ns / NS_PER_MS, socket_ms = settings->socket_limit_ns / NS_PER_MS;
    if (mongoc_uri_get_appname(uri) == NULL)
        mongoc_uri_set_appname(uri, app_name);
    set_when_open(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, selection_ms);
    set_when_open(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, selection_ms);
    set_when_open(uri, MONGOC_URI_HEARTBEATFREQUENCYMS, HEARTBEAT_MS);
    set_when_open(uri, MONGOC_URI_CONNECTTIMEOUTMS, socket_ms); /* of the driver's own look-outs too */
    set_when_open(uri, MONGOC_URI_SOCKETTIMEOUTMS, socket_ms);
    set_retries(uri);
    int32_t limit_ms = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, (int32_t)socket_ms);
    set_write_concern(uri, (uint64_t)(limit_ms < 0 ? 0 : limit_ms) * 4 / 5);
}

int uri_read(const struct storage_settings *settings, mongoc_uri_t **ret_uri, struct error *error)
{
    bson_error_t reason;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(settings->uri, &reason);
    if (uri == NULL)
        return refuse(settings, reason.message, error);
    set_open_options(uri, settings);
    if (!mongoc_write_concern_is_acknowledged(mongoc_uri_get_write_concern(uri))) {
        mongoc_uri_destroy(uri);
        return refuse(settings, "w=0 is not possible: nobody would know what is stored", error);
    }
    if (mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(uri)) != MONGOC_READ_PRIMARY)
        log_warn("MONGO_URI: readPreference does not count: only the primary has all that was answered");
    *ret_uri = uri;
    return 0;
}

char *uri_servers(const mongoc_uri_t *uri)
{
    const char *service = mongoc_uri_get_srv_hostname(uri);
    char *text = NULL;
    size_t len;
    if (service != NULL)
        return strdup(service);
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    const mongoc_host_list_t *hosts = mongoc_uri_get_hosts(uri);
    for (const mongoc_host_list_t *host = hosts; host != NULL; host = host->next)
        fprintf(out, "%s%s", host == hosts ? "" : ",", host->host_and_port);
    return fclose(out) == 0 ? text : NULL;
}
