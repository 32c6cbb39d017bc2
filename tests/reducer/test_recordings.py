"""Every recording folds to the message stored beside it, for all chunk boundaries."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from streamfold.reducer import (
    IncompleteStreamError,
    InvalidToolInputError,
    Message,
    StreamState,
    encode_sse,
    expand,
    fold,
)

from tests.support.model import fed

RECORDINGS = Path(__file__).parent.parent / "recordings"
INDEX: dict[str, dict[str, str]] = json.loads((RECORDINGS / "index.json").read_text("utf-8"))
ALL = pytest.mark.parametrize("name", INDEX)
WITHOUT_MESSAGE = {"empty-body", "error-first", "error-rate-limit-first"}
WITH_MESSAGE = pytest.mark.parametrize("name", sorted(INDEX.keys() - WITHOUT_MESSAGE))


def body_of(name: str) -> bytes:
    return (RECORDINGS / f"{name}.sse").read_bytes()


def message_of(name: str) -> Any:
    return json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))


def test_every_file_is_in_the_index() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.sse")} == set(INDEX)
    assert {path.stem for path in RECORDINGS.glob("*.json")} - {"index"} == set(INDEX)
    assert len(INDEX) >= 20
    assert {name for name in INDEX if message_of(name) is None} == WITHOUT_MESSAGE


@ALL
def test_it_folds_to_its_message_and_its_end(name: str) -> None:
    outcome = fed([body_of(name)])
    message = outcome.snapshot.message
    assert (message and message.to_dict()) == message_of(name)
    ends = INDEX[name]["ends"]
    error = outcome.error
    stream_error = outcome.snapshot.error
    assert (stream_error and stream_error.error.type) == (
        None if ends in ("complete", "incomplete", "invalid_tool_input") else ends
    )
    if ends == "complete":
        assert error is None
        assert outcome.snapshot.is_complete
    elif ends == "invalid_tool_input":
        assert error is not None
        assert error[0] is InvalidToolInputError
    else:
        assert error is not None
        assert error[0] is IncompleteStreamError


@ALL
def test_where_it_is_cut_changes_nothing(name: str) -> None:
    body = body_of(name)
    whole = fed([body])
    assert fed([body[position : position + 1] for position in range(len(body))]) == whole
    for seed in range(5):
        choose = random.Random(seed)
        ends = sorted(choose.choices(range(len(body) + 1), k=1 + len(body) // 500))
        ends.append(len(body))
        chunks = [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        assert fed(chunks) == whole


@ALL
def test_a_checkpoint_between_any_two_chunks_changes_nothing(name: str) -> None:
    body = body_of(name)
    size = len(body) // 20 + 1
    chunks = [body[start : start + size] for start in range(0, len(body), size)]

    def restored(state: StreamState) -> StreamState:
        return StreamState.from_dict(json.loads(json.dumps(state.to_dict())))

    assert fed(chunks, between=restored) == fed([body])


@WITH_MESSAGE
def test_its_message_is_read_and_written_without_loss(name: str) -> None:
    fields = message_of(name)
    message = Message.from_dict(fields)
    assert message.to_dict() == fields
    assert json.loads(message.to_json()) == fields
    assert list(message.to_dict()) == list(json.loads(message.to_json(indent=2)))


@WITH_MESSAGE
def test_its_message_expands_to_a_stream_of_it(name: str) -> None:
    snapshot = fed([body_of(name)]).snapshot
    assert snapshot.message is not None
    assert fold(expand(snapshot.message)).message == snapshot.message
    assert fed([encode_sse(expand(snapshot.message))]).snapshot.message == snapshot.message
