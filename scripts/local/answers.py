# SPDX-License-Identifier: MIT
"""Does a service answer? Asked by one real command in its own protocol, without a client library."""
import itertools
import socket
import struct

WAIT_S = 2
OP_MSG = 2013


def receive(connection, n_bytes):
    parts = b""
    while len(parts) < n_bytes:
        part = connection.recv(n_bytes - len(parts))
        if not part:
            raise ConnectionError("closed")
        parts += part
    return parts


def bson(pairs):
    """A document of whole numbers and texts."""
    body = b""
    for key, value in pairs:
        name = key.encode() + b"\0"
        if isinstance(value, int):
            body += b"\x10" + name + struct.pack("<i", value)
        else:
            text = value.encode() + b"\0"
            body += b"\x02" + name + struct.pack("<i", len(text)) + text
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def mongo_answers(port, numbers=itertools.count(1)):
    """A find: unlike ping it goes down to the store, and fails where a login is asked for."""
    document = bson([("find", "none"), ("limit", 1), ("$db", "local_services")])
    message = struct.pack("<iB", 0, 0) + document
    head = struct.pack("<iiii", 16 + len(message), next(numbers), 0, OP_MSG)
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
        connection.sendall(head + message)
        length = struct.unpack("<i", receive(connection, 4))[0]
        reply = receive(connection, min(length, 65536) - 4)
    return b"\x01ok\0" + struct.pack("<d", 1.0) in reply


def redis_answers(port):
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
        connection.sendall(b"*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n")
        return receive(connection, 5) == b"$-1\r\n"


ASK = {"mongo": mongo_answers, "redis": redis_answers}


def answers(name, port):
    try:
        return ASK[name](port)
    except (OSError, struct.error):
        return False
