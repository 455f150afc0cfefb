/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/listener.h"

static unsigned port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(address.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    return ntohs(address.sin_port);
}

static void listener_open_chooses_a_port(void **state)
{
    struct error error;
    unsigned port = 0;
    int fd;
    (void)state;
    assert_int_equal(listener_open("127.0.0.1", 0, 1, &fd, &port, &error), 0);
    assert_int_not_equal(port, 0);
    assert_int_equal(port_of(fd), port);
    close(fd);
}

static void listener_open_shares_one_port_among_loops(void **state)
{
    struct error error;
    unsigned port = 0;
    int fds[4];
    (void)state;
    assert_int_equal(listener_open("127.0.0.1", 0, 4, fds, &port, &error), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(port_of(fds[i]), port);
        assert_int_equal(listen(fds[i], 1), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        close(fds[i]);
}

/* Also when the other one shares its port and the new one would. */
static void listener_open_says_that_a_port_is_taken(void **state)
{
    (void)state;
    for (unsigned n_held = 1; n_held <= 2; n_held++)
        for (unsigned n_wanted = 1; n_wanted <= 2; n_wanted++) {
            struct error error = { 0 };
            unsigned port = 0;
            unsigned other = 12345;
            int held[2];
            int fds[2] = { -1, -1 };
            assert_int_equal(listener_open("127.0.0.1", 0, n_held, held, &port, &error), 0);
            for (unsigned i = 0; i < n_held; i++)
                assert_int_equal(listen(held[i], 1), 0);
            assert_int_equal(listener_open("127.0.0.1", port, n_wanted, fds, &other, &error), -1);
            assert_int_equal(error.exit_code, 1);
            assert_non_null(strstr(error.text, "is taken"));
            assert_null(strchr(error.text, '\n'));
            assert_int_equal(other, 12345); /* outputs are untouched on failure */
            for (unsigned i = 0; i < n_held; i++)
                close(held[i]);
        }
}

static void listener_open_names_a_host_that_is_none(void **state)
{
    struct error error = { 0 };
    unsigned port = 0;
    int fd;
    (void)state;
    assert_int_equal(listener_open("256.256.256.256", 0, 1, &fd, &port, &error), -1);
    assert_int_equal(error.exit_code, 78);
    assert_non_null(strstr(error.text, "256.256.256.256"));
}

static void listener_open_says_that_an_address_is_not_ours(void **state)
{
    struct error error = { 0 };
    unsigned port = 0;
    int fd;
    (void)state;
    assert_int_equal(listener_open("192.0.2.1", 0, 1, &fd, &port, &error), -1);
    assert_int_equal(error.exit_code, 1);
    assert_non_null(strstr(error.text, "192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listener_open_chooses_a_port),
        cmocka_unit_test(listener_open_shares_one_port_among_loops),
        cmocka_unit_test(listener_open_says_that_a_port_is_taken),
        cmocka_unit_test(listener_open_names_a_host_that_is_none),
        cmocka_unit_test(listener_open_says_that_an_address_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
