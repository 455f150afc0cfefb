"""Keys of API_KEYS_FILE: who may do what, to which names, how often; and what an operator does with them."""
import json
import re
import signal
import socket
import struct
import subprocess

import pytest
import server as server_module
import wire
from test_overload import SLOW_STORE

ROLES = ("reader", "writer", "admin")


def new_key(name, role):
    """(the key, its line for the file), from the server's own command."""
    said = subprocess.run([server_module.BINARY, "--new-key", name, role], check=True, capture_output=True, text=True).stdout
    key, line = (text.split(": ", 1)[1].strip() for text in said.strip().splitlines())
    assert key not in line
    return key, line


class Keys:
    """A file of keys: one for each role, and one of each that may touch team.* only."""

    def __init__(self, folder):
        self.path = folder / "keys"
        self.of, lines = {}, ["# made by a test"]
        for role in ROLES:
            self.of[role], line = new_key(role, role)
            self.of[f"team {role}"], team = new_key(f"team-{role}", role)
            lines += [line, f"{team} prefix=team."]
        self.write(lines)
        self.lines = lines

    def write(self, lines):
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


@pytest.fixture
def server(start, keys):
    return start(API_KEYS_FILE=keys.path)


def call(server, key, method, target, body=None, **headers):
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return server.request(method, target, body, headers=headers)


def stored(server, keys, name):
    answer = call(server, keys.of["admin"], "POST", "/metrics", {"name": name, "value": 1})
    assert answer.status == 201, answer
    return answer.json()["id"]


CALLS = {  # role that is needed -> calls
    None: [("GET", "/healthz", None), ("GET", "/readyz", None), ("HEAD", "/healthz", None), ("OPTIONS", "/metrics", None)],
    "reader": [("GET", "/metrics", None), ("HEAD", "/metrics", None), ("GET", "/metrics/{id}", None),
               ("GET", "/metrics/aggregate?op=count", None), ("GET", "/query?prompt=how+many+events", None),
               ("POST", "/query", {"prompt": "how many events"}), ("GET", "/-/metrics", None), ("GET", "/-/stats", None)],
    "writer": [("POST", "/metrics", {"name": "a", "value": 1})],
    "admin": [("PUT", "/metrics/{id}", {"name": "a", "value": 2}), ("DELETE", "/metrics/{id}", None)],
}


def test_each_role_may_do_what_the_ones_before_it_may(server, keys):
    ranks = [None, *ROLES]
    for needed, calls in CALLS.items():
        for method, path, body in calls:
            for rank, role in enumerate(ranks):
                target = path.replace("{id}", stored(server, keys, "a"))
                answer = call(server, role and keys.of[role], method, target, body)
                if rank >= ranks.index(needed):
                    assert answer.status < 300, (role, method, path, answer)
                else:
                    assert answer.status == (401 if role is None else 403), (role, method, path, answer)
                    assert answer["WWW-Authenticate"] == ('Bearer realm="telemetry-server"' if role is None else None)


def test_a_key_that_nobody_has_is_refused_everywhere(server, keys):
    for key in (keys.of["admin"][:-1] + "?", "x", "", keys.of["admin"] + "x", "tsk_"):
        for method, target, body in (("GET", "/metrics", None), ("POST", "/metrics", {"name": "a", "value": 1})):
            answer = call(server, key, method, target, body)
            assert answer.status == 401, (key, answer)
            assert "detail" not in answer.json()
    assert server.request("GET", "/metrics", headers={"X-API-Key": keys.of["reader"]}).status == 200
    assert call(server, None, "POST", "/metrics", {"name": "a", "value": 1}).status == 401
    assert call(server, keys.of["admin"], "GET", "/metrics").json()["metrics"] == []


