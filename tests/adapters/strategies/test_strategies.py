"""The shipped strategies: what they draw keeps what they say, reaches all of it, and shrinks."""

from __future__ import annotations

import copy
import importlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import pydantic
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from streamfold.adapters.strategies import (
    BLOCKS,
    FAULTS,
    FORMS,
    WAYS,
    BrokenStream,
    broken,
    chunked,
    json_documents,
    json_prefixes,
    messages,
    raw_events,
    wire,
)
from streamfold.reducer import (
    ContentBlock,
    IncompleteStreamError,
    InvalidToolInputError,
    Message,
    ProtocolError,
    Snapshot,
    SSEState,
    StreamState,
    decode_sse,
    feed,
    finish,
    fold,
    parse_event,
    parse_partial_json,
)

from tests.support.model import Model

Event = dict[str, Any]
examples = partial(settings, deadline=None)
MODES = ["on", "trailing-strings"]
TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")


def least(strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any]) -> Any:
    """The least that it draws under this condition.

    Hypothesis' database would have what was found before, and its phase "explain" gives, now and
    then, one of the variations that it tries on the least.
    """
    alone = settings(
        max_examples=2000,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )
    return find(strategy, condition, settings=alone)


# --- messages and their streams -----------------------------------------------------------------


@examples(max_examples=150)
@given(st.booleans().flatmap(lambda unknown: messages(unknown=unknown)))
def test_messages_are_messages(message: dict[str, Any]) -> None:
    assert Message.from_dict(message).to_dict() == message
    assert json.loads(json.dumps(message)) == message


@examples(max_examples=200)
@given(data=st.data(), unknown=st.booleans(), is_whole=st.booleans())
def test_the_events_of_a_message_fold_to_it(
    data: st.DataObject, unknown: bool, is_whole: bool
) -> None:
    message = data.draw(messages(unknown=unknown))
    if not is_whole:
        message["stop_reason"] = None
    before = copy.deepcopy(message)
    events = data.draw(raw_events(message, unknown=unknown))
    for mode in MODES:
        snapshot = fold(events, Snapshot(partial_mode=mode))
        assert snapshot.message.to_dict() == message
        assert snapshot.is_over is snapshot.is_complete is is_whole
    model = Model()
    model.steps(events)
    assert model.message == message
    for event in events:
        spoil(event)
    assert message == before  # nothing is shared with it


def spoil(value: Any) -> None:
    """Change all that can be changed."""
    for item in list(value.values() if isinstance(value, dict) else value):
        if isinstance(item, (dict, list)):
            spoil(item)
    value.clear()


@examples(max_examples=150)
@given(raw_events() | raw_events(unknown=True))
def test_any_stream_keeps_the_protocol(events: list[Event]) -> None:
    model = Model()
    model.steps(events)
    snapshot = fold(events)
    assert snapshot.message.to_dict() == model.message
    assert snapshot.is_complete
    assert snapshot.is_over


@examples(max_examples=60)
@given(data=st.data(), strategy=st.sampled_from([raw_events(unknown=True), broken(), messages()]))
def test_what_is_drawn_is_spoilt_for_no_other_example(
    data: st.DataObject, strategy: st.SearchStrategy[Any]
) -> None:
    first = data.draw(strategy)
    events = first.events if isinstance(first, BrokenStream) else first
    parts = Counter(id(part) for part in containers(events))
    assert max(parts.values()) == 1
    for event in events.values() if isinstance(events, dict) else events:
        if isinstance(event, (dict, list)):
            spoil(event)


def containers(value: Any) -> list[Any]:
    """All that can be changed in `value`, itself too."""
    if not isinstance(value, (dict, list)):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(each for item in inner for each in containers(item))]


# --- what they reach ----------------------------------------------------------------------------


def deltas(events: list[Event], kind: str, field: str) -> list[str]:
    """This field of all deltas of a kind."""
    found = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return [delta[field] for delta in found if delta["type"] == kind]


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == kind]


