"""Every allocation of every kind of request fails once, and with all behind it: an answer is right or a refusal, nothing is
stored in part, nothing leaks, and the next request works. FAULT_POINTS=all takes every point, else some of each kind.

MongoDB's driver ends the process when it gets no memory, by its own design; behind it only the calls of the server's own
code fail."""
import os
import time

import pytest
import stores
from allocation_calls import base
from allocation_kinds import all_kinds
from allocation_points import Points
from test_keys import Keys

pytestmark = pytest.mark.sanitized
IS_ALL = os.environ.get("FAULT_POINTS") == "all"
# One thread of each stage, so that a request is the same calls each time.
FEW_THREADS = {"LOOPS": 1, "PARSER_WORKERS": 1, "QUERY_WORKERS": 1, "STORAGE_WORKERS": 1, "REDIS_URI": ""}


@pytest.fixture
def points(tmp_path):
    """points(own=True, REDIS_URI=...) gives the points of a server that asks for keys; all kinds have run when it returns."""
    keys = Keys(tmp_path)

    def run(own=False, **settings):
        began = time.monotonic()
        points = Points(tmp_path, {**FEW_THREADS, "API_KEYS_FILE": keys.path, **settings}, keys.of["admin"], own, IS_ALL)
        answer = points.connection.request("POST", "/metrics", base())
        assert answer.status == 201, answer
        for call in all_kinds():
            points.run(call)
        points.close()
        print(f"{points.line()}; {time.monotonic() - began:.1f} s")

    return run


def test_memory_fails_on_sqlite(points):
    points()


def test_memory_fails_with_redis(points):
    """Redis as the cache: what memory runs out for there costs hits."""
    if not os.environ.get("TEST_REDIS_URI"):
        pytest.skip("TEST_REDIS_URI is not set: it names a Redis that may be filled")
    points(REDIS_URI=os.environ["TEST_REDIS_URI"], REDIS_TIMEOUT_MS=2000)


@pytest.mark.stores("mongodb")
def test_memory_fails_on_mongodb(points, store):
    points(own=True, **store.fresh(stores.OWN))
