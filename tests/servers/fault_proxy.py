"""A TCP proxy between the product and one of its servers, which breaks what passes as a test asks.

It knows no protocol: a test names the bytes after which the line is cut, such as COMMIT.
"""

import asyncio
import socket
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
CHUNK = 1 << 16
# Closing a socket with this option sends a reset instead of a good-bye.
AT_ONCE = struct.pack("ii", 1, 0)


class FaultProxy:
    """A proxy to a port of this machine or to a Unix socket; at first it passes everything on.

    A fault holds until `heal`. What a connection has lost stays lost: it never works again.
    """

    def __init__(self, target: int | Path) -> None:
        self.target = target
        self.port = 0
        self.accepted = 0
        # How often the line was cut at the bytes that `cut` named.
        self.cuts = 0
        self.seconds = 0.0
        self.swallows = False
        self.resets = False
        self.pattern = b""
        self.cuts_left = 0
        self.skip = 0
        self.arrives = True
        self.silently = False
        self._lines: set[Line] = set()
        self._loop = asyncio.new_event_loop()

    def heal(self) -> None:
        """Passes everything on again."""
        self.seconds, self.swallows, self.resets, self.cuts_left = 0.0, False, False, 0

    def delay(self, seconds: float) -> None:
        """Keeps every piece back for so long, in both directions."""
        self.seconds = seconds

    def swallow(self) -> None:
        """Takes everything and passes nothing on, like a half-open connection."""
        self.swallows = True

    def reset(self) -> None:
        """Resets every connection: those that are open now, and new ones with their first piece."""
        self.resets = True
        self.hang_up()

    def hang_up(self) -> None:
        """Resets the connections that are open now, and no other."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()

    def cut(
        self,
        pattern: bytes,
        *,
        times: int = 1,
        skip: int = 0,
        arrives: bool = True,
        silently: bool = False,
    ) -> None:
        """Resets the next connections, so many, that send these bytes in one piece.

        The piece arrives and the server's answer to it is lost, or it does not even arrive. The
        first pieces with these bytes may be skipped. A silent cut tells the client nothing: it
        waits for ever.
        """
        self.silently = silently
        self.pattern, self.arrives, self.cuts_left, self.skip = pattern, arrives, times, skip

    def is_time_to_cut(self, piece: bytes) -> bool:
        """Whether the line is cut at this piece; each piece is asked about once."""
        if not self.cuts_left or self.pattern not in piece:
            return False
        self.skip -= 1
        return self.skip < 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listens on a free port, in a thread of its own."""
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._close(listening), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    async def _listen(self) -> asyncio.Server:
        listening = await asyncio.start_server(self._serve, HOST, 0)
        self.port = listening.sockets[0].getsockname()[1]
        return listening

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        line = Line(self, reader, writer)
        self._lines.add(line)
        # Cancelled by `_close`: asyncio's streams would log that as a crash.
        try:
            await line.serve()
        except asyncio.CancelledError:
            line.cut()
        finally:
            self._lines.discard(line)

    async def _hang_up(self) -> None:
        for line in list(self._lines):
            line.cut()

    async def _close(self, listening: asyncio.Server) -> None:
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # What was aborted is closed a moment later.
        await asyncio.sleep(0)


class Line:
    """One connection: the client's half, the server's half, and what passes between them."""

    def __init__(self, proxy: FaultProxy, reader: StreamReader, writer: StreamWriter) -> None:
        self.proxy = proxy
        self.client = reader, writer
        self.server: tuple[StreamReader, StreamWriter] | None = None
        self.answer_is_lost = False
        self.answers_stop = False

    async def serve(self) -> None:
        """Passes on what comes until either side, or a fault, ends it."""
        with suppress(OSError):
            self.server = await dial(self.proxy.target)
            ways = [asyncio.create_task(way) for way in (self._outward(), self._inward())]
            try:
                # None of our servers half-closes: whoever hangs up ends both halves.
                ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                # In order, so that the last words arrive.
                if not any(way.exception() or way.result() for way in ended):
                    return self._hang_up()
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        self.cut()
        return None

    def cut(self) -> None:
        """Resets both halves."""
        for _, writer in filter(None, (self.client, self.server)):
            reset(writer)

    def _hang_up(self) -> None:
        for _, writer in filter(None, (self.client, self.server)):
            writer.close()

    async def _outward(self) -> bool:
        """Whether it was cut."""
        assert self.server is not None
        while piece := await self.client[0].read(CHUNK):
            if self.proxy.is_time_to_cut(piece):
                await self._lose(piece)
                return True
            await self._pass(piece, self.server[1])
        return False

    async def _inward(self) -> bool:
        assert self.server is not None
        while piece := await self.server[0].read(CHUNK):
            if self.answer_is_lost:
                return True
            if self.answers_stop:
                continue
            await self._pass(piece, self.client[1])
        return False

    async def _lose(self, piece: bytes) -> None:
        """The server has answered before the client is cut off: there is no race to lose."""
        assert self.server is not None
        self.proxy.cuts_left -= 1
        self.proxy.cuts += 1
        if self.proxy.arrives:
            self.answer_is_lost = not self.proxy.silently
            self.answers_stop = self.proxy.silently
            await self._pass(piece, self.server[1])
        if self.proxy.arrives or self.proxy.silently:
            await asyncio.Event().wait()

    async def _pass(self, piece: bytes, writer: StreamWriter) -> None:
        await asyncio.sleep(self.proxy.seconds)
        if self.proxy.resets:
            raise ConnectionResetError
        if self.proxy.swallows:
            # For good: the rest of a stream with a hole in it would be garbage.
            await asyncio.Event().wait()
        writer.write(piece)
        await writer.drain()


@contextmanager
def fault_proxy(target: int | Path) -> Iterator[FaultProxy]:
    """A proxy that runs until the end of the block; the target may come and go meanwhile."""
    proxy = FaultProxy(target)
    with proxy.running():
        yield proxy


async def dial(target: int | Path) -> tuple[StreamReader, StreamWriter]:
    if isinstance(target, Path):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection(HOST, target)


def reset(writer: StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
