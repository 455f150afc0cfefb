"""load: clients that write while something fails, and the reckoning afterwards.

Each value is sent by one client in one request, of which the answer says what must be found: 2xx once, 503 nothing,
504 perhaps, once. Half of the clients bring ids of their own and send again what stayed unknown; half send batches.
"""
import threading
import time
from collections import Counter

from problems import assert_problem
from row import Reckoning
from wire import Closed, fresh_id, ndjson

CLIENTS, BATCH = 8, 20
PAUSE_S = 0.02  # of a client that was refused
LATEST_S = 120  # for anything that is waited for on a busy machine


class Load:
    """Use as `with Load(server, name) as load`; then reckon(). may_refuse: with which statuses it may be told that nothing
    was stored. may_end: the server may go away, which ends the clients; what was under way is unknown then."""

    def __init__(self, server, name, clients=CLIENTS, pause_s=PAUSE_S, may_refuse=(503,), may_end=False):
        self.server, self.name, self.n_clients, self.pause_s = server, name, clients, pause_s
        self.may_refuse, self.may_end = may_refuse, may_end
        self.acknowledged, self.refused, self.unknown = set(), set(), set()
        self.answers = Counter()      # by class
        self.times = []               # (sent, answered, class) of each answer
        self.cut = []                 # when each request had been sent whole that was never answered
        self.n_sent = 0               # requests that were sent whole and not answered yet
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.failures = []

    def __enter__(self):
        self.threads = [threading.Thread(target=self._run, args=(client,)) for client in range(self.n_clients)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _run(self, client):
        try:
            with self.server.connect(timeout=60) as connection:
                first = client * 1_000_000
                while not self.stopping.is_set():
                    values = range(first, first + (BATCH if client % 2 else 1))
                    self._write(connection, values, has_ids=client % 4 < 2)
                    first = values.stop
        except BaseException as failure:  # noqa: BLE001 - told at the end
            if not (self.may_end and isinstance(failure, (Closed, OSError))):
                with self.changed:
                    self.failures.append(failure)
                    self.changed.notify_all()

    def _write(self, connection, values, has_ids):
        items = [{"name": self.name, "value": value, **({"id": fresh_id()} if has_ids else {})} for value in values]
        while True:
            try:
                status = self._send(connection, items)
            except (Closed, OSError):
                self._note(self.unknown, values)
                raise
            if status < 300:
                self._note(self.acknowledged, values)
            elif status == 504:
                self._note(self.unknown, values)
                if has_ids and not self.stopping.is_set():
                    continue
            elif not self.unknown.issuperset(values):
                self._note(self.refused, values)
            if status >= 300:
                self.stopping.wait(self.pause_s)
            return

    def _send(self, connection, items):
        began = time.monotonic()
        connection.send(connection.make("POST", "/metrics", items[0]) if len(items) == 1 else
                        connection.make("POST", "/metrics", ndjson(items), content_type="application/x-ndjson"))
        sent = time.monotonic()
        with self.changed:
            self.n_sent += 1
        try:
            answer = connection.read_answer("POST")
        except (Closed, OSError):
            with self.changed:
                self.cut.append(sent)
            raise
        finally:
            with self.changed:
                self.n_sent -= 1
        kind = str(answer.status)
        if answer.status not in (200, 201):
            kind += " " + assert_problem(answer, (*self.may_refuse, 504))["type"].rsplit(":", 1)[-1]
        with self.changed:
            self.answers[kind] += 1
            self.times.append((began, time.monotonic(), kind))
            self.changed.notify_all()
        return answer.status

    def _note(self, group, values):
        with self.changed:
            group.update(values)
            if group is self.acknowledged:
                self.unknown.difference_update(values)
            self.changed.notify_all()

    def wait_until(self, condition, within_s=LATEST_S):
        """Waits for what answers bring about; a client that failed ends it at once."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.failures or condition(), within_s), "the load does not get there"
        if self.failures:
            raise self.failures[0]

    def wait_for_more(self, count):
        """Waits until so many more metrics were acknowledged."""
        wanted = len(self.acknowledged) + count
        self.wait_until(lambda: len(self.acknowledged) >= wanted)

    def wait_for_success_after(self, moment):
        """Waits for a request that was sent after `moment` and succeeds; returns how long after it that was."""
        def first():
            return next((answered for sent, answered, kind in reversed(self.times) if kind < "3" and sent > moment), None)
        self.wait_until(first)
        return min(answered for sent, answered, kind in self.times if kind < "3" and sent > moment) - moment

    def count_affected(self, began, ended):
        """How many requests were under way in that time and did not simply succeed in it."""
        return sum(sent < ended and answered > began and (answered > ended or kind >= "3")
                   for sent, answered, kind in self.times)

    def count_under_way(self, moment):
        """How many requests were under way then."""
        return sum(sent < moment < answered for sent, answered, _ in self.times) + sum(sent < moment for sent in self.cut)

    def reckon(self, server=None):
        """Holds what is stored against what was answered, by the same server or another one of its store."""
        metrics = (server or self.server).list_all(LATEST_S, name=self.name)
        counts = Counter(metric["value"] for metric in metrics)
        lost = self.acknowledged - counts.keys()
        doubled = [value for value, count in counts.items() if count > 1]
        secret = self.refused & counts.keys()
        foreign = counts.keys() - self.acknowledged - self.unknown - self.refused
        reckoned = Reckoning(len(self.acknowledged), len(counts), len(lost), len(doubled), len(self.unknown))
        assert self.acknowledged, "nothing was acknowledged: the test showed nothing"
        assert not lost and not doubled, f"{reckoned}: lost {sorted(lost)[:5]}, doubled {doubled[:5]}"
        assert not secret and not foreign, f"{reckoned}: refused and stored {len(secret)}, never sent {len(foreign)}"
        assert len({metric["id"] for metric in metrics}) == len(metrics), "an id comes twice"
        return reckoned
