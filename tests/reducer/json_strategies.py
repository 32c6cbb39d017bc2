"""JSON texts as people and models write them: every spelling of every kind of value.

`documents()` are texts of whole documents; `mutated()` are such texts with some damage.
"""

from __future__ import annotations

import json
import math

from hypothesis import strategies as st

WHITE_SPACE = ["", "", "", " ", "\n", "\t", "\r\n", "  \n "]

KEYWORDS = ["true", "false", "null", "NaN", "Infinity", "-Infinity"]

STRING_PARTS = [
    *['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u00e9", "\\u00E9"],
    *["\\u20ac", "\\uD83D\\uDE00", "\\ud83d\\ude00", "\\uDBFF\\udfff", "\\uD800\\uDC00"],
    *["\\ud7ff", "\\uE000", "\\u0041", "\\uFFFF"],
    *["a", "true", "1", " ", "  ", "{", "}", "[", "]", ":", ",", "'", "/", "nul"],
    *["é", "€", "😀", "\x7f", "\u2028", "\ufeff", "\x85", "\U0010ffff"],
]
"""Pieces of a JSON string: escapes of each kind, text of every width, what looks like syntax."""

plain_text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=5
)
strings = st.one_of(
    st.lists(st.one_of(st.sampled_from(STRING_PARTS), plain_text), max_size=5).map(
        lambda parts: f'"{"".join(parts)}"'
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6).map(json.dumps),
)

digits = st.text("0123456789", min_size=1, max_size=22)
integers = st.one_of(
    st.sampled_from(["0", "-0", "1", "10", "-7", "9223372036854775807", "9223372036854775808"]),
    st.integers(-(10**30), 10**30).map(str),
)
exponents = st.builds(
    lambda e, sign, number: f"{e}{sign}{number}",
    st.sampled_from("eE"),
    st.sampled_from(["", "+", "-"]),
    st.text("0123456789", min_size=1, max_size=3),
)
numbers = st.one_of(
    integers,
    st.builds(lambda whole, part: f"{whole}.{part}", integers, digits),
    st.builds(lambda whole, power: whole + power, integers, exponents),
    st.builds(lambda whole, part, power: f"{whole}.{part}{power}", integers, digits, exponents),
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
)
scalars = st.one_of(strings, numbers, st.sampled_from(KEYWORDS))


def arrays(items: st.SearchStrategy[str], gaps: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    padded = st.builds(lambda before, item, after: before + item + after, gaps, items, gaps)
    return st.one_of(
        gaps.map(lambda gap: f"[{gap}]"),
        st.lists(padded, max_size=4).map(lambda x: f"[{','.join(x)}]"),
    )


def objects(items: st.SearchStrategy[str], gaps: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.builds(
        lambda a, key, b, c, item, d: f"{a}{key}{b}:{c}{item}{d}",
        *[gaps, st.one_of(strings, st.sampled_from(['"a"', '"b"'])), gaps, gaps, items, gaps],
    )
    return st.one_of(
        gaps.map(lambda gap: f"{{{gap}}}"),
        st.lists(member, max_size=4).map(lambda x: f"{{{','.join(x)}}}"),
    )


gaps = st.sampled_from(WHITE_SPACE)
written = st.recursive(
    scalars,
    lambda items: st.one_of(arrays(items, gaps), objects(items, gaps)),
    max_leaves=8,
)
values = st.recursive(
    st.one_of(
        *[st.none(), st.booleans(), st.integers(-(10**25), 10**25), st.floats()],
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    ),
    lambda items: st.one_of(
        st.lists(items, max_size=4),
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=4), items, max_size=4
        ),
    ),
    max_leaves=8,
)
"""What `json.loads` may return, lone surrogates apart."""

dumped = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    *[values, st.booleans(), st.sampled_from([None, None, 0, 2, "\t"])],
)


def documents() -> st.SearchStrategy[str]:
    """Whole documents, white space around some of them."""
    return st.builds(
        lambda before, text, after: before + text + after, gaps, st.one_of(written, dumped), gaps
    )


DAMAGE = [
    *[
        "",
        " ",
        ",",
        ":",
        '"',
        "'",
        "\\",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\\x",
        "{",
        "}",
        "[",
        "]",
        "0",
    ],
    *[
        "1",
        "-",
        "+",
        ".",
        "e",
        "t",
        "true",
        "nul",
        "NaN",
        "Inf",
        "a",
        "_",
        "\x00",
        "\n",
        "\x1f",
        "é",
    ],
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A document with pieces of it replaced, doubled or left out; some are documents still."""
    text = draw(documents())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(DAMAGE)) + text[end:]
    return text


soup = st.lists(st.sampled_from(DAMAGE), max_size=12).map("".join)
"""No document at all, mostly."""


def same(one: object, other: object) -> bool:
    """Whether two JSON values are the same, types too: 1 is not 1.0 is not True; NaN is NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or repr(one) == repr(other)
    return type(one) is type(other) and one == other
