"""The power of the disk under the store goes off at many writes more than the test program meets by itself: 2,000 with
FAULT_POINTS=all."""
import os
import re
import subprocess

import pytest
from server import BINARY, ROOT

pytestmark = pytest.mark.sanitized
ROUNDS = 2000 if os.environ.get("FAULT_POINTS") == "all" else 50
PROGRAM = next((path for folder in (BINARY.parent, ROOT / "build-asan")
                for path in [folder / "tests" / "stress_test_storage_power"] if path.exists()), None)


def test_power_goes_off_at_any_write_of_the_store():
    assert PROGRAM, "no test program: scripts/build asan makes it"
    done = subprocess.run([PROGRAM], env={**os.environ, "POWER_ROUNDS": str(ROUNDS)}, capture_output=True, text=True)
    print("\n".join(re.findall(r"^# (.*)", done.stdout + done.stderr, re.MULTILINE)))
    assert done.returncode == 0, done.stdout + done.stderr
