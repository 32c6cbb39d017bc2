"""Functions of every shape, wrong use, and the time limit."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

import httpx
import pytest
from streamfold.adapters.conformance import (
    AccumulatorMismatch,
    DecoderMismatch,
    WrongUseError,
    check_accumulator,
    check_chunks,
    check_decoder,
    check_emitter,
    check_stream,
    long_stream,
)
from streamfold.adapters.conformance.calls import TookTooLongError, time_limit
from streamfold.reducer import Message as ReducerMessage
from streamfold.reducer import SSEState, StreamState, decode_sse, expand, feed, finish, fold

from tests.support.planted import accumulators
from tests.support.planted.accumulators import Right

check = partial(check_accumulator, seed=0, max_examples=15, growth=False)


async def accumulate_async(events: Any) -> Any:
    await asyncio.sleep(0)
    return Right.accumulate([event async for event in events])


async def accumulate_plainly(events: Any) -> Any:
    return Right.accumulate(list(events))


class Accumulator:
    async def __call__(self, events: Any) -> Any:
        return Right.accumulate([event async for event in events])


def returns_a_task(events: Any) -> Any:
    return accumulate_plainly(events)


def accumulate_chunks(chunks: Iterable[bytes]) -> Any:
    state = StreamState()
    for chunk in chunks:
        state, _ = feed(state, chunk)
    return finish(state)


async def accumulate_chunks_async(chunks: Any) -> Any:
    return accumulate_chunks([chunk async for chunk in chunks])


def accumulate_httpx(transport: httpx.MockTransport) -> Any:
    client = httpx.Client(transport=transport)
    with client, client.stream("POST", "https://example.test/v1/messages") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return accumulate_chunks(response.iter_bytes())


async def accumulate_httpx_async(transport: httpx.MockTransport) -> Any:
    client = httpx.AsyncClient(transport=transport)
    async with client, client.stream("POST", "https://example.test/v1/messages") as response:
        return accumulate_chunks([chunk async for chunk in response.aiter_bytes()])


def accumulate_httpx2(transport: Any) -> Any:
    httpx2 = pytest.importorskip("httpx2")
    with httpx2.Client(transport=transport) as client:
        response = client.post("https://example.test/v1/messages")
        return accumulate_chunks([response.content])


@pytest.mark.parametrize(
    ("accumulate", "takes"),
    [
        (accumulate_async, "events"),
        (accumulate_plainly, "events"),
        (partial(accumulate_async), "events"),
        (Accumulator(), "events"),
        (returns_a_task, "events"),
        (accumulate_chunks, "chunks"),
        (accumulate_chunks_async, "chunks"),
        (accumulate_httpx, "httpx"),
        (accumulate_httpx_async, "httpx"),
        (accumulate_httpx2, "httpx2"),
    ],
)
def test_a_function_of_any_shape_can_be_checked(accumulate: Any, takes: Any) -> None:
    assert check(accumulate, takes=takes).examples == 15


async def decode_async(chunks: Any) -> AsyncIterator[Any]:
    for event in decode_sse(SSEState(), b"".join([chunk async for chunk in chunks]))[1]:
        yield event


async def decode_to_an_iterator(chunks: Any) -> Any:
    return decode_async(chunks)


async def emit_async(message: Any) -> AsyncIterator[Any]:
    for event in expand(ReducerMessage.from_dict(message)):
        yield event


def test_async_decoders_and_emitters_can_be_checked() -> None:
    check_decoder(decode_async, seed=0, max_examples=15, growth=False)
    check_decoder(decode_to_an_iterator, seed=0, max_examples=15, growth=False)
    check_emitter(emit_async, seed=0, max_examples=15)


def test_the_pasted_test_names_the_argument() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(lambda chunks: {}, long_stream("text", 3), takes="chunks")
    assert "takes='chunks'" in found.value.code


@pytest.mark.parametrize("fault", ["bad_json", "wrong_type", "cut"])
def test_broken_streams_come_as_bytes_too(fault: Any) -> None:
    check(accumulate_chunks, takes="chunks", faults=[fault], blocks=["text", "tool_use"])


# --- wrong use ----------------------------------------------------------------------------------


def test_the_refusal_names_the_option_of_the_command() -> None:
    with pytest.raises(WrongUseError, match=r"\(in the shell: --takes chunks\)"):
        check(accumulate_chunks)


def takes_nothing() -> Any:
    return {}


def gives_text(events: Any) -> Any:
    return {1, 2}


@pytest.mark.parametrize(
    ("accumulate", "options", "reason"),
    [
        (accumulate_chunks, {}, "accumulate_chunks fails with takes='events', but reads a stream"),
        (Right.accumulate, {"takes": "chunks"}, "reads a stream with takes='events': pass that"),
        (takes_nothing, {}, "takes_nothing must accept one positional argument"),
        (gives_text, {}, "gives_text returned a result: cannot read a set as a message"),
        (5, {}, "expected a function, got 5"),
        (Right.accumulate, {"takes": "lines"}, "takes must be one of events, chunks, "),
    ],
)
def test_wrong_use_is_refused_in_one_line(accumulate: Any, options: Any, reason: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        check(accumulate, **options)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("decode", "reason"),
    [
        (lambda chunks: None, "returned None, expected an iterable of events"),
        (lambda chunks: 5, "returned an object of int, expected an iterable of events"),
        (accumulate_chunks, "returned a message, expected an iterable of server-sent events"),
        (lambda chunks: {}, "takes='chunks' (in the shell: --takes chunks, without --decoder)"),
    ],
)
def test_a_decoder_without_events_is_refused(decode: Any, reason: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        check_decoder(decode, growth=False)
    assert reason in str(refused.value)


def test_a_decoder_that_fails_is_a_finding() -> None:
    def decode(chunks: Any) -> Any:
        raise ValueError("always")

    with pytest.raises(DecoderMismatch, match="ValueError: always"):
        check_decoder(decode, max_examples=3, seed=0, first=True, growth=False)


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(WrongUseError, match="takes='httpx2' needs httpx2"):
        check(accumulate_httpx2, takes="httpx2")


def test_a_defect_is_no_wrong_use() -> None:
    def refuses(events: Any) -> Any:
        raise ValueError("always")

    with pytest.raises(AccumulatorMismatch, match="ValueError: always"):
        check(refuses, first=True)
    with pytest.raises(AccumulatorMismatch, match="differs"):
        check(lambda events: None, first=True)


def test_a_function_without_a_signature_can_be_called() -> None:
    with pytest.raises(AccumulatorMismatch):
        check_stream(iter, long_stream("text", 3))


# --- time ---------------------------------------------------------------------------------------


def test_a_function_that_does_not_return_is_a_finding() -> None:
    def accumulate(events: Any) -> Any:
        try:
            while True:
                pass
        except Exception:
            return {}

    with pytest.raises(AccumulatorMismatch, match=r"takes too long: no result within 0\.05 s"):
        check_stream(accumulate, long_stream("text", 3), time_limit=0.05)


def test_a_function_that_waits_the_second_time_is_a_finding() -> None:
    calls: list[int] = []

    def decode(chunks: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            time.sleep(5)
        return decode_sse(SSEState(), b"".join(chunks))[1]

    with pytest.raises(DecoderMismatch, match="does not repeat"):
        check_chunks(decode, [b"data: a\n\n"], time_limit=0.5)


def test_the_bug_of_waiting_is_shrunk() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(
            accumulators.WaitsForever.accumulate,
            seed=0,
            first=True,
            growth=False,
            time_limit=0.05,
            blocks=["text"],
        )
    assert found.value.kind == "takes too long"


def test_outside_the_main_thread_there_is_no_limit() -> None:
    done: list[bool] = []

    def run() -> None:
        with time_limit(0.01):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_limit_is_taken_back() -> None:
    with pytest.raises(TookTooLongError), time_limit(0.01):
        time.sleep(5)
    time.sleep(0.02)
    assert fold(long_stream("text", 3)).is_complete


def test_an_interruption_that_is_lost_comes_again() -> None:
    caught: list[TookTooLongError] = []

    def wait_twice() -> None:
        try:
            wait()
        except TookTooLongError as error:  # as Python does in a finalizer
            caught.append(error)
        wait()

    def wait() -> None:
        while True:
            pass

    with pytest.raises(TookTooLongError), time_limit(0.01):
        wait_twice()
    assert len(caught) == 1


def test_a_callback_of_the_garbage_collector_is_not_interrupted() -> None:
    reached: list[str] = []

    def slow(phase: str, info: Any) -> None:
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        reached.append(phase)

    def collect_and_wait() -> None:
        gc.collect()
        while True:
            pass

    gc.callbacks.append(slow)
    try:
        with pytest.raises(TookTooLongError), time_limit(0.01):
            collect_and_wait()
    finally:
        gc.callbacks.remove(slow)
    assert reached[:2] == ["start", "stop"]
