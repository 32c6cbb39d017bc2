"""Damaged JSON texts and JSON values of every type, for the tests of the reducer.

Texts of whole documents come from `streamfold.adapters.strategies.json_documents`.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st
from streamfold.adapters.strategies import json_documents

_strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats() | _strings,
    lambda items: (
        st.lists(items, max_size=4)
        | st.dictionaries(_strings.map(lambda key: key[:4]), items, max_size=4)
    ),
    max_leaves=8,
)
"""The values that `json.loads` may return, without lone surrogates."""

# fmt: off
_DAMAGE = [
    "", " ", ",", ":", '"', "'", "\\", "\\u", "\\ud83d", "\\ude00", "\\x", "{", "}", "[", "]", "0",
    "1", "-", "+", ".", "e", "t", "true", "nul", "NaN", "Inf", "a", "_", "\x00", "\n", "\x1f", "é",
]
# fmt: on


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A document with parts replaced, doubled or removed; some are still documents."""
    text = draw(json_documents(nan=True))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(_DAMAGE)) + text[end:]
    return text


soup = st.lists(st.sampled_from(_DAMAGE), max_size=12).map("".join)
"""Texts that are mostly not documents."""


def same(one: object, other: object) -> bool:
    """Whether two JSON values have the same type and content; NaN equals NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or repr(one) == repr(other)
    return type(one) is type(other) and one == other


JSON_KINDS: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "a boolean"),
    (False, "a boolean"),
    (1, "an integer"),
    (1.5, "a number"),
    ("a", "a string"),
    ({}, "an object"),
    ([], "an array"),
    ((), "an array"),
]
"""A value of each kind of JSON, and the name of the kind in error messages."""
