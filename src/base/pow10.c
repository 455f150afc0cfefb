/* SPDX-License-Identifier: MIT */
/* pow10: the table is computed once, with whole numbers of 1280 bits.
 *
 * Upwards, 1 is multiplied by ten again and again; 10^324 has 1077 bits. Downwards, 2^1216 is divided
 * by ten again and again, which equals one division by 10^k (floors of floors); 292 divisions leave 247
 * bits. An entry is the top 128 bits, plus one when a bit below them was set or divided away. */
#include "pow10.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { WORDS = 40, DOWN_BITS = 1216 };

/* A whole number, least significant word first. */
struct big {
    uint32_t words[WORDS];
};

static struct pow10 table[POW10_MAX - POW10_MIN + 1];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void big_times_ten(struct big *big)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        carry += (uint64_t)big->words[i] * 10;
        big->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void big_by_ten(struct big *big)
{
    uint64_t rest = 0;
    for (unsigned i = WORDS; i-- > 0;) {
        rest = rest << 32 | big->words[i];
        big->words[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
}

static bool big_bit(const struct big *big, int bit)
{
    return bit >= 0 && (big->words[bit / 32] >> bit % 32 & 1) != 0;
}

static int big_top_bit(const struct big *big)
{
    int bit = WORDS * 32 - 1;
    while (!big_bit(big, bit))
        bit--;
    return bit;
}

/* The top 128 bits, and whether a bit below them is set. */
static struct pow10 big_top(const struct big *big, bool *ret_more)
{
    struct pow10 top = { 0, 0 };
    int first = big_top_bit(big);
    for (int i = 0; i < 64; i++) {
        top.high = top.high << 1 | big_bit(big, first - i);
        top.low = top.low << 1 | big_bit(big, first - 64 - i);
    }
    *ret_more = false;
    for (int bit = first - 128; bit >= 0; bit--)
        *ret_more = *ret_more || big_bit(big, bit);
    return top;
}

static struct pow10 one_more(struct pow10 g)
{
    g.low++;
    g.high += g.low == 0;
    return g;
}

static void table_make(void)
{
    bool more;
    struct big up = { { 1 } };
    for (int k = 0; k <= POW10_MAX; k++) {
        struct pow10 top = big_top(&up, &more);
        table[k - POW10_MIN] = more ? one_more(top) : top;
        big_times_ten(&up);
    }
    struct big down = { { 0 } };
    down.words[DOWN_BITS / 32] = 1;
    for (int k = -1; k >= POW10_MIN; k--) {
        big_by_ten(&down);
        table[k - POW10_MIN] = one_more(big_top(&down, &more)); /* no 10^-k is a power of two */
    }
}

struct pow10 pow10_of(int k)
{
    pthread_once(&table_once, table_make);
    return table[k - POW10_MIN];
}
