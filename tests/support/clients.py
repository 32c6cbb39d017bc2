"""The sync and the async client with one interface, and a request for both."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
from streamfold.adapters.anthropic import Anthropic

from tests.support.loopback import PATIENCE, Server, Step, event_stream, hold
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


async def is_cancelled(caller: Caller, server: Server, beginning: Sequence[Step]) -> bool:
    """Cancel a call that has read the beginning of its answer; return whether it was cancelled."""
    cancelled, sent = False, threading.Event()
    server.answer([*beginning, lambda connection: sent.set(), hold])

    async def call() -> None:
        nonlocal cancelled
        try:
            await caller.message()
        except anyio.get_cancelled_exc_class():
            cancelled = True
            raise

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        assert await anyio.to_thread.run_sync(sent.wait, PATIENCE)
        await anyio.wait_all_tasks_blocked()  # the client has read what was sent
        tasks.cancel_scope.cancel()
    return cancelled
