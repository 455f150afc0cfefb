"""Attacks that an attacker would try first, one name each.

| attack                                                             | where it is tried                              |
| ------------------------------------------------------------------ | ---------------------------------------------- |
| request smuggling: malformed heads, lengths, codings, chunks       | traps.py, test_http.py                         |
| request smuggling: obscured codings and lengths, hidden requests   | SMUGGLING, HIDDEN                              |
| header injection: X-Request-Id, traceparent, Location, Link        | test_header_injection_*                        |
| filter injection: operators, dots, NUL, patterns, quotes           | test_read.py (BAD_FILTERS), test_filter_*      |
| path tricks: escapes, dot segments, slashes, case                  | test_calls.py, PATHS                           |
| Redis protocol injection by names and tags                         | test_redis_protocol_injection                  |
| log injection: line ends, ANSI escapes, very long values           | test_log.c, test_log_injection                 |
| cache poisoning: unkeyed fields, colliding keys, entity tags       | test_cache_*                                   |
| secrets in logs, answers, figures and --print-config               | test_secrets_*                                 |
| clients that reset in the middle, slots used again at once         | test_hostile.c, test_many.py                   |
| slow clients, floods of connections, bodies and jobs               | test_limits.py                                 |
| JSON: bombs, duplicates, numbers and texts that parsers differ on  | test_json.py, tests/fuzz/fuzz_json.c           |
"""
import itertools
import json
import re
import socket

import pytest
from problems import assert_problem
from server import run_binary
from test_redis import REDIS, Redis
from traps import BODY, CHUNK, CHUNKED, HOST, LENGTH, chunks, post
from wire import eventually, fresh_id, target

HIDDEN_POST = b"POST /metrics HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n" + LENGTH + b"\r\n" + BODY
ENDS = b"0\r\n\r\n"
KNOWN_FIELDS = {
    "date", "server", "content-type", "content-length", "connection", "x-request-id", "server-timing", "etag", "link",
    "location", "cache-control", "cache-status", "vary", "allow", "retry-after", "ratelimit", "ratelimit-policy",
    "x-content-type-options", "keep-alive", "www-authenticate",
}


def assert_fields_known(answer):
    names = {name for name, _ in answer.fields}
    assert names <= KNOWN_FIELDS, names - KNOWN_FIELDS


# Request smuggling --------------------------------------------------------------------------------

