# SPDX-License-Identifier: MIT
"""Processes by identity: a pid together with its start time, which no later process with that pid shares."""
import os
import select
import signal
import socket
from pathlib import Path


def stat_of(pid):
    """(state, start time in clock ticks) of a process, None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2:].split()
    return fields[0], int(fields[19])


def start_time_of(pid):
    stat = stat_of(pid)
    return stat[1] if stat else None


def is_alive(pid, start_time):
    """True while that very process runs; one that has ended and was not yet collected does not."""
    stat = stat_of(pid)
    return stat is not None and stat[0] not in "ZX" and stat[1] == start_time


def end_process(pid, start_time, wait_s):
    """Ends that very process: SIGTERM, SIGKILL after wait_s. A pidfd, so that no other can be hit in between."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not is_alive(pid, start_time):
            return
        for ending, seconds in ((signal.SIGTERM, wait_s), (signal.SIGKILL, 5)):
            signal.pidfd_send_signal(handle, ending)
            signal.pidfd_send_signal(handle, signal.SIGCONT)  # one that a test has stopped takes its signal only then
            if select.select([handle], [], [], seconds)[0]:
                return
        raise OSError(f"process {pid} does not end")
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def listener_inodes(port):
    """The sockets that listen on a port, as the kernel lists them."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes


def owns_port(pid, port):
    """True when that process holds a socket that listens on the port."""
    wanted = {f"socket:[{inode}]" for inode in listener_inodes(port)}
    try:
        handles = list(os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False
    for handle in handles:
        try:
            if os.readlink(handle.path) in wanted:
                return True
        except OSError:
            continue
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
