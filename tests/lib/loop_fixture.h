/* SPDX-License-Identifier: MIT */
/* loop_fixture: a real loop on a loopback socket, and behind it one thread that answers by rule.
 *
 *   /hold...  keeps the job until loop_fixture_release() names its target
 *   /big/N    200 with a body of N letters
 *   /lead/... 200 with "lead:" as the lead and the target's rest as the body
 *   /fail     404 as a problem
 *   /who      200 with "role:key:prefix"
 *   others    200 with "target:body" */
#pragma once

#include <stdint.h>

#include <telemetry/stats.h>

#include "http/loop.h"

struct loop_fixture;

/* No wait ends by itself within a test, small limits. To be changed before loop_fixture_start(). */
struct http_settings loop_fixture_settings(void);

/* Starts loop and thread; keeps settings. Fails the test otherwise. */
struct loop_fixture *loop_fixture_start(const struct http_settings *settings, unsigned n_jobs);
/* The same with a loop that rests in the turn in which it begins to drain, until loop_fixture_go_on(). */
struct loop_fixture *loop_fixture_start_resting(const struct http_settings *settings, unsigned n_jobs);
/* Waits until the loop rests. */
void loop_fixture_await_rest(struct loop_fixture *fixture);
void loop_fixture_go_on(struct loop_fixture *fixture);
unsigned loop_fixture_port(const struct loop_fixture *fixture);
/* Takes *fixture: drains, lets all held jobs go home, stops, and asserts that all jobs and all of the
 * budget are at home. */
void loop_fixture_stop(struct loop_fixture **fixture);

/* Gives the loop other keys; takes *access. Those of before count until the next request on. */
void loop_fixture_set_access(struct loop_fixture *fixture, struct access **access);
/* Begins to drain. */
void loop_fixture_drain(struct loop_fixture *fixture);
/* Waits until the loop's thread has ended. */
void loop_fixture_join(struct loop_fixture *fixture);
/* Waits until n jobs are held. */
void loop_fixture_await_held(struct loop_fixture *fixture, unsigned n);
/* Sends the held job with this target home; "" all of them. Returns how many. */
unsigned loop_fixture_release(struct loop_fixture *fixture, const char *target);

uint64_t loop_fixture_counter(const struct loop_fixture *fixture, enum stats_counter counter);
int64_t loop_fixture_gauge(const struct loop_fixture *fixture, enum stats_gauge gauge);
/* Wait until a counter has reached, or a gauge is, a value; fail the test after some seconds. */
void loop_fixture_await_counter(struct loop_fixture *fixture, enum stats_counter counter, uint64_t value);
void loop_fixture_await_gauge(struct loop_fixture *fixture, enum stats_gauge gauge, int64_t value);
