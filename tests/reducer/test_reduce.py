"""The fold, event by event: against the model, as a pure function, and rule by rule."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamfold.reducer import (
    ContentBlockStopEvent,
    InvalidToolInputError,
    MessageStopEvent,
    ProtocolError,
    RawPingEvent,
    RawUnknownEvent,
    Snapshot,
    TextEvent,
    ToolUseBlock,
    fold,
    parse_event,
    reduce,
)
from streamfold.reducer.sse import ServerSentEvent

from tests.support.model import (
    MESSAGE_STOP,
    FaultError,
    Model,
    block_delta,
    block_start,
    block_stop,
    described,
    message_delta,
    message_start,
    reduced,
    tool_start,
)
from tests.support.strategies import any_event, faulty_streams, streams

Event = dict[str, Any]
MODES = ["on", "trailing-strings"]
examples = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def all_streams() -> st.SearchStrategy[list[Event]]:
    return streams() | faulty_streams()


def parsed(event: Event) -> Any:
    """The raw event, by way of JSON text."""
    return parse_event(ServerSentEvent(data=json.dumps(event)))


def message_of(*events: Event, **settings: Any) -> Any:
    return fold(events, Snapshot(**settings)).message


# --- against the model --------------------------------------------------------------------------


@examples(max_examples=400)
@given(events=all_streams(), mode=st.sampled_from(MODES))
def test_the_model_says_the_same(events: list[Event], mode: Any) -> None:
    model = Model(mode)
    snapshot = Snapshot(partial_mode=mode)
    for event in events:
        broken = None
        try:
            expected = model.step(event)
        except FaultError as error:
            broken = error
        if broken is not None:
            with pytest.raises(ProtocolError) as caught:
                reduce(snapshot, event)
            assert (caught.value.event, caught.value.index) == (broken.event, broken.index)
            assert isinstance(caught.value, InvalidToolInputError) is broken.is_input
            assert caught.value.snapshot is snapshot
            break
        snapshot, derived = reduce(snapshot, event)
        assert [event.to_dict() for event in derived] == expected
        assert snapshot.is_complete is model.is_complete
    assert (snapshot.message and snapshot.message.to_dict()) == model.message
    assert [event.to_dict() for event in snapshot.unfolded] == model.unfolded
    assert (snapshot.error and snapshot.error.to_dict()) == model.error
    assert snapshot.is_over is model.is_over
    assert snapshot.partial_mode == mode


@examples(max_examples=100)
@given(events=streams(), mode=st.sampled_from(MODES))
def test_the_model_says_the_same_of_every_message_on_the_way(
    events: list[Event], mode: Any
) -> None:
    model = Model(mode)
    snapshot = Snapshot(partial_mode=mode)
    for event in events:
        model.step(event)
        snapshot, _ = reduce(snapshot, event)
        assert (snapshot.message and snapshot.message.to_dict()) == model.message


# --- pure functions -----------------------------------------------------------------------------


def picture(value: Any) -> str:
    """A value as JSON text, which nothing can change any more."""
    return json.dumps(value and value.to_dict())


@examples(max_examples=150)
@given(data=st.data(), events=all_streams())
def test_nothing_that_is_kept_changes(data: st.DataObject, events: list[Event]) -> None:
    kept: list[tuple[Any, Any, str]] = []
    messages: list[tuple[Snapshot, str]] = []

    def keep(value: Any) -> None:
        kept.append((value, pickle.loads(pickle.dumps(value)), picture(value)))

    snapshot = Snapshot()
    snapshots = [snapshot]
    for event in events:
        before = copy.deepcopy(event)
        raw = parsed(event) if data.draw(st.booleans()) and is_sound(event) else event
        try:
            snapshot, derived = reduce(snapshot, raw)
        except ProtocolError:
            assert event == before
            break
        assert event == before
        snapshots.append(snapshot)
        keep(snapshot)
        for each in derived:
            keep(each)
        if data.draw(st.booleans()):  # reading a message, or not, must change nothing
            messages.append((snapshot, picture(snapshot.message)))
    for _ in range(3):  # other ways to go on from an older snapshot
        start = data.draw(st.integers(0, len(snapshots) - 1))
        tail = data.draw(st.integers(0, len(events)))
        others = data.draw(st.lists(any_event(), max_size=2)) + events[tail:]
        branch = reduced(others, snapshots[start])
        alone = reduced(others, Snapshot.from_dict(snapshots[start].to_dict()))
        assert branch == alone
        for each in branch.events:
            keep(each)
    for value, copied, text in kept:
        assert value == copied
        assert copied == value
        assert hash(value) == hash(copied)
        assert picture(value) == text
        assert picture(copied) == text
    for snapshot, text in messages:
        assert picture(snapshot.message) == text


def is_sound(event: Event) -> bool:
    try:
        parsed(event)
    except ProtocolError:
        return False
    return True


BRANCHES = {
    "text": (
        [block_start(0, "text", text="a")],
        [block_delta(0, "text_delta", text=text) for text in ("b", "c")],
    ),
    "thinking": (
        [block_start(0, "thinking", thinking="a")],
        [block_delta(0, "thinking_delta", thinking=text) for text in ("b", "c")],
    ),
    "input": (
        [tool_start(0), block_delta(0, "input_json_delta", partial_json='{"a": [1')],
        [block_delta(0, "input_json_delta", partial_json=text) for text in ("2]", ", 3]")],
    ),
    "citations": (
        [block_start(0, "text", text="")],
        [block_delta(0, "citations_delta", citation={"type": text}) for text in ("b", "c")],
    ),
    "signature": (
        [block_start(0, "thinking", thinking="")],
        [block_delta(0, "signature_delta", signature=text) for text in ("b", "c")],
    ),
    "compaction": (
        [block_start(0, "compaction", content=None)],
        [block_delta(0, "compaction_delta", content=text) for text in ("b", "c")],
    ),
    "blocks": (
        [],
        [block_start(0, "text", text=text) for text in ("b", "c")],
    ),
    "closed blocks": (
        [block_start(0, "text", text=""), block_start(1, "text", text="")],
        [block_stop(0), block_stop(1)],
    ),
    "unfolded": (
        [],
        [{"type": "odd", "x": 1}, {"type": "odd", "x": 2}],
    ),
}


@pytest.mark.parametrize("what", BRANCHES)
def test_branches_do_not_see_each_other(what: str) -> None:
    common, branches = BRANCHES[what]
    trunk = fold([message_start(), *common])
    trunk_was = picture(trunk)
    # In the order of folding: the first branch may grow in place, the second must not.
    results = [reduce(trunk, branch) for branch in branches]
    results += [reduce(trunk, branch) for branch in reversed(branches)]
    for branch, (snapshot, derived) in zip([*branches, *branches[::-1]], results, strict=True):
        alone = reduced([message_start(), *common, branch])
        assert snapshot == alone.snapshot
        assert picture(snapshot) == picture(alone.snapshot)
        assert derived == alone.events[-len(derived) :]
    assert results[0][0] == results[3][0] != results[1][0] == results[2][0]
    assert picture(trunk) == trunk_was


@examples(max_examples=150)
@given(events=all_streams())
def test_fold_is_reduce_repeated(events: list[Event]) -> None:
    one_by_one = reduced(events)
    if one_by_one.error is None:
        assert fold(events) == one_by_one.snapshot
        return
    with pytest.raises(ProtocolError) as caught:
        fold(events)
    assert caught.value.snapshot == one_by_one.snapshot
    assert caught.value.events == ()
    assert described(caught.value) == one_by_one.error


@examples(max_examples=100)
@given(events=streams(), data=st.data())
def test_fold_goes_on_from_any_snapshot(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    first = fold(iter(events[:cut]))
    assert fold((parsed(event) for event in events[cut:]), first) == fold(events)


@examples(max_examples=100)
@given(events=streams())
def test_a_mapping_and_the_event_it_describes_fold_alike(events: list[Event]) -> None:
    assert reduced(events) == reduced([parsed(event) for event in events])


@examples(max_examples=50)
@given(events=streams())
def test_the_same_input_gives_the_same_output(events: list[Event]) -> None:
    first, second = reduced(events), reduced(copy.deepcopy(events))
    assert first == second
    assert picture(first.snapshot) == picture(second.snapshot)
    assert repr(first) == repr(second)


def test_what_is_folded_shares_nothing_with_the_mapping_it_came_as() -> None:
    event = message_start(context_management={"edits": [{"a": 1}]}, mood=["fine"])
    snapshot, (raw,) = reduce(Snapshot(), event)
    event["message"]["context_management"]["edits"][0]["a"] = 2
    event["message"]["mood"].append("bad")
    for message in (snapshot.message, raw.message):
        assert message.context_management == {"edits": [{"a": 1}]}
        assert message.mood == ["fine"]


def test_a_fault_leaves_everything_before_it() -> None:
    before = [message_start(), block_start(0, "text", text="Hel")]
    with pytest.raises(ProtocolError) as caught:
        fold([*before, block_delta(0, "text_delta", text="lo"), block_stop(1)])
    assert caught.value.snapshot.message.content[0].text == "Hello"
    assert caught.value.snapshot == fold([*before, block_delta(0, "text_delta", text="lo")])


def test_a_fault_in_reading_the_events_carries_the_snapshot_too() -> None:
    data = ['{"type": "ping"}', json.dumps(message_start()), "nonsense"]
    with pytest.raises(ProtocolError) as caught:
        fold(parse_event(ServerSentEvent(data=each)) for each in data)
    assert caught.value.snapshot == fold([message_start()])


def test_the_signatures_are_those_of_the_design() -> None:
    assert list(inspect.signature(reduce).parameters) == ["snapshot", "raw_event"]
    assert list(inspect.signature(fold).parameters) == ["raw_events", "snapshot"]
    snapshot, events = reduce(raw_event={"type": "ping"}, snapshot=Snapshot())
    assert (snapshot, events) == (Snapshot(), ())
    assert fold(raw_events=[]) == Snapshot()


@pytest.mark.parametrize("event", [None, "ping", b"{}", 3, [], ("type", "ping")])
def test_what_is_no_event_is_a_type_error(event: Any) -> None:
    expected = f"a raw event must be a RawEvent or a mapping, not {type(event).__name__}"
    with pytest.raises(TypeError) as caught:
        reduce(Snapshot(), event)
    assert str(caught.value) == expected
    with pytest.raises(TypeError):
        fold([event])


# --- the snapshot as a value --------------------------------------------------------------------


@examples(max_examples=100)
@given(events=all_streams(), mode=st.sampled_from(MODES))
def test_snapshots_go_to_json_and_pickle_and_back(events: list[Event], mode: Any) -> None:
    snapshot = Snapshot(partial_mode=mode)
    for event in events:
        try:
            snapshot, _ = reduce(snapshot, event)
        except ProtocolError:
            break
        through_json = Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict())))
        for restored in (through_json, pickle.loads(pickle.dumps(snapshot))):
            assert restored == snapshot
            assert snapshot == restored
            assert hash(restored) == hash(snapshot)
            assert restored.to_dict() == snapshot.to_dict()
            assert repr(restored) == repr(snapshot)
            assert restored.message == snapshot.message
            assert input_texts(restored) == input_texts(snapshot)
    assert copy.copy(snapshot) == snapshot
    assert copy.deepcopy(snapshot) == snapshot


def input_texts(snapshot: Snapshot) -> list[str]:
    blocks = snapshot.message.content if snapshot.message else ()
    return [block.input_json for block in blocks if isinstance(block, ToolUseBlock)]


@examples(max_examples=100)
@given(events=streams(), mode=st.sampled_from(MODES), data=st.data())
def test_a_restored_snapshot_goes_on_and_ends_the_same(
    events: list[Event], mode: Any, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))
    before = fold(events[:cut], Snapshot(partial_mode=mode))
    restored = Snapshot.from_dict(json.loads(json.dumps(before.to_dict())))
    straight = reduced(events[cut:], before)
    assert reduced(events[cut:], restored) == straight
    assert reduced(events[cut:], pickle.loads(pickle.dumps(before))) == straight


@pytest.mark.parametrize("text", ["5", "null", "[1]", '"x"', "{}", '{"a":1}', "true"])
def test_an_input_of_any_json_is_restored(text: str) -> None:
    events = [message_start(), tool_start(0), block_delta(0, "input_json_delta", partial_json=text)]
    for stop in ([], [block_stop(0)]):
        snapshot = fold([*events, *stop])
        assert snapshot.message.content[0].input == json.loads(text)
        assert snapshot.message.content[0].input_json == text
        assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot


def test_snapshots_do_not_equal_others() -> None:
    snapshot = fold([message_start()])
    different = [
        Snapshot(),
        fold([message_start(id="msg_2")]),
        fold([message_start(), block_start(0, "text", text="")]),
        fold([message_start(), block_start(0, "text", text=""), block_stop(0)]),
        fold([message_start(), {"type": "odd"}]),
        fold([message_start(), message_delta(None, x=1), message_delta()]),
        fold([message_start(), MESSAGE_STOP]),
        fold([message_start(), {"type": "error", "error": {}}]),
        fold([message_start()], Snapshot(partial_mode="trailing-strings")),
    ]
    for number, other in enumerate(different):
        assert other != snapshot
        assert other == Snapshot.from_dict(other.to_dict())
        assert all(other != another for another in different[number + 1 :])


def test_a_snapshot_cannot_be_changed() -> None:
    snapshot = fold([message_start(), block_start(0, "text", text="a")])
    with pytest.raises(AttributeError):
        snapshot.is_complete = True
    with pytest.raises(AttributeError):
        snapshot.message.content[0].text = "b"
    with pytest.raises(TypeError):
        Snapshot("on")  # by name only
    assert copy.copy(snapshot) is snapshot
    assert copy.deepcopy([snapshot])[0] is snapshot


def test_the_first_snapshot() -> None:
    snapshot = Snapshot()
    assert snapshot.message is None
    assert snapshot.error is None
    assert snapshot.unfolded == ()
    assert snapshot.is_complete is False
    assert snapshot.is_over is False
    assert snapshot.partial_mode == "on"


def test_the_repr_of_a_snapshot_says_how_it_stands_and_stays_short() -> None:
    assert repr(Snapshot()) == (
        "<Snapshot no message yet: incomplete, 0 blocks, 0 unfolded events>"
    )
    events = [message_start(), block_start(0, "text", text="x" * 1000), block_stop(0)]
    events += [block_start(1, "text", text=""), {"type": "odd"}]
    assert repr(fold(events)) == "<Snapshot msg_1: incomplete, 2 blocks, 1 unfolded events>"
    events.append(message_delta())
    assert repr(fold(events)) == "<Snapshot msg_1: complete, 2 blocks, 1 unfolded events>"
    events.append({"type": "error", "error": {}})
    assert repr(fold(events)) == "<Snapshot msg_1: failed, 2 blocks, 1 unfolded events>"


# --- what each event gives, in order ------------------------------------------------------------


def derived(*events: Event) -> list[Event]:
    """What the last of these events gives, as dicts."""
    return [event.to_dict() for event in reduce(fold(events[:-1]), events[-1])[1]]


TEXT = [message_start(), block_start(0, "text", text="He")]
THINKING = [message_start(), block_start(0, "thinking", thinking="H", signature="")]
TOOL = [message_start(), tool_start(0)]
COMPACTION = [message_start(), block_start(0, "compaction", content=None)]

GIVEN_AS_THEY_COME = [
    [message_start()],
    TEXT,
    [message_start(), message_delta()],
    [{"type": "error", "error": {"type": "api_error"}}],
    [{"type": "odd", "x": 1}],
    [message_start(), {"type": "odd", "x": 1}],
    [*TEXT, block_delta(0, "odd_delta", x=1)],
    [message_start(), block_start(0, "odd"), block_delta(0, "text_delta", text="x")],
    [message_delta()],
    [block_start(3, "text", text="")],
    [block_delta(3, "text_delta", text="x")],
    [block_stop(3)],
    [MESSAGE_STOP],
    [message_start(), MESSAGE_STOP, MESSAGE_STOP],
    [message_start(), MESSAGE_STOP, message_start()],
    [message_start(), MESSAGE_STOP, {"type": "error", "error": {}}],
    [*TEXT, MESSAGE_STOP, block_delta(0, "text_delta", text="x")],
    [*TEXT, {"type": "error", "error": {}}, block_delta(0, "text_delta", text="x")],
    [*TEXT, {"type": "error", "error": {}}, MESSAGE_STOP],
    [{"type": "error", "error": {}}, message_start()],
]


@pytest.mark.parametrize("events", GIVEN_AS_THEY_COME)
def test_the_raw_event_alone(events: list[Event]) -> None:
    assert derived(*events) == [events[-1]]


def test_a_ping_gives_nothing_and_changes_nothing() -> None:
    for before in ([], [message_start()], TEXT, [message_start(), MESSAGE_STOP]):
        for ping in ({"type": "ping"}, {"type": "ping", "x": 1}, RawPingEvent()):
            assert reduce(fold(before), ping) == (fold(before), ())


def test_text() -> None:
    event = block_delta(0, "text_delta", text="llo")
    text = {"type": "text", "text": "llo", "snapshot": "Hello"}
    assert derived(*TEXT, event) == [event, text]
    more = block_delta(0, "text_delta", text="!")
    assert derived(*TEXT, event, more) == [
        more,
        {"type": "text", "text": "!", "snapshot": "Hello!"},
    ]


def test_thinking() -> None:
    event = block_delta(0, "thinking_delta", thinking="m", estimated_tokens=3)
    assert derived(*THINKING, event) == [
        event,
        {"type": "thinking", "thinking": "m", "snapshot": "Hm"},
    ]


def test_signature() -> None:
    event = block_delta(0, "signature_delta", signature="s")
    assert derived(*THINKING, event) == [event, {"type": "signature", "signature": "s"}]


def test_citation() -> None:
    cited = [{"type": "odd", "n": number} for number in range(2)]
    first, second = (block_delta(0, "citations_delta", citation=each) for each in cited)
    assert derived(*TEXT, first) == [
        first,
        {"type": "citation", "citation": cited[0], "snapshot": cited[:1]},
    ]
    assert derived(*TEXT, first, second) == [
        second,
        {"type": "citation", "citation": cited[1], "snapshot": cited},
    ]


def test_compaction() -> None:
    event = block_delta(0, "compaction_delta", content="short", encrypted_content="e")
    assert derived(*COMPACTION, event) == [
        event,
        {"type": "compaction", "content": "short", "encrypted_content": "e"},
    ]


@pytest.mark.parametrize(
    ("mode", "snapshots"),
    [("on", [{}, {"a": 1}, {"a": 1}]), ("trailing-strings", [{}, {"a": 1, "b": "x"}, {"a": 1}])],
)
def test_input_json(mode: Any, snapshots: list[Any]) -> None:
    snapshot = fold(TOOL, Snapshot(partial_mode=mode))
    for piece, expected in zip(['{"', 'a":1,"b":"x', '"}'], snapshots[:2], strict=False):
        event = block_delta(0, "input_json_delta", partial_json=piece)
        snapshot, (raw, told) = reduce(snapshot, event)
        assert raw.to_dict() == event
        assert told.to_dict() == {
            "type": "input_json",
            "partial_json": piece,
            "snapshot": expected,
        }


def test_block_stop_gives_the_finished_block() -> None:
    grown = block_delta(0, "text_delta", text="y")
    stop = {**block_stop(0), "extra": [1]}
    (event,) = reduce(fold([*TEXT, grown]), stop)[1]
    assert isinstance(event, ContentBlockStopEvent)
    assert event.to_dict() == {**stop, "content_block": {"type": "text", "text": "Hey"}}
    assert event.index == 0
    assert event.extra == [1]


def test_message_stop_gives_the_message() -> None:
    stop = {**MESSAGE_STOP, "extra": 1}
    before = fold([*TEXT, message_delta()])
    after, (event,) = reduce(before, stop)
    assert isinstance(event, MessageStopEvent)
    assert event.message == before.message == after.message
    assert event.extra == 1
    assert event.to_dict() == {**stop, "message": before.message.to_dict()}


# --- the rules of folding -----------------------------------------------------------------------


def test_the_head_of_the_message() -> None:
    head = message_start(usage={"input_tokens": 3}, mood="fine", stop_reason=None)
    assert message_of(head).to_dict() == head["message"]


def test_content_that_comes_with_the_start_is_kept_and_closed() -> None:
    begun = message_start(content=[{"type": "text", "text": "a"}, {"type": "odd"}])
    message = message_of(begun, block_start(2, "text", text="b"))
    assert [block.type for block in message.content] == ["text", "odd", "text"]
    with pytest.raises(ProtocolError, match="the block has stopped already"):
        fold([begun, block_delta(0, "text_delta", text="x")])


def test_text_and_thinking_append() -> None:
    for kind, name in (("text", "text"), ("thinking", "thinking")):
        deltas = [block_delta(0, f"{kind}_delta", **{name: piece}) for piece in ("b", "", "c")]
        events = [message_start(), block_start(0, kind, **{name: "a"}), *deltas]
        assert message_of(*events).content[0][name] == "abc"
        assert message_of(*events, block_stop(0)).content[0][name] == "abc"


def test_halves_of_a_character_that_meet_are_one() -> None:
    halves = [block_delta(0, "text_delta", text=half) for half in ("\ud83d", "\ude00")]
    snapshot = fold([message_start(), block_start(0, "text", text="")])
    snapshot, (_, first) = reduce(snapshot, halves[0])
    assert first.snapshot == snapshot.message.content[0].text == "\ud83d"
    snapshot, (_, second) = reduce(snapshot, halves[1])
    assert second.snapshot == snapshot.message.content[0].text == "😀"
    assert second.text == "\ude00"


@pytest.mark.parametrize(
    ("begun", "first"),
    [
        ({}, []),
        ({"citations": None}, []),
        ({"citations": []}, []),
        ({"citations": "odd"}, []),
        ({"citations": {"type": "odd"}}, []),
        ({"citations": [{"type": "odd", "n": 0}]}, [{"type": "odd", "n": 0}]),
    ],
)
def test_citations_append(begun: dict[str, Any], first: list[Any]) -> None:
    events = [message_start(), block_start(0, "text", text="", **begun)]
    assert message_of(*events).content[0].to_dict() == {"type": "text", "text": "", **begun}
    cited = [{"type": "odd", "n": number} for number in (1, 2)]
    events += [block_delta(0, "citations_delta", citation=each) for each in cited]
    events += [block_delta(0, "text_delta", text="t")]
    for stop in ([], [block_stop(0)]):
        block = message_of(*events, *stop).content[0]
        assert block.to_dict() == {"type": "text", "text": "t", "citations": first + cited}
        assert isinstance(block.citations, tuple)


def test_a_signature_replaces() -> None:
    events = [*THINKING]
    for text in ("one", "two"):
        events.append(block_delta(0, "signature_delta", signature=text))
        assert message_of(*events).content[0].signature == text
    events += [block_delta(0, "thinking_delta", thinking="m"), block_stop(0)]
    assert message_of(*events).content[0].to_dict() == {
        "type": "thinking",
        "thinking": "Hm",
        "signature": "two",
    }


def test_compaction_sets_what_it_tells() -> None:
    first = block_delta(0, "compaction_delta", content="a", encrypted_content="b")
    second = block_delta(0, "compaction_delta", content="c")
    third = block_delta(0, "compaction_delta", encrypted_content=None)
    block = {"type": "compaction", "content": "a", "encrypted_content": "b"}
    assert message_of(*COMPACTION, first).content[0].to_dict() == block
    assert message_of(*COMPACTION, first, second).content[0].to_dict() == {**block, "content": "c"}
    assert message_of(*COMPACTION, first, third).content[0].to_dict() == {
        **block,
        "encrypted_content": None,
    }
    assert derived(*COMPACTION, first, third)[1] == {
        "type": "compaction",
        "content": "a",
        "encrypted_content": None,
    }


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use", "mcp_tool_use"])
def test_the_input_of_a_tool(kind: str) -> None:
    begun = block_start(0, kind, id="t", name="n", input={}, server_name="s")
    text = '{"a": "\\u00e9\\n", "b": [1, 2.0]}'
    pieces = [block_delta(0, "input_json_delta", partial_json=piece) for piece in text]
    open_block = message_of(message_start(), begun, *pieces).content[0]
    closed = message_of(message_start(), begun, *pieces, block_stop(0)).content[0]
    for block in (open_block, closed):
        assert block.input == {"a": "é\n", "b": [1, 2.0]}
        assert block.input_json == text
        assert {**block.to_dict(), "input": {}} == begun["content_block"]
        with pytest.raises(TypeError):
            block.input["a"] = 1


@pytest.mark.parametrize("pieces", [[], [""], ["", ""]])
@pytest.mark.parametrize("first", [{}, {"a": 1}])
def test_a_tool_without_streamed_input_keeps_that_of_its_start(
    pieces: list[str], first: dict[str, Any]
) -> None:
    deltas = [block_delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
    events = [message_start(), tool_start(0, input=first), *deltas]
    for stop in ([], [block_stop(0)]):
        block = message_of(*events, *stop).content[0]
        assert block.input == first
        assert block.input_json == json.dumps(first, separators=(",", ":"))


def test_streamed_input_replaces_that_of_the_start() -> None:
    events = [message_start(), tool_start(0, input={"a": 1})]
    events.append(block_delta(0, "input_json_delta", partial_json=" "))
    assert message_of(*events).content[0].input == {"a": 1}  # nothing said yet
    assert message_of(*events).content[0].input_json == " "
    events.append(block_delta(0, "input_json_delta", partial_json='{"b": 2}'))
    assert message_of(*events).content[0].input == {"b": 2}
    assert message_of(*events, block_stop(0)).content[0].input == {"b": 2}


@pytest.mark.parametrize(
    ("mode", "partial"), [("on", {"a": 1}), ("trailing-strings", {"a": 1, "b": "unfin"})]
)
def test_max_tokens_inside_of_a_tool_gives_the_partial_input(
    mode: Any, partial: dict[str, Any]
) -> None:
    text = '{"a": 1, "b": "unfin'
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
    events += [message_delta("max_tokens"), MESSAGE_STOP]
    snapshot = fold(events, Snapshot(partial_mode=mode))
    assert snapshot.is_complete
    assert snapshot.message.stop_reason == "max_tokens"
    assert snapshot.message.content[0].input == partial
    assert snapshot.message.content[0].input_json == text


def test_invalid_input_of_a_tool() -> None:
    text = '{"a": 1, "b": nope' + "x" * 200
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
    with pytest.raises(InvalidToolInputError) as caught:
        fold([*events, block_stop(0)])
    error = caught.value
    assert isinstance(error, ProtocolError)
    assert isinstance(error, ValueError)
    assert error.input_json == text
    assert (error.event, error.index) == ("content_block_stop", 0)
    assert error.data.to_dict() == block_stop(0)
    assert error.snapshot == fold(events)
    assert error.snapshot.message.content[0].input == {"a": 1}
    assert error.reason.startswith("the input of 'look' is not JSON (")
    assert error.reason.endswith(f"): {text[:120]!r}… (218 characters)")
    assert str(error) == f"content_block_stop (index 0): {error.reason}"
    assert InvalidToolInputError("x").input_json == ""


@pytest.mark.parametrize("text", ['{"a":1}}', "nope", "\ufeff{}", "{'a': 1}", "{]", '{"a" 1'])
def test_input_that_is_not_json(text: str) -> None:
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
    with pytest.raises(InvalidToolInputError) as caught:
        fold([*events, block_stop(0)])
    assert caught.value.input_json == text
    assert caught.value.snapshot == fold(events)


CUT_INPUTS = [
    ('{"a"', {}),
    ("{", {}),
    (" ", {}),
    ('{"a": 1, "b": "unfin', {"a": 1}),
    ('{"a": 1, "b": tr', {"a": 1}),
    ("[1, 2", [1, 2]),
]


@pytest.mark.parametrize(("text", "value"), CUT_INPUTS)
@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_a_stopped_tool_may_be_cut_if_the_stop_reason_explains_it(
    text: str, value: Any, reason: str
) -> None:
    before = fold([*TOOL, block_delta(0, "input_json_delta", partial_json=text)])
    stopped, (event,) = reduce(before, block_stop(0))
    assert event.type == "content_block_stop"
    assert (event.content_block.input, event.content_block.input_json) == (value, text)
    assert Snapshot.from_dict(json.loads(json.dumps(stopped.to_dict()))) == stopped
    assert not stopped.is_complete
    ended = fold([message_delta(reason), MESSAGE_STOP], stopped)
    assert ended.is_complete
    assert ended.message.content == (event.content_block,)
    assert ended.message.stop_reason == reason


@pytest.mark.parametrize(("text", "value"), CUT_INPUTS)
@pytest.mark.parametrize("reason", ["tool_use", "end_turn", "stop_sequence", "new_reason"])
def test_any_other_stop_reason_of_a_cut_tool_is_an_error(
    text: str, value: Any, reason: str
) -> None:
    whole = [block_start(1, "tool_use", id="t2", name="other", input={}), block_stop(1)]
    events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text), block_stop(0), *whole]
    events += [block_start(2, "tool_use", id="t3", name="third", input={})]
    events += [block_delta(2, "input_json_delta", partial_json="{"), block_stop(2)]
    stopped = Snapshot.from_dict(json.loads(json.dumps(fold(events).to_dict())))
    with pytest.raises(InvalidToolInputError) as caught:
        fold([message_delta(reason)], stopped)
    error = caught.value
    assert (error.event, error.index) == ("message_delta", 0)
    assert error.input_json == text
    assert error.snapshot == stopped
    assert error.snapshot.message.content[0].input == value
    assert str(error).startswith("message_delta (index 0): the input of 'look' is not JSON (")
    assert f"; stop_reason is {reason!r}): {text!r}" in str(error)


def test_input_that_is_nested_too_deep() -> None:
    for depth in (201, 100_000):
        text = "[" * depth + "]" * depth
        events = [*TOOL, block_delta(0, "input_json_delta", partial_json=text)]
        with pytest.raises(InvalidToolInputError, match="nested deeper than 200 levels"):
            fold([*events, block_stop(0)])
    text = "[" * 200 + "]" * 200
    snapshot = fold([*TOOL, block_delta(0, "input_json_delta", partial_json=text), block_stop(0)])
    assert snapshot.message.content[0].to_dict()["input"] == json.loads(text)


STOP_FIELDS: dict[str, Any] = {
    "stop_reason": "stop_sequence",
    "stop_sequence": "END",
    "stop_details": {"type": "refusal", "category": "c", "explanation": None},
}


@pytest.mark.parametrize("name", STOP_FIELDS)
def test_stop_fields_are_set_when_present_null_included(name: str) -> None:
    value = STOP_FIELDS[name]
    set_it = {"type": "message_delta", "delta": {name: value}}
    leave_it = {"type": "message_delta", "delta": {}}
    unset_it = {"type": "message_delta", "delta": {name: None}}
    assert message_of(message_start(), set_it).to_dict()[name] == value
    assert name not in message_of(message_start(), leave_it)
    assert message_of(message_start(**{name: value}), leave_it).to_dict()[name] == value
    assert message_of(message_start(**{name: value}), unset_it).to_dict()[name] is None
    assert message_of(message_start(**{name: None}), set_it).to_dict()[name] == value
    for others in set(STOP_FIELDS) - {name}:
        assert others not in message_of(message_start(), set_it)


REPLACED_UNLESS_NULL: dict[str, Any] = {
    "container": {"id": "c", "expires_at": "soon"},
    "context_management": {"applied_edits": []},
    "input_transformations": [{"type": "x"}],
}


def told_in_a_message_delta(name: str, value: Any) -> tuple[Event, Event]:
    """A message_delta event that tells `value` where it belongs, and one that does not."""
    in_delta = {"type": "message_delta", "delta": {name: value}}
    beside_delta = {"type": "message_delta", "delta": {}, name: value}
    return (in_delta, beside_delta) if name == "container" else (beside_delta, in_delta)


@pytest.mark.parametrize("name", REPLACED_UNLESS_NULL)
@pytest.mark.parametrize("first", [[], [None], [{"id": "old", "x": 1}]])
def test_what_replaces_unless_it_is_null(name: str, first: list[Any]) -> None:
    value = REPLACED_UNLESS_NULL[name]
    begun = message_start(**dict(zip([name], first, strict=False)))
    told, misplaced = told_in_a_message_delta(name, value)
    null, _ = told_in_a_message_delta(name, None)
    assert message_of(begun, told).to_dict() == {**begun["message"], name: value}
    assert message_of(begun, null).to_dict() == begun["message"]
    assert message_of(begun, misplaced).to_dict() == begun["message"]
    assert message_of(begun, told, null).to_dict()[name] == value


def test_usage_counts_are_totals() -> None:
    first = {"input_tokens": 10, "output_tokens": 1, "cache_creation_input_tokens": None, "x": 1}
    usages = [
        {"output_tokens": 5, "input_tokens": None, "server_tool_use": {"web_search_requests": 1}},
        {"output_tokens": 7, "cache_creation_input_tokens": 0, "x": None, "y": {"z": [1]}},
        {},
        None,
    ]
    events = [message_start(usage=first)]
    events += [message_delta(None, usage=usage) for usage in usages]
    events.append(message_delta(None))
    assert message_of(*events).usage.to_dict() == {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_creation_input_tokens": 0,
        "server_tool_use": {"web_search_requests": 1},
        "x": 1,
        "y": {"z": [1]},
    }


def test_usage_that_only_the_end_tells() -> None:
    message = message_of(message_start(), message_delta(usage={"output_tokens": 3}))
    assert message.usage.to_dict() == {"output_tokens": 3}
    assert message.usage.output_tokens == 3
    assert "usage" not in message_of(message_start(), message_delta(usage=None))


def test_a_fallback_renames_the_model() -> None:
    def fallback(index: int, to: dict[str, Any]) -> Event:
        return block_start(index, "fallback", **{"from": {"model": "a"}, "to": to})

    events = [message_start(model="a"), fallback(0, {"model": "b"})]
    assert message_of(*events).model == "b"
    assert message_of(*events, block_stop(0), fallback(1, {"model": "c"})).model == "c"
    for nameless in ({}, {"model": None}, {"model": 5}):
        assert message_of(*events, fallback(1, nameless)).model == "b"
    at_the_start = message_start(model="a", content=[fallback(0, {"model": "b"})["content_block"]])
    assert message_of(at_the_start).model == "b"
    odd = block_start(1, "odd", to={"model": "d"})
    assert message_of(*events, odd).model == "b"


def test_blocks_may_interleave() -> None:
    events = [
        message_start(),
        block_start(0, "text", text="a"),
        tool_start(1),
        block_start(2, "thinking", thinking="c"),
        block_delta(1, "input_json_delta", partial_json='{"b"'),
        block_delta(0, "text_delta", text="A"),
        block_stop(2),
        block_delta(1, "input_json_delta", partial_json=": 1}"),
        block_start(3, "text", text="d"),
        block_stop(1),
        block_delta(0, "text_delta", text="!"),
        block_stop(0),
    ]
    contents = [block.to_dict() for block in message_of(*events).content]
    assert contents == [
        {"type": "text", "text": "aA!"},
        {"type": "tool_use", "id": "t", "name": "look", "input": {"b": 1}},
        {"type": "thinking", "thinking": "c"},
        {"type": "text", "text": "d"},
    ]


# --- complete, over, failed, unfolded -----------------------------------------------------------


def test_is_complete_once_the_model_has_said_why_it_stopped() -> None:
    snapshot = fold([message_start()])
    assert not snapshot.is_complete
    snapshot = fold([message_delta(None, usage={"output_tokens": 1})], snapshot)
    assert not snapshot.is_complete
    snapshot = fold([message_delta("end_turn")], snapshot)
    assert snapshot.is_complete
    assert not snapshot.is_over
    snapshot = fold([message_delta(None)], snapshot)
    assert snapshot.is_complete
    assert snapshot.message.stop_reason is None


def test_is_complete_and_over_at_message_stop() -> None:
    snapshot = fold([message_start(), MESSAGE_STOP])
    assert snapshot.is_complete is True
    assert snapshot.is_over is True


def test_a_stop_reason_in_the_start_completes_nothing() -> None:
    assert not fold([message_start(stop_reason="end_turn")]).is_complete


def test_an_error_event_ends_the_stream_and_keeps_the_message() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Later"}, "x": 1}
    late = block_delta(0, "text_delta", text="x")
    snapshot = fold([*TEXT, error])
    assert snapshot.error.to_dict() == error
    assert snapshot.error.error.type == "overloaded_error"
    assert snapshot.is_over
    assert not snapshot.is_complete
    assert snapshot.unfolded == ()
    assert snapshot.message == fold(TEXT).message
    another = {"type": "error", "error": {"type": "api_error"}}
    after = fold([late, MESSAGE_STOP, another], snapshot)
    assert after.message == snapshot.message
    assert after.error == snapshot.error
    assert not after.is_complete
    assert [event.to_dict() for event in after.unfolded] == [late, MESSAGE_STOP, another]


def test_an_error_before_the_message() -> None:
    snapshot = fold([{"type": "error", "error": {"type": "api_error"}}, message_start()])
    assert snapshot.error.error.type == "api_error"
    assert snapshot.message is None
    assert [event.type for event in snapshot.unfolded] == ["message_start"]


def test_an_error_after_message_stop_is_only_kept() -> None:
    snapshot = fold([message_start(), MESSAGE_STOP, {"type": "error", "error": {}}])
    assert snapshot.error is None
    assert [event.type for event in snapshot.unfolded] == ["error"]


def test_unfolded_events_are_kept_in_order() -> None:
    early = [{"type": "odd", "x": 1}, block_stop(7), message_delta(), MESSAGE_STOP]
    inside = [{"type": "odd", "x": 2}, block_delta(0, "odd_delta", x={"y": []})]
    late = [message_start(id="msg_2"), block_delta(9, "text_delta", text="x"), {"type": "odd"}]
    events = [*early, *TEXT, *inside, block_stop(0), message_delta(), MESSAGE_STOP, *late]
    snapshot = fold(events)
    assert [event.to_dict() for event in snapshot.unfolded] == [*early, *inside, *late]
    assert isinstance(snapshot.unfolded[0], RawUnknownEvent)
    assert snapshot.message.to_dict() == message_of(*TEXT, message_delta()).to_dict()


def test_any_delta_of_an_unknown_block_is_kept_aside() -> None:
    deltas = [
        block_delta(0, "text_delta", text="x"),
        block_delta(0, "input_json_delta", partial_json="{"),
        block_delta(0, "odd_delta"),
    ]
    fields = {"text": "", "frames": [1]}
    snapshot = fold([message_start(), block_start(0, "hologram", **fields), *deltas, block_stop(0)])
    assert [event.to_dict() for event in snapshot.unfolded] == deltas
    assert snapshot.message.content[0].to_dict() == {"type": "hologram", **fields}


def test_deltas_of_other_blocks_do_not_open_closed_ones() -> None:
    snapshot = fold([*TEXT, block_stop(0), block_start(1, "text", text="b")])
    snapshot = fold([block_delta(1, "text_delta", text="c")], snapshot)
    assert [block.text for block in snapshot.message.content] == ["He", "bc"]


def test_reduce_takes_the_events_that_feed_gives() -> None:
    snapshot, events = reduce(fold(TEXT), block_delta(0, "text_delta", text="y"))
    assert isinstance(events[1], TextEvent)
    assert reduce(fold(TEXT), events[0]) == (snapshot, events)
