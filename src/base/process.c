/* SPDX-License-Identifier: MIT */
/* process: what /proc and the limits say about this process (proc(5)). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/stats_read.h"
#include <telemetry/clock.h>

/* The second of the numbers in statm, which counts pages. */
static uint64_t resident_bytes(void)
{
    char numbers[128] = "", *second = numbers;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm == NULL)
        return 0;
    if (fgets(numbers, sizeof(numbers), statm) != NULL)
        strtoull(numbers, &second, 10);
    fclose(statm);
    return strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Entries of /proc/self/fd but `.`, `..` and the descriptor that reads them. */
static uint64_t open_fds(void)
{
    uint64_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n - 1;
}

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_usec * 1000;
}

void process_figures_read(struct process_figures *ret_figures)
{
    struct rusage usage;
    struct rlimit limit;
    *ret_figures = (struct process_figures){ .resident_bytes = resident_bytes(), .open_fds = open_fds() };
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        ret_figures->cpu_ns = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        ret_figures->max_fds = limit.rlim_cur;
}