# Each would be read as one request here and as two, or as another one, by a server that is less strict.
SMUGGLING = {
    "coding with a vertical tab before it": post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNK + ENDS),
    "coding with a vertical tab behind it": post(b"Transfer-Encoding: chunked\x0b\r\n", CHUNK + ENDS),
    "coding with a NUL behind it": post(b"Transfer-Encoding: chunked\0\r\n", CHUNK + ENDS),
    "coding with a comma before it": post(b"Transfer-Encoding: ,chunked\r\n", CHUNK + ENDS),
    "coding with a comma behind it": post(b"Transfer-Encoding: chunked,\r\n", CHUNK + ENDS),
    "coding cut short": post(b"Transfer-Encoding: chunk\r\n", CHUNK + ENDS),
    "coding with a blank before the colon": post(b"Transfer-Encoding : chunked\r\n" + LENGTH, CHUNK + ENDS),
    "coding with its name folded": post(b"Transfer-Encoding\r\n : chunked\r\n" + LENGTH, CHUNK + ENDS),
    "coding with its value folded": post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNK + ENDS),
    "coding behind a bare LF": post(b"X-A: b\nTransfer-Encoding: chunked\r\n" + LENGTH, CHUNK + ENDS),
    "coding behind a bare CR": post(b"X-A: b\rTransfer-Encoding: chunked\r\n" + LENGTH, CHUNK + ENDS),
    "two codings, one identity": post(CHUNKED + b"Transfer-Encoding: identity\r\n", CHUNK + ENDS),
    "two codings, the first unknown": post(b"Transfer-Encoding: x\r\n" + CHUNKED, CHUNK + ENDS),
    "coding and a length of 0": post(b"Content-Length: 0\r\n" + CHUNKED, CHUNK + ENDS),
    "length of 0 before the length": post(b"Content-Length: 0\r\n" + LENGTH),
    "length of 0 behind the length": post(LENGTH + b"Content-Length: 0\r\n"),
    "length with a comma behind it": post(b"Content-Length: 25,\r\n"),
    "length with a parameter": post(b"Content-Length: 25;q=1\r\n"),
    "length with an underscore": post(b"Content-Length: 2_5\r\n"),
    "length with an exponent": post(b"Content-Length: 25e0\r\n"),
    "length in wide digits": post("Content-Length: ２５\r\n".encode()),
    "length with a vertical tab": post(b"Content-Length: \x0b25\r\n"),
    "length in quotes": post(b'Content-Length: "25"\r\n'),
    "length folded": post(b"Content-Length:\r\n 25\r\n"),
    "length of 20 digits": post(b"Content-Length: 00000000000000000025\r\n"),
    "chunk size of 17 digits": chunks(b"00000000000000019\r\n" + BODY + b"\r\n" + ENDS),
    "chunk size that wraps to 25": chunks(b"100000000000000019\r\n" + BODY + b"\r\n" + ENDS),
    "chunk size of all bits": chunks(b"ffffffffffffffff\r\n" + BODY + b"\r\n" + ENDS),
    "chunk size with a blank behind it": chunks(b"19 \r\n" + BODY + b"\r\n" + ENDS),
    "chunk size with a blank before its extension": chunks(b"19 ;a=b\r\n" + BODY + b"\r\n" + ENDS),
    "chunk size with a tab before it": chunks(b"\t19\r\n" + BODY + b"\r\n" + ENDS),
    "chunk size with an underscore": chunks(b"1_9\r\n" + BODY + b"\r\n" + ENDS),
    "chunk extension that hides a line in quotes": chunks(b'19;a="\r\n"\r\n' + BODY + b"\r\n" + ENDS),
    "chunk extension ended by LF": chunks(b"19;a\n" + BODY + b"\r\n" + ENDS),
    "trailer that is a request line": chunks(CHUNK + b"0\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
    "HTTP/0.9 without a protocol": b"GET /metrics\r\n\r\n",
    "request line folded": b"POST /metrics\r\n HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "host in the method": b"POST http://evil HTTP/1.1 /metrics HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "Host with a path": post(LENGTH, host=b"Host: here/metrics\r\n"),
    "Host with a user": post(LENGTH, host=b"Host: me@here\r\n"),
    "Host twice, one folded": post(LENGTH, host=b"Host: here\r\n\tHost: there\r\n"),
}


@pytest.mark.parametrize("way", ["whole", "bytewise"])
@pytest.mark.parametrize("attack", SMUGGLING)
def test_smuggling_is_refused_with_all_behind_it(server, attack, way):
    with server.connect() as connection:
        (connection.send if way == "whole" else connection.send_bytewise)(SMUGGLING[attack] + HIDDEN_POST)
        answer = connection.read_answer()
        assert_problem(answer, (400, 413))
        assert answer["Connection"].lower() == "close" and connection.is_closed()
    assert server.take_away("trap") == []


def numbered(number):
    return b"GET /nowhere HTTP/1.1\r\n" + HOST + b"X-Request-Id: probe-%d\r\n\r\n" % number


# What a strict reading takes as one request, whose body or fields only look like more.
HIDDEN = {
    "request as a body of known length":
        (post(b"Content-Length: %d\r\n" % len(HIDDEN_POST), HIDDEN_POST), 400),
    "request as a chunk":
        (chunks(b"%x\r\n%s\r\n" % (len(HIDDEN_POST), HIDDEN_POST) + ENDS), 400),
    "request as the body of a GET":
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN_POST) + HIDDEN_POST, 200),
    "request as the body of a DELETE":
        (b"DELETE /metrics/%s HTTP/1.1\r\n" % (b"0" * 24) + HOST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN_POST)
         + HIDDEN_POST, 404),
    "request as the body of OPTIONS":
        (b"OPTIONS /metrics HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN_POST) + HIDDEN_POST, 204),
    "request behind Expect":
        (post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(HIDDEN_POST), HIDDEN_POST), 400),
    "coding by an unknown name": (post(b"Transfer_Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n"), 422),
    "coding in capitals, blanks around it":
        (post(b"tRANSFER-eNCODING: \t cHUNKED \t\r\n", b"3\r\n0\r\n\r\n" + ENDS), 422),
    "length with leading zeros": (post(b"Content-Length: 0003\r\n", b"0\r\n"), 422),
    "request in an extension of a chunk": (chunks(b"3;POST /metrics HTTP/1.1\r\n0\r\n\r\n" + ENDS), 422),
    "length as a trailer": (chunks(b"3\r\n0\r\n\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n"), 422),
    "absolute form with another Host": (b"GET http://evil:1/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "connection made of other fields":
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: Content-Length, Transfer-Encoding, Host\r\n\r\n", 200),
    "Keep-Alive and Upgrade": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, Upgrade\r\n"
                               + b"Upgrade: h2c, websocket\r\nKeep-Alive: 5\r\n\r\n", 200),
}


