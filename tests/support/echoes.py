"""Streams that repeat a secret in pieces, and every way of writing its characters."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import strategies as st

from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    tool_start,
)

secrets = st.text("abcdefABCDEF0123456789-_./+=~ü\n", min_size=12, max_size=40).filter(
    lambda text: text.strip() == text
)
"""Secrets of any kind: keys, passwords, private keys of several lines."""


def percent(character: str) -> str:
    """The character percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in character.encode())


def escaped(character: str) -> str:
    r"""The character as escapes of JSON, with a number: `\u0041`."""
    return "".join(
        f"\\u{int.from_bytes(pair, 'big'):04x}"
        for pair in (character.encode("utf-16-be")[at : at + 2] for at in (0, 2))
        if pair
    )


FORMS: list[Any] = [
    str,
    percent,
    lambda character: percent(character).replace("%", "%25").lower(),
    escaped,
    lambda character: escaped(character).replace("\\", "\\\\"),
    lambda character: json.dumps(character)[1:-1],
    lambda character: "\\/" if character == "/" else character,
]
"""The ways of writing one character."""


@st.composite
def echoes(draw: st.DrawFn, secret: str) -> str:
    """The secret, each character written in a way of its own."""
    forms = draw(st.lists(st.sampled_from(FORMS), min_size=1, max_size=4))
    return "".join(forms[at % len(forms)](character) for at, character in enumerate(secret))


@attrs.frozen
class Echo:
    """A stream that repeats a secret.

    Attributes:
        secret: the secret.
        events: the events of the stream, whole.
        index: the block that repeats the secret.
        field: the field of its deltas.
        before: the text of that block before the secret.
        after: the text of that block after the secret.
    """

    secret: str
    events: list[dict[str, Any]]
    index: int
    field: str
    before: str
    after: str


KINDS = {
    "text": ("text_delta", lambda index: block_start(index, "text", text="")),
    "thinking": (
        "thinking_delta",
        lambda index: block_start(index, "thinking", thinking="", signature=""),
    ),
    "partial_json": ("input_json_delta", tool_start),
}


@st.composite
def echoed(draw: st.DrawFn) -> Echo:
    """A stream of some blocks whose deltas interleave; one of the blocks repeats a secret."""
    secret = draw(secrets)
    field = draw(st.sampled_from(list(KINDS)))
    before, after = draw(st.sampled_from([("", ""), ("key: ", "."), ("s", "s"), ("é ", " %2")]))
    if field == "partial_json":
        before, after = f'{{"a": "{before}', f'{after}"}}'
        secret = secret.replace("\n", "-")  # a string of JSON has no raw line feed
    text = before + draw(echoes(secret)) + after
    kind, start = KINDS[field]
    pieces = cut(text, draw(st.lists(st.integers(0, len(text)), max_size=6)))
    others = draw(st.lists(st.sampled_from(["x", "sk", "words ", ""]), max_size=6))
    index = draw(st.integers(0, 1))
    own = [block_delta(index, kind, **{field: piece}) for piece in pieces]
    other_field = draw(st.sampled_from(["text", "thinking"]))
    other_kind, other_start = KINDS[other_field]
    foreign = [block_delta(1 - index, other_kind, **{other_field: piece}) for piece in others]
    order = draw(st.permutations([True] * len(own) + [False] * len(foreign)))
    left = {True: iter(own), False: iter(foreign)}
    starts = sorted([start(index), other_start(1 - index)], key=lambda event: int(event["index"]))
    events = [
        message_start(),
        *starts,
        *(next(left[is_own]) for is_own in order),
        block_stop(0),
        block_stop(1),
        message_delta("end_turn"),
        MESSAGE_STOP,
    ]
    return Echo(secret, events, index, field, before, after)


def cut(text: str, positions: list[int]) -> list[str]:
    """The text in pieces, cut at these positions."""
    ends = [*sorted(positions), len(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def joined(events: list[dict[str, Any]], index: int, field: str) -> str:
    """The text of a block, from its deltas."""
    return "".join(
        event["delta"].get(field, "")
        for event in events
        if event["type"] == "content_block_delta" and event["index"] == index
    )
