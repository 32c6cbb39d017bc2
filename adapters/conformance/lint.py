"""Check a stream against the rules of a legal one, and report every violation.

`lint` reads decoded events; `lint_body` reads bytes, and checks the framing as well. Both are pure
functions. The cost is proportional to the stream, plus one parse of each tool's input.

The reader goes on after a violation as well as it can, and reports one cause once: an event that
cannot be placed is left out of what follows. Unknown events, blocks, deltas and fields are legal,
because the API may add them ("we may add new event types"). An unknown event after `message_stop`
begins a part that this version does not know; nothing after it is judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from streamfold.reducer import SSEState, StopReason, decode_sse

from .rules import RULES, Violation

__all__ = ["CUTS", "lint", "lint_body"]

_CLIENT_TOOL = "tool_use"
_TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")
_STOP_REASONS: tuple[str, ...] = get_args(StopReason)
CUTS = ("max_tokens", "model_context_window_exceeded", "refusal")
"""Stop reasons that explain a block or an input that is not whole."""

_DELTAS_OF: dict[str, tuple[str, ...]] = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "compaction": ("compaction_delta",),
    **dict.fromkeys(_TOOLS, ("input_json_delta",)),
}
_WHOLE = (
    "redacted_thinking",
    "container_upload",
    "fallback",
    "mcp_tool_listing",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "advisor_tool_result",
    "mcp_tool_result",
)
"""Known blocks that come whole in their `content_block_start`."""
_DELTAS = {name for names in _DELTAS_OF.values() for name in names}

_Fields = dict[str, tuple[type, ...]]
_OF_EVENTS: dict[str, _Fields] = {
    "message_start": {"message": (dict,)},
    "content_block_start": {"index": (int,), "content_block": (dict,)},
    "content_block_delta": {"index": (int,), "delta": (dict,)},
    "content_block_stop": {"index": (int,)},
    "message_delta": {"delta": (dict,)},
    "message_stop": {},
    "ping": {},
    "error": {"error": (dict,)},
}
_OF_A_MESSAGE: _Fields = {
    "id": (str,),
    "type": (str,),
    "role": (str,),
    "model": (str,),
    "content": (list,),
    "usage": (dict,),
}
_OF_BLOCKS: dict[str, _Fields] = {
    "text": {"text": (str,)},
    "thinking": {"thinking": (str,)},
    "redacted_thinking": {"data": (str,)},
    "container_upload": {"file_id": (str,)},
    **{name: {"id": (str,), "name": (str,), "input": (dict,)} for name in _TOOLS},
    **{name: {"tool_use_id": (str,)} for name in _WHOLE if name.endswith("_result")},
}
_OF_DELTAS: dict[str, _Fields] = {
    "text_delta": {"text": (str,)},
    "thinking_delta": {"thinking": (str,)},
    "signature_delta": {"signature": (str,)},
    "input_json_delta": {"partial_json": (str,)},
    "citations_delta": {"citation": (dict,)},
    "compaction_delta": {},
}

Found = Iterator[tuple[str, str]]


class _Block:
    """A block that has started: its fields, the text of its input, and whether it is open."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.kind: str = fields["type"]
        self.input: list[str] = []
        self.signature: Any = fields.get("signature")
        self.is_open = True
        self.is_whole = True  # its input is a JSON object


