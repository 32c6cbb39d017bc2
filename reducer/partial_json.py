"""Partial JSON: the value of a JSON text at every point of its growth, for the inputs of tools.

The text is read once, from left to right. The state of the reading is an immutable value
(`_Reading`): the open containers with their finished members, and the token at the end that is
still open (a key, a string, a number or a keyword). The next piece of text continues from there.

Rules:

- The values are those of jiter's partial modes; the tests compare both on every prefix of every
  document. One difference: a lone half of a surrogate pair is accepted, as `json.loads` does.
- Text that cannot become JSON ends the reading. `PartialJSON.value` is the value before that point,
  and `parse_partial_json` raises.
- `partial_json_parser` completes an open number or keyword, and sees only that token. On longer
  text it would take time in the square of the quotes, strip white space from open strings, and
  complete `tr` to `true`.
- The last reading is cached on the list that all snapshots of a text share (see `growing`). A
  snapshot older than the cached one is read from the start.

Cost: reading every snapshot of a growing text in turn reads each character once, and puts the open
containers together each time.
"""

from __future__ import annotations

# The modules of this package share their private attributes.
# pyright: reportPrivateUsage=false
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import attrs
from partial_json_parser import parse_json  # pyright: ignore[reportMissingTypeStubs]
from partial_json_parser.core.options import Allow  # pyright: ignore[reportMissingTypeStubs]

from .drafts import draft_of
from .frozen_json import (
    EMPTY,
    MAX_DEPTH,
    JSONArray,
    JSONObject,
    decode,
    freeze,
    frozen_array,
    frozen_object,
)
from .growing import Growing, Text, joined_halves
from .sealed import sealed

__all__ = ["PartialJSON", "PartialMode", "parse_partial_json"]

PartialMode = Literal["on", "trailing-strings"]
"""The treatment of an unfinished string at the end of the text.

"on" drops it with its key; "trailing-strings" keeps it as far as it goes.
"""

_MISSING: Any = object()

# The tokens that may come next.
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
"""Characters and escapes inside a string, as far as they are settled.

A cut escape is not settled, nor is the first half of a surrogate pair if the second may follow. The
pattern matches at most a thousand parts at once, because `re` keeps 300 bytes for each until it is
done.
"""
_CUT_ESCAPE = re.compile(rf"(?=\\)(?:{_HIGH})?(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?\Z")
_TOKEN = re.compile(r"[-+.0-9A-Za-z]*")
_CUT_TOKEN = re.compile(
    r"t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?|N(?:aN?)?"
    r"|-?(?:I(?:n(?:f(?:i(?:n(?:i(?:ty?)?)?)?)?)?)?)?"
    r"|-?(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]*)?)"
)


scan_string: Callable[[str, int], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]

_LONGEST_TOKEN = 4300
"""The maximum length of a number: the most digits that Python accepts.

An open number is read again with every piece of text, so its length must have a bound.
"""


@attrs.frozen
class _Open:
    """An open object or array: its finished members, and the key whose value comes next."""

    is_object: bool
    members: Growing[Any] = Growing()
    key: str | None = None

    def with_member(self, value: Any) -> _Open:
        member = (self.key, value) if self.is_object else value
        return _Open(self.is_object, self.members.append(member))

    def value(self, last: Any = _MISSING) -> Any:
        """Return the container as if it ended here, with `last` as its last member.

        An object is copied from the one that was read before, and the members that are new since.
        Without that, reading every snapshot of an input with many keys takes five times as long.
        """
        if not self.is_object:
            members: tuple[Any, ...] = self.members.items()
            return frozen_array(members if last is _MISSING else (*members, last))
        shared, count = self.members._shared, len(self.members)
        start, fields = shared.parsed or (0, {})
        if start > count:
            start, fields = 0, {}
        if start < count:
            fields = dict(fields)
            fields.update(shared[start:count])
            if shared.parsed is None or shared.parsed[0] < count:
                shared.parsed = (count, fields)
        return frozen_object(fields if last is _MISSING else {**fields, self.key: last})


@attrs.frozen(weakref_slot=False)
class _Reading:
    """The state of reading a JSON text.

    Attributes:
        open: the open containers, the outermost first.
        expect: the tokens that may come next.
        string: the settled part of the open string, or `None`.
        token: the unsettled end: an open number or keyword, or a cut escape in the open string.
        root: the document, once it is complete.
        fault: the reason why the text is not JSON, or `None`.
        dropped: a cache of the value without the open string, filled by the first read. Without
            it, reading every snapshot of an input with long strings takes 25 % longer.
    """

    open: tuple[_Open, ...] = ()
    expect: int = _VALUE
    string: Text | None = None
    token: str = ""
    root: Any = _MISSING
    fault: str | None = None
    dropped: Any = attrs.field(default=_MISSING, eq=False, repr=False)

    def value(self, mode: PartialMode) -> Any:
        """Return the value so far; `_MISSING` before it begins."""
        value = self.root
        if self.string is not None:
            if self.expect in (_VALUE, _VALUE_OR_END) and mode == "trailing-strings":
                value = str(self.string)
            elif self.dropped is not _MISSING:
                return self.dropped
        elif self.token and self.fault is None:
            value = _partial_literal(self.token)
        for container in reversed(self.open):
            value = container.value(value)
        if self.string is not None and mode == "on":
            object.__setattr__(self, "dropped", value)
        return value


def _partial_literal(token: str) -> Any:
    """Return the value of an open number or keyword; `_MISSING` if it needs more characters."""
    try:
        return parse_json(token, Allow(0))
    except ValueError:
        return _MISSING


