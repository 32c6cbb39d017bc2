"""A correct accumulator in plain Python, which shares nothing with streamfold, and others with one
bug each. All are bugs that real accumulators have had.

A bug is a subclass of `Right` with one wrong method. `PLANTED` has the kinds of findings and the
options of the check for each.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

Event = dict[str, Any]
JSON = Any

TOOLS = ("tool_use", "server_tool_use", "mcp_tool_use")
ANY_TIME = ("message_start", "error")
KNOWN = (*TOOLS, "text", "thinking", "compaction", "fallback")


class Right:
    """A correct accumulator. An object reads one stream."""

    def __init__(self) -> None:
        self.message: JSON = None
        self.blocks: list[JSON] = []
        self.pieces: list[list[str]] = []
        self.open: list[int] = []
        self.is_over = False

    @classmethod
    def accumulate(cls, events: Iterable[Event]) -> JSON:
        """The message of a stream."""
        accumulator = cls()
        for event in events:
            accumulator.read(event)
        return accumulator.finish()

    def read(self, event: Event) -> None:
        if self.is_over or (self.message is None and event["type"] not in ANY_TIME):
            return
        match event["type"]:
            case "message_start":
                self.start_message(event["message"])
            case "message_stop":
                self.is_over = True
            case "content_block_start":
                self.start_block(event["index"], event["content_block"])
            case "content_block_delta":
                self.read_delta(event["index"], event["delta"])
            case "content_block_stop":
                self.stop_block(event["index"])
            case "message_delta":
                self.read_stop(event)
            case "error":
                raise ValueError(event["error"])

    def start_message(self, message: JSON) -> None:
        self.message = copy.deepcopy(message)

    def start_block(self, index: int, block: JSON) -> None:
        assert index == len(self.blocks)
        self.open.append(index)
        self.blocks.append(copy.deepcopy(block))
        self.pieces.append([])
        if block["type"] == "fallback" and isinstance(block["to"].get("model"), str):
            self.message["model"] = block["to"]["model"]

    def read_delta(self, index: int, delta: JSON) -> None:
        block, pieces = self.blocks[index], self.pieces[index]
        match delta["type"]:
            case "text_delta":
                self.read_text(block, pieces, delta["text"])
            case "thinking_delta":
                self.read_thinking(block, pieces, delta["thinking"])
            case "input_json_delta":
                self.read_input(block, pieces, delta["partial_json"])
            case "citations_delta":
                self.read_citation(block, delta["citation"])
            case "signature_delta":
                self.read_signature(block, delta["signature"])
            case "compaction_delta":
                fields = ("content", "encrypted_content")
                block.update({key: delta[key] for key in fields if key in delta})

    def read_text(self, block: JSON, pieces: list[str], text: str) -> None:
        pieces.append(text)

    def read_thinking(self, block: JSON, pieces: list[str], thinking: str) -> None:
        pieces.append(thinking)

    def read_input(self, block: JSON, pieces: list[str], partial_json: str) -> None:
        pieces.append(partial_json)

    def read_citation(self, block: JSON, citation: JSON) -> None:
        block["citations"] = [*(block.get("citations") or []), copy.deepcopy(citation)]

    def read_signature(self, block: JSON, signature: str) -> None:
        block["signature"] = signature

    def stop_block(self, index: int) -> None:
        self.open.remove(index)
        block, text = self.blocks[index], "".join(self.pieces[index])
        if block["type"] in ("text", "thinking"):
            block[block["type"]] += text
        elif block["type"] in TOOLS and text:
            block["input"] = self.parse(text)

    def parse(self, text: str) -> JSON:
        return json.loads(text)

    def read_stop(self, event: Event) -> None:
        delta = event["delta"]
        for key in ("stop_reason", "stop_sequence", "stop_details"):
            if key in delta:
                self.message[key] = delta[key]
        for holder, key in (
            (delta, "container"),
            (event, "context_management"),
            (event, "input_transformations"),
        ):
            if holder.get(key) is not None:
                self.message[key] = holder[key]
        if event.get("usage"):
            self.read_usage(event["usage"])

    def read_usage(self, usage: JSON) -> None:
        totals = {key: count for key, count in usage.items() if count is not None}
        self.message["usage"] = {**self.message.get("usage", {}), **totals}

    def finish(self) -> JSON:
        if self.message is None or self.message.get("stop_reason") is None:
            raise EOFError("the stream was cut")
        for index in list(self.open):
            self.stop_block(index)
        self.message["content"] = self.blocks
        return self.message


# --- deltas -------------------------------------------------------------------------------------


class DropsTheLastDelta(Right):
    def stop_block(self, index: int) -> None:
        if len(self.pieces[index]) > 1:
            self.pieces[index].pop()
        super().stop_block(index)


class OverwritesInsteadOfAppending(Right):
    def read_text(self, block: JSON, pieces: list[str], text: str) -> None:
        pieces[:] = [text]


class BreaksOnAnEmptyDelta(Right):
    def read_input(self, block: JSON, pieces: list[str], partial_json: str) -> None:
        assert partial_json
        super().read_input(block, pieces, partial_json)


class TakesAnEmptyDeltaForTheEnd(Right):
    def read_text(self, block: JSON, pieces: list[str], text: str) -> None:
        if text and "" not in pieces:
            pieces.append(text)
        else:
            pieces.append("")


class DropsWhiteSpace(Right):
    def read_text(self, block: JSON, pieces: list[str], text: str) -> None:
        if text.strip():
            pieces.append(text)


class LosesWhatABlockStartsWith(Right):
    def start_block(self, index: int, block: JSON) -> None:
        super().start_block(index, {**block, "text": ""} if block["type"] == "text" else block)


class LosesTheSignature(Right):
    def read_signature(self, block: JSON, signature: str) -> None:
        pass


class KeepsTheFirstSignature(Right):
    """Keeps the first of two signatures of a block."""

    def read_signature(self, block: JSON, signature: str) -> None:
        block["signature"] = block.get("signature") or signature


class HasOneSignature(Right):
    """One signature for all thinking blocks of a message."""

    def __init__(self) -> None:
        super().__init__()
        self.signature = ""

    def read_signature(self, block: JSON, signature: str) -> None:
        self.signature = self.signature or signature
        block["signature"] = self.signature


class JoinsSignatures(Right):
    def read_signature(self, block: JSON, signature: str) -> None:
        block["signature"] = block.get("signature", "") + signature


class CutsLongTexts(Right):
    """Keeps 100 characters of a text."""

    def stop_block(self, index: int) -> None:
        super().stop_block(index)
        if self.blocks[index]["type"] == "text":
            self.blocks[index]["text"] = self.blocks[index]["text"][:100]


class ReadsTheFirstLine(Right):
    """Ends a text at its third line."""

    def stop_block(self, index: int) -> None:
        super().stop_block(index)
        if self.blocks[index]["type"] == "text":
            lines = self.blocks[index]["text"].split("\n")
            self.blocks[index]["text"] = "\n".join(lines[:3])


class RepeatsDuplicatePieces(Right):
    """Drops a delta that equals the one before it, as if it had been sent again."""

    def read_text(self, block: JSON, pieces: list[str], text: str) -> None:
        if pieces[-1:] != [text]:
            pieces.append(text)


# --- which block --------------------------------------------------------------------------------


class SwapsInterleavedBlocks(Right):
    """A delta belongs to the block that started last."""

    def read_delta(self, index: int, delta: JSON) -> None:
        super().read_delta(-1, delta)


class TrustsOrderOverIndex(Right):
    """A delta belongs to the first block that has not stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = 0

    def read_delta(self, index: int, delta: JSON) -> None:
        super().read_delta(self.stopped, delta)

    def stop_block(self, index: int) -> None:
        super().stop_block(self.stopped)
        self.stopped += 1


