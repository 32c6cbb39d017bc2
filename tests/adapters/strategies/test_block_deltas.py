"""The deltas of blocks: an input that ends early is the beginning of some JSON."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies.block_deltas import BlockStreamer


@given(st.data())
def test_a_comma_stands_between_members_only(data: st.DataObject) -> None:
    streamed: Any = SimpleNamespace(block={"input": None}, _replace=lambda **fields: fields)
    for text, beginnings in (('{"a":[1]}', ('{"a":[1,', '{"a":[1],')), ("[]", ("[",))):
        written = SimpleNamespace(
            spelled=lambda _, text=text: text, draw=data.draw, input_json=lambda text: text
        )
        opened: Any = BlockStreamer.open_tool(written, streamed)  # type: ignore[arg-type]
        assert opened["deltas"].startswith(beginnings)
        assert not opened["deltas"].startswith("[,")
