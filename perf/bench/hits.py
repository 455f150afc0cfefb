# SPDX-License-Identifier: MIT
"""How often the cache answers, and that what it answers is not old: cache.scenario at a given rate, one and two servers."""
from contextlib import ExitStack
from dataclasses import dataclass

from bench import runner
from bench.figures import of_call
from bench.fresh import Checker
from bench.load import surroundings
from bench.row import Row
from bench.services import is_slow, services

STALE_MS = 250
BARS = {0: 90, STALE_MS: 99}  # by CACHE_STALE_MS
RATE, SLOW_RATE = 5000, 1000  # requests a second; the second where MongoDB is the stand-in in Python
COUNTERS = {"refreshes": ["telemetry_cache_refreshes_total"],
            "faults": [f'telemetry_cache_faults_total{{fault="{kind}"}}'
                       for kind in ("connection", "timeout", "reply", "value")]}


@dataclass
class Stack:
    """Servers that share a store and a cache, and what of ours stands behind them."""
    words: str
    servers: list
    behind: list
    rate: int


def hit_rate(bench, stack, stale_ms):
    """The share of GETs that the cache answered, by what each answer says of itself."""
    noise = [surroundings([*stack.servers, *stack.behind])]
    with Checker(stack.servers, stale_ms) as checker:
        result = runner.load(bench, "cache", stack.servers, "--rate", stack.rate, seconds=bench.load_seconds,
                             standing_by=stack.behind)
    told = result["calls"]["list"]["cached"]
    percent = (1 - told["miss"] / max(1, sum(told.values()))) * 100
    allowed = f"{stale_ms} ms old allowed" if stale_ms else "none old"
    row = Row(f"hit rate, {stack.words}, {stack.rate:,}/s, {allowed}", percent, "%", BARS[stale_ms], "least",
              failures=checker.failures + runner.faults([result], "servers"), noise=[*noise, result["during"]],
              load=of_call(result, "list"))
    row.detail = {"load": result, "checks": checker.n_checks, "reads": checker.n_reads, "older": checker.n_older,
                  **{key: sum(server.counter(sample) for server in stack.servers for sample in samples)
                     for key, samples in COUNTERS.items()}}
    return row


def start(bench, ends, folders, settings):
    servers = [ends.enter_context(bench.new_server(bench.folder / folder, settings=settings)) for folder in folders]
    for server in servers:
        server.wait_listening().wait_ready()
    return servers


def embedded(bench, stale_ms):
    with ExitStack() as ends:
        servers = start(bench, ends, [f"hits-{stale_ms}"], {"CACHE_STALE_MS": str(stale_ms)})
        return hit_rate(bench, Stack("SQLite and the cache in the process", servers, [], RATE), stale_ms)


def shared(bench, found, stale_ms):
    settings = {"CACHE_STALE_MS": str(stale_ms), "APP_ENV": "test", **found.uris}
    with ExitStack() as ends:
        servers = start(bench, ends, [f"shared-{stale_ms}-{number}" for number in (1, 2)], settings)
        words = f"two servers on MongoDB ({found.name}) and Redis"
        stack = Stack(words, servers, found.processes, SLOW_RATE if is_slow(found) else RATE)
        return hit_rate(bench, stack, stale_ms)


def hit_rates(bench):
    """Strict and with old answers allowed: one server by itself, and two that share MongoDB and Redis."""
    rows = [embedded(bench, stale_ms) for stale_ms in BARS]
    with services(bench.folder, with_redis=True) as found:
        return rows + [shared(bench, found, stale_ms) for stale_ms in BARS]
