r"""The places of secrets in a text, however their characters are written.

A character may be written as it is, percent-encoded (`%41`, `%2541`), as a numbered entity of HTML
(`&#65;`, `&#x41;`), or as an escape of JSON at any depth (`\/`, `\n`, `\u0041`, `\\u0041`). `Plain`
decodes all of these at once, and remembers the place from which each byte came. Secrets are decoded
in the same way, and then searched for.

Rules:

- Backslashes are dropped, and a control character is equal to the letter of its escape, because a
  reader cannot see how often a text was escaped.
- NUL characters are dropped, because they separate the letters in UTF-16.
- A place includes the backslashes before its first character, so that no half of an escape stays.
- The beginning of a secret is found too, if it has 16 characters: an error message or a connection
  may have cut the rest.

Cost: a few passes over the text, and one search for each secret. If one is found, 0.5 µs for each
escape.
"""

from __future__ import annotations

import html
import json
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import chain

__all__ = [
    "SHORTEST_SEARCHED",
    "Place",
    "Plain",
    "cut_character",
    "encoded",
    "searched_for",
    "united",
]

SHORTEST_SEARCHED = 12
"""The minimum length of a secret that is searched for; a shorter one may be part of a word."""

_SHORTEST_BEGINNING = 16
"""The minimum length at which the beginning of a secret counts as a secret itself."""

Place = tuple[int, int]
"""The start and the end of a part of a text."""

_ENTITY = rb"(?:&|\\+u0026)#(?:0{0,9}(\d{1,7})(?!\d)|[xX]0{0,9}([0-9a-fA-F]{1,6})(?![0-9a-fA-F]));?"
_NUMBERED = re.compile(
    rb"%(?:25)*([0-9a-fA-F]{2})|" + _ENTITY + rb"|\\u([0-9a-fA-F]{4})",
)
"""A character that is written with its number."""
_WRITTEN = re.compile(
    rb"\\*%(?:25)*([0-9a-fA-F]{2})|\\*" + _ENTITY + rb"|\\+(?:u([0-9a-fA-F]{4})|(.))?|\0+",
    re.DOTALL,
)
"""A character that is escaped or encoded, with all backslashes before it; or NUL characters."""
_CUT = re.compile(
    rb"(?:\\+(?:u[0-9a-fA-F]{0,3})?|%(?:25)*[0-9a-fA-F]?"
    rb"|(?:&|\\+u0026)(?:#(?:\d{0,16}|[xX][0-9a-fA-F]{0,15}))?)\Z"
)
"""The beginning of an escaped or encoded character, at the end of a text."""

_LONGEST_BEGINNING = 4096
"""The maximum number of bytes of a secret that `Plain.unfinished` looks for."""

_LETTERS = bytes.maketrans(b"\b\t\n\f\r", b"btnfr")
_DROPPED = b"\\\0"


def encoded(text: str) -> bytes:
    """`text` in UTF-8, with halves of surrogate pairs as if they were characters."""
    return text.encode("utf-8", "surrogatepass")


