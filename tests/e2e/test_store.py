"""What the store and the cache keep, and what they let go."""
import time

import pytest

from wire import fresh_id, target

BOTH = pytest.mark.stores("sqlite", "mongodb")

DAY_MS = 86_400_000


@BOTH
def test_everything_is_there_after_a_restart(start, tmp_path):
    server = start(data_dir=tmp_path / "data")
    items = [{"id": fresh_id(), "name": f"kept.{i % 7}", "tags": [f"t:{i % 3}", "é"], "value": i / 3,
              "timestamp": i - 1000} for i in range(3000)]
    server.store(items)
    assert server.request("DELETE", f"/metrics/{items[0]['id']}").status == 204
    changed = {"name": "changed", "value": -1, "timestamp": 5}
    assert server.request("PUT", f"/metrics/{items[1]['id']}", changed).status == 200
    before = server.list_all()
    server.stop()
    again = start(data_dir=tmp_path / "data")
    assert again.list_all() == before and len(before) == 2999
    assert again.request("GET", f"/metrics/{items[0]['id']}").status == 404
    assert again.request("GET", f"/metrics/{items[1]['id']}").json()["name"] == "changed"
    assert again.request("POST", "/metrics", items[2]).status == 200, "known ids are known after a restart"


@BOTH
def test_a_cursor_outlives_a_restart(start, tmp_path):
    server = start(data_dir=tmp_path / "data")
    server.store([{"name": "n", "value": i, "timestamp": i} for i in range(30)])
    cursor = server.request("GET", target("/metrics", name="n", limit=10)).json()["next"]
    server.stop()
    again = start(data_dir=tmp_path / "data")
    page = again.request("GET", target("/metrics", name="n", limit=10, cursor=cursor)).json()
    assert [metric["value"] for metric in page["metrics"]] == list(range(19, 9, -1))


@BOTH
def test_ids_stay_unique_over_restarts(start, tmp_path):
    ids = []
    for _ in range(4):
        server = start(data_dir=tmp_path / "data")
        answer = server.request("POST", "/metrics?return=ids", [{"name": "n", "value": 1}] * 500)
        ids += answer.json()["ids"]
        server.kill()
    assert len(set(ids)) == 2000
    assert len(start(data_dir=tmp_path / "data").list_all()) == 2000


@BOTH
def test_retention_hides_what_is_too_old(start, tmp_path):
    now = int(time.time() * 1000)
    items = [{"id": fresh_id(), "name": "aged", "value": days, "timestamp": now - days * DAY_MS}
             for days in (0, 1, 3, 30)]
    server = start(data_dir=tmp_path / "data")
    server.store(items)
    server.stop()
    server = start(data_dir=tmp_path / "data", RETENTION_DAYS=2)
    assert [metric["value"] for metric in server.list_all(name="aged")] == [0, 1]
    assert server.request("GET", f"/metrics/{items[2]['id']}").status == 404
    refused = server.request("POST", "/metrics", items)
    assert refused.status == 422
    assert [(error["index"], error["pointer"]) for error in refused.json()["errors"]] == [(2, "/timestamp"), (3, "/timestamp")]
    assert server.request("PUT", f"/metrics/{items[0]['id']}", {**items[0], "timestamp": items[2]["timestamp"]}).status == 422


def test_without_retention_nothing_is_too_old(start):
    server = start()
    server.store({"name": "aged", "value": 1, "timestamp": "0001-01-01T00:00:00Z"})
    assert len(server.list_all(name="aged")) == 1


def test_the_cache_stays_within_its_bytes_and_right(start):
    server = start(CACHE_MAX_BYTES="64k", REDIS_URI="")
    for i in range(60):
        batch = [{"name": f"n{i}", "tags": ["x" * 60], "value": i * 100 + j} for j in range(20)]
        server.store(batch)
    with server.connect() as connection:
        for turn in range(3):
            for i in range(60):
                page = connection.request("GET", f"/metrics?name=n{i}").json()["metrics"]
                assert sorted(metric["value"] for metric in page) == list(range(i * 100, i * 100 + 20))
    assert 0 < server.counter("telemetry_cache_bytes") <= 65_536
    assert server.counter("telemetry_cache_evictions_total") > 0


def test_without_a_cache_every_answer_is_read(start):
    server = start(CACHE_MAX_BYTES=0)
    for i in range(5):
        server.store({"name": "n", "value": i})
        for _ in range(2):
            answer = server.request("GET", "/metrics?name=n")
            assert len(answer.json()["metrics"]) == i + 1 and "; hit" not in answer["Cache-Status"]


def test_cached_answers_end_with_their_time_to_live(start):
    server = start(CACHE_TTL_MS=100)
    server.store({"name": "n", "value": 1})
    with server.connect() as connection:
        deadline = time.monotonic() + 10
        while "; hit" not in connection.request("GET", "/metrics?name=n")["Cache-Status"]:
            assert time.monotonic() < deadline, "it is cached for a while"
        while "; hit" in connection.request("GET", "/metrics?name=n")["Cache-Status"]:
            assert time.monotonic() < deadline, "and not for ever"
