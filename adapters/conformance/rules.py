"""The rules of a legal stream: one row a rule, with its source.

`lint` applies them. A row has the name under which a violation is reported, the rule itself, and
the document that demands it. The documents are those of the Messages API, as of November 2026:

    streaming   the guide "Streaming Messages"
    tools       the guides "Tool use" and "Fine-grained tool streaming"
    thinking    the guide "Extended thinking"
    stops       the guide "Handling stop reasons"
    reference   the API reference, "Messages", and the generated types of the official clients
    html        the WHATWG HTML standard, "Interpreting an event stream"
"""

from __future__ import annotations

import attrs

__all__ = ["RULES", "Rule", "Violation"]


@attrs.frozen
class Rule:
    """A rule of a legal stream.

    Attributes:
        text: the rule, in one sentence.
        source: the document that demands it, and the passage in short.
    """

    text: str
    source: str


@attrs.frozen
class Violation:
    """An event that breaks a rule.

    Attributes:
        rule: the name of the rule, a key of `RULES`.
        event: the position of the event in the stream, from 0. For a missing event, the position
            where it should stand.
        reason: what the event has, and what the rule demands.
    """

    rule: str
    event: int
    reason: str

    def __str__(self) -> str:
        return f"event {self.event}: {self.rule}: {self.reason}"


RULES: dict[str, Rule] = {
    "json": Rule(
        "The data of every event is a JSON object with a `type`.",
        'streaming: "each event includes a named event type and associated JSON data"',
    ),
    "event-name": Rule(
        "The name of a server-sent event is the `type` of its data.",
        'streaming: "event: message_stop", "with the matching event type in its data"; the '
        "official clients choose by the name and drop events without one",
    ),
    "fields": Rule(
        "Every known event, block and delta has its required fields, with their types.",
        "reference: the required properties of the schema",
    ),
    "message-start-first": Rule(
        "`message_start` is the first event; only pings and errors may come before it.",
        "streaming, event flow 1",
    ),
    "one-message-start": Rule(
        "A stream has one `message_start`.",
        "streaming, event flow 1",
    ),
    "empty-start": Rule(
        "The message of `message_start` has no content and no stop reason.",
        'streaming, event flow 1: "a Message object with empty content"; stops: "stop_reason is '
        'null in the initial message_start event"',
    ),
    "index-order": Rule(
        "Blocks start in the order of their indexes, from 0, with no gaps.",
        'streaming, event flow 2: "index corresponds to its index in the final Message content '
        'array"',
    ),
    "one-block-at-a-time": Rule(
        "A block starts after the block before it has stopped.",
        'streaming, event flow 2: "a series of content blocks, each of which have a '
        'content_block_start, one or more content_block_delta events, and a content_block_stop"',
    ),
    "open-block": Rule(
        "A delta or a stop has the index of a block that has started and not stopped.",
        "streaming, event flow 2",
    ),
    "delta-fits-block": Rule(
        "A block receives only deltas of its kind.",
        "streaming, content block delta types",
    ),
    "block-stopped": Rule(
        "Every block stops before the stop reason comes, unless the stop reason explains the cut.",
        "streaming, event flow 2; stops: max_tokens",
    ),
    "content-before-stop-reason": Rule(
        "No block starts, grows or stops after the stop reason.",
        "streaming, event flow 2 and 3",
    ),
    "input-json": Rule(
        "The deltas of a tool's input join to a JSON object, unless the stop reason explains the "
        "cut.",
        'streaming: "partial JSON strings, whereas the final tool_use.input is always an object"; '
        "tools: input may be invalid when max_tokens is reached",
    ),
    "tool-id": Rule(
        "Every tool block has a non-empty `id`.",
        'tools: "id: a unique identifier for this particular tool use block"',
    ),
    "unique-tool-ids": Rule(
        "No two tool blocks of a message have the same `id`.",
        'tools: "id: a unique identifier for this particular tool use block"',
    ),
    "tool-name": Rule(
        "Every tool block has a non-empty `name`.",
        'tools: "name: the name of the tool being used"; reference: at least 1 character',
    ),
    "thinking-signature": Rule(
        "A thinking block has a signature when it stops.",
        'thinking: "a signature_delta event is added just before content_block_stop"; reference: '
        "signature is required to send the block back",
    ),
    "stop-reason": Rule(
        "A `message_delta` with a stop reason comes before `message_stop`.",
        'stops: "stop_reason is provided in the message_delta event"',
    ),
    "known-stop-reason": Rule(
        "The stop reason is one that the API defines.",
        "reference: StopReason, BetaStopReason",
    ),
    "tool-use-stop": Rule(
        "The stop reason is `tool_use` if, and only if, a client tool was called to its end.",
        'stops: "tool_use: the model is calling a tool and expects you to execute it"',
    ),
    "stop-sequence": Rule(
        "`stop_sequence` is a text if, and only if, the stop reason is `stop_sequence`.",
        'reference: "this value will be a non-null string if one of your custom stop sequences was '
        'generated"',
    ),
    "usage": Rule(
        "Every `message_delta` has a usage with `output_tokens`.",
        "reference: MessageDeltaUsage, required properties",
    ),
    "counts-grow": Rule(
        "A count of the usage is never smaller than before.",
        'streaming: "the token counts shown in the usage field are cumulative"',
    ),
    "after-the-end": Rule(
        "No known event, except a ping, follows `message_stop` or an error.",
        "streaming, event flow 4",
    ),
    "message-stop": Rule(
        "`message_stop` ends the stream.",
        'streaming, event flow 4: "a final message_stop event"',
    ),
}
"""The rules by name, in the order of the stream."""
