"""GET of /metrics and /metrics/{id}: filters in both forms, order, cursor pages, conditional requests."""
import re
import threading
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest

from problems import assert_problem
from wire import eventually, fresh_id, target

pytestmark = pytest.mark.stores("sqlite", "mongodb")

# A small world: 24 metrics of 3 names, tagged by remainders, one a second from 1000 s on.
WORLD = "world"
START_MS = 1_000_000


@pytest.fixture(scope="module")
def world(shared):
    items = [{"id": fresh_id(), "name": f"{WORLD}.{'abc'[i % 3]}", "tags": [f"two:{i % 2}", f"four:{i % 4}"],
              "value": i - 10, "timestamp": START_MS + 1000 * i} for i in range(24)]
    shared.store(items)
    return items


def values(answer):
    assert answer.status == 200, answer
    return [metric["value"] for metric in answer.json()["metrics"]]


def has(*tags):
    return lambda item: all(tag in item["tags"] for tag in tags)


FILTERS = [
    ({"name": "world.a"}, lambda item: item["name"] == "world.a"),
    ({"name": "world.*"}, lambda item: True),
    ({"name": "world.b*"}, lambda item: item["name"] == "world.b"),
    ({"name": "worl"}, lambda item: False),
    ({"name": "world.*", "tags": ["two:0"]}, has("two:0")),
    ({"name": "world.*", "tags": ["two:1", "four:3"]}, has("two:1", "four:3")),
    ({"name": "world.*", "tags": ["two:1", "four:2"]}, lambda item: False),
    ({"name": "world.*", "any_tags": ["four:1", "four:2"]}, lambda item: has("four:1")(item) or has("four:2")(item)),
    ({"name": "world.*", "not_tags": ["four:1"]}, lambda item: not has("four:1")(item)),
    ({"name": "world.*", "tags": ["two:0"], "not_tags": ["four:0"]}, has("four:2")),
    ({"name": "world.*", "tags": ["two:0"], "any_tags": ["four:0", "four:1"]}, has("four:0")),
    ({"name": "world.*", "from": START_MS + 5000}, lambda item: item["timestamp"] >= START_MS + 5000),
    ({"name": "world.*", "to": START_MS + 5000}, lambda item: item["timestamp"] < START_MS + 5000),
    ({"name": "world.*", "from": "1970-01-01T00:16:45Z", "to": "1970-01-01T01:16:50+01:00"},
     lambda item: START_MS + 5000 <= item["timestamp"] < START_MS + 10000),
    ({"name": "world.*", "min": 3}, lambda item: item["value"] >= 3),
    ({"name": "world.*", "max": -2.5}, lambda item: item["value"] <= -2.5),
    ({"name": "world.c", "min": -5, "max": 5, "tags": ["two:1"]},
     lambda item: item["name"] == "world.c" and -5 <= item["value"] <= 5 and has("two:1")(item)),
    ({"tags": ["two:1", "four:3"], "name": "world.*", "limit": 3, "order": "asc"}, has("two:1", "four:3")),
]

# Lists have the singular as plain parameters: ?tag=a&tag=b
PLAIN = {"tags": "tag", "any_tags": "any_tag", "not_tags": "not_tag"}


@pytest.mark.parametrize("filter_, matches", FILTERS, ids=[str(row[0]) for row in FILTERS])
def test_filters_as_json(server, world, filter_, matches):
    paging = {key: filter_[key] for key in ("limit", "order") if key in filter_}
    closed = {key: value for key, value in filter_.items() if key not in paging}
    answer = server.request("GET", target("/metrics", filters=closed, **paging))
    assert values(answer) == expected(world, matches, **paging)


@pytest.mark.parametrize("filter_, matches", FILTERS, ids=[str(row[0]) for row in FILTERS])
def test_filters_as_plain_parameters(server, world, filter_, matches):
    parameters = {PLAIN.get(key, key): value for key, value in filter_.items()}
    paging = {key: filter_[key] for key in ("limit", "order") if key in filter_}
    assert values(server.request("GET", target("/metrics", **parameters))) == expected(world, matches, **paging)


def expected(world, matches, limit=100, order="desc"):
    found = [item["value"] for item in world if matches(item)]
    return (found if order == "asc" else found[::-1])[:limit]


def test_filters_with_phrases_of_time(server, name):
    now = datetime.now(timezone.utc)
    items = [{"name": name, "value": minutes, "timestamp": (now - timedelta(minutes=minutes)).isoformat()}
             for minutes in (1, 30, 90, 60 * 30)]
    server.store(items)
    for phrase, wanted in (("now-1h", [1, 30]), ("now-2h", [1, 30, 90]), ("now-10m", [1]),
                           ("now-3d", [1, 30, 90, 1800]), ("now", [])):
        for question in ({"name": name, "from_": phrase}, {"filters": {"name": name, "from": phrase}}):
            assert values(server.request("GET", target("/metrics", **question))) == wanted, question
    assert values(server.request("GET", target("/metrics", name=name, from_="now-1d", to="now-45m"))) == [90]