@pytest.mark.parametrize("way", ["whole", "bytewise"])
@pytest.mark.parametrize("attack", HIDDEN)
def test_hidden_requests_stay_bodies(server, attack, way):
    data, status = HIDDEN[attack]
    with server.connect() as connection:
        (connection.send if way == "whole" else connection.send_bytewise)(data + numbered(1))
        answer = connection.read_answer()
        while answer.status == 100:
            answer = connection.read_answer()
        assert answer.status == status and b"evil" not in answer.body
        if status in (400, 422):
            assert_problem(answer, status, "malformed-json" if status == 400 else "invalid-metric")
        answer = connection.read_answer()
        assert (answer.status, answer["X-Request-Id"]) == (404, "probe-1"), "what comes next is the next request"
    assert server.take_away("trap") == []


# Header injection ---------------------------------------------------------------------------------

@pytest.mark.parametrize("field", [b"X-Request-Id", b"traceparent"])
@pytest.mark.parametrize("line_end", [b"\r", b"\n", b"\n ", b"\r\n ", b"\0", b"\x0b", b"\x85", b"%0d%0a"])
def test_header_injection_by_fields_that_are_echoed(server, field, line_end):
    with server.connect() as connection:
        connection.send(b"GET /nowhere HTTP/1.1\r\n" + HOST + field + b": 00-" + line_end + b"Set-Cookie: a=b\r\n\r\n")
        answer = connection.read_answer()
        assert answer.status in (400, 404)
        assert_fields_known(answer)
        assert "Set-Cookie" not in answer["X-Request-Id"] and b"Set-Cookie" not in answer.body


@pytest.mark.parametrize("path", ["/metrics/%0d%0aSet-Cookie:%20a=b", "/%0d%0aSet-Cookie:%20a=b", "/metrics?%0d%0aSet-Cookie=b",
                                  "/metrics?name=%0d%0aSet-Cookie:a", "/metrics?cursor=%0aSet-Cookie:a",
                                  "/metrics?filters=%7B%22%0a%22:1%7D", "/metrics?name=%c2%85Set-Cookie", "/a%e2%80%a8b"])
def test_header_injection_by_targets(server, path):
    answer = server.request("GET", path)
    assert_problem(answer, (400, 404))
    assert_fields_known(answer)


@pytest.mark.parametrize("odd", ['>; rel="x", <http://evil', "a\">b", "a, b; c=d", "%0d%0aX: y", "\\\"", "é>", "a b+c&d=e#f"])
def test_header_injection_by_links_to_the_next_page(server, name, odd):
    odd = name + odd
    server.store([{"name": odd, "value": 1}, {"name": odd, "value": 2}])
    path = target("/metrics", name=odd, limit=1)
    for _ in range(2):  # the page, and then its Link
        answer = server.request("GET", path)
        assert answer.status == 200 and len(answer.json()["metrics"]) == 1
        assert_fields_known(answer)
        if answer["Link"] is None:
            break
        path = re.fullmatch(r'<([^<>" ]+)>; rel="?next"?', answer["Link"]).group(1)
    assert answer["Link"] is None, "the second page is the last"
    server.take_away(odd)


