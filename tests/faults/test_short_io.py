"""The system's calls do less than they were asked, are interrupted, busy or reset, at random: every answer is right and in
order, and what was acknowledged is stored, whole. FAULT_POINTS=all goes on for longer."""
import json
import os

import pytest
import stores
from allocation_points import PRELOADED
from exact_client import run_clients
from shim import Shim

pytestmark = pytest.mark.sanitized
IS_ALL = os.environ.get("FAULT_POINTS") == "all"
KINDS = ("read cut", "read EINTR", "read EAGAIN", "read reset", "write cut", "write EINTR", "write EAGAIN", "write reset",
         "accept EINTR", "accept aborted", "wait EINTR", "pread cut", "pread EINTR", "pwrite cut", "pwrite EINTR", "sync EIO")
OF_FILES = KINDS[-5:]
STEPS = 3000 if IS_ALL else 300
TURNS = 5       # at most; a few connections may be spared what comes to them seldom
RATE = 100_000  # of a million calls


@pytest.fixture
def run(start, tmp_path):
    """run(without=(), REDIS_URI=...): the load, again until each kind of fault came, but for those."""
    shim = Shim("short-io", tmp_path / "page")

    def run_load(without=(), steps=STEPS, **settings):
        server = start(LOOPS=2, PARSER_WORKERS=2, QUERY_WORKERS=2, **{**settings, **shim.settings, **PRELOADED})
        for turn in range(TURNS):
            line, failures = run_clients(server, shim, steps, RATE, turn)
            kinds = shim.kinds(KINDS)
            print(f"{line}; {', '.join(f'{count} {kind}' for kind, count in kinds.items() if count)}")
            assert not failures, failures
            if all(kinds[kind] > 0 for kind in KINDS if kind not in without):
                break
        server.stop()
        for line in server.lines:
            json.loads(line)
        assert all(kinds[kind] > 0 for kind in KINDS if kind not in without), f"a fault never came: {kinds}"

    return run_load


def test_short_io_on_sqlite(run):
    run(REDIS_URI="")


def test_short_io_with_redis(run, redis_uri):
    run(REDIS_URI=redis_uri, REDIS_TIMEOUT_MS=1000)


@pytest.mark.stores("mongodb")
def test_short_io_on_mongodb(run):
    run(without=OF_FILES, steps=min(STEPS // 8, 150))
