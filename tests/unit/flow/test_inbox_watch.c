/* SPDX-License-Identifier: MIT */
/* A reader that waits for its inbox and for a socket. */
#include "suite.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <telemetry/clock.h>
#include <telemetry/inbox.h>
#include <telemetry/job.h>

#define SOON_NS (5 * NS_PER_S)

enum { HERE, THERE };

struct world {
    struct inbox *inbox;
    int sockets[2];
    struct job job;
};

static int setup(void **state)
{
    static struct world world;
    world.inbox = inbox_new(1, 4, NULL, NULL);
    assert_int_equal(inbox_watch_open(world.inbox), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, world.sockets), 0);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    close(world->sockets[HERE]);
    close(world->sockets[THERE]);
    inbox_free(&world->inbox);
    return 0;
}

static bool wait_for(struct world *world, uint64_t ns)
{
    return inbox_wait(world->inbox, inbox_ticket(world->inbox), clock_ns() + ns);
}

static void wait_ends_with_an_event_of_the_socket(void **state)
{
    struct world *world = *state;
    inbox_watch(world->inbox, world->sockets[HERE], POLLIN);
    assert_int_equal(write(world->sockets[THERE], "x", 1), 1);
    uint64_t begin_ns = clock_ns();
    assert_true(wait_for(world, SOON_NS));
    assert_true(wait_for(world, SOON_NS)); /* it is still there */
    assert_true(clock_ns() < begin_ns + SOON_NS);
}

static void wait_sees_the_events_that_it_was_told(void **state)
{
    struct world *world = *state;
    inbox_watch(world->inbox, world->sockets[HERE], POLLIN);
    assert_false(wait_for(world, 10 * NS_PER_MS));
    inbox_watch(world->inbox, world->sockets[HERE], POLLIN | POLLOUT);
    assert_true(wait_for(world, SOON_NS));
    inbox_watch(world->inbox, -1, 0);
    assert_false(wait_for(world, 10 * NS_PER_MS));
}

static void wait_sees_that_the_other_side_is_gone(void **state)
{
    struct world *world = *state;
    inbox_watch(world->inbox, world->sockets[HERE], 0);
    shutdown(world->sockets[THERE], SHUT_RDWR);
    assert_true(wait_for(world, SOON_NS));
}

static void wait_ends_at_its_deadline(void **state)
{
    struct world *world = *state;
    inbox_watch(world->inbox, world->sockets[HERE], POLLIN);
    uint64_t begin_ns = clock_ns();
    assert_false(wait_for(world, 30 * NS_PER_MS));
    assert_in_range(clock_ns() - begin_ns, 30 * NS_PER_MS, SOON_NS);
    assert_false(inbox_wait(world->inbox, inbox_ticket(world->inbox), 0));
    assert_false(inbox_wait(world->inbox, inbox_ticket(world->inbox), clock_ns()));
}

static void wake_before_the_wait_is_not_lost(void **state)
{
    struct world *world = *state;
    uint64_t begin_ns = clock_ns();
    uint32_t ticket = inbox_ticket(world->inbox);
    inbox_wake(world->inbox);
    assert_false(inbox_wait(world->inbox, ticket, UINT64_MAX));
    assert_true(clock_ns() < begin_ns + SOON_NS);
}

static void *wake_later(void *context)
{
    struct world *world = context;
    struct job *job = &world->job;
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    inbox_push(world->inbox, 0, &job);
    inbox_wake(world->inbox);
    return NULL;
}

static void wake_ends_a_wait_without_deadline(void **state)
{
    struct world *world = *state;
    struct job *out[1];
    pthread_t thread;
    inbox_watch(world->inbox, world->sockets[HERE], POLLIN);
    for (unsigned i = 0; i < 5; i++) {
        uint32_t ticket = inbox_ticket(world->inbox);
        assert_int_equal(pthread_create(&thread, NULL, wake_later, world), 0);
        assert_false(inbox_wait(world->inbox, ticket, UINT64_MAX));
        assert_int_equal(inbox_drain(world->inbox, out, 1), 1);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wait_ends_with_an_event_of_the_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(wait_sees_the_events_that_it_was_told, setup, teardown),
        cmocka_unit_test_setup_teardown(wait_sees_that_the_other_side_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(wait_ends_at_its_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(wake_before_the_wait_is_not_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(wake_ends_a_wait_without_deadline, setup, teardown),
    };
    return cmocka_run_group_tests_name("inbox watch", tests, NULL, NULL);
}
