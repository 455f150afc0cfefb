# SPDX-License-Identifier: MIT
"""The services by docker compose: docker/compose.dev.yaml, a project of its own for each state folder."""
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FILE = TOP / "docker" / "compose.dev.yaml"
ENGINE_WAIT_S = 10


class Failed(Exception):
    """docker compose said no; what it said is on standard error."""


@functools.cache
def engine_answers():
    """True when docker is installed, has compose, and its engine can be reached."""
    if not shutil.which("docker"):
        return False
    try:
        return all(subprocess.run(["docker", *command], capture_output=True, timeout=ENGINE_WAIT_S).returncode == 0
                   for command in (["compose", "version"], ["info"]))
    except subprocess.TimeoutExpired:
        return False


def project_of(folder):
    return "telemetry-services-" + hashlib.sha256(str(folder).encode()).hexdigest()[:8]


def run(service, *command):
    """docker compose COMMAND for the project of a service, with the port of that service."""
    whole = ["docker", "compose", "--project-name", service["project"], "--file", str(FILE), *command]
    environment = dict(os.environ, **{f"{service['name'].upper()}_PORT": str(service["port"])})
    return subprocess.run(whole, env=environment, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)


def up(service):
    if run(service, "up", "--detach", "--wait", service["name"]).returncode != 0:
        raise Failed(f"docker compose could not start {service['name']}")


def down(service):
    if run(service, "rm", "--stop", "--force", service["name"]).returncode != 0:
        raise Failed(f"docker compose could not end {service['name']}")


def delete_data(service):
    volume = f"{service['project']}_{service['name']}"
    subprocess.run(["docker", "volume", "rm", "--force", volume], stdout=subprocess.DEVNULL)


def is_running(service):
    if not shutil.which("docker"):
        return False
    return service["name"] in run(service, "ps", "--status", "running", "--services").stdout.split()