def test_a_prefix_hides_all_other_names(server, keys):
    ours, theirs = stored(server, keys, "team.load"), stored(server, keys, "other.load")
    stored(server, keys, "teamwork")
    reader, writer, admin = (keys.of[f"team {role}"] for role in ROLES)
    names = lambda answer: [metric["name"] for metric in answer.json()["metrics"]]
    assert names(call(server, reader, "GET", "/metrics")) == ["team.load"]
    assert names(call(server, reader, "GET", "/metrics?name=te*")) == ["team.load"]
    assert names(call(server, reader, "GET", "/metrics?name=team.load")) == ["team.load"]
    for target in ("/metrics?name=other.load", "/metrics?name=teamwork", "/metrics?name=o*", "/metrics/aggregate?op=count&name=o*"):
        assert call(server, reader, "GET", target).status == 403, target
    for _ in range(2):  # the second time from a cache that others filled
        assert call(server, keys.of["reader"], "GET", f"/metrics/{theirs}").status == 200
        assert call(server, reader, "GET", f"/metrics/{theirs}").status == 404
        assert call(server, reader, "GET", f"/metrics/{ours}").status == 200
    assert call(server, reader, "GET", "/metrics/aggregate?op=count").json()["rows"] == [[1]]
    assert call(server, writer, "POST", "/metrics", {"name": "other.load", "value": 2}).status == 403
    batch = [{"name": "team.load", "value": 2}, {"name": "other.load", "value": 2}]
    assert call(server, writer, "POST", "/metrics", batch).status == 403
    assert call(server, admin, "PUT", f"/metrics/{ours}", {"name": "other.load", "value": 3}).status == 403
    assert call(server, admin, "PUT", f"/metrics/{theirs}", {"name": "team.load", "value": 3}).status == 404
    assert call(server, admin, "DELETE", f"/metrics/{theirs}").status == 404
    assert call(server, admin, "DELETE", f"/metrics/{ours}").status == 204
    assert len(call(server, keys.of["reader"], "GET", "/metrics").json()["metrics"]) == 2


def test_prompts_tell_a_key_with_a_prefix_no_other_names(server, keys):
    for name in ("team.load", "other.secret"):
        stored(server, keys, name)
    reader = keys.of["team reader"]
    body = call(server, reader, "POST", "/query", {"prompt": "top 5 names"}).json()
    assert body["rows"] == [["team.load", 1]] and "team.*" in json.dumps(body["plan"])
    for prompt in ("average of other.secret", "average secret", "gibberish"):
        answer = call(server, reader, "POST", "/query", {"prompt": prompt})
        assert answer.status in (403, 422) and "other" not in str(answer.json().get("suggestions", "")), answer
    assert call(server, keys.of["reader"], "POST", "/query", {"prompt": "average of other.secret"}).status == 200


def test_changes_by_an_admins_key_are_audited(server, keys):
    id_ = call(server, keys.of["writer"], "POST", "/metrics", {"name": "a", "value": 1}).json()["id"]
    call(server, keys.of["admin"], "POST", "/metrics", [{"name": "a", "value": 1}] * 3)
    call(server, keys.of["admin"], "PUT", f"/metrics/{id_}", {"name": "a", "value": 2})
    call(server, keys.of["admin"], "DELETE", f"/metrics/{id_}")
    call(server, keys.of["admin"], "DELETE", f"/metrics/{id_}")  # not there: no change
    call(server, keys.of["admin"], "POST", "/query", {"prompt": "how many events"})
    lines = lambda: [json.loads(line) for line in list(server.lines) if '"audit"' in line]
    wire.eventually(lambda: len(lines()) == 3)
    assert [(line["change"], line["target"], line["metrics"]) for line in lines()] == [
        ("stored", "/metrics", "3"), ("replaced", f"/metrics/{id_}", "1"), ("deleted", f"/metrics/{id_}", "1")]
    assert {line["key"] for line in lines()} == {"admin"}
    log = server.log()
    assert not any(key in log for key in keys.of.values())


def delete_slowly(start, keys, **settings):
    """A server whose commits take a second, and the metric that it stores; it was stored by one without haste."""
    quick = start(API_KEYS_FILE=keys.path)
    id_ = stored(quick, keys, "a")
    quick.stop()
    return start(quick.data_dir, API_KEYS_FILE=keys.path, **{**SLOW_STORE, "SLOW_SYNC_US": 1_000_000, **settings}), id_


