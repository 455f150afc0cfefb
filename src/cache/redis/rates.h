/* SPDX-License-Identifier: MIT */
/* rates: what clients called at this server, told to the others through Redis, and theirs charged here.
 *
 * Every `every_ns` a server adds what was taken since the last time to one stream, a message of up to RATES_USES_MAX
 * clients, and reads what the others added. Nobody waits for that: a call is let through or refused by this server's
 * own table at once. Clients are hashes in there, never keys or addresses; the stream forgets what is old.
 *
 * The bound. Let R be a client's rate, B its burst, n the servers, and D the time from a call to its charge at the
 * others: two turns and two answers of Redis, so D <= 2 * (every_ns + timeout_ns), and a turn more for each
 * RATES_USES_MAX clients that call at once. In any time W all servers together let through at most
 *
 *     R * W + B + (n - 1) * (B + R * D)
 *
 * calls: the server that lets the last one through knows all that is older than D, and by its own table no more than
 * R * W + B of it; what each of the others let through within D is bounded by its own table, B + R * D. What is beyond
 * R * W + B is a debt that is paid off before the next call passes, so it comes once, however long W is.
 * Not told is what a client took whose place in a full row of the table another one was given (limiter.h).
 *
 * While Redis is away each server counts for itself; what was taken meanwhile is not told afterwards. A server that
 * (re)connects adds an empty message, and reads on behind that. The stream needs Redis 5. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/limiter.h>

struct redis_cache;

enum {
    RATES_USES_MAX = 1024, /* clients in a message */
    RATES_ID_BYTES = 48
};

struct rates {
    struct limiter *limiter; /* NULL: nothing is told */
    uint64_t every_ns, due_ns;
    uint64_t server;              /* random, marks this server's own messages */
    bool is_out;                  /* an exchange is under way */
    bool is_refused;              /* the log has it */
    char read_id[RATES_ID_BYTES]; /* the message that was read last; empty: none of this connection */
};

/* Takes what the settings of the cache say of it. */
void rates_init(struct redis_cache *redis);
/* A connection begins. */
void rates_greet(struct redis_cache *redis);
/* Begins an exchange when it is time for one. Returns the clock_ns() at which it wants to be called again. */
uint64_t rates_turn(struct redis_cache *redis);
