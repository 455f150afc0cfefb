"""Real input: measurements of the Numenta Anomaly Benchmark, posted, killed, sent again, and read back, with each store
and each cache, and with two servers of which one is written to and the other is read from.

All expectations are worked out from the file by the few lines of Python in nab.py, not by anything of the server.
The input is thinned for MongoDB, to a sixteenth: the stand-in reads its whole collection for each page of a list. NAB_EVERY
thins it for each store (1: all of it).
"""
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

import stores
from nab import BATCH_CLIENTS, DATA, EVERY, SINGLE_CLIENTS, Sending, as_sent, read_data, singles_of
from readers import faults
from server import Pair, Server
from wire import ndjson, target

COMBINATIONS = [("sqlite", "memory"), ("sqlite", "redis"), ("mongodb", "memory"), ("mongodb", "redis"),
                ("mongodb", "redis", "two servers")]

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason=f"THE REAL-INPUT TEST DID NOT RUN: {DATA} is absent (NAB_DATA names another place)")


@pytest.fixture(scope="module", params=COMBINATIONS, ids="-".join)
def combination(request):
    return request.param


@pytest.fixture(scope="module")
def metrics(combination):
    return read_data(EVERY[combination[0]])


def settings_of(combination):
    redis = os.environ.get("TEST_REDIS_URI", "")
    if combination[1] == "redis" and not redis:
        pytest.skip("TEST_REDIS_URI is not set")
    settings = stores.open_store(combination[0]).fresh(stores.REAL_INPUT)
    return {**settings, "REDIS_TIMEOUT_MS": 10_000, "REDIS_URI": redis if combination[1] == "redis" else ""}


@pytest.fixture(scope="module")
def loaded(combination, metrics, tmp_path_factory):
    """Who was sent the data, by a server that was killed in the middle of it and started again for the rest."""
    folder, settings, sending = tmp_path_factory.mktemp("nab"), settings_of(combination), Sending(metrics)
    begun = time.monotonic()
    first = Server(folder / "one", **settings)
    other = Server(folder / "other", **settings) if "two servers" in combination else None
    with ThreadPoolExecutor(SINGLE_CLIENTS + BATCH_CLIENTS) as pool:
        clients = sending.start(Pair(first, other) if other else first, pool)
        sending.wait_for(len(metrics) // 2)
        first.kill()
        for client in clients:
            client.result()
    assert sending.n_answered < len(metrics), "the kill came in the middle"
    answered_before = sending.n_answered
    first = Server(folder / "one", **settings)
    server = Pair(first, other) if other else first
    with ThreadPoolExecutor(SINGLE_CLIENTS + BATCH_CLIENTS) as pool:
        for client in sending.start(server, pool):
            client.result()
    assert all(sending.done) and sending.n_hits > 0
    if combination[1] == "redis":
        print("faults of the cache:", [faults(one) for one in (first, other) if one])
    print(f"nab, {' '.join(combination)}: {len(metrics)} posted in {time.monotonic() - begun:.1f} s, killed after "
          f"{answered_before} were answered, {sending.n_hits} looks at them came from the cache")
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
    chance, size = random.Random(3), min(2000, len(metrics) // 4)
    for metric in chance.sample(singles_of(metrics), 50):
        assert loaded.request("POST", "/metrics", as_sent(metric)).status == 200
    for start in chance.sample(range(0, len(metrics) - size, size // 2), max(2, len(metrics) // 20_000)):
        batch = metrics[start : start + size]
        answer = loaded.request("POST", "/metrics", ndjson(map(as_sent, batch)), content_type="application/x-ndjson")
        assert answer.status == 201 and answer.json() == {"accepted": size}
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
    for _ in range(40 if len(metrics) > 20_000 else 15):
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
    assert n_found > len(metrics) // 10, "the questions are not all empty"


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