def block_of(events: list[Event], index: int) -> list[Event]:
    """The deltas of one block."""
    return [e["delta"] for e in of_type(events, "content_block_delta") if e["index"] == index]


def has_block(*kinds: str) -> Callable[[list[Event]], bool]:
    return lambda events: any(
        start["content_block"]["type"] in kinds for start in of_type(events, "content_block_start")
    )


def is_interleaved(events: list[Event]) -> bool:
    indexes = [event["index"] for event in events if "index" in event]
    return indexes != sorted(indexes)


def cut_matching(pattern: str, kind: str, field: str) -> Callable[[list[Event]], bool]:
    """Some delta ends in the middle of what the pattern matches."""
    return lambda events: any(
        re.search(pattern, text, re.DOTALL) for text in deltas(events, kind, field)
    )


def one_character_each(events: list[Event]) -> bool:
    sizes = [
        [len(delta["text"]) for delta in block_of(events, index) if "text" in delta]
        for index in range(5)
    ]
    return any(len(each) > 2 and max(each) == 1 for each in sizes)


def citation_where(place: str) -> Callable[[list[Event]], bool]:
    def reached(events: list[Event]) -> bool:
        for index in range(5):
            kinds = "".join(delta["type"][0] for delta in block_of(events, index))
            if re.search({"before": "^ct", "between": "tc+t", "after": "tc$"}[place], kinds):
                return True
        return False

    return reached


def last_delta(events: list[Event]) -> Event:
    return of_type(events, "message_delta")[-1]


def ends_in_a_tool(events: list[Event]) -> bool:
    starts = of_type(events, "content_block_start")
    return len(of_type(events, "content_block_stop")) < len(starts)


def pinged(where: str) -> Callable[[list[Event]], bool]:
    def reached(events: list[Event]) -> bool:
        kinds = "".join(
            {"ping": "p", "content_block_delta": "d"}.get(event["type"], "-") for event in events
        )
        return where in kinds

    return reached


REACHED: dict[str, Callable[[list[Event]], bool]] = {
    **{kind: has_block(kind) for kind in BLOCKS},
    "an empty message": lambda events: not of_type(events, "content_block_start"),
    "five blocks": lambda events: len(of_type(events, "content_block_start")) == 5,
    "interleaved": is_interleaved,
    "empty text deltas": lambda events: "" in deltas(events, "text_delta", "text"),
    "empty input deltas": lambda events: "" in deltas(events, "input_json_delta", "partial_json"),
    "several text deltas": lambda events: len(deltas(events, "text_delta", "text")) > 1,
    "one character each": one_character_each,
    "halves in text": cut_matching("[\ud800-\udbff]$", "text_delta", "text"),
    "halves in thinking": cut_matching("[\ud800-\udbff]$", "thinking_delta", "thinking"),
    "halves in input": cut_matching("[\ud800-\udbff]$", "input_json_delta", "partial_json"),
    "an escape cut": cut_matching(r"(^|[^\\])\\$", "input_json_delta", "partial_json"),
    "a \\u escape cut": cut_matching(r"\\u.{0,3}$", "input_json_delta", "partial_json"),
    "escaped halves cut": cut_matching(
        r"\\ud8..(\\(u.{0,3})?)?$", "input_json_delta", "partial_json"
    ),
    "a ping": lambda events: bool(of_type(events, "ping")),
    "a ping between deltas": pinged("dpd"),
    "citations before text": citation_where("before"),
    "citations between text": citation_where("between"),
    "citations after text": citation_where("after"),
    "a signature": lambda events: bool(deltas(events, "signature_delta", "signature")),
    "a block that has text when it starts": lambda events: any(
        start["content_block"].get("text") for start in of_type(events, "content_block_start")
    ),
    "a compaction delta": lambda events: bool(deltas(events, "compaction_delta", "type")),
    "a count left out": lambda events: "input_tokens" not in last_delta(events)["usage"],
    "a count null": lambda events: None in (last_delta(events).get("usage") or {}).values(),
    "a stop sequence": lambda events: last_delta(events)["delta"].get("stop_sequence") is not None,
    "max_tokens in a tool": ends_in_a_tool,
    "several message_deltas": lambda events: len(of_type(events, "message_delta")) > 1,
    "a late container": lambda events: "container" in last_delta(events)["delta"],
}