BAD_FILTERS = [
    "colour=red", "limit=0", "limit=1001", "limit=-1", "limit=ten", "limit=1.5", "limit=", "order=up",
    "from=yesterdayish", "from=2026-02-30T00:00:00Z", "to=99999999999999999999", "min=abc", "max=1e999", "min=nan",
    "min=5&max=1", "from=2000&to=1000", "cursor=notacursor", "cursor=AAAAAAAA", "filters=", "filters={",
    "filters=[]", "filters=1", "filters=null", "filters=%7B%22name%22%3A1%7D", "filters=%7B%22tags%22%3A%22a%22%7D",
    "filters=%7B%22%24where%22%3A%22sleep(1)%22%7D", "filters=%7B%22name%22%3A%7B%22%24regex%22%3A%22.%2A%22%7D%7D",
    "filters=%7B%22value%22%3A1%7D", "filters=%7B%7D%7B%7D",
    "filters=%7B%22name%22%3A%22a%22%2C%22name%22%3A%22b%22%7D", "filters=%7B%22min%22%3A%221%22%7D",
    "filters=%7B%22tags%22%3A%5B1%5D%7D", "filters=%FF", "name=%FF", "name=%zz", "name=a%00b", "name=%2",
    "tag=%C0%AF", "name=a&name=b", "limit=1&limit=2", "filters=%7B%7D&filters=%7B%7D", "tag=" + "x" * 200,
    "name=" + "x" * 300,
]


@pytest.mark.parametrize("query", BAD_FILTERS)
def test_bad_filters_are_400(server, query):
    problem = assert_problem(server.request("GET", "/metrics?" + query), 400)
    assert problem["detail"], "it says what is wrong"


def test_bad_filter_names_the_parameter(server):
    for query, word in (("colour=red", "colour"), ("limit=0", "limit"), ("order=up", "order"), ("from=soon", "from"),
                        ("filters=%7B%22shape%22%3A1%7D", "shape")):
        text = server.request("GET", "/metrics?" + query).body.decode()
        assert word in text, f"{query}: {text}"


def test_plus_and_percent_are_decoded(server, name):
    odd = name + " a+b&c=d%é"
    server.store({"name": odd, "value": 7})
    assert values(server.request("GET", target("/metrics", name=odd))) == [7]


def walk(server, path, per_page=None):
    """Every metric of a list, page by page, over one connection; checks that Link and `next` agree."""
    found = []
    with server.connect() as connection:
        while path:
            answer = connection.request("GET", path)
            assert answer.status == 200, answer
            page = answer.json()
            assert per_page is None or page["next"] is None or len(page["metrics"]) == per_page
            found += page["metrics"]
            link = re.fullmatch(r'<([^>]*)>; ?rel="?next"?', answer["Link"] or "")
            assert bool(link) == (page["next"] is not None), answer
            path = link.group(1) if link else None
            if path and not path.startswith("/"):
                parts = urlsplit(path)
                path = (parts.path or "/metrics") + "?" + parts.query
    return found


@pytest.mark.parametrize("limit", [1, 5, 23, 24, 25])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_hold_everything_once(server, world, limit, order):
    found = walk(server, target("/metrics", name="world.*", limit=limit, order=order), limit)
    assert [metric["value"] for metric in found] == expected(world, lambda item: True, order=order)


def test_pages_by_filters_keep_the_filter(server, world):
    found = walk(server, target("/metrics", filters={"name": "world.*", "tags": ["two:1"]}, limit=5), 5)
    assert [metric["value"] for metric in found] == expected(world, has("two:1"))


def test_pages_among_equal_timestamps(server, name):
    items = [{"name": f"{name}.{i % 3}", "value": i, "timestamp": 5000} for i in range(60)]
    server.store(items)
    down = walk(server, target("/metrics", name=name + ".*", limit=7), 7)
    up = walk(server, target("/metrics", name=name + ".*", limit=7, order="asc"), 7)
    assert sorted(metric["value"] for metric in down) == list(range(60))
    assert up == down[::-1]


def test_next_cursor_works_as_a_parameter(server, world):
    first = server.request("GET", target("/metrics", name="world.*", limit=10)).json()
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", first["next"]), "a cursor needs no encoding"
    second = server.request("GET", target("/metrics", name="world.*", limit=20, cursor=first["next"]))
    assert values(second) == expected(world, lambda item: True)[10:]
    assert second.json()["next"] is None and second["Link"] is None


def test_cursor_of_another_query_is_400(server, world):
    cursor = server.request("GET", target("/metrics", name="world.*", limit=2)).json()["next"]
    for other in ({"name": "world.a"}, {"name": "world.*", "tag": "two:1"}, {"name": "world.*", "min": 1}):
        assert_problem(server.request("GET", target("/metrics", limit=2, cursor=cursor, **other)), 400, "bad-cursor")
    spoiled = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    answer = server.request("GET", target("/metrics", name="world.*", limit=2, cursor=cursor[:-1]))
    assert_problem(answer, 400, "bad-cursor")
    assert server.request("GET", target("/metrics", name="world.*", limit=2, cursor=spoiled)).status in (200, 400)


