"""The search: seeds, shrinking, long streams, and progress."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest
from streamfold.adapters.conformance import (
    AccumulatorMismatch,
    DecoderMismatch,
    Finding,
    check_accumulator,
    check_decoder,
)
from streamfold.adapters.conformance.accumulators import AccumulatorSubject
from streamfold.adapters.conformance.decoders import DecoderSubject
from streamfold.adapters.conformance.search import Search
from streamfold.adapters.conformance.shrinking import smaller
from streamfold.reducer import ProtocolError, fold

from tests.support.conformance import STREAM, mismatch_of
from tests.support.events import (
    block_start,
    block_stop,
)
from tests.support.planted import accumulators, decoders
from tests.support.planted.accumulators import Right


@pytest.fixture
def short_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink with a tenth of the usual tries, for tests that compare two runs."""
    monkeypatch.setattr(Search, "shrinking_tries", 40)


@pytest.mark.usefixtures("short_shrinking")
def test_same_seed_same_find() -> None:
    finds = [mismatch_of(accumulators.AddsUpTotals, seed=7, blocks=["text"]) for _ in range(2)]
    assert str(finds[0]) == str(finds[1])


def test_same_seed_same_find_in_another_process() -> None:
    code = (
        "from tests.support.planted.accumulators import *\n"
        "from streamfold.adapters.conformance import *\n"
        "from streamfold.adapters.conformance.search import Search\n"
        "Search.shrinking_tries = 40\n"
        "try: check_accumulator(\n"
        "    AddsUpTotals.accumulate, seed=3, blocks=['text'], first=True, growth=False\n"
        ")\n"
        "except AccumulatorMismatch as mismatch: print(mismatch)"
    )
    paths = f"import sys; sys.path[:0] = {sys.path!r}\n"
    runs = [
        subprocess.run([sys.executable, "-c", paths + code], capture_output=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout != b""


@pytest.mark.usefixtures("short_shrinking")
def test_without_a_seed_the_finding_names_the_seed() -> None:
    found = mismatch_of(accumulators.LosesUsageOnAnOmittedField, blocks=["text"])
    assert found.seed is not None
    again = mismatch_of(accumulators.LosesUsageOnAnOmittedField, seed=found.seed, blocks=["text"])
    assert again.events == found.events


def test_a_broken_stream_is_shrunk_to_a_broken_stream() -> None:
    def accumulate(events: Any) -> Any:
        try:
            return fold(events).message
        except ProtocolError:
            return {}

    with pytest.raises(AccumulatorMismatch, match="accepts a fault") as found:
        check_accumulator(
            accumulate,
            max_examples=30,
            seed=0,
            blocks=["text"],
            faults=["wrong_delta"],
            growth=False,
        )
    assert sum(event["type"] == "content_block_start" for event in found.value.events) == 1


def test_shrinking_keeps_the_kind() -> None:
    seen: list[bool] = []

    def accumulate(events: Any) -> Any:
        events = list(events)
        if any(event["type"] == "content_block_start" for event in events):
            seen.append(True)
            return {}
        if seen:
            raise ValueError("no blocks, now that there were some")
        return Right.accumulate(events)

    odd = type("Odd", (Right,), {"accumulate": accumulate})
    found = mismatch_of(odd, seed=0, blocks=["text"], unusual=["empty_blocks"])
    assert found.kind == "differs"
    assert [event["type"] for event in found.events][1:3] == [
        "content_block_start",
        "content_block_stop",
    ]


def test_single_parts_that_hypothesis_leaves_are_removed() -> None:
    decoder = DecoderSubject(lambda chunks: [], ())
    finding = Finding("differs", [b"dat", b"a: a\n: b\n", b"x: 1\n\n\n"])
    assert smaller(decoder, finding).given == [b"data: a\n\n"]
    accumulator = AccumulatorSubject(lambda events: {}, (), False)
    other = [block_start(1, "text", text=""), block_stop(1)]
    finding = Finding("differs", [*STREAM[:3], *other, *STREAM[3:]], field="type")
    left = smaller(accumulator, finding).given
    assert [event["type"] for event in left] == ["message_start", "message_delta", "message_stop"]


def test_a_defect_that_depends_on_earlier_streams_is_found() -> None:
    streams: list[str] = []

    def accumulate(events: Any) -> Any:
        events = list(events)
        streams.append(json.dumps(events))
        if len(streams) == 5:
            return {}
        return Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch):
        check_accumulator(accumulate, seed=0, max_examples=20, growth=False)


def test_a_longer_stream_that_goes_wrong_is_found() -> None:
    def accumulate(events: Any) -> Any:
        events = list(events)
        if len(events) > 2000:
            raise MemoryError
        return Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch, match="MemoryError") as found:
        check_accumulator(accumulate, max_examples=5, seed=0, blocks=["text"])
    assert len(found.value.events) <= 12


