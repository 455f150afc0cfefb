/* SPDX-License-Identifier: MIT */
#include <telemetry/slice.h>

/* Insertion sort: the sorted, distinct ones grow at the front. */
unsigned slices_sort_distinct(struct slice slices[], unsigned n)
{
    unsigned n_distinct = 0;
    for (unsigned i = 0; i < n; i++) {
        struct slice slice = slices[i];
        unsigned place = n_distinct;
        while (place > 0 && slice_compare(slices[place - 1], slice) > 0)
            place--;
        if (place > 0 && slice_equal(slices[place - 1], slice))
            continue;
        memmove(&slices[place + 1], &slices[place], (n_distinct - place) * sizeof(slices[0]));
        slices[place] = slice;
        n_distinct++;
    }
    return n_distinct;
}
