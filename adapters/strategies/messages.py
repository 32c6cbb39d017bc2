"""Messages as the API returns them unstreamed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st

from .grammar import BLOCKS, JSON, TOOLS, WEIGHTS, Draw, Strategy, copied, grammar_of, nothing

__all__ = ["Kinds", "any_block", "chosen_from", "message_of", "messages", "model_after", "numbered"]

Name = TypeVar("Name", bound=str)


def chosen_from(known: tuple[Name, ...], option: str, names: Collection[Name]) -> tuple[Name, ...]:
    """The names, in the order of `known`.

    Raises:
        ValueError: a name is not in `known`.
    """
    if isinstance(names, str) or not set(names) <= set(known):
        raise ValueError(f"{option} must be some of {', '.join(known)}; got {names!r}")
    return tuple(name for name in known if name in names)


class Kinds(NamedTuple):
    """The blocks that content may have."""

    blocks: tuple[str, ...]
    unknown: bool

    @classmethod
    def of(cls, blocks: Collection[str], unknown: bool) -> Kinds:
        """The kinds that the user chose.

        Raises:
            ValueError: `blocks` names an unknown kind.
        """
        return cls(chosen_from(BLOCKS, "blocks", blocks), unknown)


@cache
def any_block(kinds: Kinds) -> Strategy:
    """A finished block of one of these kinds; an empty strategy without kinds."""
    names = [*kinds.blocks, *["unknown"] * kinds.unknown]
    weighted = [kind for kind in names for _ in range(WEIGHTS[kind])]
    if not weighted:
        return nothing
    return st.sampled_from(weighted).flatmap(grammar_of(kinds.unknown).blocks.__getitem__)


def numbered(block: dict[str, JSON], number: int) -> dict[str, JSON]:
    """The block; a tool gets an id that no other block has."""
    return {**block, "id": f"toolu_{number}"} if block["type"] in TOOLS else block


def message_of(head: dict[str, JSON], content: list[JSON]) -> dict[str, JSON]:
    """The message of this head and content. Its model is that of the last fallback."""
    message = {**head, "content": content}
    for block in content:
        message["model"] = model_after(block) or message["model"]
    return message


def model_after(block: Mapping[str, JSON]) -> str | None:
    """The model that a fallback block changes to; None for other blocks."""
    model = block["to"].get("model") if block["type"] == "fallback" else None
    return model if isinstance(model, str) else None


@st.composite
def _messages(draw: Draw, kinds: Kinds) -> dict[str, JSON]:
    head = draw(grammar_of(kinds.unknown).head)
    content = [numbered(block, number) for number, block in enumerate(draw(_some_blocks(kinds)))]
    message: dict[str, JSON] = copied(message_of(head, content))
    return message


@cache
def _some_blocks(kinds: Kinds) -> Strategy:
    block = any_block(kinds)
    return st.just([]) if block.is_empty else st.lists(block, max_size=3)


_cached = cache(_messages)


def messages(
    *, blocks: Collection[str] = BLOCKS, unknown: bool = False
) -> st.SearchStrategy[dict[str, JSON]]:
    """A message, as the API returns it unstreamed.

    Args:
        blocks: the kinds of content blocks it may have, some of `BLOCKS`. An empty collection gives
            messages without content.
        unknown: draw also things that the API does not have: unknown blocks, citations, stop
            reasons and fields, missing fields, tool inputs that are not objects, and lone
            surrogates.

    Raises:
        ValueError: `blocks` names an unknown kind of block.

    >>> from hypothesis import find
    >>> find(messages(blocks=[]), lambda message: True)["content"]
    []
    """
    return _cached(Kinds.of(blocks, unknown))
