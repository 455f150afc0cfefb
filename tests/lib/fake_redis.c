/* SPDX-License-Identifier: MIT */
/* One connection at a time: the client under test has only one. */
#include "fake_redis.h"

#include "suite.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 20, SLOW_US = 200000, CHUNK_BYTES = 4096, NESTED_BYTES = 256 * 1024 };

static bool is(const redisReply *command, const char *name)
{
    return command->elements > 0 && strcmp(command->element[0]->str, name) == 0;
}

static void send_text(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void answer_well(int fd, const redisReply *command)
{
    if (is(command, "PTTL")) {
        send_text(fd, ":-2\r\n");
    } else if (is(command, "MGET")) {
        char head[32];
        snprintf(head, sizeof(head), "*%zu\r\n", command->elements - 1);
        send_text(fd, head);
        for (size_t i = 1; i < command->elements; i++)
            send_text(fd, "$-1\r\n");
    } else {
        send_text(fd, "+OK\r\n");
    }
}

static void send_garbage(int fd)
{
    char bytes[CHUNK_BYTES];
    for (unsigned i = 0; i < CHUNK_BYTES; i++)
        bytes[i] = (char)(random() & 0xff);
    (void)!send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

static void send_for_ever(struct fake_redis *fake, int fd)
{
    char bytes[CHUNK_BYTES];
    memset(bytes, 'x', sizeof(bytes));
    send_text(fd, "$400000000\r\n");
    while (!atomic_load(&fake->stopping) && send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        continue;
}

/* Of each array the first element is the next. hiredis takes seven. */
static void nest_for_ever(struct fake_redis *fake, int fd)
{
    static const char string[NESTED_BYTES];
    char head[32];
    snprintf(head, sizeof(head), "$%u\r\n", (unsigned)NESTED_BYTES);
    for (unsigned depth = 0; depth < 7; depth++)
        send_text(fd, "*16\r\n");
    while (!atomic_load(&fake->stopping)) {
        send_text(fd, head);
        if (send(fd, string, sizeof(string), MSG_NOSIGNAL) < (ssize_t)sizeof(string))
            return;
        send_text(fd, "\r\n");
        atomic_fetch_add(&fake->nested_bytes, sizeof(string));
    }
}

static void answer_with_strings(int fd, const redisReply *command, const char *text)
{
    if (!is(command, "MGET")) {
        answer_well(fd, command);
        return;
    }
    char head[32];
    snprintf(head, sizeof(head), "*%zu\r\n", command->elements - 1);
    send_text(fd, head);
    for (size_t i = 1; i < command->elements; i++) {
        snprintf(head, sizeof(head), "$%zu\r\n%s\r\n", strlen(text), text);
        send_text(fd, head);
    }
}

/* False: the connection is to be closed. */
static bool answer(struct fake_redis *fake, int fd, const redisReply *command, enum fake_manner manner)
{
    switch (manner) {
    case FAKE_SILENT:
        return true;
    case FAKE_SLOW:
        usleep(SLOW_US);
        break;
    case FAKE_CLOSES:
        return false;
    case FAKE_GARBAGE:
        send_garbage(fd);
        return true;
    case FAKE_TWICE:
        answer_well(fd, command);
        break;
    case FAKE_HUGE_ARRAY:
        send_text(fd, "*1000000000\r\n");
        return true;
    case FAKE_ENDLESS:
        send_for_ever(fake, fd);
        return false;
    case FAKE_NESTED:
        answer_well(fd, command);
        nest_for_ever(fake, fd);
        return false;
    case FAKE_NUMBERS:
        send_text(fd, ":1\r\n");
        return true;
    case FAKE_ERRORS:
        send_text(fd, "-ERR no\r\n");
        return true;
    case FAKE_OTHER_DATA:
        answer_with_strings(fd, command, "123456789");
        return true;
    case FAKE_BAD_VALUES:
        answer_with_strings(fd, command, "12345678");
        return true;
    default:
        break;
    }
    answer_well(fd, command);
    return true;
}

static bool wait_for(struct fake_redis *fake, int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    while (!atomic_load(&fake->stopping))
        if (poll(&ready, 1, LOOK_MS) > 0)
            return true;
    return false;
}

static bool take_commands(struct fake_redis *fake, int fd, redisReader *reader, unsigned *n)
{
    void *command = NULL;
    bool goes_on = true;
    while (goes_on && redisReaderGetReply(reader, &command) == REDIS_OK && command != NULL) {
        bool is_greeting = (*n)++ == 0 && !atomic_load(&fake->rude_greeting);
        if (!is_greeting)
            atomic_fetch_add(&fake->n_commands, 1);
        goes_on = answer(fake, fd, command, is_greeting ? FAKE_WELL : (enum fake_manner)atomic_load(&fake->manner));
        freeReplyObject(command);
    }
    return goes_on;
}

static void serve(struct fake_redis *fake, int fd)
{
    char bytes[CHUNK_BYTES];
    unsigned n = 0;
    redisReader *reader = redisReaderCreate();
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* answers go out in pieces */
    atomic_fetch_add(&fake->n_connections, 1);
    while (wait_for(fake, fd)) {
        ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
        if (len <= 0 || redisReaderFeed(reader, bytes, (size_t)len) != REDIS_OK || !take_commands(fake, fd, reader, &n))
            break;
    }
    redisReaderFree(reader);
    close(fd);
}

static void *run(void *context)
{
    struct fake_redis *fake = context;
    while (wait_for(fake, fake->listener)) {
        int fd = accept(fake->listener, NULL, NULL);
        if (fd >= 0)
            serve(fake, fd);
    }
    return NULL;
}

void fake_redis_start(struct fake_redis *fake, enum fake_manner manner)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    *fake = (struct fake_redis){ .listener = socket(AF_INET, SOCK_STREAM, 0) };
    atomic_store(&fake->manner, manner);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fake->listener, 8), 0);
    assert_int_equal(getsockname(fake->listener, (struct sockaddr *)&address, &len), 0);
    fake->port = ntohs(address.sin_port);
    snprintf(fake->uri, sizeof(fake->uri), "redis://127.0.0.1:%u", fake->port);
    assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
}

void fake_redis_stop(struct fake_redis *fake)
{
    atomic_store(&fake->stopping, true);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
}
