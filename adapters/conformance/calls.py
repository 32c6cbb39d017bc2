"""Call a function under test that may have any of several shapes.

A function may be sync or async, and may return an iterator or an async iterator. It may take the
decoded events, the bytes in chunks, or a transport of httpx or httpx2 that answers every request
with the stream. `Call` gives all of them one shape: a sync function from the events or chunks to
a whole result.

`refuse_wrong_use` calls the function once with the shortest stream before a run, so that a
mistake in the use of the kit is reported as one line and not as a defect of the function.

`time_limit` interrupts a function that does not return. It uses SIGALRM: it works in the main
thread of systems that have this signal, and interrupts Python code, not C code. Elsewhere the limit
has no effect.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal, get_args

from streamfold.reducer import encode_sse

from .names import name_of

__all__ = [
    "Call",
    "Takes",
    "TookTooLongError",
    "WrongUseError",
    "body_of",
    "pieces",
    "refuse_wrong_decoder",
    "refuse_wrong_use",
    "time_limit",
]

Event = dict[str, Any]

Takes = Literal["events", "chunks", "httpx", "httpx2"]
"""The argument of an accumulator:

    events   the decoded events, in any iterable; an async function may iterate over it either way
    chunks   the bytes of the body, in chunks
    httpx    an `httpx` transport, sync and async, for a client of the function's own
    httpx2   the same of `httpx2`
"""


class WrongUseError(ValueError):
    """A function cannot be checked as it was given."""


class TookTooLongError(BaseException):
    """A function did not return within the time limit.

    Not an `Exception`, so that the function's own handlers do not catch it.
    """


class _Items:
    """Items that can be iterated over with `for` and with `async for`, once."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)

    def __iter__(self) -> Iterator[Any]:
        return self._items

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self._items:
            yield item


class Call:
    """A function under test as a sync function with one argument.

    Args:
        function: the function.
        takes: the argument that it takes.
        size: the size of the chunks of a body, in bytes. None: it depends on the body's length.

    Raises:
        WrongUseError: `takes` is unknown, its library is not installed, or `function` cannot be
            called with one argument.
    """

    def __init__(
        self, function: Callable[..., Any], takes: Takes = "events", size: int | None = None
    ) -> None:
        if takes not in get_args(Takes):
            raise WrongUseError(f"takes must be one of {', '.join(get_args(Takes))}; got {takes!r}")
        if not callable(function):
            raise WrongUseError(f"expected a function, got {function!r}")
        try:
            inspect.signature(function).bind(None)
        except TypeError as error:
            raise WrongUseError(
                f"{name_of(function)} must accept one positional argument: {error}"
            ) from None
        except ValueError:  # functions in C may have no signature
            pass
        self.function = function
        self.takes = takes
        self.size = size
        self.library: Any = None
        if takes in ("httpx", "httpx2"):
            try:
                self.library = import_module(takes)
            except ImportError as error:
                raise WrongUseError(f"takes={takes!r} needs {takes}: {error}") from None

    def __call__(self, given: Iterable[Any]) -> Any:
        """The result of the function; async results are awaited, async iterators are collected."""
        __tracebackhide__ = True
        return self.with_argument(self._argument(given))

    def with_argument(self, argument: Any) -> Any:
        """The result for exactly this argument."""
        __tracebackhide__ = True
        result = self.function(argument)
        if inspect.isawaitable(result):
            result = _run(_awaited(result))
        if hasattr(result, "__aiter__"):
            result = _run(_collected(result))
        return result

    def _argument(self, given: Iterable[Any]) -> Any:
        if self.takes == "events":
            if _is_async(self.function):
                return _Items(given)
            return given
        chunks = pieces(body_of(given), self.size)
        if self.takes == "chunks":
            return _Items(chunks) if _is_async(self.function) else chunks
        return self._transport(chunks)

    def _transport(self, chunks: list[bytes]) -> Any:
        """A transport that answers every request with the chunks."""
        library = self.library

        bases: tuple[Any, ...] = (library.SyncByteStream, library.AsyncByteStream)

        class Body(*bases):  # type: ignore[misc]
            def __iter__(self) -> Iterator[bytes]:
                yield from chunks

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for chunk in chunks:
                    yield chunk

        headers = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_1"}
        return library.MockTransport(
            lambda request: library.Response(200, headers=headers, stream=Body())
        )


