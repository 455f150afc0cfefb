/* SPDX-License-Identifier: MIT */
/* page: how a test tells a preloaded shim what to do, and reads what it did: a file that both have mapped. The words
 * are native, 8 bytes each, in this order (tests/faults/shim.py has the other side). */
#pragma once

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PAGE_KINDS = 24, PAGE_NOTE_BYTES = 160 };

struct page {
    atomic_uint_fast64_t armed;             /* 0: nothing counts and nothing fails */
    atomic_uint_fast64_t first;             /* the number of the first call that fails, from 1; 0: chance decides */
    atomic_uint_fast64_t span;              /* how many fail from there on */
    atomic_uint_fast64_t own;               /* only calls count that the program itself makes, not its libraries */
    atomic_uint_fast64_t rate;              /* of a million calls, how many fail at random */
    atomic_uint_fast64_t seed;              /* of that chance */
    atomic_uint_fast64_t calls;             /* made while armed */
    atomic_uint_fast64_t failed;            /* of them */
    atomic_uint_fast64_t kinds[PAGE_KINDS]; /* of those, by what was done */
    char note[PAGE_NOTE_BYTES];             /* the program text of the newest that failed */
};

/* The page of the file that FAULT_PAGE names, or NULL. Lent for ever. */
struct page *page_open(void);

/* Counts one call; whether it is one of those to fail, by its number or by chance. *ret_chance is a random number for
 * what follows. */
bool page_fails(struct page *page, uint64_t *ret_chance);

/* What comes behind this library under the same name. Found at the first call, by several threads perhaps. */
#define NEXT(name)                                                                                                     \
    ({                                                                                                                 \
        static __typeof__(&(name)) next;                                                                               \
        __typeof__(&(name)) found = __atomic_load_n(&next, __ATOMIC_RELAXED);                                          \
        if (found == NULL) {                                                                                           \
            *(void **)&found = dlsym(RTLD_NEXT, #name);                                                                \
            __atomic_store_n(&next, found, __ATOMIC_RELAXED);                                                          \
        }                                                                                                              \
        found;                                                                                                         \
    })
