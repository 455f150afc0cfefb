"""Real input: 93,014 measurements of the Numenta Anomaly Benchmark, posted, killed, sent again, and read back.

The file is ../shared/data/nab.ndjson.gz beside the repository, or what NAB_DATA names. Each line gets an id of its own
from its number, so that sending it again is harmless although some lines are equal in everything. All expectations are
worked out from the file by the few lines of Python at the top, not by anything of the server.
"""
import gzip
import json
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest

from server import ROOT, Server
from wire import Closed, ndjson, target

DATA = Path(os.environ.get("NAB_DATA", ROOT / "../shared/data/nab.ndjson.gz"))
SINGLES, SINGLE_CLIENTS = 6000, 6  # the first lines go one by one
BATCH, BATCH_CLIENTS = 500, 4      # all others as NDJSON batches

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason=f"THE REAL-INPUT TEST DID NOT RUN: {DATA} is absent (NAB_DATA names another place)")


def read_data():
    """The measurements in the order of the file, as the server must show them."""
    metrics = []
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            metric = json.loads(line)
            metric["id"] = f"{0x4e4142 << 72 | number:024x}"
            metric["tags"] = sorted(set(metric["tags"]))
            moment = datetime.fromisoformat(metric["timestamp"].replace("Z", "+00:00"))
            metric["ms"] = round(moment.timestamp() * 1000)
            metrics.append(metric)
    return metrics


def as_sent(metric):
    return {key: value for key, value in metric.items() if key != "ms"}


class Sending:
    """What is to be sent, in portions; a portion is done when its answer came."""

    def __init__(self, metrics):
        rest = metrics[SINGLES:]
        self.portions = [[metric] for metric in metrics[:SINGLES]]
        self.portions += [rest[i : i + BATCH] for i in range(0, len(rest), BATCH)]
        self.done = [False] * len(self.portions)
        self.n_answered = 0
        self.changed = threading.Condition()

    def client(self, server, numbers):
        """Sends portions on one keep-alive connection until they are through or the server is gone."""
        try:
            with server.connect() as connection:
                for number in numbers:
                    self.send(connection, number)
        except (Closed, OSError):
            pass

    def send(self, connection, number):
        portion = self.portions[number]
        if len(portion) == 1:
            answer = connection.request("POST", "/metrics", as_sent(portion[0]))
            assert answer.status in (200, 201), answer
        else:
            body = ndjson(map(as_sent, portion))
            answer = connection.request("POST", "/metrics", body, content_type="application/x-ndjson")
            assert answer.status == 201 and answer.json() == {"accepted": len(portion)}, answer
        with self.changed:
            self.done[number] = True
            self.n_answered += len(portion)
            self.changed.notify_all()

    def start(self, server, pool):
        open_ = [number for number, done in enumerate(self.done) if not done]
        singles = [number for number in open_ if len(self.portions[number]) == 1]
        batches = [number for number in open_ if len(self.portions[number]) > 1]
        return ([pool.submit(self.client, server, singles[i::SINGLE_CLIENTS]) for i in range(SINGLE_CLIENTS)]
                + [pool.submit(self.client, server, batches[i::BATCH_CLIENTS]) for i in range(BATCH_CLIENTS)])

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.n_answered >= count, 120), "the load does not get through"


@pytest.fixture(scope="module")
def metrics():
    return read_data()


