#!/usr/bin/env python3
"""results: RESULTS.md out of what a run left: `results.py ROWS REPORT...`. ROWS is what the rows wrote; of the reports of
pytest, tests without a row are shown with the last lines that they printed."""
import json
import os
import platform
import re
import socket
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path += [str(HERE), str(HERE.parent / "e2e"), str(ROOT / "scripts" / "local")]
from processes import KINDS  # noqa: E402
from programs import NOTES  # noqa: E402
from row import by_class  # noqa: E402

HEAD = """# Faults, and what came of them

Written by `tests/faults/run --save` on {date}, revision {revision}, in {minutes} minutes. Each fault was injected under load.
Acknowledged, found, lost and doubled are metrics; felt says how many requests (of Redis: faults that the server counted) met
the fault; recovery is from the moment at which the cause was gone to the first write that succeeds, or, of a server that
was ended, until it was ready again or had ended.

{versions}

| fault | rounds | injected | felt | acknowledged | found | lost | doubled | answers by class | slowest recovery | verdict |
|---|--:|--:|--:|--:|--:|--:|--:|---|--:|---|
"""
OTHERS = """
What else ran, and what it said:

| test | figures | verdict |
|---|---|---|
"""


def said(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def redis_version():
    place = urlsplit(os.environ["TEST_REDIS_URI"])
    with socket.create_connection((place.hostname, place.port), 5) as connection:
        connection.sendall(b"INFO server\r\n")
        return re.search(rb"redis_version:(\S+)", connection.recv(65536)).group(1).decode()


def versions():
    mongo = NOTES[KINDS["mongo"]].split(":")[0] if KINDS["mongo"] in NOTES else said("mongod", "--version").split("\n")[0]
    return "; ".join([f"SQLite {sqlite3.sqlite_version}", f"libmongoc {said('pkg-config', '--modversion', 'libmongoc-1.0')}",
                      f"MongoDB: {mongo}", f"Redis {redis_version()}", f"Linux {platform.release()}",
                      " ".join(platform.libc_ver()), f"{os.cpu_count()} processors"])


def line_of(row):
    again = "" if row["recovery_s"] is None else f"{row['recovery_s']:.2f} s"
    counts = [row["rounds"], row["injected"], row["felt"]] + [row["reckoned"][key] for key in ("acknowledged", "found", "lost", "doubled")]
    cells = [row["fault"], *(f"{count:,}" for count in counts), by_class(row["answers"]), again, row["verdict"]]
    return "| " + " | ".join(cells) + " |\n"


def others(reports, with_rows):
    for report in reports:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            kinds = {child.tag for child in case}
            if case.get("name") in with_rows:
                continue
            verdict = "FAILED" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            printed = [line for line in case.findtext("system-out", "").splitlines() if line.strip() and not line.startswith("---")]
            name = case.get("name").removeprefix("test_").replace("_", " ")
            yield f"| {name} | {'<br>'.join(printed[-2:]).replace('|', '/')} | {verdict} |\n"


def main(rows_file, *reports):
    rows = [json.loads(line) for line in Path(rows_file).read_text().splitlines()]
    began = float(os.environ.get("FAULT_BEGAN", time.time()))
    revision = said("git", "rev-parse", "--short", "HEAD") + (" and changes" if said("git", "status", "--porcelain", "-uno") else "")
    print(HEAD.format(date=time.strftime("%Y-%m-%d", time.gmtime()), minutes=round((time.time() - began) / 60),
                      revision=revision, versions=versions() + "."), end="")
    print("".join(map(line_of, rows)), end="")
    print(OTHERS + "".join(others(reports, {row["test"] for row in rows})), end="")


main(*sys.argv[1:])
