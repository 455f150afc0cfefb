/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <telemetry/job.h>

#include "flow/job_pool.h"

enum { JOBS = 64 };

static void take_all(struct job_pool *pool, struct job *jobs[])
{
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = job_pool_take(pool);
        assert_non_null(jobs[i]);
    }
}

static void put_all(struct job_pool *pool, struct job *jobs[])
{
    for (unsigned i = 0; i < JOBS; i++) {
        job_pool_put(pool, &jobs[i]);
        assert_null(jobs[i]);
    }
}

static void take_gives_an_empty_job_at_the_start_of_its_journey(void **state)
{
    (void)state;
    struct job_pool *pool = job_pool_new(JOBS, 3);
    struct job *job = job_pool_take(pool);
    assert_int_equal((uintptr_t)job % 64, 0);
    assert_int_equal(job->hop, HOP_PARSER);
    assert_null(job->route);
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->cache.max_stale_ms, -1);
    assert_int_equal(job->home.loop, 3);
    assert_int_equal(job->arena.block_bytes, JOB_BLOCK_BYTES);
    job_pool_put(pool, &job);
    job_pool_free(&pool);
    assert_null(pool);
    job_pool_free(&pool);
}

static void take_gives_each_job_once_and_then_none(void **state)
{
    (void)state;
    struct job_pool *pool = job_pool_new(JOBS, 0);
    struct job *jobs[JOBS];
    for (unsigned round = 0; round < 3; round++) {
        take_all(pool, jobs);
        assert_null(job_pool_take(pool));
        assert_int_equal(job_pool_in_use(pool), JOBS);
        for (unsigned i = 0; i < JOBS; i++)
            for (unsigned j = 0; j < i; j++)
                assert_ptr_not_equal(jobs[i], jobs[j]);
        put_all(pool, jobs);
        assert_int_equal(job_pool_in_use(pool), 0);
    }
    job_pool_free(&pool);
}

static void take_gives_the_newest_first(void **state)
{
    (void)state;
    struct job_pool *pool = job_pool_new(JOBS, 0);
    struct job *first = job_pool_take(pool);
    struct job *second = job_pool_take(pool);
    struct job *last = second;
    job_pool_put(pool, &first);
    job_pool_put(pool, &second);
    struct job *again = job_pool_take(pool);
    assert_ptr_equal(again, last);
    job_pool_put(pool, &again);
    job_pool_free(&pool);
}

/* Blocks that two jobs shared would show each other's bytes. */
static void take_gives_each_job_a_block_of_its_own(void **state)
{
    (void)state;
    struct job_pool *pool = job_pool_new(JOBS, 0);
    struct job *jobs[JOBS];
    char *blocks[JOBS];
    take_all(pool, jobs);
    for (unsigned i = 0; i < JOBS; i++) {
        blocks[i] = arena_alloc(&jobs[i]->arena, JOB_BLOCK_BYTES);
        assert_int_equal(jobs[i]->arena.overflow_bytes, 0);
        memset(blocks[i], (int)i, JOB_BLOCK_BYTES);
    }
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(blocks[i][0], i);
        assert_int_equal(blocks[i][JOB_BLOCK_BYTES - 1], i);
        assert_int_equal(jobs[i]->hop, HOP_PARSER);
    }
    put_all(pool, jobs);
    job_pool_free(&pool);
}

/* The heap blocks themselves are the leak checker's matter (AddressSanitizer). */
static void put_drops_arena_and_body(void **state)
{
    (void)state;
    struct job_pool *pool = job_pool_new(JOBS, 0);
    struct job *job = job_pool_take(pool);
    char *first = arena_alloc(&job->arena, 16);
    assert_non_null(arena_alloc(&job->arena, 2 * JOB_BLOCK_BYTES));
    assert_true(job->arena.overflow_bytes > 0);
    job->home.body_block = malloc(1000);
    job->home.body_block_bytes = 1000;
    job_pool_put(pool, &job);
    job = job_pool_take(pool);
    assert_int_equal(job->arena.overflow_bytes, 0);
    assert_null(job->arena.chunks);
    assert_ptr_equal(arena_alloc(&job->arena, 16), first);
    assert_null(job->home.body_block);
    job_pool_put(pool, &job);
    job_pool_free(&pool);
}

