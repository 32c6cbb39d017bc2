"""A paced server in a process of its own: `python -m benchmarks.server SECONDS`.

It answers `POST /DELTAS/…` with a text stream of that many deltas over HTTP/1.1, chunked, one event
per packet and `SECONDS` between two events. Its process does the work of the network, so that the
CPU time of the measuring process is the cost of the client alone.
"""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from . import streams

__all__ = ["paced_server"]

_ROOT = Path(__file__).parent.parent
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@contextmanager
def paced_server(seconds: float) -> Iterator[str]:
    """Run the server; yields its URL.

    Args:
        seconds: the time between two events of a stream.
    """
    command = [sys.executable, "-m", "benchmarks.server", str(seconds)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@functools.cache
def _packets(deltas: int) -> Sequence[bytes]:
    """The events of a text stream, each in a chunk of the transfer encoding."""
    return [b"%x\r\n%b\r\n" % (len(event), event) for event in streams.text(deltas)]


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Answer the requests of one connection until the client closes it."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            request, *lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            headers = dict(line.split(b": ", 1) for line in lines if line)
            await reader.readexactly(int(headers.get(b"content-length", 0)))
            writer.write(_HEAD)
            due = loop.time()
            for packet in _packets(int(request.split(b"/")[1])):
                due += seconds
                await asyncio.sleep(due - loop.time())
                writer.write(packet)
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve(seconds: float) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _answer(reader, writer, seconds), "127.0.0.1", 0, backlog=512
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(float(sys.argv[1])))
