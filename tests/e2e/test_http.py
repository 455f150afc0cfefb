"""HTTP/1.1 as RFC 9112 has it, and everything that llhttp lets pass and a server must not.

Each malformed request is sent whole and byte by byte; it must be answered by its status, the connection must be
closed, nothing may be stored, and the server must go on serving. Each carries a metric named `trap` in its body.
"""
import json
import socket

import pytest

from problems import assert_problem
from wire import Closed, eventually

BODY = b'{"name":"trap","value":1}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
JSON = b"Content-Type: application/json\r\n"
HOST = b"Host: here\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)


def post(fields, body=BODY, line=b"POST /metrics HTTP/1.1\r\n", host=HOST):
    return line + host + JSON + fields + b"\r\n" + body


def chunks(body):
    return post(CHUNKED, body)


MALFORMED = {
    # line ends
    "LF alone behind the request line": b"POST /metrics HTTP/1.1\n" + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "LF alone behind a field": post(b"X-A: 1\n" + LENGTH),
    "LF alone ends the head": b"POST /metrics HTTP/1.1\r\n" + HOST + JSON + LENGTH + b"\n" + BODY,
    "CR alone in a value": post(b"X-A: 1\rX-B: 2\r\n" + LENGTH),
    "CR alone behind a field": post(b"X-A: 1\r" + LENGTH),
    "CR alone behind the request line": b"POST /metrics HTTP/1.1\r" + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "CR CR LF": post(b"X-A: 1\r\r\n" + LENGTH),
    "CR LF CR at the end of the head": b"POST /metrics HTTP/1.1\r\n" + HOST + JSON + LENGTH + b"\r" + BODY,
    "CR hides a Transfer-Encoding": post(b"X-A: x\rTransfer-Encoding: chunked\r\n" + LENGTH),
    # bytes
    "NUL in a value": post(b"X-A: a\0b\r\n" + LENGTH),
    "NUL in a field name": post(b"X\0A: a\r\n" + LENGTH),
    "NUL in the target": post(LENGTH, line=b"POST /metrics\0 HTTP/1.1\r\n"),
    "control byte in a value": post(b"X-A: a\x01b\r\n" + LENGTH),
    "DEL in a value": post(b"X-A: a\x7fb\r\n" + LENGTH),
    "8-bit byte in a field name": post(b"X-\xe9: a\r\n" + LENGTH),
    # fields
    "folded line": post(b"X-A: 1\r\n 2\r\n" + LENGTH),
    "folded line with a tab": post(b"X-A: 1\r\n\tTransfer-Encoding: chunked\r\n" + LENGTH),
    "first field folded": b"POST /metrics HTTP/1.1\r\n " + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "blank before the colon": post(b"X-A : 1\r\n" + LENGTH),
    "blank before the colon of a length": post(b"Content-Length : %d\r\n" % len(BODY)),
    "tab before the colon": post(b"X-A\t: 1\r\n" + LENGTH),
    "no field name": post(b": 1\r\n" + LENGTH),
    "blank field name": post(b" : 1\r\n" + LENGTH),
    "blank inside a field name": post(b"X A: 1\r\n" + LENGTH),
    "no colon": post(b"X-A\r\n" + LENGTH),
    "delimiter in a field name": post(b"X(A): 1\r\n" + LENGTH),
    # framing
    "two lengths that differ": post(LENGTH + b"Content-Length: 5\r\n"),
    "two lengths that agree": post(LENGTH + LENGTH),
    "a list of lengths": post(b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY))),
    "length with a sign": post(b"Content-Length: +%d\r\n" % len(BODY)),
    "negative length": post(b"Content-Length: -1\r\n"),
    "hexadecimal length": post(b"Content-Length: 0x19\r\n"),
    "empty length": post(b"Content-Length: \r\n"),
    "length with a fraction": post(b"Content-Length: 25.0\r\n"),
    "length with a blank inside": post(b"Content-Length: 2 5\r\n"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551641\r\n"),
    "chunked and a length": post(CHUNKED + LENGTH, CHUNK + b"0\r\n\r\n"),
    "a length and chunked": post(LENGTH + CHUNKED, CHUNK + b"0\r\n\r\n"),
    "chunked in HTTP/1.0": post(CHUNKED, CHUNK + b"0\r\n\r\n", line=b"POST /metrics HTTP/1.0\r\n"),
    "chunked twice": post(CHUNKED + CHUNKED, CHUNK + b"0\r\n\r\n"),
    "chunked, chunked": post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNK + b"0\r\n\r\n"),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNK + b"0\r\n\r\n"),
    "chunked, identity": post(b"Transfer-Encoding: chunked, identity\r\n", CHUNK + b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity\r\n" + LENGTH),
    "xchunked": post(b"Transfer-Encoding: xchunked\r\n", CHUNK + b"0\r\n\r\n"),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"\r\n', CHUNK + b"0\r\n\r\n"),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;q=1\r\n", CHUNK + b"0\r\n\r\n"),
    "empty Transfer-Encoding": post(b"Transfer-Encoding: \r\n" + LENGTH),
    # Host
    "no Host": post(LENGTH, host=b""),
    "two Hosts": post(HOST + LENGTH),
    "two Hosts that differ": post(b"Host: there\r\n" + LENGTH),
    "Host with a blank": post(LENGTH, host=b"Host: a b\r\n"),
    # protocol
    "HTTP/0.9": post(LENGTH, line=b"POST /metrics HTTP/0.9\r\n"),
    "HTTP/1.2": post(LENGTH, line=b"POST /metrics HTTP/1.2\r\n"),
    "HTTP/2.0": post(LENGTH, line=b"POST /metrics HTTP/2.0\r\n"),
    "HTTP/1.10": post(LENGTH, line=b"POST /metrics HTTP/1.10\r\n"),
    "HTTP/1": post(LENGTH, line=b"POST /metrics HTTP/1\r\n"),
    "http/1.1": post(LENGTH, line=b"POST /metrics http/1.1\r\n"),
    "HTTPS/1.1": post(LENGTH, line=b"POST /metrics HTTPS/1.1\r\n"),
    "ICE/1.0": b"SOURCE /metrics ICE/1.0\r\n" + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "RTSP/1.0": b"OPTIONS /metrics RTSP/1.0\r\n" + HOST + b"\r\n",
    "no protocol": b"GET /metrics\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    # request line
    "two blanks": post(LENGTH, line=b"POST  /metrics HTTP/1.1\r\n"),
    "blank in the target": post(LENGTH, line=b"POST /metrics x HTTP/1.1\r\n"),
    "blank at the end": post(LENGTH, line=b"POST /metrics HTTP/1.1 \r\n"),
    "tab instead of a blank": post(LENGTH, line=b"POST\t/metrics HTTP/1.1\r\n"),
    "method in small letters": post(LENGTH, line=b"post /metrics HTTP/1.1\r\n"),
    "unknown method": post(LENGTH, line=b"POSTS /metrics HTTP/1.1\r\n"),
    "no method": post(LENGTH, line=b" /metrics HTTP/1.1\r\n"),
    "target without a slash": post(LENGTH, line=b"POST metrics HTTP/1.1\r\n"),
    "8-bit byte in the target": post(LENGTH, line=b"POST /metrics?a=\xe9 HTTP/1.1\r\n"),
    # chunks
    "chunk size is no number": chunks(b"g\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with 0x": chunks(b"0x19\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with a sign": chunks(b"+19\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "negative chunk size": chunks(b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "empty chunk size": chunks(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": chunks(b"10000000000000019\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk line ends in LF": chunks(b"19\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk line ends in CR": chunks(b"19\r" + BODY + b"\r\n0\r\n\r\n"),
    "chunk data longer than its size": chunks(b"18\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk data ends in LF": chunks(b"19\r\n" + BODY + b"\n0\r\n\r\n"),
    "chunk data ends in other bytes": chunks(b"19\r\n" + BODY + b"XX0\r\n\r\n"),
    "last chunk ends in LF": chunks(CHUNK + b"0\n\r\n"),
    "body ends in LF": chunks(CHUNK + b"0\r\n\n"),
    "CR in a chunk extension": chunks(b"19;a=\rb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF in a chunk extension": chunks(b"19;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "NUL in a chunk extension": chunks(b"19;a=\0\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "blank in a chunk size": chunks(b"1 9\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "trailer ends in LF": chunks(CHUNK + b"0\r\nX-A: 1\n\r\n"),
    "CR in a trailer": chunks(CHUNK + b"0\r\nX-A: 1\r2\r\n\r\n"),
    "folded trailer": chunks(CHUNK + b"0\r\nX-A: 1\r\n 2\r\n\r\n"),
    "blank trailer name": chunks(CHUNK + b"0\r\nX-A : 1\r\n\r\n"),
}

TOO_MUCH = {
    "target": (414, post(LENGTH, line=b"POST /metrics?x=" + b"a" * 9000 + b" HTTP/1.1\r\n")),
    "one field": (431, post(b"X-A: " + b"a" * 17000 + b"\r\n" + LENGTH)),
    "many bytes of fields": (431, post(b"".join(b"X-%d: %s\r\n" % (i, b"a" * 400) for i in range(50)) + LENGTH)),
    "many fields": (431, post(b"X-A: 1\r\n" * 101 + LENGTH)),
    "a field name": (431, post(b"X" * 17000 + b": 1\r\n" + LENGTH)),
    "length": (413, post(b"Content-Length: 8388609\r\n")),
    "absurd length": (413, post(b"Content-Length: 9223372036854775807\r\n")),
    "chunk size": (413, chunks(b"800001\r\n" + BODY)),
    "absurd chunk size": (413, chunks(b"7fffffffffffffff\r\n" + BODY)),
    "chunk extension": ((400, 413, 431), chunks(b"19;" + b"a" * 20000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "trailers": ((400, 413, 431), chunks(CHUNK + b"0\r\n" + b"X-A: 1\r\n" * 5000 + b"\r\n")),
}

REFUSED = {**{name: (400, data) for name, data in MALFORMED.items()}, **TOO_MUCH}


def trapped(server):
    return server.request("GET", "/metrics?name=trap", headers={"Cache-Control": "no-cache"}).json()["metrics"]


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
    assert trapped(server) == []


def test_a_request_smuggled_behind_a_refused_one_is_not_served(server):
    hidden = b"POST /metrics HTTP/1.1\r\n" + HOST + JSON + LENGTH + b"\r\n" + BODY
    for name in ("chunked and a length", "two lengths that differ", "CR alone in a value", "folded line"):
        with server.connect() as connection:
            connection.send(MALFORMED[name] + hidden)
            assert connection.read_answer().status == 400
            assert connection.is_closed(), name
    assert trapped(server) == []


def test_answers_before_a_refused_request_still_come(server):
    with server.connect() as connection:
        connection.send(connection.make("GET", "/healthz") * 3 + MALFORMED["NUL in a value"])
        assert [connection.read_answer().status for _ in range(4)] == [200, 200, 200, 400]
        assert connection.is_closed()


def test_unfinished_requests_store_nothing(server):
    for data in (b"P", b"POST /metrics HTTP/1.1\r\n", post(LENGTH)[:-1], chunks(CHUNK), chunks(CHUNK + b"0\r\n")):
        with server.connect() as connection:
            connection.send(data)
    assert trapped(server) == []


def test_a_whole_request_before_the_client_leaves_is_stored(server, name):
    """A client that closes only its sending side still gets its answer."""
    with server.connect() as connection:
        connection.send(connection.make("POST", "/metrics", {"name": name, "value": 1}))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.read_answer().status == 201
        assert connection.is_closed()


ACCEPTED = {
    "blank lines before the request": b"\r\n\r\nGET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "8-bit bytes in a value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: \xe9\xff\r\n\r\n",
    "empty value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A:\r\n\r\n",
    "blanks around a value": b"GET /healthz HTTP/1.1\r\nHost: \t here \t \r\n\r\n",
    "no blank behind the colon": b"GET /healthz HTTP/1.1\r\nHost:here\r\n\r\n",
    "100 fields": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n" * 99 + b"\r\n",
    "absolute form": b"GET http://here/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "an upgrade that is not taken": b"GET /healthz HTTP/1.1\r\n" + HOST
                                    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
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
    assert trapped(server) == []


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
        connection.send(connection.make("POST", "/metrics", {"name": name, "value": 1}, headers={"Expect": "100-continue"}))
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
