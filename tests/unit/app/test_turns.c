/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <pthread.h>
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

/* Of the calling thread; 0 of a kernel that has one length for all. */
static uint64_t turn_ns(void)
{
    struct attributes attributes;
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
    return attributes.runtime;
}

static void *turn_of_thread(void *context)
{
    *(uint64_t *)context = turn_ns();
    return NULL;
}

static void turns_shorten_is_for_threads_to_come(void **state)
{
    uint64_t usual = turn_ns(), of_thread;
    pthread_t thread;
    turns_shorten();
    assert_true(usual == 0 || turn_ns() < usual);
    assert_int_equal(pthread_create(&thread, NULL, turn_of_thread, &of_thread), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(of_thread == turn_ns());
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(turns_shorten_is_for_threads_to_come) };
    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
