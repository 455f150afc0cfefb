/* SPDX-License-Identifier: MIT */
/* client: one TCP connection to a server under test. Every read and write is bounded in time, and
 * fails the test when it goes wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct client {
    int fd;
    char *bytes; /* received */
    size_t len, capacity;
    size_t at; /* behind what was read of them */
};

/* What client_read() found; head and body are valid until the next call. */
struct client_answer {
    unsigned http;
    char head[2048]; /* status line and fields, cut when longer */
    const char *body;
    size_t body_bytes;
    bool closes; /* Connection: close */
};

struct client client_open(unsigned port);
void client_close(struct client *client);
/* Closes with a reset. */
void client_reset(struct client *client);
/* Sends no more; reads on. */
void client_shut(struct client *client);

void client_send(struct client *client, const char *bytes, size_t len);
void client_say(struct client *client, const char *text);
/* Sends a GET of the target. */
void client_get(struct client *client, const char *target);

/* Reads one answer with a Content-Length, or without a body. */
struct client_answer client_read(struct client *client);
/* The same for the answer to a HEAD. */
struct client_answer client_read_head(struct client *client);
/* Reads an answer and asserts its status and, unless NULL, its body. */
void client_expect(struct client *client, unsigned http, const char *body);
/* Asserts that the server has closed, with nothing more sent. */
void client_expect_end(struct client *client);
/* True when nothing is there to be read at this moment. */
bool client_is_silent(const struct client *client);
