"""Decoders of server-sent events: a correct one, which shares nothing with streamfold, and others
with one bug each. All are bugs that real decoders have had.

`PLANTED` has the kinds of findings and the options of the check for each.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Sse(NamedTuple):
    event: str
    data: str
    id: str
    retry: int | None


class Right:
    """A correct decoder. It waits for the whole body."""

    @classmethod
    def decode(cls, chunks: Iterable[bytes]) -> Iterator[Any]:
        """The events of a body."""
        decoder = cls()
        *lines, _unfinished = decoder.lines(decoder.text(chunks))
        return decoder.events(lines)

    def text(self, chunks: Iterable[bytes]) -> str:
        return self.without_mark(b"".join(chunks).decode("utf-8", "replace"))

    def without_mark(self, text: str) -> str:
        return text.removeprefix("\ufeff")

    def lines(self, text: str) -> list[str]:
        return re.split("\r\n|\r|\n", text)

    def events(self, lines: list[str]) -> Iterator[Any]:
        self.event, self.id, self.retry = "", "", None
        self.data: list[str] = []
        for line in lines:
            if line:
                field, _, value = line.partition(":")
                self.read_field(field, value.removeprefix(" "))
                continue
            if self.data:
                yield Sse(self.event or "message", self.joined(), self.id, self.retry)
            self.clear()

    def clear(self) -> None:
        self.event, self.data, self.retry = "", [], None

    def joined(self) -> str:
        return "\n".join(self.data)

    def read_field(self, field: str, value: str) -> None:
        match field:
            case "event":
                self.event = value
            case "data":
                self.data.append(value)
            case "id":
                self.read_id(value)
            case "retry":
                self.read_retry(value)

    def read_id(self, value: str) -> None:
        if "\0" not in value:
            self.id = value

    def read_retry(self, value: str) -> None:
        if re.fullmatch("[0-9]+", value):
            self.retry = int(value)


class SplitsLinesAsPython(Right):
    """Splits lines at U+2028 and other characters that do not end a line here."""

    def lines(self, text: str) -> list[str]:
        return [*text.splitlines(), ""]


class KnowsNoCarriageReturn(Right):
    def lines(self, text: str) -> list[str]:
        return re.split("\r?\n", text)


class CutsLineEnds(Right):
    """A CRLF that is cut counts as two line ends."""

    def text(self, chunks: Iterable[bytes]) -> str:
        return super().text(re.sub(b"\r\n?", b"\n", chunk) for chunk in chunks)


class CutsCharacters(Right):
    def text(self, chunks: Iterable[bytes]) -> str:
        return self.without_mark("".join(chunk.decode("utf-8", "replace") for chunk in chunks))


class BreaksOnBadUtf8(Right):
    def text(self, chunks: Iterable[bytes]) -> str:
        return self.without_mark(b"".join(chunks).decode())


class KeepsTheByteOrderMark(Right):
    def without_mark(self, text: str) -> str:
        return text


class KeepsTheLastDataLine(Right):
    def joined(self) -> str:
        return self.data[-1]


class JoinsDataWithNothing(Right):
    def joined(self) -> str:
        return "".join(self.data)


class DropsEmptyData(Right):
    def joined(self) -> str:
        return "\n".join(filter(None, self.data))


class GivesTheUnfinishedEvent(Right):
    @classmethod
    def decode(cls, chunks: Iterable[bytes]) -> Iterator[Any]:
        return super().decode([*chunks, b"\n\n"])


class GivesEventsWithoutData(Right):
    def clear(self) -> None:
        pending = self.event
        super().clear()
        self.data = [""] if pending == "a" else []


class StripsValues(Right):
    def read_field(self, field: str, value: str) -> None:
        super().read_field(field, value.strip(" \t"))


class NeedsASpace(Right):
    """Requires a space after the colon."""

    def read_field(self, field: str, value: str) -> None:
        super().read_field(field, value)

    def events(self, lines: list[str]) -> Iterator[Any]:
        return super().events([re.sub("^(\\w+):(?! )", "\\1-", line) for line in lines])


class ReadsFieldsInAnyCase(Right):
    def read_field(self, field: str, value: str) -> None:
        super().read_field(field.lower().strip(), value)


class TakesCommentsForData(Right):
    def read_field(self, field: str, value: str) -> None:
        super().read_field(field or "data", value)


class ReadsAnyNumber(Right):
    def read_retry(self, value: str) -> None:
        with contextlib.suppress(ValueError):
            self.retry = int(value)


class BreaksOnAnOddRetry(Right):
    def read_retry(self, value: str) -> None:
        self.retry = int(value)


class TakesIdsWithNul(Right):
    def read_id(self, value: str) -> None:
        self.id = value


class ForgetsTheId(Right):
    """An `id` applies to its own event only."""

    def clear(self) -> None:
        super().clear()
        self.id = ""


class KeepsTheEventsName(Right):
    def clear(self) -> None:
        name = self.event
        super().clear()
        self.event = name


class GivesOneObject(Right):
    """The same object for all events."""

    def events(self, lines: list[str]) -> Iterator[Any]:
        one: dict[str, Any] = {}
        for event in super().events(lines):
            one.update(event._asdict())
            yield one


class ReadsItsInputTwice(Right):
    @classmethod
    def decode(cls, chunks: Iterable[bytes]) -> Iterator[Any]:
        return super().decode(chunks) if any(chunks) else iter(())


class SplitsAllAtEachChunk(Right):
    def text(self, chunks: Iterable[bytes]) -> str:
        body = b""
        for chunk in chunks:
            body += chunk
            self.lines(body.decode("utf-8", "replace"))
        return self.without_mark(body.decode("utf-8", "replace"))


class Planted(NamedTuple):
    """A bug, the kinds of findings that are right for it, and the options of the check."""

    decoder: type[Right]
    kinds: str | tuple[str, ...] = ("differs", "raises")
    options: Mapping[str, Any] = MappingProxyType({})


PLANTED = [
    Planted(SplitsLinesAsPython),
    Planted(KnowsNoCarriageReturn),
    Planted(CutsLineEnds),
    Planted(CutsCharacters),
    Planted(BreaksOnBadUtf8),
    Planted(KeepsTheByteOrderMark),
    Planted(KeepsTheLastDataLine),
    Planted(JoinsDataWithNothing),
    Planted(DropsEmptyData),
    Planted(GivesTheUnfinishedEvent),
    Planted(GivesEventsWithoutData),
    Planted(StripsValues),
    Planted(NeedsASpace),
    Planted(ReadsFieldsInAnyCase),
    Planted(TakesCommentsForData),
    Planted(ReadsAnyNumber),
    Planted(BreaksOnAnOddRetry),
    Planted(TakesIdsWithNul),
    Planted(ForgetsTheId),
    Planted(KeepsTheEventsName),
    Planted(GivesOneObject),
    Planted(ReadsItsInputTwice, "reads its input twice"),
    Planted(SplitsAllAtEachChunk, "grows quadratically", {"growth": True, "max_examples": 5}),
]