class Plain:
    r"""A text with all characters decoded.

    Args:
        text: the text.

    Attributes:
        data: the decoded bytes.

    >>> plain = Plain(rb'say "\u0061%2562c"')
    >>> plain.data, list(plain.places(b"abc"))
    (b'say "abc"', [(5, 17)])
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        is_numbered = b"%" in text or b"\\u" in text or b"&#" in text
        decoded = _NUMBERED.sub(_decoded, text) if is_numbered else text
        self.data = decoded.translate(_LETTERS, _DROPPED)

    @cached_property
    def _segments(self) -> tuple[list[int], list[int], list[bool]]:
        """The parts of the text: their starts in `data` and in the text; whether it is written.

        They are needed only if a secret is found: making them takes 0.5 µs for each escape.
        """
        starts: list[int] = []
        origins: list[int] = []
        written: list[bool] = []
        size = end = 0
        for found in chain(_WRITTEN.finditer(self._text), [None]):
            start = len(self._text) if found is None else found.start()
            if start > end:
                starts.append(size)
                origins.append(end)
                written.append(False)
                size += start - end
            if found is not None:
                *numbers, character = found.groups()
                decoded = character or _decoded_as(*numbers)
                end = found.end()
                if length := len(decoded.translate(None, _DROPPED)):
                    starts.append(size)
                    origins.append(start)
                    written.append(True)
                    size += length
        return starts, origins, written

    def places(self, secret: bytes, at_least: int = _SHORTEST_BEGINNING) -> Iterator[Place]:
        """The places of a decoded secret in the text, and those of its beginning.

        Args:
            secret: the decoded secret.
            at_least: the fewest bytes of a beginning; its length for the whole secret only.
        """
        beginning = secret[:at_least]
        at = self.data.find(beginning)
        while at >= 0:
            end = at + _common(self.data[at : at + len(secret)], secret)
            yield self._origin(at), self._origin_of_end(end)
            at = self.data.find(beginning, end)

    def places_of(self, secrets: Iterable[bytes]) -> Iterator[Place]:
        """The places of all these secrets, one secret after the other."""
        for secret in secrets:
            yield from self.places(secret)

    def unfinished(self, secrets: Iterable[bytes]) -> int:
        """The start of the longest end of the text with which a secret may begin.

        It is the length of the text if no secret can begin there.
        """
        end = self.data[-_LONGEST_BEGINNING:]
        longest = 0
        for secret in secrets:
            at = end.find(secret[:1], max(0, len(end) - len(secret) + 1))
            while 0 <= at < len(end) - longest:
                if secret.startswith(end[at:]):
                    longest = len(end) - at
                    break
                at = end.find(secret[:1], at + 1)
        return self._origin(len(self.data) - longest) if longest else len(self._text)

    def _origin(self, at: int) -> int:
        """The start of the character in the text that the decoded byte `at` came from."""
        starts, origins, written = self._segments
        segment = bisect_right(starts, at) - 1
        return origins[segment] + (0 if written[segment] else at - starts[segment])

    def _origin_of_end(self, end: int) -> int:
        """The end of the character in the text that the decoded byte before `end` came from."""
        starts, origins, written = self._segments
        segment = bisect_right(starts, end - 1) - 1
        if not written[segment]:
            return origins[segment] + end - starts[segment]
        following = segment + 1
        return origins[following] if following < len(origins) else len(self._text)


def _decoded(found: re.Match[bytes]) -> bytes:
    return _decoded_as(*found.groups())


def _decoded_as(
    byte: bytes | None, decimal: bytes | None, hexadecimal: bytes | None, unit: bytes | None
) -> bytes:
    """The bytes of a character that is written as a byte, an entity, or a unit of UTF-16.

    Without any of these it is NUL, which is dropped.
    """
    if byte is not None:
        return bytes([int(byte, 16)])
    number = int(decimal) if decimal else int(hexadecimal or unit or b"0", 16)
    return encoded(chr(number)) if number <= sys.maxunicode else b""


def _common(text: bytes, secret: bytes) -> int:
    """The number of bytes at the beginning that both have."""
    pairs = enumerate(zip(text, secret, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(text), len(secret)))


def cut_character(text: bytes) -> int:
    """The start of the character that the end of `text` cuts; the length of `text` without one."""
    found = _CUT.search(text, max(0, len(text) - 1000))
    return found.start() if found else len(text)


@lru_cache(maxsize=64)
def searched_for(secret: str) -> frozenset[bytes]:
    r"""The decoded forms of a secret that are searched for; none if it is short.

    JSON may write a character outside the basic plane as two escapes, which decode otherwise, and
    HTML has names for some characters.

    >>> searched_for("a%41") == set(), searched_for("sk-ant-100%41") == {b"sk-ant-100A"}
    (True, False)
    """
    forms = (encoded(secret), json.dumps(secret)[1:-1].encode(), encoded(html.escape(secret)))
    decoded = (Plain(form).data for form in forms)
    return frozenset(form for form in decoded if len(form) >= SHORTEST_SEARCHED)


def united(places: Iterable[Place]) -> list[Place]:
    """The places in order, with those that overlap as one.

    >>> united([(5, 7), (0, 3), (2, 4), (7, 9)])
    [(0, 4), (5, 7), (7, 9)]
    """
    result: list[Place] = []
    for start, end in sorted(places):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
