"""Messages: they are what the API returns."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.strategies import messages
from streamfold.reducer import Message

from tests.support.effort import effort


@effort(150)
@given(st.booleans().flatmap(lambda unknown: messages(unknown=unknown)))
def test_messages_are_messages(message: dict[str, Any]) -> None:
    assert Message.from_dict(message).to_dict() == message
    assert json.loads(json.dumps(message)) == message
