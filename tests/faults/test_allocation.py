"""Every allocation of every kind of request fails once, and with all behind it: an answer is right or a refusal, nothing is
stored in part, nothing leaks, and the next request works. FAULT_POINTS=all takes every point, else some of each kind.

MongoDB's driver ends the process when it gets no memory, by its own design; behind it only the calls of the server's own
code fail."""
import os
import time
from collections import Counter

import pytest
import stores
from allocation_calls import base
from allocation_kinds import all_kinds
from allocation_points import KINDS, PRELOADED, Points
from exact_client import run_clients
from shim import Shim
from test_keys import Keys

pytestmark = pytest.mark.sanitized
IS_ALL = os.environ.get("FAULT_POINTS") == "all"
STEPS = 600 if IS_ALL else 200  # of each client under load
RATE = 500                       # of a million calls
# One thread of each stage, so that a request is the same calls each time.
FEW_THREADS = {"LOOPS": 1, "PARSER_WORKERS": 1, "QUERY_WORKERS": 1, "STORAGE_WORKERS": 1, "REDIS_URI": ""}


@pytest.fixture
def points(tmp_path):
    """points(own=True, REDIS_URI=...) gives the points of a server that asks for keys; all kinds have run when it returns."""
    keys = Keys(tmp_path)
    begun = []

    def run(own=False, **settings):
        began = time.monotonic()
        points = Points(tmp_path, {**FEW_THREADS, "API_KEYS_FILE": keys.path, **settings}, keys.of["admin"], own, IS_ALL)
        begun.append(points)
        answer = points.connection.request("POST", "/metrics", base())
        assert answer.status == 201, answer
        for call in all_kinds():
            points.run(call)
        points.close()
        print(f"{points.line()}; {time.monotonic() - began:.1f} s")

    yield run
    for points in begun:
        points.server.stop()


def test_memory_fails_on_sqlite(points):
    points()


def test_memory_fails_with_redis(points, redis_uri):
    """Redis as the cache: what memory runs out for there costs hits."""
    points(REDIS_URI=redis_uri, REDIS_TIMEOUT_MS=2000)


@pytest.mark.stores("mongodb")
def test_memory_fails_on_mongodb(points, store):
    points(own=True, **store.fresh(stores.OWN))


@pytest.fixture
def load(start, tmp_path):
    """load(own=0, REDIS_URI=...): many clients at once while memory fails at random."""
    shim = Shim("failing-memory", tmp_path / "page")

    def run(steps=STEPS, own=0, rate=RATE, **settings):
        server = start(LOOPS=2, PARSER_WORKERS=2, QUERY_WORKERS=2, **{**settings, **shim.settings, **PRELOADED})
        shim.own = own
        line, failures = run_clients(server, shim, steps, rate)
        print(f"{line}; {dict(+Counter(shim.kinds(KINDS)))}")
        assert not failures, failures
        assert shim.failed > 0, "no call failed: the test showed nothing"

    return run


def test_memory_fails_at_random_under_load_on_sqlite(load):
    load(REDIS_URI="")


def test_memory_fails_at_random_under_load_with_redis(load, redis_uri):
    load(REDIS_URI=redis_uri, REDIS_TIMEOUT_MS=1000)


@pytest.mark.stores("mongodb")
def test_memory_fails_at_random_under_load_on_mongodb(load):
    load(own=1, rate=100 * RATE, steps=STEPS // 6)
