"""Hypothesis strategies for message streams: what the Messages API says, and what it might.

All of them draw plain JSON (dicts, lists, strings), as `json.loads` gives it, so that whatever
reads streams can be tested with them:

    blocks, messages                 the finished things, as the API returns them unstreamed
    raw_events                       one event of any kind, in no order
    streams                          the events of one stream that keeps the protocol
    faulty_streams                   the same with some of them dropped, repeated, moved or spoilt
    bodies                           the bytes of a stream, written in any way the standard allows
    cuts                             bytes, cut into chunks

Everything shrinks to the least of its kind: an empty message, a text block, one chunk. Strings hold
whatever JSON can say, lone halves of surrogate pairs included; but two halves that belong
together are one character, as in every JSON text.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

JSON = Any
Event = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

# --- text and open JSON -------------------------------------------------------------------------


def with_pairs_joined(string: str) -> str:
    """`string` with each two halves of a surrogate pair as the one character they are."""
    return string.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@cache
def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Strings: plain ones, and those with what JSON, SSE or UTF-8 have to treat with care."""
    careful = st.sampled_from('a "\\{}[]:,/\n\r\t\0\x7f\x85é€\u2028\ufeff\ufffd\ud83d\ude00😀')
    mixed = st.text(careful | st.characters(), max_size=max_size).map(with_pairs_joined)
    return st.sampled_from(["", "a", "Hello"]) | mixed


_floats = st.floats(allow_nan=False, allow_infinity=False)
_scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | _floats | texts()


@cache
def json_values(max_leaves: int = 5) -> st.SearchStrategy[JSON]:
    """Any JSON value."""
    return st.recursive(
        _scalars,
        lambda items: st.lists(items, max_size=3) | st.dictionaries(texts(4), items, max_size=3),
        max_leaves=max_leaves,
    )


@cache
def json_objects() -> st.SearchStrategy[dict[str, JSON]]:
    """Any JSON object."""
    return st.dictionaries(texts(4), json_values(3), max_size=3)


_odd_names = ["x", "mood", "_rest", "rest", "items", "from_", "snapshot", "input_json", "replace"]
"""Names of fields that the API does not have, some of them names that an implementation may use."""

_unknown_fields = {name: json_values(3) for name in _odd_names}


def objects(
    required: dict[str, st.SearchStrategy[JSON]],
    optional: dict[str, st.SearchStrategy[JSON]] | None = None,
) -> st.SearchStrategy[dict[str, JSON]]:
    """Objects with these fields, and sometimes with fields that nobody knows."""
    known = st.sampled_from(sorted(optional)) if optional else st.nothing()
    unknown = st.sampled_from(_odd_names)
    names = st.lists(known | known | known | unknown, max_size=3 if optional else 1, unique=True)
    return _with_fields(required, {**_unknown_fields, **(optional or {})}, names)


@st.composite
def _with_fields(
    draw: Draw,
    required: dict[str, st.SearchStrategy[JSON]],
    others: dict[str, st.SearchStrategy[JSON]],
    names: st.SearchStrategy[list[str]],
) -> dict[str, JSON]:
    made = {name: draw(values) for name, values in required.items()}
    return {**made, **{name: draw(others[name]) for name in draw(names)}}


def tagged(
    kind: str,
    required: dict[str, st.SearchStrategy[JSON]] | None = None,
    optional: dict[str, st.SearchStrategy[JSON]] | None = None,
) -> st.SearchStrategy[dict[str, JSON]]:
    """Objects of this `type`."""
    return objects({"type": st.just(kind), **(required or {})}, optional)


_counts = st.integers(0, 5000)
_maybe_text = st.none() | texts()
_maybe_object = st.none() | json_objects()
_models = st.sampled_from(["claude-opus-4-6", "claude-haiku-4-5", "claude-next"])

_ODD_TYPES = ["hologram", "tex", "", "message", "a\nb", "\r", "\ud83d", " x", "é:"]
"""Types that no version knows."""
_odd_types = st.sampled_from(_ODD_TYPES)

# --- citations ----------------------------------------------------------------------------------

_of_document = {"document_title": _maybe_text, "file_id": _maybe_text}


