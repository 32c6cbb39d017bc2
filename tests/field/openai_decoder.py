"""The OpenAI SDK's decoder: `pip install openai`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from openai._streaming import SSEDecoder


def decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The events of the SDK's decoder."""
    return SSEDecoder().iter_bytes(iter(chunks))
