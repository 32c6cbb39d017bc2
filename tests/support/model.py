"""The slow, obvious model of the fold: a dict, and strings joined with `+`.

The model shares no code with streamfold. `Model.step` takes one decoded event and returns the
derived events as dicts; `Model.message` is the message so far. An event that breaks the protocol
raises `FaultError`. For partial JSON the model uses jiter.

    model = Model()
    for event in events:
        derived += model.step(event)

The end of the module runs the real fold in a form that can be compared (`fed`, `reduced`).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jiter
from streamfold.reducer import (
    IncompleteStreamError,
    ProtocolError,
    ServerSentEvent,
    Snapshot,
    StreamfoldError,
    StreamState,
    feed,
    finish,
    fold,
    parse_event,
    reduce,
)

from tests.support.events import (
    MESSAGE_STOP,
    Event,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
    tool_start,
)

WHOLE: list[Event] = [
    message_start(),
    block_start(0, "text", text=""),
    block_delta(0, "text_delta", text="Hé😀"),
    block_stop(0),
    message_delta(),
    MESSAGE_STOP,
]
"""A short whole stream."""

# a message with one open block
TEXT = [message_start(), block_start(0, "text", text="He")]
THINKING = [message_start(), block_start(0, "thinking", thinking="H", signature="")]
TOOL = [message_start(), tool_start(0)]
COMPACTION = [message_start(), block_start(0, "compaction", content=None)]

# --- what a known event must have ---------------------------------------------------------------

STRING, INTEGER, BOOLEAN, OBJECT, ARRAY = "string", "integer", "boolean", "object", "array"
ANY = [STRING, INTEGER, BOOLEAN, OBJECT, ARRAY, "number", "null"]

_DOCUMENT = {"cited_text": [STRING], "document_index": [INTEGER]}
_BLOCKS_CITED = {"start_block_index": [INTEGER], "end_block_index": [INTEGER]}
_TOOL = {"id": [STRING], "name": [STRING], "input": ANY}
_RESULT = {"tool_use_id": [STRING], "content": [OBJECT]}

REQUIRED: dict[str, dict[str, dict[str, list[str]]]] = {
    "event": {
        "message_start": {"message": [OBJECT]},
        "message_delta": {"delta": [OBJECT]},
        "message_stop": {},
        "content_block_start": {"index": [INTEGER], "content_block": [OBJECT]},
        "content_block_delta": {"index": [INTEGER], "delta": [OBJECT]},
        "content_block_stop": {"index": [INTEGER]},
        "ping": {},
        "error": {"error": [OBJECT]},
    },
    "message": {
        "message": {"id": [STRING], "role": [STRING], "model": [STRING], "content": [ARRAY]}
    },
    "delta": {
        "text_delta": {"text": [STRING]},
        "input_json_delta": {"partial_json": [STRING]},
        "citations_delta": {"citation": [OBJECT]},
        "thinking_delta": {"thinking": [STRING]},
        "signature_delta": {"signature": [STRING]},
        "compaction_delta": {},
    },
    "content_block": {
        "text": {"text": [STRING]},
        "thinking": {"thinking": [STRING]},
        "redacted_thinking": {"data": [STRING]},
        "tool_use": _TOOL,
        "server_tool_use": _TOOL,
        "mcp_tool_use": {**_TOOL, "server_name": [STRING]},
        "web_search_tool_result": {"tool_use_id": [STRING], "content": [ARRAY, OBJECT]},
        "web_fetch_tool_result": _RESULT,
        "code_execution_tool_result": _RESULT,
        "bash_code_execution_tool_result": _RESULT,
        "text_editor_code_execution_tool_result": _RESULT,
        "tool_search_tool_result": _RESULT,
        "advisor_tool_result": _RESULT,
        "mcp_tool_result": {
            "tool_use_id": [STRING],
            "content": [STRING, ARRAY],
            "is_error": [BOOLEAN],
        },
        "mcp_tool_listing": {"mcp_server_name": [STRING], "tools": [ARRAY]},
        "container_upload": {"file_id": [STRING]},
        "compaction": {},
        "fallback": {"from": [OBJECT], "to": [OBJECT]},
    },
    "citation": {
        "char_location": {**_DOCUMENT, "start_char_index": [INTEGER], "end_char_index": [INTEGER]},
        "page_location": {
            **_DOCUMENT,
            "start_page_number": [INTEGER],
            "end_page_number": [INTEGER],
        },
        "content_block_location": {**_DOCUMENT, **_BLOCKS_CITED},
        "search_result_location": {
            "cited_text": [STRING],
            "source": [STRING],
            "search_result_index": [INTEGER],
            **_BLOCKS_CITED,
        },
        "web_search_result_location": {
            "cited_text": [STRING],
            "url": [STRING],
            "encrypted_index": [STRING],
        },
    },
}
"""The required fields of each known object: by role, `type` and field, the JSON it accepts."""


def kind_of(value: Any) -> str:
    """The JSON name of the kind of `value`."""
    if isinstance(value, bool):
        return BOOLEAN
    kinds = {str: STRING, int: INTEGER, float: "number", dict: OBJECT, list: ARRAY}
    return kinds.get(type(value), "null")


class FaultError(Exception):
    """The event breaks the protocol.

    Attributes:
        event: its type, if it has one.
        index: its index, if it has one.
        is_input: whether the fault is the text of a tool's input.
    """

    def __init__(self, event: Event, *, is_input: bool = False) -> None:
        kind, index = event.get("type"), event.get("index")
        super().__init__(kind, index)
        self.event = kind if isinstance(kind, str) else None
        self.index = index if self.event is not None and kind_of(index) == INTEGER else None
        self.is_input = is_input


def has_required_fields(role: str, value: Any) -> bool:
    """Whether `value`, in this role, has all its required fields."""
    if kind_of(value) != OBJECT:
        return False
    if role == "message":
        value = {"type": "message", **value}  # its type may be absent
    if kind_of(value.get("type")) != STRING:
        return False
    fields = REQUIRED[role].get(value["type"])
    if fields is None:
        return role != "message"  # an unknown kind may hold any fields
    for name, kinds in fields.items():
        if name not in value or kind_of(value[name]) not in kinds:
            return False
    parts: list[tuple[str, Any]] = []
    match role, value["type"]:
        case "event", "message_start":
            parts = [("message", value["message"])]
        case "event", "content_block_start":
            parts = [("content_block", value["content_block"])]
        case "event", "content_block_delta":
            parts = [("delta", value["delta"])]
        case "event", "message_delta":
            return value.get("usage") is None or kind_of(value["usage"]) == OBJECT
        case "message", _:
            if "usage" in value and kind_of(value["usage"]) != OBJECT:
                return False
            parts = [("content_block", block) for block in value["content"]]
        case "delta", "citations_delta":
            parts = [("citation", value["citation"])]
        case "content_block", "text":
            if kind_of(value.get("citations")) == ARRAY:
                parts = [("citation", citation) for citation in value["citations"]]
    return all(has_required_fields(*part) for part in parts)


# --- partial JSON -------------------------------------------------------------------------------


class _Anything:
    """Equals every value; for results that the model does not know."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<anything>"

    def __deepcopy__(self, memo: object) -> _Anything:
        return self


