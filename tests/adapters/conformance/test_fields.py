"""The names of fields: misspelt ones are refused before a run, and the nearest are named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from streamfold.adapters.conformance import (
    CHAT_CLAIMS,
    GA_CLAIMS,
    TRANSLATOR_CLAIMS,
    check_accumulator,
    check_decoder,
    check_emitter,
    check_translator,
)
from streamfold.adapters.conformance.fields import (
    fields_of_messages,
    paths_in,
    refuse_unknown,
    refuse_unknown_claims,
)
from streamfold.adapters.strategies import BLOCKS, messages
from streamfold.reducer import fold

from tests.support.effort import effort
from tests.support.planted import decoders, emitters
from tests.support.planted.accumulators import Right


@effort(200)
@given(messages())
def test_every_field_of_a_message_is_known(message: Any) -> None:
    refuse_unknown(list(paths_in(message)), fields_of_messages())


@pytest.mark.parametrize("path", ["usgae", "usage.output_token", "content.txt", "id.x.y", "x.y"])
def test_other_fields_are_refused(path: str) -> None:
    known = ["id", "usage", "usage.output_tokens", "content", "content.text"]
    if path == "id.x.y":  # no inner field is known
        return refuse_unknown([path], known)
    with pytest.raises(ValueError, match=f"ignore must name fields of a message; got '{path}'"):
        refuse_unknown([path], known)
    return None


def never(given: Any) -> Any:
    raise AssertionError("a check that is refused calls no function")


@pytest.mark.parametrize(
    ("check", "options", "reason"),
    [
        (check_emitter, {"ignore": ["modle"]}, "got 'modle': did you mean 'model'"),
        (check_decoder, {"ignore": ["evnt"]}, "got 'evnt': did you mean 'event'"),
        (check_accumulator, {"claims": {"txt": "*"}}, "got 'txt': did you mean 'text'"),
        (check_accumulator, {"claims": {"chats": "*"}}, "GA_CLAIMS and CHAT_CLAIMS"),
        (
            check_accumulator,
            {"claims": {"text": ["text"], "message": ["stopreason"]}},
            "must name fields of the message; got 'stopreason': did you mean 'stop_reason'",
        ),
        (
            check_emitter,
            {"claims": {"tool_use": ["inptu"]}},
            "must name fields of a tool_use block; got 'inptu': did you mean 'input'",
        ),
        (check_translator, {"claims": {"message": ["usage.input_token"]}}, "usage.input_tokens"),
        (check_accumulator, {"faults": ["ctu"]}, "got .*: did you mean cut"),
        (check_accumulator, {"faults": "cut"}, "faults must be some of"),
    ],
)
def test_nothing_runs_before_the_refusal(check: Any, options: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check(never, **options)


@pytest.mark.parametrize(
    "claims", [GA_CLAIMS, CHAT_CLAIMS, TRANSLATOR_CLAIMS, {kind: ["type"] for kind in BLOCKS}]
)
def test_the_claims_of_every_block_are_accepted(claims: Any) -> None:
    refuse_unknown_claims(claims)


def test_claims_of_unknown_parts_are_accepted_where_they_are_drawn() -> None:
    options: Any = {"max_examples": 3, "seed": 0, "growth": False}
    check_accumulator(Right.accumulate, claims={"message": ["mood"]}, unknown=True, **options)


def test_an_accumulator_may_have_fields_of_its_own() -> None:
    def accumulate(events: Any) -> Any:
        message = fold(events).message
        assert message is not None
        content = [{**block.to_dict(), "parsed": 1} for block in message.content]
        return {**message.to_dict(), "content": content, "request_id": "req_1"}

    options: Any = {"max_examples": 5, "seed": 0, "growth": False}
    check_accumulator(accumulate, ignore=["request_id", "content.parsed"], **options)
    with pytest.raises(ValueError, match="got 'request_di': did you mean 'request_id'"):
        check_accumulator(accumulate, ignore=["request_di"], **options)


def test_unknown_fields_may_be_ignored_where_they_are_drawn() -> None:
    options: Any = {"max_examples": 5, "seed": 0, "growth": False}
    check_accumulator(Right.accumulate, ignore=["mood"], unknown=True, **options)
    with pytest.raises(ValueError, match="got 'mood'"):
        check_accumulator(Right.accumulate, ignore=["mood"], **options)


def test_fields_that_exist_are_accepted() -> None:
    check_emitter(emitters.Right.emit, ignore=["usage.speed"], max_examples=3)
    check_decoder(decoders.Right.decode, ignore=["id"], max_examples=3, growth=False)