def test_pages_are_stable_under_inserts(server, name):
    old = [{"name": name, "value": i, "timestamp": 10_000 + i} for i in range(300)]
    server.store(old)
    stop = threading.Event()

    def insert():
        with server.connect() as connection:
            number = 0
            while not stop.is_set() and number < 3000:
                number += 1  # newer than all, and older ones in between
                item = {"name": name, "value": -number, "timestamp": 20_000 + number if number % 2 else 9_000 - number}
                assert connection.request("POST", "/metrics", item).status == 201

    writer = threading.Thread(target=insert)
    writer.start()
    try:
        for order in ("desc", "asc"):
            found = walk(server, target("/metrics", name=name, limit=10, order=order))
            ids = [metric["id"] for metric in found]
            assert len(set(ids)) == len(ids), "no metric comes twice"
            ours = [metric["value"] for metric in found if metric["value"] >= 0]
            assert ours == (list(range(300)) if order == "asc" else list(range(299, -1, -1))), "and none is missed"
    finally:
        stop.set()
        writer.join()


def test_an_empty_list(server):
    answer = server.request("GET", "/metrics?name=test.nothing.has.this.name")
    assert answer.status == 200 and answer.json() == {"metrics": [], "next": None} and answer["Link"] is None


def test_limit_is_100_unless_told(server, name):
    server.store([{"name": name, "value": i} for i in range(130)])
    answer = server.request("GET", f"/metrics?name={name}")
    assert len(answer.json()["metrics"]) == 100 and answer.json()["next"]


def test_etag_and_304(server, name):
    document = server.request("POST", "/metrics", {"name": name, "value": 1, "timestamp": 1}).json()
    path = f"/metrics/{document['id']}"
    etag = server.request("GET", path)["ETag"]
    assert re.fullmatch(r'"[^"]+"', etag), "a strong entity tag"
    for condition in (etag, f'"other", {etag}', "*", "W/" + etag):
        answer = server.request("GET", path, headers={"If-None-Match": condition})
        assert answer.status == 304 and answer.body == b"" and answer["ETag"] == etag, condition
        assert server.request("HEAD", path, headers={"If-None-Match": condition}).status == 304
    assert server.request("GET", path, headers={"If-None-Match": '"other"'}).status == 200
    server.request("PUT", path, {"name": name, "value": 2, "timestamp": 1})
    answer = server.request("GET", path, headers={"If-None-Match": etag})
    assert answer.status == 200 and answer["ETag"] != etag and answer.json()["value"] == 2


@pytest.mark.parametrize("id_", ["5f0e1d2c3b4a59687706e5d4", "x", "5f0e1d2c3b4a59687706e5d",
                                 "5f0e1d2c3b4a59687706e5d4a", "5f0e1d2c3b4a59687706e5dg",
                                 "5f0e1d2c3b4a59687706e5d4/", "%00", ".."])
def test_unknown_ids_are_404(server, id_):
    assert_problem(server.request("GET", f"/metrics/{id_}"), 404, "not-found")


def cache_status(server, path, **headers):
    answer = server.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status == 200
    text = answer["Cache-Status"]
    assert text and text.startswith("telemetry-server;"), answer
    return "hit" if re.search(r";\s*hit\b", text) else re.search(r"fwd=([a-z-]+)", text).group(1)


def test_cache_status_of_lists_and_single_metrics(server, name):
    document = server.request("POST", "/metrics", {"name": name, "value": 1}).json()
    for path in (f"/metrics?name={name}", f"/metrics/{document['id']}"):
        assert cache_status(server, path) == "miss"
        eventually(lambda: cache_status(server, path) == "hit", 5)
        assert cache_status(server, path, Cache_Control="no-cache") not in ("hit",)
        eventually(lambda: cache_status(server, path) == "hit", 5)
    document["value"] = 2
    assert server.request("PUT", f"/metrics/{document['id']}", document).status == 200
    for path in (f"/metrics?name={name}", f"/metrics/{document['id']}"):
        assert cache_status(server, path) != "hit", "a write makes the answer old"
        assert server.request("GET", path).body.count(b'"value":2') == 1


def test_equal_questions_share_a_cached_answer(server, name):
    server.request("POST", "/metrics", {"name": name, "tags": ["a", "b"], "value": 1})
    assert cache_status(server, f"/metrics?name={name}&tag=a&tag=b&limit=100") == "miss"
    eventually(lambda: cache_status(server, f"/metrics?tag=b&tag=a&tag=a&name={name}") == "hit", 5)
    filters = {"tags": ["b", "a"], "name": name}
    eventually(lambda: cache_status(server, target("/metrics", filters=filters)) == "hit", 5)
