"""kill -9 under load: every metric that was answered is there afterwards, exactly once.

KILL_ROUNDS (default 20; FAULT_ROUNDS, default 2, with MongoDB) rounds on one store. Each starts a server, lets several
clients post singles and batches of values that never repeat, kills it once enough were answered, and starts it again to
look.
"""
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from wire import Closed, ndjson

ROUNDS = {"sqlite": int(os.environ.get("KILL_ROUNDS", "20")), "mongodb": int(os.environ.get("FAULT_ROUNDS", "2"))}
MOST_ANSWERS = {"sqlite": 15_000, "mongodb": 3000}  # of the time before a kill
CLIENTS = 8
BATCH = 50


class Load:
    """Clients that post until the server is gone, and what was answered to them."""

    def __init__(self, server, round_):
        self.server, self.name = server, f"kill.round{round_}"
        self.first = round_ * 10_000_000
        self.acknowledged = []
        self.changed = threading.Condition()

    def post(self, client):
        numbers = iter(range(self.first + client * 1_000_000, self.first + (client + 1) * 1_000_000))
        single = client % 2 == 0
        try:
            with self.server.connect() as connection:
                while True:
                    values = [next(numbers) for _ in range(1 if single else BATCH)]
                    self.post_values(connection, values, single)
        except (Closed, OSError):
            pass  # killed: what was not answered may be there or not

    def post_values(self, connection, values, single):
        items = [{"name": self.name, "tags": [f"client:{value // 1_000_000 % 10}"], "value": value} for value in values]
        answer = (connection.request("POST", "/metrics", items[0]) if single else
                  connection.request("POST", "/metrics", ndjson(items), content_type="application/x-ndjson"))
        assert answer.status == 201, answer
        with self.changed:
            self.acknowledged += values
            self.changed.notify_all()

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.acknowledged) >= count, 60), "the load does not get through"


@pytest.mark.stores("sqlite", "mongodb")
def test_nothing_that_was_answered_is_lost_or_doubled(start, store, tmp_path):
    chance = random.Random(7)
    acknowledged = []
    server = start(data_dir=tmp_path / "data", LOOPS=2, PARSER_WORKERS=2)
    for round_ in range(1, ROUNDS[store.kind] + 1):
        load = Load(server, round_)
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(load.post, client) for client in range(CLIENTS)]
            try:
                load.wait_for(chance.randint(500, MOST_ANSWERS[store.kind]))
            finally:
                server.kill()
            for client in clients:
                client.result()
        server = start(data_dir=tmp_path / "data", LOOPS=2, PARSER_WORKERS=2)
        report(f"{store.kind}, round {round_}", load.acknowledged, server.list_all(name=load.name))
        acknowledged += load.acknowledged
    report(f"{store.kind}, all rounds", acknowledged, server.list_all(name="kill.*"))


def report(title, acknowledged, metrics):
    counts = Counter(metric["value"] for metric in metrics)
    lost = [value for value in acknowledged if value not in counts]
    doubled = [value for value, count in counts.items() if count > 1]
    ids = Counter(metric["id"] for metric in metrics)
    print(f"kill -9, {title}: {len(acknowledged)} acknowledged, {len(counts)} found, "
          f"{len(lost)} lost, {len(doubled)} doubled")
    assert acknowledged, "no metric was acknowledged: the test showed nothing"
    assert not lost and not doubled, f"lost {lost[:5]}, doubled {doubled[:5]}"
    assert len(ids) == len(metrics), "an id comes twice"
