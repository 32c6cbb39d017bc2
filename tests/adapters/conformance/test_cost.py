"""The cost of long streams. The work is counted, so these tests do not depend on the clock."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from streamfold.adapters.conformance import check_stream, cost
from streamfold.adapters.conformance.cost import (
    BODIES,
    STREAMS,
    Growth,
    long_body,
    long_stream,
    measure,
)
from streamfold.reducer import SSEState, decode_sse, fold

from tests.support.planted import accumulators

SIZES = (256, 512, 1024, 2048, 4096)


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("size", [2, 3, 100])
def test_a_long_stream_is_valid_and_has_its_size(kind: str, size: int) -> None:
    stream = long_stream(kind, size)
    deltas = [event for event in stream if event["type"] == "content_block_delta"]
    assert len(deltas) == size
    assert fold(stream).is_complete
    check_stream(accumulators.Right.accumulate, stream)


@pytest.mark.parametrize("kind", BODIES)
def test_a_long_body_has_its_size(kind: str) -> None:
    chunks = long_body(kind, 100)
    assert len(chunks) == 100
    _, events = decode_sse(SSEState(), b"".join(chunks))
    assert len(events) == (100 if kind == "events" else 1)


def test_an_iterator_of_a_decoder_is_read_to_its_end() -> None:
    taken: list[int] = []

    def decode(chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            taken.append(len(chunk))
            yield chunk

    assert not measure(decode, "events").is_quadratic
    assert len(taken) > 4096


def growth(cost: Callable[[int], float], work: Callable[[int], int]) -> Growth:
    counts = {size: work(size) for size in SIZES}
    return Growth("text", counts, counts, {size: cost(size) for size in SIZES})


@pytest.mark.parametrize("constant", [0, 1_000_000])
def test_orders(constant: int) -> None:
    linear = growth(lambda size: size * 1e-5, lambda size: constant + 30 * size)
    assert (round(linear.work_order, 6), round(linear.time_order, 6)) == (1, 1)
    assert not linear.is_quadratic
    quadratic = growth(lambda size: size**2 * 1e-7, lambda size: constant + size**2)
    assert (round(quadratic.work_order, 6), round(quadratic.time_order, 6)) == (2, 2)
    assert quadratic.is_quadratic


def test_work_time_and_a_real_difference_are_all_needed() -> None:
    def slow(size: int) -> float:
        return size**2 * 1e-7

    assert not growth(slow, lambda size: size).is_quadratic
    assert not growth(lambda size: size * 1e-5, lambda size: size**2).is_quadratic
    assert not growth(lambda size: size**2 * 1e-11, lambda size: size**2).is_quadratic


def test_the_verdict_explains_the_measures() -> None:
    def slow(size: int) -> float:
        return size**2 * 1e-7

    assert growth(slow, lambda size: size**2).verdict == "quadratic"
    assert growth(lambda size: size * 1e-5, lambda size: size).verdict == "linear"
    one = growth(slow, lambda size: size)
    assert one.verdict == "not quadratic: only one of the two grows so"
    little = growth(lambda size: size**2 * 1e-11, lambda size: size**2)
    assert little.verdict == "not quadratic: the added time is negligible"


def test_a_small_square_shows_at_the_length_of_the_longest_stream() -> None:
    small = growth(lambda size: size**2 * 1e-7, lambda size: 1000 * size + size**2)
    assert 1.7 < small.work_order < 1.9


def test_falling_cost_is_linear() -> None:
    assert growth(lambda size: 1.0, lambda size: 5000 - size).work_order == 1


def reads_all(see: Callable[[str], object]) -> Callable[[Iterable[Any]], Any]:
    """An accumulator that shows all the text to `see` at each delta."""

    def accumulate(events: Iterable[Any]) -> Any:
        text = ""
        for event in events:
            if event["type"] == "content_block_delta":
                text += event["delta"].get("text", "")
                see(text)
        return text

    return accumulate


@pytest.mark.parametrize(
    "see",
    [
        lambda text: text.split("d"),
        lambda text: text.encode(),
        lambda text: list(text),
        lambda text: sum(1 for _ in text[::50]),
        lambda text: text * 2,
    ],
)
@pytest.mark.usefixtures("shorter_streams")
def test_quadratic_work_is_seen(see: Callable[[str], object]) -> None:
    assert measure(reads_all(see), "text").work_order > 1.7


def test_linear_work_is_linear() -> None:
    measured = measure(lambda events: [dict(event) for event in events], "blocks")
    assert measured.work_order < 1.2
    assert list(measured.seconds) == [256, 512, 1024, 2048, 4096]


async def of_chunks(chunks: Any) -> int:
    return sum([len(chunk) async for chunk in chunks])


@pytest.mark.usefixtures("shorter_streams")
def test_a_reader_of_chunks_may_be_async() -> None:
    assert measure(of_chunks, "text", takes="chunks").work_order < 1.2


def test_a_slow_reader_is_not_measured_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_ENOUGH_LINES", 20_000)
    monkeypatch.setattr(cost, "_ENOUGH_SECONDS", 0.0)  # each run takes longer
    monkeypatch.setattr(cost, "_TIMED", [64, 128, 256, 512])

    def accumulate(events: Iterable[Any]) -> None:
        for _ in events:
            for _ in range(200):
                pass

    measured = measure(accumulate, "text")
    assert max(measured.lines) == 64
    assert max(measured.seconds) == 256


@pytest.mark.usefixtures("shorter_streams")
def test_it_leaves_no_trace_function_and_no_tracing_behind() -> None:
    before = sys.gettrace()
    assert not tracemalloc.is_tracing()
    measure(lambda events: None, "text")
    assert sys.gettrace() is before
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        measure(lambda events: None, "text")
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("shorter_streams")
def test_it_leaves_the_collector_as_it_was() -> None:
    assert gc.isenabled()
    measure(lambda events: None, "text")
    assert gc.isenabled()
    gc.disable()
    try:
        measure(lambda events: None, "text")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_growth_as_text() -> None:
    measured = growth(lambda size: size * 1e-5, lambda size: size)
    assert str(measured) == "text deltas: work grows as n^1.0, time as n^1.0 (41 ms for 4,096)"
