r"""Secrets in the bytes of a body become asterisks, in place, however the body carries them.

A body repeats a secret in its bytes as they are, inside the base64 of Bedrock's frames, or cut into
pieces by the deltas of a stream. The deltas of other blocks may stand between the pieces. So `blot`
looks at three kinds of text: the body, each base64 text in it, and the strings of deltas, joined
once in their order and once for each block.

The length of the body never changes, nor do the positions of its events and frames.

Cost: a few passes of regular expressions over the body, and one search for each secret.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import crc32
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from .secret_search import Place, Plain

__all__ = ["blot"]


def _key(*names: str) -> bytes:
    r"""The pattern of a key of JSON and its colon, with a group for each of these names.

    A letter of the key may be escaped (`\u0061`), and another line of the event's data may follow.
    """
    beginnings = "".join({name[0] for name in names})
    groups = "|".join(f"(?P<{name}>{''.join(map(_letter, name))})" for name in names)
    return rf'"(?=[{beginnings}\\])(?:{groups})"{_SPACE}:{_SPACE}'.encode()


def _letter(letter: str) -> str:
    return rf"(?:{letter}|\\u(?i:{ord(letter):04x}))"


_SPACE = r"\s*(?:(?<=[\r\n])data:\s*)*"
_EVENT = re.compile(rb"(?:\r\n|\r(?!\n)|\n){2}")
_INDEX = re.compile(_key("index") + rb"(?P<number>\d{1,20})")
_DELTA_TEXT = re.compile(_key("text", "thinking", "partial_json") + b'"')
"""The start of a string that the deltas of a stream cut into pieces, with its field as a group."""
_IN_STRING = re.compile(rb'[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*){0,1000}')
"""A part of a string of JSON. `re` keeps 100 bytes for each escape, so their number has a bound."""
_BASE64 = re.compile(_key("bytes") + rb'"(?P<base64>[A-Za-z0-9+/\\]+={0,2})')
"""A payload in one of Bedrock's frames; a cut body may end inside it."""

Piece = tuple[bytearray, int, int]
"""A part of a text: the text, the start and the end."""


def blot(
    data: bytes, secrets: Iterable[bytes], places_in: Callable[[bytes], Iterable[Place]]
) -> bytes:
    """`data` with asterisks in place of secrets.

    Args:
        data: the body.
        secrets: the decoded secrets to search for: see `secret_search`.
        places_in: the places of other secrets in a text.
    """
    secrets = tuple(secrets)
    body = bytearray(data)
    payloads = list(_payloads(data))
    texts = [body, *(text for _, text in payloads)]
    covered: list[tuple[list[Piece], list[Place]]] = []
    for text in texts:
        held = bytes(text)
        places = [*Plain(held).places_of(secrets), *places_in(held)]
        covered.append(([(text, 0, len(text))], places))
    for pieces in _joined(texts) if secrets else ():
        joined = b"".join([text[start:end] for text, start, end in pieces])
        covered.append((pieces, list(Plain(joined).places_of(secrets))))
    for pieces, places in covered:
        _cover(pieces, places)
    for (start, end), text in payloads:
        if bytes(text) != b64decode(_whole(data[start:end])):
            _write_payload(body, start, end, text)
    return _with_checksums(data, bytes(body))


def _cover(pieces: list[Piece], places: Iterable[Place]) -> None:
    """Write asterisks at these places of the joined pieces."""
    ends = list(accumulate(end - start for _, start, end in pieces))
    for first, last in places:
        at = bisect_right(ends, first)
        while first < last:
            text, _, piece_end = pieces[at]
            length = min(last, ends[at]) - first
            start = piece_end - (ends[at] - first)
            text[start : start + length] = b"*" * length
            first += length
            at += 1


# --- the strings of deltas ----------------------------------------------------------------------


def _joined(texts: list[bytearray]) -> Iterator[list[Piece]]:
    """The strings of the deltas: those of each field in order, and those of each of its blocks."""
    fields: dict[str, list[Piece]] = {}
    blocks: dict[tuple[str, bytes], list[Piece]] = {}
    for text in texts:
        for field, index, start, end in _strings(bytes(text)):
            fields.setdefault(field, []).append((text, start, end))
            blocks.setdefault((field, index), []).append((text, start, end))
    yield from fields.values()
    for (field, _), pieces in blocks.items():
        if len(pieces) < len(fields[field]):
            yield pieces


def _strings(text: bytes) -> Iterator[tuple[str, bytes, int, int]]:
    """The strings of the deltas in `text`: field, index of the block, start and end."""
    start = 0
    for end in [*(found.end() for found in _EVENT.finditer(text)), len(text)]:
        found = _INDEX.search(text, start, end)
        index = found["number"] if found else b""
        for found in _DELTA_TEXT.finditer(text, start, end):
            yield found.lastgroup or "", index, found.end(), _end_of_string(text, found.end())
        start = end


def _end_of_string(text: bytes, start: int) -> int:
    """The end of the string of JSON that begins at `start`; it may be cut."""
    found = _IN_STRING.match(text, start)
    while found is not None and found.end() > start:
        start = found.end()
        found = _IN_STRING.match(text, start)
    return start


# --- Bedrock's frames ---------------------------------------------------------------------------


def _payloads(data: bytes) -> Iterator[tuple[Place, bytearray]]:
    """The base64 texts in `data`: place and content."""
    for found in _BASE64.finditer(data):
        yield found.span("base64"), bytearray(b64decode(_whole(found["base64"])))


def _whole(written: bytes) -> bytes:
    """The part of a base64 text that can be decoded, although the text is cut or escaped."""
    plain = written.replace(b"\\", b"")
    return plain[: len(plain) // 4 * 4]


def _write_payload(body: bytearray, start: int, end: int, text: bytearray) -> None:
    """Write the content of a base64 text. Spaces after it replace the backslashes it had."""
    plain, closing = body[start:end].replace(b"\\", b""), body[end : end + 1]
    written = b64encode(text)
    rest = plain[len(written) :]
    spaces = b" " * (end - start - len(plain))
    body[start : end + 1] = written + rest + closing + spaces


def _with_checksums(before: bytes, after: bytes) -> bytes:
    """`after` with the checksums of its frames, if they were right in `before`."""
    if before == after:
        return after
    mended = bytearray(after)
    start = 0
    while crc32(before[start : start + 8]) == int.from_bytes(before[start + 8 : start + 12], "big"):
        end = start + int.from_bytes(before[start : start + 4], "big")
        checked = end - 4
        if not start + 12 <= checked <= len(before) - 4:
            break
        if crc32(before[start:checked]) == int.from_bytes(before[checked:end], "big"):
            mended[checked:end] = crc32(mended[start:checked]).to_bytes(4, "big")
        start = end
    return bytes(mended)