class SortsIndexesAsTexts(Right):
    """Orders the blocks by the text of their index, so 10 comes before 2."""

    def finish(self) -> JSON:
        message = super().finish()
        order = sorted(range(len(self.blocks)), key=str)
        message["content"] = [self.blocks[index] for index in order]
        return message


class KeepsFourTools(Right):
    def finish(self) -> JSON:
        message = super().finish()
        tools = [block for block in self.blocks if block["type"] == "tool_use"]
        message["content"] = [block for block in self.blocks if block not in tools[4:]]
        return message


class LosesUnknownBlocks(Right):
    def finish(self) -> JSON:
        message = super().finish()
        message["content"] = [
            block
            for block in self.blocks
            if block["type"] in KNOWN or block["type"].endswith(("_result", "_listing"))
        ]
        return message


class BreaksOnAnUnknownEvent(Right):
    def read(self, event: Event) -> None:
        known = ("message_", "content_block_", "ping", "error")
        if not event["type"].startswith(known):
            raise KeyError(event["type"])
        super().read(event)


class BreaksOnAPing(Right):
    def read(self, event: Event) -> None:
        if event["type"] == "ping":
            raise KeyError("ping")
        super().read(event)


class IgnoresTheFallbackModel(Right):
    def start_block(self, index: int, block: JSON) -> None:
        model = self.message["model"]
        super().start_block(index, block)
        self.message["model"] = model


