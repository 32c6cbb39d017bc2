"""A slow, obvious decoder of server-sent events that follows the standard sentence by sentence.

HTML Living Standard, 9.2.6 "Interpreting an event stream". It decodes the whole stream at once and
has no chunks. `decode_within` adds the limit, which the standard does not have.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Frame(NamedTuple):
    """The fields of a `ServerSentEvent` as a plain tuple."""

    event: str
    data: str
    id: str
    retry: int | None


LONGEST_RETRY = 18
"""Not in the standard: a reconnection time with more digits (30 million years) is ignored."""


def decode(body: bytes) -> list[Frame]:
    """The events of a whole stream."""
    # "Streams must be decoded using the UTF-8 decode algorithm", which drops one byte order mark.
    text = body.decode("utf-8", "replace")
    if text and text[0] == "\ufeff":
        text = text[1:]
    *lines, _unfinished = re.split("\r\n|\r|\n", text)
    frames = []
    event_type, data, last_id, retry = "", "", "", None
    for line in lines:
        if line == "":  # dispatch the event
            if data != "":
                frames.append(Frame(event_type or "message", data[:-1], last_id, retry))
            event_type, data, retry = "", "", None
            continue
        if line[0] == ":":
            continue
        if ":" in line:
            field, value = line[: line.index(":")], line[line.index(":") + 1 :]
            if value != "" and value[0] == " ":
                value = value[1:]
        else:
            field, value = line, ""
        if field == "event":
            event_type = value
        elif field == "data":
            data += value + "\n"
        elif field == "id":
            if "\0" not in value:
                last_id = value
        elif field == "retry":
            digits = value != "" and all(character in "0123456789" for character in value)
            retry = int(value) if digits and len(value) <= LONGEST_RETRY else retry
    return frames


BOM = b"\xef\xbb\xbf"
LINE_TOO_LONG = "a line is longer than the limit of {:,} bytes"
DATA_TOO_LONG = "the data of an event is longer than the limit of {:,} bytes"


def decode_within(body: bytes, limit: int) -> tuple[list[Frame], str | None]:
    """The events before the first line or event above the limit, and its name in errors."""
    start = len(BOM) if body.startswith(BOM) else 0
    data_lines: list[bytes] = []
    for end in re.finditer(rb"\r\n|\r|\n", body):
        if end.start() < start:
            continue
        line = body[start : end.start()]
        if len(line) > limit:
            return decode(body[:start]), LINE_TOO_LONG.format(limit)
        if line == b"":
            data_lines = []
        elif line == b"data" or line.startswith(b"data:"):
            data_lines.append(line[5:].removeprefix(b" "))
            if len(b"\n".join(data_lines)) > limit:
                return decode(body[:start]), DATA_TOO_LONG.format(limit)
        start = end.end()
    first_line = not re.search(rb"[\r\n]", body)  # bytes that may be a byte order mark do not count
    unfinished = len(body) - len(BOM) if first_line else len(body) - start
    return decode(body), LINE_TOO_LONG.format(limit) if unfinished > limit else None
