"""JSON that grows: what the text so far says, at every point of its growth.

Theory of operation. The text is read once, left to right, and what was understood is itself a
value (`_Reading`): the open containers with their finished members, and the one thing that is
still open, a key, a string, a number or a keyword. The next piece continues from there, so reading
every snapshot of a growing input costs each character once, plus the containers that are still
open. A string that is still open grows as `Text` does; of an open number or keyword,
`partial_json_parser` says what it is worth. It never sees more than that one token: it works in
the square of the quotes it sees, strips white space from open strings and completes `tr` to
`true`.

A `_Reading` is kept beside the text, on the list that all its snapshots share (see `growing`): a
cache, which a snapshot older than the cached one does without.

Semantics: those of jiter's partial modes, against which the tests hold it on every prefix of every
document. What is not JSON at all ends the reading: `PartialJSON.value` is what came before, and
`parse_partial_json` raises. Unlike jiter, a lone half of a surrogate pair is taken, as
`json.loads` takes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import attrs
from partial_json_parser import parse_json
from partial_json_parser.core.options import Allow

from .drafts import draft_of
from .growing import Growing, Text
from .objects import EMPTY, MAX_DEPTH, JSONArray, JSONObject, freeze

__all__ = ["PartialJSON", "PartialMode", "parse_json_text", "parse_partial_json", "scan_string"]

PartialMode = Literal["on", "trailing-strings"]
"""What becomes of an unfinished string at the end: dropped with its key ("on"), or kept as far as
it goes."""

_MISSING: Any = object()

# What may come next.
_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COLON, _COMMA_OR_END, _NOTHING = range(7)

_SPACE = re.compile(r"[ \t\n\r]*")
_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_BODY = re.compile(
    r'(?:[^"\\\x00-\x1f]+'
    r'|\\["\\/bfnrt]'
    rf"|{_HIGH}\\u[dD][c-fC-F][0-9a-fA-F]{{2}}"
    rf"|{_HIGH}(?=[^\\]|\\[^u]|\\u[0-9a-fA-F]{{4}})"
    r"|\\u(?![dD][89abAB])[0-9a-fA-F]{4}){0,1000}"
)
"""Some of the inside of a string, as far as it is settled. (No more than a thousand parts at once:
`re` remembers them all until it is done, at 300 bytes each.) Settled is not an escape that is cut,
nor a first half of a surrogate pair whose second may follow."""
_CUT_ESCAPE = re.compile(rf"(?=\\)(?:{_HIGH})?(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?\Z")
_TOKEN = re.compile(r"[-+.0-9A-Za-z]*")
_CUT_TOKEN = re.compile(
    r"t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?|N(?:aN?)?"
    r"|-?(?:I(?:n(?:f(?:i(?:n(?:i(?:ty?)?)?)?)?)?)?)?"
    r"|-?(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]*)?)"
)


scan_string: Callable[[str, int], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]

_LONGEST_TOKEN = 4300
"""Characters of a number: as many as Python takes digits. An open one is read again with every
piece."""


@attrs.frozen
class _Open:
    """A container that is still open: its finished members, and the key whose value comes next."""

    is_object: bool
    members: Growing[Any] = Growing()
    key: str | None = None

    def with_member(self, value: Any) -> _Open:
        member = (self.key, value) if self.is_object else value
        return _Open(self.is_object, self.members.append(member))

    def value(self, last: Any = _MISSING) -> Any:
        """The container as it would be if it ended here, with `last` as its last member."""
        members: tuple[Any, ...] = self.members.items()
        if not self.is_object:
            return JSONArray(members if last is _MISSING else (*members, last))
        if last is not _MISSING:
            members = (*members, (self.key, last))
        return JSONObject(members)


@attrs.frozen(weakref_slot=False)
class _Reading:
    """How far a JSON text has been understood.

    Attributes:
        open: the open containers, the outermost first.
        expect: what may come next.
        string: the settled part of the string that is open, if one is.
        token: the unsettled end: an open number or keyword, or an open string's cut escape.
        root: the document, once it is over.
        fault: why the text is not JSON, once it is not.
        dropped: the value without the string that is open: a cache, filled when it is first read.
    """

    open: tuple[_Open, ...] = ()
    expect: int = _VALUE
    string: Text | None = None
    token: str = ""
    root: Any = _MISSING
    fault: str | None = None
    dropped: Any = attrs.field(default=_MISSING, eq=False, repr=False)

    def value(self, mode: PartialMode) -> Any:
        """What the text so far says; `_MISSING` if nothing."""
        value = self.root
        if self.string is not None:
            if self.expect in (_VALUE, _VALUE_OR_END) and mode == "trailing-strings":
                value = str(self.string)
            elif self.dropped is not _MISSING:
                return self.dropped
        elif self.token and self.fault is None:
            value = _worth(self.token)
        for container in reversed(self.open):
            value = container.value(value)
        if self.string is not None and mode == "on":
            object.__setattr__(self, "dropped", value)
        return value


def _worth(token: str) -> Any:
    """The value of an open number or keyword, as it stands; `_MISSING` if it needs more."""
    try:
        return parse_json(token, Allow(0))
    except ValueError:
        return _MISSING


def _literal(token: str) -> Any:
    """The value of a number or keyword that is over; `_MISSING` if it is none."""
    try:
        return json.loads(token)
    except ValueError:
        return _MISSING


_ReadingDraft = draft_of(_Reading)


def _within_string(reading: _Reading, string: Text, text: str) -> _Reading | None:
    """The reading after `text` if all of that belongs to the open `string`, and is settled.

    The shortest way for most of a long input: 1 µs for a piece instead of 4.
    """
    body = _BODY.match(text)
    assert body is not None  # it matches the empty string
    if body.end() != len(text):
        return None
    draft = _ReadingDraft()
    draft.open = reading.open
    draft.expect = reading.expect
    draft.string = string.append(scan_string(text + '"', 0)[0])
    draft.token = ""
    draft.root = reading.root
    draft.fault = None
    draft.dropped = reading.dropped
    draft.__class__ = _Reading
    made: _Reading = draft
    return made


def _advance(reading: _Reading, more: str) -> _Reading:
    """The reading after `more`. Each branch takes one token; what is unsettled at the end waits."""
    text = reading.token + more
    if reading.string is not None and reading.fault is None:
        within = _within_string(reading, reading.string, text)
        if within is not None:
            return within
    stack = list(reading.open)
    expect = reading.expect
    string = reading.string
    root = reading.root
    fault = reading.fault
    position = 0

    def add(value: Any) -> int:
        nonlocal root
        if stack:
            stack[-1] = stack[-1].with_member(value)
            return _COMMA_OR_END
        root = value
        return _NOTHING

    while fault is None and expect != _NOTHING:
        if string is not None:
            body = _BODY.match(text, position)
            assert body is not None  # it matches the empty string
            if body.group():
                string = string.append(scan_string(body.group() + '"', 0)[0])
                position = body.end()
                continue
            if position == len(text) or _CUT_ESCAPE.match(text, position):
                break
            if text[position] != '"':
                fault = "a string has a character or an escape that JSON does not have"
                break
            position += 1
            if expect in (_KEY, _KEY_OR_END):
                stack[-1] = attrs.evolve(stack[-1], key=str(string))
                expect = _COLON
            else:
                expect = add(str(string))
            string = None
            continue
        space = _SPACE.match(text, position)
        assert space is not None  # it matches the empty string
        position = space.end()
        if position == len(text):
            break
        character = text[position]
        if expect == _COMMA_OR_END and character == ",":
            expect = _KEY if stack[-1].is_object else _VALUE
        elif expect == _COLON and character == ":":
            expect = _VALUE
        elif expect in (_COMMA_OR_END, _KEY_OR_END, _VALUE_OR_END) and character == (
            "}" if stack[-1].is_object else "]"
        ):
            expect = add(stack.pop().value())
        elif expect in (_COMMA_OR_END, _COLON):
            fault = f"unexpected {character!r}"
        elif character == '"':
            string = Text()
        elif expect in (_KEY, _KEY_OR_END):
            fault = f"unexpected {character!r} where a key should be"
        elif character in "{[":
            if len(stack) == MAX_DEPTH:
                fault = f"nested deeper than {MAX_DEPTH} levels"
                break
            stack.append(_Open(character == "{"))
            expect = _KEY_OR_END if character == "{" else _VALUE_OR_END
        else:
            found = _TOKEN.match(text, position)
            assert found is not None  # it matches the empty string
            token = found.group()
            is_open = found.end() == len(text)
            value = _MISSING
            if len(token) <= _LONGEST_TOKEN:
                if is_open and _CUT_TOKEN.fullmatch(token):
                    break
                value = _MISSING if is_open else _literal(token)
            if value is _MISSING:
                fault = f"unexpected {text[position : found.end() + 1][:20]!r}"
                break
            expect = add(value)
            position = found.end()
            continue
        position += 1
    rest = "" if expect == _NOTHING or fault is not None else text[position:]
    return _Reading(tuple(stack), expect, string, rest, root, fault)


def _read(text: Text) -> _Reading:
    """The reading of all of `text`: from the cached one on, if that is not beyond it."""
    shared, count = text._shared, len(text)
    start, reading = shared.parsed or (0, _Reading())
    if start > count:
        start, reading = 0, _Reading()
    if start < count:
        reading = _advance(reading, "".join(shared[start:count]))
        if shared.parsed is None or shared.parsed[0] < count:
            shared.parsed = (count, reading)
    return reading


def parse_partial_json(text: str | Text, mode: PartialMode = "on") -> Any:
    """What the beginning of a JSON document says so far.

    Args:
        text: the beginning; all of it is a beginning too.
        mode: what becomes of an unfinished string: see `PartialMode`.

    Returns:
        JSON, immutable: objects are `JSONObject`, arrays `JSONArray`.

    Raises:
        ValueError: there is no value yet, or `text` is not the beginning of a JSON document.

    >>> parse_partial_json('{"city": "Paris", "when": "to')
    {'city': 'Paris'}
    >>> parse_partial_json('{"city": "Paris", "when": "to', "trailing-strings")
    {'city': 'Paris', 'when': 'to'}
    """
    reading = _read(text if isinstance(text, Text) else Text([text]))
    if reading.fault is not None:
        raise ValueError(f"not JSON: {reading.fault}")
    value = reading.value(mode)
    if value is _MISSING:
        raise ValueError("not JSON yet: the text ends before a value")
    return value


def parse_json_text(text: str) -> Any:
    """A whole JSON document, frozen.

    Raises:
        ValueError: `text` is not JSON, or nested deeper than `MAX_DEPTH`.
    """
    try:
        return freeze(json.loads(text))
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None


@attrs.frozen(weakref_slot=False)
class PartialJSON:
    """A JSON text that grows by appending, and the value that it has so far.

    Attributes:
        text: the text so far.
        mode: what becomes of an unfinished string.
        initial: the value while the text says nothing.

    >>> so_far = PartialJSON().append('{"city": "Paris", "days": 1')
    >>> so_far.value, so_far.append('0}').value
    ({'city': 'Paris', 'days': 1}, {'city': 'Paris', 'days': 10})
    """

    text: Text = Text()
    mode: PartialMode = "on"
    initial: Any = attrs.field(default=EMPTY, converter=freeze)

    def append(self, piece: str) -> PartialJSON:
        """The value with `piece` after its text. This one stays as it is."""
        return self._with_text(self.text.append(piece))

    def extend(self, pieces: list[str]) -> PartialJSON:
        """The value with all of `pieces` after its text: `append`, for many at once."""
        return self._with_text(self.text.extend(pieces))

    def since(self, earlier: PartialJSON) -> list[PartialJSON]:
        """Each value on the way from `earlier`, of which this one was made, to this one."""
        return [self._with_text(text) for text in self.text.since(earlier.text)]

    def _with_text(self, text: Text) -> PartialJSON:
        draft = _PartialJSONDraft()
        draft.text = text
        draft.mode = self.mode
        draft.initial = self.initial
        draft.__class__ = PartialJSON
        made: PartialJSON = draft
        return made

    @property
    def value(self) -> Any:
        """What the text so far says, up to the first thing that is not JSON. Immutable."""
        value = _read(self.text).value(self.mode)
        return self.initial if value is _MISSING else value


_PartialJSONDraft = draft_of(PartialJSON)
