/* SPDX-License-Identifier: MIT */
/* The power of a store's disk goes off at any write, truncation or sync, and of what is not synced any part remains:
 * what was answered is there, once, no batch is there in part, and the file is whole. With a store that does not sync
 * its log (synchronous=NORMAL, planted) the same finds losses, or it would show nothing.
 *
 * POWER_ROUNDS (150) rounds; POWER_SEED repeats a run, as far as its threads let it. */
#include <telemetry/storage.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "lossy_vfs.h"
#include "storage_batches.h"
#include "suite.h"

enum {
    ROUNDS = 150,
    ROUNDS_OF_A_STORE = 25,
    ROUNDS_PLANTED = 40,
    OPERATIONS_MAX = 160,
    RUN_ROWS = 64,
    BATCHES_MAX = 16 * 1024,
    OLD_BATCHES = 10, /* looked at again after each round */
    POWER_OFF = 42,
    WAIT_MS = 60 * 1000
};

enum sync { SYNC_FULL, SYNC_NORMAL };

struct record {
    enum op op; /* OP_INSERT, or what became of its first metric later; OP_NONE: nobody was told */
    struct metric_id first;
};

/* Shared with the process whose power goes off. */
struct ledger {
    atomic_uint n_begun, n_answered; /* batches; those in between are in doubt */
    atomic_int changing;             /* enum op that is under way for the newest one that was answered */
    struct record records[BATCHES_MAX];
};

struct found {
    unsigned lost, doubled, in_part, broken;
};

