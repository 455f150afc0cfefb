/* SPDX-License-Identifier: MIT */
/* numbers: strtod() reads what was checked to be a plain decimal; the process never leaves the C locale. */
#include "query/prompt/numbers.h"

#include <math.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 40 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t count_digits(struct slice text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && is_digit(text.data[at + n]))
        n++;
    return n;
}

static bool is_ending(struct slice rest)
{
    return slice_equal(rest, SLICE("st")) || slice_equal(rest, SLICE("nd")) || slice_equal(rest, SLICE("rd")) ||
           slice_equal(rest, SLICE("th"));
}

/* Copies digits and the commas of thousands away; how many bytes of text that took, 0 when it begins with none. */
static size_t copy_whole(struct slice text, size_t at, char *digits, size_t *n_digits)
{
    size_t start = at;
    for (size_t n = count_digits(text, at); n > 0; n = count_digits(text, at)) {
        memcpy(digits + *n_digits, text.data + at, n);
        *n_digits += n;
        at += n;
        if (at >= text.len || text.data[at] != ',')
            break;
        at++;
    }
    return at - start;
}

/* A fraction or an exponent: `mark`, perhaps a sign, digits. */
static size_t copy_part(struct slice text, size_t at, char mark, char *digits, size_t *n_digits)
{
    if (at >= text.len || text.data[at] != mark)
        return 0;
    size_t sign = mark == 'e' && at + 1 < text.len && (text.data[at + 1] == '-' || text.data[at + 1] == '+');
    size_t n = count_digits(text, at + 1 + sign);
    if (n == 0)
        return 0;
    memcpy(digits + *n_digits, text.data + at, 1 + sign + n);
    *n_digits += 1 + sign + n;
    return 1 + sign + n;
}

bool number_read(struct slice text, struct word *word)
{
    char digits[NUMBER_BYTES + 1];
    size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+'), n_digits = 0;
    if (text.len > NUMBER_BYTES)
        return false;
    if (at > 0)
        digits[n_digits++] = text.data[0];
    size_t whole = copy_whole(text, at, digits, &n_digits);
    if (whole == 0)
        return false;
    size_t start = at;
    at += whole;
    at += copy_part(text, at, '.', digits, &n_digits);
    at += copy_part(text, at, 'e', digits, &n_digits);
    digits[n_digits] = '\0';
    struct slice rest = { text.data + at, text.len - at };
    bool ordinal = is_ending(rest);
    if (rest.len > 0 && !ordinal && !slice_equal(rest, SLICE("%")))
        return false;
    word->number = strtod(digits, NULL);
    word->ordinal = ordinal;
    word->whole = start == 0 && whole == text.len;
    return isfinite(word->number);
}

bool number_digits(struct slice text, unsigned digits_max, int *ret_number)
{
    int number = 0;
    if (text.len == 0 || text.len > digits_max || count_digits(text, 0) != text.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        number = 10 * number + (text.data[i] - '0');
    *ret_number = number;
    return true;
}
