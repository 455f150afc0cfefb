/* SPDX-License-Identifier: MIT */
/* failing_memory: preloaded into a server, memory that runs out at a call which a test chooses: every way in which the
 * program or a library of it gets memory, and threads with their stacks. It stands before a sanitizer's own functions,
 * which therefore still see what was not refused. */
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "page.h"

enum kind { KIND_MALLOC, KIND_CALLOC, KIND_REALLOC, KIND_ALIGNED, KIND_STRDUP, KIND_MMAP, KIND_THREAD };

static struct page *page;
static uintptr_t program_from, program_to;
/* This thread asks for memory that a sanitizer cannot do without. */
static _Thread_local bool spared __attribute__((tls_model("initial-exec")));

/* The first object is the program. */
static int note_program(struct dl_phdr_info *object, size_t bytes, void *context)
{
    (void)bytes, (void)context;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
            continue;
        program_from = object->dlpi_addr + part->p_vaddr;
        program_to = program_from + part->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void prepare(void)
{
    dl_iterate_phdr(note_program, NULL);
    page = page_open();
}

static void note(const void *caller)
{
    Dl_info place = { 0 };
    if (dladdr(caller, &place) == 0 || place.dli_fname == NULL)
        return;
    snprintf(page->note, sizeof(page->note), "%s+0x%tx %s", place.dli_fname,
             (const char *)caller - (const char *)place.dli_fbase, place.dli_sname == NULL ? "" : place.dli_sname);
}

static bool fails(enum kind kind, const void *caller)
{
    uint64_t chance;
    if (page == NULL || spared)
        return false;
    if (atomic_load(&page->own) != 0 && ((uintptr_t)caller < program_from || (uintptr_t)caller >= program_to))
        return false;
    if (!page_fails(page, &chance))
        return false;
    atomic_fetch_add(&page->failed, 1);
    atomic_fetch_add(&page->kinds[kind], 1);
    note(caller);
    errno = ENOMEM;
    return true;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t bytes)
{
    return fails(KIND_MALLOC, CALLER) ? NULL : NEXT(malloc)(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    return fails(KIND_CALLOC, CALLER) ? NULL : NEXT(calloc)(n, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    return fails(KIND_REALLOC, CALLER) ? NULL : NEXT(realloc)(memory, bytes);
}

void *reallocarray(void *memory, size_t n, size_t bytes)
{
    return fails(KIND_REALLOC, CALLER) ? NULL : NEXT(reallocarray)(memory, n, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails(KIND_ALIGNED, CALLER) ? NULL : NEXT(aligned_alloc)(alignment, bytes);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t bytes)
{
    return fails(KIND_ALIGNED, CALLER) ? ENOMEM : NEXT(posix_memalign)(ret_memory, alignment, bytes);
}

/* A sanitizer's own would take its memory from itself, past malloc(). */
static char *copy(const char *text, size_t len, const void *caller)
{
    char *memory = fails(KIND_STRDUP, caller) ? NULL : NEXT(malloc)(len + 1);
    if (memory == NULL)
        return NULL;
    memcpy(memory, text, len);
    memory[len] = '\0';
    return memory;
}

char *strdup(const char *text)
{
    return copy(text, strlen(text), CALLER);
}

char *strndup(const char *text, size_t len)
{
    return copy(text, strnlen(text, len), CALLER);
}

void *mmap(void *place, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return fails(KIND_MMAP, CALLER) ? MAP_FAILED : NEXT(mmap)(place, bytes, protection, flags, fd, offset);
}

int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*main)(void *), void *context)
{
    return fails(KIND_THREAD, CALLER) ? EAGAIN : NEXT(pthread_create)(ret_thread, attributes, main, context);
}

/* Only a sanitizer asks this, in each thread that begins, and ends the process when it is not told. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *ret_attributes)
{
    spared = true;
    int result = NEXT(pthread_getattr_np)(thread, ret_attributes);
    spared = false;
    return result;
}