REACHED_IF_UNKNOWN: dict[str, Callable[[list[Event]], bool]] = {
    "unknown blocks": lambda events: any(
        start["content_block"]["type"] not in BLOCKS
        for start in of_type(events, "content_block_start")
    ),
    "unknown deltas": lambda events: any(
        event["delta"]["type"] in ("sparkle_delta", "", "text")
        for event in of_type(events, "content_block_delta")
    ),
    "unknown events": lambda events: any(
        not re.match("message_|content_block_|ping", event["type"]) for event in events
    ),
    "unknown fields of events": lambda events: any(
        set(stop) > {"type", "index"} for stop in of_type(events, "content_block_stop")
    ),
    "unknown fields of deltas": lambda events: any(
        len(delta) > 2
        for index in range(5)
        for delta in block_of(events, index)
        if delta["type"] in ("text_delta", "input_json_delta", "thinking_delta")
    ),
    "an input that is no object": lambda events: any(
        text[:1] not in ("{", "") for text in deltas(events, "input_json_delta", "partial_json")
    ),
    "no usage": lambda events: "usage" not in events[0]["message"],
    "usage left out": lambda events: "usage" not in last_delta(events),
    "usage null": lambda events: last_delta(events).get("usage", 0) is None,
    "output tokens left out": lambda events: (
        "output_tokens" not in (last_delta(events).get("usage") or {})
    ),
}


@pytest.mark.parametrize(
    ("strategy", "what"),
    [(raw_events(), REACHED), (raw_events(unknown=True), REACHED_IF_UNKNOWN)],
    ids=["known", "unknown"],
)
def test_of_each_200_streams_one_reaches_it(
    strategy: st.SearchStrategy[Any], what: dict[str, Callable[[Any], bool]]
) -> None:
    counted: Counter[str] = Counter()

    @settings(max_examples=400, derandomize=True, database=None, phases=[Phase.generate])
    @given(strategy)
    def count(events: list[Event]) -> None:
        counted.update(name for name, is_reached in what.items() if is_reached(events))

    count()
    # Hypothesis repeats itself: how often something is reached varies too much in 200 alone.
    assert {name: counted[name] for name in what if counted[name] < 2} == {}


# --- what narrows them --------------------------------------------------------------------------


@examples(max_examples=60)
@given(data=st.data(), blocks=st.sets(st.sampled_from(BLOCKS)))
def test_only_these_blocks_come(data: st.DataObject, blocks: set[str]) -> None:
    events = data.draw(raw_events(blocks=blocks))
    starts = of_type(events, "content_block_start")
    assert {start["content_block"]["type"] for start in starts} <= blocks
    message = data.draw(messages(blocks=blocks))
    assert {block["type"] for block in message["content"]} <= blocks


NOT_SO: dict[str, Callable[[list[Event]], bool]] = {
    "cut": lambda events: any(
        len([delta for delta in block_of(events, index) if delta["type"] == kind]) > 1
        for index in range(6)
        for kind in ("text_delta", "thinking_delta", "input_json_delta")
    ),
    "empty": lambda events: (
        "" in deltas(events, "text_delta", "text") + deltas(events, "thinking_delta", "thinking")
        or "" in deltas(events, "input_json_delta", "partial_json")
    ),
    "halves": lambda events: any("\ud800" <= each <= "\udfff" for each in repr_of(events)),
    "started": lambda events: any(
        start["content_block"].get("text") or start["content_block"].get("input")
        for start in of_type(events, "content_block_start")
    ),
    "interleaved": is_interleaved,
    "pings": REACHED["a ping"],
    "open_tool": ends_in_a_tool,
    "deltas": REACHED["several message_deltas"],
    "usage": lambda events: any(
        started_usage(events).get(key, "none") != total
        for key, total in last_delta(events)["usage"].items()
    ),
}


