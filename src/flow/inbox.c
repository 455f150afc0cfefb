/* SPDX-License-Identifier: MIT */
/* inbox: a sender enqueues in its lane; once its batch is out it wakes the reader, which costs a system
 * call only when the reader sleeps (ck_ec keeps that in the sign bit of its counter). The reader takes
 * the ticket, drains, and sleeps on the ticket, so a push between drain and sleep ends the sleep.
 *
 * A reader that sleeps elsewhere (a libuv loop) has a wake callback. uv_async_send() of libuv before
 * 1.53 begins with a plain load of its pending flag, which the processor may move before the plain
 * store that ends ck_ring's enqueue: the fence keeps them in order.
 *
 * A reader that watches a descriptor sleeps in poll(2) in place of the futex. All else is ck_ec's still:
 * a wake writes to the eventfd only when the reader said that it sleeps, and what was written before it
 * fell asleep waits in the eventfd. */
#include <telemetry/inbox.h>

#include <assert.h>
#include <ck_ec.h>
#include <ck_pr.h>
#include <ck_ring.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
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
    int wake_fd; /* eventfd of a reader that sleeps in poll(2), or -1 */
    unsigned n_lanes;
    unsigned next_lane;    /* the reader's: where the next drain starts */
    struct pollfd watched; /* the reader's */
    bool is_ready;         /* the reader's: the last sleep ended by the watched descriptor */
    atomic_bool shut;      /* the reader's word to the senders */

    _Alignas(64) atomic_uint n_jobs; /* charged and not let go */
    atomic_uint n_longs;
    struct lane lanes[];
};

/* One inbox_wait(), for the calls that ck_ec makes meanwhile. */
struct wait {
    struct inbox *inbox;
    struct timespec deadline;
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
    const struct wait *wait = state->data;
    *step_deadline = wait->deadline;
    return wait->inbox->is_ready ? 1 : 0;
}

static struct timespec time_left(const struct timespec *now, const struct timespec *deadline)
{
    struct timespec left = { deadline->tv_sec - now->tv_sec, deadline->tv_nsec - now->tv_nsec };
    if (left.tv_nsec < 0) {
        left.tv_sec--;
        left.tv_nsec += (long)NS_PER_S;
    }
    return left.tv_sec < 0 ? (struct timespec){ 0, 0 } : left;
}

static void poll_wait(const struct ck_ec_wait_state *state, const uint32_t *address, uint32_t expected,
                      const struct timespec *deadline)
{
    (void)address;
    (void)expected;
    struct inbox *inbox = ((const struct wait *)state->data)->inbox;
    struct timespec left = time_left(&state->now, deadline);
    struct pollfd fds[] = { { .fd = inbox->wake_fd, .events = POLLIN }, inbox->watched };
    if (ppoll(fds, 2, &left, NULL) <= 0)
        return;
    eventfd_t n_wakes;
    if (fds[0].revents != 0)
        eventfd_read(inbox->wake_fd, &n_wakes);
    inbox->is_ready = fds[1].revents != 0;
}

/* The event is the inbox's first member, and the counter the event's. */
static void poll_wake(const struct ck_ec_ops *ops, const uint32_t *address)
{
    (void)ops;
    const struct inbox *inbox = (const struct inbox *)(const void *)address;
    eventfd_write(inbox->wake_fd, 1);
}

static const struct ck_ec_ops poll_ops = {
    .gettime = event_now, .wait32 = poll_wait, .wake32 = poll_wake, .busy_loop_iter = 1
};
static const struct ck_ec_mode poll_mode = { .ops = &poll_ops, .single_producer = false };

static const struct ck_ec_mode *mode_of(const struct inbox *inbox)
{
    return inbox->wake_fd < 0 ? &event_mode : &poll_mode;
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
    *inbox = (struct inbox){ .wake = wake, .context = context, .wake_fd = -1, .watched = { .fd = -1 } };
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
    if ((*inbox)->wake_fd >= 0)
        close((*inbox)->wake_fd);
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
    ck_ec_inc(&inbox->event, mode_of(inbox));
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
    assert(inbox->n_lanes > 0);
    for (unsigned i = 0; i < inbox->n_lanes && n < max; i++) {
        struct lane *lane = &inbox->lanes[(inbox->next_lane + i) % inbox->n_lanes];
        struct job *job;
        while (n < max && (job = lane_pop(lane)) != NULL)
            jobs[n++] = job;
    }
    inbox->next_lane = (inbox->next_lane + 1) % inbox->n_lanes;
    return n;
}

unsigned inbox_length(const struct inbox *inbox)
{
    unsigned n = 0;
    RING_BEGIN();
    for (unsigned i = 0; i < inbox->n_lanes; i++)
        n += ck_ring_size(&inbox->lanes[i].ring);
    RING_END();
    return n;
}

void inbox_shut(struct inbox *inbox, bool shut)
{
    if (atomic_load_explicit(&inbox->shut, memory_order_relaxed) != shut)
        atomic_store_explicit(&inbox->shut, shut, memory_order_relaxed);
}

bool inbox_is_shut(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->shut, memory_order_relaxed);
}

void inbox_charge(struct inbox *inbox, bool is_long)
{
    atomic_fetch_add_explicit(&inbox->n_jobs, 1, memory_order_relaxed);
    if (is_long)
        atomic_fetch_add_explicit(&inbox->n_longs, 1, memory_order_relaxed);
}

void inbox_discharge(struct inbox *inbox, bool is_long)
{
    atomic_fetch_sub_explicit(&inbox->n_jobs, 1, memory_order_relaxed);
    if (is_long)
        atomic_fetch_sub_explicit(&inbox->n_longs, 1, memory_order_relaxed);
}

unsigned inbox_jobs(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->n_jobs, memory_order_relaxed);
}

unsigned inbox_longs(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->n_longs, memory_order_relaxed);
}

uint32_t inbox_ticket(const struct inbox *inbox)
{
    return ck_ec_value(&inbox->event);
}

bool inbox_wait(struct inbox *inbox, uint32_t ticket, uint64_t deadline_ns)
{
    assert(inbox->wake == NULL);
    struct wait wait = { inbox,
                         { .tv_sec = (time_t)(deadline_ns / NS_PER_S), .tv_nsec = (long)(deadline_ns % NS_PER_S) } };
    inbox->is_ready = false;
    ck_ec_wait_pred(&inbox->event, mode_of(inbox), ticket, event_step, &wait, &wait.deadline);
    return inbox->is_ready;
}

int inbox_watch_open(struct inbox *inbox)
{
    assert(inbox->wake == NULL && inbox->wake_fd < 0);
    inbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return inbox->wake_fd < 0 ? -1 : 0;
}

void inbox_watch(struct inbox *inbox, int fd, short events)
{
    assert(inbox->wake_fd >= 0);
    inbox->watched = (struct pollfd){ .fd = fd, .events = events };
}