ANYTHING = _Anything()


def partial_json(text: str, mode: str, nothing: Any) -> Any:
    """The value of the beginning of a JSON text; `nothing` before a value begins.

    Text that is not the beginning of JSON gives `ANYTHING`, and so do lone halves of surrogate
    pairs, which jiter refuses.
    """
    try:
        jiter.from_json(text.encode(), allow_inf_nan=False)
    except UnicodeEncodeError:
        return ANYTHING
    except ValueError as error:
        if not str(error).startswith("EOF"):
            return ANYTHING
    try:
        return jiter.from_json(text.encode(), partial_mode=mode, allow_inf_nan=False)
    except ValueError:
        return nothing


def is_beginning(text: str) -> bool:
    """Whether a text that is not JSON could go on so as to become JSON."""
    text = re.sub("[\ud800-\udfff]", "x", text)  # which jiter does not take
    try:
        jiter.from_json(text.encode(), allow_inf_nan=False)
    except ValueError as error:
        return str(error).startswith("EOF")
    return False


# --- the fold -----------------------------------------------------------------------------------

EXPLAINS_A_CUT = [None, "max_tokens", "model_context_window_exceeded", "refusal"]

GROWS_BY = {
    "text_delta": ["text"],
    "citations_delta": ["text"],
    "thinking_delta": ["thinking"],
    "signature_delta": ["thinking"],
    "input_json_delta": ["tool_use", "server_tool_use", "mcp_tool_use"],
    "compaction_delta": ["compaction"],
}
"""The blocks that each known delta belongs in."""


def put_together(first: str, second: str) -> str:
    """The two strings joined; halves of a surrogate pair become one character."""
    return (
        (first + second).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    )