# --- citations ----------------------------------------------------------------------------------


class KeepsTheLastCitation(Right):
    def read_citation(self, block: JSON, citation: JSON) -> None:
        block["citations"] = [citation]


class JoinsCitationsOfOneSource(Right):
    """The second citation of a document is added to the text of the first."""

    def read_citation(self, block: JSON, citation: JSON) -> None:
        cited = block.get("citations") or []
        if cited and cited[-1]["type"] == citation["type"]:
            cited[-1]["cited_text"] += citation["cited_text"]
        else:
            super().read_citation(block, citation)


class NeedsAListOfCitations(Right):
    def read_citation(self, block: JSON, citation: JSON) -> None:
        block["citations"].append(citation)


# --- the input of tools -------------------------------------------------------------------------


class ParsesNoInputAsJSON(Right):
    def stop_block(self, index: int) -> None:
        super().stop_block(index)
        if self.blocks[index]["type"] in TOOLS:
            self.blocks[index]["input"] = json.loads("".join(self.pieces[index]))


class LeavesTheInputAsText(Right):
    def parse(self, text: str) -> JSON:
        return text


class UnescapesThePieces(Right):
    """Reads the escapes of each delta alone, so an escape that is cut goes wrong."""

    def read_input(self, block: JSON, pieces: list[str], partial_json: str) -> None:
        pieces.append(partial_json.replace("\\u00e9", "é").replace("\\\\", "\\"))

    def parse(self, text: str) -> JSON:
        try:
            return json.loads(text)
        except ValueError:
            return {}


class StripsThePieces(Right):
    def read_input(self, block: JSON, pieces: list[str], partial_json: str) -> None:
        pieces.append(partial_json.strip())


class ReadsIntegersAsFloats(Right):
    def parse(self, text: str) -> JSON:
        return json.loads(text, parse_int=float)


