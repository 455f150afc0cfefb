"""exact_client: a client that knows what is stored under its own name, and holds every answer against that.

Its requests carry ids of their own, so answers that came in another order would show. What it was not told it finds out by
asking: a metric is there as before or as asked for, whole.
"""
import os
import random
import threading
import time
from collections import Counter

from problems import assert_problem
from wire import Closed, Connection, fresh_id, ndjson, target

HANG_S = 20  # less than the server keeps a connection on which nothing comes
REFUSALS = (503, 504)
PAUSE_S = 0.02  # of a client that was refused
NO_CACHE = {"Cache-Control": "no-cache"}
NDJSON = "application/x-ndjson"
METRICS_MAX = 2500  # of a client
GONE = None         # the value of a metric that is not stored


class ExactClient(threading.Thread):
    """Takes `steps` of its kinds at random. failure: what it objected to."""

    def __init__(self, server, number, steps, seed):
        super().__init__()
        self.server, self.name, self.steps = server, f"exact.{number}", steps
        self.random = random.Random(f"{seed}.{number}")
        self.stored, self.answers, self.failure, self.n_closed = {}, Counter(), None, 0
        self.connection = None

    def run(self):
        try:
            for step in range(self.steps):
                if self.random.random() < 0.1:
                    self.hang_up()
                self.random.choice([self.store_one, self.store_batch, self.store_batch, self.replace, self.replace, self.remove,
                                    self.get, self.list_page, self.count, self.pipeline, self.pipeline])()
            self.check_all()
        except BaseException as failure:  # noqa: BLE001 - told by the test
            self.failure = failure

    # Requests ------------------------------------------------------------------------------------------------------------

    def hang_up(self):
        if self.connection is not None:
            self.connection.socket.close()
        self.connection = None

    def ask(self, *requests):
        """Sends (method, target, body, headers, content type) of each at once; returns their answers, None for those that
        did not come."""
        marks = [f"{self.name}.{fresh_id()}" for _ in requests]
        answers = []
        try:
            self.connection = self.connection or Connection(self.server, timeout=HANG_S)
            self.connection.send(b"".join(
                self.connection.make(method, path, body, {**headers, "X-Request-Id": mark}, content_type)
                for (method, path, body, headers, content_type), mark in zip(requests, marks)))
            for (method, *_), mark in zip(requests, marks):
                answers.append(self.connection.read_answer(method))
                assert answers[-1]["X-Request-Id"] == mark, f"the answer to another request: {answers[-1]}"
                if answers[-1]["Connection"] == "close":
                    break
        except TimeoutError:
            raise AssertionError(f"no answer within {HANG_S} s") from None
        except (Closed, OSError):
            self.n_closed += 1
        if len(answers) < len(requests) or answers[-1]["Connection"] == "close":
            self.hang_up()
        self.answers.update(answer.status for answer in answers)
        if any(answer.status == 503 for answer in answers):
            time.sleep(PAUSE_S)
        return answers + [None] * (len(requests) - len(answers))

    def ask_until_told(self, path, headers=NO_CACHE):
        while True:
            answer, = self.ask(("GET", path, None, headers, None))
            if answer is not None and answer.status not in REFUSALS:
                return answer
            assert answer is None or assert_problem(answer, REFUSALS)

    # What is stored -----------------------------------------------------------------------------------------------------

    def settle(self, answer, before, after, success):
        """before, after: values by id, of a change that was answered so."""
        if answer is not None and answer.status in success:
            self.stored.update(after)
            return
        if answer is not None:
            assert_problem(answer, REFUSALS)
        found = {id_: self.value_of(id_) for id_ in after}
        if answer is not None and answer.status == 503:
            assert found == before, f"refused, and done: {answer}"
        if found not in (before, after):  # it was done while they were read one by one: now it stands
            found = {id_: self.value_of(id_) for id_ in after}
        assert found in (before, after), f"done in part: {sum(found[id_] == after[id_] for id_ in after)} of {len(after)}"
        self.stored.update(found)

    def value_of(self, id_):
        answer = self.ask_until_told(f"/metrics/{id_}")
        assert answer.status in (200, 404), answer
        return answer.json()["value"] if answer.status == 200 else GONE

    def known(self):
        """Some id of which something is known."""
        return self.random.choice(list(self.stored)) if self.stored else None

    def items(self, count):
        return [{"id": fresh_id(), "name": self.name, "tags": [f"t:{self.random.randrange(9)}", "x" * self.random.randrange(1, 99)],
                 "value": self.random.randrange(10**6)} for _ in range(count)]

    # Kinds -----------------------------------------------------------------------------------------------------------------

    def post(self, items):
        if len(items) == 1:
            return "POST", "/metrics", items[0], {}, "application/json"
        if self.random.random() < 0.5:
            return "POST", "/metrics", items, {}, "application/json"
        return "POST", "/metrics", ndjson(items), {}, NDJSON

    def settle_post(self, answer, items):
        self.settle(answer, {item["id"]: GONE for item in items}, {item["id"]: item["value"] for item in items}, (200, 201))

    def store_one(self):
        self.store(self.items(1))

    def store_batch(self):
        if len(self.stored) < METRICS_MAX:
            self.store(self.items(self.random.choice([2, 20, 20, 400])))

    def store(self, items):
        answer, = self.ask(self.post(items))
        self.settle_post(answer, items)

    def replace(self):
        id_, value = self.known(), self.random.randrange(10**6)
        if id_ is None or self.stored[id_] is GONE:
            return
        answer, = self.ask(("PUT", f"/metrics/{id_}", {"name": self.name, "value": value}, {}, "application/json"))
        self.settle(answer, {id_: self.stored[id_]}, {id_: value}, (200,))
        self.get(id_, {})

    def remove(self):
        id_ = self.known()
        if id_ is None or self.stored[id_] is GONE:
            return
        answer, = self.ask(("DELETE", f"/metrics/{id_}", None, {}, None))
        self.settle(answer, {id_: self.stored[id_]}, {id_: GONE}, (204,))
        self.get(id_, {})

    def get(self, id_=None, headers=NO_CACHE):
        id_ = id_ or self.known()
        if id_ is not None:
            answer = self.ask_until_told(f"/metrics/{id_}", headers)
            self.check_get(answer, id_)

    def check_get(self, answer, id_):
        value = answer.json()["value"] if answer.status == 200 else GONE
        assert answer.status in (200, 404) and value == self.stored[id_], f"{self.stored[id_]} is stored: {answer}"

    def list_page(self):
        answer = self.ask_until_told(target("/metrics", name=self.name, limit=1000), {})
        found = {metric["id"]: metric["value"] for metric in answer.json()["metrics"]}
        living = {id_: value for id_, value in self.stored.items() if value is not GONE}
        assert found.items() <= living.items() and len(found) == min(1000, len(living)), "the list is another"

    def count(self):
        answer = self.ask_until_told(target("/metrics/aggregate", op="count,sum", name=self.name), {})
        living = [value for value in self.stored.values() if value is not GONE]
        row = (answer.json()["rows"] or [[0, 0]])[0]
        assert [value or 0 for value in row[-2:]] == [len(living), sum(living)], f"{len(living)}, {sum(living)}: {answer}"

    def pipeline(self):
        """Two writes and two reads at once; the second read is of what the first write stores."""
        first, second, old = self.items(1), self.items(30), self.known()
        if old is None:
            return
        get = [("GET", f"/metrics/{id_}", None, NO_CACHE, None) for id_ in (old, first[0]["id"])]
        answers = self.ask(self.post(first), get[0], self.post(second), get[1])
        self.settle_post(answers[0], first)
        self.settle_post(answers[2], second)
        if answers[1] is not None and answers[1].status not in REFUSALS:
            self.check_get(answers[1], old)

    def check_all(self):
        living = {id_: value for id_, value in self.stored.items() if value is not GONE}
        for id_ in self.random.sample(list(self.stored), min(50, len(self.stored))):
            self.get(id_)
        found, cursor = [], {}
        while cursor is not None:
            page = self.ask_until_told(target("/metrics", name=self.name, limit=1000, **cursor)).json()
            found += page["metrics"]
            cursor = {"cursor": page["next"]} if page["next"] is not None else None
        assert len(found) == len(living) and {metric["id"]: metric["value"] for metric in found} == living, "not what was answered"


def run_clients(server, shim, steps, rate, turn=0, count=6):
    """So many clients while calls fail at random, `rate` of a million. Gives the line that says what came of it, and what the
    clients objected to. Those of another turn have metrics of their own."""
    began = time.monotonic()
    seed = int(os.environ.get("FAULT_SEED", random.randrange(1 << 32)))
    shim.arm(rate=rate, seed=seed)
    clients = [ExactClient(server, turn * count + number, steps, seed) for number in range(count)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    shim.disarm()
    answers = sum((client.answers for client in clients), Counter())
    line = (f"FAULT_SEED={seed}: {shim.failed} of {shim.calls} calls failed; answers {dict(sorted(answers.items()))}, "
            f"{sum(client.n_closed for client in clients)} closed; {sum(len(client.stored) for client in clients)} metrics "
            f"checked; {time.monotonic() - began:.1f} s")
    return line, [client.failure for client in clients if client.failure]
