"""Many clients at once, each with its own questions and ids: no answer goes to another one, or out of turn.

MANY_CONNECTIONS is how many there are (400; by hand 2000), MANY_SEED what their requests and the cuts between their writes
are drawn from.
"""
import asyncio
import os
import random
import resource

import pytest
from wire import eventually

CONNECTIONS = int(os.environ.get("MANY_CONNECTIONS", "400"))
SEED = int(os.environ.get("MANY_SEED", "20261123"))
PIPELINED = 16
PATIENCE_S = 240
# With clients in one thread, and with a queue as long as all that they send.
PATIENT = {"HEAD_TIMEOUT_MS": 600_000, "BODY_TIMEOUT_MS": 600_000, "WRITE_TIMEOUT_MS": 600_000, "CODEL_TARGET_MS": 0}


def mixed_request(rng, name, host, request_id):
    """(method, bytes, statuses that may be) of one request drawn at random."""
    def make(method, target, body=b"", fields=""):
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: {request_id}\r\n{fields}"
        if body and "chunked" not in fields:
            head += f"Content-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body

    json_type = "Content-Type: application/json\r\n"
    metric = b'{"name":"%s","value":%d}' % (name.encode(), rng.randrange(1000))
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (metric[:7], metric[7:])) + b"0\r\n\r\n"
    return rng.choice([
        lambda: ("GET", make("GET", "/healthz"), (200,)),
        lambda: ("HEAD", make("HEAD", f"/metrics?name={name}"), (200,)),
        lambda: ("GET", make("GET", f"/metrics?name={name}&limit={rng.randrange(1, 20)}"), (200,)),
        lambda: ("GET", make("GET", f"/metrics?limit={rng.randrange(1, 50)}"), (200,)),
        lambda: ("GET", make("GET", f"/nowhere/{request_id}"), (404,)),
        lambda: ("GET", make("GET", "/metrics?limit=0"), (400,)),
        lambda: ("POST", make("POST", "/metrics", metric, json_type), (201,)),
        lambda: ("POST", make("POST", "/metrics", chunked, json_type + "Transfer-Encoding: chunked\r\n"), (201,)),
        lambda: ("POST", make("POST", "/metrics", b"{", json_type), (400,)),
        lambda: ("POST", make("POST", "/metrics", b'{"name":1}', json_type), (422,)),
        lambda: ("DELETE", make("DELETE", "/metrics/" + "%024x" % rng.getrandbits(90)), (404,)),
        lambda: ("OPTIONS", make("OPTIONS", "/metrics"), (204,)),
    ])()


async def read_answer(reader, method):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    status = int(head[0].split(" ")[1])
    length = 0 if method == "HEAD" or status in (204, 304) else int(fields["content-length"])
    return status, fields, await reader.readexactly(length)


async def write_cut(writer, rng, data):
    """In one piece, or cut anywhere, so that requests arrive whole, in parts, and with the next one's beginning."""
    while data:
        size = len(data) if rng.random() < 0.5 else rng.randrange(1, len(data) + 1)
        writer.write(data[:size])
        await writer.drain()
        data = data[size:]
        await asyncio.sleep(0)


async def one_client(server, number, ready, counts):
    rng = random.Random(SEED * 100_003 + number)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    host, name = f"{server.host}:{server.port}", f"many.{number % 50}"
    requests = [mixed_request(rng, name, host, f"c{number}-r{i}") for i in range(PIPELINED)]
    await ready()
    writing = asyncio.ensure_future(write_cut(writer, rng, b"".join(data for _, data, _ in requests)))
    for i, (method, data, statuses) in enumerate(requests):
        status, fields, body = await read_answer(reader, method)
        counts[status] = counts.get(status, 0) + 1
        if status == 503:  # refused at the door for want of a job, under an id of the door's own, in its turn
            assert (method == "HEAD" or b"all JOBS are under way" in body) and "retry-after" in fields
            continue
        assert fields["x-request-id"] == f"c{number}-r{i}", (number, i, status, fields)
        assert status in statuses, (data, status, body)
        if status >= 400 and method != "HEAD":
            assert f'"request_id":"c{number}-r{i}"'.encode() in body
    await writing
    writer.close()


async def all_clients(server):
    counts, arrived, everybody = {}, 0, asyncio.Event()

    async def ready():
        nonlocal arrived
        arrived += 1
        if arrived == CONNECTIONS:
            everybody.set()
        await everybody.wait()

    await asyncio.wait_for(asyncio.gather(*(one_client(server, number, ready, counts) for number in range(CONNECTIONS))), PATIENCE_S)
    return counts


@pytest.mark.parametrize("jobs", ["a job for each request", "too few jobs"])
def test_every_answer_goes_to_its_own_request_in_turn(start, jobs):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * CONNECTIONS + 500)), hard))
    n_requests = CONNECTIONS * PIPELINED
    n_jobs = n_requests if jobs.startswith("a job") else max(64, n_requests // 16)
    server = start(JOBS=n_jobs, **PATIENT)
    counts = asyncio.run(all_clients(server))
    print(f"{CONNECTIONS} connections x {PIPELINED} requests, {jobs}, seed {SEED}: {dict(sorted(counts.items()))}")
    assert sum(counts.values()) == n_requests
    assert counts.get(503, 0) <= n_requests - n_jobs, "each job answers one request at least"
    eventually(lambda: server.counter("telemetry_jobs_in_use") <= 1)
    eventually(lambda: server.counter("telemetry_connections") <= 1)