static uint64_t state;

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t random_number(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned setting(const char *name, unsigned usual)
{
    const char *text = getenv(name);
    return text == NULL ? usual : (unsigned)strtoul(text, NULL, 10);
}

static void path_of(const struct hands *hands, const char *suffix, char ret_path[128])
{
    snprintf(ret_path, 128, "%s/metrics.db%s", hands->folder, suffix);
}

/* The process whose power goes off ------------------------------------------ */

static sem_t copy_is_due;

/* Copies the log while batches are written, as the store's own upkeep does when there is much of it. */
static void *copier_main(void *handle)
{
    for (;;) {
        sem_wait(&copy_is_due);
        sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return NULL;
}

static void start_copier(const struct hands *hands)
{
    char path[128];
    sqlite3 *handle;
    pthread_t thread;
    path_of(hands, "", path);
    if (sqlite3_open(path, &handle) != SQLITE_OK || sqlite3_busy_timeout(handle, WAIT_MS) != SQLITE_OK ||
        sqlite3_exec(handle, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL) != SQLITE_OK) {
        print_error("the log's copier cannot open the store: %s\n", sqlite3_errmsg(handle));
        _exit(5);
    }
    if (sem_init(&copy_is_due, 0, 0) != 0 || pthread_create(&thread, NULL, copier_main, handle) != 0)
        _exit(6);
}

static int leave_out(void *context, int action, const char *name, const char *value, const char *database,
                     const char *trigger)
{
    return action == SQLITE_PRAGMA && strcmp(name, "synchronous") == 0 && value != NULL ? SQLITE_IGNORE : SQLITE_OK;
}

/* Of each connection: what the store itself asks for is passed over. */
static int plant_normal(sqlite3 *handle, char **ret_text, const struct sqlite3_api_routines *routines)
{
    sqlite3_busy_timeout(handle, WAIT_MS); /* another connection may be opening or closing the files */
    int code = sqlite3_exec(handle, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    return code != SQLITE_OK ? code : sqlite3_set_authorizer(handle, leave_out, NULL);
}

static void store_batch(struct hands *hands, struct ledger *ledger, uint32_t number)
{
    atomic_store(&ledger->n_begun, number + 1);
    ledger->records[number] = (struct record){ OP_INSERT, batch_store(hands, number) };
    atomic_store(&ledger->n_answered, number + 1);
}

static void change_batch(struct hands *hands, struct ledger *ledger, uint32_t number, enum op op)
{
    static const struct spec changed = { "changed", "", 5, 5, NULL };
    struct record *record = &ledger->records[number];
    atomic_store(&ledger->changing, (int)op);
    enum status status =
        op == OP_DELETE ? hands_delete(hands, record->first) : hands_update(hands, record->first, &changed);
    if (status != STATUS_OK)
        _exit(7);
    record->op = op;
    atomic_store(&ledger->changing, OP_NONE);
}

_Noreturn static void child_main(struct hands *hands, struct ledger *ledger, const struct lossy_end *end,
                                 enum sync sync)
{
    lossy_vfs_install();
    if (sync == SYNC_NORMAL)
        sqlite3_auto_extension((void (*)(void))plant_normal);
    lossy_vfs_end(end);
    hands_open(hands);
    start_copier(hands);
    for (uint32_t number = atomic_load(&ledger->n_begun); number < BATCHES_MAX; number++) {
        store_batch(hands, ledger, number);
        if (number % 5 == 0)
            change_batch(hands, ledger, number, OP_DELETE);
        else if (number % 7 == 0)
            change_batch(hands, ledger, number, OP_UPDATE);
        hands->ops->tick(hands->writer, clock_ns());
        if (random_number() % 4 == 0)
            sem_post(&copy_is_due);
        if (random_number() % 16 == 0)
            hands_reopen(hands);
    }
    _exit(8);
}

/* What is found afterwards -------------------------------------------------- */

static enum op op_of_first(struct hands *hands, const struct record *record)
{
    struct job *job = hands_get(hands, record->first);
    enum op op = job->status != STATUS_OK ? OP_DELETE : job->metrics[0].value == 5 ? OP_UPDATE : OP_INSERT;
    job_fixture_free(&job);
    return op;
}

static void check_answered(struct hands *hands, const struct record *record, uint32_t number, struct found *found)
{
    unsigned wanted = record->op == OP_INSERT ? BATCH_METRICS : BATCH_METRICS - 1;
    unsigned n = batch_count(hands, number);
    if (record->op == OP_NONE)
        return;
    found->lost += n < wanted ? wanted - n : 0;
    found->lost += n == BATCH_METRICS && wanted < BATCH_METRICS; /* a change */
    found->doubled += n > BATCH_METRICS ? n - BATCH_METRICS : 0;
    found->in_part += n != 0 && n < BATCH_METRICS - 1;
    found->lost += n == wanted && op_of_first(hands, record) != record->op;
}

/* A batch of which nobody was told is there or not; its number is taken. */
static void check_doubtful(struct hands *hands, struct ledger *ledger, uint32_t number, struct found *found)
{
    unsigned n = batch_count(hands, number);
    found->in_part += n != 0 && n != BATCH_METRICS;
    ledger->records[number].op = OP_NONE;
}

/* A change that nobody was told of has been done or not. */
static void settle_change(struct hands *hands, struct ledger *ledger, uint32_t n_answered)
{
    enum op changing = (enum op)atomic_exchange(&ledger->changing, OP_NONE);
    if (changing != OP_NONE && op_of_first(hands, &ledger->records[n_answered - 1]) == changing)
        ledger->records[n_answered - 1].op = changing;
}

static int is_ok(void *context, int n_columns, char **values, char **names)
{
    *(bool *)context = strcmp(values[0], "ok") == 0;
    return 0;
}

static bool file_is_whole(const struct hands *hands)
{
    char path[128];
    sqlite3 *handle;
    bool ok = false;
    path_of(hands, "", path);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA integrity_check", is_ok, &ok, NULL);
    sqlite3_close(handle);
    return ok;
}

static void check_round(struct hands *hands, struct ledger *ledger, uint32_t n_before, struct found *found)
{
    uint32_t n_answered = atomic_load(&ledger->n_answered), n_begun = atomic_load(&ledger->n_begun);
    hands_open(hands);
    settle_change(hands, ledger, n_answered);
    for (uint32_t number = n_before; number < n_begun; number++)
        if (number < n_answered)
            check_answered(hands, &ledger->records[number], number, found);
        else
            check_doubtful(hands, ledger, number, found);
    for (unsigned i = 0; i < OLD_BATCHES && n_before > 0; i++) {
        uint32_t number = (uint32_t)(random_number() % n_before);
        check_answered(hands, &ledger->records[number], number, found);
    }
    found->broken += !file_is_whole(hands);
    hands_close(hands);
    atomic_store(&ledger->n_answered, n_begun);
}

/* Rounds -------------------------------------------------------------------- */

static void run_child(struct hands *hands, struct ledger *ledger, enum sync sync)
{
    struct lossy_end end = { .at_operation = 1 + (unsigned)(random_number() % OPERATIONS_MAX),
                             .exit_code = POWER_OFF,
                             .kept_percent = (unsigned)(random_number() % 3 * 40), /* none, 40 or 80 */
                             .seed = random_number() | 1 };
    int how;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        child_main(hands, ledger, &end, sync);
    assert_int_equal(waitpid(child, &how, 0), child);
    if (!WIFEXITED(how) || WEXITSTATUS(how) != POWER_OFF)
        fail_msg("the process ended otherwise: %d", how);
}

/* Without its files the store is made anew in the next round. */
static void remove_files(const struct hands *hands)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char path[128];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        path_of(hands, suffixes[i], path);
        unlink(path);
    }
}

/* One store through so many ends; returns how many batches were answered. */
static unsigned run_store(unsigned n_rounds, enum sync sync, struct found *found)
{
    struct ledger *ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(ledger, MAP_FAILED);
    struct hands *hands = hands_new(&storage_sqlite, RUN_ROWS);
    unsigned n_answered = 0;
    hands_close(hands);
    if (sync == SYNC_FULL)
        remove_files(hands);
    for (unsigned round = 0; round < n_rounds; round++) {
        uint32_t n_before = atomic_load(&ledger->n_begun);
        run_child(hands, ledger, sync);
        n_answered += atomic_load(&ledger->n_answered) - n_before;
        check_round(hands, ledger, n_before, found);
    }
    hands_free(&hands);
    munmap(ledger, sizeof(*ledger));
    return n_answered;
}

static void power_loss_at_any_write_loses_nothing(void **state_)
{
    struct found found = { 0 };
    unsigned wanted = setting("POWER_ROUNDS", ROUNDS), n_rounds = 0, n_answered = 0;
    for (; n_rounds < wanted; n_rounds += ROUNDS_OF_A_STORE)
        n_answered += run_store(ROUNDS_OF_A_STORE, SYNC_FULL, &found);
    print_message("# %u ends of power, %u batches answered: %u metrics lost, %u doubled, %u batches in part, %u files "
                  "broken\n",
                  n_rounds, n_answered, found.lost, found.doubled, found.in_part, found.broken);
    assert_true(n_answered > n_rounds);
    assert_int_equal(found.lost + found.doubled + found.in_part + found.broken, 0);
}

/* The layer sees a missing sync: batches are lost, though whole, and the file stays whole. */
static void power_loss_without_syncs_loses_batches(void **state_)
{
    struct found found = { 0 };
    unsigned n_answered = 0;
    for (unsigned round = 0; round < ROUNDS_PLANTED; round++)
        n_answered += run_store(1, SYNC_NORMAL, &found);
    print_message("# planted: %u batches answered: %u metrics lost, %u doubled, %u files broken\n", n_answered,
                  found.lost, found.doubled, found.broken);
    assert_true(found.lost > 0);
    assert_int_equal(found.doubled + found.broken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_loss_at_any_write_loses_nothing),
        cmocka_unit_test(power_loss_without_syncs_loses_batches),
    };
    state = setting("POWER_SEED", (unsigned)clock_ns());
    print_message("# POWER_SEED=%u\n", (unsigned)state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