def _is_async(function: Callable[..., Any]) -> bool:
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    call = getattr(function, "func", call)  # of functools.partial
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def _run(coroutine: Any) -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _awaited(awaitable: Any) -> Any:
    result = await awaitable
    return [item async for item in result] if hasattr(result, "__aiter__") else result


async def _collected(items: Any) -> list[Any]:
    return [item async for item in items]


def body_of(events: Iterable[Any]) -> bytes:
    """The body of a stream. An item that is not an event is written as data."""
    return b"".join(map(_encoded, events))


def _encoded(event: Any) -> bytes:
    if isinstance(event, dict) and isinstance(event.get("type"), str):
        return encode_sse([event])
    data = event if isinstance(event, str) else json.dumps(event)
    return f"data: {data}\n\n".encode()


def pieces(body: bytes, size: int | None = None) -> list[bytes]:
    """The body in chunks of one size; without a size, it depends on the body's length only."""
    size = size or 1 + len(body) % 97
    return [body[at : at + size] for at in range(0, len(body), size)]


_AGAIN = 0.5
"""Seconds until the next interruption: Python ignores an exception in a finalizer, so the first
one may get lost."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLongError` if the block takes longer."""
    is_possible = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    if not is_possible:
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        if frame.f_code in [getattr(callback, "__code__", None) for callback in gc.callbacks]:
            return  # Python would ignore the exception
        raise TookTooLongError(f"no result within {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, interrupt)
    before = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, handler)


_SHORTEST: list[Event] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-6",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    },
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 1},
    },
    {"type": "message_stop"},
]


def refuse_wrong_use(call: Call, read: Callable[[Any], object], seconds: float) -> None:
    """Call an accumulator once, and refuse one that cannot be checked.

    Args:
        call: the accumulator.
        read: reads its result; raises TypeError for a result that it cannot read.
        seconds: the time limit.

    Raises:
        WrongUseError: the accumulator takes another argument, or its result cannot be read.
    """
    given = json.loads(json.dumps(_SHORTEST))
    try:
        with time_limit(seconds):
            result = call(given)
    except (Exception, SystemExit, TookTooLongError):
        for other in ("events", "chunks"):
            if other != call.takes and _reads(Call(call.function, other), read, seconds):
                raise WrongUseError(
                    f"{name_of(call.function)} fails with takes={call.takes!r}, but reads a stream "
                    f"with takes={other!r}: pass that (in the shell: --takes {other})"
                ) from None
        return
    if result is None:
        return
    try:
        read(result)
    except TypeError as error:
        raise WrongUseError(f"{name_of(call.function)} returned a result: {error}") from None


def refuse_wrong_decoder(call: Call, seconds: float) -> None:
    """Call a decoder once, and refuse one whose result is not an iterable of events.

    Raises:
        WrongUseError: the decoder returns a message, or a value that cannot be iterated over.
    """
    try:
        with time_limit(seconds):
            result = call(pieces(body_of(_SHORTEST)))
    except (Exception, SystemExit, TookTooLongError):
        return
    if isinstance(result, Mapping) or hasattr(result, "stop_reason"):
        raise WrongUseError(
            f"{name_of(call.function)} returned a message, expected an iterable of server-sent "
            "events: check an accumulator with takes='chunks' (in the shell: --takes chunks, "
            "without --decoder)"
        )
    if not isinstance(result, Iterable):
        raise WrongUseError(
            f"{name_of(call.function)} returned {_shown(result)}, expected an iterable of events"
        )


def _shown(result: Any) -> str:
    return "None" if result is None else f"an object of {type(result).__name__}"


def _reads(call: Call, read: Callable[[Any], object], seconds: float) -> bool:
    """Whether the accumulator gives a message for the shortest stream."""
    try:
        with time_limit(seconds):
            message = read(call(json.loads(json.dumps(_SHORTEST))))
    except (Exception, SystemExit, TookTooLongError):
        return False
    return isinstance(message, dict) and bool(message)
