/* SPDX-License-Identifier: MIT */
#include "faulty_storage.h"

#include <stdlib.h>
#include <time.h>

#include <telemetry/clock.h>
#include <telemetry/job.h>

struct faulty_session {
    struct storage_session_head head;
    struct faulty_storage *faulty;
    struct storage_session *session; /* of the store behind */
};

static struct faulty_session *of(struct storage_session *session)
{
    return (struct faulty_session *)session;
}

static const struct storage_health *faulty_health(const struct storage *storage)
{
    const struct faulty_storage *faulty = (const struct faulty_storage *)storage;
    return faulty->ops->health(faulty->storage);
}

static int faulty_attach(struct storage *storage, enum storage_role role, unsigned index, struct stats *stats,
                         struct storage_session **ret_session, struct error *error)
{
    struct faulty_storage *faulty = (struct faulty_storage *)storage;
    struct faulty_session *made = malloc(sizeof(*made));
    if (made == NULL)
        return error_set(error, 1, "no memory for a session");
    *made = (struct faulty_session){ .head.ops = &faulty_storage_ops, .faulty = faulty };
    if (faulty->ops->attach(faulty->storage, role, index, stats, &made->session, error) != 0) {
        free(made);
        return -1;
    }
    *ret_session = (struct storage_session *)made;
    return 0;
}

static void faulty_detach(struct storage_session **session)
{
    struct faulty_session *self = of(*session);
    self->faulty->ops->detach(&self->session);
    free(self);
    *session = NULL;
}

static void fail_all(struct job *jobs[], unsigned n, enum status status)
{
    for (unsigned i = 0; i < n; i++)
        job_fail(jobs[i], status, SLICE("as the test wants it"));
}

static void take_time(uint64_t ns)
{
    nanosleep(&(struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) }, NULL);
}

static void faulty_write(struct storage_session *session, struct job *jobs[], unsigned n)
{
    struct faulty_session *self = of(session);
    if (self->faulty->write_ns > 0)
        take_time(self->faulty->write_ns);
    if (self->faulty->write_status == STATUS_OK)
        self->faulty->ops->write(self->session, jobs, n);
    else
        fail_all(jobs, n, self->faulty->write_status);
}

static void faulty_read(struct storage_session *session, struct job *jobs[], unsigned n)
{
    struct faulty_session *self = of(session);
    if (self->faulty->read_status == STATUS_OK)
        self->faulty->ops->read(self->session, jobs, n);
    else
        fail_all(jobs, n, self->faulty->read_status);
}

static uint64_t faulty_catalogue_version(const struct storage *storage)
{
    const struct faulty_storage *faulty = (const struct faulty_storage *)storage;
    return faulty->ops->catalogue_version(faulty->storage);
}

static uint64_t faulty_tick(struct storage_session *session, uint64_t now_ns)
{
    return of(session)->faulty->ops->tick(of(session)->session, now_ns);
}

const struct storage_ops faulty_storage_ops = {
    .name = "faulty",
    .health = faulty_health,
    .attach = faulty_attach,
    .detach = faulty_detach,
    .write = faulty_write,
    .read = faulty_read,
    .catalogue_version = faulty_catalogue_version,
    .tick = faulty_tick,
};