class _Linter:
    """The stream so far. `read` yields the violations of the next event."""

    def __init__(self) -> None:
        self.has_started = False
        self.is_over = False
        self.has_error = False
        self.judges = True
        self.blocks: list[_Block] = []
        self.next_index = 0
        self.ids: set[str] = set()
        self.counts: dict[str, Any] = {}
        self.stop_reason: Any = None
        self.reported_start = False
        self.late_inputs: list[tuple[int, str]] = []

    def read(self, event: Any) -> Found:
        """Read one event, and yield each violation as the rule's name and the reason."""
        if not isinstance(event, Mapping) or not isinstance(event.get("type"), str):
            yield "json", f"an event is a JSON object with a type, got {_short(event)}"
            return
        kind = event["type"]
        handler = _HANDLERS.get(kind)
        if self.is_over:
            if handler is None:
                self.judges = False
            elif self.judges and kind != "ping":
                yield "after-the-end", f"{kind} after the end of the stream"
            return
        if handler is None:
            return
        faults = list(_wrong_fields(kind, event, _OF_EVENTS[kind]))
        yield from faults
        if faults:
            return
        if kind not in ("message_start", "ping", "error") and not self.has_started:
            if not self.reported_start:
                yield "message-start-first", f"{kind} before message_start"
            self.reported_start = True
            return
        yield from handler(self, event)

    def message_start(self, event: Mapping[str, Any]) -> Found:
        if self.has_started:
            yield "one-message-start", "a second message_start"
            return
        self.has_started = True
        message = event["message"]
        yield from _wrong_fields("message", message, _OF_A_MESSAGE)
        if message.get("content"):
            yield "empty-start", f"content must be [], got {_short(message['content'])}"
        if message.get("stop_reason") is not None:
            yield "empty-start", f"stop_reason must be null, got {_short(message['stop_reason'])}"
        yield from self.count(message.get("usage"))

    def block_start(self, event: Mapping[str, Any]) -> Found:
        block, index = event["content_block"], event["index"]
        faults = list(_wrong_fields("content_block", block, {"type": (str,)}))
        if not faults:
            faults = list(_wrong_fields(block["type"], block, _OF_BLOCKS.get(block["type"], {})))
        yield from faults
        if self.stop_reason is not None:
            yield "content-before-stop-reason", f"block {index} starts after the stop reason"
        elif index != self.next_index:
            yield "index-order", f"the next block has index {self.next_index}, got {index}"
        elif any(block.is_open for block in self.blocks):
            before = next(at for at, block in enumerate(self.blocks) if block.is_open)
            yield "one-block-at-a-time", f"block {index} starts while block {before} is open"
        if faults:
            block = {"type": "", "id": None}  # counted, and not judged
        self.next_index = max(self.next_index, index) + 1
        while len(self.blocks) < index:
            self.blocks.append(_closed())
        if index == len(self.blocks):
            self.blocks.append(_Block(block))
        if not faults and block["type"] in _TOOLS:
            yield from self.tool(block)

    def tool(self, block: Mapping[str, Any]) -> Found:
        if not block["id"]:
            yield "tool-id", f"{block['type']} has an empty id"
        elif block["id"] in self.ids:
            yield "unique-tool-ids", f"a second block has the id {block['id']!r}"
        self.ids.add(block["id"])
        if not block["name"]:
            yield "tool-name", f"{block['type']} {block['id']!r} has an empty name"

    def block_delta(self, event: Mapping[str, Any]) -> Found:
        delta, index = event["delta"], event["index"]
        faults = list(_wrong_fields("delta", delta, {"type": (str,)}))
        if not faults:
            faults = list(_wrong_fields(delta["type"], delta, _OF_DELTAS.get(delta["type"], {})))
        yield from faults
        if faults:
            return
        block = yield from self.open_block(event)
        if block is None:
            return
        kind, known = delta["type"], block.kind in _DELTAS_OF or block.kind in _WHOLE
        if known and kind in _DELTAS and kind not in _DELTAS_OF.get(block.kind, ()):
            yield "delta-fits-block", f"block {index} is {block.kind}, got {kind}"
        elif kind == "input_json_delta":
            block.input.append(delta["partial_json"])
        elif kind == "signature_delta":
            block.signature = delta["signature"]

    def block_stop(self, event: Mapping[str, Any]) -> Found:
        block = yield from self.open_block(event)
        if block is None:
            return
        block.is_open = False
        index = event["index"]
        if block.kind == "thinking" and not block.signature:
            yield "thinking-signature", f"block {index} stops without a signature"
        reason = _not_an_object("".join(block.input)) if block.kind in _TOOLS else None
        if reason is not None:  # the stop reason may explain it
            block.is_whole = False
            self.late_inputs.append((index, reason))

    def open_block(self, event: Mapping[str, Any]) -> Any:
        """The open block of the event; None, after a violation, if no such block is open."""
        index = event["index"]
        if 0 <= index < len(self.blocks) and self.blocks[index].is_open:
            if self.stop_reason is None or event["type"] == "content_block_stop":
                # a stop after the stop reason: block-stopped has been reported for it
                return self.blocks[index]
            yield "content-before-stop-reason", f"{event['type']} after the stop reason"
            return None
        yield "open-block", f"{event['type']} has index {index}, which is not an open block"
        return None

    def message_delta(self, event: Mapping[str, Any]) -> Found:
        usage = event.get("usage")
        if not isinstance(usage, Mapping) or not _is_count(usage.get("output_tokens")):
            yield "usage", f"usage must have output_tokens, got {_short(usage)}"
        yield from self.count(usage)
        delta = event["delta"]
        reason = delta.get("stop_reason")
        if reason is None:
            return
        self.stop_reason = reason
        if reason not in _STOP_REASONS:
            yield "known-stop-reason", f"expected one of {', '.join(_STOP_REASONS)}, got {reason!r}"
        sequence = delta.get("stop_sequence")
        if (reason == "stop_sequence") != isinstance(sequence, str):
            yield "stop-sequence", f"stop_reason is {reason!r}, stop_sequence is {_short(sequence)}"
        if reason not in CUTS:
            for index, block in enumerate(self.blocks):
                if block.is_open:
                    yield "block-stopped", f"block {index} is open at the stop reason {reason!r}"
            for index, why in self.late_inputs:
                yield "input-json", f"block {index}: {why}"
        called = any(block.kind == _CLIENT_TOOL for block in self.blocks)
        if reason == "tool_use" and not called:
            yield "tool-use-stop", "stop_reason is 'tool_use', but no tool_use block came"
        elif called and reason in ("end_turn", "stop_sequence"):
            yield "tool-use-stop", f"a tool_use block came, but stop_reason is {reason!r}"

    def message_stop(self, event: Mapping[str, Any]) -> Found:
        self.is_over = True
        if self.stop_reason is None:
            yield "stop-reason", "message_stop came before any stop reason"

    def ping(self, event: Mapping[str, Any]) -> Found:
        yield from ()

    def error(self, event: Mapping[str, Any]) -> Found:
        self.is_over = self.has_error = True
        yield from ()

    def count(self, usage: Any, path: str = "usage") -> Found:
        """Compare every count of the usage with the last one of the same name."""
        if not isinstance(usage, Mapping):
            return
        for name, value in usage.items():
            if isinstance(value, Mapping):
                yield from self.count(value, f"{path}.{name}")
            elif _is_count(value):
                before = self.counts.get(f"{path}.{name}", value)
                if value < before:
                    yield "counts-grow", f"{path}.{name} was {before}, got {value}"
                self.counts[f"{path}.{name}"] = max(value, before)

    def end(self, must_stop: bool) -> Found:
        """The violations of a stream that ends here."""
        if self.is_over:
            return
        if not self.has_started and not self.reported_start:
            yield "message-start-first", "the stream ended before message_start"
        elif self.has_started and self.stop_reason is None:
            yield "stop-reason", "the stream ended before any stop reason"
        elif must_stop:
            yield "message-stop", "the stream ended before message_stop"


