/* SPDX-License-Identifier: MIT */
/* limiter: for each caller the moment at which all it has called would be paid off at its rate. A call is one too
 * many when that moment would lie farther ahead than the burst allows. A place whose moment has gone by is free.
 *
 * Who takes a place that another takes at the same time may let one call more pass; a moment itself only moves by
 * compare and exchange. */
#include <telemetry/limiter.h>

#include <stdatomic.h>
#include <stdlib.h>

#include <telemetry/clock.h>

enum { ROWS = 8192, PLACES = 8 };

struct place {
    atomic_uint_fast64_t who;
    atomic_uint_fast64_t paid_ns;
};

struct row {
    _Alignas(64) struct place places[PLACES];
};

struct limiter {
    struct row rows[ROWS];
};

struct limiter *limiter_new(void)
{
    struct limiter *limiter = aligned_alloc(64, sizeof(*limiter));
    if (limiter == NULL)
        return NULL;
    for (unsigned i = 0; i < ROWS * PLACES; i++) {
        atomic_init(&limiter->rows[i / PLACES].places[i % PLACES].who, 0);
        atomic_init(&limiter->rows[i / PLACES].places[i % PLACES].paid_ns, 0);
    }
    return limiter;
}

void limiter_free(struct limiter **limiter)
{
    free(*limiter);
    *limiter = NULL;
}

/* The caller's place, else one that is free, else the last of the row. */
static struct place *place_of(struct limiter *limiter, uint64_t who, uint64_t now_ns)
{
    struct row *row = &limiter->rows[who % ROWS];
    struct place *unused = NULL;
    for (unsigned i = 0; i < PLACES; i++) {
        struct place *place = &row->places[i];
        if (atomic_load_explicit(&place->who, memory_order_relaxed) == who)
            return place;
        if (unused == NULL && atomic_load_explicit(&place->paid_ns, memory_order_relaxed) <= now_ns)
            unused = place;
    }
    if (unused == NULL)
        return &row->places[PLACES - 1];
    atomic_store_explicit(&unused->who, who, memory_order_relaxed);
    return unused;
}

static uint32_t seconds_up(uint64_t ns)
{
    return (uint32_t)((ns + NS_PER_S - 1) / NS_PER_S);
}

bool limiter_take(struct limiter *limiter, uint64_t who, const struct limit *limit, uint64_t now_ns,
                  struct limit_left *ret_left)
{
    struct place *place = place_of(limiter, who, now_ns);
    uint64_t one_ns = NS_PER_S / limit->rate, burst_ns = one_ns * limit->burst;
    uint_fast64_t paid_ns = atomic_load_explicit(&place->paid_ns, memory_order_relaxed);
    for (;;) {
        uint64_t from_ns = paid_ns > now_ns ? paid_ns : now_ns;
        uint64_t ahead_ns = from_ns + one_ns - now_ns;
        if (ahead_ns > burst_ns) {
            *ret_left = (struct limit_left){ 0, seconds_up(ahead_ns - burst_ns) };
            return false;
        }
        if (!atomic_compare_exchange_weak_explicit(&place->paid_ns, &paid_ns, from_ns + one_ns, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        *ret_left = (struct limit_left){ (uint32_t)((burst_ns - ahead_ns) / one_ns), seconds_up(ahead_ns) };
        return true;
    }
}