@cache
def citations() -> st.SearchStrategy[dict[str, JSON]]:
    """A citation of any kind, an unknown one included."""
    cited = {"cited_text": texts()}
    document = {**cited, "document_index": _counts}
    blocks = {"start_block_index": _counts, "end_block_index": _counts}
    return st.one_of(
        tagged(
            "char_location",
            {**document, "start_char_index": _counts, "end_char_index": _counts},
            _of_document,
        ),
        tagged(
            "page_location",
            {**document, "start_page_number": _counts, "end_page_number": _counts},
            _of_document,
        ),
        tagged("content_block_location", {**document, **blocks}, _of_document),
        tagged(
            "search_result_location",
            {**cited, **blocks, "source": texts(), "search_result_index": _counts},
            {"title": _maybe_text},
        ),
        tagged(
            "web_search_result_location",
            {**cited, "url": texts(), "encrypted_index": texts()},
            {"title": _maybe_text},
        ),
        tagged("hologram_location", {"frame": json_values()}),
    )


# --- content blocks -----------------------------------------------------------------------------

_ids = st.sampled_from(["toolu_1", "toolu_2"])
_caller = {"caller": st.none() | tagged("direct") | tagged("code_execution", {"tool_id": _ids})}
_error_results = tagged("tool_result_error", {"error_code": texts()})
_tools: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tool_use": ({}, {**_caller, "toolset_name": _maybe_text}),
    "server_tool_use": ({}, _caller),
    "mcp_tool_use": ({"server_name": texts()}, {}),
}


def _tool_blocks(inputs: st.SearchStrategy[JSON]) -> st.SearchStrategy[dict[str, JSON]]:
    def one(kind: str) -> st.SearchStrategy[dict[str, JSON]]:
        required, optional = _tools[kind]
        fields = {"id": _ids, "name": texts(), "input": inputs, **required}
        return tagged(kind, fields, optional)

    return st.one_of([one(kind) for kind in _tools])


@cache
def _result_blocks() -> st.SearchStrategy[dict[str, JSON]]:
    """What the API's own tools give: blocks that come whole."""
    result = {"tool_use_id": _ids, "content": _error_results | json_objects()}
    found = st.lists(tagged("web_search_result", {"url": texts(), "title": texts()}), max_size=2)
    parts = st.lists(tagged("text", {"text": texts()}), max_size=2)
    return st.one_of(
        tagged("web_search_tool_result", {**result, "content": found | _error_results}, _caller),
        tagged("web_fetch_tool_result", result, _caller),
        tagged("code_execution_tool_result", result),
        tagged("bash_code_execution_tool_result", result),
        tagged("text_editor_code_execution_tool_result", result),
        tagged("tool_search_tool_result", result),
        tagged("advisor_tool_result", result),
        tagged(
            "mcp_tool_result",
            {"tool_use_id": _ids, "content": texts() | parts, "is_error": st.booleans()},
        ),
        tagged("mcp_tool_listing", {"mcp_server_name": texts(), "tools": parts}),
        tagged("container_upload", {"file_id": texts()}),
        tagged("redacted_thinking", {"data": texts()}),
    )


@cache
def _fallback_blocks() -> st.SearchStrategy[dict[str, JSON]]:
    """The place where another model takes over. Some do not name it."""
    named = objects({"model": _models})
    nameless = objects({}) | objects({"model": st.none() | _counts})
    return tagged(
        "fallback",
        {"from": named | nameless, "to": named | nameless},
        {"trigger": _maybe_object},
    )


@cache
def _unknown_blocks() -> st.SearchStrategy[dict[str, JSON]]:
    return objects({"type": _odd_types}, {"text": texts(), "content": json_values()})


_compaction_fields = {
    "content": _maybe_text,
    "encrypted_content": _maybe_text,
    "signature": _maybe_text,
    "tool_changes": st.none() | st.lists(json_objects(), max_size=2),
}


@cache
def _blocks_of_one_model() -> st.SearchStrategy[dict[str, JSON]]:
    return st.one_of(
        tagged(
            "text", {"text": texts()}, {"citations": st.none() | st.lists(citations(), max_size=2)}
        ),
        tagged("thinking", {"thinking": texts()}, {"signature": st.none() | texts()}),
        _tool_blocks(st.just({}) | json_objects() | json_values()),
        _result_blocks(),
        tagged("compaction", {}, _compaction_fields),
        _unknown_blocks(),
    )


@cache
def blocks() -> st.SearchStrategy[dict[str, JSON]]:
    """A finished content block of any kind."""
    return _blocks_of_one_model() | _fallback_blocks()


# --- usage and the message ----------------------------------------------------------------------

