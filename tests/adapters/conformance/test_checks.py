"""The conformance checks find each planted bug, and nothing where there is none."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections import UserDict
from typing import Any, NamedTuple

import attrs
import pytest
from streamfold.adapters import conformance
from streamfold.adapters.conformance.checks import (
    AccumulatorMismatch,
    DecoderMismatch,
    check_accumulator,
    check_chunks,
    check_decoder,
    check_stream,
)
from streamfold.reducer import ProtocolError, SSEState, decode_sse, fold

from tests.support.model import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
)
from tests.support.planted import accumulators, decoders
from tests.support.planted.accumulators import Right

STREAM = [
    message_start(stop_reason=None, usage={"input_tokens": 1, "output_tokens": 1}),
    block_start(0, "text", text=""),
    block_delta(0, "text_delta", text="Hi"),
    block_stop(0),
    message_delta(usage={"output_tokens": 2}),
    MESSAGE_STOP,
]

# --- planted bugs -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    """What is found in each, by two processes of their own, which coverage does not slow down."""
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; "
        "from tests.support.planted import all; all.main(%d, 2)"
    )
    halves = [
        subprocess.Popen([sys.executable, "-c", code % half], stdout=subprocess.PIPE)
        for half in (0, 1)
    ]
    lines = [line for half in halves for line in half.communicate()[0].splitlines()]
    assert [half.returncode for half in halves] == [0, 0]
    return {finding["name"]: finding for finding in map(json.loads, lines)}


@pytest.mark.parametrize("planted", accumulators.PLANTED, ids=lambda bug: bug.accumulator.__name__)
def test_a_planted_bug_is_found_and_shrunk(
    planted: accumulators.Planted, findings: dict[str, Any]
) -> None:
    finding = findings[
        f"tests.support.planted.accumulators.{planted.accumulator.__name__}.accumulate"
    ]
    assert finding["kind"] in planted.kinds
    assert finding["size"] <= 12


@pytest.mark.parametrize("planted", decoders.PLANTED, ids=lambda bug: bug.decoder.__name__)
def test_a_planted_bug_of_a_decoder_is_found_and_shrunk(
    planted: decoders.Planted, findings: dict[str, Any]
) -> None:
    finding = findings[f"tests.support.planted.decoders.{planted.decoder.__name__}.decode"]
    assert finding["kind"] in planted.kinds
    assert finding["size"] <= 40


def test_nothing_is_found_where_there_is_nothing(findings: dict[str, Any]) -> None:
    passed = {name: found for name, found in findings.items() if found["kind"] is None}
    assert {name: found["size"] for name, found in passed.items()} == {
        "tests.support.planted.accumulators.Right.accumulate": 600,
        "tests.support.planted.decoders.Right.decode": 300,
    }


def test_long_streams_are_measured_for_each_kind() -> None:
    report = check_accumulator(Right.accumulate, max_examples=1, seed=0)
    assert [growth.kind for growth in report.growth] == ["text", "tool_use", "thinking", "blocks"]
    bodies = check_decoder(decoders.Right.decode, max_examples=1, seed=0)
    assert [growth.kind for growth in bodies.growth] == ["events", "chunks"]


def test_the_reference_is_right_of_itself() -> None:
    def accumulate(events: Any) -> Any:
        return fold(events).message

    check_accumulator(accumulate, max_examples=50, seed=0, ways=["halves", "pings"], growth=False)
    check_decoder(lambda chunks: decode_sse(SSEState(), b"".join(chunks))[1], max_examples=50)


# --- what a mismatch says -----------------------------------------------------------------------


def mismatch_of(bug: type[Right], **options: Any) -> AccumulatorMismatch:
    with pytest.raises(AccumulatorMismatch) as found:
        check_accumulator(bug.accumulate, **{"growth": False, **options})
    return found.value


def test_same_seed_same_find() -> None:
    finds = [mismatch_of(accumulators.AddsUpTotals, seed=7) for _ in range(2)]
    assert str(finds[0]) == str(finds[1])


def test_same_seed_same_find_in_another_process() -> None:
    code = (
        "from tests.support.planted.accumulators import *\n"
        "from streamfold.adapters.conformance import *\n"
        "try: check_accumulator(AddsUpTotals.accumulate, seed=3, growth=False)\n"
        "except AccumulatorMismatch as mismatch: print(mismatch)"
    )
    paths = f"import sys; sys.path[:0] = {sys.path!r}\n"
    runs = [
        subprocess.run([sys.executable, "-c", paths + code], capture_output=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout != b""


def test_without_a_seed_it_says_which_one_it_took() -> None:
    found = mismatch_of(accumulators.LosesUsageOnAnOmittedField)
    assert found.seed is not None
    again = mismatch_of(accumulators.LosesUsageOnAnOmittedField, seed=found.seed)
    assert again.events == found.events


@pytest.mark.parametrize("planted", ["AddsUpTotals", "SharesItsContent"])
def test_the_pasted_test_fails_as_it_should(planted: str) -> None:
    found = mismatch_of(getattr(accumulators, planted), seed=0, ignore=("usage.speed",))
    pasted: dict[str, Any] = {}
    exec(found.code, pasted)
    with pytest.raises(AccumulatorMismatch) as again:
        pasted["test_accumulate"]()
    assert again.value.kind == found.kind
    assert again.value.expected == found.expected
    assert again.value.seed is None


def test_the_pasted_test_of_a_decoder_fails_as_it_should() -> None:
    with pytest.raises(DecoderMismatch) as found:
        check_decoder(decoders.CutsCharacters.decode, seed=0, ignore=["retry"])
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    with pytest.raises(DecoderMismatch):
        pasted["test_decode"]()


@pytest.mark.parametrize(
    "bug", [accumulators.JoinsAllAtEachDelta, accumulators.RecursesForEachEvent]
)
def test_the_pasted_test_of_a_long_stream_fails_as_it_should(bug: type[Right]) -> None:
    found = mismatch_of(bug, max_examples=5, blocks=["text"], growth=True)
    pasted: dict[str, Any] = {}
    exec(found.code, pasted)
    with pytest.raises(AssertionError):
        pasted["test_accumulate"]()


def test_what_cannot_be_imported_has_a_comment() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(lambda events: {}, STREAM)
    assert f"function = ...  # {__name__}.test_what_cannot" in found.value.code
    assert "<lambda>" in str(found.value)


class Accumulators:
    def __call__(self, events: Any) -> Any:
        return {}


def test_what_is_in_the_main_module_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    function = type("accumulate", (), {"__call__": lambda self, events: {}})()
    monkeypatch.setattr(type(function), "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "accumulate", function, raising=False)
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(function, STREAM)
    assert "function = ...  # __main__.accumulate" in found.value.code


def measure(events: Any) -> Any:
    return {}


def test_a_name_of_ours_is_not_shadowed() -> None:
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(measure, STREAM)
    pasted: dict[str, Any] = {}
    exec(found.value.code, pasted)
    assert pasted["measure"] is measure


def test_an_object_that_can_be_called_is_named_by_its_class() -> None:
    with pytest.raises(AccumulatorMismatch, match=r"\.Accumulators differs"):
        check_stream(Accumulators(), STREAM)


def test_the_text_has_all_that_is_to_be_known() -> None:
    text = str(mismatch_of(accumulators.AddsUpTotals, seed=1))
    for part in ("AddsUpTotals.accumulate differs", "check_stream(", "Expected:", "Got:", "seed=1"):
        assert part in text
    assert re.search(r'\n-    "output_tokens": \d+\n\+    "output_tokens": \d+\n', text)


def test_an_exception_is_the_cause() -> None:
    found = mismatch_of(accumulators.BreaksOnAPing, seed=0)
    assert isinstance(found.__cause__, KeyError)
    assert "KeyError: 'ping' (in read, line" in str(found)
    assert found.got == ""


def test_a_note_does_not_hide_what_was_raised() -> None:
    def accumulate(events: Any) -> Any:
        error = ValueError()
        error.__notes__ = ["see the manual"]  # type: ignore[attr-defined]
        raise error

    with pytest.raises(AccumulatorMismatch, match=r"raises: ValueError \(in accumulate, line"):
        check_stream(accumulate, STREAM)


class Unpickled(Exception):  # noqa: N818
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


def test_what_was_raised_need_not_be_pickled() -> None:
    def accumulate(events: Any) -> Any:
        raise Unpickled("a", "b")

    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(accumulate, STREAM)
    assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)


def test_a_mismatch_can_be_pickled() -> None:
    found = mismatch_of(accumulators.AddsUpTotals, seed=1)
    again = pickle.loads(pickle.dumps(found))
    assert (str(again), again.events) == (str(found), found.events)


def test_a_report_tells_what_long_streams_cost() -> None:
    report = check_accumulator(Right.accumulate, max_examples=5, seed=0, blocks=["text"])
    assert str(report).startswith("5 streams, all as they should be (seed 0)\ntext deltas: work")


# --- one stream ---------------------------------------------------------------------------------


def test_a_right_result_may_be_of_any_make() -> None:
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


def test_what_cannot_be_read_is_a_finding() -> None:
    with pytest.raises(AccumulatorMismatch, match="cannot read a object as a message"):
        check_stream(lambda events: object(), STREAM)


def test_what_cannot_be_read_later_is_a_finding() -> None:
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


def test_what_ends_the_process_is_a_finding() -> None:
    def accumulate(events: Any) -> Any:
        raise SystemExit(0)

    with pytest.raises(AccumulatorMismatch, match="raises: SystemExit: 0"):
        check_stream(accumulate, STREAM)


def test_a_path_is_not_its_letters() -> None:
    with pytest.raises(ValueError, match="must be a collection of paths, not 'usage'"):
        check_stream(Right.accumulate, STREAM, ignore="usage")
    with pytest.raises(AccumulatorMismatch, match=re.escape("ignore=('a', 'b')")):
        check_stream(lambda events: {}, STREAM, ignore=iter({"b", "a"}))  # type: ignore[arg-type]


def test_nulls_may_be_told_from_nothing() -> None:
    def accumulate(events: Any) -> Any:
        return {**Right.accumulate(events), "stop_details": None}

    check_stream(accumulate, STREAM)
    with pytest.raises(AccumulatorMismatch, match="strict_nulls=True"):
        check_stream(accumulate, STREAM, strict_nulls=True)


@pytest.mark.parametrize("stream", [[], STREAM[:4], [*STREAM[:4], {"type": "error", "error": {}}]])
def test_what_is_not_complete_must_be_refused(stream: list[Any]) -> None:
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
def test_what_is_broken_must_be_refused(broken: list[Any]) -> None:
    with pytest.raises(AccumulatorMismatch, match="accepts a fault"):
        check_stream(lambda events: {}, broken)


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


def test_what_is_shrunk_stays_what_it_is() -> None:
    seen: list[bool] = []

    def accumulate(events: Any) -> Any:
        events = list(events)
        if any(event["type"] == "content_block_start" for event in events):
            seen.append(True)
            return {}
        if seen:
            raise ValueError("no blocks, now that there were some")
        return Right.accumulate(events)

    found = mismatch_of(type("Odd", (Right,), {"accumulate": accumulate}), seed=0, blocks=["text"])
    assert found.kind == "differs"
    assert [event["type"] for event in found.events][1:3] == [
        "content_block_start",
        "content_block_stop",
    ]


def test_what_hypothesis_leaves_is_taken_out_in_single_steps() -> None:
    decoder = conformance._Decoder(lambda chunks: [], ())
    finding = conformance.Finding("differs", [b"dat", b"a: a\n: b\n", b"x: 1\n\n\n"])
    assert conformance._simplified(decoder, finding).given == [b"data: a\n\n"]
    accumulator = conformance._Accumulator(lambda events: {}, (), False)
    other = [block_start(1, "text", text=""), block_stop(1)]
    finding = conformance.Finding("differs", [*STREAM[:3], *other, *STREAM[3:]])
    left = conformance._simplified(accumulator, finding).given
    assert [event["type"] for event in left] == ["message_start", "message_delta", "message_stop"]


def test_what_raises_the_second_time_does_not_repeat() -> None:
    calls = []

    def accumulate(events: Any) -> Any:
        calls.append(events)
        if len(calls) > 1:
            raise ValueError("once")
        return Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch, match="does not repeat") as found:
        check_stream(accumulate, STREAM)
    assert "ValueError: once" in found.value.got


def test_what_depends_on_earlier_streams_is_found_though_it_does_not_come_again() -> None:
    streams: list[str] = []

    def accumulate(events: Any) -> Any:
        events = list(events)
        streams.append(json.dumps(events))
        if len(streams) == 5:
            return {}
        return Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch):
        check_accumulator(accumulate, seed=0, growth=False)


def test_a_long_stream_that_goes_wrong_later_is_found() -> None:
    def accumulate(events: Any) -> Any:
        events = list(events)
        if len(events) > 2000:
            raise MemoryError
        return Right.accumulate(events)

    with pytest.raises(AccumulatorMismatch, match="MemoryError") as found:
        check_accumulator(accumulate, max_examples=5, seed=0, blocks=["text"])
    assert len(found.value.events) <= 12


@pytest.mark.parametrize(
    "bug",
    [
        accumulators.ChangesItsInput,
        accumulators.ChangesTheBlocksOfItsInput,
        accumulators.SharesItsContent,
        accumulators.ReadsItsInputTwice,
    ],
)
def test_what_is_shared_shows_in_one_stream(bug: type[Right]) -> None:
    stream = [STREAM[0], block_start(0, "text", text="", citations=[]), *STREAM[2:]]
    with pytest.raises(AccumulatorMismatch) as found:
        check_stream(bug.accumulate, stream)
    assert found.value.kind in next(
        planted.kinds for planted in accumulators.PLANTED if planted.accumulator is bug
    )
    assert found.value.finding.diff != ""


class Event(NamedTuple):
    event: str
    data: str


@pytest.mark.parametrize(
    "event",
    [
        {"event": None, "data": "a"},
        ("", "a"),
        ("message", "a", None, None),
        Event("message", "a"),
        attrs.make_class("Sse", ["data"])("a"),
    ],
)
def test_the_events_of_a_decoder_may_be_of_any_make(event: Any) -> None:
    check_chunks(lambda chunks: [event] * b"".join(chunks).count(b"\n\n"), [b"data: a", b"\n\n"])


# --- options ------------------------------------------------------------------------------------


def test_what_is_not_claimed_is_left_out() -> None:
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
            watch=lambda tried, found: seen.append((tried, found)),
        )
    assert seen[-1][1]


@pytest.mark.parametrize(
    "options", [{"blocks": ["x"]}, {"ways": ["x"]}, {"faults": ["x"]}, {"blocks": "text"}]
)
def test_what_there_is_not_cannot_be_chosen(options: Any) -> None:
    with pytest.raises(ValueError, match="must be some of"):
        check_accumulator(Right.accumulate, **{"max_examples": 1, "growth": False, **options})


def test_no_streams_at_all_are_no_check() -> None:
    with pytest.raises(ValueError, match="must be at least 1, not 0"):
        check_accumulator(Right.accumulate, max_examples=0)
    with pytest.raises(ValueError, match="must be at least 1, not 0"):
        check_decoder(decoders.Right.decode, max_examples=0)


def test_one_stream_needs_no_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("streamfold.adapters.strategies")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "streamfold.adapters.event_streams", raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    conformance.check_stream(Right.accumulate, STREAM)
    for check, function in (
        (conformance.check_accumulator, Right.accumulate),
        (conformance.check_decoder, decoders.Right.decode),
    ):
        with pytest.raises(ImportError, match=r"pip install 'streamfold\[testing\]'"):
            check(function)
