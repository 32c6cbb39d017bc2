"""The sync and the async client with one interface, and a request for both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from streamfold.adapters.anthropic import Anthropic

from tests.support.loopback import event_stream
from tests.support.shells import BODY, Awaited

RECORDINGS = Path(__file__).parents[1] / "recordings"

ASK = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Say hello"}],
}
ANSWER = event_stream(BODY)
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def recording(name: str) -> bytes:
    """The body of a recorded stream."""
    return (RECORDINGS / f"{name}.sse").read_bytes()


@attrs.frozen
class Caller:
    """A client, sync or async, with the interface of the async one: see `shells`."""

    client: Any

    @asynccontextmanager
    async def stream(self, beta: bool = False, **request: Any) -> AsyncIterator[Any]:
        """The open stream of the answer to `ASK`, with these changes."""
        messages = self.client.beta.messages if beta else self.client.messages
        manager = messages.stream(**{**ASK, **request})
        if isinstance(self.client, Anthropic):
            with manager as stream:
                yield Awaited(stream)
        else:
            async with manager as stream:
                yield stream

    async def message(self, **request: Any) -> Any:
        """The final message of that stream."""
        async with self.stream(**request) as stream:
            return await stream.get_final_message()
