"""Where two recordings part, and how they differ at the end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.inspector.parting import parting
from streamfold.adapters.inspector.trace import trace
from streamfold.transports import Recording

from tests.adapters.inspector.reference import answer, message_start, recording_of, text_deltas


def parted(a: list[Any], b: list[Any]) -> dict[str, Any]:
    return parting(trace(recording_of(a)), trace(recording_of(b)))


def test_the_same_message_in_other_pieces() -> None:
    assert parted(answer("Hel", "lo"), answer("Hello")) == {
        "same": True,
        "differences": [],
        "first": None,
    }


def test_texts_part_at_a_character() -> None:
    found = parted(answer("The answer ", "is 42", "."), answer("The answer is ", "41."))
    assert found["first"] == {
        "path": ("message", "content", 0, "text"),
        "values": ['"The answer is 42."', '"The answer is 41."'],
        "events": [4, 4],
        "offset": 15,
    }
    assert found["differences"] == [found["first"]]


@given(st.text("ab", max_size=8), st.text("ab", max_size=8))
def test_the_offset_is_the_first_difference(a: str, b: str) -> None:
    first = parted(answer(*a), answer(*b))["first"]
    if a == b:
        assert first is None
        return
    offset = first["offset"]
    assert a[:offset] == b[:offset]
    assert a[offset : offset + 1] != b[offset : offset + 1]
    # each is brought by the event of that character; the end of a text, by its last piece
    for text, event in zip((a, b), first["events"], strict=True):
        assert event == (3 + offset if offset < len(text) else 2 + len(text))


def test_a_field_that_only_one_has_came_with_its_block() -> None:
    def stream(**fields: Any) -> list[dict[str, Any]]:
        start, *rest = text_deltas("b", index=1)
        start = {**start, "content_block": {**start["content_block"], **fields}}
        return [message_start(container=None), *text_deltas("a"), start, *rest]

    found = parted(stream(), stream(extra=[{"a": 1}]))
    assert found["first"]["path"] == ("message", "content", 1, "extra")
    assert found["first"]["events"] == [0, 5]
    delta = {"type": "message_delta", "delta": {"container": {"id": "c", "expires_at": None}}}
    (difference,) = parted([*stream(), delta], stream())["differences"]
    assert difference["events"] == [8, 1]


def test_a_cut_recording_parts_where_it_lacks_something() -> None:
    whole = answer("Hel", "lo")
    first = parted(whole, whole[:3])["first"]
    assert (first["path"], first["events"]) == (("message", "content", 0, "text"), [4, 3])
    first = parted(whole, whole[:5])["first"]
    assert (first["path"], first["events"]) == (("message", "stop_reason"), [6, 0])


def test_ids_and_usage_are_listed_only() -> None:
    first = [message_start(usage={"output_tokens": 1}, container=True)]
    second = [message_start(id="msg_2", usage={"output_tokens": 2}, container=1)]
    found = parted(first, second)
    assert found["first"] is None
    assert [(entry["path"][1:], entry["values"]) for entry in found["differences"]] == [
        (("id",), ['"msg_1"', '"msg_2"']),
        (("usage", "output_tokens"), ["1", "2"]),
        (("container",), ["true", "1"]),
    ]


def test_a_block_that_only_one_has() -> None:
    shorter = answer("a")
    longer = [*shorter[:4], *text_deltas("b", index=1), *shorter[4:]]
    found = parted(shorter, longer)
    assert found["first"]["path"] == ("message", "content", 1)
    assert found["first"]["values"] == [None, '{"type": "text", "text": "b"}']
    assert found["first"]["events"] == [0, 5]


def test_the_difference_that_came_first_comes_first() -> None:
    a = [message_start(), *text_deltas("x", "1"), *text_deltas("y", index=1)]
    b = [message_start(), *text_deltas("x", "2"), *text_deltas("z", index=1)]
    assert parted(a, b)["first"]["path"] == ("message", "content", 0, "text")


def test_long_values_are_cut() -> None:
    found = parted(answer("a" * 900 + "b" * 900), answer("a" * 900 + "c" * 900))
    value = found["first"]["values"][0]
    assert len(value) < 200
    assert value.startswith('"… aaa')
    assert "ab" in value


def test_a_recording_without_a_message() -> None:
    found = parting(trace(recording_of(answer("a"))), trace(Recording([])))
    assert found["first"]["path"] == ("message",)
    assert found["first"]["values"][1] == "null"
