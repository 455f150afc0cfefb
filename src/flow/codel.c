/* SPDX-License-Identifier: MIT */
/* codel: what has waited tells whether the queue stands, which no burst can feign; what is ahead tells at once when
 * there is room again, where the last to come before a refusal would have waited the longest. */
#include <telemetry/codel.h>

enum { SMOOTHING = 8, GROWTH_MAX = 4, FIRST_NS_MAX = 1000 * 1000 };

void codel_worked(struct codel *codel, uint64_t step_ns)
{
    uint64_t usual_ns = codel->step_ns, most_ns = usual_ns == 0 ? FIRST_NS_MAX : GROWTH_MAX * usual_ns;
    if (step_ns > most_ns)
        step_ns = most_ns;
    codel->step_ns = usual_ns == 0 ? step_ns : (usual_ns * (SMOOTHING - 1) + step_ns) / SMOOTHING;
}

bool codel_refuses(struct codel *codel, uint64_t now_ns, uint64_t waited_ns, uint64_t ahead_ns)
{
    if (codel->target_ns == 0)
        return false;
    if (ahead_ns >= codel->interval_ns && ahead_ns >= codel->target_ns)
        codel->overloaded = true;
    bool is_late = (codel->overloaded ? ahead_ns : waited_ns) >= codel->target_ns;
    if (is_late == codel->overloaded) {
        codel->turning = false;
    } else if (!codel->turning) {
        codel->turning = true;
        codel->since_ns = now_ns;
    } else if (now_ns - codel->since_ns >= codel->interval_ns) {
        codel->turning = false;
        codel->overloaded = is_late;
    }
    return codel->overloaded && ahead_ns >= codel->target_ns;
}
