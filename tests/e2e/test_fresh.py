"""Read your writes: whatever was answered to a write, every later read sees it, cache or not."""
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import stores
from server import Pair, Server
from wire import fresh_id

SEVERAL = {"LOOPS": 3, "PARSER_WORKERS": 3, "QUERY_WORKERS": 4, "STORAGE_WORKERS": 3}
SERVERS = [("sqlite", "one thread for each stage"), ("sqlite", "several threads"), ("mongodb", "one thread for each stage"),
           ("mongodb", "several threads"), ("mongodb", "two servers")]


@pytest.fixture(scope="module", params=SERVERS, ids="-".join)
def server(request, tmp_path_factory):
    kind, form = request.param
    if form == "two servers" and not os.environ.get("TEST_REDIS_URI"):
        pytest.skip("TEST_REDIS_URI is not set, and two servers share a Redis")
    folder, settings = tmp_path_factory.mktemp("fresh"), stores.open_store(kind).fresh(stores.OWN)
    if form != "one thread for each stage":
        settings.update(SEVERAL)
    if form == "two servers":
        settings["REDIS_TIMEOUT_MS"] = 10_000
    server = Server(folder / "one", **settings)
    if form == "two servers":
        server = Pair(server, Server(folder / "other", **settings))
    yield server
    server.stop()


WRITERS, READERS, WRITES = 4, 4, 60


def test_a_list_holds_what_was_just_written(server, name):
    """Writers post, change and delete, and look at once; readers keep the same lists hot in the cache."""
    stop = threading.Event()
    lists = [f"/metrics?name={name}.{i}&limit=1000" for i in range(WRITERS)] + [f"/metrics?name={name}.*&limit=1000"]

    def write(writer):
        """The writer alone knows what its list holds at any moment."""
        path, held = lists[writer], {}
        chance = random.Random(writer)
        with server.connect() as connection:
            for number in range(WRITES):
                change(connection, f"{name}.{writer}", held, number, chance)
                for target in (path, lists[-1]):
                    found = connection.request("GET", target).json()["metrics"]
                    mine = {metric["id"]: metric["value"] for metric in found if metric["name"] == f"{name}.{writer}"}
                    assert mine == held, f"writer {writer}, write {number}"

    def read(reader):
        hits = 0
        with server.connect() as connection:
            while not stop.is_set():
                answer = connection.request("GET", lists[(reader + hits) % len(lists)])
                hits += "; hit" in answer["Cache-Status"]
        return hits

    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(read, reader) for reader in range(READERS)]
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        try:
            for writer in writers:
                writer.result()
        finally:
            stop.set()
        assert sum(reader.result() for reader in readers) > 0, "the cache took part"


def change(connection, name, held, number, chance):
    """One write, drawn by chance: a single, a batch, a change, a removal."""
    kind = chance.choice(["post", "post", "batch", "put", "delete"])
    if kind in ("post", "batch") or not held:
        items = [{"id": fresh_id(), "name": name, "value": number * 10 + i} for i in range(3 if kind == "batch" else 1)]
        assert connection.request("POST", "/metrics", items if kind == "batch" else items[0]).status == 201
        held.update((item["id"], item["value"]) for item in items)
        return
    id_ = chance.choice(sorted(held))
    if kind == "put":
        held[id_] = number * 10 + 5
        assert connection.request("PUT", f"/metrics/{id_}", {"name": name, "value": held[id_]}).status == 200
    else:
        del held[id_]
        assert connection.request("DELETE", f"/metrics/{id_}").status == 204


def test_a_changed_name_leaves_one_list_and_enters_the_other(server, name):
    old, new = f"/metrics?name={name}.old", f"/metrics?name={name}.new"
    with server.connect() as connection:
        document = connection.request("POST", "/metrics", {"name": name + ".old", "value": 1}).json()
        for _ in range(10):
            for path, count in ((old, 1), (new, 0)):
                for _ in range(2):
                    assert len(connection.request("GET", path).json()["metrics"]) == count
            document["name"] = name + ".new"
            assert connection.request("PUT", f"/metrics/{document['id']}", document).status == 200
            old, new = new, old
            document["name"] = name + ".old"
            assert len(connection.request("GET", old).json()["metrics"]) == 1
            assert len(connection.request("GET", new).json()["metrics"]) == 0
            assert connection.request("PUT", f"/metrics/{document['id']}", document).status == 200
            old, new = new, old


def test_a_missing_metric_is_found_once_it_exists(server, name):
    """A cached 404 would be a lie after the POST."""
    with server.connect() as connection:
        for _ in range(10):
            id_ = fresh_id()
            for _ in range(2):
                assert connection.request("GET", f"/metrics/{id_}").status == 404
            assert connection.request("POST", "/metrics", {"id": id_, "name": name, "value": 1}).status == 201
            assert connection.request("GET", f"/metrics/{id_}").status == 200
            assert connection.request("DELETE", f"/metrics/{id_}").status == 204
            assert connection.request("GET", f"/metrics/{id_}").status == 404


def test_what_one_reader_saw_the_next_sees_too(server, name):
    """A list that only grows never shrinks for anyone."""
    stop, seen, lock = threading.Event(), [0], threading.Lock()

    def read():
        with server.connect() as connection:
            while not stop.is_set():
                with lock:
                    least = seen[0]
                count = len(connection.request("GET", f"/metrics?name={name}&limit=1000").json()["metrics"])
                assert count >= least, f"{least} were there before, now {count}"
                with lock:
                    seen[0] = max(seen[0], count)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        with server.connect() as connection:
            for i in range(200):
                assert connection.request("POST", "/metrics", {"name": name, "value": i}).status == 201
        stop.set()
        for reader in readers:
            reader.result()
    assert seen[0] <= 200


def test_stale_answers_only_for_those_who_accept_them(server, name):
    with server.connect() as connection:
        connection.request("POST", "/metrics", {"name": name, "value": 1})
        path = f"/metrics?name={name}"
        deadline = time.monotonic() + 5
        while "; hit" not in connection.request("GET", path)["Cache-Status"]:
            assert time.monotonic() < deadline
        connection.request("POST", "/metrics", {"name": name, "value": 2})
        old = connection.request("GET", path, headers={"Cache-Control": "max-stale=60"})
        assert len(old.json()["metrics"]) in (1, 2)
        assert len(connection.request("GET", path).json()["metrics"]) == 2
