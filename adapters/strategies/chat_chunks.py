"""Streams of the Chat Completions API, to drive translators into Anthropic streams.

A gateway receives such a stream from its backend and emits the events of the Messages API. The
chunks are drawn as backends send them, with the quirks that backends have.

Source: the Chat Completions reference, "The chat completion chunk object"; the quirks are those
of issues at the trackers of gateways and inference servers (parallel calls in one block, repeated
names, calls cut by the length).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from typing import Any, Literal, get_args

from hypothesis import strategies as st

from .cuts import cuts
from .grammar import Draw, grammar_of
from .messages import chosen_from

__all__ = ["CHAT_QUIRKS", "ChatQuirk", "openai_chunks"]

Chunk = dict[str, Any]

ChatQuirk = Literal[
    "interleaved",
    "repeated_names",
    "late_arguments",
    "finish_stop",
    "length",
    "usage",
    "empty_deltas",
    "no_finish",
    "cut",
    "empty",
]
CHAT_QUIRKS: tuple[ChatQuirk, ...] = get_args(ChatQuirk)
"""The quirks of streams of the Chat Completions API:

    interleaved     the deltas of parallel calls alternate
    repeated_names  id and name of a call come in each of its deltas
    late_arguments  a call starts without an `arguments` field
    finish_stop     the finish reason is `stop` although there are calls, as it is for a forced tool
    length          the length ends the answer inside the arguments of a call
    usage           a last chunk without choices has the usage
    empty_deltas    some deltas are empty, or have `null` for their content
    no_finish       everything came, but no finish reason
    cut             the stream ends before everything came
    empty           the body has no chunk at all
"""


@st.composite
def _chats(draw: Draw, quirks: tuple[ChatQuirk, ...]) -> list[Chunk]:
    def has(quirk: ChatQuirk) -> bool:
        return quirk in quirks and draw(_seldom)

    if has("empty"):
        return []
    in_turn = "interleaved" in quirks and draw(st.booleans())  # first: late choices vary less
    grammar = grammar_of(False, ())
    text = draw(st.just("") | grammar.prose)
    count = draw(st.sampled_from([0, 1, 2, 2, 3]))
    calls = [(draw(grammar.tool_name), draw(_arguments)) for _ in range(count)]
    deltas: list[Chunk] = [{"content": piece} for piece in _split(draw, text)]
    is_short = bool(calls) and has("length")
    parts = [
        _call(draw, number, name, arguments, quirks, is_short and number == len(calls) - 1)
        for number, (name, arguments) in enumerate(calls)
    ]
    in_order = [delta for part in parts for delta in part]
    deltas += _in_turn(parts) if in_turn and not is_short else in_order
    if "empty_deltas" in quirks:
        for position, delta in draw(_empty_deltas):
            deltas.insert(position % (len(deltas) + 1), dict(delta))
    finish = "tool_calls" if calls and not has("finish_stop") else "stop"
    finish = "length" if is_short else finish
    chunks = [_chunk({"role": "assistant", "content": ""})]
    chunks += [_chunk(delta) for delta in deltas]
    if has("cut"):
        return chunks[: draw(st.integers(1, len(chunks)))]
    if not has("no_finish"):
        chunks.append(_chunk({}, finish))
        if has("usage"):
            usage = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}
            chunks.append({**_chunk({}), "choices": [], "usage": usage})
    return chunks


def _chunk(delta: Chunk, finish: str | None = None) -> Chunk:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1764000000,
        "model": "gpt-next",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }


def _split(draw: Draw, text: str) -> list[str]:
    ends = cuts(draw, len(text), ())
    pieces = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [piece for piece in pieces if piece]


def _call(
    draw: Draw,
    number: int,
    name: str,
    arguments: Any,
    quirks: tuple[ChatQuirk, ...],
    is_short: bool,
) -> list[Chunk]:
    """The deltas of one call."""
    whole = json.dumps(arguments)
    if is_short:
        whole = whole[: draw(st.integers(1, max(len(whole) - 1, 1)))]
    head = {"index": number, "id": f"call_{number}", "type": "function"}
    repeats = "repeated_names" in quirks and draw(_seldom)
    is_late = "late_arguments" in quirks and draw(_seldom)
    first = {"name": name} if is_late else {"name": name, "arguments": ""}
    pieces: list[Chunk] = [{**head, "function": first}]
    for piece in _split(draw, whole):
        function = {"arguments": piece}
        if repeats:
            pieces.append({**head, "function": {"name": name, **function}})
        else:
            pieces.append({"index": number, "function": function})
    return [{"tool_calls": [piece]} for piece in pieces]


def _in_turn(calls: list[list[Chunk]]) -> list[Chunk]:
    """The deltas of all calls, one of each in turn."""
    longest = max(map(len, calls), default=0)
    return [call[at] for at in range(longest) for call in calls if at < len(call)]


_seldom = st.sampled_from([False, False, False, True])
_empty_deltas = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from([{}, {"content": ""}, {"content": None}])),
    max_size=2,
)
_arguments = st.dictionaries(
    st.sampled_from(["a", "city", "é"]),
    st.none() | st.integers(-5, 2**60) | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    max_size=3,
)

_cached = cache(_chats)


def openai_chunks(*, quirks: Collection[ChatQuirk] = CHAT_QUIRKS) -> st.SearchStrategy[list[Chunk]]:
    """The chunks of a stream of the Chat Completions API, without the final `[DONE]`.

    Args:
        quirks: the quirks that it may have, some of `CHAT_QUIRKS`. "no_finish", "cut" and "empty"
            give streams that no translator may present as a whole message.

    Raises:
        ValueError: `quirks` has an unknown name.

    >>> from hypothesis import find
    >>> chunks = find(openai_chunks(quirks=[]), lambda chunks: len(chunks) == 2)
    >>> chunks[-1]["choices"][0]["finish_reason"]
    'stop'
    """
    return _cached(chosen_from(CHAT_QUIRKS, "quirks", quirks))