def assert_deleted_and_audited(server, keys, id_):
    wire.eventually(lambda: call(server, keys.of["admin"], "GET", f"/metrics/{id_}").status == 404)
    wire.eventually(lambda: any('"audit"' in line for line in list(server.lines)))
    (line,) = [json.loads(line) for line in list(server.lines) if '"audit"' in line]
    assert (line["key"], line["change"], line["target"], line["outcome"]) == ("admin", "deleted", f"/metrics/{id_}", "done")


def gauge(server, keys, name):
    text = call(server, keys.of["reader"], "GET", "/-/metrics").body.decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))


def test_a_change_is_audited_when_its_client_is_gone(start, keys):
    server, id_ = delete_slowly(start, keys)
    with server.connect() as client:
        client.send(client.make("DELETE", f"/metrics/{id_}", headers={"X-API-Key": keys.of["admin"]}))
        wire.eventually(lambda: gauge(server, keys, "telemetry_jobs_in_use") >= 2)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # its close is a reset
    assert_deleted_and_audited(server, keys, id_)


def test_a_change_is_audited_when_its_answer_was_504(start, keys):
    server, id_ = delete_slowly(start, keys, REQUEST_TIMEOUT_MS=200)
    assert call(server, keys.of["admin"], "DELETE", f"/metrics/{id_}").status == 504
    assert_deleted_and_audited(server, keys, id_)


def test_sighup_reads_the_keys_again(server, keys):
    reader = keys.of["reader"]
    assert call(server, reader, "GET", "/metrics").status == 200
    keys.write([line for line in keys.lines if not line.startswith("reader ")])
    server.process.send_signal(signal.SIGHUP)
    wire.eventually(lambda: call(server, reader, "GET", "/metrics").status == 401)
    assert call(server, keys.of["admin"], "GET", "/metrics").status == 200
    keys.write(["this is no key"])
    server.process.send_signal(signal.SIGHUP)
    wire.eventually(lambda: "the keys of before stay" in server.log())
    assert "line 1" in server.log()
    assert call(server, keys.of["admin"], "GET", "/metrics").status == 200


def test_rates_are_counted_for_each_key(start, keys):
    keys.write([f"{line} rate=3" if line.startswith("reader ") else line for line in keys.lines])
    server = start(API_KEYS_FILE=keys.path, RATE_LIMIT=1000)
    with server.connect() as connection:
        answers = [connection.request("GET", "/healthz", headers={"X-API-Key": keys.of["reader"]}) for _ in range(40)]
    statuses = [answer.status for answer in answers]
    assert statuses[:3] == [200] * 3 and 429 in statuses
    refused = answers[statuses.index(429)]
    assert refused["Retry-After"] == "1" and refused["RateLimit-Policy"] == '"calls";q=3;w=1'
    assert re.fullmatch(r'"calls";r=0;t=1', refused["RateLimit"])
    assert refused.json()["type"].endswith("rate-limited")
    assert call(server, keys.of["admin"], "GET", "/healthz")["RateLimit-Policy"] == '"calls";q=1000;w=1'


def test_prod_does_not_start_without_keys(tmp_path):
    ended = server_module.run_binary("--check-config", APP_ENV="prod", DATA_DIR=tmp_path)
    assert ended.returncode == 78 and "API_KEYS_FILE" in ended.stderr and "--new-key" in ended.stderr
    assert server_module.run_binary("--check-config", APP_ENV="prod", ALLOW_NO_KEYS="1", DATA_DIR=tmp_path).returncode == 0
    keys = Keys(tmp_path)
    assert server_module.run_binary("--check-config", APP_ENV="prod", API_KEYS_FILE=keys.path).returncode == 0
    keys.write(["broken"])
    ended = server_module.run_binary("--check-config", APP_ENV="prod", API_KEYS_FILE=keys.path)
    assert ended.returncode == 78 and "line 1" in ended.stderr
