"""Text in colours, on a terminal: pieces of text with roles, and the printers that write them.

A printer writes the same text everywhere. It adds colours if the output is a terminal, rich is
installed and NO_COLOR is not set. rich is imported only then.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Piece", "Printer", "printer", "rich_console"]

Piece = tuple[str, str]
"""A text and its role: a key of `_STYLES`, "" for the model's own words."""

Printer = Callable[[list[Piece]], None]

_STYLES = {
    "": "",
    "thinking": "dim",
    "call": "bold cyan",
    "input": "cyan",
    "result": "green",
    "output": "dim",
    "failure": "red",
    "note": "dim",
    "warning": "yellow",
    "mark": "blue",
    "end": "dim",
}
"""The style of each role on a terminal, in rich's language."""


def rich_console(out: TextIO) -> Console | None:
    """The console of rich on `out`; `None` if `out` is not a terminal, rich is not installed, or
    NO_COLOR is set.
    """
    if not out.isatty() or os.environ.get("NO_COLOR"):
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=out)


def printer(out: TextIO) -> Printer:
    """A function that prints pieces on `out` and flushes it, in colours where `rich_console` is."""

    def plain(pieces: list[Piece]) -> None:
        out.write(_encodable("".join(text for text, _ in pieces), out))
        out.flush()

    console = rich_console(out)
    if console is None:
        return plain
    from rich.segment import Segment, Segments
    from rich.style import Style

    styles = {role: Style.parse(style) for role, style in _STYLES.items()}

    def coloured(pieces: list[Piece]) -> None:
        segments = [Segment(_encodable(text, out), styles[role]) for text, role in pieces]
        console.print(Segments(segments), end="", soft_wrap=True)

    return coloured


def _encodable(text: str, out: TextIO) -> str:
    """`text` with escapes for the characters that the encoding of `out` lacks."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
