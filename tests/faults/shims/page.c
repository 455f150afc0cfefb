/* SPDX-License-Identifier: MIT */
/* page: mapped by plain system calls, for the shims stand before the library's. */
#include "page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MILLION = 1000000 };

struct page *page_open(void)
{
    const char *path = getenv("FAULT_PAGE");
    long file = path == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0)
        return NULL;
    long memory = syscall(SYS_mmap, NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);
    syscall(SYS_close, file);
    return memory == -1 ? NULL : (struct page *)memory;
}

/* splitmix64 (Steele, Lea and Flood 2014) of the number of the call. */
static uint64_t random_of(const struct page *page, uint64_t number)
{
    uint64_t z = atomic_load(&page->seed) + number * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

bool page_fails(struct page *page, uint64_t *ret_chance)
{
    if (page == NULL || atomic_load_explicit(&page->armed, memory_order_relaxed) == 0)
        return false;
    uint64_t number = atomic_fetch_add(&page->calls, 1) + 1;
    uint64_t first = atomic_load(&page->first);
    uint64_t chance = random_of(page, number);
    *ret_chance = chance / MILLION;
    if (first == 0)
        return chance % MILLION < atomic_load(&page->rate);
    return number >= first && number - first < atomic_load(&page->span);
}
