"""The command line and the configuration: what is printed, and how a bad setting ends."""
import re
import socket
import threading
import time

import pytest

from server import ROOT, run_binary

EX_CONFIG = 78


def test_version():
    done = run_binary("--version")
    assert done.returncode == 0 and re.search(r"\b\d+\.\d+\.\d+\b", done.stdout) and done.stdout.count("\n") == 1


def test_help_names_every_setting():
    done = run_binary("--help")
    assert done.returncode == 0
    for word in ("PORT", "DATA_DIR", "JOBS", "--check-config", "--print-config", "--version", "8080"):
        assert word in done.stdout, word


def test_print_config_is_dotenv():
    done = run_binary("--print-config", PORT=1234, LOG_LEVEL="warn")
    assert done.returncode == 0
    rows = dict(line.split("=", 1) for line in done.stdout.splitlines() if line and not line.startswith("#"))
    assert rows["PORT"].strip("\"'") == "1234" and rows["LOG_LEVEL"].strip("\"'") == "warn"
    assert rows["HEAD_TIMEOUT_MS"].strip("\"'") == "10000"


def test_check_config():
    done = run_binary("--check-config")
    assert done.returncode == 0


def test_env_sample_is_the_file_of_the_repository():
    done = run_binary("--env-sample")
    assert done.returncode == 0
    assert done.stdout == (ROOT / ".env.sample").read_text()


@pytest.mark.parametrize("argument", ["--unknown", "-x", "extra"])
def test_unknown_arguments_are_refused(argument):
    done = run_binary(argument)
    assert done.returncode != 0 and done.stderr.strip()


BAD_LINES = {
    "no equals sign": ("PORT 8080", "KEY=value"),
    "unknown key": ("COLOUR=red", "COLOUR"),
    "no number": ("PORT=http", "PORT"),
    "number with more behind it": ("JOBS=12x", "JOBS"),
    "too large": ("PORT=65536", "PORT"),
    "too small": ("JOBS=0", "JOBS"),
    "negative": ("JOBS=-1", "JOBS"),
    "no such choice": ("LOG_LEVEL=loud", "LOG_LEVEL"),
    "open quote": ('DATA_DIR="data', "DATA_DIR"),
    "text behind a quote": ('DATA_DIR="data"x', "DATA_DIR"),
    "bad key": ("9PORT=1", "KEY=value"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_bad_line_of_env_file(tmp_path, case):
    line, key = BAD_LINES[case]
    (tmp_path / ".env").write_text(f"# settings\n\n{line}\nLOOPS=1\n")
    done = run_binary(cwd=tmp_path, APP_ENV="")
    assert done.returncode == EX_CONFIG, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert ".env:3" in done.stderr and key in done.stderr
    assert run_binary("--check-config", cwd=tmp_path, APP_ENV="").returncode == EX_CONFIG


@pytest.mark.parametrize("settings, word", [
    ({"PORT": "abc"}, "PORT"),
    ({"LOOPS": "0"}, "LOOPS"),
    ({"APP_ENV": "moon"}, "APP_ENV"),
    ({"APP_ENV": "test", "ENVIRONMENT": "dev"}, "ENVIRONMENT"),
])
def test_bad_variable(settings, word):
    done = run_binary(**settings)
    assert done.returncode == EX_CONFIG and done.stderr.count("\n") == 1
    assert word in done.stderr


FORMS = [
    ("JOBS=7", "7"), ("export JOBS=7", "7"), ("JOBS='7'", "7"), ('JOBS="7"', "7"), ("JOBS=7 # seven", "7"),
    ("JOBS = 7", "7"), ("JOBS=5\nJOBS=7", "7"), ("JOBS=7\r", "7"), ("\ufeffJOBS=7", "7"), ("JOBS=", "2048"),
]


@pytest.mark.parametrize("text, value", FORMS)
def test_dotenv_grammar(tmp_path, text, value):
    (tmp_path / ".env").write_text(text + "\n")
    done = run_binary("--print-config", cwd=tmp_path, APP_ENV="")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^JOBS=['\"]?{value}['\"]?$", done.stdout, re.M), done.stdout


def test_order_of_sources(tmp_path):
    def jobs(**settings):
        done = run_binary("--print-config", cwd=tmp_path, **settings)
        return int(re.search(r"^JOBS=['\"]?(\d+)", done.stdout, re.M).group(1))

    (tmp_path / ".env").write_text("JOBS=11\n")
    assert jobs(APP_ENV="dev") == 11, ".env where there is no .env.dev"
    (tmp_path / ".env.dev").write_text("LOOPS=1\n")
    assert jobs(APP_ENV="dev") == 2048, ".env is not read beside .env.dev"
    (tmp_path / ".env.dev").write_text("JOBS=12\n")
    assert jobs(APP_ENV="dev") == jobs(APP_ENV="", ENVIRONMENT="dev") == 12
    assert jobs(APP_ENV="dev", JOBS=13) == 13, "a variable is never overridden"


def test_port_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_binary(PORT=port, DATA_DIR=tmp_path / "data")
    assert done.returncode == 1
    assert str(port) in done.stderr and one_line_of_error(done.stderr)


def test_port_taken_by_another_server(start, tmp_path):
    """SO_REUSEPORT must not let two servers share a port unnoticed."""
    server = start()
    done = run_binary(PORT=server.port, DATA_DIR=tmp_path / "other")
    assert done.returncode == 1 and str(server.port) in done.stderr


def test_data_dir_taken_by_another_server(start):
    server = start()
    done = run_binary(DATA_DIR=server.data_dir)
    assert done.returncode == 1 and one_line_of_error(done.stderr)


def test_data_dir_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    done = run_binary(DATA_DIR=tmp_path / "file" / "data")
    assert done.returncode == 1 and one_line_of_error(done.stderr)
    assert "file/data" in done.stderr


def test_check_config_leaves_no_trace(tmp_path):
    data = tmp_path / "data"
    done = run_binary("--check-config", DATA_DIR=data)
    assert done.returncode == 0 and not data.exists()


def one_line_of_error(text):
    """One line says what is wrong; log lines of level info may stand before it."""
    lines = [line for line in text.splitlines() if not re.search(r'"level": ?"(info|debug)"', line)]
    return len(lines) == 1 or pytest.fail(text)


def test_healthcheck_of_a_running_server(start):
    server = start()
    done = run_binary("--healthcheck", PORT=server.port)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run_binary("--healthcheck", PORT=server.port, HOST="0.0.0.0").returncode == 0, "asked on the loopback"


@pytest.mark.parametrize("reply, word", [(None, "in time"), (b"", "no whole answer"), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503"),
                                         (b"HTTP", "no whole answer")])
def test_healthcheck_of_a_sick_server(reply, word):
    """None: it takes the connection and says nothing; b"": it closes; else it says this and leaves the connection open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            connection = listener.accept()[0]
            with connection:
                connection.recv(1000)
                if reply != b"":
                    connection.sendall(reply or b"")
                    over.wait(10)

        over = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        began = time.monotonic()
        done = run_binary("--healthcheck", PORT=listener.getsockname()[1])
        took_s = time.monotonic() - began
        over.set()
        thread.join()
    assert done.returncode == 1 and word in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert took_s < 2.5


def test_healthcheck_without_a_server():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run_binary("--healthcheck", PORT=unused.getsockname()[1])
    assert done.returncode == 1 and "refused" in done.stderr
    assert run_binary("--healthcheck", PORT=0).returncode == 1
