/* SPDX-License-Identifier: MIT */
/* short_io: preloaded into a server, a system whose calls do less than they were asked, are interrupted, must be tried
 * again or meet a reset, at random and as often as a test's page says. Only what the call may do by its manual: sockets
 * and pipes are cut, reset and busy, files are cut, the sync of a file fails. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "page.h"

enum { PARTS_MAX = 64, FEW_BYTES = 16, RARE = 8, RARE_SYNC = 4 };

/* What the page counts, in this order (tests/faults/test_short_io.py has the names). */
enum kind {
    READ_CUT,
    READ_EINTR,
    READ_EAGAIN,
    READ_RESET,
    WRITE_CUT,
    WRITE_EINTR,
    WRITE_EAGAIN,
    WRITE_RESET,
    ACCEPT_EINTR,
    ACCEPT_ABORTED,
    WAIT_EINTR,
    PREAD_CUT,
    PREAD_EINTR,
    PWRITE_CUT,
    PWRITE_EINTR,
    SYNC_EIO,
    KINDS
};

static struct page *page;

__attribute__((constructor)) static void prepare(void)
{
    page = page_open();
}

static void count(enum kind kind)
{
    atomic_fetch_add(&page->failed, 1);
    atomic_fetch_add(&page->kinds[kind], 1);
}

static ssize_t fail(enum kind kind, int reason)
{
    count(kind);
    errno = reason;
    return -1;
}

/* Streams ------------------------------------------------------------------ */

enum verdict { PASSES, IS_CUT, HAS_FAILED };

static mode_t type_of(int fd)
{
    struct stat state;
    return fstat(fd, &state) == 0 ? state.st_mode & S_IFMT : 0;
}

static bool may_be_busy(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

/* A few bytes or nearly all, of two at least. */
static size_t fewer_than(size_t bytes, uint64_t chance)
{
    size_t limit = chance % 2 == 0 || bytes - 1 < FEW_BYTES ? bytes - 1 : FEW_BYTES;
    return 1 + chance / 2 % limit;
}

/* What becomes of a call of so many bytes on a stream. `first` is READ_CUT or WRITE_CUT, the others stand behind it.
 * What goes into a pipe at once stays whole (pipe(7)). */
static enum verdict judge(int fd, enum kind first, size_t bytes, size_t *ret_bytes)
{
    uint64_t chance;
    mode_t type = page_fails(page, &chance) ? type_of(fd) : 0;
    if (type != S_IFSOCK && type != S_IFIFO)
        return PASSES;
    unsigned what = chance % (4 * RARE);
    chance /= 4 * RARE;
    if (what == 0 && type == S_IFSOCK) {
        fail(first + 3, ECONNRESET);
        return HAS_FAILED;
    }
    if (what % 4 == 1 || (what % 4 == 2 && may_be_busy(fd))) {
        fail(first + what % 4, what % 4 == 1 ? EINTR : EAGAIN);
        return HAS_FAILED;
    }
    if (bytes < 2 || (type == S_IFIFO && first == WRITE_CUT && bytes <= PIPE_BUF))
        return PASSES;
    *ret_bytes = fewer_than(bytes, chance);
    count(first);
    return IS_CUT;
}

static size_t total_of(const struct iovec parts[], int n)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += parts[i].iov_len;
    return bytes;
}

/* The first bytes of the parts; returns how many parts. */
static int cut_parts(const struct iovec parts[], int n, size_t bytes, struct iovec ret_parts[PARTS_MAX])
{
    int i = 0;
    for (; i < n && i < PARTS_MAX && bytes > 0; i++) {
        ret_parts[i] = parts[i];
        if (ret_parts[i].iov_len > bytes)
            ret_parts[i].iov_len = bytes;
        bytes -= ret_parts[i].iov_len;
    }
    return i;
}

/* What becomes of a call on several parts: gives how many of *parts, or of the fewer that *parts is then; -1: it
 * failed. */
static int judge_parts(int fd, enum kind first, const struct iovec **parts, int n, struct iovec fewer[PARTS_MAX])
{
    size_t bytes = 0;
    enum verdict verdict = judge(fd, first, total_of(*parts, n), &bytes);
    if (verdict != IS_CUT)
        return verdict == PASSES ? n : -1;
    n = cut_parts(*parts, n, bytes, fewer);
    *parts = fewer;
    return n;
}

