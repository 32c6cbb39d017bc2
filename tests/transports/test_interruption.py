"""The end of a stream whose server goes on, and reads that another thread ends."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import IncompleteStreamError
from streamfold.transports import (
    MessageStream,
    RecordedChunk,
    Recording,
    interruption,
    replay,
    streams,
)
from streamfold.transports.interruption import PATIENCE, interruption_of, read_end

from tests.support.effort import effort
from tests.support.events import PING, body
from tests.support.loopback import PATIENCE as PATIENCE_OF_THE_SERVER
from tests.support.loopback import Connection, chunk, event_stream, hold
from tests.support.shells import BODY, EVENTS, HALF, MESSAGE, NO_TLS

pytestmark = pytest.mark.anyio

SOON = 3.0
"""Seconds: far more than the patience of a stream, and far less than that of its client."""


def forever(piece: bytes, pause: float = 0.0) -> Any:
    """A step that sends chunks until the client leaves."""

    def step(connection: Connection) -> None:
        try:
            for _ in itertools.repeat(None):
                connection.socket.sendall(chunk(piece))
                connection.stopping.wait(pause)
        except OSError:
            connection.left.set()

    return step


def half_a_chunk(connection: Connection) -> None:
    """Begin a chunk, and send no more."""
    connection.socket.sendall(b"ffff\r\n")
    hold(connection)


LATE = body({"type": "odd", "text": "x" * 1000}, PING)
AFTER = {
    "silence": hold,
    "comments": forever(b": still here\n\n"),
    "slow comments": forever(b": still here\n\n", 0.05),
    "events": forever(LATE),
    "no whole chunk": half_a_chunk,
}


@pytest.mark.parametrize("way", ["events", "final message"])
@pytest.mark.parametrize("after", AFTER)
async def test_a_stream_ends_at_message_stop(server, shell, after: str, way: str) -> None:
    server.answer([*event_stream(BODY)[:-1], AFTER[after]])
    async with shell.client() as client:
        start = time.monotonic()
        stream = await client.open(server)
        if way == "events":
            assert [event.type async for event in stream][-1] == "message_stop"
        assert await stream.get_final_message() == MESSAGE
        assert time.monotonic() - start < SOON
        assert stream.snapshot.unfolded == ()
        assert server.connections[0].left.wait(PATIENCE_OF_THE_SERVER)


async def test_the_events_of_the_last_chunk_do_not_wait_for_the_end(server, shell) -> None:
    server.answer([*event_stream(BODY)[:-1], hold])
    async with shell.client() as client, await client.open(server) as stream:
        async for event in stream:
            if event.type == "message_stop":
                break
        assert not stream.response.is_closed


async def test_an_honest_end_gives_the_connection_back(server, shell) -> None:
    *steps, last = event_stream(BODY, chunks=100)
    server.answer([*steps, lambda connection: connection.stopping.wait(0.05), last])
    async with shell.client() as client:
        for _ in range(3):
            stream = await client.open(server)
            assert await stream.get_final_message() == MESSAGE
    assert len(server.connections) == 1


async def test_a_response_that_closed_itself_at_its_end_needs_no_task_to_close_it(
    server, shell, monkeypatch
) -> None:
    async def closing(step: Any) -> None:
        raise AssertionError("the response is closed a second time")

    server.answer(event_stream(BODY))
    async with shell.client() as client:
        stream = await client.open(server)
        monkeypatch.setattr(streams, "shielded", closing)
        assert await stream.get_final_message() == MESSAGE
        assert stream.response.is_closed


@effort(50)
@given(
    st.lists(st.sampled_from([LATE, body(PING), b"data: oops\n\n", b": c\n"]), max_size=5),
    st.data(),
)
def test_nothing_after_message_stop_is_kept_however_it_is_cut(late: list[bytes], data: Any) -> None:
    whole = BODY + b"".join(late)
    size = data.draw(st.integers(1, len(whole)))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    stream = MessageStream(pieces)
    events = list(stream)
    assert [event.type for event in events].count("message_stop") == 1
    assert events[-1].message == MESSAGE
    assert stream.snapshot.unfolded == ()
    assert stream.get_final_message() == MESSAGE
    skimmed = MessageStream(pieces)
    assert skimmed.get_final_message() == MESSAGE
    assert skimmed.snapshot == stream.snapshot


def test_a_source_without_an_end_is_not_read_beyond_the_message() -> None:
    def source() -> Any:
        yield BODY
        raise AssertionError("the stream reads on")

    assert MessageStream(source()).get_final_message() == MESSAGE


# --- close() from another thread ------------------------------------------------------------------


def closed_soon(stream: Any) -> float:
    """Close `stream` from another thread while this one reads it; the seconds until it wakes."""
    closer = threading.Timer(0.2, stream.close)
    closer.start()
    start = time.monotonic()
    with pytest.raises(IncompleteStreamError):
        stream.until_done()
    closer.join()
    return time.monotonic() - start


def test_close_wakes_a_thread_that_waits_for_a_chunk(server) -> None:
    server.answer([*event_stream(HALF)[:-1], hold])
    with (
        httpx.Client(timeout=60, trust_env=False, verify=NO_TLS) as client,
        client.stream("POST", server.url) as response,
    ):
        assert closed_soon(MessageStream(response)) < SOON
        assert server.connections[0].left.wait(PATIENCE_OF_THE_SERVER)


def test_close_wakes_a_replay_that_sleeps() -> None:
    recording = Recording([RecordedChunk(HALF, 0.0), RecordedChunk(body(*EVENTS[4:]), 60.0)])
    assert closed_soon(replay(recording, speed=1)) < SOON


def test_a_replay_does_not_wait_for_its_recorded_end() -> None:
    recording = Recording([RecordedChunk(BODY, 0.0)], duration=60.0)
    start = time.monotonic()
    assert replay(recording, speed=1).get_final_message() == MESSAGE
    assert time.monotonic() - start < SOON


def test_only_a_connection_of_its_own_can_be_interrupted() -> None:
    class Shared:
        def get_extra_info(self, name: str) -> None:
            raise AssertionError("the connection is shared")

    for extensions in ({}, {"network_stream": object()}):
        assert interruption_of(httpx.Response(200, extensions=extensions)) is None
    shared = {"network_stream": Shared(), "http_version": b"HTTP/2"}
    assert interruption_of(httpx.Response(200, extensions=shared)) is None
    assert interruption_of([b"chunks"]) is None


def open_response(connection: socket.socket) -> httpx.Response:
    """A response over a connection, whose body is not read yet."""

    class Connected:
        def get_extra_info(self, name: str) -> Any:
            return connection

    extensions = {"network_stream": Connected()}
    return httpx.Response(200, stream=httpx.ByteStream(b""), extensions=extensions)


def test_an_interruption_that_comes_too_late_is_dropped() -> None:
    ours, theirs = socket.socketpair()
    interrupt = interruption_of(open_response(ours))
    assert interrupt is not None
    interrupt()
    assert theirs.recv(1) == b""
    ours.close()
    theirs.close()
    interrupt()


def test_a_connection_that_was_given_back_is_not_interrupted() -> None:
    ours, theirs = socket.socketpair()
    response = open_response(ours)
    interrupt = interruption_of(response)
    assert interrupt is not None
    assert response.read() == b""  # at its end the response gives the connection back
    interrupt()
    ours.sendall(b"the next request")
    assert theirs.recv(16) == b"the next request"
    ours.close()
    theirs.close()


def test_a_read_of_the_end_is_interrupted_in_time() -> None:
    woken = threading.Event()
    start = time.monotonic()
    read_end(lambda: woken.wait(60), woken.set)
    assert PATIENCE <= time.monotonic() - start < SOON
    read_end(lambda: 1 / 0, None)


def interrupters() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "streamfold interrupter"}


def test_one_thread_interrupts_the_reads_of_all_streams() -> None:
    calls: list[str] = []
    woken = [threading.Event(), threading.Event()]

    def fail() -> None:
        woken[0].set()
        raise RuntimeError("the connection cannot be shut down")

    read_end(lambda: None, lambda: calls.append("a read that is over"))
    before = interrupters()
    start = time.monotonic()
    read_end(lambda: calls.append(f"woken: {woken[0].wait(60)}"), fail)
    read_end(lambda: calls.append(f"woken: {woken[1].wait(60)}"), woken[1].set)
    assert calls == ["woken: True", "woken: True"]
    assert time.monotonic() - start < SOON
    assert interrupters() == before != set()


def test_a_forked_process_starts_its_own_thread() -> None:
    script = """
