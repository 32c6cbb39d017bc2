"""Warnings about models that the API will retire."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from anthropic.resources.messages import DEPRECATED_MODELS
from streamfold.adapters.anthropic import Anthropic
from streamfold.adapters.client.deprecations import RETIREMENTS

from tests.support import official_clients
from tests.support.clients import ANSWER, ASK
from tests.support.loopback import response
from tests.support.shells import KEY

MESSAGE = official_clients.MESSAGE.to_json().encode()

pytestmark = pytest.mark.anyio


def test_the_models_are_those_of_the_official_client() -> None:
    assert set(RETIREMENTS) == set(DEPRECATED_MODELS)
    years = {model: day.split(", ")[1] for model, day in DEPRECATED_MODELS.items()}
    assert {model: day[:4] for model, day in RETIREMENTS.items()} == years


async def test_a_model_that_will_be_retired_is_warned_of(calling, server) -> None:
    server.answer(ANSWER)
    with pytest.warns(DeprecationWarning, match="'claude-opus-4-5' is deprecated: .* 2027-01-22"):
        await calling().message(model="claude-opus-4-5")
    with pytest.warns(UserWarning, match="'enabled' is deprecated for claude-opus-4-6: use the"):
        await calling().message(thinking={"type": "enabled", "budget_tokens": 1024})


@pytest.mark.parametrize("beta", [False, True])
@pytest.mark.parametrize("method", ["stream", "create", "parse"])
def test_the_warning_names_the_line_of_the_caller(beta: bool, method: str, server: Any) -> None:
    server.answer(response(200, MESSAGE, "application/json"))
    with Anthropic(api_key=KEY, base_url=server.url, max_retries=0) as client:
        messages: Any = client.beta.messages if beta else client.messages
        with pytest.warns(DeprecationWarning, match="'claude-sonnet-4-5' is dep") as caught:
            getattr(messages, method)(**{**ASK, "model": "claude-sonnet-4-5"})
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "request_fields",
    [
        {"model": "claude-opus-4-6", "thinking": {"type": "adaptive"}},
        {"model": "another", "thinking": {"type": "enabled"}},
        {"model": None},
    ],
)
def test_other_requests_warn_of_nothing(request_fields: dict[str, Any]) -> None:
    with warnings.catch_warnings(), Anthropic(api_key=KEY) as client:
        warnings.simplefilter("error")
        client.messages.stream(**{**ASK, **request_fields})
