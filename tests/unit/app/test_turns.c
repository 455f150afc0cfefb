/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/turns.h"

/* struct sched_attr of sched_setattr(2): not every libc has it, and the kernel's header does not go with <pthread.h>.
 */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

enum { OTHER = 0, TURN_NS = 100000 };

/* Of the calling thread. */
static struct attributes attributes_now(void)
{
    struct attributes attributes;
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
    return attributes;
}

static void *turn_of_thread(void *context)
{
    *(uint64_t *)context = attributes_now().runtime;
    return NULL;
}

static void turns_shorten_is_for_threads_to_come(void **state)
{
    struct attributes usual = attributes_now();
    bool can_be_short = usual.policy == OTHER && usual.runtime != 0; /* other kernels have one length for all */
    uint64_t of_thread;
    pthread_t thread;
    turns_shorten();
    assert_int_equal(attributes_now().nice, usual.nice);
    assert_int_equal(attributes_now().runtime, can_be_short ? TURN_NS : usual.runtime);
    assert_int_equal(pthread_create(&thread, NULL, turn_of_thread, &of_thread), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(of_thread, attributes_now().runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(turns_shorten_is_for_threads_to_come) };
    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
