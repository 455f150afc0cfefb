"""nab: the real input, 93,014 measurements of the Numenta Anomaly Benchmark, and how it is posted.

The file is ../shared/data/nab.ndjson.gz beside the repository, or what NAB_DATA names. Each line gets an id of its own
from its number, so that sending it again is harmless although some lines are equal in everything.
"""
import gzip
import json
import os
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

from server import ROOT
from wire import Closed, ndjson, target

DATA = Path(os.environ.get("NAB_DATA", ROOT / "../shared/data/nab.ndjson.gz"))
SINGLES_OF, SINGLE_CLIENTS = 15, 6  # one in so many goes by itself
BATCH, BATCH_CLIENTS = 250, 4       # all others as NDJSON batches
FIRST_OF_NAME = 20
BATCH_OF_ALL = 5000
# One measurement of so many. The stand-in of MongoDB reads its whole collection for each question, so it gets fewer.
EVERY = {kind: int(os.environ.get("NAB_EVERY", usual)) for kind, usual in (("sqlite", 1), ("mongodb", 16))}


def read_data(every):
    """The measurements in the order of the file, as the server must show them; of each name its first ones and then one
    of `every`."""
    metrics, counts = [], Counter()
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            metric = json.loads(line)
            counts[metric["name"]] += 1
            if counts[metric["name"]] > FIRST_OF_NAME and counts[metric["name"]] % every:
                continue
            metric["id"] = f"{0x4e4142 << 72 | number:024x}"
            metric["tags"] = sorted(set(metric["tags"]))
            moment = datetime.fromisoformat(metric["timestamp"].replace("Z", "+00:00"))
            metric["ms"] = round(moment.timestamp() * 1000)
            metrics.append(metric)
    return metrics


def as_sent(metric):
    return {key: value for key, value in metric.items() if key != "ms"}


def singles_of(metrics):
    return metrics[: len(metrics) // SINGLES_OF]


class Sending:
    """What is to be sent, in portions; a portion is done when its answer came."""

    def __init__(self, metrics):
        singles = singles_of(metrics)
        rest = metrics[len(singles) :]
        self.portions = [[metric] for metric in singles]
        self.portions += [rest[i : i + BATCH] for i in range(0, len(rest), BATCH)]
        self.done = [False] * len(self.portions)
        self.n_answered = self.n_hits = 0
        self.changed = threading.Condition()

    def client(self, server, numbers):
        """Sends portions on one keep-alive connection until they are through or the server is gone."""
        try:
            with server.connect() as connection:
                for number in numbers:
                    self.send_and_look(connection, self.portions[number])
                    with self.changed:
                        self.done[number] = True
                        self.n_answered += len(self.portions[number])
                        self.changed.notify_all()
        except (Closed, OSError):
            pass

    def send_and_look(self, connection, portion):
        """What was answered shows at once, although a list without it was cached right before."""
        last = portion[-1]
        question = target("/metrics", name=last["name"], from_=last["ms"], to=last["ms"] + 1, limit=1000)
        for _ in range(2):
            assert connection.request("GET", question).status == 200
        send(connection, portion)
        for _ in range(2):
            answer = connection.request("GET", question)
            assert last["id"] in {metric["id"] for metric in answer.json()["metrics"]}, "the write does not show"
            self.n_hits += answer["Cache-Status"].endswith("; hit")

    def start(self, server, pool):
        open_ = [number for number, done in enumerate(self.done) if not done]
        singles = [number for number in open_ if len(self.portions[number]) == 1]
        batches = [number for number in open_ if len(self.portions[number]) > 1]
        return ([pool.submit(self.client, server, singles[i::SINGLE_CLIENTS]) for i in range(SINGLE_CLIENTS)]
                + [pool.submit(self.client, server, batches[i::BATCH_CLIENTS]) for i in range(BATCH_CLIENTS)])

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.n_answered >= count, 120), "the load does not get through"


def send(connection, portion):
    if len(portion) == 1:
        answer = connection.request("POST", "/metrics", as_sent(portion[0]))
        assert answer.status in (200, 201), answer
    else:
        body = ndjson(map(as_sent, portion))
        answer = connection.request("POST", "/metrics", body, content_type="application/x-ndjson")
        assert answer.status == 201 and answer.json() == {"accepted": len(portion)}, answer