class Model:
    """A fold of decoded events.

    Attributes:
        message: the message so far, as the API would return it; None before it started.
        unfolded: the events that changed nothing.
        error: the stream's own error event, if one came.
        has_stop_reason: whether a stop reason came.
    """

    def __init__(self, partial_mode: str = "on") -> None:
        self.partial_mode = partial_mode
        self.message: dict[str, Any] | None = None
        self.unfolded: list[Event] = []
        self.error: Event | None = None
        self.has_stop_reason = False
        self.is_over = False
        self.open: set[int] = set()
        self.input_texts: dict[int, str] = {}
        self.cut: list[int] = []
        self.first_inputs: dict[int, Any] = {}

    def step(self, event: Event) -> list[Event]:
        """The derived events of `event`, each as an independent dict."""
        if not has_required_fields("event", event):
            raise FaultError(event)
        return copy.deepcopy(self._step(copy.deepcopy(event)))

    def steps(self, events: Iterable[Event]) -> list[Event]:
        """The derived events of all of these."""
        return [derived for event in events for derived in self.step(event)]

    def _step(self, event: Event) -> list[Event]:
        kind = event["type"]
        if kind == "ping":
            return []
        early = self.message is None and kind not in ("message_start", "error")
        if self.is_over or early or kind not in REQUIRED["event"]:
            self.unfolded.append(event)
            return [event]
        return getattr(self, f"_{kind}")(event)

    def _error(self, event: Event) -> list[Event]:
        self.error = event
        self.is_over = True
        return [event]

    def _message_start(self, event: Event) -> list[Event]:
        if self.message is not None:
            raise FaultError(event)
        event["message"] = {"type": "message", **event["message"]}
        self.message = copy.deepcopy(event["message"])
        for block in self.message["content"]:
            self.rename_the_model(block)
        return [event]

    def rename_the_model(self, block: dict[str, Any]) -> None:
        if block["type"] == "fallback" and isinstance(block["to"].get("model"), str):
            self.message["model"] = block["to"]["model"]

    def _message_delta(self, event: Event) -> list[Event]:
        delta = event["delta"]
        self.check_cut(event, delta.get("stop_reason"))
        for key in ("stop_reason", "stop_sequence", "stop_details"):
            if key in delta:
                self.message[key] = delta[key]
        if delta.get("container") is not None:
            self.message["container"] = delta["container"]
        for key in ("context_management", "input_transformations"):
            if event.get(key) is not None:
                self.message[key] = event[key]
        if event.get("usage") is not None:
            usage = self.message.setdefault("usage", {})
            for key, count in event["usage"].items():
                if count is not None:
                    usage[key] = count
        if delta.get("stop_reason") is not None:
            self.has_stop_reason = True
        return [event]

    def check_cut(self, event: Event, stop_reason: Any) -> None:
        if self.cut and stop_reason not in EXPLAINS_A_CUT:
            raise FaultError({**event, "index": self.cut[0]}, is_input=True)

    def _message_stop(self, event: Event) -> list[Event]:
        self.check_cut(event, self.message.get("stop_reason"))
        self.is_over = True
        self.has_stop_reason = self.has_stop_reason or self.message.get("stop_reason") is not None
        return [{**event, "message": self.message}]

    @property
    def is_complete(self) -> bool:
        """Whether a stop reason came, and no block is open or cut that it does not explain."""
        cut = ("max_tokens", "model_context_window_exceeded", "refusal")
        explained = self.message is not None and self.message.get("stop_reason") in cut
        return self.has_stop_reason and (not (self.open or self.cut) or explained)

    def _content_block_start(self, event: Event) -> list[Event]:
        index, block = event["index"], copy.deepcopy(event["content_block"])
        is_tool = block["type"] in GROWS_BY["input_json_delta"]
        if index != len(self.message["content"]):
            raise FaultError(event)
        if is_tool and kind_of(block["input"]) != OBJECT:
            raise FaultError(event)  # although a model may stream any JSON as the input
        self.message["content"].append(block)
        self.open.add(index)
        if is_tool:
            self.input_texts[index] = ""
            self.first_inputs[index] = block["input"]
        self.rename_the_model(block)
        return [event]

    def _content_block_delta(self, event: Event) -> list[Event]:
        index, delta = event["index"], event["delta"]
        if index not in self.open:
            raise FaultError(event)
        block = self.message["content"][index]
        if delta["type"] not in GROWS_BY or block["type"] not in REQUIRED["content_block"]:
            self.unfolded.append(event)
            return [event]
        if block["type"] not in GROWS_BY[delta["type"]]:
            raise FaultError(event)
        return [event, getattr(self, f"_{delta['type']}")(index, block, delta)]

    def _text_delta(self, index: int, block: Any, delta: Any) -> Event:
        block["text"] = put_together(block["text"], delta["text"])
        return {"type": "text", "text": delta["text"], "snapshot": block["text"]}

    def _citations_delta(self, index: int, block: Any, delta: Any) -> Event:
        if not isinstance(block.get("citations"), list):
            block["citations"] = []
        block["citations"].append(delta["citation"])
        return {
            "type": "citation",
            "citation": delta["citation"],
            "snapshot": block["citations"],
        }

    def _thinking_delta(self, index: int, block: Any, delta: Any) -> Event:
        block["thinking"] = put_together(block["thinking"], delta["thinking"])
        return {
            "type": "thinking",
            "thinking": delta["thinking"],
            "snapshot": block["thinking"],
        }

    def _signature_delta(self, index: int, block: Any, delta: Any) -> Event:
        block["signature"] = delta["signature"]
        return {"type": "signature", "signature": delta["signature"]}

    def _input_json_delta(self, index: int, block: Any, delta: Any) -> Event:
        text = put_together(self.input_texts[index], delta["partial_json"])
        self.input_texts[index] = text
        block["input"] = partial_json(text, self.partial_mode, self.first_inputs[index])
        return {
            "type": "input_json",
            "partial_json": delta["partial_json"],
            "snapshot": block["input"],
        }

    def _compaction_delta(self, index: int, block: Any, delta: Any) -> Event:
        for key in ("content", "encrypted_content"):
            if key in delta:
                block[key] = delta[key]
        return {
            "type": "compaction",
            "content": block.get("content"),
            "encrypted_content": block.get("encrypted_content"),
        }

    def _content_block_stop(self, event: Event) -> list[Event]:
        index = event["index"]
        if index not in self.open:
            raise FaultError(event)
        block = self.message["content"][index]
        if self.input_texts.get(index):
            try:
                block["input"] = json.loads(self.input_texts[index])
            except ValueError:
                if not is_beginning(self.input_texts[index]):
                    raise FaultError(event, is_input=True) from None
                self.cut.append(index)
        self.open.discard(index)
        return [{**event, "content_block": block}]


