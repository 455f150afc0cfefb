/* SPDX-License-Identifier: MIT */
/* nearest: optimal string alignment distance, three rows of its table at a time. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned nearest_distance(const char *a, const char *b)
{
    unsigned rows[3][NEAREST_FAR + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > NEAREST_FAR || b_len > NEAREST_FAR)
        return NEAREST_FAR;
    for (unsigned j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            row[j] = least(above[j - 1] + !same(a[i - 1], b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}
