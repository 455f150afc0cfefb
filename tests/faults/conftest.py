"""The fixtures of the end-to-end tests, and those of the fault rig."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "e2e"))
import pytest  # noqa: E402
from fixtures import *  # noqa: E402, F401, F403
from row import Row  # noqa: E402

FAILURE = pytest.StashKey()


def reason_of(report):
    """The first line of why a test failed; "" when it did not."""
    if report.passed:
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.splitlines()[0] if crash else report.outcome


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.stash[FAILURE] = reason_of(report)


@pytest.fixture
def redis_uri():
    """A Redis that may be filled."""
    if not os.environ.get("TEST_REDIS_URI"):
        pytest.skip("TEST_REDIS_URI is not set: it names a Redis that may be filled")
    return os.environ["TEST_REDIS_URI"]


@pytest.fixture
def new_row(request):
    """new_row("SIGKILL of the server", 50) gives a row of the report, which is checked and written behind the test."""
    rows = []

    def make(fault, rounds):
        rows.append(Row(fault, rounds, test=request.node.name))
        return rows[-1]

    yield make
    failure = request.node.stash.get(FAILURE, "it did not run")
    try:
        for row in rows:
            if not failure:
                row.check()
    except AssertionError as error:
        failure = str(error).splitlines()[0]
        raise
    finally:
        for row in rows:
            row.close(failure)
