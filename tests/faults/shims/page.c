/* SPDX-License-Identifier: MIT */
/* page: mapped by plain system calls, for the shims stand before the library's. */
#include "page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

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

int page_fails(struct page *page)
{
    uint64_t number = atomic_fetch_add(&page->calls, 1) + 1;
    uint64_t first = atomic_load(&page->first);
    return first != 0 && number >= first && number - first < atomic_load(&page->span);
}
