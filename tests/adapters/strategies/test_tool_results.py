"""The content of tool results: the classes of the official package accept all of it."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import beta
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from streamfold.adapters.strategies.tool_results import tool_results


def tagged(kind: str, required: dict[str, Any], **optional: Any) -> Any:
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional=optional)


WORDS = st.sampled_from(["", "word"])
RESULTS = tool_results(WORDS, st.none() | WORDS, st.integers(0, 9), tagged)


@pytest.mark.parametrize("kind", RESULTS)
@given(data=st.data())
def test_the_official_class_accepts_it(kind: str, data: st.DataObject) -> None:
    name = "".join(map(str.title, kind.split("_")))
    block = {"type": kind, "tool_use_id": "srvtoolu_1", "content": data.draw(RESULTS[kind])}
    accepted = TypeAdapter(getattr(beta, f"Beta{name}Block")).validate_python(block)
    assert accepted.to_dict() == block
