"""rounds: a fault of a service, again and again under load, and what came of it.

Each round says how often it was felt, and never is a failure. Writes succeed again within RECOVERY_S of the moment at which
the service answers again.
"""
import time

from load import Load

RECOVERY_S = 5
BETWEEN = 200  # metrics that are acknowledged before a fault, and after it


def run_rounds(row, server, fault, count_felt=Load.count_affected, **options):
    """fault() comes back when the service answers again; count_felt(load, began, ended) says what it met. Returns the row."""
    for round_ in range(row.wanted):
        with Load(server, f"fault.round{round_}", **options) as load:
            load.wait_for_more(BETWEEN)
            began = time.monotonic()
            fault()
            ended = time.monotonic()
            recovery_s = load.wait_for_success_after(ended)
            load.wait_for_more(BETWEEN)
        row.add(1, count_felt(load, began, ended), load.answers, load.reckon(), recovery_s)
    assert row.felt > 0, "the fault never happened under load"
    assert row.recovery_s < RECOVERY_S, "writes succeed again soon"
    return row
