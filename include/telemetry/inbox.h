/* SPDX-License-Identifier: MIT */
/* inbox: how one thread hands jobs to another.
 *
 * A reader owns an inbox; each sender has a private lane in it, a single-producer single-consumer
 * ck_ring. A lane can hold every job that exists, so inbox_push() cannot fail. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/status.h>

struct job;   /* forward declarations, not includes */
struct inbox; /* opaque: only inbox.c knows its fields */

/* How to wake the reader. NULL: it sleeps in inbox_wait(). Called on sender threads, behind a full
 * fence; several calls may come for one sleep. */
typedef void inbox_wake_fn(void *context);

/* Boot thread ------------------------------------------------------------ */
/* Gives an inbox with n_lanes lanes for n_jobs jobs each, freed by inbox_free(); NULL without memory.
 * Keeps context until then. */
MUST_CHECK struct inbox *inbox_new(unsigned n_lanes, unsigned n_jobs, inbox_wake_fn *wake, void *context);
/* Takes *inbox (NULL is allowed). It must be empty. */
void inbox_free(struct inbox **inbox);

/* Sender thread ---------------------------------------------------------- */
/* Puts *job in this sender's lane. Takes *job. The reader need not see it before inbox_wake(). */
void inbox_push(struct inbox *inbox, unsigned lane, struct job **job);
/* Whether the reader wants no more for now. A hint: what is pushed all the same arrives. */
bool inbox_is_shut(const struct inbox *inbox);
/* Notes that the reader has one job more to do, which may be a long one. Behind it, and before the push, what
 * inbox_jobs() and inbox_longs() give counts it. */
void inbox_charge(struct inbox *inbox, bool is_long);
/* How many of the jobs that were charged the reader has not let go, and how many of them are long. */
unsigned inbox_jobs(const struct inbox *inbox);
unsigned inbox_longs(const struct inbox *inbox);
/* Wakes the reader if it sleeps. Once behind any number of pushes, or to make it look around. */
void inbox_wake(struct inbox *inbox);

/* Reader thread ---------------------------------------------------------- */
/* Moves up to max jobs into jobs[], lanes in turn, and gives them. Returns how many. */
unsigned inbox_drain(struct inbox *inbox, struct job *jobs[], unsigned max);
/* About how many jobs wait. */
unsigned inbox_length(const struct inbox *inbox);
/* Lets go a job that was charged. */
void inbox_discharge(struct inbox *inbox, bool is_long);
/* Tells the senders whether it wants more; an inbox begins open. */
void inbox_shut(struct inbox *inbox, bool shut);
/* The state to read before a drain that may find nothing, and to sleep on after it. */
uint32_t inbox_ticket(const struct inbox *inbox);
/* Sleeps until a wake comes that is newer than the ticket, or clock_ns() passes deadline_ns
 * (UINT64_MAX: no limit), or the watched descriptor has an event: only then true. */
bool inbox_wait(struct inbox *inbox, uint32_t ticket, uint64_t deadline_ns);

/* A reader that waits for a socket too sleeps in poll(2), and is woken by an eventfd. Called once,
 * before the first push; not with a wake callback. -1 with errno set. */
MUST_CHECK int inbox_watch_open(struct inbox *inbox);
/* From now on inbox_wait() ends also when fd has one of the events of poll(2); fd -1: no longer. Keeps
 * fd until the next call. */
void inbox_watch(struct inbox *inbox, int fd, short events);
