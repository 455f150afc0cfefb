"""cutting_proxy: stands between a server and its MongoDB, and loses the answers of inserts that were carried out.

Messages of the wire protocol begin with their length. A call is an OP_MSG whose first section, a document behind 5
bytes, begins with the name of the command.
"""
import socket
import struct
import threading

NAME_OFFSET = 16 + 4 + 1 + 4 + 1


def read_message(connection):
    """One whole message; b"" at the end of the connection."""
    data = b""
    while len(data) < 4 or len(data) < struct.unpack_from("<i", data)[0]:
        wanted = struct.unpack_from("<i", data)[0] - len(data) if len(data) >= 4 else 4 - len(data)
        part = connection.recv(min(wanted, 1 << 20))
        if not part:
            return b""
        data += part
    return data


def command_of(message):
    return message[NAME_OFFSET : message.find(b"\0", NAME_OFFSET)].decode("latin-1")


def has_more(message):
    """The flag moreToCome of an OP_MSG: the server answers again without being asked."""
    return struct.unpack_from("<i", message, 12)[0] == 2013 and bool(struct.unpack_from("<I", message, 16)[0] & 2)


class CuttingProxy:
    """Listens on a port of its own; `uri` leads a driver through it, and only through it."""

    def __init__(self, port, options=""):
        self.server = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"mongodb://127.0.0.1:{self.listener.getsockname()[1]}/?directConnection=true{options}"
        self.lock = threading.Lock()
        self.n_left = self.n_cuts = 0
        self.after_cut = None
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, count, after_cut=None):
        """The next `count` inserts are carried out and not answered; after_cut() is called in between."""
        with self.lock:
            self.n_left, self.after_cut = count, after_cut

    def is_through(self):
        return self.n_left == 0

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        """Calls and answers take turns on a connection, but for the driver's own watching, which awaits answers."""
        with client:
            try:
                with socket.create_connection(self.server) as server:
                    while self._pass_call(client, server) and self._pass_answer(client, server):
                        pass
            except OSError:
                pass

    def _pass_call(self, client, server):
        message = read_message(client)
        if not message:
            return False
        server.sendall(message)
        return not self._is_to_be_cut(message) or self._cut(server)

    def _cut(self, server):
        read_message(server)  # it is carried out by now
        if self.after_cut:
            self.after_cut()
        with self.lock:
            self.n_cuts += 1
        return False

    def _is_to_be_cut(self, message):
        with self.lock:
            is_meant = self.n_left > 0 and command_of(message) == "insert"
            self.n_left -= is_meant
            return is_meant

    @staticmethod
    def _pass_answer(client, server):
        while True:
            message = read_message(server)
            if not message:
                return False
            client.sendall(message)
            if not has_more(message):
                return True
