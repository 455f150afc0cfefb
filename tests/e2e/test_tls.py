"""The server behind docker/haproxy.cfg and docker/haproxy-tls.cfg, as compose.tls.yaml puts them together: HTTPS works, old
TLS does not, and the client that rates are counted for is the one that HAProxy saw, whatever the client says."""
import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess

import pytest
import wire
from server import ROOT

HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = pytest.mark.skipif(HAPROXY is None or shutil.which("openssl") is None, reason="haproxy or openssl is not installed")

BURST = 10
BODY = {"name": "tls.sent", "value": 1.5}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """HAProxy with the files of docker/, before one server."""

    def __init__(self, folder, server):
        self.server = server
        self.pem = folder / "secrets" / "tls_pem"
        subprocess.run([ROOT / "docker" / "make-secrets", folder / "secrets"], check=True, stdout=subprocess.DEVNULL)
        self.port, self.plain_port = free_port(), free_port()
        files = [part for name in ("haproxy.cfg", "haproxy-tls.cfg") for part in ("-f", ROOT / "docker" / name)]
        env = {"PATH": os.environ["PATH"], "HTTP_BIND": f"127.0.0.1:{self.plain_port}", "TLS_BIND": f"127.0.0.1:{self.port}",
               "TLS_PEM": str(self.pem), "SERVERS": "1", "SERVER": f"127.0.0.1:{server.port}"}
        checked = subprocess.run([HAPROXY, "-c", *files], env=env, capture_output=True, text=True)
        assert checked.returncode == 0 and "WARNING" not in checked.stderr, checked.stderr
        # for fewer connections than the files say, since a test may have a low limit on open files
        self.process = subprocess.Popen([HAPROXY, "-db", "-n", "500", *files], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wire.eventually(self.is_up, 20)

    def trust(self):
        return ssl.create_default_context(cafile=self.pem)

    def connect(self, source="127.0.0.9", context=None):
        """A connection from this address."""
        context = context or self.trust()
        return http.client.HTTPSConnection("localhost", self.port, timeout=20, source_address=(source, 0), context=context)

    def is_up(self):
        assert self.process.poll() is None
        try:
            return status(self.connect(), "GET", "/healthz") == 200
        except ConnectionRefusedError:
            return False

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def ask(connection, method, target, body=None, **fields):
    """(the answer, its body); the connection stays."""
    if body is not None:
        fields["Content-Type"] = "application/json"
    connection.request(method, target, json.dumps(body) if body is not None else None, fields)
    answer = connection.getresponse()
    return answer, answer.read()


def status(connection, method, target, **fields):
    """Of one request, behind which the connection is closed."""
    with contextlib.closing(connection):
        return ask(connection, method, target, **fields)[0].status


@pytest.fixture
def proxy(start, tmp_path):
    server = start(TRUSTED_PROXIES="127.0.0.1", RATE_LIMIT=2, RATE_BURST=BURST)
    one = Proxy(tmp_path, server)
    yield one
    one.end()


def test_https_stores_and_reads(proxy):
    with contextlib.closing(proxy.connect()) as connection:
        answer, body = ask(connection, "POST", "/metrics", BODY)
        assert answer.status == 201, body
        stored = json.loads(body)
        answer, body = ask(connection, "GET", answer.headers["Location"])
        assert answer.status == 200 and json.loads(body) == stored
        assert answer.headers["Strict-Transport-Security"] and connection.sock.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_newer_tls_is_spoken(proxy, version):
    context = proxy.trust()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    assert status(proxy.connect(context=context), "GET", "/healthz") == 200


def test_older_tls_is_refused(proxy):
    context = proxy.trust()
    context.set_ciphers("ALL:@SECLEVEL=0")  # the client would speak it
    with pytest.deprecated_call():
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError) as refused:
        status(proxy.connect(context=context), "GET", "/healthz")
    assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"


def test_what_is_not_tls_is_refused(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(1000)


def exhaust(connection, **fields):
    """Calls until it is refused; returns how many calls passed."""
    for n in range(10 * BURST):
        if ask(connection, "GET", "/healthz", **fields)[0].status == 429:
            return n
    raise AssertionError("no call was refused")


def test_rates_are_counted_for_the_client_behind_the_proxy(proxy):
    with contextlib.closing(proxy.connect("127.0.0.2")) as one, contextlib.closing(proxy.connect("127.0.0.3")) as other:
        assert exhaust(one) >= BURST
        assert ask(other, "GET", "/healthz")[0].status == 200


@pytest.mark.parametrize("spoofed", ["192.0.2.{}", "127.0.0.1, 192.0.2.{}", "192.0.2.{}, 127.0.0.1", "x{}"])
def test_a_spoofed_client_is_nobody_else(proxy, spoofed):
    with contextlib.closing(proxy.connect("127.0.0.4")) as connection:
        exhaust(connection)
        refused = 0
        for n in range(BURST):
            refused += ask(connection, "GET", "/healthz", **{"X-Forwarded-For": spoofed.format(n)})[0].status == 429
        assert refused >= BURST - 2  # the rate goes on


def test_who_goes_past_the_proxy_is_not_believed(proxy):
    with socket.create_connection(("127.0.0.1", proxy.server.port), timeout=20, source_address=("127.0.0.5", 0)) as plain:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = plain
        exhaust(connection)
        refused = [ask(connection, "GET", "/healthz", **{"X-Forwarded-For": f"192.0.2.{n}"})[0].status for n in range(BURST)]
        assert refused.count(429) >= BURST - 2


def test_the_port_in_the_clear_tells_the_client_too(proxy):
    def plain(source):
        return http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=20, source_address=(source, 0))
    with contextlib.closing(plain("127.0.0.6")) as one:
        exhaust(one)
    assert status(plain("127.0.0.6"), "GET", "/healthz", **{"X-Forwarded-For": "192.0.2.1"}) == 429
    assert status(plain("127.0.0.7"), "GET", "/healthz") == 200
