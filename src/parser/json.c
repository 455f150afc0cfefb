/* SPDX-License-Identifier: MIT */
/* json: cJSON notes where a parse failed in one place for all threads; nobody here reads it, and what
 * passed the gate fails only without memory. */
#include "json.h"

#include <assert.h>
#include <pthread.h>

static _Thread_local struct arena *tree_arena;
static _Thread_local bool exhausted;
static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

static void *take(size_t bytes)
{
    assert(tree_arena != NULL); /* cJSON is reached by json_parse() only */
    void *memory = arena_alloc(tree_arena, bytes);
    exhausted = exhausted || memory == NULL;
    return memory;
}

static void drop(void *memory)
{
    (void)memory;
}

static void hooks_set(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = take, .free_fn = drop });
}

void json_init(void)
{
    pthread_once(&hooks_once, hooks_set);
}

enum status json_parse(struct slice text, struct arena *arena, cJSON **ret_tree)
{
    const char *end = NULL;
    exhausted = false;
    tree_arena = arena;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.data, text.len, &end, 0);
    tree_arena = NULL;
    if (tree == NULL || end != text.data + text.len)
        return exhausted ? STATUS_OUT_OF_MEMORY : STATUS_INTERNAL;
    *ret_tree = tree;
    return STATUS_OK;
}