def _literal(token: str) -> Any:
    """Return the value of a complete number or keyword; `_MISSING` if the token is neither."""
    try:
        return json.loads(token)
    except ValueError:
        return _MISSING


_ReadingDraft = draft_of(_Reading)


def _within_string(reading: _Reading, string: Text, text: str) -> _Reading | None:
    """Return the reading after `text` if all of it continues the open `string`, or `None`.

    A fast path for long strings: 1 µs for a piece instead of 4. Without it, reading every snapshot
    of an input with a long string takes 1.7 times as long. Its slow twin is `_advance`.
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
    after: _Reading = draft
    return after


def _advance(reading: _Reading, more: str) -> _Reading:
    """Return the reading after `more`. Each branch reads one token; an unsettled end waits."""
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
    """Return the reading of `text`, continued from a cached one that covers no more."""
    shared, count = text._shared, len(text)
    start, reading = shared.parsed or (0, _Reading())
    if start > count:
        start, reading = shared.parsed_last or (0, _Reading())
        if start > count:
            start, reading = 0, _Reading()
    if start < count:
        reading = _advance(reading, "".join(shared[start:count]))
        if shared.parsed is None or shared.parsed[0] < count:
            shared.parsed = (count, reading)
        else:
            shared.parsed_last = (count, reading)
    return reading


def parse_partial_json(text: str | Text, mode: PartialMode = "on") -> Any:
    """Return the value of the beginning of a JSON document.

    Args:
        text: the beginning, or the whole document.
        mode: the treatment of an unfinished string; see `PartialMode`.

    Returns:
        Immutable JSON: objects are `JSONObject`, arrays are `JSONArray`.

    Raises:
        ValueError: `text` ends before a value, or is not the beginning of a JSON document.

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
    """Return the frozen value of a whole JSON document.

    Halves of a surrogate pair that meet in a string become one character, whether they came as
    escapes or not: the same as in a text that grows.

    Raises:
        ValueError: see `decode_json_text`.
        RecursionError: see `decode_json_text`.
    """
    return freeze(decode_json_text(text))


def decode_json_text(text: str) -> Any:
    """Return the value of a whole JSON document before `parse_json_text` freezes it.

    Raises:
        ValueError: `text` is not JSON, nested deeper than `MAX_DEPTH`, or holds a number that JSON
            cannot express.
        RecursionError: the stack of the caller leaves too few levels for the nesting.
    """
    try:
        value = decode(text)
        if text.count("{") + text.count("[") > MAX_DEPTH:  # so it may be too deep
            value = freeze(value)
        return _with_joined_halves(freeze(value)) if _has_halves(text) else value
    except RecursionError:
        fault = _read(Text([text])).fault  # this reading does not recurse
        if fault is None:
            raise
        raise ValueError(fault) from None


_HALVES = re.compile(rf"{_HIGH}\\u[dD][c-fC-F][0-9a-fA-F]{{2}}|(\\u[dD][89a-fA-F]|[\ud800-\udfff])")
"""Escaped pairs; as group 1, the halves that are not part of one."""


def _has_halves(text: str) -> bool:
    """Return whether a JSON text may hold halves of a surrogate pair, beside escaped pairs."""
    if "\\ud" not in text and "\\uD" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:  # faster than a search
            return True
        return False
    return any(found[1] for found in _HALVES.finditer(text))


def _with_joined_halves(value: Any) -> Any:
    if isinstance(value, str):
        return joined_halves(value)
    if isinstance(value, JSONArray):
        return JSONArray(map(_with_joined_halves, value))
    if isinstance(value, JSONObject):
        return JSONObject(
            (joined_halves(key), _with_joined_halves(item)) for key, item in value.items()
        )
    return value


@sealed
@attrs.frozen(weakref_slot=False)
class PartialJSON:
    """A JSON text that grows by appending, and its value so far.

    Attributes:
        text: the text so far.
        mode: the treatment of an unfinished string; see `PartialMode`.
        initial: the value while the text has none.

    >>> so_far = PartialJSON().append('{"city": "Paris", "days": 1')
    >>> so_far.value, so_far.append('0}').value
    ({'city': 'Paris', 'days': 1}, {'city': 'Paris', 'days': 10})
    """

    text: Text = Text()
    mode: PartialMode = "on"
    initial: Any = attrs.field(default=EMPTY, converter=freeze)

    def append(self, piece: str) -> PartialJSON:
        """Return the value with `piece` added at the end of its text. This one stays as it is."""
        return self._with_text(self.text.append(piece))

    def extend(self, pieces: list[str]) -> PartialJSON:
        """Return the value with all of `pieces` added: `append` for many at once."""
        return self._with_text(self.text.extend(pieces))

    def earlier(self, pieces: int) -> PartialJSON:
        """Return the value before its last `pieces` pieces were added."""
        return self._with_text(self.text.earlier(pieces))

    def _with_text(self, text: Text) -> PartialJSON:
        draft = _PartialJSONDraft()
        draft.text = text
        draft.mode = self.mode
        draft.initial = self.initial
        draft.__class__ = PartialJSON
        grown: PartialJSON = draft
        return grown

    @property
    def is_beginning(self) -> bool:
        """Whether the text so far is the beginning of a JSON document, and not a whole one."""
        reading = _read(self.text)
        return reading.fault is None and reading.expect != _NOTHING

    @property
    def value(self) -> Any:
        """The immutable value of the text so far, up to the first character that is not JSON."""
        value = _read(self.text).value(self.mode)
        return self.initial if value is _MISSING else value


_PartialJSONDraft = draft_of(PartialJSON)
