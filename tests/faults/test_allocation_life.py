"""Memory fails while the server starts, reads its keys again, and ends: it serves or says why not, keeps its old keys, and
leaves a store that has all that was acknowledged. FAULT_POINTS=all takes more points."""
import os
import signal
from collections import Counter

import pytest
import stores
from allocation_points import ALL, ONE, PRELOADED
from boot import Boot
from server import Server
from shim import Shim
from test_keys import Keys
from wire import eventually, ndjson

pytestmark = pytest.mark.sanitized
IS_ALL = os.environ.get("FAULT_POINTS") == "all"
FEW_THREADS = {"LOOPS": 1, "PARSER_WORKERS": 1, "QUERY_WORKERS": 1, "REDIS_URI": ""}


@pytest.fixture
def shim(tmp_path):
    return Shim("failing-memory", tmp_path / "page")


def numbers(count, few, many):
    """About so many of the calls 1 to count."""
    return range(1, count + 1, max(1, count // (many if IS_ALL else few)))


def start_once(shim, settings, number, span, own):
    """One start; returns what came of it."""
    shim.arm(number, span, own=own)
    boot = Boot(shim, **{**FEW_THREADS, **settings})
    try:
        port = boot.outcome()
        shim.disarm()
        if port is None:
            boot.assert_refused()
        else:
            boot.assert_serves(f"boot.{number}.{span}")
            boot.assert_ends()
        boot.assert_clean()
        return "serves" if port else "refused"
    finally:
        boot.close()


def start_often(shim, settings, own, few, many):
    start_once(shim, settings, 0, ONE, own)  # the store exists
    start_once(shim, settings, 0, ONE, own)
    count, outcomes, failures, n_failed = shim.calls, Counter(), [], 0
    for span in (ONE, ALL):
        for number in numbers(count, few, many):
            try:
                outcomes[start_once(shim, settings, number, span, own)] += 1
            except AssertionError as failure:
                failures.append(f"call {number} of {count}, span {span}, at {shim.note()}: {failure}")
                print(failures[-1])
            n_failed += shim.failed
    print(f"start: {sum(outcomes.values()) + len(failures)} points, {n_failed} calls failed; {dict(outcomes)}")
    assert not failures, "\n".join(failures)
    assert n_failed > 0 and outcomes["refused"] > 0, "no call failed: the test showed nothing"


@pytest.mark.parametrize("own, few, many", [(1, 25, 100_000), (0, 25, 250)], ids=["own calls", "all calls"])
def test_memory_fails_at_start(shim, tmp_path, own, few, many):
    start_often(shim, {"DATA_DIR": tmp_path / "data"}, own, few, many)


@pytest.mark.stores("mongodb")
def test_memory_fails_at_start_with_mongodb_and_redis(shim, store):
    """The server's own calls alone: the driver of MongoDB ends the process without memory."""
    start_often(shim, {**store.fresh(stores.OWN), "REDIS_URI": os.environ.get("TEST_REDIS_URI", "")}, 1, 12, 100_000)


def test_memory_fails_while_keys_are_read_again(shim, tmp_path):
    """What was read or stays is told, and the keys of before go on."""
    keys = Keys(tmp_path)
    server = Server(tmp_path / "data", API_KEYS_FILE=keys.path, **{**FEW_THREADS, **shim.settings, **PRELOADED})
    said, n_failed = Counter(), 0
    for span in (ONE, ALL):
        number = 0
        while number == 0 or shim.failed > 0:
            number += 1
            before = len(server.lines)
            shim.arm(number, span)
            server.process.send_signal(signal.SIGHUP)
            line = eventually(lambda: next((line for line in server.lines[before:] if "keys" in line), None))
            shim.disarm()
            n_failed += shim.failed
            said["stay" if "stay" in line else "read"] += 1
            with server.connect() as connection:
                answer = connection.request("GET", "/metrics", headers={"X-API-Key": keys.of["reader"]})
            assert answer.status == 200, answer
    server.stop()
    print(f"SIGHUP: {sum(said.values())} points, {n_failed} calls failed; {dict(said)}")
    assert n_failed > 0 and said["stay"] > 0


def end_once(shim, tmp_path, number, span):
    """One start, one batch, and an end; returns the name of what was stored."""
    server = Server(tmp_path / "data", **{**FEW_THREADS, **shim.settings, **PRELOADED})
    name = f"end.{number}.{span}"
    body = ndjson([{"name": name, "tags": [f"n:{i}"], "value": i} for i in range(50)])
    answer = server.request("POST", "/metrics", body, content_type="application/x-ndjson")
    assert answer.status == 201, answer
    shim.arm(number, span)
    server.stop()
    shim.disarm()
    return name


def test_memory_fails_at_the_end(shim, tmp_path):
    """It ends with 0, leaks nothing, and the next one finds what was stored."""
    end_once(shim, tmp_path, 0, ONE)
    count, n_failed, names = shim.calls, 0, []
    for span in (ONE, ALL):
        for number in numbers(count, 10, 100):
            names.append(end_once(shim, tmp_path, number, span))
            n_failed += shim.failed
    server = Server(tmp_path / "data", **FEW_THREADS)
    for name in names:
        assert len(server.list_all(name=name)) == 50, name
    server.stop()
    print(f"SIGTERM: {len(names)} points of {count} calls, {n_failed} calls failed")
    assert n_failed > 0
