r"""The places of secrets in a text, however their characters are written.

A character may be written as it is, percent-encoded (`%41`, `%2541`), or as an escape of JSON at
any depth (`\/`, `\n`, `\u0041`, `\\u0041`). `Plain` decodes all of these at once, and remembers the
place from which each byte came. Secrets are decoded in the same way, and then searched for.

Rules:

- Backslashes are dropped, and a control character is equal to the letter of its escape, because a
  reader cannot see how often a text was escaped.
- A place includes the backslashes before its first character, so that no half of an escape stays.
- The beginning of a secret is found too, if it has 16 characters: an error message or a connection
  may have cut the rest.

Cost: one search for escapes, 0.5 µs for each of them, and one search for each secret.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

import attrs

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
"""The fewest characters of a secret that is searched for; shorter ones may be part of a word."""

_SHORTEST_BEGINNING = 16
"""The fewest characters of the beginning of a secret that are a secret themselves."""

Place = tuple[int, int]
"""The start and the end of a part of a text."""

_WRITTEN = re.compile(rb"\\+(?:u([0-9a-fA-F]{4})|(.))?|%(?:25)*([0-9a-fA-F]{2})", re.DOTALL)
"""A character that is escaped or percent-encoded."""
_CUT = re.compile(rb"(?:\\+(?:u[0-9a-fA-F]{0,3})?|%(?:25)*[0-9a-fA-F]?)\Z")
"""The beginning of such a character, at the end of a text."""

_LONGEST_BEGINNING = 4096
"""The most bytes of a secret that `Plain.unfinished` looks for."""

_LETTERS = bytes.maketrans(b"\b\t\n\f\r", b"btnfr")


def encoded(text: str) -> bytes:
    """`text` in UTF-8, with halves of surrogate pairs as if they were characters."""
    return text.encode("utf-8", "surrogatepass")


@attrs.frozen
class Plain:
    r"""A text with all characters decoded.

    Attributes:
        data: the decoded bytes.
        size: the length of the text that was decoded.

    >>> plain = Plain.of(rb'say "\u0061%2562c"')
    >>> plain.data, list(plain.places(b"abc"))
    (b'say "abc"', [(5, 17)])
    """

    data: bytes
    size: int
    _starts: list[int]
    _origins: list[int]
    _is_written: list[bool]

    @classmethod
    def of(cls, text: bytes) -> Plain:
        """Decode `text`."""
        parts: list[bytes] = []
        starts: list[int] = []
        origins: list[int] = []
        is_written: list[bool] = []
        size = 0

        def add(part: bytes, origin: int, written: bool) -> None:
            nonlocal size
            if part:
                parts.append(part.translate(_LETTERS))
                starts.append(size)
                origins.append(origin)
                is_written.append(written)
                size += len(part)

        end = 0
        for found in _WRITTEN.finditer(text):
            add(text[end : found.start()], end, False)
            unit, character, byte = found.groups()
            if unit is not None:
                character = encoded(chr(int(unit, 16)))
            elif byte is not None:
                character = bytes([int(byte, 16)])
            add(character or b"", found.start(), True)
            end = found.end()
        add(text[end:], end, False)
        return cls(b"".join(parts), len(text), starts, origins, is_written)

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

    def unfinished(self, secrets: Iterable[bytes]) -> int:
        """The start of the longest end of the text with which a secret may begin.

        It is the length of the text if there is none.
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
        return self._origin(len(self.data) - longest) if longest else self.size

    def _segment(self, at: int) -> int:
        return bisect_right(self._starts, at) - 1

    def _origin(self, at: int) -> int:
        """The start of the character in the text that the decoded byte `at` came from."""
        segment = self._segment(at)
        shift = 0 if self._is_written[segment] else at - self._starts[segment]
        return self._origins[segment] + shift

    def _origin_of_end(self, end: int) -> int:
        """The end of the character in the text that the decoded byte before `end` came from."""
        segment = self._segment(end - 1)
        if not self._is_written[segment]:
            return self._origins[segment] + end - self._starts[segment]
        following = segment + 1
        return self._origins[following] if following < len(self._origins) else self.size


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

    JSON may write a character outside of the basic plane as two escapes, which decode otherwise.

    >>> searched_for("a%41") == set(), searched_for("sk-ant-100%41") == {b"sk-ant-100A"}
    (True, False)
    """
    forms = (encoded(secret), json.dumps(secret)[1:-1].encode())
    decoded = (Plain.of(form).data for form in forms)
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
