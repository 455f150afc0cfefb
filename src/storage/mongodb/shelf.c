/* SPDX-License-Identifier: MIT */
#include "shelf.h"

#include <telemetry/clock.h>
#include <telemetry/job.h>
#include <telemetry/storage.h>

void shelf_init(struct shelf *shelf)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    *shelf = (struct shelf){ .newest = NULL };
    pthread_cond_init(&shelf->changed, &attributes);
    pthread_mutex_init(&shelf->mutex, NULL);
    pthread_condattr_destroy(&attributes);
}

void shelf_fini(struct shelf *shelf)
{
    catalogue_release(&shelf->newest);
    pthread_cond_destroy(&shelf->changed);
    pthread_mutex_destroy(&shelf->mutex);
}

uint64_t shelf_version(const struct shelf *shelf)
{
    return clock_ns() / CATALOGUE_AGE_NS + atomic_load_explicit(&shelf->n_moves, memory_order_relaxed);
}

/* Readers -------------------------------------------------------------------- */

static bool is_as_new_as(const struct shelf *shelf, uint64_t version)
{
    return shelf->newest != NULL && shelf->newest->version >= version;
}

/* Waits for the reading under way; false when the time is over. */
static bool wait_for_reader(struct shelf *shelf, uint64_t end_ns)
{
    struct timespec end = { .tv_sec = (time_t)(end_ns / NS_PER_S), .tv_nsec = (long)(end_ns % NS_PER_S) };
    int result = 0;
    uint64_t n_readings = shelf->n_readings;
    while (shelf->n_readings == n_readings && result == 0)
        result = pthread_cond_timedwait(&shelf->changed, &shelf->mutex, &end);
    return shelf->n_readings != n_readings;
}

/* What a caller gets that came at this version. */
static enum shelf_answer answer(struct shelf *shelf, uint64_t version, const struct shelf_wish *wish)
{
    while (!is_as_new_as(shelf, version) || shelf->newest->made_ns < wish->made_after_ns) {
        if (!shelf->reading) {
            shelf->reading = true;
            return SHELF_READ;
        }
        if (!wait_for_reader(shelf, wish->end_ns))
            return SHELF_LATE;
        if (shelf->status != STATUS_OK && shelf->status != STATUS_QUERY_TOO_SLOW) /* its time was not ours */
            return SHELF_FAILED;
    }
    return SHELF_HAS;
}

enum shelf_answer shelf_take(struct shelf *shelf, const struct shelf_wish *wish, struct catalogue **ret_catalogue,
                             enum status *ret_status)
{
    uint64_t version = shelf_version(shelf);
    pthread_mutex_lock(&shelf->mutex);
    enum shelf_answer answered = answer(shelf, version, wish);
    if (answered == SHELF_HAS)
        *ret_catalogue = catalogue_share(shelf->newest);
    if (answered == SHELF_FAILED)
        *ret_status = shelf->status;
    pthread_mutex_unlock(&shelf->mutex);
    return answered;
}

void shelf_put(struct shelf *shelf, struct catalogue *catalogue, enum status status)
{
    pthread_mutex_lock(&shelf->mutex);
    if (catalogue != NULL) {
        catalogue_release(&shelf->newest);
        shelf->newest = catalogue_share(catalogue);
    }
    shelf->reading = false;
    shelf->status = status;
    shelf->n_readings++;
    pthread_cond_broadcast(&shelf->changed);
    pthread_mutex_unlock(&shelf->mutex);
}

/* Writers -------------------------------------------------------------------- */

static bool is_large(const struct catalogue *catalogue)
{
    return catalogue->n_names + catalogue->n_tags > CATALOGUE_EXACT_MAX;
}

/* Whether the version may have to move. Of an older catalogue nobody believes that it is complete, but what is being
 * read may miss what is stored meanwhile; then gives the newest one, or NULL when there is none. */
static bool is_watched(struct shelf *shelf, struct catalogue **ret_catalogue)
{
    pthread_mutex_lock(&shelf->mutex);
    const struct catalogue *newest = shelf->newest;
    bool is_watched = shelf->reading || is_as_new_as(shelf, shelf_version(shelf));
    is_watched = is_watched && (newest == NULL || (newest->complete && !is_large(newest)));
    *ret_catalogue = is_watched && newest != NULL ? catalogue_share(shelf->newest) : NULL;
    pthread_mutex_unlock(&shelf->mutex);
    return is_watched;
}

static bool has_all_of(const struct catalogue *catalogue, const struct metric *metric)
{
    struct slice tag;
    size_t cursor = 0;
    bool has = catalogue != NULL && catalogue_has_name(catalogue, metric_name(metric));
    while (has && metric_next_tag(metric, &cursor, &tag))
        has = catalogue_has_tag(catalogue, tag);
    return has;
}

/* Whether the job stored a metric whose name or tags the catalogue (NULL: that of nothing) lacks. */
static bool brought_news(const struct job *job, const struct catalogue *catalogue)
{
    uint8_t op = job->route->hops[job->hop].op;
    if (job->status != STATUS_OK || (op != OP_INSERT && op != OP_UPDATE))
        return false;
    for (uint32_t i = 0; i < job->n_metrics; i++)
        if (!has_all_of(catalogue, &job->metrics[i]))
            return true;
    return false;
}

void shelf_notice(struct shelf *shelf, struct job *const jobs[], unsigned n)
{
    struct catalogue *catalogue;
    bool has_news = false;
    if (!is_watched(shelf, &catalogue))
        return;
    for (unsigned i = 0; i < n && !has_news; i++)
        has_news = brought_news(jobs[i], catalogue);
    if (has_news)
        atomic_fetch_add_explicit(&shelf->n_moves, 1, memory_order_relaxed);
    catalogue_release(&catalogue);
}
