# SPDX-License-Identifier: MIT
"""Brings up MongoDB and Redis on this machine, on 127.0.0.1, for .env.dev and for tests.

  up      starts what does not run yet, waits until each answers a command, prints what is there
  down    ends what `up` started, and nothing else; data stays, unless --delete-data
  status  one line for each service; exit 1 when one is not running
  env     prints MONGO_URI=... and REDIS_URI=..., as a .env file or `export $(...)` takes them

Names behind the command choose services: `up redis`, `down mongo`; both by default.

Where they come from (--mongo, --redis; `auto` takes the first that is at hand):
  docker    by docker compose and docker/compose.dev.yaml, where an engine answers
  mongod    a MongoDB of this machine               redis     redis-server or valkey-server; apt installs redis-tools
  standin   SecantusDB from PyPI, in .venv: it speaks MongoDB's protocol and is no MongoDB. About 3,500 inserts/s, no
            real time-series collections, expired documents go once a minute. GPL-2: a separate process, never linked.
  rust      the same in Rust, 8 times as fast; 10 minutes to build by cargo, so only when asked for
  fastest   as auto, but the stand-in in Rust where it has been built

`up` again after a crash or a reboot starts what is missing on the ports and the data of before.
"""
import argparse
import sys
from pathlib import Path

import compose
import programs
from state import State
from supervise import delete_data, end, is_running, start

NAMES = ("mongo", "redis")
URIS = {"mongo": "mongodb://127.0.0.1:{port}", "redis": "redis://127.0.0.1:{port}"}
STANDARD_PORTS = {"mongo": 27017, "redis": 6379}


def say(text):
    print(f"services: {text}", file=sys.stderr, flush=True)


def port_of(name, given, state):
    """The port that was asked for, else that of before, else any free one (0) or the usual one."""
    asked = getattr(given, f"{name}_port")
    before = state.services.get(name, {}).get("port")
    return asked or before or (0 if given.free_ports else STANDARD_PORTS[name])


def up(given, state):
    kinds = {"mongo": given.mongo, "redis": given.redis}
    for name in given.services:
        service = state.services.get(name)
        if service and is_running(service):
            if getattr(given, f"{name}_port") not in (None, service["port"]):
                raise SystemExit(f"services: {name} already runs on port {service['port']}; take it down first")
            continue
        kind = programs.choose(name, kinds[name])
        start(name, kind, port_of(name, given, state), state)
        note = programs.NOTES.get(kind)
        if note:
            say(f"{name}: {note}")
    return status(given, state)


def down(given, state):
    for name in given.services:
        service = state.services.get(name)
        if service:
            end(name, service, state)
        if service and given.delete_data:
            delete_data(name, service, state)
    if given.delete_data and not state.services:
        state.remove()
    return 0


def status(given, state):
    all_run = True
    for name in given.services:
        service = state.services.get(name)
        if service and is_running(service):
            where = f"pid={service['pid']} " if "pid" in service else ""
            print(f"{name} running kind={service['kind']} {where}port={service['port']}")
        else:
            all_run = False
            print(f"{name} not running")
    return 0 if all_run else 1


def env(given, state):
    missing = [name for name in given.services if not is_running(state.services.get(name, {}))]
    if missing:
        raise SystemExit(f"services: not running: {', '.join(missing)}; start with scripts/services up")
    for name in given.services:
        print(f"{name.upper()}_URI={URIS[name].format(port=state.services[name]['port'])}")
    return 0


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/services", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("up", "down", "status", "env"))
    parser.add_argument("services", nargs="*", metavar="mongo|redis")
    parser.add_argument("--state", type=Path, default=None, metavar="DIR",
                        help="folder of pids, ports, logs and data (default: build-services)")
    parser.add_argument("--mongo", default="auto", choices=("auto", "docker", "mongod", "standin", "rust", "fastest"))
    parser.add_argument("--redis", default="auto", choices=("auto", "docker", "redis"))
    parser.add_argument("--free-ports", action="store_true", help="up: any free port instead of 27017 and 6379")
    parser.add_argument("--mongo-port", type=int, metavar="PORT")
    parser.add_argument("--redis-port", type=int, metavar="PORT")
    parser.add_argument("--delete-data", action="store_true", help="down: the data goes too")
    parser.add_argument("--from", dest="base", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    given = parser.parse_intermixed_args()
    unknown = set(given.services) - set(NAMES)
    if unknown:
        parser.error(f"no such service: {', '.join(sorted(unknown))} (there are mongo and redis)")
    given.services = given.services or list(NAMES)
    given.state = given.base / given.state if given.state else programs.TOP / "build-services"
    return given


def main():
    given = arguments()
    command = {"up": up, "down": down, "status": status, "env": env}[given.command]
    try:
        with State(given.state, given.command == "up") as state:
            sys.exit(command(given, state))
    except (programs.Unavailable, compose.Failed, OSError) as error:
        sys.exit(f"services: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


main()
