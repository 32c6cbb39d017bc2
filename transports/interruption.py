"""Ending a read from another thread, or after a time.

A thread that waits for bytes does not notice that another thread closes its connection. But it
wakes at once if the socket is shut down. That works for a response of httpx or httpx2 over
HTTP/1.1. It does not work for HTTP/2, whose connection carries other streams.

Cost: one daemon thread in a process, from the end of its first sync stream over a connection.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
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
        if getattr(source, "is_closed", False):  # its connection may be that of another by now
            return
        with suppress(OSError):  # it is closed already
            # `SSLSocket.shutdown` would take the TLS state away from the thread that reads
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    return interrupt


def read_end(read: Callable[[], object], interrupt: Callable[[], None] | None) -> None:
    """Read once more, for `PATIENCE` seconds at most. Errors are dropped.

    An interruption that has begun is over when this returns.

    Args:
        read: reads the next chunk, which is the end in most bodies.
        interrupt: ends that read, without waiting itself; `None` if the read cannot wait for a
            server.
    """
    waiting = [] if interrupt is None else [interrupt]
    taking = threading.Lock()  # one for each read: the streams do not wait for each other
    if waiting:
        with suppress(RuntimeError):  # no thread starts: the interpreter ends, or has too many
            _running().reads.put((time.monotonic() + PATIENCE, taking, waiting))
    try:
        with suppress(Exception):
            read()
    finally:
        with taking:
            waiting.clear()


_Read = tuple[float, threading.Lock, list[Callable[[], None]]]
"""A time (`time.monotonic`), a lock, and a list that holds the function to call then.

The reader empties the list when its read is over. The thread pops the function from it and calls
it. Both hold the lock meanwhile, so that the function runs before the read is over or not at all.
"""


class _Interrupter(threading.Thread):
    """The thread that interrupts the last reads of all streams, if they wait too long.

    A thread for each stream took 100 to 300 µs of CPU time a stream; this one takes 20 to 60 µs.

    Attributes:
        reads: the last reads, in the order of their times.
    """

    def __init__(self) -> None:
        super().__init__(name="streamfold interrupter", daemon=True)
        self.reads: SimpleQueue[_Read] = SimpleQueue()

    def run(self) -> None:
        while True:
            at, taking, waiting = self.reads.get()
            time.sleep(max(0.0, at - time.monotonic()))
            with suppress(Exception), taking:  # an IndexError: the read is over
                waiting.pop()()


_interrupter: _Interrupter | None = None
_starting = threading.Lock()


def _running() -> _Interrupter:
    """The interrupter of this process."""
    global _interrupter
    with _starting:
        if _interrupter is None:
            new = _Interrupter()
            new.start()
            _interrupter = new
        return _interrupter


def _forget() -> None:
    """Begin anew in a forked process, in which the thread does not run."""
    global _interrupter, _starting
    _interrupter, _starting = None, threading.Lock()


if hasattr(os, "register_at_fork"):  # pragma: no branch (Windows has no fork)
    os.register_at_fork(after_in_child=_forget)
