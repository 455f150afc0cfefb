"""What all calls have in common: methods, headers, problems, health and the server's own figures."""
import json
import re
from email.utils import parsedate_to_datetime
from datetime import datetime, timezone

import pytest

from problems import assert_problem

pytestmark = pytest.mark.stores("sqlite", "mongodb")

METHODS = {
    "/metrics": {"GET", "HEAD", "POST", "OPTIONS"},
    "/metrics/5f0e1d2c3b4a59687706e5d4": {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"},
    "/healthz": {"GET", "HEAD", "OPTIONS"},
    "/readyz": {"GET", "HEAD", "OPTIONS"},
    "/-/metrics": {"GET", "HEAD", "OPTIONS"},
    "/-/stats": {"GET", "HEAD", "OPTIONS"},
}


def allowed(answer):
    return {method.strip() for method in (answer["Allow"] or "").split(",")}


@pytest.mark.parametrize("path", METHODS)
def test_options_names_the_methods(server, path):
    answer = server.request("OPTIONS", path)
    assert answer.status in (200, 204) and answer.body == b""
    assert allowed(answer) == METHODS[path]


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_405(server, path, method):
    if method in METHODS[path]:
        return
    answer = server.request(method, path)
    assert_problem(answer, 405, "method-not-allowed")
    assert allowed(answer) == METHODS[path]


@pytest.mark.parametrize("path", ["/", "/metric", "/metrics/", "/Metrics", "/metrics/a/b", "//metrics", "/-/",
                                  "/-/metrics/x", "/metrics%2f", "/healthz/", "/../metrics", "/favicon.ico"])
def test_unknown_paths_are_404(server, path):
    assert_problem(server.request("GET", path), 404, "not-found")
    assert_problem(server.request("POST", path, {"name": "x", "value": 1}), 404, "not-found")


@pytest.mark.parametrize("path", ["/metrics?name=none", "/healthz", "/readyz", "/-/metrics", "/-/stats", "/nowhere"])
def test_head_is_get_without_the_body(server, path):
    with server.connect() as connection:
        head = connection.request("HEAD", path)
        get = connection.request("GET", path)
    assert head.status == get.status and head.body == b""
    assert head["Content-Type"] == get["Content-Type"]
    assert int(head["Content-Length"]) > 0
    if not path.startswith("/-/"):
        assert abs(int(head["Content-Length"]) - len(get.body)) < 40  # the request id in a problem may differ


@pytest.mark.parametrize("method, path, status", [("GET", "/metrics?name=none", 200), ("GET", "/healthz", 200),
                                                  ("GET", "/nowhere", 404), ("DELETE", "/metrics", 405),
                                                  ("GET", "/metrics?limit=0", 400)])
def test_every_answer_is_dated_timed_and_named(server, method, path, status):
    answer = server.request(method, path)
    assert answer.status == status and answer.version == "HTTP/1.1" and answer.reason.strip()
    assert abs((datetime.now(timezone.utc) - parsedate_to_datetime(answer["Date"])).total_seconds()) < 5
    assert re.fullmatch(r"[\w.:-]{8,128}", answer["X-Request-Id"])
    assert len([1 for name, _ in answer.fields if name == "content-length"]) == 1


def test_server_timing_names_the_stages(server, name):
    timing = server.request("POST", "/metrics", {"name": name, "value": 1})["Server-Timing"]
    stages = dict(re.fullmatch(r"([\w-]+);dur=([\d.]+)", part.strip()).groups() for part in timing.split(","))
    assert {"parser", "cache"} <= set(stages) and len(stages) >= 3
    assert all(0 <= float(duration) < 10_000 for duration in stages.values())


@pytest.mark.parametrize("given", ["a", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "A_b.c:d-9", "x" * 64])
def test_sane_request_ids_are_echoed(server, given):
    assert server.request("GET", "/healthz", headers={"X-Request-Id": given})["X-Request-Id"] == given
    problem = assert_problem(server.request("GET", "/nowhere", headers={"X-Request-Id": given}), 404)
    assert problem["request_id"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 500, "caf\xe9", '"><script>', "a,b;c", "{}"])
def test_other_request_ids_are_replaced(server, given):
    answer = server.request("GET", "/healthz", headers={"X-Request-Id": given})
    assert answer.status == 200
    assert answer["X-Request-Id"] and answer["X-Request-Id"] != given


def test_made_request_ids_differ(server):
    assert len({server.request("GET", "/healthz")["X-Request-Id"] for _ in range(20)}) == 20


def test_traceparent_is_taken(server):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert server.request("GET", "/healthz", headers={"traceparent": trace}).status == 200
    assert server.request("GET", "/healthz", headers={"traceparent": "rubbish"}).status == 200


@pytest.mark.parametrize("accept, status", [
    (None, 200), ("*/*", 200), ("application/json", 200), ("application/*", 200), ("text/html, */*;q=0.1", 200),
    ("application/json;q=0.5, text/html", 200), ("", 200),
    ("text/html", 406), ("application/xml, text/plain;q=0.5", 406), ("application/json;q=0", 406),
    ("application/json;q=0, */*", 406),
])
def test_accept(server, accept, status):
    answer = server.request("GET", "/metrics?name=none", headers={"Accept": accept})
    assert answer.status == status, answer
    if status == 406:
        assert_problem(answer, 406, "not-acceptable")


def test_post_that_cannot_be_answered_acceptably_stores_nothing(server, name):
    answer = server.request("POST", "/metrics", {"name": name, "value": 1}, headers={"Accept": "text/html"})
    assert_problem(answer, 406)
    assert server.request("GET", f"/metrics?name={name}").json()["metrics"] == []


def test_health_and_readiness(server):
    alive, ready = server.request("GET", "/healthz"), server.request("GET", "/readyz")
    assert alive.status == ready.status == 200
    assert isinstance(alive.json(), dict)
    assert "storage" in ready.body.decode() or "sqlite" in ready.body.decode(), "each check is in the body"


def test_prometheus_figures(server, name):
    def figures():
        answer = server.request("GET", "/-/metrics")
        assert answer.status == 200 and answer["Content-Type"].startswith("text/plain")
        return answer.body.decode()

    before = server.counter("telemetry_metrics_total", change="inserted")
    server.store([{"name": name, "value": i} for i in range(7)])
    assert server.counter("telemetry_metrics_total", change="inserted") == before + 7
    seen = set()
    for line in figures().splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) [a-z_:]+ .+|[a-z_:]+(\{[^}]*\})? [-+0-9.eEInfNa]+", line), line
        if not line.startswith("#"):
            key = line.rsplit(" ", 1)[0]
            assert key not in seen, f"{key} comes twice"
            seen.add(key)
    assert any("_bucket{" in key for key in seen)


def test_the_same_figures_as_json(server):
    answer = server.request("GET", "/-/stats")
    assert answer.status == 200 and answer["Content-Type"].startswith("application/json")
    stats = answer.json()
    assert isinstance(stats, dict) and len(json.dumps(stats)) > 200


def test_problem_of_a_bad_metric_points_to_the_members(server):
    answer = server.request("POST", "/metrics", {"name": "", "tags": ["ok", 3], "value": "1", "timestamp": "soon"})
    problem = assert_problem(answer, 422, "invalid-metric")
    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers <= {"/name", "/tags", "/tags/1", "/value", "/timestamp"} and pointers


def test_problem_of_bad_json_names_the_offset(server):
    problem = assert_problem(server.request("POST", "/metrics", b'{"name": "a", "value": 1,}'), 400, "malformed-json")
    assert re.search(r"\b2[4-6]\b", json.dumps([problem["detail"], problem.get("errors")])), problem
