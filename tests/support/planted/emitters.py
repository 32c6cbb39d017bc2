"""A correct emitter and a correct translator in plain Python, which share nothing with streamfold.

The others have one bug each. All are bugs that real gateways have had.

`PLANTED` and `PLANTED_TRANSLATORS` have the rule, or the kind of finding, that is right for each.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Event = dict[str, Any]
JSON = Any

TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")


class Right:
    """A correct emitter. An object emits one stream."""

    @classmethod
    def emit(cls, message: JSON) -> list[Event]:
        """The events of a message."""
        return cls().events(copy.deepcopy(message))

    def events(self, message: JSON) -> list[Event]:
        content = [
            event
            for index, block in enumerate(message["content"])
            for event in self.block(index, block)
        ]
        return [*self.start(message), *content, *self.end(message)]

    def start(self, message: JSON) -> list[Event]:
        head = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
        if "stop_details" in head:
            head["stop_details"] = None
        return [{"type": "message_start", "message": head}]

    def block(self, index: int, block: JSON) -> list[Event]:
        start, deltas = self.split(block)
        return [
            {"type": "content_block_start", "index": index, "content_block": start},
            *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
            {"type": "content_block_stop", "index": index},
        ]

    def split(self, block: JSON) -> tuple[JSON, list[JSON]]:
        """The block as it starts, and its deltas."""
        kind = block["type"]
        if kind == "text":
            deltas = [{"type": "text_delta", "text": part} for part in self.parts(block["text"])]
            return {**block, "text": ""}, deltas
        if kind == "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": part}
                for part in self.parts(block["thinking"])
            ]
            signature = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*deltas, signature]
        if kind in TOOLS:
            text = json.dumps(block["input"])
            deltas = [
                {"type": "input_json_delta", "partial_json": part} for part in self.parts(text)
            ]
            return {**block, "input": {}}, deltas
        return block, []

    def parts(self, text: str) -> list[str]:
        return [text[at : at + 5] for at in range(0, len(text), 5)]

    def end(self, message: JSON) -> list[Event]:
        delta = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
        if "stop_details" in message:
            delta["stop_details"] = message["stop_details"]
        usage = {"output_tokens": message["usage"]["output_tokens"]}
        return [
            {"type": "message_delta", "delta": delta, "usage": usage},
            {"type": "message_stop"},
        ]


class EmitsBytes(Right):
    """Correct, and emits the bytes of the stream in chunks."""

    @classmethod
    def emit(cls, message: JSON) -> Any:
        for event in super().emit(message):
            yield f"event: {event['type']}\n".encode()
            yield f"data: {json.dumps(event)}\n\n".encode()


class LeavesTheNameOut(Right):
    @classmethod
    def emit(cls, message: JSON) -> Any:
        return "".join(f"data: {json.dumps(event)}\n\n" for event in super().emit(message))


class BreaksLines(Right):
    """Writes indented JSON into one data field."""

    @classmethod
    def emit(cls, message: JSON) -> Any:
        return [
            f"event: {event['type']}\ndata: {json.dumps(event, indent=1)}\n\n"
            for event in super().emit(message)
        ]


class NeverStops(Right):
    def end(self, message: JSON) -> list[Event]:
        return super().end(message)[:-1]


class StopsWithoutAReason(Right):
    def end(self, message: JSON) -> list[Event]:
        return super().end(message)[1:]


class LeavesBlocksOpen(Right):
    def block(self, index: int, block: JSON) -> list[Event]:
        events = super().block(index, block)
        return events[:-1] if block["type"] == "tool_use" else events


class CountsFromOne(Right):
    def block(self, index: int, block: JSON) -> list[Event]:
        return super().block(index + 1, block)


class AlwaysUsesIndexZero(Right):
    """Deltas and stops of every block have the index 0."""

    def block(self, index: int, block: JSON) -> list[Event]:
        first, *rest = super().block(index, block)
        return [first, *({**event, "index": 0} for event in rest)]


class SendsInputAsText(Right):
    def split(self, block: JSON) -> tuple[JSON, list[JSON]]:
        start, deltas = super().split(block)
        if block["type"] in TOOLS:
            deltas = [{"type": "text_delta", "text": delta["partial_json"]} for delta in deltas]
        return start, deltas


class SendsPythonForJSON(Right):
    def split(self, block: JSON) -> tuple[JSON, list[JSON]]:
        start, deltas = super().split(block)
        if block["type"] in TOOLS:
            deltas = [{"type": "input_json_delta", "partial_json": repr(block["input"])}]
        return start, deltas


class LosesTheSignature(Right):
    def split(self, block: JSON) -> tuple[JSON, list[JSON]]:
        start, deltas = super().split(block)
        return start, [delta for delta in deltas if delta["type"] != "signature_delta"]


class RepeatsToolIds(Right):
    def block(self, index: int, block: JSON) -> list[Event]:
        return super().block(index, {**block, "id": "call_0"} if "id" in block else block)


class ForgetsTheName(Right):
    def split(self, block: JSON) -> tuple[JSON, list[JSON]]:
        start, deltas = super().split(block)
        return ({**start, "name": ""} if block["type"] == "tool_use" else start), deltas


class AlwaysEndsTheTurn(Right):
    def end(self, message: JSON) -> list[Event]:
        return super().end({**message, "stop_reason": "end_turn", "stop_sequence": None})


class ReportsFinishReasons(Right):
    """Has the stop reasons of another API."""

    def end(self, message: JSON) -> list[Event]:
        reasons = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
        reason = message["stop_reason"]
        return super().end({**message, "stop_reason": reasons.get(reason, reason)})


class CountsDown(Right):
    """Has the whole output in `message_start`, and the last delta's count in the end."""

    def end(self, message: JSON) -> list[Event]:
        delta, stop = super().end(message)
        return [{**delta, "usage": {"output_tokens": 0}}, stop]