# --- the real fold, to compare with -------------------------------------------------------------


class Outcome(NamedTuple):
    """The outcome of a stream: the derived events, the snapshot, and the error or `None`."""

    events: tuple[Any, ...]
    snapshot: Any
    error: tuple[Any, ...] | None


def described(error: StreamfoldError) -> tuple[Any, ...]:
    """The class, text and attributes of an error, without its snapshot and events."""
    attributes = {
        key: value for key, value in vars(error).items() if key not in ("snapshot", "events")
    }
    return (type(error), str(error), attributes)


START = StreamState()
NOTHING = Snapshot()


def fed(
    chunks: Iterable[bytes],
    state: StreamState = START,
    between: Callable[[StreamState], StreamState] = lambda state: state,
) -> Outcome:
    """Feed all chunks and finish; before each call the state goes through `between`."""
    events: list[Any] = []
    try:
        for chunk in chunks:
            state, more = feed(between(state), chunk)
            events += more
        finish(between(state))
    except ProtocolError as error:
        return Outcome((*events, *error.events), error.snapshot, described(error))
    except IncompleteStreamError as error:
        return Outcome(tuple(events), state.snapshot, described(error))
    return Outcome(tuple(events), state.snapshot, None)


def reduced(events: Iterable[Mapping[str, Any]], snapshot: Snapshot = NOTHING) -> Outcome:
    """Reduce the events up to the first that breaks the protocol."""
    derived: list[Any] = []
    for event in events:
        try:
            snapshot, more = reduce(snapshot, event)
        except ProtocolError as error:
            return Outcome(tuple(derived), snapshot, described(error))
        derived += more
    return Outcome(tuple(derived), snapshot, None)


def message_of(*events: Event, **settings: Any) -> Any:
    """The message that these events fold to; `settings` are those of the snapshot."""
    return fold(events, Snapshot(**settings)).message


def parsed(event: Mapping[str, Any]) -> Any:
    """The raw event, parsed from its JSON text."""
    return parse_event(ServerSentEvent(data=json.dumps(event)))


def derived_from(*events: Event) -> list[Event]:
    """The events that folding the last of these events gives, as dicts."""
    return [event.to_dict() for event in reduce(fold(events[:-1]), events[-1])[1]]