/* A job that failed, or whose client is gone, still has the reference that the store gave it. */
static void put_lets_go_of_the_catalogue(void **state)
{
    (void)state;
    struct slice name = SLICE("cpu");
    struct catalogue *kept = catalogue_new(&name, 1, NULL, 0, true, 1);
    struct job_pool *pool = job_pool_new(JOBS, 0);
    struct job *job = job_pool_take(pool);
    job->catalogue = catalogue_share(kept);
    job_pool_put(pool, &job);
    assert_true(catalogue_has_name(kept, name));
    job = job_pool_take(pool);
    assert_null(job->catalogue);
    job->catalogue = kept; /* the last one: what is not freed is a leak (AddressSanitizer) */
    job_pool_put(pool, &job);
    job_pool_free(&pool);
}

/* Every byte but the arena was something else before. */
static void take_gives_a_used_job_with_clean_cargo(void **state)
{
    (void)state;
    struct job_pool *pool = job_pool_new(JOBS, 7);
    struct job *job = job_pool_take(pool);
    struct arena arena = job->arena;
    memset((void *)job, 0xA5, sizeof(*job));
    job->arena = arena;
    job->home.loop = 7;
    job->home.body_block = NULL;
    job->catalogue = NULL;
    job_pool_put(pool, &job);
    job = job_pool_take(pool);
    struct job empty = { .arena = job->arena, .hop = HOP_PARSER, .cache.max_stale_ms = -1, .home.loop = 7 };
    assert_null(job->route);
    assert_int_equal(job->deadline_ns, 0);
    assert_int_equal(job->worker_hash, 0);
    assert_int_equal(job->hop, HOP_PARSER);
    assert_int_equal(job->status, STATUS_OK);
    assert_false(job->if_match || job->has_next || job->existed || job->has_previous || job->return_ids || job->batch);
    assert_int_equal(job->n_metrics, 0);
    assert_memory_equal(&job->request, &empty.request, sizeof(empty.request));
    assert_memory_equal(&job->reply.body, &empty.reply.body, sizeof(empty.reply.body));
    assert_int_equal(job->reply.http, 0);
    assert_int_equal(job->reply.n_errors, 0);
    assert_null(job->reply.allow);
    assert_int_equal(job->cache.key.len, 0);
    assert_int_equal(job->cache.generation, 0);
    assert_false(job->cache.leads || job->cache.no_cache);
    assert_memory_equal(job->stage_ns, empty.stage_ns, sizeof(empty.stage_ns));
    assert_null(job->home.connection);
    assert_null(job->home.earlier);
    assert_false(job->home.away || job->home.answered || job->home.expired);
    job_pool_put(pool, &job);
    job_pool_free(&pool);
}

/* Bytes in memory of the pages from `from` (rounded up) to `to` (rounded down). */
static size_t resident_bytes(const char *from, const char *to)
{
    static unsigned char pages[1 << 16];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)from + page - 1) / page * page;
    size_t n = ((uintptr_t)to - begin) / page;
    size_t resident = 0;
    assert_true(n <= sizeof(pages));
    assert_int_equal(mincore((void *)begin, n * page, pages), 0);
    for (size_t i = 0; i < n; i++)
        resident += (pages[i] & 1) * page;
    return resident;
}

/* A huge page may come along with the first small one. */
static void new_leaves_untouched_jobs_out_of_memory(void **state)
{
    (void)state;
    enum { MANY = 4096, HUGE_PAGE = 2 << 20 };
    struct job_pool *pool = job_pool_new(MANY, 0);
    struct job *first = job_pool_take(pool);
    struct job *second = job_pool_take(pool);
    const char *begin = (const char *)first;
    ptrdiff_t slot_bytes = (const char *)second - begin;
    assert_true(slot_bytes >= JOB_BLOCK_BYTES);
    assert_true(resident_bytes(begin, begin + MANY * slot_bytes) <= 2 * HUGE_PAGE);
    job_pool_put(pool, &second);
    job_pool_put(pool, &first);
    for (unsigned i = 0; i < MANY; i++) { /* a quiet server takes and puts the same one */
        struct job *job = job_pool_take(pool);
        job_pool_put(pool, &job);
    }
    assert_true(resident_bytes(begin, begin + MANY * slot_bytes) <= 2 * HUGE_PAGE);
    job_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_gives_an_empty_job_at_the_start_of_its_journey),
        cmocka_unit_test(take_gives_each_job_once_and_then_none),
        cmocka_unit_test(take_gives_the_newest_first),
        cmocka_unit_test(take_gives_each_job_a_block_of_its_own),
        cmocka_unit_test(put_drops_arena_and_body),
        cmocka_unit_test(put_lets_go_of_the_catalogue),
        cmocka_unit_test(take_gives_a_used_job_with_clean_cargo),
        cmocka_unit_test(new_leaves_untouched_jobs_out_of_memory),
    };
    return cmocka_run_group_tests_name("job_pool", tests, NULL, NULL);
}
