/* SPDX-License-Identifier: MIT */
#include "cached.h"

#include <stdbool.h>
#include <string.h>

const char *const cached_keys[N_CACHED] = {
#define CACHED_KEY(symbol, key) [CACHED_##symbol] = (key),
    CACHED(CACHED_KEY)
#undef CACHED_KEY
};

/* Whether one of the parameters, which stand behind semicolons, is this one. */
static bool has(struct slice status, const char *parameter)
{
    size_t len = strlen(parameter);
    for (size_t i = 0; i + len < status.len; i++) {
        if (status.data[i] != ';')
            continue;
        while (i + 1 < status.len && status.data[i + 1] == ' ')
            i++;
        size_t end = i + 1 + len;
        if (end <= status.len && memcmp(status.data + i + 1, parameter, len) == 0 &&
            (end == status.len || status.data[end] == ';' || status.data[end] == ' '))
            return true;
    }
    return false;
}

enum cached cached_of(struct slice status)
{
    if (status.len == 0)
        return N_CACHED;
    if (has(status, "hit"))
        return has(status, "detail=stale") ? CACHED_STALE : CACHED_HIT;
    return has(status, "collapsed") ? CACHED_COLLAPSED : CACHED_MISS;
}
