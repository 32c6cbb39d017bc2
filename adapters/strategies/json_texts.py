"""JSON texts as people, models and serialisers write them, and prefixes of them."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import strategies as st

from .grammar import Draw, Strategy, floats

__all__ = ["json_documents", "json_prefixes"]

_STRING_PARTS = [
    *['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u00e9", "\\u00E9"],
    *["\\u20ac", "\\uD83D\\uDE00", "\\ud83d\\ude00", "\\uDBFF\\udfff", "\\uD800\\uDC00"],
    *["\\ud7ff", "\\uE000", "\\u0041", "\\uFFFF"],
    *["a", "true", "1", " ", "  ", "{", "}", "[", "]", ":", ",", "'", "/", "nul"],
    *["é", "€", "😀", "\x7f", "\u2028", "\ufeff", "\x85", "\U0010ffff"],
]
"""Pieces of a JSON string: escapes of each kind, characters of every width, JSON syntax."""

_INTEGERS = ["0", "-0", "1", "10", "-7", "9223372036854775807", "9223372036854775808"]


def _numbers() -> Strategy:
    integers = st.sampled_from(_INTEGERS) | st.integers(-(10**30), 10**30).map(str)
    digits = st.text("0123456789", min_size=1, max_size=22)
    exponents = st.builds(
        "{}{}{}".format,
        st.sampled_from("eE"),
        st.sampled_from(["", "+", "-"]),
        st.text("0123456789", min_size=1, max_size=3),
    )
    return st.one_of(
        integers,
        st.builds("{}.{}".format, integers, digits),
        st.builds("{}{}".format, integers, exponents),
        st.builds("{}.{}{}".format, integers, digits, exponents),
        floats.map(json.dumps),
    )


def _strings() -> Strategy:
    plain = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters='"\\')
    parts = st.lists(st.sampled_from(_STRING_PARTS) | st.text(plain, max_size=5), max_size=5)
    return parts.map(lambda parts: f'"{"".join(parts)}"') | st.text(max_size=6).map(json.dumps)


@cache
def _documents(nan: bool) -> Strategy:
    keywords = ["null", "true", "false", *(["NaN", "Infinity", "-Infinity"] if nan else [])]
    strings = _strings()
    keys = st.sampled_from(['"a"', '"b"']) | strings
    gaps = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n", "  \n "])

    def containers(items: Strategy) -> Strategy:
        padded = st.builds("{}{}{}".format, gaps, items, gaps)
        members = st.builds("{}{}{}:{}".format, gaps, keys, gaps, padded)
        return st.one_of(
            gaps.map("[{}]".format),
            gaps.map("{{{}}}".format),
            st.lists(padded, min_size=1, max_size=4).map(lambda some: f"[{','.join(some)}]"),
            st.lists(members, min_size=1, max_size=4).map(lambda some: f"{{{','.join(some)}}}"),
        )

    scalars = st.sampled_from(keywords) | _numbers() | strings
    values = st.recursive(scalars, containers, max_leaves=8)
    return st.builds("{}{}{}".format, gaps, values, gaps)


def json_documents(*, nan: bool = False) -> st.SearchStrategy[str]:
    """The text of a JSON document, with any escapes and white space.

    Some numbers are too large for a float.

    Args:
        nan: draw also `NaN` and `Infinity`, which Python reads and writes but JSON does not have.

    >>> from hypothesis import find
    >>> json.loads(find(json_documents(), lambda text: text.strip() == "[]"))
    []
    """
    return _documents(nan)


@st.composite
def _prefixes(draw: Draw, document: str | None) -> str:
    whole = draw(_documents(nan=False)) if document is None else document
    return str(whole[: draw(st.integers(0, len(whole)))])


def json_prefixes(document: str | None = None) -> st.SearchStrategy[str]:
    """A prefix of a JSON text; it may be empty or whole.

    Args:
        document: the whole text. None draws one.

    >>> from hypothesis import find
    >>> find(json_prefixes('{"city": "Lisboa"}'), lambda text: len(text) == 11)
    '{"city": "L'
    """
    return _prefixes(document)
