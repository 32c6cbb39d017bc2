"""However a stream is left, its connection goes back or is closed at once, without a warning."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref

import anyio
import anyio.to_thread
import httpx
import pytest
import trio
import trio.testing
from streamfold.reducer import IncompleteStreamError, ProtocolError
from streamfold.transports import (
    AsyncMessageStream,
    AsyncMessageStreamManager,
    MessageStream,
    MessageStreamManager,
    OverloadedError,
    areplay,
)

from tests.support.effort import is_thorough
from tests.support.events import body, error_event
from tests.support.loopback import event_stream, hold, wait, wait_for
from tests.support.shells import BODY, HALF, MESSAGE, Awaited, Chunks

pytestmark = pytest.mark.anyio

HALF_READ = [*event_stream(HALF)[:-1], hold]
"""Half a message, and then silence until the client closes the connection."""

ASYNC = pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)

ONE_CONNECTION = {
    "limits": httpx.Limits(max_connections=1, max_keepalive_connections=0),
    "timeout": httpx.Timeout(60, pool=30),
}
"""The options of a client that waits until its only connection is given back, and keeps none."""


@pytest.fixture(scope="module", autouse=True)
def _without_older_objects():
    """Exempt what earlier files left from the collections of garbage here, which are many."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _without_warnings(caplog):
    """Warnings of dropped objects come when they are collected."""
    yield
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def wait_closed(server, but=0):
    """Wait until the server's connections are closed, while the event loop goes on."""
    await anyio.to_thread.run_sync(server.wait_closed, but)


async def fail_in(block):
    """Raise an exception in the middle of the stream."""
    async with block as stream:
        async for event in stream:
            if event.type == "text":
                raise ZeroDivisionError


async def drop(box):
    """Drop the last reference to the stream in `box`, and check that it was freed."""
    gone = weakref.ref(getattr(box[0], "sync", box[0]))
    box.clear()
    assert gone() is None


# --- left early -----------------------------------------------------------------------------------


async def test_leaving_the_block_early(shell, server):
    server.answer(HALF_READ)
    async with shell.client() as client:
        for count in range(3):
            async with await client.open(server) as stream:
                for _ in range(count):
                    await stream.__anext__()
            await wait_closed(server)
        assert len(server.connections) == 3
        assert all(connection.left.is_set() for connection in server.connections)


async def test_an_exception_in_the_block(shell, server):
    server.answer(HALF_READ)
    async with shell.client() as client:
        stream = await client.open(server)
        with pytest.raises(ZeroDivisionError):
            await fail_in(stream)
        await wait_closed(server)


async def test_break_and_close_twice(shell, server):
    server.answer(HALF_READ)
    async with shell.client() as client:
        stream = await client.open(server)
        async for _ in stream:
            break
        await stream.close()
        await wait_closed(server)
        await stream.close()
        never_started = await client.open(server)
        await never_started.close()
        await never_started.close()
        await wait_closed(server)


async def test_a_manager_closes(shell, server):
    server.answer(HALF_READ)
    async with shell.client() as client:
        stream = await client.open(server)

        async def open_stream():
            return stream

        if shell.is_sync:
            manager = Awaited(MessageStreamManager(lambda: stream.sync))
        else:
            manager = AsyncMessageStreamManager(open_stream)
        with pytest.raises(ZeroDivisionError):
            await fail_in(manager)
        await wait_closed(server)


@pytest.mark.parametrize(
    ("received", "error"),
    [
        (error_event("overloaded_error"), OverloadedError),
        ({"type": "message_start"}, ProtocolError),
    ],
)
@pytest.mark.parametrize("consume", ["until_done", "__anext__", "await_first_event"])
async def test_an_error_closes_at_once(shell, server, received, error, consume):
    server.answer([*event_stream(body(received))[:-1], hold])
    async with shell.client() as client:
        stream = await client.open(server)
        with pytest.raises(error):
            await getattr(stream, consume)()
        await wait_closed(server)


async def test_an_error_closes_before_the_events_in_front_of_it_were_handed_out(shell, server):
    received = HALF + body(error_event("overloaded_error"))
    server.answer([*event_stream(received)[:-1], hold])
    async with shell.client() as client:
        stream = await client.open(server)
        assert (await stream.__anext__()).type == "message_start"
        await wait_closed(server)


