"""slow_clients: many bad clients of one server, in a process of their own: `slow_clients.py HOST PORT HEADS BODIES READERS
PATH [STEP]`. So many send a head and so many a body by a byte a second; so many ask for PATH and never read.
Each has a second of its own, as clients have that know nothing of each other; with STEP all have the same one.
Whoever is closed comes again. Prints a line when all are there, and ends with its standard input."""
import asyncio
import contextlib
import random
import resource
import socket
import sys

HEAD = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n["
AGAIN_S, DRIP_S = 1, 1


async def connect(host, port):
    loop = asyncio.get_running_loop()
    wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.setblocking(False)
    await loop.sock_connect(wire, (host, port))
    return wire


async def drip(wire, begin, there):
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(wire, begin)
    there.release()
    while True:
        await asyncio.sleep(DRIP_S)
        await loop.sock_sendall(wire, b" ")


async def never_read(wire, request, there):
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(wire, request)
    there.release()
    while True:
        await asyncio.sleep(DRIP_S)
        await loop.sock_sendall(wire, b"\r\n")


async def one(place, behave, text, there, spread_s):
    while True:
        with contextlib.suppress(OSError):
            with await connect(*place) as wire:
                await asyncio.sleep(spread_s * random.random())
                await behave(wire, text, there)
        await asyncio.sleep(AGAIN_S)


async def main(host, port, n_heads, n_bodies, n_readers, path, spread_s):
    there = asyncio.Semaphore(0)
    kinds = [(n_heads, drip, HEAD), (n_bodies, drip, BODY),
             (n_readers, never_read, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())]
    clients = [asyncio.ensure_future(one((host, port), behave, text, there, spread_s))
               for n, behave, text in kinds for _ in range(n)]
    for _ in clients:
        await there.acquire()
    print("there", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for client in clients:
        client.cancel()


def raise_files_limit():
    """A client is a file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    raise_files_limit()
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6], 0 if sys.argv[7:] == ["STEP"] else DRIP_S))
