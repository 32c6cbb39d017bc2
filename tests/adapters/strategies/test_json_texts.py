"""JSON texts: documents are JSON, and prefixes begin documents."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import json_documents, json_prefixes
from streamfold.reducer import parse_partial_json

from tests.support.effort import effort
from tests.support.stream_queries import least


def no_constant(name: str) -> Any:
    raise AssertionError(name)


@effort(150)
@given(json_documents())
def test_documents_are_json(text: str) -> None:
    json.loads(text, parse_constant=no_constant)


def test_nan_is_drawn_on_request() -> None:
    assert least(json_documents(nan=True), lambda text: "NaN" in text) == "NaN"


@effort(150)
@given(st.data(), json_documents())
def test_prefixes_begin_documents(data: st.DataObject, document: str) -> None:
    prefix = data.draw(json_prefixes(document))
    assert document.startswith(prefix)
    text = data.draw(json_prefixes())
    try:
        parse_partial_json(text)
    except ValueError as error:
        if not str(error).startswith("not JSON yet"):
            raise