# --- read to the end ------------------------------------------------------------------------------


async def iterate(stream):
    async for _ in stream:
        pass


async def iterate_text(stream):
    async for _ in stream.text_stream:
        pass


async def half_iterate(stream):
    for _ in range(3):
        await stream.__anext__()
    assert await stream.get_final_message() == MESSAGE


async def get_final_message(stream):
    assert await stream.get_final_message() == MESSAGE


@pytest.mark.parametrize("consume", [iterate, iterate_text, half_iterate, get_final_message])
async def test_a_connection_goes_back_when_the_body_was_read_to_its_end(shell, server, consume):
    server.answer(event_stream(BODY, chunks=100))
    async with shell.client(
        **{**ONE_CONNECTION, "limits": httpx.Limits(max_connections=1)}
    ) as client:
        for _ in range(3):
            await consume(await client.open(server))  # and the stream is not closed
        async with await client.open(server) as stream:
            await consume(stream)
    assert len(server.requests) == 4
    assert len(server.connections) == 1


async def test_a_new_connection_is_made_after_an_early_exit(shell, server):
    server.answer(HALF_READ, event_stream(BODY))
    async with shell.client(**ONE_CONNECTION) as client:
        async with await client.open(server) as stream:
            await stream.__anext__()
        async with await client.open(server) as stream:
            assert await stream.get_final_message() == MESSAGE
    assert len(server.connections) == 2


# --- dropped --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 5])
async def test_dropping_a_stream_closes_it(shell, server, count):
    server.answer(HALF_READ)
    async with shell.client(**ONE_CONNECTION) as client:
        for _ in range(2):
            box = [await client.open(server)]
            for _ in range(count):
                await box[0].__anext__()
            await drop(box)
            await wait_closed(server)


async def test_dropping_the_iterators_of_a_stream_closes_it(shell, server):
    server.answer(HALF_READ)
    async with shell.client(**ONE_CONNECTION) as client:
        async for _ in await client.open(server):
            break
        await wait_closed(server)
        async for _ in (await client.open(server)).text_stream:
            break
        await wait_closed(server)


async def test_dropping_a_stream_in_a_circle_closes_it_when_it_is_collected(shell, server):
    server.answer(HALF_READ)
    async with shell.client(**ONE_CONNECTION) as client:
        circle = [await client.open(server)]
        await circle[0].__anext__()
        circle.append(circle)
        del circle
        gc.collect()
        await wait_closed(server)


async def test_dropping_a_stream_in_another_thread_closes_it(shell, server):
    server.answer(HALF_READ)
    async with shell.client(**ONE_CONNECTION) as client:
        box = [await client.open(server)]
        await box[0].__anext__()
        await anyio.to_thread.run_sync(box.clear)
        await wait_closed(server)


async def test_dropping_a_stream_that_is_over_does_nothing(shell, server):
    server.answer(event_stream(BODY))
    async with shell.client() as client:
        box = [await client.open(server)]
        await box[0].until_done()
        await drop(box)
        await (await client.open(server)).until_done()
    assert len(server.connections) == 1


@ASYNC
async def test_dropping_a_stream_over_an_async_generator_closes_that(shell):
    closed = anyio.Event()

    async def chunks():
        try:
            yield HALF
            yield BODY
        finally:
            closed.set()

    stream = AsyncMessageStream(chunks())
    await stream.__anext__()
    del stream
    with anyio.fail_after(30):
        await closed.wait()


# trio warns because httpx drops its inner generators half-way
@pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")
@ASYNC
async def test_closing_a_response_without_a_connection_does_not_wait_for_its_end(shell):
    async def content():
        yield HALF
        await anyio.sleep_forever()

    with anyio.fail_after(30):
        async with AsyncMessageStream(httpx.Response(200, content=content())) as stream:
            await stream.__anext__()
        assert stream.response.is_closed


