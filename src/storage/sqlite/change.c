/* SPDX-License-Identifier: MIT */
/* change: update and delete find the metric by its id, hold it against the job's condition, and then
 * change the row and its index entry. */
#include "writer.h"

void job_forget(struct job *job)
{
    job->existed = false;
    job->has_previous = false;
    for (uint32_t i = 0; i < job->n_metrics; i++)
        job->metrics[i].has_id = job->metrics[i].client_id;
}

/* Finds what the job is to change: sets *ret_record and job->previous, or the job's status. */
static int find_target(struct writer *writer, struct job *job, struct record *ret_record)
{
    struct slice series;
    int code = lookup_id(&writer->rows.lookup, &job->id, ret_record);
    if (code == SQLITE_DONE ||
        (code == SQLITE_ROW && ret_record->timestamp_ms < store_oldest_ms(writer->session.store))) {
        job->status = STATUS_NOT_FOUND;
        return SQLITE_OK;
    }
    if (code != SQLITE_ROW)
        return code;
    code = lookup_series(&writer->rows.lookup, ret_record->series, &job->arena, &series);
    if (code != SQLITE_OK)
        return code;
    struct metric stored = record_metric(ret_record, series);
    if (!job_may_touch(job, &stored)) {
        job->status = STATUS_NOT_FOUND;
        return SQLITE_OK;
    }
    if (!job_condition_holds(job, &stored)) {
        job->status = STATUS_PRECONDITION_FAILED;
        return SQLITE_OK;
    }
    job->previous = stored;
    job->has_previous = true;
    return SQLITE_OK;
}

int update_job(struct writer *writer, struct job *job)
{
    struct metric *metric = &job->metrics[0];
    struct record old;
    int code = find_target(writer, job, &old);
    if (code != SQLITE_OK || job->status != STATUS_OK)
        return code;
    struct record new_record = old;
    new_record.timestamp_ms = metric->timestamp_ms;
    new_record.value = metric->value;
    code = dictionary_number(&writer->dictionary, metric, &new_record.series);
    if (code == SQLITE_OK)
        code = rows_replace(&writer->rows, &old, &new_record);
    if (code != SQLITE_OK)
        return code;
    tail_touch(&writer->session.store->tail, old.row, new_record.series);
    metric->id = old.id;
    metric->has_id = true;
    writer->now.updated++;
    return SQLITE_OK;
}

int delete_job(struct writer *writer, struct job *job)
{
    struct record record;
    int code = find_target(writer, job, &record);
    if (code != SQLITE_OK || job->status != STATUS_OK)
        return code;
    code = transaction_remove(writer, &record);
    if (code == SQLITE_OK)
        writer->now.deleted++;
    return code;
}
