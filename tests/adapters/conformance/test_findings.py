"""Findings: the text of a mismatch, its test to paste, and pickling."""

from __future__ import annotations

import json
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from streamfold.adapters.conformance import (
    GA_CLAIMS,
    AccumulatorMismatch,
    DecoderMismatch,
    check_accumulator,
    check_decoder,
    check_stream,
)
from streamfold.adapters.conformance.search import Search
from streamfold.reducer import SSEState, decode_sse, fold

from tests.support.conformance import STREAM, mismatch_of
from tests.support.planted import accumulators, decoders
from tests.support.planted.accumulators import Right


@pytest.fixture(scope="module")
def added_up() -> AccumulatorMismatch:
    return mismatch_of(accumulators.AddsUpTotals, seed=1, blocks=["text"])


@pytest.mark.parametrize("planted", ["AddsUpTotals", "SharesItsContent"])
def test_the_pasted_test_fails(planted: str) -> None:
    ignore = ("usage.speed",)
    found = mismatch_of(getattr(accumulators, planted), seed=0, blocks=["text"], ignore=ignore)
    pasted: dict[str, Any] = {}
    exec(found.code, pasted)
    with pytest.raises(AccumulatorMismatch) as again:
        pasted["test_accumulate"]()
    assert again.value.kind == found.kind
    assert again.value.expected == found.expected
    assert again.value.seed is None


def test_the_pasted_test_of_a_decoder_fails() -> None:
    with pytest.raises(DecoderMismatch) as found:
        check_decoder(
            decoders.CutsCharacters.decode, seed=0, ignore=["retry"], first=True, growth=False
        )
    pasted: dict[str, Any] = {}
    assert b"data: a\n\n" in b"".join(found.value.chunks)
    exec(found.value.code, pasted)
    with pytest.raises(DecoderMismatch):
        pasted["test_decode"]()


@pytest.mark.parametrize(
    "bug", [accumulators.JoinsAllAtEachDelta, accumulators.RecursesForEachEvent]
)
def test_the_pasted_test_of_a_long_stream_fails(bug: type[Right]) -> None:
    found = mismatch_of(bug, max_examples=5, blocks=["text"], growth=True)
    pasted: dict[str, Any] = {}
    exec(found.code, pasted)
    with pytest.raises(AssertionError):
        pasted["test_accumulate"]()


def joins_all_chunks(chunks: Any) -> Any:
    """An accumulator of bytes that looks at everything again at each chunk."""
    body = b""
    for chunk in chunks:
        body += chunk
        for _ in body[::10]:  # lines of Python are counted, so that no clock decides
            pass
    return Right.accumulate([json.loads(each.data) for each in decode_sse(SSEState(), body)[1]])


def fails_on_long_bodies(chunks: Any) -> Any:
    """An accumulator of bytes that forgets the usage of a long stream."""
    events = [json.loads(event.data) for event in decode_sse(SSEState(), b"".join(chunks))[1]]
    message = Right.accumulate(events)
    return message if len(events) < 1000 else {**message, "usage": {}}


@pytest.mark.parametrize(
    ("accumulate", "imported"),
    [(joins_all_chunks, "measure"), (fails_on_long_bodies, "check_stream")],
)
@pytest.mark.usefixtures("shorter_streams")
def test_the_pasted_test_of_a_long_body_takes_chunks_too(accumulate: Any, imported: str) -> None:
    options: Any = {"takes": "chunks", "blocks": ["text"], "claims": GA_CLAIMS}
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(accumulate, max_examples=3, seed=0, first=True, **options)
    assert "takes='chunks'" in found.value.code
    assert f"from streamfold.adapters.conformance import {imported}\n" in found.value.code
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    with pytest.raises(AssertionError):
        next(test for name, test in pasted.items() if name.startswith("test_"))()


def test_a_function_that_cannot_be_imported_has_a_comment() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(lambda events: {}, STREAM)
    assert f"function = ...  # {__name__}.test_a_function_that" in found.value.code
    assert "<lambda>" in str(found.value)


class Accumulators:
    def __call__(self, events: Any) -> Any:
        return {}


