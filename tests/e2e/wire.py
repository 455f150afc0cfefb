"""wire: HTTP/1.1 over a plain socket, so that tests can send what no proper client would send."""
import json
import secrets
import socket
import time
from urllib.parse import quote, urlencode

TIMEOUT_S = 20


class Closed(Exception):
    """The server closed the connection; `early` is what came before of an unfinished answer."""

    def __init__(self, early=b""):
        super().__init__(f"closed by the server after {early!r}")
        self.early = early


class Answer:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, self.reason = (lines[0] + " ").split(" ", 2)
        self.status = int(status)
        self.fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        self.body = body

    def __getitem__(self, name):
        """A header field's value, or None; several are joined by ", "."""
        values = [value for field, value in self.fields if field == name.lower()]
        return ", ".join(values) if values else None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {dict(self.fields)} {self.body[:300]!r}>"


class Connection:
    """One TCP connection. A context manager; every read has a time limit."""

    def __init__(self, server, timeout=TIMEOUT_S, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = f"{server.host}:{server.port}"
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_bytewise(self, data):
        """Every byte in a write of its own; stops early when the server has closed already."""
        try:
            for i in range(len(data)):
                self.socket.sendall(data[i : i + 1])
        except (BrokenPipeError, ConnectionResetError):
            pass

    def more(self):
        """Receives something, or raises Closed."""
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.pending)
        self.pending += data

    def take(self, count):
        while len(self.pending) < count:
            self.more()
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def read_answer(self, method="GET"):
        while b"\r\n\r\n" not in self.pending:
            self.more()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        answer = Answer(head, b"")
        if method != "HEAD" and answer.status >= 200 and answer.status not in (204, 304):
            assert answer["Content-Length"] is not None, f"no Content-Length: {answer}"
            answer.body = self.take(int(answer["Content-Length"]))
        return answer

    def is_closed(self, within=5):
        """Whether the server closes within so many seconds without another byte."""
        self.socket.settimeout(within)
        try:
            self.more()
        except Closed:
            return True
        except socket.timeout:
            return False
        return False

    def request(self, method, target, body=None, headers=None, content_type="application/json"):
        """Sends one request and reads its answer. A body that is not bytes goes as JSON."""
        self.send(self.make(method, target, body, headers, content_type))
        return self.read_answer(method)

    def make(self, method, target, body=None, headers=None, content_type="application/json"):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = {"Host": self.host}
        if body is not None:
            fields["Content-Type"] = content_type
            fields["Content-Length"] = str(len(body))
        fields.update(headers or {})
        head = f"{method} {target} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        return head.encode("latin-1") + b"\r\n" + (body or b"")


def fresh_id():
    """An id that no other test uses."""
    return secrets.token_hex(12)


def ndjson(items):
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def target(path, **parameters):
    """A request target; a list gives a parameter several times, a dict goes as JSON."""
    pairs = []
    for key, value in parameters.items():
        for one in value if isinstance(value, list) else [value]:
            pairs.append((key.rstrip("_"), json.dumps(one) if isinstance(one, dict) else str(one)))
    return path + ("?" + urlencode(pairs, quote_via=quote) if pairs else "")


def eventually(condition, within=TIMEOUT_S, every=0.02):
    """Waits until condition() is true and returns its value; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within} s: {condition}"
        time.sleep(every)
