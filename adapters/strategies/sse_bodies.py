"""Bodies of server-sent events with everything that the standard's grammar allows.

`check_decoder` draws from these. Each difficulty has a name in `QUIRKS`, so that a decoder's known
limits can be left out.

Source: HTML Living Standard, section 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from hypothesis import strategies as st

from .messages import chosen_from

__all__ = ["QUIRKS", "event_streams"]

_PLAIN = ("data: a", "event: a")
_LINES: dict[str, tuple[str, ...]] = {
    "comments": (":", ": comment", ":data: x"),
    "multi_line": ("data: b", "data:"),
    "unspaced": ("data:a", "data:  a", "data:\ta", "event:a"),
    "bare": ("data", "event", "id", "retry"),
    "unknown": ("x: 1", " data: 1", "Data: 1"),
    "ids": ("id: 1", "id: 2", "id:"),
    "null_ids": ("id: a\0b", "id: \0"),
    "retry": ("retry: 10", "retry:007"),
    "odd_retry": ("retry: ten", "retry: -1", "retry: +1", "retry: 1_0", "retry: ²"),
    "separators": ("data: a\u2028b", "data: a\x85b", "data: a\x0bb", "event: a\x1cb"),
    "odd_text": ("data: é", "data: 😀", "data: \ufeff", "data: a\0b", "event: é"),
    "bom": ("\ufeffdata: a",),
}
_BAD_UTF8 = [b"data: \xff", b"data: \xe2\x82", b"data: \xed\xa0\x80", b"data: \xc0\x80"]

QUIRKS: tuple[str, ...] = (*_LINES, "bad_utf8", "no_data", "crlf", "cr", "unfinished")
"""The difficulties of event streams:

    comments    lines that begin with a colon
    multi_line  events of several data lines
    unspaced    no space after the colon, or more than one
    bare        lines that are a field's name alone
    unknown     fields that the standard does not define
    ids         `id` lines, which stay in force for later events
    null_ids    `id` lines with a NUL, which are ignored
    retry       reconnection times
    odd_retry   `retry` lines that are not digits alone, which are ignored
    separators  characters such as U+2028, which end a line in other formats but not here
    odd_text    characters of more than one byte, and NUL
    bom         a byte order mark at the beginning, which is dropped, or elsewhere
    bad_utf8    bytes that are not UTF-8, which are read as U+FFFD
    no_data     events without data, which are dropped
    crlf, cr    lines that end with CRLF, or CR
    unfinished  no blank line after the last event, which is dropped
"""


def event_streams(*, quirks: Collection[str] = QUIRKS) -> st.SearchStrategy[bytes]:
    """The bytes of an event stream.

    Args:
        quirks: the difficulties it may have, some of `QUIRKS`. An empty collection gives plain
            events with LF.

    Raises:
        ValueError: `quirks` names an unknown quirk.

    >>> from hypothesis import find
    >>> find(event_streams(quirks=[]), lambda body: body.count(b"data") == 1).strip()[-7:]
    b'data: a'
    """
    return _event_streams(frozenset(chosen_from(QUIRKS, "quirks", quirks)))


@st.composite
def _event_streams(draw: Callable[[Any], Any], quirks: frozenset[str]) -> bytes:
    ends = [b"\n", *[b"\r\n"] * ("crlf" in quirks), *[b"\r"] * ("cr" in quirks)]
    end = st.sampled_from(ends) if draw(st.booleans()) else st.just(draw(st.sampled_from(ends)))
    fields = {kind: [line.encode() for line in _LINES[kind]] for kind in _LINES if kind in quirks}
    if "bad_utf8" in quirks:
        fields["bad_utf8"] = _BAD_UTF8
    fields["plain"] = [line.encode() for line in _PLAIN]
    kinds = st.sampled_from(["plain", "plain", *fields])
    line = kinds.flatmap(lambda kind: st.sampled_from(fields[kind]))
    lines: list[bytes] = []
    has_data = st.sampled_from([True, True, True, "no_data" not in quirks])
    event = st.tuples(st.lists(st.tuples(line, end), max_size=4), has_data, end)
    for some, data, blank in draw(st.lists(event, max_size=8)):
        lines += [field + line_end for field, line_end in some]
        lines += [b"data: a" + blank] * data
        lines.append(blank)
    if lines and "unfinished" in quirks and draw(st.booleans()):
        lines.pop()
    mark = b"\xef\xbb\xbf" if "bom" in quirks and draw(st.booleans()) else b""
    return mark + b"".join(lines)
