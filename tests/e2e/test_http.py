"""HTTP/1.1 as RFC 9112 has it, and everything that llhttp lets pass and a server must not.

Each malformed request is sent whole and byte by byte; it must be answered by its status, the connection must be
closed, nothing may be stored, and the server must go on serving. Each carries a metric named `trap` in its body.
"""
import contextlib
import json
import socket

import pytest

from problems import assert_problem
from traps import BODY, CHUNK, CHUNKED, HOST, JSON, LENGTH, MALFORMED, REFUSED, chunks, post
from wire import Closed, eventually

@pytest.mark.parametrize("way", ["whole", "bytewise"])
@pytest.mark.parametrize("trap", REFUSED)
def test_refused_and_closed(server, trap, way):
    status, data = REFUSED[trap]
    with server.connect() as connection:
        if way == "whole":
            connection.send(data)
        else:
            connection.send_bytewise(data)
        answer = connection.read_answer()
        assert_problem(answer, status)
        assert (answer["Connection"] or "").lower() == "close"
        assert connection.is_closed(), "the connection is closed behind the answer"
    assert server.take_away("trap") == []


def test_a_request_smuggled_behind_a_refused_one_is_not_served(server):
    hidden = b"POST /metrics HTTP/1.1\r\n" + HOST + JSON + LENGTH + b"\r\n" + BODY
    for name in ("chunked and a length", "two lengths that differ", "CR alone in a value", "folded line"):
        with server.connect() as connection:
            connection.send(MALFORMED[name] + hidden)
            assert connection.read_answer().status == 400
            assert connection.is_closed(), name
    assert server.take_away("trap") == []


def test_answers_before_a_refused_request_still_come(server):
    with server.connect() as connection:
        connection.send(connection.make("GET", "/healthz") * 3 + MALFORMED["NUL in a value"])
        assert [connection.read_answer().status for _ in range(4)] == [200, 200, 200, 400]
        assert connection.is_closed()


def test_unfinished_requests_store_nothing(server):
    for data in (b"P", b"POST /metrics HTTP/1.1\r\n", post(LENGTH)[:-1], chunks(CHUNK), chunks(CHUNK + b"0\r\n")):
        with server.connect() as connection:
            connection.send(data)
    assert server.take_away("trap") == []


def test_a_whole_request_before_the_client_leaves_is_stored(server, name):
    """A client that closes only its sending side still gets its answer."""
    with server.connect() as connection:
        connection.send(connection.make("POST", "/metrics", {"name": name, "value": 1}))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.read_answer().status == 201
        assert connection.is_closed()


