/* SPDX-License-Identifier: MIT */
#include "base/log_line.h"

#include <string.h>

#include <telemetry/rfc3339.h>
#include <telemetry/utf8.h>

enum { TAIL_BYTES = 2 /* the closing brace and the newline always find room */ };

static const char *const level_words[] = { "debug", "info", "warn", "error" };
static const char *const level_capitals[] = { "DEBUG", "INFO", "WARN", "ERROR" };

static void put(struct log_line *line, const char *bytes, size_t len)
{
    if (line->full || len > sizeof(line->text) - TAIL_BYTES - line->len) {
        line->full = true;
        return;
    }
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct log_line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_escape(struct log_line *line, unsigned char code)
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[] = "\bb\tt\nn\ff\rr";
    char escape[] = { '\\', 'u', '0', '0', digits[code >> 4], digits[code & 15] };
    for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
        if ((unsigned char)shorts[i] != code)
            continue;
        escape[1] = shorts[i + 1];
        put(line, escape, 2);
        return;
    }
    put(line, escape, sizeof(escape));
}

/* A text as inside of a JSON string, cut between characters at LOG_VALUE_BYTES. */
static void put_escaped(struct log_line *line, const char *text)
{
    size_t left = strnlen(text, LOG_VALUE_BYTES + 4), room = LOG_VALUE_BYTES;
    for (size_t len; left > 0; text += len, left -= len, room -= len) {
        size_t character = utf8_length(text, left);
        len = character == 0 ? 1 : character;
        if (len > room) {
            put_text(line, "\xE2\x80\xA6");
            return;
        }
        if (character == 0)
            put_text(line, "\xEF\xBF\xBD");
        else if (utf8_is_control(text, len))
            put_escape(line, (unsigned char)text[len - 1]);
        else if (*text == '"' || *text == '\\')
            put(line, (const char[]){ '\\', *text }, 2);
        else
            put(line, text, len);
    }
}

static void put_quoted(struct log_line *line, const char *text)
{
    put(line, "\"", 1);
    put_escaped(line, text);
    put(line, "\"", 1);
}

void log_line_begin(struct log_line *line, enum log_format format, enum log_level level, int64_t now_ms,
                    const char *message)
{
    char time[RFC3339_BYTES];
    rfc3339_format(now_ms, time);
    line->format = format;
    line->len = 0;
    line->full = false;
    if (format == LOG_TEXT) {
        put(line, time, sizeof(time));
        put(line, " ", 1);
        put_text(line, level_capitals[level]);
        put(line, " ", 1);
        put_escaped(line, message);
        return;
    }
    put_text(line, "{\"time\":\"");
    put(line, time, sizeof(time));
    put_text(line, "\",\"level\":\"");
    put_text(line, level_words[level]);
    put_text(line, "\",\"message\":");
    put_quoted(line, message);
}

/* Whether a value can stand bare behind key= for people and grep alike. */
static bool is_plain(const char *value)
{
    const char *c = value;
    while (*c > ' ' && *c < 0x7f && *c != '"' && *c != '\\' && *c != '=')
        c++;
    return *value != '\0' && *c == '\0' && (size_t)(c - value) <= LOG_VALUE_BYTES;
}

static void put_pair(struct log_line *line, const char *key, const char *value)
{
    if (line->format == LOG_JSON) {
        put(line, ",", 1);
        put_quoted(line, key);
        put(line, ":", 1);
        put_quoted(line, value);
        return;
    }
    put(line, " ", 1);
    put_escaped(line, key);
    put(line, "=", 1);
    if (is_plain(value))
        put_text(line, value);
    else
        put_quoted(line, value);
}

void log_line_pair(struct log_line *line, const char *key, const char *value)
{
    size_t len = line->len;
    put_pair(line, key, value == NULL ? "" : value);
    if (line->full)
        line->len = len;
    line->full = false;
}

void log_line_end(struct log_line *line)
{
    if (line->format == LOG_JSON)
        line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
}
