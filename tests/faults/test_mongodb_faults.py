"""MongoDB fails under load: what was answered is stored once, and of all else it was said so."""
import threading

import pytest

from cutting_proxy import CuttingProxy
from processes import FAULTS, KINDS
from row import ROUNDS, Reckoning
from rounds import run_rounds
from wire import eventually

CLIENTS, BATCH = 4, 10
ENOUGH = 200  # confirmed before a kill
RACES = {"restart": pytest.mark.races}


class Writers:
    """Clients of MongoDB itself: half of them write batches, with the concern that the server has."""

    def __init__(self, client):
        import pymongo
        concern = pymongo.WriteConcern(w="majority", j=True)
        self.error = pymongo.errors.PyMongoError
        self.collection = client.journal.get_collection("numbers", write_concern=concern)
        self.confirmed, self.n_cut = set(), 0
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _write(self, number):
        first = number * 1_000_000
        try:
            while True:
                values = range(first, first + (BATCH if number % 2 else 1))
                self.collection.insert_many([{"_id": value} for value in values], ordered=False)
                self.confirmed.update(values)
                first = values.stop
        except self.error:
            self.n_cut += 1  # killed

    def join(self):
        for thread in self.threads:
            thread.join()


@pytest.fixture(scope="module")
def losses(mongo_store, mongo):
    """Without the server: how much of what this MongoDB confirms as journaled is gone behind a SIGKILL, and the rounds that
    showed it as (cut, Reckoning). What follows is to measure the server, not the MongoDB behind it."""
    rounds = []
    for _ in range(ROUNDS):
        with mongo_store.client(retryWrites=False) as client:
            client.drop_database("journal")
            writers = Writers(client)
            eventually(lambda w=writers: len(w.confirmed) > ENOUGH, 60)
            mongo.kill()
            writers.join()
            mongo.start()
            found = [document["_id"] for document in client.journal.numbers.find()]
        lost = writers.confirmed - set(found)
        rounds.append((writers.n_cut, Reckoning(len(writers.confirmed), len(found), len(lost), len(found) - len(set(found)))))
    return rounds


def test_the_mongodb_of_these_tests_keeps_what_it_confirmed(losses, new_row):
    row = new_row(f"SIGKILL of MongoDB alone ({KINDS['mongo']})", ROUNDS)
    for n_cut, reckoned in losses:
        row.add(1, n_cut, (), reckoned)
    if row.reckoned.lost:
        row.excused(f"this {KINDS['mongo']} loses what it confirmed")


@pytest.fixture
def mongo_row(new_row, losses):
    """mongo_row(fault, kills): one that kills a MongoDB which loses by itself is not counted."""
    def make(fault, kills=False):
        if kills and sum(reckoned.lost for _, reckoned in losses):
            new_row(fault, 0).excused("the MongoDB of this run loses what it confirmed")
            pytest.skip("THE MONGODB OF THIS RUN LOSES WHAT IT CONFIRMED: it was not killed under the server")
        return new_row(fault, ROUNDS)
    return make


@pytest.mark.parametrize("name", [pytest.param(name, marks=RACES.get(name, ())) for name in FAULTS])
def test_mongodb_fails_under_load(start, own_mongo, mongo, mongo_row, name):
    row = mongo_row(f"{name} of MongoDB", kills=name == "SIGKILL")
    run_rounds(row, start(**own_mongo), lambda: FAULTS[name](mongo))


def test_mongodb_is_silent_for_longer_than_its_time_limit(start, own_mongo, mongo, mongo_row):
    """It carries out what it was sent before, after the same was sent again."""
    server = start(**own_mongo, MONGO_SOCKET_TIMEOUT_MS=1000)
    run_rounds(mongo_row("SIGSTOP of MongoDB beyond its time limit"), server, lambda: mongo.pause(3))


@pytest.fixture
def proxy(mongo):
    proxy = CuttingProxy(mongo.port)
    yield proxy
    proxy.close()


def test_answers_of_inserts_are_lost_under_load(start, own_mongo, proxy, mongo_row):
    server = start(**{**own_mongo, "MONGO_URI": proxy.uri})

    def lose_some():
        proxy.cut(3)
        eventually(proxy.is_through, 60)

    run_rounds(mongo_row("answers of 3 inserts lost"), server, lose_some)
    assert proxy.n_cuts == 3 * ROUNDS


def test_mongodb_is_killed_between_an_insert_and_its_answer(start, own_mongo, mongo, proxy, mongo_row):
    """It comes back with what it had stored, and without a memory of who sent it."""
    row = mongo_row("SIGKILL of MongoDB before its answer", kills=True)
    server = start(**{**own_mongo, "MONGO_URI": proxy.uri})

    def kill_after_insert():
        before = proxy.n_cuts
        proxy.cut(1, after_cut=lambda: FAULTS["SIGKILL"](mongo))
        eventually(lambda: proxy.n_cuts > before, 60)

    run_rounds(row, server, kill_after_insert)
    assert proxy.n_cuts == ROUNDS