@pytest.fixture(scope="module")
def loaded(metrics, tmp_path_factory):
    """A server that was killed in the middle of taking the data, started again, and sent the rest."""
    folder = tmp_path_factory.mktemp("nab")
    sending = Sending(metrics)
    begun = time.monotonic()
    server = Server(folder)
    with ThreadPoolExecutor(SINGLE_CLIENTS + BATCH_CLIENTS) as pool:
        clients = sending.start(server, pool)
        sending.wait_for(len(metrics) // 2)
        server.kill()
        for client in clients:
            client.result()
    assert sending.n_answered < len(metrics), "the kill came in the middle"
    answered_before = sending.n_answered
    server = Server(folder)
    with ThreadPoolExecutor(SINGLE_CLIENTS + BATCH_CLIENTS) as pool:
        for client in sending.start(server, pool):
            client.result()
    assert all(sending.done)
    seconds = time.monotonic() - begun
    print(f"nab: {len(metrics)} posted in {seconds:.1f} s, killed after {answered_before} were answered")
    yield server
    server.stop()


def test_nothing_is_lost_and_nothing_is_double(loaded, metrics):
    found = loaded.list_all()
    assert len(found) == len(metrics) == len({metric["id"] for metric in found})
    by_id = {metric["id"]: metric for metric in found}
    for metric in metrics:
        assert same(by_id[metric["id"]], metric)
    stamps = [metric["timestamp"] for metric in found]
    assert stamps == sorted(stamps, reverse=True)
    assert [metric["id"] for metric in loaded.list_all(order="asc")] == [metric["id"] for metric in found[::-1]]


def same(shown, metric):
    moment = datetime.fromtimestamp(metric["ms"] / 1000, timezone.utc).replace(tzinfo=None)
    return shown == {**as_sent(metric), "timestamp": moment.isoformat(timespec="milliseconds") + "Z"}


def test_sending_all_of_it_again_changes_nothing(loaded, metrics):
    chance = random.Random(3)
    for metric in chance.sample(metrics[:SINGLES], 50):
        assert loaded.request("POST", "/metrics", as_sent(metric)).status == 200
    for start in chance.sample(range(0, len(metrics) - 2000, 1000), 10):
        batch = metrics[start : start + 2000]
        answer = loaded.request("POST", "/metrics", ndjson(map(as_sent, batch)), content_type="application/x-ndjson")
        assert answer.status == 201 and answer.json() == {"accepted": 2000}
    counts = {name: len(loaded.list_all(name=name)) for name in ("traffic.speed", "adexchange.exchange_3_cpc_results")}
    assert counts == {name: sum(metric["name"] == name for metric in metrics) for name in counts}


def test_single_metrics(loaded, metrics):
    with loaded.connect() as connection:
        for metric in random.Random(5).sample(metrics, 300):
            answer = connection.request("GET", f"/metrics/{metric['id']}")
            assert answer.status == 200 and same(answer.json(), metric)


def test_every_name_has_its_count(loaded, metrics):
    names = {metric["name"] for metric in metrics}
    assert len(names) == 16
    for name in sorted(names):
        wanted = sorted((metric["id"] for metric in metrics if metric["name"] == name))
        assert sorted(metric["id"] for metric in loaded.list_all(name=name)) == wanted, name


def questions(metrics):
    """Filters drawn by chance from what is in the file: (filter, who matches)."""
    chance = random.Random(11)
    names = sorted({metric["name"] for metric in metrics})
    tags = sorted({tag for metric in metrics for tag in metric["tags"]})
    for _ in range(40):
        filter_ = {}
        if chance.random() < 0.6:
            name = chance.choice(names)
            filter_["name"] = name if chance.random() < 0.5 else name[: chance.randint(1, len(name))] + "*"
        for key, odds, most in (("tags", 0.4, 2), ("any_tags", 0.4, 3), ("not_tags", 0.4, 2)):
            if chance.random() < odds:
                filter_[key] = chance.sample(tags, chance.randint(1, most))
        a, b = sorted(metric["ms"] for metric in chance.sample(metrics, 2))
        if chance.random() < 0.5 and a < b:
            filter_["from"] = a
            filter_["to"] = b
        if chance.random() < 0.4:
            filter_["min"] = chance.choice(metrics)["value"]
        if chance.random() < 0.4:
            filter_["max"] = max(chance.choice(metrics)["value"], filter_.get("min", 0))
        yield filter_


def matches(metric, filter_):
    name, tags = filter_.get("name", "*"), set(metric["tags"])
    return ((metric["name"].startswith(name[:-1]) if name.endswith("*") else metric["name"] == name)
            and set(filter_.get("tags", [])) <= tags
            and ("any_tags" not in filter_ or bool(set(filter_["any_tags"]) & tags))
            and not set(filter_.get("not_tags", [])) & tags
            and filter_.get("from", metric["ms"]) <= metric["ms"] < filter_.get("to", metric["ms"] + 1)
            and filter_.get("min", metric["value"]) <= metric["value"] <= filter_.get("max", metric["value"]))


def test_filters_hold_what_the_file_says(loaded, metrics):
    n_found = 0
    for filter_ in questions(metrics):
        wanted = {metric["id"] for metric in metrics if matches(metric, filter_)}
        found = [metric["id"] for metric in loaded.list_all(filters=filter_)]
        assert len(found) == len(wanted) and set(found) == wanted, filter_
        n_found += len(found)
    assert n_found > 10_000, "the questions are not all empty"


def test_first_pages(loaded, metrics):
    """The newest and the oldest ten of each name, by timestamp."""
    for name in {metric["name"] for metric in metrics}:
        stamps = sorted(metric["ms"] for metric in metrics if metric["name"] == name)
        for order, wanted in (("asc", stamps[:10]), ("desc", stamps[::-1][:10])):
            page = loaded.request("GET", target("/metrics", name=name, limit=10, order=order)).json()
            shown = [round(datetime.fromisoformat(metric["timestamp"].replace("Z", "+00:00")).timestamp() * 1000)
                     for metric in page["metrics"]]
            assert shown == wanted
            assert page["next"]


def test_a_walk_in_small_pages(loaded, metrics):
    name, found = "adexchange.exchange_2_cpc_results", []
    path = target("/metrics", name=name, limit=7)
    with loaded.connect() as connection:
        while path:
            page = connection.request("GET", path).json()
            found += [metric["id"] for metric in page["metrics"]]
            path = page["next"] and target("/metrics", name=name, limit=7, cursor=page["next"])
    assert sorted(found) == sorted(metric["id"] for metric in metrics if metric["name"] == name)
