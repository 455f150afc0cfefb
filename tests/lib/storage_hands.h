/* SPDX-License-Identifier: MIT */
/* storage_hands: a store in a folder of its own, and jobs for it, written as a test thinks of them. */
#pragma once

#include <limits.h>

#include <telemetry/job.h>
#include <telemetry/stats.h>
#include <telemetry/storage.h>

/* A store with one writer and one reader session on the calling thread. */
struct hands {
    const struct storage_ops *ops;
    struct storage_settings settings;
    struct storage *storage;
    struct storage_session *writer, *reader;
    struct stats *stats;
    char folder[64];
};

/* A metric in a test's words: tags stand apart by a blank, id is 24 hex digits or NULL. */
struct spec {
    const char *name, *tags;
    int64_t timestamp_ms;
    double value;
    const char *id;
};

/* Makes an empty folder and opens a store in it; fails the test if it cannot. */
struct hands *hands_new(const struct storage_ops *ops, unsigned run_rows);
/* Closes the store, if it is open, and removes the folder. Takes *hands. */
void hands_free(struct hands **hands);
void hands_open(struct hands *hands);
void hands_close(struct hands *hands);
/* Ends the sessions and opens the store anew. */
void hands_reopen(struct hands *hands);

/* Gives a job of that op, without deadline, freed by job_fixture_free(). */
struct job *hands_job(enum op op);
/* Gives a job that inserts these metrics; a batch when there are several. */
struct job *hands_insert_job(const struct spec specs[], unsigned n);
/* The metric of a spec, in arena. */
struct metric hands_metric(const struct spec *spec, struct arena *arena);
/* Gives a filter's tags: the words of a text, in arena. */
uint8_t hands_words(const char *text, struct arena *arena, struct slice **ret_words);

/* Runs one job on the writer's or the reader's session; returns its status. */
enum status hands_run(struct hands *hands, struct job *job);

/* Insert, and give the ids; fails the test unless all is stored. */
void hands_insert(struct hands *hands, const struct spec specs[], unsigned n, struct metric_id ret_ids[]);
enum status hands_update(struct hands *hands, struct metric_id id, const struct spec *spec);
enum status hands_delete(struct hands *hands, struct metric_id id);
/* Gives a job that has got the metric, whatever its status. */
struct job *hands_get(struct hands *hands, struct metric_id id);

/* The values of a list as text, "3 2 1", or its status; frees the job. A trailing "+" tells that more
 * follows. */
const char *hands_values(struct hands *hands, struct job *job, char ret_text[], size_t bytes);