ssize_t read(int fd, void *data, size_t bytes)
{
    return judge(fd, READ_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(read)(fd, data, bytes);
}

ssize_t recv(int fd, void *data, size_t bytes, int flags)
{
    return judge(fd, READ_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(recv)(fd, data, bytes, flags);
}

ssize_t readv(int fd, const struct iovec *parts, int n)
{
    struct iovec fewer[PARTS_MAX];
    n = judge_parts(fd, READ_CUT, &parts, n, fewer);
    return n < 0 ? -1 : NEXT(readv)(fd, parts, n);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    return judge(fd, WRITE_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(write)(fd, data, bytes);
}

ssize_t send(int fd, const void *data, size_t bytes, int flags)
{
    return judge(fd, WRITE_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(send)(fd, data, bytes, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    struct iovec fewer[PARTS_MAX];
    n = judge_parts(fd, WRITE_CUT, &parts, n, fewer);
    return n < 0 ? -1 : NEXT(writev)(fd, parts, n);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec fewer[PARTS_MAX];
    struct msghdr shorter = *message;
    const struct iovec *parts = message->msg_iov;
    int n = judge_parts(fd, WRITE_CUT, &parts, (int)message->msg_iovlen, fewer);
    if (n < 0)
        return -1;
    shorter.msg_iov = (struct iovec *)parts;
    shorter.msg_iovlen = (size_t)n;
    return NEXT(sendmsg)(fd, &shorter, flags);
}

/* Waiting ------------------------------------------------------------------- */

int accept4(int fd, struct sockaddr *ret_address, socklen_t *len, int flags)
{
    uint64_t chance;
    if (page_fails(page, &chance))
        return (int)(chance % 2 == 0 ? fail(ACCEPT_EINTR, EINTR) : fail(ACCEPT_ABORTED, ECONNABORTED));
    return NEXT(accept4)(fd, ret_address, len, flags);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
    uint64_t chance;
    return page_fails(page, &chance) ? (int)fail(WAIT_EINTR, EINTR) : NEXT(epoll_wait)(fd, events, n, timeout_ms);
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout_ms, const sigset_t *signals)
{
    uint64_t chance;
    return page_fails(page, &chance) ? (int)fail(WAIT_EINTR, EINTR)
                                     : NEXT(epoll_pwait)(fd, events, n, timeout_ms, signals);
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    uint64_t chance;
    return page_fails(page, &chance) ? (int)fail(WAIT_EINTR, EINTR) : NEXT(poll)(fds, n, timeout_ms);
}

/* Files -------------------------------------------------------------------- */

/* `first` is PREAD_CUT or PWRITE_CUT. */
static enum verdict judge_file(enum kind first, size_t bytes, size_t *ret_bytes)
{
    uint64_t chance;
    if (!page_fails(page, &chance))
        return PASSES;
    if (chance % 2 == 0) {
        fail(first + 1, EINTR);
        return HAS_FAILED;
    }
    if (bytes < 2)
        return PASSES;
    *ret_bytes = 1 + chance / 2 % (bytes - 1);
    count(first);
    return IS_CUT;
}

ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
    return judge_file(PREAD_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(pread)(fd, data, bytes, offset);
}

ssize_t pread64(int fd, void *data, size_t bytes, off64_t offset)
{
    return judge_file(PREAD_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(pread64)(fd, data, bytes, offset);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    return judge_file(PWRITE_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(pwrite)(fd, data, bytes, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    return judge_file(PWRITE_CUT, bytes, &bytes) == HAS_FAILED ? -1 : NEXT(pwrite64)(fd, data, bytes, offset);
}

/* A sync that fails is rare, for it fails all that waits for it. */
static bool sync_fails(void)
{
    uint64_t chance;
    return page_fails(page, &chance) && chance % RARE_SYNC == 0 && fail(SYNC_EIO, EIO) < 0;
}

int fsync(int fd)
{
    return sync_fails() ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return sync_fails() ? -1 : NEXT(fdatasync)(fd);
}
