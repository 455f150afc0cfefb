"""The disk is full, again and again, under load: what is refused is not stored, what was answered stays, reads go on, and
writes succeed soon after there is space again. Behind it the file of the store is whole.

A disk is a small file system in memory where mounting is allowed, and a limit on the size of files everywhere."""
import contextlib
import resource
import sqlite3
import subprocess
import time

import pytest

from load import Load
from row import ROUNDS, within

DISK_BYTES = 64 << 20
PIECE = 1 << 16
REFUSALS = 20  # that a full disk lasts for
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class SmallDisk:
    """A file system of DISK_BYTES. fill() writes a file of nothing until no byte more goes in."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"NO FULL DISK BUT BY A LIMIT ON FILES: mounting is not allowed here ({done.stderr.strip()})")
        self.ballast = folder / "ballast"

    def fill(self, _):
        with open(self.ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
            size = PIECE
            while size:
                if file.write(bytes(size)) < size:
                    size //= 2

    def empty(self, _):
        self.ballast.unlink()

    def close(self):
        subprocess.run(["umount", self.folder], check=True)


class FileLimit:
    """No file of the server may be larger than the smallest of those that it writes is now."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def fill(self, server):
        sizes = [path.stat().st_size for path in (self.folder / "data").glob("*.db*")]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (min(sizes), resource.RLIM_INFINITY))

    @staticmethod
    def empty(server):
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, UNLIMITED)

    def close(self):
        pass


@pytest.fixture(params=[SmallDisk, FileLimit], ids=["file system", "limit on files"])
def disk(request, tmp_path):
    disk = request.param(tmp_path / "disk")
    yield disk
    disk.close()


def count_full(load):
    return sum(count for kind, count in load.answers.items() if kind.startswith("507"))


def check_file(data_dir):
    """The store's file is whole, by SQLite's own account."""
    with contextlib.closing(sqlite3.connect(f"file:{data_dir / 'metrics.db'}?mode=ro", uri=True)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_full_disk(disk, start, new_row, request):
    row = new_row(f"full disk ({request.node.callspec.id})", ROUNDS)
    server, loads = start(data_dir=disk.folder / "data"), []
    for round_ in range(row.wanted):
        with Load(server, f"full.round{round_}", may_refuse=(503, 507)) as load:
            load.wait_for_more(200)
            began = time.monotonic()
            disk.fill(server)
            load.wait_until(lambda: count_full(load) >= REFUSALS)
            assert len(server.list_all(name=load.name)) >= 200, "reads go on"
            assert server.request("GET", "/healthz").status == 200
            disk.empty(server)
            ended = time.monotonic()
            recovery_s = load.wait_for_success_after(ended)
            load.wait_for_more(200)
        row.add(1, load.count_affected(began, ended), load.answers, load.reckon(), recovery_s)
        loads.append(load)
    assert row.recovery_s < within(5, 20), "writes succeed again soon"
    server.kill()
    check_file(server.data_dir)
    again = start(data_dir=server.data_dir)
    for load in loads:
        load.reckon(again)
    again.stop()
    check_file(server.data_dir)
