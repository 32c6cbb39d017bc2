"""Tests of a user with the pytest plugin, read by the type checkers and never run."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from streamfold.adapters.anthropic import Anthropic, AsyncAnthropic
from streamfold.adapters.pytest_transports import RecordedStreams


@pytest.fixture
def client(recorded_streams: RecordedStreams) -> Anthropic:
    return Anthropic(http_client=httpx.Client(transport=recorded_streams.transport))


@pytest.fixture
def async_client(recorded_streams: RecordedStreams) -> AsyncAnthropic:
    return AsyncAnthropic(http_client=httpx.AsyncClient(transport=recorded_streams.transport))


@pytest.mark.recording("weather", match="order", speed=1)
def test_weather(recorded_streams: RecordedStreams, client: Anthropic) -> None:
    path: Path = recorded_streams.path
    recording: bool = recorded_streams.record
    assert recording or path.exists()
