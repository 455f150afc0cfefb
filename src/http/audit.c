/* SPDX-License-Identifier: MIT */
#include "http/audit.h"

#include <telemetry/access.h>
#include <telemetry/job.h>
#include <telemetry/log.h>

static const char *change_of(const struct job *job)
{
    switch (job->request.method) {
    case METHOD_POST:
        return "stored";
    case METHOD_PUT:
        return "replaced";
    case METHOD_DELETE:
        return "deleted";
    default:
        return NULL;
    }
}

/* What the store says of the change, whatever the client was told; NULL: there was none. */
static const char *outcome_of(const struct job *job)
{
    if (job->status == STATUS_OUTCOME_UNKNOWN)
        return "unknown";
    return job->status == STATUS_OK ? "done" : NULL;
}

/* Plans are asked by POST, too; they have no metrics to store. */
static bool is_change_of_admin(const struct job *job)
{
    return outcome_of(job) != NULL && job->inquiry == NULL && change_of(job) != NULL &&
           job->access.role == ROLE_ADMIN && job->access.key.len > 0;
}

void audit(const struct job *job)
{
    char number[LOG_NUMBER_BYTES];
    if (!is_change_of_admin(job))
        return;
    uint32_t n_metrics = job->request.method == METHOD_DELETE ? 1 : job->n_metrics;
    log_write(LOG_INFO, NULL, "audit", "key", job->access.key.data, "change", change_of(job), "target",
              job->request.target.data, "metrics", log_number(number, n_metrics), "outcome", outcome_of(job),
              (char *)0);
}