def test_progress_can_be_watched() -> None:
    seen: list[tuple[int, bool]] = []
    check_accumulator(
        Right.accumulate,
        seed=0,
        max_examples=10,
        growth=False,
        watch=lambda tried, found: seen.append((tried, found)),
    )
    assert seen == [(number, False) for number in range(1, 11)]
    seen.clear()
    with pytest.raises(DecoderMismatch):
        check_decoder(
            decoders.KeepsTheByteOrderMark.decode,
            seed=0,
            first=True,
            watch=lambda tried, found: seen.append((tried, found)),
        )
    assert seen[-1][1]


@pytest.mark.thorough
def test_a_run_collects_the_distinct_findings_and_shrinks_each() -> None:
    class Bad(Right):
        def read_text(self, block: Any, pieces: list[str], text: str) -> None:
            pieces.append(text.upper())

        def read_usage(self, usage: Any) -> None:
            super().read_usage(usage)
            self.message["usage"]["output_tokens"] = -1

        def read_signature(self, block: Any, signature: str) -> None:
            raise ValueError(signature)

    found = mismatch_of(Bad, seed=0, max_examples=60, first=False, blocks=["text", "thinking"])
    keys = {finding.key: len(finding.given) for finding in found.findings}
    assert keys.keys() == {
        ("differs", "", "usage.output_tokens"),
        ("differs", "", "content[text].text"),
        ("raises", "ValueError", ""),
    }
    assert max(keys.values()) <= 8
    assert len(found.others) == 2
    assert "=== finding 3 of 3" in str(found)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_findings_can_be_left_as_they_were_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "shrinking_tries", 0)
    for first in (True, False):
        found = mismatch_of(accumulators.AddsUpTotals, seed=0, max_examples=20, first=first)
        assert found.finding.key == ("differs", "", "usage.output_tokens")


def test_shrinking_ends_after_so_many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "shrinking_tries", 3)
    calls: list[int] = []

    def accumulate(events: Any) -> Any:
        calls.append(1)
        events = list(events)
        return {} if len(events) > 12 else Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch):
        check_accumulator(accumulate, seed=0, first=True, growth=False)
    assert len(calls) < 500


def test_a_later_part_of_the_run_does_not_repeat_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Search, "shrinking_tries", 0)

    def decode(chunks: Any) -> Any:
        raise MemoryError

    with pytest.raises(DecoderMismatch) as found:  # it draws bodies, then streams of messages
        check_decoder(decode, seed=0, max_examples=8, growth=False)
    assert [finding.key[:2] for finding in found.value.findings] == [("raises", "MemoryError")]


def test_long_streams_add_to_the_findings() -> None:
    def accumulate(events: Any) -> Any:
        events = list(events)
        if len(events) > 300:
            raise MemoryError
        return {**Right.accumulate(events), "id": "x"}

    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(accumulate, seed=0, max_examples=10, blocks=["text"])
    assert {finding.key[:2] for finding in found.value.findings} == {
        ("differs", ""),
        ("raises", "MemoryError"),
    }


def test_a_smaller_stream_must_meet_the_condition() -> None:
    watched: list[tuple[int, bool]] = []
    search = Search(AccumulatorSubject(fold), 0, lambda *state: watched.append(state), True)
    assert search._accepts([1])
    search.assume = lambda given: len(given) > 1
    assert not search._accepts([1])
    assert search._accepts([1, 2])
    assert watched == [(0, True)] * 3
