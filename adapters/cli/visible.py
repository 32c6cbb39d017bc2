"""Text that is safe to print: control characters become visible ones.

A stream is not trusted. A control character in it could move the cursor, recolour the screen or
rename the window of a terminal, and a bidirectional one can reorder text so that it reads
differently. So commands pass all text that is not their own through these functions.
"""

from __future__ import annotations

__all__ = ["BIDIRECTIONAL", "one_line", "visible"]

_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_VISIBLE[0x7F] = "␡"
_VISIBLE.update((code, f"\\x{code:02x}") for code in range(0x80, 0xA0))

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""The characters that change the order in which a terminal shows the others."""
_VISIBLE.update((ord(character), f"\\u{ord(character):04x}") for character in BIDIRECTIONAL)


def visible(text: str) -> str:
    r"""`text` with its control characters made visible; line feeds and tabs stay.

    >>> visible("a\x1b[31mb\tc\n")
    'a␛[31mb\tc\n'
    """
    return text.translate(_VISIBLE)


def one_line(text: str) -> str:
    r"""`text` on one line, with its control characters and line feeds made visible.

    >>> one_line("one\ntwo\x1b[31m")
    'one␊two␛[31m'
    """
    return visible(text).replace("\n", "␊")