_cache_creation = st.none() | objects(
    {}, {"ephemeral_5m_input_tokens": _counts, "ephemeral_1h_input_tokens": _counts}
)
_iterations = st.lists(
    objects(
        {},
        {
            "type": st.sampled_from(["message", "compaction", "advisor_message"]),
            "input_tokens": _counts,
            "output_tokens": _counts,
            "cache_creation_input_tokens": _counts,
            "cache_read_input_tokens": _counts,
            "cache_creation": _cache_creation,
            "model": _models,
        },
    ),
    max_size=2,
)
_totals = {
    "input_tokens": st.none() | _counts,
    "output_tokens": st.none() | _counts,
    "cache_creation_input_tokens": st.none() | _counts,
    "cache_read_input_tokens": st.none() | _counts,
    "cache_creation": _cache_creation,
    "server_tool_use": st.none()
    | objects({}, {"web_search_requests": _counts, "web_fetch_requests": _counts}),
    "output_tokens_details": st.none() | objects({}, {"thinking_tokens": _counts}),
    "iterations": st.none() | _iterations,
    "fallback_credit": _maybe_object,
    "energy_wh": st.none() | _floats,
}
_usages = objects(
    {},
    {
        **_totals,
        "service_tier": st.none() | texts(),
        "inference_geo": st.none() | texts(),
        "speed": st.none() | texts(),
    },
)
_stop_reasons = st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal", "weariness"])
_stop_details = (
    st.none()
    | tagged("refusal", {}, {"category": _maybe_text, "explanation": _maybe_text})
    | tagged("weariness", {"since": _counts})
)
_containers = st.none() | objects(
    {"id": texts()},
    {"expires_at": _maybe_text, "skills": st.none() | st.lists(json_objects(), max_size=2)},
)
_stop_fields = {
    "stop_reason": st.none() | _stop_reasons,
    "stop_sequence": _maybe_text,
    "stop_details": _stop_details,
}
_transformations = st.none() | st.lists(json_objects(), max_size=2)


def _heads(content: st.SearchStrategy[list[JSON]]) -> st.SearchStrategy[dict[str, JSON]]:
    return tagged(
        "message",
        {
            "id": st.sampled_from(["msg_1", "msg_2"]),
            "role": st.just("assistant"),
            "model": _models,
            "content": content,
        },
        {
            **_stop_fields,
            "usage": _usages,
            "container": _containers,
            "context_management": _maybe_object,
            "input_transformations": _transformations,
            "diagnostics": _maybe_object,
        },
    )


@cache
def messages() -> st.SearchStrategy[dict[str, JSON]]:
    """A message as the API returns it unstreamed. Its model is the one that answered last."""

    def name_model(message: dict[str, JSON]) -> dict[str, JSON]:
        for block in message["content"]:
            if block["type"] == "fallback" and isinstance(block["to"].get("model"), str):
                message["model"] = block["to"]["model"]
        return message

    return _heads(st.lists(blocks(), max_size=3)).map(name_model)


# --- scripts: how one block comes ---------------------------------------------------------------

_unknown_deltas = objects({"type": st.sampled_from(["sparkle_delta", "", "text"])})
_text_deltas = tagged("text_delta", {"text": texts()})
_citations_deltas = tagged("citations_delta", {"citation": citations()})
_thinking_deltas = tagged(
    "thinking_delta", {"thinking": texts()}, {"estimated_tokens": st.none() | _counts}
)
_signature_deltas = tagged("signature_delta", {"signature": texts()})
_compaction_deltas = tagged(
    "compaction_delta", {}, {"content": _maybe_text, "encrypted_content": _maybe_text}
)

Script = tuple[Event, list[Event], bool]
"""A block as it starts, its deltas, and whether it stops."""


def _scripts_of(
    starts: st.SearchStrategy[Event], deltas: st.SearchStrategy[Event] | None = None
) -> st.SearchStrategy[Script]:
    some = st.just([]) if deltas is None else st.lists(deltas, max_size=4)
    return st.tuples(starts, some, st.just(True))


_ways_to_write = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


_any_input = st.just({}) | json_objects() | json_values()  # which models do write


@st.composite
def _input_texts(draw: Draw) -> str:
    """The JSON text of a tool's input, as one or another serialiser writes it."""
    ascii_only, separators = draw(st.booleans()), draw(_ways_to_write)
    return json.dumps(draw(_any_input), ensure_ascii=ascii_only, separators=separators)


_tool_starts = _tool_blocks(st.just({}) | json_objects())
_ends_of_tools = st.sampled_from(["whole", "no input", "cut"])