@ASYNC
async def test_dropping_a_stream_whose_source_fails_to_close(shell):
    class FailingClose(Chunks):
        async def aclose(self):
            await super().aclose()
            raise OSError

    source = FailingClose([BODY])
    stream = AsyncMessageStream(source)
    await stream.__anext__()
    del stream
    await anyio.wait_all_tasks_blocked()
    assert source.closed


def test_dropping_a_stream_when_trio_takes_no_new_tasks(monkeypatch):
    def refuse(*_):
        raise RuntimeError("Nursery is closed to new arrivals")

    async def main():
        stream = AsyncMessageStream(Chunks([BODY]))
        await stream.__anext__()
        monkeypatch.setattr(trio.lowlevel, "spawn_system_task", refuse)
        del stream
        await trio.testing.wait_all_tasks_blocked()

    trio.run(main)


RUN = pytest.mark.parametrize("run", [asyncio.run, trio.run])


async def half_read(client, server):
    response = await client.send(client.build_request("POST", server.url), stream=True)
    stream = AsyncMessageStream(response)
    await stream.__anext__()
    return stream


@RUN
def test_dropping_a_stream_as_the_last_thing_an_event_loop_does(run, server):
    server.answer(HALF_READ)

    async def main():
        async with httpx.AsyncClient() as client:
            await half_read(client, server)

    run(main) if run is trio.run else run(main())
    server.wait_closed()


# trio may accept no tasks by then; it closes the generators itself, with a warning
@pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")
@RUN
def test_dropping_a_stream_with_its_client_as_the_last_thing_an_event_loop_does(run, server):
    server.answer(HALF_READ)

    async def main():
        await half_read(httpx.AsyncClient(), server)

    run(main) if run is trio.run else run(main())
    gc.collect()
    server.wait_closed()


@RUN
def test_dropping_a_stream_when_its_event_loop_is_over(run):
    source = Chunks([BODY])

    async def main():
        stream = AsyncMessageStream(source)
        await stream.__anext__()
        return stream

    stream = run(main) if run is trio.run else run(main())
    del stream
    assert not source.closed  # no loop runs that could await it


@RUN
def test_a_stream_made_before_its_event_loop(run):
    streams = [areplay(BODY), areplay(iter([HALF, BODY])), areplay(BODY)]

    async def main():
        assert await streams[0].get_final_message() == MESSAGE
        await streams[1].__anext__()
        del streams[1]
        await anyio.wait_all_tasks_blocked()

    run(main) if run is trio.run else run(main())
    streams.clear()


# --- cancelled ------------------------------------------------------------------------------------


class Counted:
    """A coroutine that is cancelled by `cancel` when it waits for the `at`-th time.

    `go_on` is set when it waits for the first time.
    """

    def __init__(self, coroutine, at, cancel, go_on):
        self.coroutine, self.at, self.cancel, self.go_on = coroutine, at, cancel, go_on
        self.waited = 0

    def __await__(self):
        go_on, value = self.coroutine.send, None
        while True:
            try:
                waiting_for = go_on(value)
            except StopIteration as stop:
                return stop.value
            self.waited += 1
            self.go_on.set()
            if self.waited == self.at:
                self.cancel()
            try:
                go_on, value = self.coroutine.send, (yield waiting_for)
            except BaseException as error:
                go_on, value = self.coroutine.throw, error


async def cancelled_at(shell, at, use, stream, go_on):
    """Await `use(stream)`, cancel it when it waits for the `at`-th time; whether that happened."""
    if shell.name == "trio":
        with trio.CancelScope() as scope:
            await Counted(use(stream), at, scope.cancel, go_on)
        return scope.cancelled_caught

    async def run():
        await Counted(use(stream), at, asyncio.current_task().cancel, go_on)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    return task.cancelled()


async def read_to_the_end(stream):
    async with stream:
        await stream.until_done()


async def leave_early(stream):
    async with stream:
        async for event in stream:
            if event.type == "text":
                break


async def drop_at_the_end(stream):
    await stream.until_done()


