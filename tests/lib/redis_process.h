/* SPDX-License-Identifier: MIT */
/* redis_process: a real redis-server of the test's own, on a unix socket in a folder of its own. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct redis_process {
    char folder[64];
    char socket[96];
    char uri[128];
    bool saves; /* keeps a snapshot over a restart */
    pid_t pid;  /* 0: not running */
};

/* Starts one, and waits until it answers. False when redis-server is not installed. */
bool redis_process_start(struct redis_process *redis, bool saves);
/* Ends it (SIGKILL: at once, without a snapshot; SIGTERM: with one) and waits. */
void redis_process_end(struct redis_process *redis, int signal_number);
/* Starts it again, in the same place. */
void redis_process_again(struct redis_process *redis);
/* Ends it and removes the folder. */
void redis_process_fini(struct redis_process *redis);

/* Sends a command of words without arguments in quotes ("FLUSHALL"), and waits for its reply. */
void redis_process_say(const struct redis_process *redis, const char *command);
