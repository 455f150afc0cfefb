"""MongoDB fails under load: what was answered is stored once, and of all else it was said so."""
import threading

import pytest

from cutting_proxy import CuttingProxy
from processes import FAULTS
from rounds import ROUNDS, run_rounds
from wire import eventually


def test_the_mongodb_of_these_tests_keeps_what_it_confirmed(mongo_store, mongo):
    """Without the server: what follows is to measure that, not the MongoDB behind it."""
    import pymongo
    confirmed = []

    def insert(client, worker):
        concern = pymongo.WriteConcern(w="majority", j=True)
        collection = client.journal.get_collection("numbers", write_concern=concern)
        number = worker
        try:
            while True:
                collection.insert_one({"_id": number})
                confirmed.append(number)
                number += 4
        except pymongo.errors.PyMongoError:
            pass  # killed

    for round_ in range(1, ROUNDS + 1):
        with mongo_store.client(retryWrites=False) as client:
            client.drop_database("journal")
            confirmed.clear()
            threads = [threading.Thread(target=insert, args=(client, worker)) for worker in range(4)]
            for thread in threads:
                thread.start()
            eventually(lambda: len(confirmed) > 200, 60)
            mongo.kill()
            for thread in threads:
                thread.join()
            mongo.start()
            found = {document["_id"] for document in client.journal.numbers.find()}
        lost = set(confirmed) - found
        print(f"MongoDB alone, SIGKILL, round {round_}: {len(confirmed)} confirmed, {len(found)} found, {len(lost)} lost")
        assert not lost


@pytest.mark.parametrize("name", FAULTS)
def test_mongodb_fails_under_load(start, own_mongo, mongo, name):
    server = start(**own_mongo)
    run_rounds(f"MongoDB {name}", server, lambda: FAULTS[name](mongo))


def test_mongodb_is_silent_for_longer_than_its_time_limit(start, own_mongo, mongo):
    """It carries out what it was sent before, after the same was sent again."""
    server = start(**own_mongo, MONGO_SOCKET_TIMEOUT_MS=1000)
    run_rounds("MongoDB SIGSTOP beyond its time limit", server, lambda: FAULTS["SIGSTOP"](mongo))


@pytest.fixture
def proxy(mongo):
    proxy = CuttingProxy(mongo.port)
    yield proxy
    proxy.close()


def test_answers_of_inserts_are_lost_under_load(start, own_mongo, proxy):
    server = start(**{**own_mongo, "MONGO_URI": proxy.uri})

    def lose_some():
        proxy.cut(3)
        eventually(proxy.is_through, 60)

    run_rounds("answers of inserts lost", server, lose_some)
    print("answers lost:", proxy.n_cuts)
    assert proxy.n_cuts == 3 * ROUNDS


def test_mongodb_is_killed_between_an_insert_and_its_answer(start, own_mongo, mongo, proxy):
    """It comes back with what it had stored, and without a memory of who sent it."""
    server = start(**{**own_mongo, "MONGO_URI": proxy.uri})

    def kill_after_insert():
        before = proxy.n_cuts
        proxy.cut(1, after_cut=lambda: FAULTS["SIGKILL"](mongo))
        eventually(lambda: proxy.n_cuts > before, 60)

    run_rounds("MongoDB SIGKILL before the answer", server, kill_after_insert)
    assert proxy.n_cuts == ROUNDS