def test_header_injection_by_locations(server):
    answer = server.request("POST", "/metrics", {"name": "trap", "value": 1, "tags": ["\u2028> evil"]})
    assert answer.status == 201 and re.fullmatch(r"/metrics/[0-9a-f]{24}", answer["Location"])
    assert_fields_known(answer)
    assert len(server.take_away("trap")) == 1


# Filter injection ---------------------------------------------------------------------------------

# Names that mean something to a database, beside names that they would match if they were let.
MEANT = ["a.b", "aXb", "a%", "a_", "ab", "a*b", "^a", "a$", "a|b", ".*", "a[b]", "a\\b", "a'b", "a\"b", "' OR 1=1 --",
         "'; DROP TABLE metric; --", "$ne", "$where", '{"$gt":""}', "{$regex: /a/}", "a.$.b", "__proto__", "null", "0", "true",
         "A.B", "a/b", "a\u0301", "\u00e1", "a\u200bb", "a;b", "a--", "a/*b*/", "?1", ":name", "a%00b", "\\u0000", "a??b"]


@pytest.mark.stores("sqlite", "mongodb")
def test_filter_words_of_databases_are_texts(server, name):
    names = [f"{name}:{word}" for word in MEANT]
    server.store([{"name": one, "tags": [one], "value": index} for index, one in enumerate(names)])
    with server.connect() as connection:
        for index, one in enumerate(names):
            for question in ({"name": one}, {"tag": one}, {"any_tag": one}, {"filters": {"name": one}},
                             {"filters": {"tags": [one]}}, {"filters": {"any_tags": [one]}}, {"name": one[:-1] + "*", "tag": one}):
                if question.get("name", "").endswith("*") and question["name"] == one:
                    continue
                answer = connection.request("GET", target("/metrics", limit=1000, **question))
                assert [metric["value"] for metric in answer.json()["metrics"]] == [index], question
            begun = sorted(i for i, other in enumerate(names) if other.startswith(one))
            answer = connection.request("GET", target("/metrics", name=one + "*", limit=1000))
            assert sorted(metric["value"] for metric in answer.json()["metrics"]) == begun, one
            answer = connection.request("GET", target("/metrics", name=name + "*", not_tag=one, limit=1000))
            assert len(answer.json()["metrics"]) == len(names) - 1, one


