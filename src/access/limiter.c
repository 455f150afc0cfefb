/* SPDX-License-Identifier: MIT */
/* limiter: for each caller the moment at which all it has called would be paid off at its rate. A call is one too
 * many when that moment would lie farther ahead than the burst allows. A place whose moment has gone by is free.
 *
 * Who takes a place that another takes at the same time may let one call more pass; a moment itself only moves by
 * compare and exchange.
 *
 * In a shared table each place also has what was taken and not yet collected, and each row a bit that says that there
 * is some. Whoever takes adds first and then looks at the bit; the collector clears the bit first and then takes the
 * sum: both in one order for all threads, so that nothing waits behind a bit that is clear. What a caller whose place
 * another one was given has not had collected is forgotten: it is paid off. */
#include <telemetry/limiter.h>

#include <stdatomic.h>
#include <stdlib.h>

#include <telemetry/clock.h>
#include <telemetry/hash.h>

enum { ROWS = 8192, PLACES = 8, WORD_BITS = 64, WORDS = ROWS / WORD_BITS };

static const uint64_t longest_debt_ns = 3600 * NS_PER_S;

struct place {
    atomic_uint_fast64_t who;
    atomic_uint_fast64_t paid_ns;
};

struct row {
    _Alignas(64) struct place places[PLACES];
};

/* What was taken here and not told. */
struct untold {
    atomic_uint_fast64_t rows[WORDS]; /* a bit for each row that has some */
    atomic_uint_fast64_t ns[ROWS][PLACES];
    unsigned next_word; /* the collector's, where it goes on */
};

struct limiter {
    struct row rows[ROWS];
    struct untold *untold; /* NULL: not shared */
};

struct limiter *limiter_new(bool shared)
{
    struct limiter *limiter = aligned_alloc(64, sizeof(*limiter));
    struct untold *untold = shared ? calloc(1, sizeof(*untold)) : NULL;
    if (limiter == NULL || (shared && untold == NULL)) {
        free(limiter);
        free(untold);
        return NULL;
    }
    for (unsigned i = 0; i < ROWS * PLACES; i++) {
        atomic_init(&limiter->rows[i / PLACES].places[i % PLACES].who, 0);
        atomic_init(&limiter->rows[i / PLACES].places[i % PLACES].paid_ns, 0);
    }
    limiter->untold = untold;
    return limiter;
}

void limiter_free(struct limiter **limiter)
{
    if (*limiter != NULL)
        free((*limiter)->untold);
    free(*limiter);
    *limiter = NULL;
}

/* Places ---------------------------------------------------------------------- */

/* Where a caller is looked for: nobody outside can choose callers that meet in one row. */
static unsigned row_of(uint64_t who)
{
    return (unsigned)(hash_seeded((struct slice){ (const char *)&who, sizeof(who) }) % ROWS);
}

/* The caller's place in its row, else one that is free, else the last. */
static unsigned place_of(struct limiter *limiter, unsigned row, uint64_t who, uint64_t now_ns)
{
    struct place *places = limiter->rows[row].places;
    unsigned unused = PLACES;
    for (unsigned i = 0; i < PLACES; i++) {
        if (atomic_load_explicit(&places[i].who, memory_order_relaxed) == who)
            return i;
        if (unused == PLACES && atomic_load_explicit(&places[i].paid_ns, memory_order_relaxed) <= now_ns)
            unused = i;
    }
    if (unused == PLACES)
        return PLACES - 1;
    atomic_store_explicit(&places[unused].who, who, memory_order_relaxed);
    if (limiter->untold != NULL)
        atomic_store_explicit(&limiter->untold->ns[row][unused], 0, memory_order_relaxed);
    return unused;
}

static void note_use(struct untold *untold, unsigned row, unsigned place, uint64_t ns)
{
    atomic_uint_fast64_t *word = &untold->rows[row / WORD_BITS];
    uint64_t bit = UINT64_C(1) << row % WORD_BITS;
    atomic_fetch_add(&untold->ns[row][place], ns);
    if ((atomic_load(word) & bit) == 0)
        atomic_fetch_or(word, bit);
}

static uint32_t seconds_up(uint64_t ns)
{
    return (uint32_t)((ns + NS_PER_S - 1) / NS_PER_S);
}

bool limiter_take(struct limiter *limiter, uint64_t who, const struct limit *limit, uint64_t now_ns,
                  struct limit_left *ret_left)
{
    unsigned row = row_of(who), i = place_of(limiter, row, who, now_ns);
    struct place *place = &limiter->rows[row].places[i];
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
        if (limiter->untold != NULL)
            note_use(limiter->untold, row, i, one_ns);
        return true;
    }
}

/* Sharing --------------------------------------------------------------------- */

static unsigned collect_row(struct limiter *limiter, unsigned row, struct limit_use uses[])
{
    unsigned n = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t ns = atomic_exchange(&limiter->untold->ns[row][i], 0);
        uint64_t who = atomic_load_explicit(&limiter->rows[row].places[i].who, memory_order_relaxed);
        if (ns > 0)
            uses[n++] = (struct limit_use){ who, ns };
    }
    return n;
}

unsigned limiter_collect(struct limiter *limiter, struct limit_use uses[], unsigned max)
{
    struct untold *untold = limiter->untold;
    unsigned n = 0, first_word = untold->next_word;
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned word = (first_word + i) % WORDS;
        uint64_t bits = atomic_exchange(&untold->rows[word], 0);
        untold->next_word = word;
        for (; bits != 0 && n + PLACES <= max; bits &= bits - 1)
            n += collect_row(limiter, word * WORD_BITS + (unsigned)__builtin_ctzll(bits), uses + n);
        if (bits != 0) {
            atomic_fetch_or(&untold->rows[word], bits);
            return n;
        }
    }
    return n;
}

void limiter_charge(struct limiter *limiter, const struct limit_use *use, uint64_t now_ns)
{
    unsigned row = row_of(use->who), i = place_of(limiter, row, use->who, now_ns);
    atomic_uint_fast64_t *place_ns = &limiter->rows[row].places[i].paid_ns;
    uint64_t ns = use->ns < longest_debt_ns ? use->ns : longest_debt_ns;
    uint_fast64_t paid_ns = atomic_load_explicit(place_ns, memory_order_relaxed);
    uint64_t next_ns;
    do {
        next_ns = (paid_ns > now_ns ? paid_ns : now_ns) + ns;
        if (next_ns > now_ns + longest_debt_ns)
            next_ns = now_ns + longest_debt_ns;
    } while (next_ns > paid_ns && !atomic_compare_exchange_weak_explicit(place_ns, &paid_ns, next_ns,
                                                                         memory_order_relaxed, memory_order_relaxed));
}
