"""The names of the fields of a message, and the refusal of others in `ignore` and `claims`.

A misspelt name would compare the field that it should leave out, or leave out the field that it
should compare, so a check refuses it before the run. In `ignore`, a name that the API does not have
is accepted if a result of the accumulator has it, because some classes add fields of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

import attrs
from streamfold.reducer import ContentBlock, Message, Usage

from .claims import Claims

__all__ = ["fields_of_messages", "paths_in", "refuse_unknown", "refuse_unknown_claims"]


@cache
def fields_of_messages() -> tuple[str, ...]:
    """The paths of the fields of a message: "usage", "usage.speed", "content.citations"."""
    blocks = {name: None for kind in get_args(ContentBlock) for name in _names(kind)}
    return (*_fields_of_the_head(), *(f"content.{name}" for name in blocks))


def _fields_of_the_head() -> Iterator[str]:
    """The paths of the fields of a message, without those inside its content."""
    yield from _names(Message)
    yield from (f"usage.{name}" for name in _names(Usage))


@cache
def _fields_of_blocks() -> dict[str, tuple[str, ...]]:
    """The names of the fields of each kind of block."""
    return {kind.type: (*_names(kind),) for kind in get_args(ContentBlock)}


def _names(kind: Any) -> Iterator[str]:
    """The names of the fields of a class of the API, as JSON has them."""
    yield "type"
    for field in attrs.fields(kind):
        if not field.name.startswith("_"):
            yield field.name.rstrip("_")


def paths_in(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields in a result; a path goes through arrays without an index.

    >>> list(paths_in({"content": [{"text": "Hi"}]}))
    ['content', 'content.text']
    """
    if isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from paths_in(item, inner)
    elif isinstance(value, list):
        for item in value:
            yield from paths_in(item, path)


def refuse_unknown(
    paths: Collection[str],
    known: Iterable[str],
    kind: str = "fields of a message",
    option: str = "ignore",
) -> None:
    """Refuse paths that name no field.

    Args:
        paths: the paths to check.
        known: the paths of fields. A path below a field without known inner fields is accepted.
        kind: the known names, in words.
        option: the option that has the paths.

    Raises:
        ValueError: a path names no field; the text names the nearest ones.

    >>> refuse_unknown(["usgae"], ["id", "usage"])
    Traceback (most recent call last):
    ValueError: ignore must name fields of a message; got 'usgae': did you mean 'usage'?
    """
    fields = set(known)
    holders = {path.rpartition(".")[0] for path in fields}
    for path in paths:
        first, *others = path.split(".")
        if first in fields and (not others or first not in holders):
            continue
        if others and f"{first}.{others[0]}" in fields:
            continue
        nearest = get_close_matches(path, sorted(fields), 2)
        hint = f": did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
        raise ValueError(f"{option} must name {kind}; got {path!r}{hint}")


_READY_MADE = (
    "; ready-made are GA_CLAIMS and CHAT_CLAIMS (in the shell: --claims ga, --claims chat)"
)


def refuse_unknown_claims(claims: Claims) -> None:
    """Refuse claims of blocks that the API does not have, and of fields that they do not have.

    Raises:
        ValueError: a claim names no block or field; the text names the nearest ones.

    >>> refuse_unknown_claims({"text": ["txt"]})
    Traceback (most recent call last):
    ValueError: claims must name fields of a text block; got 'txt': did you mean 'text'?
    """
    of_blocks = _fields_of_blocks()
    try:
        refuse_unknown(claims, (*of_blocks, "message"), "blocks or the message", "claims")
    except ValueError as error:
        raise ValueError(f"{error}{_READY_MADE}") from None
    for kind, fields in claims.items():
        if fields == "*":
            continue
        if kind == "message":
            refuse_unknown(fields, _fields_of_the_head(), "fields of the message", "claims")
        else:
            refuse_unknown(fields, of_blocks[kind], f"fields of a {kind} block", "claims")
