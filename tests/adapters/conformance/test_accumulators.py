"""Checks of accumulators: one stream, many streams, and their options."""

from __future__ import annotations

import re
import sys
from collections import UserDict
from typing import Any

import attrs
import pytest
from streamfold.adapters.conformance import (
    AccumulatorMismatch,
    check_accumulator,
    check_decoder,
    check_stream,
)
from streamfold.reducer import SSEState, decode_sse, fold

from tests.support.conformance import STREAM
from tests.support.events import (
    block_start,
)
from tests.support.planted import accumulators, decoders
from tests.support.planted.accumulators import Right


def test_a_result_may_be_of_any_class() -> None:
    @attrs.frozen
    class Message:
        content: Any
        id: str
        type: str
        role: str
        model: str
        usage: Any
        stop_reason: str
        stop_sequence: str | None = None

    def accumulate(events: Any) -> Any:
        fields = fold(events).message.to_dict()  # type: ignore[union-attr]
        return Message(**{**fields, "content": tuple(map(UserDict, fields["content"]))})

    check_stream(accumulate, STREAM)


def test_a_result_that_cannot_be_read_is_a_finding() -> None:
    with pytest.raises(AccumulatorMismatch, match="cannot read a object as a message"):
        check_stream(lambda events: object(), STREAM)


def test_a_result_that_cannot_be_read_later_is_a_finding() -> None:
    class Result:
        def __init__(self, message: Any) -> None:
            self.message = message

        def to_dict(self) -> Any:
            if self is not results[-1]:
                raise ValueError("the stream is closed")
            return self.message

    results: list[Result] = []

    def accumulate(events: Any) -> Any:
        results.append(Result(Right.accumulate(events)))
        return results[-1]

    with pytest.raises(AccumulatorMismatch, match="changes an earlier result") as found:
        check_stream(accumulate, STREAM)
    assert "ValueError: the stream is closed" in found.value.got


def test_system_exit_is_a_finding() -> None:
    def accumulate(events: Any) -> Any:
        raise SystemExit(0)

    with pytest.raises(AccumulatorMismatch, match="raises: SystemExit: 0"):
        check_stream(accumulate, STREAM)


def test_ignore_is_not_one_string() -> None:
    with pytest.raises(ValueError, match="must be a collection of paths"):
        check_stream(Right.accumulate, STREAM, ignore="usage")
    with pytest.raises(AccumulatorMismatch, match=re.escape("ignore=('a', 'b')")):
        check_stream(lambda events: {}, STREAM, ignore=iter({"b", "a"}))  # type: ignore[arg-type]


def test_nulls_may_differ_from_absent_fields() -> None:
    def accumulate(events: Any) -> Any:
        return {**Right.accumulate(events), "stop_details": None}

    check_stream(accumulate, STREAM)
    with pytest.raises(AccumulatorMismatch, match="strict_nulls=True"):
        check_stream(accumulate, STREAM, strict_nulls=True)


@pytest.mark.parametrize("stream", [[], STREAM[:4], [*STREAM[:4], {"type": "error", "error": {}}]])
def test_an_incomplete_stream_must_be_refused(stream: list[Any]) -> None:
    def accumulate(events: Any) -> Any:
        message = fold(events).message
        return None if message is None else message.to_dict()

    check_stream(Right.accumulate, stream)
    check_stream(lambda events: None, stream)
    if stream:
        with pytest.raises(AccumulatorMismatch) as found:
            check_stream(accumulate, stream)
        assert found.value.kind == "accepts a fault"
    with pytest.raises(AccumulatorMismatch, match="cannot read a set as a message") as found:
        check_stream(lambda events: {1}, stream)
    assert found.value.kind == "accepts a fault"


@pytest.mark.parametrize("broken", [[STREAM[0], STREAM[0]], ["{"]])
def test_a_broken_stream_must_be_refused(broken: list[Any]) -> None:
    with pytest.raises(AccumulatorMismatch, match="accepts a fault"):
        check_stream(lambda events: {}, broken)


@pytest.mark.parametrize(
    "bug",
    [
        accumulators.ChangesItsInput,
        accumulators.ChangesTheBlocksOfItsInput,
        accumulators.SharesItsContent,
        accumulators.ReadsItsInputTwice,
    ],
)
def test_shared_parts_show_in_one_stream(bug: type[Right]) -> None:
    stream = [STREAM[0], block_start(0, "text", text="", citations=[]), *STREAM[2:]]
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(bug.accumulate, stream)
    assert found.value.kind in next(
        planted.kinds for planted in accumulators.PLANTED if planted.accumulator is bug
    )
    assert found.value.finding.diff != ""


def test_an_exception_the_second_time_does_not_repeat() -> None:
    calls = []

    def accumulate(events: Any) -> Any:
        calls.append(events)
        if len(calls) > 1:
            raise ValueError("once")
        return Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch, match="does not repeat") as found:
        check_stream(accumulate, STREAM)
    assert "ValueError: once" in found.value.got


@pytest.mark.usefixtures("shorter_streams")
def test_long_streams_are_measured_for_each_kind() -> None:
    report = check_accumulator(Right.accumulate, max_examples=1, seed=0)
    assert [growth.kind for growth in report.growth] == ["text", "tool_use", "thinking", "blocks"]
    bodies = check_decoder(decoders.Right.decode, max_examples=1, seed=0)
    assert [growth.kind for growth in bodies.growth] == ["events", "chunks"]


def test_the_reference_passes_its_own_check() -> None:
    def accumulate(events: Any) -> Any:
        return fold(events).message

    check_accumulator(accumulate, max_examples=50, seed=0, ways=["halves", "pings"], growth=False)
    check_decoder(lambda chunks: decode_sse(SSEState(), b"".join(chunks))[1], max_examples=50)


def test_options_narrow_the_check() -> None:
    check_accumulator(
        accumulators.ForgetsTheStopSequence.accumulate,
        seed=0,
        ignore=["stop_sequence"],
        max_examples=50,
        growth=False,
    )
    check_accumulator(
        accumulators.KeepsTheLastCitation.accumulate,
        seed=0,
        blocks=["thinking"],
        max_examples=50,
        growth=False,
    )
    nul = decoders.TakesIdsWithNul.decode
    check_decoder(nul, seed=0, max_examples=50, ignore=["id"])
    check_decoder(nul, seed=0, max_examples=50, quirks=["ids", "bom"])


@pytest.mark.parametrize(
    "options", [{"blocks": ["x"]}, {"ways": ["x"]}, {"faults": ["x"]}, {"blocks": "text"}]
)
def test_unknown_names_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="must be some of"):
        check_accumulator(Right.accumulate, **{"max_examples": 1, "growth": False, **options})


def test_max_examples_must_be_positive() -> None:
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        check_accumulator(Right.accumulate, max_examples=0)
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        check_decoder(decoders.Right.decode, max_examples=0)


def test_one_stream_needs_no_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("streamfold.adapters.strategies")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "streamfold.adapters.event_streams", raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    check_stream(Right.accumulate, STREAM)
    for check, function in (
        (check_accumulator, Right.accumulate),
        (check_decoder, decoders.Right.decode),
    ):
        with pytest.raises(ImportError, match=r"pip install 'streamfold\[testing\]'"):
            check(function)