class LeavesTheUsageOut(Right):
    def end(self, message: JSON) -> list[Event]:
        delta, stop = super().end(message)
        del delta["usage"]
        return [delta, stop]


class StartsWithTheContent(Right):
    def start(self, message: JSON) -> list[Event]:
        return [{"type": "message_start", "message": message}]


class StartsTwice(Right):
    def start(self, message: JSON) -> list[Event]:
        return super().start(message) * 2


class StartsLate(Right):
    def events(self, message: JSON) -> list[Event]:
        first, *rest = super().events(message)
        return [rest[0], first, *rest[1:]] if len(rest) > 2 else [first, *rest]


class SaysMoreAfterTheEnd(Right):
    def end(self, message: JSON) -> list[Event]:
        events = super().end(message)
        return [*events, events[0]]


class StopsBlocksAfterTheReason(Right):
    def events(self, message: JSON) -> list[Event]:
        *content, delta, stop = super().events(message)
        if content[-1]["type"] != "content_block_stop":
            return [*content, delta, stop]
        return [*content[:-2], delta, *content[-2:], stop]


class OpensAllBlocksFirst(Right):
    def events(self, message: JSON) -> list[Event]:
        events = super().events(message)
        starts = [event for event in events if event["type"] == "content_block_start"]
        others = [event for event in events if event not in starts]
        return [others[0], *starts, *others[1:]]


class WritesIndexesAsTexts(Right):
    def block(self, index: int, block: JSON) -> list[Event]:
        return [{**event, "index": str(index)} for event in super().block(index, block)]


class DropsTheLastDelta(Right):
    def split(self, block: JSON) -> tuple[JSON, list[JSON]]:
        start, deltas = super().split(block)
        return start, deltas[:-1] if block["type"] == "text" else deltas


class ForgetsStopSequences(Right):
    def end(self, message: JSON) -> list[Event]:
        return super().end({**message, "stop_sequence": None})


class Planted(NamedTuple):
    """A bug, the kinds of findings or rules that are right for it, and the options of the check."""

    emit: Callable[..., Any]
    found: str | tuple[str, ...]
    options: Mapping[str, Any] = MappingProxyType({})


PLANTED = [
    Planted(LeavesTheNameOut.emit, "event-name"),
    Planted(BreaksLines.emit, "json"),
    Planted(NeverStops.emit, "message-stop"),
    Planted(StopsWithoutAReason.emit, "stop-reason"),
    Planted(LeavesBlocksOpen.emit, ("block-stopped", "one-block-at-a-time")),
    Planted(CountsFromOne.emit, "index-order"),
    Planted(AlwaysUsesIndexZero.emit, "open-block"),
    Planted(SendsInputAsText.emit, "delta-fits-block"),
    Planted(SendsPythonForJSON.emit, ("input-json", "differs")),  # a cut excuses the first
    Planted(LosesTheSignature.emit, "thinking-signature"),
    Planted(RepeatsToolIds.emit, ("unique-tool-ids", "differs")),
    Planted(ForgetsTheName.emit, "tool-name"),
    Planted(AlwaysEndsTheTurn.emit, ("tool-use-stop", "differs")),
    Planted(ReportsFinishReasons.emit, "known-stop-reason"),
    Planted(CountsDown.emit, "counts-grow"),
    Planted(LeavesTheUsageOut.emit, "usage"),
    Planted(StartsWithTheContent.emit, "empty-start"),
    Planted(StartsTwice.emit, "one-message-start"),
    Planted(StartsLate.emit, "message-start-first"),
    Planted(SaysMoreAfterTheEnd.emit, "after-the-end"),
    Planted(
        StopsBlocksAfterTheReason.emit,
        ("content-before-stop-reason", "block-stopped"),
        {"blocks": ["text"]},
    ),
    Planted(OpensAllBlocksFirst.emit, "one-block-at-a-time"),
    Planted(WritesIndexesAsTexts.emit, "fields"),
    Planted(DropsTheLastDelta.emit, "differs"),
    Planted(ForgetsStopSequences.emit, "stop-sequence"),
]


