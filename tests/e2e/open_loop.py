"""open_loop: requests that come when they are due, whether or not those before them are answered, from one thread.

Each due request takes a connection that is free, or a new one; how long it took counts from when it was due."""
import asyncio
import time


class Done:
    """One answer: when it was due and how long after that it came, in seconds. status 0: the connection failed."""

    def __init__(self, status, due, seconds):
        self.status, self.due, self.seconds = status, due, seconds


class Wire(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self):
        self.transport = self.waiting = None
        self.pending = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.pending += data
        head, found, body = self.pending.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(body) >= length:
            self.pending = body[length:]
            self._end(int(head[9:12]))

    def connection_lost(self, _):
        self.transport = None
        self._end(0)

    def _end(self, status):
        waiting, self.waiting = self.waiting, None
        if waiting and not waiting.done():
            waiting.set_result(status)

    async def call(self, request):
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting


class Client:
    def __init__(self, server, make):
        """make(n): the bytes of the n-th request."""
        self.server, self.make = server, make
        self.free, self.n_made, self.done = [], 0, []

    async def _connect(self):
        _, wire = await asyncio.get_running_loop().create_connection(Wire, self.server.host, self.server.port)
        return wire

    async def _call(self, due):
        request = self.make(self.n_made)
        self.n_made += 1
        try:
            wire = self.free.pop() if self.free else await self._connect()
            status = await wire.call(request)
        except (OSError, AttributeError):
            status, wire = 0, None
        self.done.append(Done(status, due, time.monotonic() - due))
        if wire is not None and wire.transport is not None:
            self.free.append(wire)

    async def open(self, per_second, seconds):
        """per_second requests for so long; returns when all are answered."""
        begun, calls = time.monotonic(), []
        for i in range(int(per_second * seconds)):
            due = begun + i / per_second
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            calls.append(asyncio.ensure_future(self._call(due)))
        await asyncio.gather(*calls)

    async def closed(self, n_connections, seconds):
        """n connections, each with one request after the other for so long."""
        end = time.monotonic() + seconds

        async def one():
            while time.monotonic() < end:
                await self._call(time.monotonic())

        await asyncio.gather(*[one() for _ in range(n_connections)])

    def close(self):
        for wire in self.free:
            if wire.transport is not None:
                wire.transport.close()


def run(server, make, kind, *arguments):
    """Client.open or Client.closed, as `kind` says; returns all Done."""

    async def main():
        client = Client(server, make)
        await getattr(client, kind)(*arguments)
        client.close()
        return client.done

    return asyncio.run(main())


def percentile(seconds, percent):
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0
