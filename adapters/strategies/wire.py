"""The bytes of a stream, in every form that the standard of server-sent events allows; and chunks.

Source: WHATWG HTML, "Interpreting an event stream".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, Literal, cast, get_args

from hypothesis import strategies as st

from .block_deltas import json_separators, seldom
from .cuts import cuts
from .faults import BrokenStream
from .grammar import JSON, Draw, Strategy
from .messages import chosen_from
from .streams import raw_events

__all__ = ["FORMS", "Form", "chunked", "wire"]

Form = Literal[
    "crlf", "cr", "bom", "comments", "fields", "nameless", "multi_line", "spelled", "unspaced"
]
FORMS: tuple[Form, ...] = get_args(Form)
"""Forms of the bytes. Each decodes to the same events:

    crlf        lines end with CRLF
    cr          lines end with CR
    bom         the body begins with a byte order mark
    comments    comments stand between the events
    fields      events have `id`, `retry` or unknown fields
    nameless    events have no `event` field
    multi_line  the JSON is split over several `data` lines
    spelled     the JSON has other escapes, white space and order of fields
    unspaced    no space after a field's colon, or more than one
"""

_LINE_ENDS = {"crlf": "\r\n", "cr": "\r"}
_OF_A_BODY = ("crlf", "cr", "bom")
_extra_fields = st.sampled_from(["id: 1", "retry: 9", "unknown: x", "y", "id"])
_comments = st.sampled_from([":", ": comment", ":data: {}"])
_gaps = st.sampled_from(["", "  ", " \t"])


def _lines(draw: Draw, event: Mapping[str, JSON] | str, forms: Collection[str]) -> list[str]:
    """The lines of one event."""
    lines = [draw(_comments)] if "comments" in forms else []
    name: Any = "content_block_delta"
    data, gap = event, " "
    if not isinstance(event, str):
        name, data = event.get("type"), _json_text(draw, event, forms)
        gap = draw(_gaps) if "unspaced" in forms else " "
    if isinstance(name, str) and name.isidentifier() and "nameless" not in forms:
        lines.append(f"event:{name}" if "unspaced" in forms else f"event: {name}")
    if "fields" in forms:
        lines.append(draw(_extra_fields))
    return [*lines, *(f"data:{gap}{line}" for line in str(data).split("\n")), ""]


def _json_text(draw: Draw, event: Mapping[str, JSON], forms: Collection[str]) -> str:
    ascii_only, separators = False, (",", ":")
    if "spelled" in forms:
        event = dict(draw(st.permutations(list(event.items()))))
        ascii_only, separators = draw(st.booleans()), draw(json_separators)
    indent = draw(st.integers(0, 2)) if "multi_line" in forms else None
    text = json.dumps(event, ensure_ascii=ascii_only, separators=separators, indent=indent)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(event, separators=separators, indent=indent)
    return text if indent is not None else text.replace("\n", " ")


@cache
def _forms_of_an_event(forms: tuple[Form, ...]) -> Strategy:
    own = [form for form in forms if form not in _OF_A_BODY]
    return st.lists(st.sampled_from(own), max_size=2, unique=True) if own else st.just([])


@st.composite
def _bodies(draw: Draw, events: list[Any], forms: tuple[Form, ...]) -> bytes:
    line_ends = st.sampled_from(["\n", *(_LINE_ENDS[form] for form in forms if form in _LINE_ENDS)])
    line_end = draw(line_ends)
    is_mixed = draw(seldom)
    parts = ["\ufeff" if "bom" in forms and draw(seldom) else ""]
    # a few styles for all events, because a choice for each would exceed what Hypothesis draws
    styles = draw(st.lists(_forms_of_an_event(forms), min_size=1, max_size=4))
    for at, event in enumerate(events):
        if is_mixed:
            line_end = draw(line_ends)
        lines = _lines(draw, event, styles[at % len(styles)])
        parts += [line + line_end for line in lines]
    return "".join(parts).encode()


def wire(
    stream: BrokenStream | Mapping[str, JSON] | Iterable[Mapping[str, JSON] | str] | None = None,
    *,
    forms: Collection[Form] = FORMS,
) -> st.SearchStrategy[bytes]:
    """The body of a response: events as bytes, in any form that the standard allows.

    Args:
        stream: the events (a text among them is written as data); or a `BrokenStream`; or a
            message, which `raw_events` streams. None draws a stream.
        forms: the forms that may be used, some of `FORMS`. An empty collection writes as the API
            does.

    Raises:
        ValueError: `forms` names an unknown form.

    >>> from hypothesis import find
    >>> find(wire([{"type": "ping"}], forms=[]), lambda body: True)
    b'event: ping\\ndata: {"type":"ping"}\\n\\n'
    """
    chosen = chosen_from(FORMS, "forms", forms)
    if stream is None or isinstance(stream, Mapping):
        message = cast("Mapping[str, JSON] | None", stream)
        return raw_events(message).flatmap(lambda events: _bodies(events, chosen))
    return _bodies(stream.events if isinstance(stream, BrokenStream) else list(stream), chosen)


# --- chunks -------------------------------------------------------------------------------------


@st.composite
def _chunks(draw: Draw, data: bytes) -> list[bytes]:
    tender = [at for at in range(1, len(data)) for _ in range(_tenderness(data, at))]
    ends = cuts(draw, len(data), tender)
    return [data[begin:end] for begin, end in zip([0, *ends], [*ends, len(data)], strict=True)]


def _tenderness(data: bytes, at: int) -> int:
    """The weight of a cut at this position: high inside a character, lower beside a line end."""
    if data[at] & 0xC0 == 0x80:
        return 4
    return int(data[at] in b"\r\n" or data[at - 1] in b"\r\n")


def chunked(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """`data` in chunks: in one, cut at any place, cut in characters and line ends, or byte by byte.

    Chunks may be empty.

    >>> from hypothesis import find
    >>> b"".join(find(chunked(b"data: x"), lambda chunks: len(chunks) > 1))
    b'data: x'
    """
    return _chunks(data)
