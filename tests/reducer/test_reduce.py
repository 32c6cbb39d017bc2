"""The fold, event by event: against the model, as a pure function, and rule by rule."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    ContentBlockStopEvent,
    InvalidToolInputError,
    MessageStopEvent,
    ProtocolError,
    RawPingEvent,
    RawUnknownEvent,
    ServerSentEvent,
    Snapshot,
    TextEvent,
    fold,
    parse_event,
    reduce,
)

from tests.support.effort import effort
from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    tool_start,
)
from tests.support.model import (
    TEXT,
    FaultError,
    Model,
    derived_from,
    described,
    message_of,
    parsed,
    reduced,
)
from tests.support.strategies import any_event, faulty_streams, streams

Event = dict[str, Any]
MODES = ["on", "trailing-strings"]


def all_streams() -> st.SearchStrategy[list[Event]]:
    return streams() | faulty_streams()


# --- against the model --------------------------------------------------------------------------


@effort(400)
@given(events=all_streams(), mode=st.sampled_from(MODES))
def test_the_model_gives_the_same(events: list[Event], mode: Any) -> None:
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
        assert snapshot.open_blocks == tuple(sorted(model.open))
    assert (snapshot.message and snapshot.message.to_dict()) == model.message
    assert [event.to_dict() for event in snapshot.unfolded] == model.unfolded
    assert (snapshot.error and snapshot.error.to_dict()) == model.error
    assert snapshot.is_over is model.is_over
    assert snapshot.partial_mode == mode


@effort(100)
@given(events=streams(), mode=st.sampled_from(MODES))
def test_the_model_gives_the_same_of_every_message_on_the_way(
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
    """A value as JSON text, which cannot change later."""
    return json.dumps(value and value.to_dict())


@effort(150)
@given(data=st.data(), events=all_streams())
def test_kept_values_never_change(data: st.DataObject, events: list[Event]) -> None:
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
        if data.draw(st.booleans()):  # reading a message must not change anything
            messages.append((snapshot, picture(snapshot.message)))
    for _ in range(3):  # other continuations of an older snapshot
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


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_do_not_see_each_other(name: str) -> None:
    common, branches = BRANCHES[name]
    trunk = fold([message_start(), *common])
    trunk_was = picture(trunk)
    # The first branch may grow in place, the second must not.
    results = [reduce(trunk, branch) for branch in branches]
    results += [reduce(trunk, branch) for branch in reversed(branches)]
    for branch, (snapshot, derived) in zip([*branches, *branches[::-1]], results, strict=True):
        alone = reduced([message_start(), *common, branch])
        assert snapshot == alone.snapshot
        assert picture(snapshot) == picture(alone.snapshot)
        assert derived == alone.events[-len(derived) :]
    assert results[0][0] == results[3][0] != results[1][0] == results[2][0]
    assert picture(trunk) == trunk_was


@effort(150)
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


@effort(100)
@given(events=streams(), data=st.data())
def test_fold_goes_on_from_any_snapshot(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    first = fold(iter(events[:cut]))
    assert fold((parsed(event) for event in events[cut:]), first) == fold(events)


@effort(100)
@given(events=streams())
def test_a_mapping_and_the_event_it_describes_fold_alike(events: list[Event]) -> None:
    assert reduced(events) == reduced([parsed(event) for event in events])


@effort(50)
@given(events=streams())
def test_the_same_input_gives_the_same_output(events: list[Event]) -> None:
    first, second = reduced(events), reduced(copy.deepcopy(events))
    assert first == second
    assert picture(first.snapshot) == picture(second.snapshot)
    assert repr(first) == repr(second)


def test_a_snapshot_shares_nothing_with_the_mappings_it_was_folded_from() -> None:
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
def test_a_value_that_is_not_an_event_is_a_type_error(event: Any) -> None:
    expected = (
        "a raw event must be a RawEvent, a mapping or an event of the official client, "
        f"not {type(event).__name__}"
    )
    with pytest.raises(TypeError) as caught:
        reduce(Snapshot(), event)
    assert str(caught.value) == expected
    with pytest.raises(TypeError):
        fold([event])


# --- the snapshot as a value --------------------------------------------------------------------


# --- what each event gives, in order ------------------------------------------------------------


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
    assert derived_from(*events) == [events[-1]]


def test_a_ping_gives_nothing_and_changes_nothing() -> None:
    for before in ([], [message_start()], TEXT, [message_start(), MESSAGE_STOP]):
        for ping in ({"type": "ping"}, {"type": "ping", "x": 1}, RawPingEvent()):
            assert reduce(fold(before), ping) == (fold(before), ())


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


def message_deltas_with(name: str, value: Any) -> tuple[Event, Event]:
    """A message_delta event with `value` in its right place, and one with it in the wrong place."""
    in_delta = {"type": "message_delta", "delta": {name: value}}
    beside_delta = {"type": "message_delta", "delta": {}, name: value}
    return (in_delta, beside_delta) if name == "container" else (beside_delta, in_delta)


@pytest.mark.parametrize("name", REPLACED_UNLESS_NULL)
@pytest.mark.parametrize("first", [[], [None], [{"id": "old", "x": 1}]])
def test_fields_that_replace_unless_they_are_null(name: str, first: list[Any]) -> None:
    value = REPLACED_UNLESS_NULL[name]
    begun = message_start(**dict(zip([name], first, strict=False)))
    placed, misplaced = message_deltas_with(name, value)
    null, _ = message_deltas_with(name, None)
    assert message_of(begun, placed).to_dict() == {**begun["message"], name: value}
    assert message_of(begun, null).to_dict() == begun["message"]
    assert message_of(begun, misplaced).to_dict() == begun["message"]
    assert message_of(begun, placed, null).to_dict()[name] == value


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


def test_usage_that_comes_only_at_the_end() -> None:
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


def test_is_complete_with_the_stop_reason() -> None:
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


def test_a_stop_without_a_reason_completes_nothing() -> None:
    snapshot = fold([message_start(), MESSAGE_STOP])
    assert snapshot.is_complete is False
    assert snapshot.is_over is True


def test_is_complete_and_over_at_message_stop() -> None:
    snapshot = fold([message_start(stop_reason="end_turn"), MESSAGE_STOP])
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


def test_reduce_accepts_the_events_of_feed() -> None:
    snapshot, events = reduce(fold(TEXT), block_delta(0, "text_delta", text="y"))
    assert isinstance(events[1], TextEvent)
    assert reduce(fold(TEXT), events[0]) == (snapshot, events)
