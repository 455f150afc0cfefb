# SPDX-License-Identifier: MIT
"""A store to ask: 1,000,000 metrics of 1,000 series, evenly over the 30 days that end now."""
import math
import time

from bench.process import Failure

METRICS, BATCH = 1_000_000, 10_000
HOSTS, NAMES, REGIONS = 50, 20, 5
DAY_MS = 86_400_000
DAYS = 30


def series_texts():
    """The beginning of each line: a series is one of 20 names on one of 50 hosts, each in one of 5 regions."""
    return [f'{{"name":"event.{name:02}","tags":["host:web-{host}","region:r{host % REGIONS}"]'
            for host in range(HOSTS) for name in range(NAMES)]


def lines(first, end, now_ms):
    """Metrics in the order of their time; values that wander, each series by itself."""
    texts = series_texts()
    start_ms = now_ms - DAYS * DAY_MS
    return "".join(f'{texts[n % len(texts)]},"value":{50 + 40 * math.sin(n / 1000 + n % len(texts)):.3f},'
                   f'"timestamp":{start_ms + n * DAYS * DAY_MS // METRICS}}}\n' for n in range(first, end))


def fill(server):
    """Sends all metrics, one batch after the other."""
    now_ms = int(time.time() * 1000)
    for first in range(0, METRICS, BATCH):
        body = lines(first, first + BATCH, now_ms)
        status, _, answer = server.request("POST", "/metrics", body, "application/x-ndjson")
        if status != 201:
            raise Failure(f"a batch was answered {status}: {answer.decode(errors='replace')}")


def late_zone():
    """The offset from UTC where it is ten in the evening: there, today is 22 to 23 hours long whenever this runs."""
    hours = 22 - time.gmtime().tm_hour
    return f"{hours if hours <= 14 else hours - 24:+03}:00"
