/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>

#include "probe.h"
#include "setup.h"
#include "store.h"

#define WATCH_GOOD_NS (2 * NS_PER_S)
#define WATCH_BAD_NS  (250 * NS_PER_MS)

struct watch {
    struct store *store;
    struct link link;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the two below */
    bool stopping, woken;
    pthread_cond_t changed;
};

/* Looks once; what it finds is noted. */
static void look(struct watch *watch)
{
    struct store *store = watch->store;
    bson_error_t error = { .message = "" };
    enum server_kind kind;
    bool was_good = mongo_failure(store) == FAILURE_NONE;
    enum failure failure = probe_run(&watch->link, &kind, &error);
    if (failure == FAILURE_LOST) /* that one connection broke tells little */
        failure = probe_run(&watch->link, &kind, &error);
    if (failure == FAILURE_NONE && !was_good)
        failure = setup_run(store, &watch->link, kind, &error);
    mongo_note(store, failure, error.message);
}

/* Sleeps until it is time, or somebody wakes it; false when it is to end. */
static bool wait_a_while(struct watch *watch)
{
    uint64_t until_ns = clock_ns() + (mongo_failure(watch->store) == FAILURE_NONE ? WATCH_GOOD_NS : WATCH_BAD_NS);
    struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S) };
    pthread_mutex_lock(&watch->mutex);
    int result = 0;
    while (!watch->stopping && !watch->woken && result == 0)
        result = pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
    watch->woken = false;
    bool goes_on = !watch->stopping;
    pthread_mutex_unlock(&watch->mutex);
    return goes_on;
}

static void *watch_main(void *context)
{
    struct watch *watch = context;
    pthread_setname_np(pthread_self(), "watch");
    do
        look(watch);
    while (wait_a_while(watch));
    return NULL;
}

static void init_condition(struct watch *watch)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&watch->mutex, NULL);
}

int watch_start(struct store *store, struct watch **ret_watch, struct error *error)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return error_set(error, 1, "no memory to watch the store");
    watch->store = store;
    init_condition(watch);
    *ret_watch = watch; /* before the thread, which may wake itself */
    if (mongo_link(store, &watch->link, error) != 0)
        goto free_watch;
    int failure = pthread_create(&watch->thread, NULL, watch_main, watch);
    if (failure == 0)
        return 0;
    error_set(error, 1, "cannot start the thread that watches the store: %s", strerror(failure));
    mongo_unlink(store, &watch->link);
free_watch:
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
    *ret_watch = NULL;
    return -1;
}

static void tell(struct watch *watch, bool *flag)
{
    pthread_mutex_lock(&watch->mutex);
    *flag = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
}

void watch_stop(struct watch **watch)
{
    struct watch *self = *watch;
    *watch = NULL;
    if (self == NULL)
        return;
    tell(self, &self->stopping);
    pthread_join(self->thread, NULL);
    mongo_unlink(self->store, &self->link);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

void watch_wake(struct watch *watch)
{
    tell(watch, &watch->woken);
}
