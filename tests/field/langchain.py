"""langchain-anthropic: the sum of the chunks that `ChatAnthropic` streams.

Its message is a class of langchain. Blocks and stop reason are translated back to the API's shape;
other fields are not claimed. A block without content is not part of its message.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from anthropic._models import construct_type_unchecked
from anthropic.types.beta import BetaRawMessageStreamEvent
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk

_MODEL = ChatAnthropic(model="claude-opus-4-6", api_key="none")


def accumulate(events: Iterable[dict[str, Any]]) -> Any:
    """The blocks and the stop reason of the sum of all chunks."""
    whole = AIMessageChunk(content=[])
    started = None
    empty: dict[int, dict[str, Any]] = {}
    for fields in events:
        if fields["type"] == "ping":
            continue  # the SDK's stream, which langchain reads, yields no pings
        if fields["type"] == "content_block_start":
            block = fields["content_block"]
            if block["type"] in ("text", "thinking"):
                empty[fields["index"]] = {**block, "text": "", "thinking": ""}
        event: Any = construct_type_unchecked(type_=BetaRawMessageStreamEvent, value=fields)
        chunk, started = _MODEL._make_message_chunk_from_anthropic_event(
            event, coerce_content_to_string=False, block_start_event=started
        )
        whole = whole if chunk is None else whole + chunk
    blocks = {**empty, **{block["index"]: block for block in whole.content}}
    return {
        "content": [_block(blocks[index]) for index in sorted(blocks)],
        "stop_reason": whole.response_metadata.get("stop_reason"),
    }


def _block(block: dict[str, Any]) -> dict[str, Any]:
    """A block without the fields that langchain adds, with those that it omits when empty."""
    fields = {key: value for key, value in block.items() if key not in ("index", "partial_json")}
    if block["type"] == "text":
        return {"text": "", **fields, "thinking": None}
    if block["type"] == "thinking":
        return {"thinking": "", "signature": "", **fields, "text": None}
    if text := block.get("partial_json"):
        fields["input"] = json.loads(text)
    return fields