ACCEPTED = {
    "a blank line before the request": b"\r\nGET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "8-bit bytes in a value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: \xe9\xff\r\n\r\n",
    "empty value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A:\r\n\r\n",
    "blanks around a value": b"GET /healthz HTTP/1.1\r\nHost: \t here \t \r\n\r\n",
    "no blank behind the colon": b"GET /healthz HTTP/1.1\r\nHost:here\r\n\r\n",
    "100 fields": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n" * 99 + b"\r\n",
    "absolute form": b"GET http://here/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an upgrade that is not taken": b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\n"
                                    + b"Upgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    "a web socket that is not taken": b"GET /healthz HTTP/1.1\r\n" + HOST
                                      + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a GET with a body": b"GET /healthz HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("way", ["whole", "bytewise"])
@pytest.mark.parametrize("case", ACCEPTED)
def test_unusual_but_valid(server, case, way):
    with server.connect() as connection:
        (connection.send if way == "whole" else connection.send_bytewise)(ACCEPTED[case])
        assert connection.read_answer().status in (200, 204)
        assert connection.request("GET", "/healthz").status == 200, "and the connection goes on"


CHUNKED_BODIES = {
    "one chunk": CHUNK + b"0\r\n\r\n",
    "capital digits and leading zeros": b"00019\r\n" + BODY + b"\r\n000\r\n\r\n",
    "single bytes": b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n",
    "extensions": b'19;a=b;c="d"\r\n' + BODY + b"\r\n0;last\r\n\r\n",
    "trailers": CHUNK + b"0\r\nX-Checksum: 1\r\nX-Other: 2\r\n\r\n",
}


@pytest.mark.parametrize("way", ["whole", "bytewise"])
@pytest.mark.parametrize("case", CHUNKED_BODIES)
def test_chunked_bodies(server, name, case, way):
    body = CHUNKED_BODIES[case]
    with server.connect() as connection:
        (connection.send if way == "whole" else connection.send_bytewise)(chunks(body))
        answer = connection.read_answer()
        assert answer.status == 201 and answer.json()["name"] == "trap"
        assert connection.request("DELETE", answer["Location"]).status == 204
    assert server.take_away("trap") == []


def test_a_trailer_is_no_field(server):
    """What is behind the body must not change what the request meant."""
    with server.connect() as connection:
        connection.send(chunks(CHUNK + b"0\r\nX-Request-Id: trailer-id\r\nContent-Type: text/plain\r\n\r\n"))
        answer = connection.read_answer()
        assert answer.status == 201 and answer["X-Request-Id"] != "trailer-id"
        assert connection.request("DELETE", answer["Location"]).status == 204


def test_large_chunked_batch(server, name):
    lines = b"".join(b'{"name":"%s","value":%d}\n' % (name.encode(), i) for i in range(5000))
    pieces = [lines[i : i + 1000] for i in range(0, len(lines), 1000)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    with server.connect() as connection:
        connection.send(post(CHUNKED, body).replace(b"application/json", b"application/x-ndjson"))
        assert connection.read_answer().json() == {"accepted": 5000}


def test_chunked_body_beyond_the_limit(server):
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with server.connect() as connection:
        connection.send(post(CHUNKED, b""))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(129):
                connection.send(piece)
        assert_problem(connection.read_answer(), 413, "body-too-large")
        assert connection.is_closed()


def test_pipelined_answers_come_in_order(server, name):
    """Slow and fast, right and wrong requests in one write: 120 answers, each at its place."""
    with server.connect() as connection:
        sent, wanted = b"", []
        for i in range(20):
            document = {"name": name, "value": i}
            sent += connection.make("POST", "/metrics", document, headers={"X-Request-Id": f"post-{i}"})
            sent += connection.make("GET", "/healthz", headers={"X-Request-Id": f"health-{i}"})
            sent += connection.make("HEAD", "/metrics?name=none", headers={"X-Request-Id": f"head-{i}"})
            sent += connection.make("GET", f"/nowhere/{i}", headers={"X-Request-Id": f"nowhere-{i}"})
            sent += connection.make("POST", "/metrics", b"{", headers={"X-Request-Id": f"bad-{i}"})
            sent += connection.make("GET", "/metrics?name=world*&limit=1000", headers={"X-Request-Id": f"list-{i}"})
            wanted += [("POST", 201, f"post-{i}"), ("GET", 200, f"health-{i}"), ("HEAD", 200, f"head-{i}"),
                       ("GET", 404, f"nowhere-{i}"), ("POST", 400, f"bad-{i}"), ("GET", 200, f"list-{i}")]
        connection.send(sent)
        for method, status, request_id in wanted:
            answer = connection.read_answer(method)
            assert (answer.status, answer["X-Request-Id"]) == (status, request_id)
    found = server.request("GET", f"/metrics?name={name}&limit=100").json()["metrics"]
    assert sorted(metric["value"] for metric in found) == list(range(20))


def test_pipelined_byte_by_byte(server):
    with server.connect() as connection:
        connection.send_bytewise(connection.make("GET", "/healthz", headers={"X-Request-Id": "number-1"})
                                 + connection.make("GET", "/nowhere", headers={"X-Request-Id": "number-2"})
                                 + connection.make("POST", "/metrics", b"[", headers={"X-Request-Id": "number-3"}))
        answers = [connection.read_answer() for _ in range(3)]
    assert [(answer.status, answer["X-Request-Id"][-1]) for answer in answers] == [(200, "1"), (404, "2"), (400, "3")]


def test_pipelined_writes_then_read_on_one_connection(server, name):
    """The order of a connection holds for its reads behind its writes too, once each write was answered."""
    with server.connect() as connection:
        for i in range(30):
            assert connection.request("POST", "/metrics", {"name": name, "value": i, "timestamp": i}).status == 201
            answer = connection.request("GET", f"/metrics?name={name}&limit=1")
            assert answer.json()["metrics"][0]["value"] == i


def test_connection_stays_open_and_closes_when_asked(server):
    with server.connect() as connection:
        for _ in range(50):
            assert connection.request("GET", "/healthz").status == 200
        answer = connection.request("GET", "/healthz", headers={"Connection": "close"})
        assert answer.status == 200 and answer["Connection"].lower() == "close"
        assert connection.is_closed()


def test_what_is_pipelined_behind_close_is_not_served(server, name):
    with server.connect() as connection:
        connection.send(connection.make("GET", "/healthz", headers={"Connection": "close"})
                        + connection.make("POST", "/metrics", {"name": name, "value": 1}))
        assert connection.read_answer().status == 200
        assert connection.is_closed()
    assert server.request("GET", f"/metrics?name={name}").json()["metrics"] == []


def test_http_1_0(server, name):
    with server.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = connection.read_answer()
        assert answer.status == 200 and answer["Transfer-Encoding"] is None
        assert connection.is_closed()
    with server.connect() as connection:
        connection.send(b"POST /metrics HTTP/1.0\r\n" + JSON + LENGTH + b"\r\n" + BODY)
        answer = connection.read_answer()
        assert answer.status == 201
        assert connection.is_closed()
    assert server.request("DELETE", answer["Location"]).status == 204


def test_http_1_0_keep_alive(server):
    with server.connect() as connection:
        for _ in range(3):
            connection.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = connection.read_answer()
            assert answer.status == 200
            if (answer["Connection"] or "").lower() != "keep-alive":
                assert connection.is_closed()
                break


def test_expect_100_continue(server, name):
    body = json.dumps({"name": name, "value": 1}).encode()
    with server.connect() as connection:
        request = connection.make("POST", "/metrics", body, headers={"Expect": "100-continue"})
        connection.send(request[: -len(body)])
        assert connection.read_answer().status == 100
        connection.send(body)
        assert connection.read_answer().status == 201
        assert connection.request("GET", "/healthz").status == 200


def test_expect_100_continue_that_cannot_succeed_is_answered_at_once(server):
    with server.connect() as connection:
        connection.send(post(b"Content-Length: 99999999\r\nExpect: 100-continue\r\n", b""))
        assert_problem(connection.read_answer(), 413)
        assert connection.is_closed()


def test_other_expectations_are_417(server):
    with server.connect() as connection:
        answer = connection.request("GET", "/healthz", headers={"Expect": "200-maybe"})
        assert_problem(answer, 417, "expectation-failed")


def test_expect_with_the_body_sent_already(server, name):
    with server.connect() as connection:
        metric = {"name": name, "value": 1}
        connection.send(connection.make("POST", "/metrics", metric, headers={"Expect": "100-continue"}))
        answer = connection.read_answer()
        while answer.status == 100:
            answer = connection.read_answer()
        assert answer.status == 201


def test_many_connections_come_and_go(server):
    before = server.counter("telemetry_connections")
    connections = [server.connect() for _ in range(200)]
    for connection in connections:
        assert connection.request("GET", "/healthz").status == 200
    assert server.counter("telemetry_connections") >= 200
    for connection in connections:
        connection.socket.close()
    eventually(lambda: server.counter("telemetry_connections") <= before + 1)


def test_clients_that_leave_in_the_middle_do_no_harm(server, name):
    body = {"name": name, "value": 1}
    for i in range(60):
        connection = server.connect()
        request = connection.make("POST", "/metrics", body) * 3
        connection.send(request[: len(request) * (i % 10 + 1) // 10])
        connection.socket.close()
    eventually(lambda: server.counter("telemetry_jobs_in_use") <= 1)
    with pytest.raises(Closed), server.connect() as connection:
        connection.socket.shutdown(socket.SHUT_WR)
        connection.read_answer()