def test_a_function_of_the_main_module_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    function = type("accumulate", (), {"__call__": lambda self, events: {}})()
    monkeypatch.setattr(type(function), "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "accumulate", function, raising=False)
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(function, STREAM)
    assert "function = ...  # __main__.accumulate" in found.value.code


def measure(events: Any) -> Any:
    return {}


def test_a_function_named_like_ours_is_not_shadowed() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(measure, STREAM)
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    assert pasted["measure"] is measure


def test_a_callable_object_is_named_by_its_class() -> None:
    with pytest.raises(AccumulatorMismatch, match=r"\.Accumulators differs"):
        check_stream(Accumulators(), STREAM)


def test_the_text_has_every_part(added_up: AccumulatorMismatch) -> None:
    text = str(added_up)
    for part in ("AddsUpTotals.accumulate differs", "check_stream(", "Expected:", "Got:", "seed=1"):
        assert part in text
    assert re.search(r'\n-    "output_tokens": \d+\n\+    "output_tokens": \d+\n', text)


def test_an_exception_is_the_cause() -> None:
    found = mismatch_of(accumulators.BreaksOnAPing, seed=0, blocks=["text"])
    assert isinstance(found.__cause__, KeyError)
    assert "KeyError: 'ping' (in read, line" in str(found)
    assert found.got == ""


def test_a_note_does_not_hide_the_exception() -> None:
    def accumulate(events: Any) -> Any:
        error = ValueError()
        error.__notes__ = ["see the manual"]  # type: ignore[attr-defined]
        raise error

    with pytest.raises(AccumulatorMismatch, match=r"raises: ValueError \(in accumulate, line"):
        check_stream(accumulate, STREAM)


def parses(text: str) -> Any:
    return json.loads(text)


def parses_nonsense(events: Any) -> Any:
    return parses("{")


def test_an_exception_of_a_library_is_placed_in_the_module_under_test() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(parses_nonsense, STREAM)
    line = parses.__code__.co_firstlineno + 1
    assert f"(in parses, line {line} of {__file__}; raised in raw_decode, line" in str(found.value)


@pytest.mark.parametrize("first", [True, False])
def test_pytest_hides_the_frames_of_the_checks(first: bool) -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(lambda events: {}, max_examples=3, seed=0, first=first, growth=False)
    shown = found.traceback.filter(found)
    assert [entry.path for entry in shown] == [Path(__file__)]
    with pytest.raises(AccumulatorMismatch) as of_one:
        check_stream(lambda events: {}, STREAM)
    assert [entry.path for entry in of_one.traceback.filter(of_one)] == [Path(__file__)]


def test_pytest_hides_the_frames_around_the_exception_of_the_function() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(parses_nonsense, STREAM)
    cause = found.value.__cause__
    assert cause is not None
    raised = pytest.ExceptionInfo.from_exception(cause)
    names = [entry.name for entry in raised.traceback.filter(raised)]
    assert names[:2] == ["parses_nonsense", "parses"]


def accepts_faults(events: Any) -> Any:
    """An accumulator that takes every stream for a finished one, and fails at the usual end."""
    message = fold(events).message
    if message is not None and message.stop_reason == "end_turn":
        raise KeyError("end")
    return {} if message is None else {**message.to_dict(), "model": "other"}


def test_findings_are_listed_first_and_last_and_name_their_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Search, "shrinking_tries", 5)
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(
            accepts_faults,
            max_examples=20,
            seed=0,
            blocks=["text"],
            faults=["error_event", "cut"],
            growth=False,
        )
    listed, *texts = str(found.value).split("\n\n=== finding ")
    heading = f"{__name__}.accepts_faults"
    assert listed.splitlines()[0] == "4 findings:"
    assert listed.splitlines()[1].startswith(f"  {heading} raises: KeyError: 'end' (in")
    assert listed.splitlines()[2:] == [
        f"  {heading} differs in model",
        f"  {heading} accepts a fault: cut",
        f"  {heading} accepts a fault: error_event",
    ]
    assert [text[:6] for text in texts] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert "\n\nExpected:\n\nan exception, or None\n\nGot:" in texts[2]
    assert texts[3].endswith(f"\n\n{listed}\n\nTo find it again: seed=0")


class Unpickled(Exception):  # noqa: N818
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


def test_an_exception_that_cannot_be_pickled_is_left_out() -> None:
    def accumulate(events: Any) -> Any:
        raise Unpickled("a", "b")

    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(accumulate, STREAM)
    assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)


def test_a_mismatch_can_be_pickled(added_up: AccumulatorMismatch) -> None:
    again = pickle.loads(pickle.dumps(added_up))
    assert (str(again), again.events) == (str(added_up), added_up.events)


@pytest.mark.usefixtures("shorter_streams")
def test_a_report_has_the_cost_of_long_streams() -> None:
    report = check_accumulator(Right.accumulate, max_examples=5, seed=0, blocks=["text"])
    assert str(report).startswith("5 streams, all as they should be (seed 0)\ntext deltas: work")
    assert all(
        ": linear" in line or ": not quadratic" in line for line in str(report).split("\n")[1:]
    )
