"""sseclient-py: `pip install sseclient-py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sseclient import SSEClient


def decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The events of `SSEClient(chunks).events()`."""
    return SSEClient(chunks).events()
