/* SPDX-License-Identifier: MIT */
/* cached: what the field Cache-Status (RFC 9211) of an answer says. */
#pragma once

#include <telemetry/slice.h>

/* How an answer came about: symbol, key in JSON. An answer without the field is none of these. */
#define CACHED(X)                                                                                                      \
    X(HIT, "hit")             /* kept, and as new as the store */                                                      \
    X(STALE, "stale")         /* kept, and older than the newest write */                                              \
    X(COLLAPSED, "collapsed") /* shared with an identical request under way */                                         \
    X(MISS, "miss")           /* whatever else: made for this request */

enum cached {
#define CACHED_SYMBOL(symbol, key) CACHED_##symbol,
    CACHED(CACHED_SYMBOL)
#undef CACHED_SYMBOL
        N_CACHED
};

extern const char *const cached_keys[N_CACHED];

/* Reads the field's value; N_CACHED when it is empty. */
enum cached cached_of(struct slice status);
