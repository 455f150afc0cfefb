/* SPDX-License-Identifier: MIT */
/* inbox: a sender enqueues in its lane; once its batch is out it wakes the reader, which costs a system
 * call only when the reader sleeps (ck_ec keeps that in the sign bit of its counter). The reader takes
 * the ticket, drains, and sleeps on the ticket, so a push between drain and sleep ends the sleep.
 *
 * A reader that sleeps elsewhere (a libuv loop) has a wake callback. uv_async_send() of libuv before
 * 1.53 begins with a plain load of its pending flag, which the processor may move before the plain
 * store that ends ck_ring's enqueue: the fence keeps them in order. */
#include <telemetry/inbox.h>

#include <assert.h>
#include <ck_ec.h>
#include <ck_pr.h>
#include <ck_ring.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <telemetry/clock.h>

/* ck's barriers are inline assembly that ThreadSanitizer cannot see: say what they do. */
#if defined(__SANITIZE_THREAD__)
#define INBOX_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INBOX_TSAN 1
#endif
#endif
#ifdef INBOX_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#define RING_BEGIN()       (AnnotateIgnoreReadsBegin(__FILE__, __LINE__), AnnotateIgnoreWritesBegin(__FILE__, __LINE__))
#define RING_END()         (AnnotateIgnoreWritesEnd(__FILE__, __LINE__), AnnotateIgnoreReadsEnd(__FILE__, __LINE__))
#define RING_RELEASE(lane) __tsan_release(lane)
#define RING_ACQUIRE(lane) __tsan_acquire(lane)
#else
#define RING_BEGIN()       ((void)0)
#define RING_END()         ((void)0)
#define RING_RELEASE(lane) ((void)0)
#define RING_ACQUIRE(lane) ((void)0)
#endif

struct lane {
    _Alignas(64) struct ck_ring ring;
    ck_ring_buffer_t *slots;
};

struct inbox {
    _Alignas(64) struct ck_ec32 event;
    inbox_wake_fn *wake;
    void *context;
    unsigned n_lanes;
    unsigned next_lane; /* the reader's: where the next drain starts */
    struct lane lanes[];
};

static int event_now(const struct ck_ec_ops *ops, struct timespec *out)
{
    (void)ops;
    return clock_gettime(CLOCK_MONOTONIC, out);
}

static void event_wait(const struct ck_ec_wait_state *state, const uint32_t *address, uint32_t expected,
                       const struct timespec *deadline)
{
    (void)state;
    /* FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC. It may return early for any reason. */
    syscall(SYS_futex, address, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, deadline, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

static void event_wake(const struct ck_ec_ops *ops, const uint32_t *address)
{
    (void)ops;
    syscall(SYS_futex, address, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static const struct ck_ec_ops event_ops = {
    .gettime = event_now, .wait32 = event_wait, .wake32 = event_wake, .busy_loop_iter = 1
};
static const struct ck_ec_mode event_mode = { .ops = &event_ops, .single_producer = false };

/* ck_ec sleeps in growing steps from 2 ms on, which may end far behind the deadline; its mode for a
 * single producer needs them. Here one step lasts until the deadline (UINT64_MAX ns are 584 years). */
static int event_step(const struct ck_ec_wait_state *state, struct timespec *step_deadline)
{
    *step_deadline = *(const struct timespec *)state->data;
    return 0;
}

/* ck_ring holds one less than its size, a power of two. */
static unsigned ring_size(unsigned n_jobs)
{
    unsigned size = 4;
    while (size <= n_jobs)
        size *= 2;
    return size;
}

static bool lanes_open(struct inbox *inbox, unsigned n_lanes, unsigned n_jobs)
{
    unsigned size = ring_size(n_jobs);
    for (unsigned i = 0; i < n_lanes; i++) {
        struct lane *lane = &inbox->lanes[i];
        lane->slots = calloc(size, sizeof(lane->slots[0]));
        if (lane->slots == NULL)
            return false;
        ck_ring_init(&lane->ring, size);
        inbox->n_lanes = i + 1;
    }
    return true;
}

struct inbox *inbox_new(unsigned n_lanes, unsigned n_jobs, inbox_wake_fn *wake, void *context)
{
    size_t bytes = sizeof(struct inbox) + n_lanes * sizeof(struct lane);
    struct inbox *inbox = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (inbox == NULL)
        return NULL;
    *inbox = (struct inbox){ .wake = wake, .context = context };
    ck_ec_init(&inbox->event, 0);
    if (!lanes_open(inbox, n_lanes, n_jobs))
        inbox_free(&inbox);
    return inbox;
}

void inbox_free(struct inbox **inbox)
{
    if (*inbox == NULL)
        return;
    for (unsigned i = 0; i < (*inbox)->n_lanes; i++) {
        struct lane *lane = &(*inbox)->lanes[i];
        assert(ck_ring_size(&lane->ring) == 0);
        free(lane->slots);
    }
    free(*inbox);
    *inbox = NULL;
}

void inbox_push(struct inbox *inbox, unsigned lane_index, struct job **job)
{
    assert(lane_index < inbox->n_lanes && *job != NULL);
    struct lane *lane = &inbox->lanes[lane_index];
    RING_RELEASE(lane);
    RING_BEGIN();
    bool pushed = ck_ring_enqueue_spsc(&lane->ring, lane->slots, *job);
    RING_END();
    assert(pushed);
    (void)pushed;
    *job = NULL;
}

void inbox_wake(struct inbox *inbox)
{
    if (inbox->wake != NULL) {
        ck_pr_fence_memory();
        inbox->wake(inbox->context);
        return;
    }
    ck_ec_inc(&inbox->event, &event_mode);
}

static struct job *lane_pop(struct lane *lane)
{
    struct job *job = NULL;
    RING_BEGIN();
    bool popped = ck_ring_dequeue_spsc(&lane->ring, lane->slots, &job);
    RING_END();
    if (!popped)
        return NULL;
    RING_ACQUIRE(lane);
    return job;
}

unsigned inbox_drain(struct inbox *inbox, struct job *jobs[], unsigned max)
{
    unsigned n = 0;
    for (unsigned i = 0; i < inbox->n_lanes && n < max; i++) {
        struct lane *lane = &inbox->lanes[(inbox->next_lane + i) % inbox->n_lanes];
        struct job *job;
        while (n < max && (job = lane_pop(lane)) != NULL)
            jobs[n++] = job;
    }
    inbox->next_lane = (inbox->next_lane + 1) % inbox->n_lanes;
    return n;
}

uint32_t inbox_ticket(const struct inbox *inbox)
{
    return ck_ec_value(&inbox->event);
}

void inbox_wait(struct inbox *inbox, uint32_t ticket, uint64_t deadline_ns)
{
    assert(inbox->wake == NULL);
    struct timespec deadline = { .tv_sec = (time_t)(deadline_ns / NS_PER_S),
                                 .tv_nsec = (long)(deadline_ns % NS_PER_S) };
    ck_ec_wait_pred(&inbox->event, &event_mode, ticket, event_step, &deadline, &deadline);
}
