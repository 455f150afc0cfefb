"""What people type: scripts/feed-host, the lines of the README, and the scripts that decide whether all is well."""
import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from server import ROOT
from wire import eventually

FEED = ROOT / "scripts/feed-host"


def feed(*arguments, **options):
    """Started with SIGINT as a terminal has it: what runs in the background of a shell ignores it."""
    return subprocess.Popen([sys.executable, FEED, *arguments], stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options)


def url_of(server):
    return f"http://{server.host}:{server.port}"


def test_feed_host_once(start):
    server = start()
    process = feed("--once", "--url", url_of(server), "--interval", "0.2")
    assert process.wait(20) == 0, process.stderr.read()
    metrics = server.list_all(name="host.*")
    names = {metric["name"] for metric in metrics}
    assert {"host.cpu.user", "host.cpu.idle", "host.memory.used", "host.load.1m"} <= names
    assert all(any(tag.startswith("host:") for tag in metric["tags"]) for metric in metrics)


def test_feed_host_without_a_server(start):
    server = start()
    url = url_of(server)
    server.stop()
    process = feed("--once", "--url", url, "--interval", "0.1")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.count("\n") == 1 and url in said and "scripts/run" in said


def test_feed_host_bridges_an_outage_and_ends_quietly(start, tmp_path):
    """Figures measured while the server was away arrive afterwards, each once."""
    server = start(data_dir=tmp_path / "data")
    process = feed("--url", url_of(server), "--interval", "0.1")
    try:
        eventually(lambda: len(server.list_all(name="host.cpu.user")) >= 3)
        server.kill()
        assert "stored" in process.stderr.readline()
        assert "keeping what is measured" in process.stderr.readline()
        again = start(data_dir=tmp_path / "data", PORT=server.port)
        assert "is back" in process.stderr.readline()
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0 and process.stderr.read() == ""
    metrics = again.list_all(name="host.cpu.user")
    assert len({metric["id"] for metric in metrics}) == len(metrics) >= 4


# The README -----------------------------------------------------------------------------------------------------------


def readme_lines():
    """The curl lines of the table of calls, as a reader would paste them."""
    readme = ROOT / "README.md"
    text = readme.read_text() if readme.exists() else ""
    rows = re.findall(r"^\|[^|]+\| (`.*`.*) \|$", text, re.M)
    return [code.replace("\\|", "|") for row in rows for code in re.findall(r"`([^`]*curl [^`]*)`", row)]


def paste(server, line):
    """What a shell prints for a line of the README, which must succeed."""
    id_ = server.request("GET", "/metrics?limit=1").json()["metrics"][:1]
    pasted = line.replace("localhost:8080", f"{server.host}:{server.port}")
    pasted = pasted.replace("curl ", "curl -sS --fail-with-body ")
    done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, timeout=20,
                          env={"PATH": "/usr/bin:/bin", "ID": id_[0]["id"] if id_ else "", "no_proxy": "*"})
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_readme_lines_work_when_pasted(start):
    server = start()
    lines = readme_lines()
    assert len(lines) >= 10, "the README shows every call"
    for line in lines:
        paste(server, line)


def readme_prompts():
    """The lines of the section on asking in words."""
    section = (ROOT / "README.md").read_text().split("## Ask in words")[1].split("\n## ")[0]
    return re.findall(r"^curl .*$", section, re.M)


def host_figures(now_ms):
    """What scripts/feed-host posts of a machine with one disk and one network, once a minute, for three hours."""
    further = {"host.disk.read": ["disk:sda"], "host.disk.written": ["disk:sda"], "host.net.received": ["net:eth0"],
               "host.net.sent": ["net:eth0"]}
    names = [f"host.cpu.{kind}" for kind in ("user", "system", "idle", "iowait")]
    names += [f"host.memory.{kind}" for kind in ("total", "available", "used")]
    names += [f"host.load.{minutes}m" for minutes in (1, 5, 15)] + list(further)
    return [{"name": name, "tags": ["host:box", *further.get(name, [])], "value": minute + place,
             "timestamp": now_ms - 60_000 * minute} for minute in range(180) for place, name in enumerate(names)]


def test_readme_prompts_are_understood(start):
    server = start()
    server.store(host_figures(int(time.time() * 1000)))
    lines = readme_prompts()
    assert len(lines) >= 10
    for line in lines:
        answer = json.loads(paste(server, line))
        assert answer["unknown_words"] == [] and answer["confidence"] > 0.6, f"{line}\n{answer}"
        rows = answer.get("rows") or [point for one in answer["series"] for point in one["points"]]
        assert any(isinstance(value, (int, float)) for row in rows for value in row), f"{line}\n{answer}"


# The judges -----------------------------------------------------------------------------------------------------------

