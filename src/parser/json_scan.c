/* SPDX-License-Identifier: MIT */
#include "json_scan.h"

#include <math.h>
#include <stdlib.h>

#include <telemetry/utf8.h>

#include "json_gate.h"
#include "utf8_text.h"

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bit of each byte that is below 0x20, a quote, a backslash, or above 0x7F. Subtraction
 * borrows only upwards from a byte that counts, so the lowest bit set is always right. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quotes = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t backslashes = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    uint64_t controls = word - EACH_BYTE(0x20);
    return (word | quotes | backslashes | controls) & EACH_BYTE(0x80);
}

static bool is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The next byte that is not plain ASCII text, or the end. */
static const char *skip_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        uint64_t special = special_bytes(word);
        if (special != 0)
            return at + __builtin_ctzll(special) / 8;
        at += 8;
    }
    while (at < end && is_plain(*at))
        at++;
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX, or -1. */
static int hex_unit(const char *at, const char *end)
{
    int unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool refuse(struct json_scan *scan, const char *reason)
{
    scan->reason = reason;
    return false;
}

/* \uXXXX, or the two of a surrogate pair; `at` is the first backslash. */
static bool scan_unicode(struct json_scan *scan)
{
    const char *at = scan->at;
    int unit = hex_unit(at + 2, scan->end);
    if (unit < 0)
        return refuse(scan, "an escape \\u without four hex digits");
    if (unit == 0)
        return refuse(scan, "the character U+0000 is not taken");
    scan->at += 6;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    bool pair = unit < 0xDC00 && scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u';
    int low = pair ? hex_unit(scan->at + 2, scan->end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        scan->at = at;
        return refuse(scan, "half of a surrogate pair");
    }
    scan->at += 6;
    return true;
}

static bool scan_escape(struct json_scan *scan)
{
    char c = scan->end - scan->at < 2 ? '\0' : scan->at[1];
    switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        scan->at += 2;
        return true;
    case 'u':
        return scan_unicode(scan);
    default:
        return refuse(scan, "an escape that JSON does not have");
    }
}

bool json_scan_string(struct json_scan *scan)
{
    scan->escaped = false;
    scan->at++;
    for (;;) {
        scan->at = skip_plain(scan->at, scan->end);
        if (scan->at == scan->end)
            return refuse(scan, "the text ends inside of a string");
        unsigned char c = (unsigned char)*scan->at;
        if (c == '"')
            return scan->at++, true;
        if (c == '\\') {
            scan->escaped = true;
            if (!scan_escape(scan))
                return false;
            continue;
        }
        if (c < 0x20)
            return refuse(scan, "a control character in a string; write it as an escape");
        size_t len = utf8_length(scan->at, (size_t)(scan->end - scan->at));
        if (len == 0)
            return refuse(scan, "bytes that are not UTF-8");
        scan->at += len;
    }
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Only an exponent can carry so short a number beyond a double. */
static bool overflows(const char *number, size_t len)
{
    char copy[GATE_NUMBER_BYTES_MAX + 1];
    memcpy(copy, number, len);
    copy[len] = '\0';
    return isinf(strtod(copy, NULL));
}

bool json_scan_number(struct json_scan *scan)
{
    const char *start = scan->at;
    const char *end = scan->end;
    const char *at = start;
    if (*at == '-')
        at++;
    const char *digits = at;
    at = at < end && *at == '0' ? at + 1 : skip_digits(at, end);
    if (at == digits)
        return refuse(scan, at == start ? "expected a value" : "a minus without a digit behind it");
    if (at < end && *at == '.') {
        scan->at = digits = at + 1;
        at = skip_digits(digits, end);
        if (at == digits)
            return refuse(scan, "a decimal point without a digit behind it");
    }
    bool has_exponent = at < end && (*at == 'e' || *at == 'E');
    if (has_exponent) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        scan->at = digits = at;
        at = skip_digits(digits, end);
        if (at == digits)
            return refuse(scan, "an exponent without a digit");
    }
    scan->at = start;
    if (at - start > GATE_NUMBER_BYTES_MAX)
        return refuse(scan, "a number has more than 63 characters");
    if (has_exponent && overflows(start, (size_t)(at - start)))
        return refuse(scan, "a number is too large for a double");
    scan->at = at;
    return true;
}

static size_t unescape_unicode(const char **at, const char *end, char *place)
{
    unsigned unit = (unsigned)hex_unit(*at + 2, end);
    *at += 6;
    if (unit < 0xD800 || unit > 0xDFFF)
        return utf8_text_put(place, unit);
    unsigned low = (unsigned)hex_unit(*at + 2, end);
    *at += 6;
    return utf8_text_put(place, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
}

static char unescape_letter(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

size_t json_unescape(struct slice raw, char *place)
{
    const char *at = raw.data;
    const char *end = at + raw.len;
    char *out = place;
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
        } else if (at[1] == 'u') {
            out += unescape_unicode(&at, end, out);
        } else {
            *out++ = unescape_letter(at[1]);
            at += 2;
        }
    }
    return (size_t)(out - place);
}