def repr_of(events: list[Event]) -> str:
    return json.dumps(events, ensure_ascii=False)


def started_usage(events: list[Event]) -> dict[str, Any]:
    usage: dict[str, Any] = events[0]["message"]["usage"]
    return usage


@pytest.mark.parametrize("way", WAYS)
def test_a_way_that_is_left_out_is_not_taken(way: str) -> None:
    @examples(max_examples=30)
    @given(raw_events(ways=[other for other in WAYS if other != way]))
    def check(events: list[Event]) -> None:
        assert not NOT_SO[way](events)

    check()


@examples(max_examples=60)
@given(raw_events(ways=()))
def test_the_plain_way_is_that_of_expand(events: list[Event]) -> None:
    indexes = [event["index"] for event in events if "index" in event]
    assert indexes == sorted(indexes)
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]


@examples(max_examples=60)
@given(raw_events())
def test_every_event_is_of_the_types_that_the_api_has(events: list[Event]) -> None:
    types = pytest.importorskip("anthropic.types.beta")
    api = pydantic.TypeAdapter(types.BetaRawMessageStreamEvent)
    for event in events:
        if event["type"] != "ping":
            api.validate_python(event)


@examples(max_examples=100)
@given(raw_events())
def test_what_grows_does_not_shrink(events: list[Event]) -> None:
    told = [events[0]["message"], *of_type(events, "message_delta")]
    for name in ("input_tokens", "output_tokens"):
        counts = [each["usage"][name] for each in told if each["usage"].get(name) is not None]
        assert counts == sorted(counts)


@examples(max_examples=60)
@given(raw_events(unknown=True) | raw_events())
def test_a_tool_has_an_id_of_its_own(events: list[Event]) -> None:
    blocks = [start["content_block"] for start in of_type(events, "content_block_start")]
    ids = [block["id"] for block in blocks if block["type"] in TOOLS]
    assert len(ids) == len(set(ids))


@examples(max_examples=60)
@given(raw_events())
def test_what_the_api_always_counts_is_always_there(events: list[Event]) -> None:
    assert started_usage(events).keys() >= {"input_tokens", "output_tokens"}
    told = [event["usage"]["output_tokens"] for event in of_type(events, "message_delta")]
    assert all(isinstance(count, int) for count in told)


