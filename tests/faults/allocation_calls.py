"""allocation_calls: every kind of request, each with what is right for its answer when memory ran out meanwhile.

A read is answered as it is without a fault, or refused. What a write was told holds afterwards: 2xx stored whole, a refusal
nothing; who was told nothing, because the connection closed, finds one or the other.
"""
import itertools
import json
import zoneinfo
from urllib.parse import quote

from problems import assert_problem
from wire import Closed, fresh_id, ndjson, target

NO_CACHE = {"Cache-Control": "no-cache"}
FIRST_MS = 1_767_225_600_000  # 2026-01-01
REFUSALS = (503,)  # nothing was done, and a resend cures it
NDJSON = "application/x-ndjson"
numbers = itertools.count(1)


def base(count=400):
    """Metrics that reads ask for, and that no write touches."""
    return [{"name": f"base.{i % 12}", "tags": [f"host:{i % 9}", f"zone:{i % 2}"], "value": i % 100 + 0.5,
             "timestamp": FIRST_MS + 1000 * i, "id": f"{i + 1:024x}"} for i in range(count)]


def fresh_items(count, has_ids=False):
    """A batch under a name of its own, every second item of a series of its own."""
    name = f"alloc.{next(numbers)}"
    return [{"name": name, "tags": [f"n:{i // 2}"], "value": i, "timestamp": FIRST_MS + i,
             **({"id": fresh_id()} if has_ids else {})} for i in range(count)]


class Call:
    """One kind. prepare() comes before the fault, send() meets it, check() comes behind it; answer None: closed."""

    def __init__(self, title, fresh=False):
        self.title, self.fresh = title, fresh

    def prepare(self, connection):
        pass

    def send(self, connection):
        raise NotImplementedError

    def check(self, connection, answer):
        raise NotImplementedError


class Read(Call):
    def __init__(self, title, method, path, body=None, status=200, headers=NO_CACHE, steady=lambda body: body, fresh=False, **options):
        super().__init__(title, fresh)
        self.request = (method, path, body)
        self.options = {"headers": headers, **options}
        self.status, self.steady = status, steady
        self.right = None

    def prepare(self, connection):
        if self.right is None:
            self.right = self.essence(connection.request(*self.request, **self.options))

    def send(self, connection):
        return connection.request(*self.request, **self.options)

    def essence(self, answer):
        assert answer.status == self.status, answer
        if answer.status >= 400:
            problem = assert_problem(answer, self.status)
            return problem["type"], problem.get("errors")
        return self.steady(answer.body), answer["ETag"]

    def check(self, connection, answer):
        if answer is None:
            return
        if answer.status in REFUSALS and self.status not in REFUSALS:
            assert self.request[0] == "HEAD" or assert_problem(answer, REFUSALS)
            return
        essence = self.essence(answer)
        assert essence == self.right, f"{essence} is not {self.right}"


class NewZone(Read):
    """A time zone that hardly any request has named yet: its file is read."""

    names = itertools.cycle(sorted(name for name in zoneinfo.available_timezones() if "/" in name))

    def prepare(self, connection):
        self.request = ("GET", self.request[1].split("&tz=")[0] + "&tz=" + quote(next(self.names)), None)
        self.right = True

    def essence(self, answer):
        return answer.status == self.status


class Store(Call):
    """make() gives the items and what is sent: a body, or (body, headers)."""

    def __init__(self, title, make, path="/metrics", fresh=False, content_type="application/json", headers=None):
        super().__init__(title, fresh)
        self.make, self.path = make, path
        self.content_type, self.headers = content_type, headers

    def prepare(self, connection):
        self.items, self.body = self.make()

    def send(self, connection):
        headers = self.headers() if callable(self.headers) else self.headers
        return connection.request("POST", self.path, self.body, headers, content_type=self.content_type)

    def check(self, connection, answer):
        path = target("/metrics", name=self.items[0]["name"], limit=1000)
        found = connection.request("GET", path, headers=NO_CACHE)
        assert found.status == 200, found
        values = sorted(metric["value"] for metric in found.json()["metrics"])
        whole = [item["value"] for item in self.items]
        if answer is None:
            assert values in ([], whole), f"stored in part: {values}"
        elif answer.status in (200, 201):
            assert values == whole, f"answered {answer.status}, stored {values}"
            self.check_body(answer)
        else:
            assert_problem(answer, REFUSALS)
            assert values == [], f"answered {answer.status}, stored {values}"

    def check_body(self, answer):
        told = answer.json()
        if "accepted" in told:
            assert told["accepted"] == len(self.items)
            assert "return=ids" not in self.path or len(told["ids"]) == len(self.items)
        else:
            assert told["value"] == self.items[0]["value"] and answer["Location"] == f"/metrics/{told['id']}"