class CutsDeepInputs(Right):
    """Writes the eighth level of an input as text."""

    def parse(self, text: str) -> JSON:
        return self.shallow(json.loads(text), 8)

    def shallow(self, value: JSON, levels: int) -> JSON:
        if levels == 0:
            return json.dumps(value) if isinstance(value, (dict, list)) else value
        if isinstance(value, dict):
            return {key: self.shallow(item, levels - 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.shallow(item, levels - 1) for item in value]
        return value


class DropsNullsOfTheInput(Right):
    def parse(self, text: str) -> JSON:
        return {key: value for key, value in json.loads(text).items() if value is not None}


# --- the end of the message ---------------------------------------------------------------------


class ForgetsTheStopSequence(Right):
    def read_stop(self, event: Event) -> None:
        delta = {key: value for key, value in event["delta"].items() if key != "stop_sequence"}
        super().read_stop({**event, "delta": delta})


class ForgetsTheContainer(Right):
    def read_stop(self, event: Event) -> None:
        delta = {key: value for key, value in event["delta"].items() if key != "container"}
        super().read_stop({**event, "delta": delta})


class LosesUsageOnAnOmittedField(Right):
    def read_usage(self, usage: JSON) -> None:
        self.message["usage"] = usage


class TakesNullForACount(Right):
    def read_usage(self, usage: JSON) -> None:
        self.message["usage"].update(usage)


class AddsUpTotals(Right):
    def read_usage(self, usage: JSON) -> None:
        total = self.message["usage"]["output_tokens"] + usage.get("output_tokens", 0)
        super().read_usage(usage)
        self.message["usage"]["output_tokens"] = total


class KeepsTheFirstNestedCounts(Right):
    def read_usage(self, usage: JSON) -> None:
        nested = {
            key: count
            for key, count in self.message["usage"].items()
            if isinstance(count, dict) and key in usage
        }
        super().read_usage(usage)
        self.message["usage"].update(nested)


class NeedsUsageAtTheEnd(Right):
    def read_stop(self, event: Event) -> None:
        super().read_stop({**event, "usage": dict(event["usage"])})


class StopsAtTheFirstMessageDelta(Right):
    def read_stop(self, event: Event) -> None:
        super().read_stop(event)
        self.is_over = True


# --- shared state -------------------------------------------------------------------------------


class ChangesItsInput(Right):
    def start_message(self, message: JSON) -> None:
        self.message = message


class ChangesTheBlocksOfItsInput(Right):
    def start_block(self, index: int, block: JSON) -> None:
        super().start_block(index, block)
        self.blocks[index] = block


class SharesItsContent(Right):
    """One list for all messages, emptied for the next."""

    content: ClassVar[list[JSON]] = []

    def start_message(self, message: JSON) -> None:
        super().start_message(message)
        self.blocks = self.content
        self.blocks.clear()


class SharesItsBlocks(Right):
    """A block for each index, emptied for the next message."""

    pool: ClassVar[dict[int, JSON]] = {}

    def start_block(self, index: int, block: JSON) -> None:
        super().start_block(index, block)
        shared = self.pool.setdefault(index, {})
        shared.clear()
        shared.update(self.blocks[index])
        self.blocks[index] = shared


class SharesItsUsage(Right):
    """One usage for all messages."""

    usage: ClassVar[JSON] = {}

    def finish(self) -> JSON:
        message = super().finish()
        self.usage.clear()
        self.usage.update(message["usage"])
        return {**message, "usage": self.usage}


class AddsToTheLastMessage(Right):
    """One list for all messages, never emptied."""

    content: ClassVar[list[JSON]] = []

    def finish(self) -> JSON:
        message = super().finish()
        self.content += self.blocks
        return {**message, "content": list(self.content)}


class ReadsItsInputTwice(Right):
    @classmethod
    def accumulate(cls, events: Iterable[Event]) -> JSON:
        if not any(event["type"] == "message_stop" for event in events):
            raise EOFError("the stream was cut")
        return super().accumulate(events)


# --- broken streams -----------------------------------------------------------------------------


class TakesACutStreamForFinished(Right):
    def finish(self) -> JSON:
        if self.message is None:
            raise EOFError("the stream was cut")
        return {**self.message, "content": self.blocks}


class TakesAnErrorForTheEnd(Right):
    def read(self, event: Event) -> None:
        if event["type"] == "error":
            self.message = {**(self.message or {}), "stop_reason": "end_turn"}
        else:
            super().read(event)


# --- time ---------------------------------------------------------------------------------------


class WaitsForever(Right):
    """Waits for a stop sequence that does not come."""

    def finish(self) -> JSON:
        while self.message and self.message.get("stop_reason") == "max_tokens":
            pass
        return super().finish()


# --- cost of long streams -----------------------------------------------------------------------


class JoinsAllAtEachDelta(Right):
    def read_text(self, block: JSON, pieces: list[str], text: str) -> None:
        pieces.append(text)
        self.snapshot = "".join(pieces)


class ParsesAllAtEachDelta(Right):
    def read_input(self, block: JSON, pieces: list[str], partial_json: str) -> None:
        pieces.append(partial_json)
        json.loads(json.dumps("".join(pieces)))


class CountsAllAtEachDelta(Right):
    """Loops over the whole text in Python, and allocates nothing."""

    def read_thinking(self, block: JSON, pieces: list[str], thinking: str) -> None:
        pieces.append(thinking)
        for _ in pieces:
            pass


class CopiesAllAtEachBlock(Right):
    def start_block(self, index: int, block: JSON) -> None:
        super().start_block(index, block)
        self.snapshot = [dict(block) for block in self.blocks]


class RecursesForEachEvent(Right):
    @classmethod
    def accumulate(cls, events: Iterable[Event]) -> JSON:
        accumulator = cls()
        accumulator.read_on(iter(events))
        return accumulator.finish()

    def read_on(self, events: Any) -> None:
        for event in events:
            self.read(event)
            self.read_on(events)


# --- the list -----------------------------------------------------------------------------------


class Planted(NamedTuple):
    """A bug, the kinds of findings that are right for it, and the options of the check."""

    accumulator: type[Right]
    kinds: str | tuple[str, ...] = ("differs", "raises")
    options: Mapping[str, Any] = MappingProxyType({})


_UNKNOWN = {"unknown": True, "blocks": []}
_TOOLS = {"blocks": ["tool_use"]}
_TEXTS = {"blocks": ["text"]}
_SIGNATURES = {"blocks": ["thinking"], "ways": ["signatures"]}
_LONG = {"growth": True, "max_examples": 5}

PLANTED = [
    Planted(DropsTheLastDelta),
    Planted(OverwritesInsteadOfAppending),
    Planted(BreaksOnAnEmptyDelta, options=_TOOLS),
    Planted(TakesAnEmptyDeltaForTheEnd, options={"ways": ["cut", "empty"]}),
    Planted(DropsWhiteSpace, options=_TEXTS),
    Planted(LosesWhatABlockStartsWith, options={**_TEXTS, "ways": ["cut", "started"]}),
    Planted(LosesTheSignature),
    Planted(KeepsTheFirstSignature, options=_SIGNATURES),
    Planted(HasOneSignature),
    Planted(JoinsSignatures, options=_SIGNATURES),
    Planted(CutsLongTexts),
    Planted(ReadsTheFirstLine),
    Planted(RepeatsDuplicatePieces),
    Planted(SwapsInterleavedBlocks, options={**_TEXTS, "ways": ["cut", "interleaved"]}),
    Planted(TrustsOrderOverIndex, options={**_TEXTS, "ways": ["cut", "interleaved"]}),
    Planted(SortsIndexesAsTexts),
    Planted(KeepsFourTools),
    Planted(LosesUnknownBlocks, options=_UNKNOWN),
    Planted(BreaksOnAnUnknownEvent, options=_UNKNOWN),
    Planted(BreaksOnAPing),
    Planted(IgnoresTheFallbackModel),
    Planted(KeepsTheLastCitation, options=_TEXTS),
    Planted(JoinsCitationsOfOneSource, options=_TEXTS),
    Planted(NeedsAListOfCitations, options=_TEXTS),
    Planted(ParsesNoInputAsJSON, options=_TOOLS),
    Planted(LeavesTheInputAsText, options=_TOOLS),
    Planted(UnescapesThePieces, options=_TOOLS),
    Planted(StripsThePieces, options=_TOOLS),
    Planted(DropsNullsOfTheInput, options=_TOOLS),
    Planted(ReadsIntegersAsFloats),
    Planted(CutsDeepInputs),
    Planted(ForgetsTheStopSequence),
    Planted(ForgetsTheContainer),
    Planted(LosesUsageOnAnOmittedField),
    Planted(TakesNullForACount),
    Planted(AddsUpTotals),
    Planted(KeepsTheFirstNestedCounts),
    Planted(NeedsUsageAtTheEnd, options=_UNKNOWN),
    Planted(StopsAtTheFirstMessageDelta),
    Planted(ChangesItsInput, "changes its input"),
    Planted(ChangesTheBlocksOfItsInput, "changes its input"),
    Planted(SharesItsContent, "changes an earlier result"),
    Planted(SharesItsBlocks, "changes an earlier result"),
    Planted(SharesItsUsage, "changes an earlier result"),
    Planted(AddsToTheLastMessage, ("does not repeat", "differs")),
    Planted(ReadsItsInputTwice, "reads its input twice"),
    Planted(TakesACutStreamForFinished, "accepts a fault", {"faults": ["cut"], "max_examples": 60}),
    Planted(
        TakesAnErrorForTheEnd, "accepts a fault", {"faults": ["error_event"], "max_examples": 60}
    ),
    Planted(WaitsForever, "takes too long", {"time_limit": 0.2}),
    Planted(JoinsAllAtEachDelta, "grows quadratically", {**_LONG, "blocks": ["text"]}),
    Planted(ParsesAllAtEachDelta, "grows quadratically", {**_LONG, "blocks": ["tool_use"]}),
    Planted(CountsAllAtEachDelta, "grows quadratically", {**_LONG, "blocks": ["thinking"]}),
    Planted(CopiesAllAtEachBlock, "grows quadratically", {**_LONG, "blocks": ["text"]}),
    Planted(RecursesForEachEvent, options={**_LONG, "blocks": ["text"]}),
]
