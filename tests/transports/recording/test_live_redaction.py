"""The events of a live stream without secrets: no part of a secret is shown, and few events
wait."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from streamfold.reducer import (
    MessageStopEvent,
    Snapshot,
    SSEState,
    StreamfoldError,
    decode_sse,
    encode_sse,
    feed,
    fold,
    parse_event,
    reduce,
)
from streamfold.transports.recording import Redaction, redacted_events

from tests.support.echoes import Echo, echoed, joined
from tests.support.effort import effort
from tests.support.events import (
    PING,
    block_delta,
    block_start,
    block_stop,
    error_event,
    message_delta,
    message_start,
    text_delta,
)
from tests.support.model import START, WHOLE

KEY = "sk-ant-api03-do-not-tell"
TEXT = [message_start(), block_start(0, "text", text="")]


def redaction_of(secret: str = KEY) -> Redaction:
    redaction = Redaction()
    redaction.headers([("x-api-key", secret)])
    return redaction


def events_of(*events: dict[str, Any]) -> list[Any]:
    """The events that a stream hands out, derived ones included."""
    snapshot, result = Snapshot(), []
    for event in events:
        snapshot, more = reduce(snapshot, event)
        result += more
    return result


def shown(*events: dict[str, Any], redaction: Redaction | None = None) -> list[dict[str, Any]]:
    return list(redacted_events(events_of(*events), redaction or redaction_of()))


@effort(500)
@given(echoed())
def test_a_secret_in_pieces_is_hidden(echo: Echo) -> None:
    events = shown(*echo.events, redaction=redaction_of(echo.secret))
    text = joined(events, echo.index, echo.field)
    assert re.fullmatch(rf"{re.escape(echo.before)}\[secret]{re.escape(echo.after)}", text)
    assert [event["type"] for event in events] == [event["type"] for event in echo.events]
    for field in ("text", "thinking"):
        other = 1 - echo.index, field
        assert joined(events, *other) == joined(echo.events, *other)
    assert fold(events).is_complete


@given(echoed())
def test_a_stream_without_the_secret_is_kept(echo: Echo) -> None:
    assert shown(*echo.events) == echo.events


def test_all_events_of_a_whole_stream_are_kept() -> None:
    events = feed(START, encode_sse(WHOLE))[1]
    raw = [parse_event(event).to_dict() for event in decode_sse(SSEState(), encode_sse(WHOLE))[1]]
    assert list(redacted_events(events, redaction_of())) == raw
    assert isinstance(events[-1], MessageStopEvent)


@pytest.mark.parametrize(
    "event",
    [
        message_start(model=KEY),
        {"type": "weather", "sky": [KEY]},
        block_start(0, "text", text=KEY),
        message_delta("end_turn", usage={KEY: 1}),
        error_event("api_error", f"bad key: {KEY}"),
        {"type": "weather", "delta": {"text": KEY}},
        block_delta(0, "new_delta", gold=KEY, text="x"),
    ],
)
def test_a_secret_in_any_other_field_is_hidden(event: dict[str, Any]) -> None:
    start = [] if event["type"] == "message_start" else [message_start()]
    if event["type"] == "content_block_delta":
        start = TEXT
    (*_, last) = shown(*start, event)
    assert KEY not in str(last)
    assert "[secret]" in str(last)


class Source:
    """Events that come one by one."""

    def __init__(self, *events: dict[str, Any], error: Exception | None = None) -> None:
        self.given = 0
        self._events = events_of(*events)
        self._error = error

    def __iter__(self) -> Iterator[Any]:
        for event in self._events:
            self.given += 1
            yield event
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("text", ["Hello", "", "is", "100 %", "sk-ant-api04-do"])
def test_an_event_waits_only_if_a_secret_may_begin_in_it(text: str) -> None:
    source = Source(*TEXT, text_delta(0, text), PING, text_delta(0, "!"))
    events = redacted_events(iter(source), redaction_of())
    given = []
    for event in events:
        given.append(source.given)
        if event.get("delta", {}).get("text") == text:
            break
    waits = text in ("is", "100 %")
    assert given[-1] == (5 if waits else 3)


def test_no_text_waits_longer_than_its_block() -> None:
    events = [*TEXT, text_delta(0, f"It is {KEY[:7]}"), block_stop(0)]
    assert shown(*events) == events
    events[2] = text_delta(0, f"It is {KEY[:18]}")
    assert shown(*events)[2]["delta"]["text"] == "It is [secret]"


def test_a_block_that_stops_ends_its_own_wait_only() -> None:
    start = [*TEXT, block_start(1, "text", text=""), text_delta(1, "is")]
    source = Source(*start, text_delta(0, KEY[:9]), block_stop(1), text_delta(0, KEY[9:]), PING)
    events = redacted_events(iter(source), redaction_of())
    seen = [next(events) for _ in range(4)]
    assert joined(seen, 1, "text") == "is"
    assert source.given == len(events_of(*start, text_delta(0, KEY[:9]))) + 1
    assert joined([*seen, *events], 0, "text") == "[secret]"


@pytest.mark.parametrize(
    "echo",
    [
        "".join(f"&#{ord(letter)};" for letter in KEY),
        "".join(f"\\u0026#x{ord(letter):x};" for letter in KEY),
        KEY.encode("utf-16-le").decode()[:-1],
    ],
    ids=["entities", "escaped entities", "UTF-16"],
)
def test_an_echo_in_another_writing_may_be_cut_anywhere(echo: str) -> None:
    for at in range(0, len(echo), 5):
        events = shown(*TEXT, text_delta(0, f"It is {echo[:at]}"), text_delta(0, f"{echo[at:]}."))
        assert joined(events, 0, "text") == "It is [secret]."


def test_an_error_comes_after_the_events_that_wait() -> None:
    events = [*TEXT, text_delta(0, KEY[:20]), PING]
    seen: list[dict[str, Any]] = []
    source = Source(*events, error=StreamfoldError("lost"))
    with pytest.raises(StreamfoldError, match="lost"):
        collections.deque(map(seen.append, redacted_events(source, redaction_of())), 0)
    assert joined(seen, 0, "text") == "[secret]"


@pytest.mark.parametrize("piece", ["\\" * 10, ""])
def test_what_waits_has_a_bound(piece: str) -> None:
    source = Source(*TEXT, text_delta(0, "s"), *[text_delta(0, piece) for _ in range(1200)])
    events = redacted_events(source, redaction_of())
    most = max(source.given - 2 * position for position, _ in enumerate(events))
    assert 10 < most < 2010  # each delta has a derived event


def test_an_interleaved_block_waits_for_a_bounded_number_of_events() -> None:
    others = [text_delta(1, str(number)) for number in range(1200)]
    start = [*TEXT, block_start(1, "text", text=""), text_delta(0, f"It is {KEY[:17]}")]
    source = Source(*start, *others, text_delta(0, KEY[17:]))
    events = redacted_events(source, redaction_of())
    assert joined([next(events) for _ in range(4)], 0, "text") == "It is [secret]"
    assert source.given < 2100


def test_secrets_with_a_common_beginning() -> None:
    redaction = redaction_of()
    redaction.headers([("api-key", f"{KEY}-and-more")])
    for rest, expected in (("-and-more.", "[secret]."), (".", "[secret].")):
        events = shown(*TEXT, text_delta(0, KEY), text_delta(0, rest), redaction=redaction)
        assert joined(events, 0, "text") == expected