@ASYNC
@pytest.mark.parametrize("use", [read_to_the_end, leave_early, drop_at_the_end])
async def test_cancelling_the_task_at_any_await(shell, server, use):
    opening, *chunks = event_stream(BODY, chunks=250)
    slowly = [step for chunk in chunks for step in (chunk, wait(0.003))]
    was_cancelled, at = True, 0
    async with shell.client(**ONE_CONNECTION) as client:
        while was_cancelled:
            at += 1
            go_on = threading.Event()
            server.answer([opening, wait_for(go_on), *slowly])
            box = [await client.open(server)]
            was_cancelled = await cancelled_at(shell, at, use, box[0], go_on)
            box.clear()
            gc.collect()  # the exception and the stream hold each other
            await wait_closed(server)
        assert at > 1


@ASYNC
async def test_cancelling_a_task_that_waits_for_more(shell, server):
    server.answer(HALF_READ)
    async with shell.client(**ONE_CONNECTION) as client:
        stream = await client.open(server)
        with anyio.move_on_after(0.1) as scope:
            async with stream:
                await stream.until_done()
        assert scope.cancelled_caught
        await wait_closed(server)
        for _ in range(2):
            with pytest.raises(IncompleteStreamError):
                await stream.get_final_message()


@ASYNC
async def test_cancelling_a_task_that_waits_for_the_end_of_a_message_that_is_over(shell, server):
    server.answer([*event_stream(BODY)[:-1], hold])
    async with shell.client(**ONE_CONNECTION) as client:
        stream = await client.open(server)
        with anyio.CancelScope() as scope:
            async for event in stream:
                if event.type == "message_stop":
                    scope.cancel()
        assert scope.cancelled_caught
        assert await stream.get_final_message() == MESSAGE
        await wait_closed(server)


@ASYNC
async def test_reading_on_after_a_cancellation_never_gives_a_whole_message(shell, server):
    server.answer(HALF_READ)
    async with shell.client(**ONE_CONNECTION) as client:
        stream = await client.open(server)
        with anyio.move_on_after(0.1):
            await stream.until_done()
        with pytest.raises(IncompleteStreamError):
            await stream.get_final_message()
        await wait_closed(server)


@ASYNC
@pytest.mark.parametrize("allow_incomplete", [False, True])
async def test_closing_a_stream_that_another_task_waits_for(shell, server, allow_incomplete):
    server.answer(HALF_READ)
    ended = []

    async def read(stream):
        try:
            async for _ in stream:
                pass
        except IncompleteStreamError as error:
            ended.append(error)

    async with shell.client(**ONE_CONNECTION) as client:
        stream = await client.open(server, allow_incomplete=allow_incomplete)
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read, stream)
                await anyio.wait_all_tasks_blocked()
                await stream.close()
        await wait_closed(server)
    assert len(ended) == (0 if allow_incomplete else 1)


# --- many -----------------------------------------------------------------------------------------


@pytest.mark.thorough
async def test_hundreds_of_streams_left_half_read(shell, server):
    """Half of them are closed, the others are dropped."""
    hundreds = 10 if is_thorough() else 2
    server.answer(HALF_READ)
    async with shell.client(limits=httpx.Limits(max_connections=None)) as client:
        for _ in range(hundreds):
            streams = [await client.open(server) for _ in range(100)]
            for stream in streams:
                await stream.__anext__()
            assert server.open == 100
            for stream in streams[::2]:
                await stream.close()
            del stream
            streams.clear()
            await wait_closed(server)
    assert len(server.connections) == 100 * hundreds
    assert all(connection.left.is_set() for connection in server.connections)


def test_streams_left_in_threads(server):
    go_on = threading.Event()
    server.answer([*event_stream(HALF)[:-1], wait_for(go_on), hold])

    def use():
        with MessageStream(client.send(request(), stream=True)) as stream:
            for event in stream:
                if event.type == "text":
                    break

    def request():
        return client.build_request("POST", server.url)

    with httpx.Client() as client:
        threads = [threading.Thread(target=use) for _ in range(20)]
        for thread in threads:
            thread.start()
        go_on.set()
        for thread in threads:
            thread.join()
        server.wait_closed()
    assert len(server.connections) == 20


def test_a_stream_is_an_iterator():
    stream = MessageStream([BODY])
    assert Awaited(stream).sync is stream
    assert next(stream) == next(iter(MessageStream([BODY])))
