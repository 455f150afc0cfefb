"""lying_redis: answers garbage on some connections, and on others passes on what a real Redis says until it spoils it."""
import random
import socket
import threading
from collections import Counter

GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a length beyond all": b"$999999999999\r\n",
    "a negative length": b"$-7\r\n",
    "an array beyond all": b"*100000000\r\n",
    "arrays in arrays": b"*1\r\n" * 100,
    "answers that nobody asked for": b"+OK\r\n" * 1000,
    "an error": b"-ERR no\r\n",
    "the middle of a text": b"$50\r\nhel",
    "a text of the wrong kind": b"$5\r\nhello\r\n",
    "a number": b":17\r\n",
    "bytes": bytes(range(256)),
    "nothing at all": b"",
}


class LyingRedis:
    """A port of its own, which `uri` names. counts says how often which lie was told."""

    def __init__(self, real_port, seed):
        self.real = ("127.0.0.1", real_port)
        self.chance = random.Random(seed)
        self.counts = Counter()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"redis://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            lie = self.chance.choice([*GARBAGE, "spoilt bytes", "spoilt bytes", "spoilt bytes"])
            threading.Thread(target=self._serve, args=(client, lie), daemon=True).start()

    def _serve(self, client, lie):
        with client, socket.create_connection(self.real) as real:
            try:
                for _ in range(self.chance.randint(0, 60)):  # as long as it is honest
                    if not self._pass_on(client, real):
                        return
                self._lie(client, real, lie)
            except OSError:
                pass

    @staticmethod
    def _pass_on(client, real, spoil=bytes):
        """One piece of each direction; commands that come in pieces are still answered as a whole."""
        commands = client.recv(65536)
        if commands:
            real.sendall(commands)
            client.sendall(spoil(real.recv(65536)))
        return bool(commands)

    def _lie(self, client, real, lie):
        if lie in GARBAGE:
            while client.recv(65536):
                self.counts[lie] += 1
                client.sendall(GARBAGE[lie])
        while self._pass_on(client, real, self._spoil):
            pass

    def _spoil(self, reply):
        if not reply:
            return reply  # the end of the connection
        self.counts["spoilt bytes"] += 1
        spoilt = bytearray(reply)
        for _ in range(self.chance.randint(1, 4)):
            spoilt[self.chance.randrange(len(spoilt))] = self.chance.randrange(256)
        return bytes(spoilt)
