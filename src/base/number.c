/* SPDX-License-Identifier: MIT */
/* number: whole numbers below 2^53 are printed as such. All others go through Schubfach (R. Giulietti,
 * "The Schubfach way to render doubles", 2020): the number c * 2^q and the two ends of the interval
 * that rounds to it are scaled by one power of ten, so that the interval holds at least one and at
 * most a few whole numbers, and the shortest, nearest of them is taken. */
#include <telemetry/number.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pow10.h"

enum { FRACTION_BITS = 52, EXPONENT_BIAS = 1023 + FRACTION_BITS, DIGITS_MAX = 17, PLAIN_MIN = -6, PLAIN_MAX = 21 };

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* floor(log10(2^e)) and floor(log10(3/4 * 2^e)) for the exponents of doubles. */
static int log10_pow2(int e)
{
    return (e * 1262611) >> 22;
}

static int log10_three_quarters_pow2(int e)
{
    return (e * 1262611 - 524031) >> 22;
}

/* The high 64 bits of g * c / 2^64, the lowest of them also set when bits were lost. */
static uint64_t round_to_odd(struct pow10 g, uint64_t c)
{
    unsigned __int128 low = (unsigned __int128)g.low * c;
    unsigned __int128 sum = (unsigned __int128)g.high * c + (uint64_t)(low >> 64);
    return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

/* One of two neighbours, when the interval holds just one of them. */
static bool only_one(uint64_t lower, uint64_t upper, uint64_t neighbour, uint64_t step, bool *ret_next)
{
    bool first = lower <= neighbour;
    *ret_next = neighbour + step <= upper;
    return first != *ret_next;
}

static struct decimal shortest(uint64_t fraction, int biased_exponent)
{
    bool subnormal = biased_exponent == 0;
    uint64_t c = subnormal ? fraction : fraction | UINT64_C(1) << FRACTION_BITS;
    int q = (subnormal ? 1 : biased_exponent) - EXPONENT_BIAS;
    bool odd = c & 1; /* the ends of the interval belong to it only when c is even */
    bool closer = fraction == 0 && biased_exponent > 1;
    int k = closer ? log10_three_quarters_pow2(q) : log10_pow2(q);
    int shift = q + pow10_log2(-k) + 1;
    struct pow10 g = pow10_of(-k);
    uint64_t lower = round_to_odd(g, (4 * c - 2 + closer) << shift) + odd;
    uint64_t middle = round_to_odd(g, (4 * c) << shift);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << shift) - odd;
    uint64_t s = middle / 4;
    bool next;
    if (s >= 10 && only_one(lower, upper, s / 10 * 40, 40, &next))
        return (struct decimal){ s / 10 + next, k + 1 };
    if (only_one(lower, upper, 4 * s, 4, &next))
        return (struct decimal){ s + next, k };
    uint64_t half = 4 * s + 2;
    bool up = middle > half || (middle == half && (s & 1) != 0);
    return (struct decimal){ s + up, k };
}

/* Writes digits from the right, ending before `end`; returns where they start. */
static char *digits_before(char *end, uint64_t digits)
{
    do {
        *--end = (char)('0' + digits % 10);
        digits /= 10;
    } while (digits != 0);
    return end;
}

static char *put(char *place, const char *text, size_t len)
{
    memcpy(place, text, len);
    return place + len;
}

static char *put_zeros(char *place, int n)
{
    for (; n > 0; n--)
        *place++ = '0';
    return place;
}

/* d.ddde+xx */
static char *put_exponent(char *place, const char *digits, int n_digits, int exponent)
{
    char text[8];
    *place++ = digits[0];
    if (n_digits > 1) {
        *place++ = '.';
        place = put(place, digits + 1, (size_t)n_digits - 1);
    }
    *place++ = 'e';
    *place++ = exponent < 0 ? '-' : '+';
    const char *start = digits_before(text + sizeof(text), (uint64_t)(exponent < 0 ? -exponent : exponent));
    return put(place, start, (size_t)(text + sizeof(text) - start));
}

static char *put_decimal(char *place, struct decimal decimal)
{
    char text[20];
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    const char *digits = digits_before(text + sizeof(text), decimal.digits);
    int n_digits = (int)(text + sizeof(text) - digits);
    int point = n_digits + decimal.exponent; /* digits before the decimal point */
    if (point <= PLAIN_MIN || point > PLAIN_MAX)
        return put_exponent(place, digits, n_digits, point - 1);
    if (point >= n_digits)
        return put_zeros(put(place, digits, (size_t)n_digits), point - n_digits);
    if (point > 0) {
        place = put(place, digits, (size_t)point);
        *place++ = '.';
        return put(place, digits + point, (size_t)(n_digits - point));
    }
    place = put_zeros(put(place, "0.", 2), -point);
    return put(place, digits, (size_t)n_digits);
}

size_t number_format(double number, char *place)
{
    char *out = place;
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    uint64_t fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
    int biased_exponent = (int)(bits >> FRACTION_BITS & 0x7FF);
    if (number == 0.0)
        return *place = '0', 1;
    if (bits >> 63 != 0)
        *out++ = '-';
    double size = number < 0 ? -number : number;
    if (size < 9007199254740992.0 && size == (double)(uint64_t)size) {
        char text[20];
        const char *digits = digits_before(text + sizeof(text), (uint64_t)size);
        out = put(out, digits, (size_t)(text + sizeof(text) - digits));
    } else {
        out = put_decimal(out, shortest(fraction, biased_exponent));
    }
    return (size_t)(out - place);
}