import os, threading
from streamfold.transports.interruption import read_end
read_end(lambda: None, lambda: None)
child = os.fork()
woken = threading.Event()
read_end(lambda: woken.wait(60), woken.set)
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=30)


def test_a_lock_that_was_held_at_the_fork_is_free_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_interrupter", "_starting"):
        monkeypatch.setattr(interruption, name, getattr(interruption, name))
    interruption._starting.acquire()
    interruption._forget()
    assert (interruption._interrupter, interruption._starting.locked()) == (None, False)
    monkeypatch.undo()
    interruption._starting.release()


def test_the_interrupter_keeps_no_interpreter_alive() -> None:
    threads: list[threading.Thread] = []
    read_end(lambda: threads.extend(interrupters()), lambda: None)
    assert {thread.daemon for thread in threads} == {True}


def test_without_a_thread_the_read_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    calls: list[str] = []
    monkeypatch.setattr(interruption, "_interrupter", None)
    monkeypatch.setattr(threading.Thread, "start", start)
    read_end(lambda: calls.append("read"), lambda: calls.append("interrupted"))
    assert calls == ["read"]
    assert interruption._interrupter is None


def test_a_read_is_not_over_during_its_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is still that of the stream when its socket is shut down."""
    monkeypatch.setattr(interruption, "PATIENCE", 0.0)
    begun, over = threading.Event(), threading.Event()
    calls: list[str] = []

    def interrupt() -> None:
        begun.set()
        over.wait(0.1)  # gives a read that does not wait for this the time to end before it
        calls.append("interrupted")

    read_end(begun.wait, interrupt)
    calls.append("over")
    over.set()
    assert calls == ["interrupted", "over"]