@st.composite
def _tool_scripts(draw: Draw) -> Script:
    """A tool's input in pieces that are cut anywhere, or none, or cut for good."""
    start, end = draw(_tool_starts), draw(_ends_of_tools)
    if end == "no input":
        return start, [], True
    text = draw(_input_texts())
    ends = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    ends += [len(text)] if end == "whole" else []
    pieces = [text[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return start, deltas, end == "whole"


_scripts = st.one_of(
    _scripts_of(
        tagged(
            "text",
            {"text": st.just("") | texts()},
            {"citations": st.none() | st.lists(citations(), max_size=1)},
        ),
        _text_deltas | _citations_deltas | _unknown_deltas,
    ),
    _tool_scripts(),
    _scripts_of(
        tagged("thinking", {"thinking": st.just("") | texts()}, {"signature": st.just("")}),
        _thinking_deltas | _signature_deltas | _unknown_deltas,
    ),
    _scripts_of(tagged("compaction", {}, _compaction_fields), _compaction_deltas),
    _scripts_of(_fallback_blocks()),
    _scripts_of(_result_blocks()),
    _scripts_of(_unknown_blocks(), _text_deltas | _unknown_deltas),
)


# --- events -------------------------------------------------------------------------------------

_pings = tagged("ping")
_unknown_events = objects({"type": _odd_types}, {"index": json_values(), "message": json_values()})
_errors = tagged(
    "error",
    {
        "error": objects(
            {}, {"type": st.sampled_from(["overloaded_error", "api_error"]), "message": texts()}
        )
    },
)


@cache
def _message_deltas(*, last: bool) -> st.SearchStrategy[Event]:
    reasons = {"stop_reason": _stop_reasons} if last else {}
    delta = objects(
        reasons,
        {
            **({} if last else {"stop_reason": st.none()}),
            "stop_sequence": _maybe_text,
            "stop_details": _stop_details,
            "container": _containers,
        },
    )
    return tagged(
        "message_delta",
        {"delta": delta},
        {
            "usage": st.none() | objects({}, _totals),
            "context_management": _maybe_object,
            "input_transformations": _transformations,
        },
    )


_inner_message_deltas = _message_deltas(last=False)
_last_message_deltas = _message_deltas(last=True)
_message_stops = tagged("message_stop")
_block_stops = tagged("content_block_stop")
_deltas = st.one_of(
    _text_deltas,
    tagged("input_json_delta", {"partial_json": texts() | _input_texts()}),
    _citations_deltas,
    _thinking_deltas,
    _signature_deltas,
    _compaction_deltas,
    _unknown_deltas,
)
_index = {"index": st.integers(0, 3)}
_early_events = st.one_of(
    _pings,
    _unknown_events,
    tagged("content_block_start", {**_index, "content_block": blocks()}),
    tagged("content_block_delta", {**_index, "delta": _deltas}),
    tagged("content_block_stop", _index),
    _inner_message_deltas,
    _last_message_deltas,
    _message_stops,
)
"""Those that mean nothing before the message has started."""

_message_starts = tagged(
    "message_start",
    {"message": _heads(st.just([]) | st.lists(_blocks_of_one_model(), max_size=1))},
)


@cache
def raw_events() -> st.SearchStrategy[Event]:
    """One event of any kind, each field right in itself, whatever came before."""
    starts = tagged("message_start", {"message": messages()})
    return st.one_of(_early_events, starts, _errors)


# --- streams ------------------------------------------------------------------------------------


@st.composite
def _content(draw: Draw, scripts: list[Script], first: int) -> list[Event]:
    """The events of these blocks, interleaved in any way that keeps each one's order."""
    waiting = list(scripts)
    playing: list[tuple[int, list[Event], bool]] = []
    events: list[Event] = []
    while waiting or playing:
        choices = len(playing) + bool(waiting)
        chosen = draw(st.integers(0, choices - 1)) if choices > 1 else 0
        if chosen == len(playing):
            start, deltas, stops = waiting.pop(0)
            index = first + len(scripts) - len(waiting) - 1
            events.append({"type": "content_block_start", "index": index, "content_block": start})
            playing.append((index, list(deltas), stops))
            continue
        index, deltas, stops = playing[chosen]
        if deltas:
            delta = deltas.pop(0)
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
            continue
        if stops:
            events.append({**draw(_block_stops), "index": index})
        del playing[chosen]
    return events


@st.composite
def streams(draw: Draw, *, complete: bool = False) -> list[Event]:
    """The events of a stream that keeps the protocol, of every kind there is.

    Args:
        complete: only streams that come to their end; otherwise some are cut, and some fail.
    """
    start = draw(_message_starts)
    scripts = draw(_some_scripts)
    inside = draw(_content(scripts, len(start["message"]["content"])))
    inside.append(draw(_last_message_deltas))
    for position, event in draw(_some_noise):
        inside.insert(position % (len(inside) + 1), event)
    before, after = draw(_some_early), draw(_some_late)
    events = [*before, start, *inside, draw(_message_stops)]
    ending = "whole" if complete else draw(_endings)
    if ending == "whole":
        return events + after
    events = events[: draw(st.integers(0, len(events)))]
    return events if ending == "cut" else [*events, draw(_errors), *after]


_some_scripts = st.lists(_scripts, max_size=4)
_some_noise = st.lists(
    st.tuples(st.integers(0, 30), st.one_of(_pings, _unknown_events, _inner_message_deltas)),
    max_size=2,
)
_some_early = st.just([]) | st.lists(_early_events, max_size=2)
_some_late = st.just([]) | st.lists(raw_events(), max_size=2)
_endings = st.sampled_from(["whole", "cut", "error"])


# --- what breaks the protocol -------------------------------------------------------------------


def _places(value: JSON, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside of `value`."""
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return []
    return [place for key, item in items for place in ((*path, key), *_places(item, (*path, key)))]


_other_values = st.sampled_from([None, 0, True, "", -1, 1.5, [], {}, [0], ["a"], {"type": "text"}])


@st.composite
def spoilt(draw: Draw, event: Event) -> Event:
    """`event` without one of its fields, or with a value of any type in its place."""
    event = copy.deepcopy(event)
    path = draw(st.sampled_from(_places(event)))
    holder = event
    for key in path[:-1]:
        holder = holder[key]
    if draw(st.booleans()):
        del holder[path[-1]]
    else:
        holder[path[-1]] = draw(_other_values)
    return event


@st.composite
def faulty_streams(draw: Draw) -> list[Event]:
    """A stream in which something is missing, doubled, out of place or not what it should be."""
    events = list(draw(streams(complete=True)))
    for _ in range(draw(st.integers(1, 2))):
        position = draw(st.integers(0, len(events) - 1))
        change = draw(st.sampled_from(["spoil", "drop", "repeat", "swap", "insert", "move"]))
        if change == "spoil" and events[position]:
            events[position] = draw(spoilt(events[position]))
        elif change == "drop" and len(events) > 1:
            del events[position]
        elif change == "repeat":
            events.insert(position, events[position])
        elif change == "swap":
            other = draw(st.integers(0, len(events) - 1))
            events[position], events[other] = events[other], events[position]
        elif change == "insert":
            events.insert(position, draw(raw_events()))
        elif "index" in events[position]:
            events[position] = {**events[position], "index": draw(st.integers(-1, 4))}
    return events


# --- bytes --------------------------------------------------------------------------------------


@st.composite
def bodies(draw: Draw, events: list[Event]) -> bytes:
    """These events as the body of a response, in any way that JSON and the SSE standard allow."""
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : ")]))
    ascii_only = draw(st.booleans())
    lines = []
    for event in events:
        fields = dict(reversed(event.items())) if draw(st.booleans()) else event
        data = json.dumps(fields, ensure_ascii=ascii_only, separators=separators)
        if not ascii_only and any("\ud800" <= character <= "\udfff" for character in data):
            data = json.dumps(fields, separators=separators)
        extra = draw(st.sampled_from(["", "", ": comment", "id: 1", "retry: 9", "unknown: x", "y"]))
        padding = draw(st.sampled_from(["", "", " ", "\t"]))
        kind = event.get("type")
        named = isinstance(kind, str) and kind.isidentifier() and draw(st.booleans())
        lines += [extra] if extra else []
        lines += [f"event: {kind}"] if named else []
        lines += [f"data: {padding}{data}{padding}", ""]
    marks = draw(st.sampled_from(["", "", "\ufeff"]))
    return (marks + "".join(line + newline for line in lines)).encode()


@st.composite
def cuts(draw: Draw, data: bytes) -> list[bytes]:
    """`data` in chunks, cut anywhere; some of them may be empty."""
    ends = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    ends.append(len(data))
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@st.composite
def damaged(draw: Draw, data: bytes) -> bytes:
    """`data` with some bytes flipped, dropped, repeated or put elsewhere."""
    damage = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        if not damage:
            break
        start = draw(st.integers(0, len(damage) - 1))
        end = min(len(damage), start + draw(st.integers(1, 40)))
        how = draw(st.sampled_from(["flip", "drop", "repeat", "move", "write"]))
        piece = damage[start:end]
        if how == "flip":
            damage[start] ^= 1 << draw(st.integers(0, 7))
        elif how == "drop":
            del damage[start:end]
        elif how == "repeat":
            damage[start:start] = piece
        elif how == "move":
            del damage[start:end]
            target = draw(st.integers(0, len(damage)))
            damage[target:target] = piece
        else:
            damage[start:end] = draw(
                st.binary(max_size=4) | st.sampled_from([b"\n\n", b"\r", b'"'])
            )
    return bytes(damage)