OPERATORS = [{"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, {"$exists": True}, {"$in": ["a"]}, ["a"], [{"$ne": 1}], None,
             True, 1, {"$oid": "0" * 24}, {"$code": "sleep(1)"}, [["a"]], [None]]


@pytest.mark.stores("sqlite", "mongodb")
def test_filter_operators_are_refused(server):
    for member, value in itertools.product(("name", "from", "min"), OPERATORS):
        if (member, value) in (("min", 1), ("from", 1)) and value is not True:
            continue
        answer = server.request("GET", target("/metrics", filters={member: value}))
        assert_problem(answer, 400, "bad-filter")
    for member, value in itertools.product(("tags", "any_tags", "not_tags"), OPERATORS):
        if value != ["a"]:
            assert_problem(server.request("GET", target("/metrics", filters={member: value})), 400, "bad-filter")
    for member in ("$or", "$and", "$where", "$expr", "name.$ne", "tags.0", "name\0", "Name", " name", "__proto__", "_id", ""):
        assert_problem(server.request("GET", target("/metrics", filters={member: "a"})), 400, "bad-filter")
    for query in ("name[$ne]=a", "name[]=a", "$where=1", "tags.0=a", "tag[$exists]=true", "min[$gt]=1", "name.$regex=a"):
        assert_problem(server.request("GET", "/metrics?" + query), 400, "bad-filter")


@pytest.mark.stores("sqlite", "mongodb")
def test_filter_operators_in_bodies_are_refused(server, name):
    good = {"name": name, "value": 1}
    identity = server.request("POST", "/metrics", good).json()["id"]
    for bad in ({**good, "$set": {"value": 2}}, {**good, "name": {"$ne": 1}}, {**good, "value": {"$inc": 1}}, {**good, "_id": 1},
                {**good, "tags": {"$push": "a"}}, {**good, "id": {"$oid": "0" * 24}}, {**good, "timestamp": {"$date": 1}},
                {**good, "a.b": 1}, {**good, "id": "$"}):
        assert_problem(server.request("POST", "/metrics", bad), 422, "invalid-metric")
        assert_problem(server.request("PUT", f"/metrics/{identity}", bad), 422, "invalid-metric")
    for identity_trick in ("$ne", "{$ne:null}", "[$ne]", "0" * 23 + "$", "%7B%22$ne%22:1%7D", "' OR 1=1"):
        path = "/metrics/" + identity_trick.replace(" ", "%20")
        assert_problem(server.request("DELETE", path), 404, "not-found")
    assert [metric["value"] for metric in server.take_away(name)] == [1]


# Path tricks --------------------------------------------------------------------------------------

# {id} is that of a metric there is. The status of GET; DELETE must never reach the metric by a path that GET does not.
PATHS = {
    "/metrics/{id}": 200, "/%6detrics/{id}": 200, "/%6Detrics/{id}?": 200, "/metrics/{ID}": 200,
    "/metrics%2f{id}": 404, "/metrics/%2f{id}": 404, "/metrics//{id}": 404, "//metrics/{id}": 404, "/metrics/{id}/": 404,
    "/metrics/./{id}": 404, "/metrics/x/../{id}": 404, "/metrics/%2e/{id}": 404, "/metrics/%2e%2e/metrics/{id}": 404,
    "/../metrics/{id}": 404, "/metrics/..%2f{id}": 404, "/metrics/{id}%00": 404, "/metrics/%00{id}": 404, "/metrics/{id}%20": 404,
    "/metrics/{id};a=b": 404, "/metrics/{id}.json": 404, "/metrics/{id}%3f": 404, "/metrics/{id}%23": 404, "/METRICS/{id}": 404,
    "/Metrics/{id}": 404, "/metrics/%ff{id}": 404, "/metrics/{id},{id}": 404, "/metrics%00/{id}": 404, "/metrics/%252f{id}": 404,
    "/metrics\\{id}": 404, "/metrics/{id}%0a": 404, "/%c0%afmetrics/{id}": 404, "/metrics/{id}/..": 404, "/-/../metrics/{id}": 404,
    "http:///metrics/{id}": 200, "http://evil/metrics/{id}": 200, "http://metrics/{id}": 404, "metrics/{id}": 400,
    "ftp://here/metrics/{id}": 400, "/metrics/{id}#a": 400, "*": 405, "": 400,
}


@pytest.mark.parametrize("path", PATHS)
def test_path_tricks(server, name, path):
    identity = server.request("POST", "/metrics", {"name": name, "value": 1}).json()["id"]
    path, status = path.replace("{id}", identity).replace("{ID}", identity.upper()), PATHS[path]
    answer = server.request("GET", path)
    assert answer.status == status, answer
    assert server.request("DELETE", path).status == (204 if status == 200 else status)
    assert server.request("GET", f"/metrics/{identity}").status == (404 if status == 200 else 200)


# Redis protocol injection -------------------------------------------------------------------------

PROTOCOL = ["*1 $8 FLUSHALL", "$-1", "*-1", "+OK", "-ERR no", ":1", "*3\\r\\n$3\\r\\nSET", "{slot}", "e", "g:all", "v:0", "*", "?",
            "[a-z]", "'a'", '"a"', "%s%n%b", "redis.call('flushall')", "\u0d0a", "\u560d\u560a", "a" * 250]


@pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")
def test_redis_protocol_injection(start, tmp_path):
    redis = Redis(tmp_path).start()
    try:
        server = start(REDIS_URI=redis.uri, REDIS_PREFIX="mine:")
        eventually(lambda: server.counter("telemetry_cache_up") == 1, 10)
        redis.say("SET", "theirs", "kept")
        for word in PROTOCOL:
            server.store({"name": word, "tags": [word[:100]], "value": 1})
            for path in (target("/metrics", name=word), target("/metrics", tag=word[:100])):
                fresh = server.request("GET", path)
                assert fresh.status == 200 and fresh.json()["metrics"][0]["name"] == word
                kept = server.request("GET", path)
                eventually(lambda: server.request("GET", path)["Cache-Status"].endswith("; hit"), 10)
                assert kept.body == fresh.body
        for bad in ("a\r\nFLUSHALL\r\n", "a\nb", "a\0b"):
            assert_problem(server.request("POST", "/metrics", {"name": bad, "value": 1}), (400, 422))
            assert_problem(server.request("GET", target("/metrics", name=bad)), 400)
        assert redis.say("GET", "theirs") == "kept\n"
        keys = set(redis.say("KEYS", "*").split()) - {"theirs"}
        assert keys and all(re.fullmatch(r"mine:[0-9a-f]{16}:(e|g:(all|[0-9a-f]{4})|v:[0-9a-f]{32})", key) for key in keys), keys
        stats = set(re.findall(r"cmdstat_([a-z|]+)", redis.say("INFO", "commandstats")))
        assert stats <= {"mget", "set", "keys", "get", "info", "select", "client|setname", "hello", "auth", "command|docs", "command",
                         "config|get", "ping", "pttl", "evalsha", "eval", "mset", "client"}, stats
        assert "flushall" not in stats
    finally:
        redis.end()


# Log injection ------------------------------------------------------------------------------------

FORGED = '{"time":"2026-01-01T00:00:00.000Z","level":"error","message":"forged"}'


@pytest.mark.parametrize("form", ["json", "text"])
def test_log_injection(start, form):
    server = start(LOG_FORMAT=form, LOG_LEVEL="debug")
    words = ["a\n" + FORGED, "\x1b[2J\x1b[31mred", "\r" + FORGED, "\x85\u2028" + FORGED, "x" * 5000, "%n%s%d", "\x07\x08\x7f"]
    for word in words:
        server.request("POST", "/metrics", {"name": word, "tags": [word], "value": "x", word: 1})
        server.request("GET", target("/metrics", name=word, **{word[:50] or "a": 1}))
        server.request("GET", target("/" + word[:50].encode().hex(), filters={word: 1}))
        server.request("GET", "/metrics", headers={"User-Agent": re.sub(r"[\r\n\0\x85\u2028\x07\x08\x1b\x7f]", " ", word),
                                                   "X-Request-Id": "a b"})
    with server.connect() as connection:
        connection.send(b"GET /\n" + FORGED.encode() + b" HTTP/1.1\r\n\x1b[31m: a\r\n\r\n")
        connection.read_answer()
    server.stop()
    assert server.lines and not any("forged" in line or "\x1b" in line for line in server.lines)
    for line in server.lines:
        assert len(line.encode()) <= 4096 and not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line), line
        if form == "json":
            assert {"time", "level"} <= json.loads(line).keys()
        else:
            assert re.match(r"\d{4}-\d\d-\d\dT", line), line


