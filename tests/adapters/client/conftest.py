"""The fixtures of the clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stamina
import stamina.instrumentation
from streamfold.adapters.anthropic import Anthropic, AsyncAnthropic

from tests.support.clients import Caller
from tests.support.shells import KEY


@pytest.fixture
async def calling(shell, server) -> Any:
    """A function that makes a client of the server. The clients are closed after the test."""
    made: list[Any] = []

    def make(**options: Any) -> Caller:
        options = {"api_key": KEY, "base_url": server.url, "timeout": 10, **options}
        made.append((Anthropic if shell.is_sync else AsyncAnthropic)(**options))
        return Caller(made[-1])

    yield make
    for client in made:
        closing = client.close()
        if closing is not None:
            await closing


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Retries come without a wait."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The real waits before retries, in seconds, as stamina computes them."""
    seconds: list[float] = []
    before = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([lambda retry: seconds.append(retry.wait_for)])
    with stamina.set_testing(False):
        yield seconds
    stamina.instrumentation.set_on_retry_hooks(before)
