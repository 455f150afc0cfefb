/* SPDX-License-Identifier: MIT */
/* A process that stores metrics is killed, or loses the power of its disk, while it does so: what it was
 * told is stored is there, and no batch is there in part. */
#include <telemetry/storage.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "lossy_vfs.h"
#include "storage_batches.h"
#include "suite.h"

enum { ROUNDS = 8, RUN_ROWS = 64, POWER_OFF = 42 };

enum end { END_KILL, END_POWER };

/* One batch that was answered, as the child reports it: less than PIPE_BUF, so whole or not at all. */
struct report {
    uint32_t number;
    enum op op; /* OP_INSERT, or what became of its first metric later; OP_NONE: nobody was told */
    struct metric_id first;
};

static void tell(int pipe_end, uint32_t number, enum op op, struct metric_id first)
{
    struct report report = { .number = number, .op = op, .first = first };
    if (write(pipe_end, &report, sizeof(report)) != (ssize_t)sizeof(report))
        _exit(3);
}

static void *power_main(void *context)
{
    const struct timespec *time = context;
    nanosleep(time, NULL);
    lossy_vfs_power_off(POWER_OFF);
}

static void start_power_thread(unsigned milliseconds)
{
    static struct timespec time;
    pthread_t thread;
    time.tv_nsec = (long)milliseconds * 1000000;
    lossy_vfs_install();
    if (pthread_create(&thread, NULL, power_main, &time) != 0)
        _exit(5);
}

/* Stores batches until its end; deletes the first metric of every fifth, updates that of every
 * seventh. */
static void child_main(struct hands *hands, uint32_t number, int pipe_end)
{
    static const struct spec changed = { "changed", "", 5, 5, NULL };
    hands_open(hands);
    for (;; number++) {
        struct metric_id first = batch_store(hands, number);
        tell(pipe_end, number, OP_INSERT, first);
        if (number % 5 == 0 && hands_delete(hands, first) == STATUS_OK)
            tell(pipe_end, number, OP_DELETE, first);
        else if (number % 7 == 0 && hands_update(hands, first, &changed) == STATUS_OK)
            tell(pipe_end, number, OP_UPDATE, first);
        hands->ops->tick(hands->writer, clock_ns());
    }
}

struct ledger {
    struct report *reports; /* the newest of each batch, by number */
    uint32_t n;             /* batches that were answered or may have been begun */
};

static void assert_ended(pid_t child, enum end end)
{
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (end == END_KILL)
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    else
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == POWER_OFF);
}

/* Lets the child work for a while until its end, and takes what it has told. */
static void run_child(struct hands *hands, struct ledger *ledger, unsigned round, enum end end)
{
    unsigned milliseconds = 50 + 37 * round;
    int ends[2];
    struct report report;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        if (end == END_POWER)
            start_power_thread(milliseconds);
        child_main(hands, ledger->n, ends[1]);
        _exit(4);
    }
    close(ends[1]);
    uint64_t end_ns = clock_ns() + milliseconds * NS_PER_MS;
    while (read(ends[0], &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        if (report.number >= ledger->n)
            ledger->n = report.number + 1;
        ledger->reports = realloc(ledger->reports, ledger->n * sizeof(report));
        ledger->reports[report.number] = report;
        if (end == END_KILL && clock_ns() > end_ns)
            kill(child, SIGKILL);
    }
    close(ends[0]);
    assert_ended(child, end);
}

/* The change of the last batch may have been done although nobody was told. */
static void settle_last(struct hands *hands, struct report *report)
{
    struct job *job = hands_get(hands, report->first);
    if (report->op == OP_INSERT && job->status == STATUS_NOT_FOUND && report->number % 5 == 0)
        report->op = OP_DELETE;
    else if (report->op == OP_INSERT && report->number % 7 == 0 && job->status == STATUS_OK &&
             job->metrics[0].value == 5)
        report->op = OP_UPDATE;
    job_fixture_free(&job);
}

static void check_batch(struct hands *hands, const struct report *report)
{
    if (report->op == OP_NONE)
        return;
    struct job *job = hands_get(hands, report->first);
    assert_int_equal(batch_count(hands, report->number), report->op == OP_INSERT ? BATCH_METRICS : BATCH_METRICS - 1);
    assert_int_equal(job->status, report->op == OP_DELETE ? STATUS_NOT_FOUND : STATUS_OK);
    if (report->op == OP_UPDATE)
        assert_true(job->metrics[0].value == 5);
    job_fixture_free(&job);
}

/* A batch that is stored although nobody was told: its number is taken. */
static void skip_unanswered(struct hands *hands, struct ledger *ledger)
{
    unsigned n = batch_count(hands, ledger->n);
    assert_true(n == 0 || n == BATCH_METRICS);
    if (n == 0)
        return;
    ledger->n++;
    ledger->reports = realloc(ledger->reports, ledger->n * sizeof(ledger->reports[0]));
    ledger->reports[ledger->n - 1] = (struct report){ .number = ledger->n - 1, .op = OP_NONE };
}

static void run_rounds(enum end end)
{
    struct ledger ledger = { NULL, 0 };
    struct hands *hands = hands_new(&storage_sqlite, RUN_ROWS);
    hands_close(hands);
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_child(hands, &ledger, round, end);
        hands_open(hands);
        if (ledger.n > 0)
            settle_last(hands, &ledger.reports[ledger.n - 1]);
        for (uint32_t i = 0; i < ledger.n; i++)
            check_batch(hands, &ledger.reports[i]);
        skip_unanswered(hands, &ledger);
        hands_close(hands);
    }
    assert_true(ledger.n > 0);
    print_message("# %u batches in %d rounds\n", ledger.n, (int)ROUNDS);
    free(ledger.reports);
    hands_free(&hands);
}

static void killed_process_loses_nothing(void **state)
{
    run_rounds(END_KILL);
}

static void power_loss_loses_nothing(void **state)
{
    run_rounds(END_POWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_process_loses_nothing),
        cmocka_unit_test(power_loss_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
