"""Ending a read from another thread, or after a time.

A thread that waits for bytes does not notice that another thread closes its connection. But it
wakes at once if the socket is shut down. That works for a response of httpx or httpx2 over
HTTP/1.1. It does not work for HTTP/2, whose connection carries other streams.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["PATIENCE", "interruption_of", "read_end"]

PATIENCE = 0.25
"""Seconds for which a stream waits for the end of a body after the message is over."""


def interruption_of(source: Any) -> Callable[[], None] | None:
    """A function that ends a read of `source` that waits in another thread.

    The read then raises an error of the connection, or finds the end of the body.

    Args:
        source: an open response of httpx or httpx2, or anything else.

    Returns:
        The function; `None` if `source` has no connection of its own.
    """
    extensions: Any = getattr(source, "extensions", {})
    connected: Any = extensions.get("network_stream")
    if hasattr(connected, "interrupt"):  # a replay
        replayed: Callable[[], None] = connected.interrupt
        return replayed
    get_extra_info = getattr(connected, "get_extra_info", None)
    if get_extra_info is None or extensions.get("http_version") == b"HTTP/2":
        return None
    connection: Any = get_extra_info("socket")

    def interrupt() -> None:
        with suppress(OSError):  # it is closed already
            # `SSLSocket.shutdown` would take the TLS state away from the thread that reads
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    return interrupt


def read_end(read: Callable[[], object], interrupt: Callable[[], None] | None) -> None:
    """Read once more, for `PATIENCE` seconds at most. Errors are dropped.

    Args:
        read: reads the next chunk, which is the end in most bodies.
        interrupt: ends that read; `None` if it cannot wait for a server.
    """
    timer = None
    if interrupt is not None:
        timer = threading.Timer(PATIENCE, interrupt)
        timer.daemon = True
        timer.start()
    with suppress(Exception):
        read()
    if timer is not None:
        timer.cancel()
