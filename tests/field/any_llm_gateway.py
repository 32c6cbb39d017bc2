"""any-llm-sdk: its gateway translates Chat Completions streams, as in `AnyLLM._amessages`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from any_llm.any_llm import AnyLLM
from any_llm.types.completion import ChatCompletionChunk


class _Provider(AnyLLM):
    """A provider without a messages API of its own: it has the completion stream only."""

    def __init__(self, chunks: Iterable[dict[str, Any]]) -> None:
        self.chunks = [ChatCompletionChunk.model_validate(chunk) for chunk in chunks]

    async def _acompletion(self, params: Any, **options: Any) -> Any:
        async def stream() -> Any:
            for chunk in self.chunks:
                yield chunk

        return stream()


_Provider.__abstractmethods__ = frozenset()  # its other methods are not called


async def translate(chunks: Any) -> Any:
    """The events of the fallback that serves the messages API."""
    from any_llm.types.messages import MessagesParams

    provider: Any = _Provider([chunk async for chunk in chunks])
    params = MessagesParams(
        model="m", max_tokens=9, stream=True, messages=[{"role": "user", "content": "Hi"}]
    )
    stream: Any = await provider._amessages(params)
    return [event.model_dump(exclude_none=False) async for event in stream]