class Pieces(Store):
    """The same, in chunks, or with every byte of the head by itself, or behind `100 Continue`."""

    def __init__(self, title, how, make):
        super().__init__(title, make)
        self.how = how

    def send(self, connection):
        body = json.dumps(self.body).encode()
        head = connection.make("POST", "/metrics", headers={"Content-Type": "application/json"})[:-2]
        length = b"Content-Length: %d\r\n" % len(body)
        if self.how == "chunks":
            connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 500):
                part = body[at:at + 500]
                connection.send(b"%x\r\n%s\r\n" % (len(part), part))
            connection.send(b"0\r\n\r\n")
        elif self.how == "head":
            for part in (head[:20], head[20:], length, b"\r\n" + body[:10], body[10:]):
                connection.send(part)
        else:
            connection.send(head + length + b"Expect: 100-continue\r\n\r\n")
            answer = connection.read_answer()
            if answer.status != 100:
                return answer
            connection.send(body)
        return connection.read_answer()


class Change(Call):
    """PUT or DELETE of a metric that was stored before."""

    def __init__(self, title, method, with_condition=False):
        super().__init__(title)
        self.method, self.with_condition = method, with_condition

    def prepare(self, connection):
        self.before = fresh_items(1, has_ids=True)[0]
        answer = connection.request("POST", "/metrics", self.before)
        assert answer.status == 201, answer
        self.after = {**fresh_items(1)[0], "value": 77}
        self.headers = {"If-Match": answer["ETag"]} if self.with_condition else None
        self.path = f"/metrics/{self.before['id']}"
        assert connection.request("GET", self.path).status == 200  # now in the cache

    def send(self, connection):
        return connection.request(self.method, self.path, self.after if self.method == "PUT" else None, self.headers)

    def check(self, connection, answer):
        cached = connection.request("GET", self.path)
        found = connection.request("GET", self.path, headers=NO_CACHE)
        assert (cached.status, cached["ETag"]) == (found.status, found["ETag"]), f"{cached} is stale: {found}"
        done = found.status == 404 if self.method == "DELETE" else found.json()["value"] == self.after["value"]
        if answer is None:
            return
        if answer.status in (200, 204):
            assert done, f"answered {answer.status}, and not done: {found}"
        else:
            assert_problem(answer, REFUSALS)
            assert not done and found.status == 200 and found.json()["name"] == self.before["name"], f"{answer}: {found}"


class Conflict(Read):
    """An id that another metric has."""

    def __init__(self):
        super().__init__("errors 409", "POST", "/metrics", {**base(1)[0], "value": -1}, 409)


class Pipeline(Store):
    """Three at once: a batch, a read, a batch; answered in order."""

    def send(self, connection):
        half = len(self.items) // 2
        post = [connection.make("POST", "/metrics", ndjson(items), content_type=NDJSON)
                for items in (self.items[:half], self.items[half:])]
        connection.send(post[0] + connection.make("GET", "/metrics/" + base(1)[0]["id"]) + post[1])
        self.answers = []
        for _ in range(3):
            try:
                self.answers.append(connection.read_answer())
            except Closed:
                self.answers += [None] * (3 - len(self.answers))
                break
        return self.answers[-1]

    def check(self, connection, answer):
        half = len(self.items) // 2
        read = self.answers[1]
        if read is not None and read.status == 200:
            assert read.json()["id"] == base(1)[0]["id"], read
        for answer, items in ((self.answers[0], self.items[:half]), (self.answers[2], self.items[half:])):
            found = connection.request("GET", target("/metrics", name=items[0]["name"], min=items[0]["value"],
                                                     max=items[-1]["value"], limit=1000), headers=NO_CACHE)
            values = {metric["value"] for metric in found.json()["metrics"]} & {item["value"] for item in items}
            wanted = len(items) if answer is not None and answer.status == 201 else 0
            assert len(values) == wanted or answer is None and len(values) == len(items), f"{answer}: {values}"


def single(**more):
    def make():
        items = fresh_items(1)
        return items, {**items[0], **more}
    return make


def array(count, **options):
    def make():
        items = fresh_items(count, **options)
        return items, items
    return make


def lines(count, **options):
    def make():
        items = fresh_items(count, **options)
        return items, ndjson(items)
    return make


def names_of_counters(body):
    return sorted({line.split(b" ")[0].split(b"{")[0] for line in body.splitlines()})


def members_of(body):
    return sorted(json.loads(body))
