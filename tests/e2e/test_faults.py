"""MongoDB and Redis fail under load: what was answered is stored once, and all else was told so.

FAULT_ROUNDS (default 3) times each fault, and each test says how often it hit requests under way; hitting none is a
failure. Writes succeed again within RECOVERY_S of the moment at which the service answers again.
"""
import os
import threading
import time
from collections import Counter

import pytest

import stores
from cutting_proxy import CuttingProxy
from load import Load
from processes import FAULTS, Service
from wire import eventually

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
RECOVERY_S = 5
BETWEEN = 200  # metrics that are acknowledged before a fault, and after it


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    service = Service("mongo", tmp_path_factory.mktemp("mongo") / "state")
    yield service
    service.close()


@pytest.fixture
def settings(mongo):
    return stores.Mongodb(mongo.uri).fresh(stores.OWN)


class Tally:
    """Over the rounds of a test: how often the fault hit, and the sums of the answers."""

    def __init__(self, title):
        self.title, self.n_hits, self.answers, self.slowest_s = title, 0, Counter(), 0.0
        self.n_acknowledged = 0

    def add(self, load, recovery_s, n_affected):
        self.n_hits += n_affected > 0
        self.answers += load.answers
        self.n_acknowledged += len(load.acknowledged)
        self.slowest_s = max(self.slowest_s, recovery_s)
        print(f"{self.title}: {n_affected} requests affected; {load.reckon()}; again after {recovery_s:.2f} s")

    def close(self):
        print(f"{self.title}: hit requests under way {self.n_hits} times in {ROUNDS} rounds, {self.n_acknowledged} "
              f"acknowledged and found, answers {dict(self.answers)}, again after {self.slowest_s:.2f} s at most")
        assert self.n_hits > 0, "the fault never happened under load"
        assert self.slowest_s < RECOVERY_S, "writes succeed again soon"


def run_rounds(title, server, fault):
    """fault() comes back when the service answers again."""
    tally = Tally(title)
    for round_ in range(ROUNDS):
        with Load(server, f"fault.round{round_}") as load:
            load.wait_for_more(BETWEEN)
            began = time.monotonic()
            fault()
            ended = time.monotonic()
            recovery_s = load.wait_for_success_after(ended)
            load.wait_for_more(BETWEEN)
        tally.add(load, recovery_s, load.count_affected(began, ended))
    tally.close()
    return tally


# MongoDB --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_mongodb_fails_under_load(start, settings, mongo, name):
    server = start(**settings)
    run_rounds(f"MongoDB {name}", server, lambda: FAULTS[name](mongo))


def test_mongodb_is_silent_for_longer_than_its_time_limit(start, settings, mongo):
    """It carries out what it was sent before, after the same was sent again."""
    server = start(**settings, MONGO_SOCKET_TIMEOUT_MS=1000)
    run_rounds("MongoDB SIGSTOP beyond its time limit", server, lambda: FAULTS["SIGSTOP"](mongo))


@pytest.fixture
def proxy(mongo):
    proxy = CuttingProxy(mongo.port)
    yield proxy
    proxy.close()


def test_answers_of_inserts_are_lost_under_load(start, settings, proxy):
    server = start(**{**settings, "MONGO_URI": proxy.uri})

    def lose_some():
        proxy.cut(3)
        eventually(proxy.is_through, 60)

    run_rounds("answers of inserts lost", server, lose_some)
    print("answers lost:", proxy.n_cuts)
    assert proxy.n_cuts == 3 * ROUNDS


def test_mongodb_is_killed_between_an_insert_and_its_answer(start, settings, mongo, proxy):
    """It comes back with what it had stored, and without a memory of who sent it."""
    server = start(**{**settings, "MONGO_URI": proxy.uri})

    def kill_after_insert():
        before = proxy.n_cuts
        proxy.cut(1, after_cut=lambda: FAULTS["SIGKILL"](mongo))
        eventually(lambda: proxy.n_cuts > before, 60)

    run_rounds("MongoDB SIGKILL before the answer", server, kill_after_insert)
    assert proxy.n_cuts == ROUNDS