def test_what_there_is() -> None:
    assert set(BLOCKS) == {block.type for block in get_args(ContentBlock)}
    assert len(WAYS) == 9 == len(NOT_SO)
    assert len(FAULTS) == 13
    assert len(FORMS) == 9


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: messages(blocks=["txt"]), "blocks must be some of text, tool_use, "),
        (lambda: messages(blocks="text"), "not 'text'"),
        (lambda: raw_events(ways=["slowly"]), "ways must be some of cut, "),  # type: ignore[list-item]
        (lambda: wire(forms=["lf"]), "forms must be some of crlf, "),  # type: ignore[list-item]
        (lambda: broken(faults=["none"]), "faults must be some of cut, "),  # type: ignore[list-item]
        (lambda: broken(blocks=[]), "no stream of the blocks"),
        (lambda: broken(faults=["bad_input"], blocks=["text"]), "no stream of the blocks"),
    ],
)
def test_a_name_that_is_none(call: Callable[[], Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()


# --- broken streams -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_the_engine_makes_of_a_fault_what_it_must(fault: Any) -> None:
    @examples(max_examples=40)
    @given(broken(faults=[fault]) | broken(faults=[fault], unknown=True))
    def check(stream: BrokenStream) -> None:
        assert stream.fault == fault
        assert what_comes_of(stream) == (stream.outcome, stream.at)

    check()


def what_comes_of(stream: BrokenStream) -> tuple[str, int]:
    """How the engine judges the stream, and where."""
    state = StreamState()
    for at, event in enumerate(stream.events):
        data = event if isinstance(event, str) else json.dumps(event)
        before = len(state.snapshot.unfolded)
        try:
            state, _ = feed(state, f"data: {data}\n\n".encode())
        except InvalidToolInputError:
            return "protocol_error" if stream.fault == "bad_input" else "an input", at
        except ProtocolError:
            return "protocol_error" if stream.fault != "bad_input" else "no input", at
        if (
            at == stream.at
            and len(state.snapshot.unfolded) > before
            and stream.outcome == "unfolded"
        ):
            others = [each for number, each in enumerate(stream.events) if number != at]
            assert fold(others).message == fold(stream.events).message
            return "unfolded", at
    try:
        finish(state)
    except IncompleteStreamError:
        if state.snapshot.error is None:
            return "incomplete", len(stream.events)
        return "error", [event["type"] for event in stream.events].index("error")
    return "message", stream.at


@examples(max_examples=60)
@given(st.data())
def test_a_message_whose_stop_is_missing_is_the_same(data: st.DataObject) -> None:
    stream = data.draw(broken(faults=["missing_stop"], ways=[]))
    event: Event = {"type": "message_stop"}
    if stream.at < len(stream.events):
        starts = len(of_type(stream.events[: stream.at], "content_block_start"))
        event = {"type": "content_block_stop", "index": starts - 1}
    whole = [*stream.events[: stream.at], event, *stream.events[stream.at :]]
    assert fold(stream.events).message == fold(whole).message


@examples(max_examples=40)
@given(broken(blocks=["text"]))
def test_a_fault_that_cannot_be_is_left_out(stream: BrokenStream) -> None:
    assert stream.fault != "bad_input"


# --- bytes --------------------------------------------------------------------------------------


def decoded(body: bytes) -> list[Event]:
    return [parse_event(sse).to_dict() for sse in decode_sse(SSEState(), body)[1]]


@examples(max_examples=150)
@given(raw_events(unknown=True), st.data())
def test_the_bytes_of_a_stream_say_the_same_however_written(
    events: list[Event], data: st.DataObject
) -> None:
    assert decoded(data.draw(wire(events))) == events


@examples(max_examples=40)
@given(st.data())
def test_what_can_be_written(data: st.DataObject) -> None:
    message = data.draw(messages())
    assert fold(decoded(data.draw(wire(message)))).message.to_dict() == message
    stream = data.draw(broken(faults=["bad_json", "wrong_type", "late"]))
    _, sses = decode_sse(SSEState(), data.draw(wire(stream)))
    assert len(sses) == len(stream.events)
    for sse, event in zip(sses, stream.events, strict=True):
        assert sse.data == event if isinstance(event, str) else json.loads(sse.data) == event


FORM_SEEN: dict[str, Callable[[bytes], Any]] = {
    "crlf": lambda body: b"\r\n" in body,
    "cr": lambda body: re.search(rb"\r[^\n]", body),
    "bom": lambda body: body.startswith("\ufeff".encode()),
    "comments": lambda body: re.search(rb"(?m)^:", body),
    "fields": lambda body: re.search(rb"(?m)^(id|retry|unknown|y)", body),
    "nameless": lambda body: re.search(rb"(?m)^event", body) is None and b"data" in body,
    "multi_line": lambda body: b'data: {\ndata: "' in body,
    "spelled": lambda body: b'" :' in body or b'": ' in body or b'"\t:' in body,
    "unspaced": lambda body: re.search(rb"(?m)^data:(  |\t)?\{| \t", body),
}
PLAIN = {"type": "hello", "message": {"id": "é"}}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_written_if_it_may_be(form: Any) -> None:
    seen = least(wire([PLAIN], forms=[form]), lambda body: bool(FORM_SEEN[form](body)))
    assert decoded(seen) == [PLAIN]

    @examples(max_examples=40)
    @given(wire([PLAIN], forms=[other for other in FORMS if other != form]))
    def check(body: bytes) -> None:
        assert decoded(body) == [PLAIN]
        assert form == "nameless" or not FORM_SEEN[form](body)

    check()


@examples(max_examples=20)
@given(wire(["{}", PLAIN], forms=()))
def test_without_forms_it_is_written_as_the_api_does(body: bytes) -> None:
    assert (
        body
        == (
            "event: content_block_delta\ndata: {}\n\n"
            'event: hello\ndata: {"type":"hello","message":{"id":"é"}}\n\n'
        ).encode()
    )


@examples(max_examples=150)
@given(st.data(), st.binary(max_size=20) | wire())
def test_chunks_join_to_the_data(data: st.DataObject, body: bytes) -> None:
    assert b"".join(data.draw(chunked(body))) == body


CHUNKS: dict[str, Callable[[list[bytes]], bool]] = {
    "whole": lambda chunks: len(chunks) == 1,
    "an empty one": lambda chunks: b"" in chunks,
    "one byte each": lambda chunks: len(chunks) > 3 and max(map(len, chunks)) == 1,
    "in a line end": lambda chunks: any(chunk.endswith(b"\r") for chunk in chunks),
    "in a character": lambda chunks: any(chunk.endswith(b"\xf0\x9f") for chunk in chunks),
}


@pytest.mark.parametrize("how", CHUNKS)
def test_chunks_are_cut_in_each_way(how: str) -> None:
    least(chunked("data: 😀\r\n\r\n".encode()), CHUNKS[how])


# --- JSON texts ---------------------------------------------------------------------------------


def no_constant(name: str) -> Any:
    raise AssertionError(name)


@examples(max_examples=150)
@given(json_documents())
def test_documents_are_json(text: str) -> None:
    json.loads(text, parse_constant=no_constant)


def test_documents_may_have_what_only_python_reads() -> None:
    assert least(json_documents(nan=True), lambda text: "NaN" in text) == "NaN"


@examples(max_examples=150)
@given(st.data(), json_documents())
def test_prefixes_begin_documents(data: st.DataObject, document: str) -> None:
    prefix = data.draw(json_prefixes(document))
    assert document.startswith(prefix)
    text = data.draw(json_prefixes())
    try:
        parse_partial_json(text)
    except ValueError as error:
        if not str(error).startswith("not JSON yet"):
            raise


# --- how they shrink ----------------------------------------------------------------------------


def test_the_simplest_are_simple() -> None:
    message = least(messages(unknown=True), lambda message: True)
    assert message["content"] == []
    assert [event["type"] for event in least(raw_events(), lambda events: True)] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    assert least(chunked(b"ab"), lambda chunks: True) == [b"ab"]
    assert least(json_documents(), lambda text: True) in ("null", "[]")
    assert least(json_prefixes(), lambda text: True) == ""


SHRUNK: dict[str, tuple[Callable[[list[Event]], Any], int]] = {
    "two deltas": (lambda events: any(len(block_of(events, index)) > 1 for index in range(6)), 7),
    "interleaved": (is_interleaved, 8),
    "a character in halves": (REACHED["halves in text"], 7),
    "a count left out": (REACHED["a count left out"], 3),
}


@pytest.mark.parametrize("what", SHRUNK)
def test_what_fails_shrinks_to_the_events_that_matter(what: str) -> None:
    is_reached, most = SHRUNK[what]
    assert len(least(raw_events(blocks=["text", "tool_use"]), is_reached)) <= most


# --- without hypothesis -------------------------------------------------------------------------


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "streamfold.adapters.strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError) as caught:
        importlib.import_module("streamfold.adapters.strategies")
    assert str(caught.value) == (
        "streamfold.adapters.strategies needs hypothesis: pip install 'streamfold[testing]'"
    )
