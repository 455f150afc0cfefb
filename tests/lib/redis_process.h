/* SPDX-License-Identifier: MIT */
/* redis_process: a real redis-server of the test's own, on a unix socket in a folder of its own, and on a port of the
 * loopback if the test says so. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct redis_process {
    char folder[64];
    char socket[96];
    char uri[128];
    bool saves;               /* keeps a snapshot over a restart */
    unsigned port;            /* 0: none */
    const char *certificates; /* the folder of its own one and of `ca`; NULL: its port is in the clear */
    const char *certificate;
    pid_t pid; /* 0: not running */
};

/* Starts one, and waits until it answers. False when redis-server is not installed. */
bool redis_process_start(struct redis_process *redis, bool saves);
/* The same, on a free port too: through TLS when `certificates` is the folder of make-certificates, and
 * `certificate` the name of one there. Keeps both. */
bool redis_process_start_on_port(struct redis_process *redis, const char *certificates, const char *certificate);
/* Ends it (SIGKILL: at once, without a snapshot; SIGTERM: with one) and waits. */
void redis_process_end(struct redis_process *redis, int signal_number);
/* Starts it again, in the same place. */
void redis_process_again(struct redis_process *redis);
/* Ends it and removes the folder. */
void redis_process_fini(struct redis_process *redis);

/* Sends a command of words without arguments in quotes ("FLUSHALL"), and waits for its reply. */
void redis_process_say(const struct redis_process *redis, const char *command);
