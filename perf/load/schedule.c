/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include <math.h>

static const double second_ns = 1e9;

void schedule_start(struct schedule *schedule, uint64_t start_ns, double warm_up_s, double duration_s)
{
    schedule->start_ns = start_ns;
    schedule->warm_ns = start_ns + (uint64_t)(warm_up_s * second_ns);
    schedule->end_ns = schedule->warm_ns + (uint64_t)(duration_s * second_ns);
    schedule->next = 0;
}

/* From the number and not from the request before: nothing adds up, so the rate never drifts. */
uint64_t schedule_due_ns(const struct schedule *schedule, uint64_t number)
{
    return schedule->start_ns + (uint64_t)((double)number * second_ns / schedule->rate);
}

uint64_t schedule_next_due_ns(const struct schedule *schedule, uint64_t now_ns)
{
    if (schedule->rate > 0)
        return schedule_due_ns(schedule, schedule->next);
    return now_ns > schedule->start_ns ? now_ns : schedule->start_ns;
}

bool schedule_has_next(const struct schedule *schedule, uint64_t now_ns)
{
    return (schedule->limit == 0 || schedule->next < schedule->limit) &&
           schedule_next_due_ns(schedule, now_ns) < schedule->end_ns;
}

uint64_t schedule_backlog(const struct schedule *schedule, uint64_t now_ns)
{
    uint64_t until_ns = now_ns < schedule->end_ns ? now_ns : schedule->end_ns;
    if (schedule->rate <= 0 || until_ns <= schedule->start_ns)
        return 0;
    uint64_t due = (uint64_t)ceil((double)(until_ns - schedule->start_ns) * schedule->rate / second_ns);
    if (schedule->limit > 0 && due > schedule->limit)
        due = schedule->limit;
    return due > schedule->next ? due - schedule->next : 0;
}
