/* SPDX-License-Identifier: MIT */
/* job_fixture: jobs made by hand, for tests that have no server around them. */
#pragma once

#include <telemetry/job.h>
#include <telemetry/route.h>

/* Routes as the server's own, with an encode that leaves the reply as it is. */
extern const struct route job_fixture_read_route;   /* CACHE_GET, FIND, CACHE_PUT */
extern const struct route job_fixture_insert_route; /* INSERT, CACHE_INVALIDATE */
extern const struct route job_fixture_update_route; /* UPDATE, CACHE_INVALIDATE */

/* Gives an empty job without deadline, freed by job_fixture_free(). */
struct job *job_fixture_new(void);

/* Takes *job (NULL is allowed). */
void job_fixture_free(struct job **job);

/* Makes the job a read of `key`; empties its answer and its arena. */
void job_fixture_read(struct job *job, enum cache_scope scope, const char *scope_text, const char *key);

/* Gives the job a JSON answer with this body; its lead stays. */
void job_fixture_answer(struct job *job, const char *body);

/* Makes the job an insert of n metrics with these names, no tags and no ids. */
void job_fixture_insert(struct job *job, const char *const names[], unsigned n);

/* The decimal number that is the body of the job's answer. */
unsigned job_fixture_number(const struct job *job);