_HANDLERS: dict[str, Callable[[_Linter, Mapping[str, Any]], Found]] = {
    "message_start": _Linter.message_start,
    "content_block_start": _Linter.block_start,
    "content_block_delta": _Linter.block_delta,
    "content_block_stop": _Linter.block_stop,
    "message_delta": _Linter.message_delta,
    "message_stop": _Linter.message_stop,
    "ping": _Linter.ping,
    "error": _Linter.error,
}


def _closed() -> _Block:
    """A block that never started, in place of a skipped index."""
    block = _Block({"type": ""})
    block.is_open = False
    return block


def _wrong_fields(name: str, value: Mapping[str, Any], fields: _Fields) -> Found:
    """The required fields that are missing or have another type."""
    for field, types in fields.items():
        if field not in value:
            yield "fields", f"{name} must have {field}"
        elif not isinstance(value[field], types) or isinstance(value[field], bool):
            names = " or ".join(kind.__name__ for kind in types)
            yield "fields", f"{name}.{field} must be {names}, got {_short(value[field])}"


def _not_an_object(text: str) -> str | None:
    """The reason why the text of an input is not a JSON object; None if it is one, or empty."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"its input is not JSON ({error}): {_short(text)}"
    return None if isinstance(value, dict) else f"its input is not a JSON object: {_short(text)}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(event: Any) -> Any:
    """The event as a mapping; objects of this library and of the official client have `to_dict`."""
    return event.to_dict() if hasattr(event, "to_dict") else event


def lint(events: Iterable[Any], *, must_stop: bool = False) -> tuple[Violation, ...]:
    """Check the events of a stream against the rules of a legal one.

    Args:
        events: mappings, `RawEvent`s or the official client's events.
        must_stop: whether a whole message must end with `message_stop` (the rule "message-stop").
            Off by default, because a recorded body may have lost its last event; an emitter may
            not leave it out.

    Returns:
        The violations, in the order of the stream; empty for a legal stream. `RULES` has each rule
        with its source.

    >>> lint([{"type": "message_stop"}])
    (Violation(rule='message-start-first', event=0, reason='message_stop before message_start'),)
    """
    linter, at = _Linter(), -1
    found: list[Violation] = []
    for at, event in enumerate(events):
        found += [Violation(rule, at, reason) for rule, reason in linter.read(_plain(event))]
    found += [Violation(rule, at + 1, reason) for rule, reason in linter.end(must_stop)]
    return tuple(found)


def lint_body(body: bytes, *, must_stop: bool = False) -> tuple[Violation, ...]:
    r"""Check the body of a response against the rules of a legal stream, framing included.

    Args:
        body: server-sent events, whole.
        must_stop: see `lint`.

    Returns:
        The violations, in the order of the stream.

    >>> lint_body(b'data: {"type": "ping"}\n\n')[0].rule
    'event-name'
    """
    frames = decode_sse(SSEState(), body)[1]
    events: list[Any] = []
    found: list[Violation] = []
    for at, frame in enumerate(frames):
        try:
            event = json.loads(frame.data)
        except ValueError:
            event = frame.data
        events.append(event)
        kind = event.get("type") if isinstance(event, dict) else None
        if isinstance(kind, str) and kind != frame.event:
            reason = f"the event must be named {kind!r}, got {frame.event!r}"
            found.append(Violation("event-name", at, reason))
    found += lint(events, must_stop=must_stop)
    order = list(RULES)
    return tuple(sorted(found, key=lambda each: (each.event, order.index(each.rule))))
