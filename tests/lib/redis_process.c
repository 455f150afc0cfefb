/* SPDX-License-Identifier: MIT */
#include "redis_process.h"

#include "suite.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

static void run(const struct redis_process *redis)
{
    int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char *arguments[] = { "redis-server", "--port", "0",     "--unixsocket", redis->socket, "--save", "",
                                "--appendonly", "no",     "--dir", redis->folder,  NULL };
    if (redis->saves)
        arguments[6] = "3600 1";
    execvp("redis-server", (char *const *)arguments);
    execvp("redis-check-rdb", (char *const *)arguments); /* of redis-tools: the same program, by another name */
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

bool redis_process_start(struct redis_process *redis, bool saves)
{
    *redis = (struct redis_process){ .folder = "/tmp/telemetry-redis-XXXXXX", .saves = saves };
    assert_non_null(mkdtemp(redis->folder));
    snprintf(redis->socket, sizeof(redis->socket), "%s/socket", redis->folder);
    snprintf(redis->uri, sizeof(redis->uri), "unix://%s", redis->socket);
    if (launch(redis))
        return true;
    rmdir(redis->folder);
    return false;
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