# --- translators --------------------------------------------------------------------------------

STOP_REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}


class Translator:
    """A correct translator. It holds back the deltas of a call while another call is open."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.calls: dict[int, JSON] = {}
        self.finish: str | None = None
        self.usage = {"input_tokens": 0, "output_tokens": 0}

    @classmethod
    def translate(cls, chunks: Iterable[JSON]) -> Iterator[Event]:
        """The events of a stream of the Messages API."""
        translator = cls()
        for chunk in chunks:
            translator.read(chunk)
        return iter(translator.events())

    def read(self, chunk: JSON) -> None:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            self.text.append(delta.get("content") or "")
            for piece in delta.get("tool_calls") or []:
                self.read_call(piece)
            self.finish = choice["finish_reason"] or self.finish

    def read_call(self, piece: JSON) -> None:
        call = self.calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
        function = piece["function"]
        call["id"] = piece.get("id") or call["id"]
        call["name"] = function.get("name") or call["name"]
        call["arguments"] += function.get("arguments") or ""

    def stop_reason(self) -> str:
        if self.calls and self.finish == "stop":
            return "tool_use"
        return STOP_REASONS[self.finish or ""]

    def events(self) -> list[Event]:
        if self.finish is None:
            return self.failed()
        blocks: list[tuple[JSON, list[JSON]]] = []
        if text := "".join(self.text):
            blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text}]))
        for _, call in sorted(self.calls.items()):
            block = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": call["arguments"]}
            blocks.append((block, [delta]))
        content = [event for index, (b, d) in enumerate(blocks) for event in block_of(index, b, d)]
        return [self.start(), *content, *self.end()]

    def start(self) -> Event:
        return {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "gpt-next",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": dict(self.usage),
            },
        }

    def end(self) -> list[Event]:
        delta = {"stop_reason": self.stop_reason(), "stop_sequence": None}
        return [
            {"type": "message_delta", "delta": delta, "usage": dict(self.usage)},
            {"type": "message_stop"},
        ]

    def failed(self) -> list[Event]:
        error = {"type": "api_error", "message": "the backend ended its stream early"}
        return [{"type": "error", "error": error}]


def block_of(index: int, block: JSON, deltas: list[JSON]) -> list[Event]:
    """The events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


class MergesParallelCalls(Translator):
    """The arguments of all calls go to the last one."""

    def read_call(self, piece: JSON) -> None:
        last = max([*self.calls, piece["index"]])
        super().read_call(piece if "id" in piece else {**piece, "index": last})


class JoinsRepeatedNames(Translator):
    """A name that comes again is appended."""

    def read_call(self, piece: JSON) -> None:
        known = self.calls.get(piece["index"], {}).get("name", "")
        super().read_call(piece)
        if known and piece["function"].get("name"):
            self.calls[piece["index"]]["name"] = known + piece["function"]["name"]


class TakesACutForTheEnd(Translator):
    def events(self) -> list[Event]:
        self.finish = self.finish or "stop"
        return super().events()


class TrustsTheFinishReason(Translator):
    """`stop` is `end_turn`, though there are calls."""

    def stop_reason(self) -> str:
        return STOP_REASONS[self.finish or ""]


class BreaksOnNullContent(Translator):
    def read(self, chunk: JSON) -> None:
        for choice in chunk["choices"]:
            choice["delta"].get("content", "").strip()
        super().read(chunk)


class BreaksOnTheUsage(Translator):
    def read(self, chunk: JSON) -> None:
        chunk["choices"][0]
        super().read(chunk)


class NeedsArguments(Translator):
    def read_call(self, piece: JSON) -> None:
        piece["function"]["arguments"].strip()
        super().read_call(piece)


class CallsTheLengthAnEnd(Translator):
    def stop_reason(self) -> str:
        return "tool_use" if self.calls else super().stop_reason()


PLANTED_TRANSLATORS = [
    Planted(MergesParallelCalls.translate, ("input-json", "differs", "raises")),
    Planted(JoinsRepeatedNames.translate, "differs"),
    Planted(TakesACutForTheEnd.translate, "accepts a fault"),
    Planted(TrustsTheFinishReason.translate, "tool-use-stop"),
    Planted(BreaksOnNullContent.translate, "raises"),
    Planted(BreaksOnTheUsage.translate, "raises"),
    Planted(NeedsArguments.translate, "raises"),
    Planted(CallsTheLengthAnEnd.translate, ("input-json", "differs")),
]