# Cache poisoning ----------------------------------------------------------------------------------

UNKEYED = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "evil", "X-Forwarded-For": "6.6.6.6",
           "X-Forwarded-Port": "666", "X-Original-URL": "/evil", "X-Rewrite-URL": "/evil", "Forwarded": "host=evil.example",
           "X-HTTP-Method-Override": "DELETE", "X-Host": "evil.example", "Referer": "http://evil.example/", "Origin": "http://evil",
           "User-Agent": "evil", "Accept-Language": "evil", "Cookie": "evil=evil", "Via": "1.1 evil", "Range": "bytes=0-1",
           "Accept-Encoding": "evil, gzip"}
OF_THE_REQUEST = ("date", "x-request-id", "server-timing", "cache-status", "ratelimit", "ratelimit-policy")


def lasting(answer):
    return [field for field in answer.fields if field[0] not in OF_THE_REQUEST], answer.body


def test_cache_poisoning_by_fields_that_no_key_has(server, name):
    server.store([{"name": name, "value": 1}, {"name": name, "value": 2}])
    for path in (target("/metrics", name=name, limit=1), "/nowhere", "/healthz"):
        plain = lasting(server.request("GET", path, headers={"Cache-Control": "no-cache", "X-Request-Id": "same"}))
        for field, value in UNKEYED.items():
            for control in ("no-cache", None):  # makes the answer anew, then takes the kept one
                answer = server.request("GET", path, headers={field: value, "Cache-Control": control, "X-Request-Id": "same"})
                assert lasting(answer) == plain, field
                assert "evil" not in repr(answer.fields).lower() and b"evil" not in answer.body
        assert lasting(server.request("GET", path, headers={"X-Request-Id": "same"})) == plain
    with server.connect() as connection:
        path = target("/metrics", name=name, limit=1)
        connection.send(b"GET http://evil.example" + path.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert b"evil" not in repr(connection.read_answer().fields).encode()
        assert b"evil" not in repr(connection.request("GET", path).fields).encode()


@pytest.mark.stores("sqlite", "mongodb")
def test_cache_keys_of_different_questions_differ(server, name):
    """Questions that read alike when they are strung together; each asked twice, then past the cache."""
    texts = ["a", "b", "ab", "a,b", "a b", "a|b", "a:b", "a\u0001b"[:1] + "&b", "1", "11", "n", "a=b", "a+b"]
    tags = [f"{name}:{text}" for text in texts]
    server.store([{"name": name, "tags": list(pair), "value": index, "timestamp": 1000 + index}
                  for index, pair in enumerate(itertools.combinations(tags, 2))])
    questions = [{kind: list(pair)} for kind in ("tag", "any_tag", "not_tag") for pair in itertools.combinations(tags, 2)]
    questions += [{kind: tag} for kind in ("tag", "any_tag", "not_tag") for tag in tags]
    questions += [{kind: number} for kind in ("min", "max", "from_", "to", "limit") for number in (1, 11, 1001, 12)
                  if (kind, number) != ("limit", 1001)]
    questions += [{"order": "asc"}, {"order": "desc", "limit": 2}, {"order": "asc", "limit": 2}, {"min": 1, "max": 11},
                  {"from_": 1001, "to": 1011}, {"min": -1, "max": 1}]
    with server.connect() as connection:
        paths = [target("/metrics", **{"name": name, "limit": 1000, **question}) for question in questions]
        truth = [connection.request("GET", path, headers={"Cache-Control": "no-store"}).body for path in paths]
        for _ in range(2):
            for path, body in zip(paths, truth):
                assert connection.request("GET", path).body == body, path


def test_cache_keys_of_names_and_prefixes_differ(server, name):
    server.store([{"name": name, "value": 1}, {"name": name + "x", "value": 2}, {"name": name + "*", "value": 3}])
    for _ in range(2):
        for asked, wanted in ((name, [1]), (name + "*", [1, 2, 3]), (name + "**", [3]), (name + "x", [2]), (name + "x*", [2])):
            answer = server.request("GET", target("/metrics", name=asked))
            assert sorted(metric["value"] for metric in answer.json()["metrics"]) == wanted, asked


def test_cache_poisoning_by_failures_and_refusals(server, name):
    """What is no answer to the plain question is not kept as one."""
    path = target("/metrics", name=name)
    server.store({"name": name, "value": 1})
    tag = server.request("GET", path)["ETag"]
    for headers, status in (({"Accept": "text/html"}, 406), ({"If-None-Match": tag}, 304), ({"If-None-Match": "*"}, 304),
                            ({"Expect": "x"}, 417)):
        assert server.request("GET", path, headers=headers).status == status
        answer = server.request("GET", path)
        assert answer.status == 200 and len(answer.json()["metrics"]) == 1 and answer["ETag"] == tag
    with server.connect() as connection:
        assert connection.request("HEAD", path).body == b""
        assert connection.request("GET", path).json()["metrics"], "HEAD leaves no empty answer"
    missing = fresh_id()
    assert server.request("GET", f"/metrics/{missing}").status == 404
    server.store({"id": missing, "name": name, "value": 2})
    assert server.request("GET", f"/metrics/{missing}").json()["value"] == 2


def test_cache_entity_tags_belong_to_one_answer(server, name):
    alike = {"name": name, "value": 1, "timestamp": 5}
    paths = [server.request("POST", "/metrics", alike)["Location"] for _ in range(3)]
    paths += [target("/metrics", name=name), target("/metrics", name=name, limit=1), target("/metrics", name=name, limit=2)]
    tags = [server.request("GET", path)["ETag"] for path in paths]
    assert len(set(tags)) == len(tags) and all(re.fullmatch(r'"[0-9a-f]{16}"', tag) for tag in tags)
    for path, own in zip(paths, tags):
        others = ", ".join(tag for tag in tags if tag != own)
        assert server.request("GET", path, headers={"If-None-Match": others}).status == 200
        assert server.request("GET", path, headers={"If-None-Match": f"{others}, W/{own}"}).status == 304
        for trick in (own[1:-1], own[:-1], own.upper() if own != own.upper() else own[:-2] + '"', f"'{own[1:-1]}'"):
            assert server.request("GET", path, headers={"If-None-Match": trick}).status == 200, trick
    for path, own in zip(paths[:3], tags):
        others = ", ".join(tag for tag in tags if tag != own)
        for condition in (others, f"W/{own}"):
            assert server.request("DELETE", path, headers={"If-Match": condition}).status == 412
        assert server.request("GET", path).status == 200


# Secrets ------------------------------------------------------------------------------------------

SECRETS = {"MONGO_URI": "mongodb://me:hush-mongo@127.0.0.1:1/?authSource=hush-source&serverSelectionTimeoutMS=100",
           "REDIS_URI": "redis://me:hush-redis@127.0.0.1:1/3",
           "LLM_API_KEY": "hush-llm", "LLM_BASE_URL": "http://127.0.0.1:1/v1", "LLM_MODEL": "none"}
MANGLED = {"MONGO_URI": ["mongodb://me:hush-mongo@", "mongodb://me:hush-mongo@a:99999999/", "mongodbx://me:hush-mongo@a",
                         "mongodb://me:hush-mongo@a/?w=hush-mongo&w=x&tls=hush-mongo", "me:hush-mongo@a"],
           "REDIS_URI": ["redis://me:hush-redis@:x", "redis://me:hush-redis@a/hush-redis", "redix://me:hush-redis@a",
                         "redis://me:hush-redis@a:1/0?hush-redis", "hush-redis"],
           "LLM_API_KEY": ["hush-llm\nhush-llm", "hush-llm\x1b[0m"]}


def assert_silent(text):
    assert "hush" not in text, text[max(0, text.find("hush") - 200) :][:400]


def test_secrets_are_not_in_what_the_command_line_prints(tmp_path):
    for argument in ("--print-config", "--check-config", "--help", "--env-sample", "--version"):
        result = run_binary(argument, **SECRETS)
        assert result.returncode == 0, result.stderr
        assert_silent(result.stdout + result.stderr)


@pytest.mark.parametrize("key", MANGLED)
def test_secrets_are_not_in_what_refuses_them(tmp_path, key):
    for value in MANGLED[key]:
        result = run_binary("--check-config", **{key: value})
        assert_silent(result.stdout + result.stderr)
        (tmp_path / ".env").write_text(f'{key}="{value}"\n')
        result = run_binary("--check-config", cwd=tmp_path, APP_ENV="local")
        assert_silent(result.stdout + result.stderr)
        (tmp_path / "secret").write_text(value)
        result = run_binary("--check-config", **{key + "_FILE": tmp_path / "secret"})
        assert_silent(result.stdout + result.stderr)


@pytest.mark.parametrize("left_out", ["MONGO_URI", None])
def test_secrets_are_not_in_logs_answers_and_figures(start, name, left_out):
    settings = {key: value for key, value in SECRETS.items() if key != left_out}
    readyz = 200 if left_out else 503
    server = start(readyz=readyz, LOG_LEVEL="debug", STARTUP_WAIT_MS=100, **settings)
    said = []
    for method, path, body in (("GET", "/readyz", None), ("GET", "/healthz", None), ("GET", "/-/metrics", None), ("GET", "/-/stats", None),
                               ("GET", "/metrics", None), ("POST", "/metrics", {"name": name, "value": 1}), ("GET", "/nowhere", None),
                               ("GET", "/query?prompt=what+is+hot", None), ("OPTIONS", "*", None)):
        answer = server.request(method, path, body)
        said.append(repr(answer.fields) + answer.body.decode())
    server.stop()
    assert_silent("\n".join(said + server.lines))
    assert any("127.0.0.1:1" in line for line in server.lines), "the failures were spoken of"