BREACHES = {
    "a sibling": ("parser/x.c", '#include "storage/stage.h"', "may not include src/storage"),
    "upwards": ("base/x.c", '#include "flow/job_pool.h"', "may not include src/flow"),
    "a contract of others": ("parser/x.c", "#include <telemetry/storage.h>", "may not know <telemetry/storage.h>"),
    "a job in base": ("base/x.c", "#include <telemetry/job.h>", "may not know <telemetry/job.h>"),
    "sqlite outside of its folder": ("storage/x.c", "#include <sqlite3.h>", "belongs in src/storage/sqlite only"),
    "libuv in the parser": ("parser/x.c", "#include <uv.h>", "belongs in src/http only"),
    "ck in http": ("http/x.c", "#include <ck_ring.h>", "belongs in src/flow only"),
    "cJSON in query": ("query/x.c", "#include <cjson/cJSON.h>", "belongs in src/parser only"),
    "a way around": ("cache/x.c", '#include "../parser/parser.h"', "may not include src/parser"),
    "app from a stage": ("http/x.c", '#include "app/app.h"', "may not include src/app"),
    "an unknown folder": ("extra/x.c", "#include <stdio.h>", "a folder that the include rule does not know"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    for part in ("src", "include", "scripts"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


def judge(copy, check):
    return subprocess.run([copy / "scripts/check-sources", check], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("case", BREACHES)
def test_include_rule_sees(copy, case):
    place, line, said = BREACHES[case]
    assert judge(copy, "includes").returncode == 0
    file = copy / "src" / place
    new_folder = not file.parent.exists()
    file.parent.mkdir(exist_ok=True)
    file.write_text(LICENCE + line + "\n")
    done = judge(copy, "includes")
    file.unlink()
    if new_folder:
        file.parent.rmdir()
    assert done.returncode == 1 and said in done.stdout and f"src/{place}:" in done.stdout


LICENCE = "/* SPDX-License-Identifier: MIT */\n"


@pytest.mark.parametrize("text, said", [
    ("int a;\n", "SPDX"),
    (LICENCE + "\n" * 400, "401 lines"),
    (LICENCE + "{\n" + ";\n" * 61 + "}\n", "61 lines"),
])
def test_size_rule_sees(copy, text, said):
    file = copy / "src/base/x.c"
    file.write_text(text)
    done = judge(copy, "size")
    file.unlink()
    assert done.returncode == 1 and said in done.stdout


JUNIT = '<testsuites><testsuite name="s">{}</testsuite></testsuites>'
GOOD = '<testcase name="a"/>'
BAD = '<testcase name="b"><failure/></testcase>'
SKIPPED = '<testcase name="c"><skipped/></testcase>'
COUNTS = [
    # programs, their log, pytest, its exit code, checks -> line, exit code
    (GOOD, '{"name": "s", "result": "OK"}', GOOD, 0, "ok - x", "3 passed, 0 failed", 0),
    (GOOD, '{"name": "s", "result": "OK"}', GOOD + SKIPPED, 0, "ok - x", "3 passed, 0 failed, 1 skipped", 0),
    (GOOD + BAD, '{"name": "s", "result": "FAIL"}', GOOD, 0, "ok - x", "3 passed, 1 failed", 1),
    (GOOD, '{"name": "s", "result": "ERROR"}', GOOD, 0, "ok - x", "3 passed, 1 failed", 1),
    (GOOD, '{"name": "s", "result": "OK"}', GOOD + BAD, 1, "ok - x", "3 passed, 1 failed", 1),
    (GOOD, '{"name": "s", "result": "OK"}', GOOD, 2, "ok - x", "3 passed, 1 failed", 1),
    (GOOD, '{"name": "s", "result": "OK"}', None, 4, "ok - x", "2 passed, 1 failed", 1),
    (None, None, GOOD, 0, "ok - x", "2 passed, 1 failed", 1),
    (GOOD, '{"name": "s", "result": "OK"}', GOOD, 0, "not ok - x\nok - y # SKIP z", "2 passed, 1 failed, 1 skipped", 1),
    (GOOD, '{"name": "s", "result": "OK"}', GOOD, 0, "", "2 passed, 1 failed", 1),
]


@pytest.mark.parametrize("programs, log, pytest_, code, checks, line, result", COUNTS)
def test_count(tmp_path, programs, log, pytest_, code, checks, line, result):
    if programs is not None:
        (tmp_path / "testlog.junit.xml").write_text(JUNIT.format(programs))
        (tmp_path / "testlog.json").write_text(log + "\n")
    if pytest_ is not None:
        (tmp_path / "e2e.xml").write_text(JUNIT.format(pytest_))
    (tmp_path / "checks").write_text(checks)
    done = subprocess.run([ROOT / "scripts/test-count", "--programs", tmp_path, "--pytest", tmp_path / "e2e.xml", str(code),
                           "--checks", tmp_path / "checks"], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == line and done.returncode == result
