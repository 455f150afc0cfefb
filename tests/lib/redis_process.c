/* SPDX-License-Identifier: MIT */
#include "redis_process.h"

#include "suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <telemetry/clock.h>

enum { NOT_INSTALLED = 127 };

static bool answers(const char *socket)
{
    redisContext *client = redisConnectUnix(socket);
    redisReply *reply = client == NULL || client->err != 0 ? NULL : redisCommand(client, "PING");
    bool is_well = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (client != NULL)
        redisFree(client);
    return is_well;
}

enum { ARGUMENTS_MAX = 32, ARGUMENT_BYTES = 128 };

struct arguments {
    char texts[ARGUMENTS_MAX][ARGUMENT_BYTES];
    char *list[ARGUMENTS_MAX + 1]; /* ends with NULL */
    unsigned n;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *arguments, const char *format, ...)
{
    va_list values;
    char *text = arguments->texts[arguments->n];
    va_start(values, format);
    vsnprintf(text, ARGUMENT_BYTES, format, values);
    va_end(values);
    arguments->list[arguments->n++] = text;
    arguments->list[arguments->n] = NULL;
}

static void add_option(struct arguments *arguments, const char *name, const char *value)
{
    add(arguments, "--%s", name);
    add(arguments, "%s", value);
}

static void add_port(struct arguments *arguments, const struct redis_process *redis)
{
    bool is_tls = redis->certificates != NULL;
    add(arguments, "--port");
    add(arguments, "%u", is_tls ? 0 : redis->port);
    if (!is_tls)
        return;
    add(arguments, "--tls-port");
    add(arguments, "%u", redis->port);
    add(arguments, "--tls-cert-file");
    add(arguments, "%s/%s.pem", redis->certificates, redis->certificate);
    add(arguments, "--tls-key-file");
    add(arguments, "%s/%s.key", redis->certificates, redis->certificate);
    add(arguments, "--tls-ca-cert-file");
    add(arguments, "%s/ca.pem", redis->certificates);
    add_option(arguments, "tls-auth-clients", "optional");
}

static void run(const struct redis_process *redis)
{
    struct arguments arguments = { .n = 0 };
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    add(&arguments, "redis-server");
    add_option(&arguments, "unixsocket", redis->socket);
    add_option(&arguments, "save", redis->saves ? "3600 1" : "");
    add_option(&arguments, "appendonly", "no");
    add_option(&arguments, "dir", redis->folder);
    add_port(&arguments, redis);
    execvp("redis-server", arguments.list);
    execvp("redis-check-rdb", arguments.list); /* of redis-tools: the same program, by another name */
    _exit(NOT_INSTALLED);
}

/* False when the program is not there. */
static bool launch(struct redis_process *redis)
{
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    int state;
    redis->pid = fork();
    assert_true(redis->pid >= 0);
    if (redis->pid == 0)
        run(redis);
    while (!answers(redis->socket)) {
        if (waitpid(redis->pid, &state, WNOHANG) == redis->pid) {
            redis->pid = 0;
            assert_true(WIFEXITED(state) && WEXITSTATUS(state) == NOT_INSTALLED);
            return false;
        }
        assert_true(clock_ns() < until_ns);
        usleep(5000);
    }
    return true;
}

static bool start(struct redis_process *redis)
{
    snprintf(redis->folder, sizeof(redis->folder), "/tmp/telemetry-redis-XXXXXX");
    assert_non_null(mkdtemp(redis->folder));
    snprintf(redis->socket, sizeof(redis->socket), "%s/socket", redis->folder);
    snprintf(redis->uri, sizeof(redis->uri), "unix://%s", redis->socket);
    if (launch(redis))
        return true;
    rmdir(redis->folder);
    return false;
}

bool redis_process_start(struct redis_process *redis, bool saves)
{
    *redis = (struct redis_process){ .saves = saves };
    return start(redis);
}

/* One that is free now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    close(fd);
    return ntohs(address.sin_port);
}

bool redis_process_start_on_port(struct redis_process *redis, const char *certificates, const char *certificate)
{
    *redis = (struct redis_process){ .port = free_port(), .certificates = certificates, .certificate = certificate };
    return start(redis);
}

void redis_process_end(struct redis_process *redis, int signal_number)
{
    if (redis->pid == 0)
        return;
    kill(redis->pid, SIGCONT);
    kill(redis->pid, signal_number);
    waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
}

void redis_process_again(struct redis_process *redis)
{
    assert_int_equal(redis->pid, 0);
    unlink(redis->socket);
    assert_true(launch(redis));
}

void redis_process_fini(struct redis_process *redis)
{
    char snapshot[96];
    redis_process_end(redis, SIGKILL);
    snprintf(snapshot, sizeof(snapshot), "%s/dump.rdb", redis->folder);
    unlink(snapshot);
    unlink(redis->socket);
    rmdir(redis->folder);
}

void redis_process_say(const struct redis_process *redis, const char *command)
{
    redisContext *client = redisConnectUnix(redis->socket);
    assert_non_null(client);
    redisReply *reply = redisCommand(client, command);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(client);
}
