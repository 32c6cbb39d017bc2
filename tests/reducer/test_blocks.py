"""Starts and stops of blocks against their slow twin, which goes through the whole JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import (
    ProtocolError,
    Snapshot,
    StreamState,
    drain,
    encode_sse,
    feed,
    fold,
    parse_event,
    reduce,
)
from streamfold.reducer.blocks import fold_boundary
from streamfold.reducer.sse import ServerSentEvent

from tests.support.effort import effort
from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    input_delta,
    message_start,
    text_block,
    text_delta,
    tool_block,
)

TEXT = '{"type":"text","text":""}'
THINKING = '{"type":"thinking","thinking":"","signature":""}'
CITED = ['{"type":"text","text":"","citations":[]}', '{"citations":[],"type":"text","text":""}']


def tool(tool_id: str = "toolu_1", name: str = "look", caller: str = "", kind: str = "tool") -> str:
    return f'{{"type":"{kind}_use","id":"{tool_id}","name":"{name}","input":{{}}{caller}}}'


DIRECT = ',"caller":{"type":"direct"}'
TOOLS = [
    tool(kind=kind, caller=caller) for kind in ("tool", "server_tool") for caller in ("", DIRECT)
]
RECOGNISED = [TEXT, THINKING, *CITED, *TOOLS]
OTHERS = [
    tool(tool_id="é\\u00fc\\\\"),
    tool(name="\\n"),
    tool(name="\t"),
    tool(tool_id=""),
    tool(name=""),
    tool(caller=',"caller":null'),
    tool(caller=',"toolset_name":"x"'),
    tool(kind="mcp_tool"),
    tool().replace('"look"', "7"),
    tool().replace("{}", '{"a":1}'),
    tool().replace('"toolu_1"', 'null,"x":"id":"y"'),
    '{"text":"","type":"text"}',
    '{"type":"text","text":"So "}',
    '{"type":"text"}',
    '{"type":"text","text":""',
    '{"type":"redacted_thinking","data":""}',
    '{"type":"hologram","text":""}',
    "[]",
    "7",
]


def start(index: int, block: str, spaces: int = 0) -> str:
    """The data of a start, with the spaces that the API puts before the last brace."""
    return f'{{"type":"content_block_start","index":{index},"content_block":{block}{" " * spaces}}}'


def stop(index: object, spaces: int = 0) -> str:
    return f'{{"type":"content_block_stop","index":{index}{" " * spaces}}}'


def wire(data: str) -> str:
    """The server-sent event with this data, as the API writes it."""
    name = "content_block_start" if "start" in data else "content_block_stop"
    return f"event: {name}\ndata: {data}\n\n"


def one_by_one(snapshot: Snapshot, datas: list[str]) -> tuple[Any, Any, str]:
    """The slow twin of `feed`: the snapshot, the events, and the text of the fault."""
    events: list[Any] = []
    try:
        for data in datas:
            snapshot, derived = reduce(snapshot, parse_event(ServerSentEvent(data=data)))
            events += derived
    except ProtocolError as fault:
        return snapshot, events, str(fault)
    return snapshot, events, ""


spaces = st.sampled_from([0, 0, 1, 7])
blocks = st.sampled_from(RECOGNISED * 2 + OTHERS)
indexes: st.SearchStrategy[Any] = st.sampled_from([0, 0, 0, 1, 1, 2, 2, "00", "-1", "1 0", "", "x"])
starts = st.builds(start, st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3]), blocks, spaces)
stops = st.builds(stop, indexes, spaces)
rare = st.sampled_from(
    [
        start(0, TEXT) + " ",
        start(0, TEXT)[:-1],
        start(0, TEXT)[:-2],
        stop(0) + " ",
        stop(0)[:-1],
        stop("0}"),
        stop('0,"x":1'),
        stop("0\t"),
        json.dumps(block_start(0, "text", text="")),
        json.dumps(MESSAGE_STOP),
        '{"type":"error","error":{"type":"api_error","message":"no"}}',
        *(
            json.dumps(delta, separators=(",", ":"))
            for delta in (
                text_delta(0, "a"),
                input_delta(0, '{"a": 1}'),
                input_delta(0, '{"a": '),
                input_delta(0, "?"),
                block_delta(0, "thinking_delta", thinking="b"),
                block_delta(0, "signature_delta", signature="c"),
            )
        ),
    ]
)


def at_once(state: StreamState, chunk: bytes) -> tuple[Any, Any, str]:
    try:
        state, events = feed(state, chunk)
    except ProtocolError as fault:
        return fault.snapshot, list(fault.events), str(fault)
    return state.snapshot, list(events), ""


def drained(state: StreamState, chunk: bytes) -> tuple[Any, str]:
    try:
        return drain(state, chunk).snapshot, ""
    except ProtocolError as fault:
        return fault.snapshot, str(fault)


@effort(800)
@given(st.lists(starts | stops | rare, max_size=8), st.booleans(), st.data())
def test_starts_and_stops_are_folded_as_in_the_general_way(
    datas: list[str], begun: bool, data: st.DataObject
) -> None:
    """The events come in whole chunks, with a type or without."""
    state, _ = feed(StreamState(), encode_sse([message_start()] if begun else []))
    chunk = "".join(
        data.draw(st.sampled_from([wire(one)] * 9 + [f"data: {one}\n\n"])) for one in datas
    ).encode()
    expected = one_by_one(state.snapshot, datas)
    assert at_once(state, chunk) == expected
    assert drained(state, chunk) == (expected[0], expected[2])


BEGUN = fold([message_start()])


def folded(snapshot: Snapshot, data: str, events: list[Any] | None) -> Snapshot | None:
    """The snapshot after a start or a stop; `None` if it must go the general way."""
    text = f"event: ping\ndata: {{}}\n\n{wire(data)}"
    begin = text.index("event: content")
    end, after, count = fold_boundary(snapshot, text, begin, events)
    if not count:
        assert (end, after) == (begin, snapshot)
        return None
    assert (end, count) == (len(text), 1)
    return after


@pytest.mark.parametrize("spaces", [0, 4])
@pytest.mark.parametrize("block", RECOGNISED)
def test_the_spelling_of_the_api_is_recognised(block: str, spaces: int) -> None:
    events: list[Any] = []
    started = folded(BEGUN, start(0, block, spaces), events)
    assert started is not None
    stopped = folded(started, stop(0, spaces), events)
    assert stopped is not None
    assert (stopped, events) == one_by_one(BEGUN, [start(0, block), stop(0)])[:2]
    assert events[0].content_block.to_dict() == json.loads(block)
    assert folded(BEGUN, start(0, block), None) == started


@pytest.mark.parametrize("block", OTHERS)
def test_any_other_spelling_goes_the_general_way(block: str) -> None:
    events: list[Any] = []
    assert folded(BEGUN, start(0, block), events) is None
    assert events == []


@pytest.mark.parametrize(
    "text",
    [
        wire(stop(0))[1:],
        wire(stop(0)).replace("data: ", "data:"),
        wire(stop(0)).replace("stop\n", "stop\nid: 1\n"),
        wire(stop(0)).replace("}\n", "}\ndata: \n"),
        wire(stop(0)).replace("event: content_block_stop", "event: content_block_start"),
        wire(start(0, TEXT)).partition("\n")[2],
    ],
)
def test_any_other_form_of_the_event_goes_the_general_way(text: str) -> None:
    snapshot = fold([block_start(0, "text", text="")], BEGUN)
    assert fold_boundary(snapshot, text, 0, None) == (0, snapshot, 0)
    assert fold_boundary(BEGUN, text, 0, None) == (0, BEGUN, 0)


def test_events_that_are_out_of_place_go_the_general_way() -> None:
    opened = fold([block_start(0, "text", text="")], BEGUN)
    two = fold([block_start(1, "text", text="")], opened)
    over = fold([MESSAGE_STOP], opened)
    for snapshot, data in [
        (Snapshot(), start(0, TEXT)),
        (Snapshot(), stop(0)),
        (BEGUN, start(1, TEXT)),
        (BEGUN, stop(0)),
        (opened, start(0, TEXT)),
        (opened, stop(1)),
        (opened, stop("00")),
        (opened, stop("\u0660")),  # a digit to Python
        (two, stop(1)),
        (over, stop(0)),
        (over, start(1, TEXT)),
        (fold([*tool_block(0, "{")[:-1]], BEGUN), stop(0)),
    ]:
        assert folded(snapshot, data, None) is None


def test_a_block_starts_beside_others() -> None:
    snapshot = BEGUN
    for index in range(40):
        after = folded(snapshot, start(index, TEXT), None)
        assert after is not None
        snapshot = after
    assert snapshot == fold([block_start(index, "text", text="") for index in range(40)], BEGUN)
    assert snapshot.open_blocks == tuple(range(40))


def test_the_blocks_of_many_streams_do_not_meet() -> None:
    """All empty blocks of a kind start from the same values."""
    streams = [encode_sse([message_start(), *text_block(0, piece)]) for piece in "ab"]
    first, second = (feed(StreamState(), stream) for stream in streams)
    assert [event.content_block.text for event in (first[1][-1], second[1][-1])] == ["a", "b"]
    assert first[1][1].content_block == second[1][1].content_block
    assert first[1][1].content_block.text == ""


def test_a_snapshot_with_an_unknown_partial_mode_starts_blocks_the_general_way() -> None:
    mode: Any = "off"
    begun = feed(StreamState(snapshot=Snapshot(partial_mode=mode)), encode_sse([message_start()]))
    events = [*text_block(0, "a"), *tool_block(1, '{"a": "b"}')]
    state, _ = feed(begun[0], encode_sse(events))
    assert state.snapshot == fold(events, begun[0].snapshot)
    assert state.snapshot.partial_mode == mode
