"""Check an emitter: any function that gives the stream of a message, as events or as bytes.

Two kinds are checked. An emitter proper (`check_emitter`) takes a message and streams it. A
translator (`check_translator`), as in a gateway, takes the chunks of a Chat Completions stream
and emits the events of the Messages API. Both must emit a stream that breaks no rule of `RULES`
and folds to the expected message. A translator must not present a broken input as a whole
message: it may raise, emit an `error` event, or end without a stop reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from streamfold.reducer import InvalidToolInputError, SSEState, decode_sse, fold

from .calls import Call
from .claims import Claims, claimed, claims_in_code
from .comparison import as_json, comparable
from .examination import call_text, check_one, paths
from .fields import fields_of_messages, refuse_unknown, refuse_unknown_claims
from .findings import ConformanceReport, EmitterMismatch, Finding, Mismatch, pasteable_test
from .lint import CUTS, lint, lint_body
from .names import expression, name_of
from .rules import Violation
from .search import Search, Watch, watch_nothing
from .shrinking import simpler_messages

if TYPE_CHECKING:
    from streamfold.adapters.strategies import ChatQuirk, Unusual

__all__ = [
    "TRANSLATOR_CLAIMS",
    "EmitterSubject",
    "TranslatorSubject",
    "check_chat",
    "check_emitter",
    "check_message",
    "check_translator",
    "translated",
]

Event = dict[str, Any]
Message = dict[str, Any]
Chunk = dict[str, Any]
Emit = Callable[[Any], Any]

TRANSLATOR_CLAIMS: Claims = {
    "text": ("text",),
    "tool_use": ("name", "input"),
    "message": ("stop_reason",),
}
"""The parts of a message that Chat Completions can express. A translator may choose its own ids."""


@attrs.frozen
class _Stream:
    """An emitted stream: its events, and the rules that it breaks."""

    events: list[Any]
    violations: tuple[Violation, ...]

    @classmethod
    def of(cls, result: Any) -> _Stream:
        """The stream that a function returned, as bytes, text, chunks of them, or events."""
        items = [result] if isinstance(result, (bytes, str)) else list(result)
        if items and all(isinstance(item, (bytes, str)) for item in items):
            body = b"".join(item if isinstance(item, bytes) else item.encode() for item in items)
            frames = decode_sse(SSEState(), body)[1]
            return cls([_loads(frame.data) for frame in frames], lint_body(body, must_stop=True))
        events = [as_json(item) for item in items]
        return cls(events, lint(events, must_stop=True))

    @property
    def message(self) -> Any:
        """The message that the stream folds to.

        After a stop reason that explains a cut, the stops of the blocks are left out, because a
        tool with an unfinished input may stop or not.
        """
        events = self.events
        if any(map(_explains_a_cut, events)):
            events = [event for event in events if _type_of(event) != "content_block_stop"]
        message = fold(events).message
        return None if message is None else message.to_dict()

    @property
    def is_whole(self) -> bool:
        """Whether a client accepts it as a whole message."""
        kinds = list(map(_type_of, self.events))
        return "error" not in kinds and (
            "message_stop" in kinds or any(_stop_reason_of(event) for event in self.events)
        )


def _type_of(event: Any) -> Any:
    return event.get("type") if isinstance(event, dict) else None


def _stop_reason_of(event: Any) -> Any:
    delta = event.get("delta") if _type_of(event) == "message_delta" else None
    return delta.get("stop_reason") if isinstance(delta, dict) else None


def _explains_a_cut(event: Any) -> bool:
    return _stop_reason_of(event) in CUTS


def _loads(data: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


@attrs.frozen
class EmitterSubject:
    """An emitter under test. It is given one message; the reference is the message itself."""

    function: Emit
    ignore: tuple[str, ...] = attrs.field(converter=paths, default=())
    claims: Claims | None = None
    time_limit: float = 10.0
    call_it: Call = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "call_it", Call(self.function))

    def run(self, given: Iterable[Message]) -> _Stream:
        """The emitted stream."""
        (message,) = given
        return _Stream.of(self.call_it.with_argument(message))

    def read(self, result: _Stream) -> str:
        """The message that the stream folds to."""
        return self._text(result.message)

    def _text(self, message: Any) -> str:
        if self.claims is not None:
            message = claimed(message, self.claims)
        return comparable(message, ignore=self.ignore)

    def violations(self, result: _Stream) -> tuple[Violation, ...]:
        """The rules that the stream breaks."""
        return result.violations

    def reference(self, given: list[Message]) -> str:
        """The message."""
        return self._text(given[0])

    def another(self, given: list[Message]) -> list[Message]:
        """Another message."""
        return [{**given[0], "id": "msg_another", "content": []}]

    def simpler(self, given: list[Message]) -> Iterator[list[Message]]:
        """The message without one of its parts."""
        for message in simpler_messages(given[0]):
            yield [message]

    def call(self, given: list[Message]) -> str:
        """Python code that checks this message."""
        (message,) = given
        options = {"ignore": self.ignore, **_claims_option(self.claims)}
        keywords = [f"    {name}={value!r}," for name, value in options.items() if value]
        head = [
            "check_message(",
            f"    {expression(self.function)},",
            f"    {message!r},",
        ]
        return "\n".join([*head, *keywords, ")"])

    def mismatch(
        self, finding: Finding, seed: int | None, others: tuple[Mismatch, ...] = ()
    ) -> EmitterMismatch:
        """The exception that reports the finding."""
        code = pasteable_test(self.function, self.call(finding.given))
        return EmitterMismatch(finding, name_of(self.function), code, seed, others)


def _begins_a_call(chunk: Chunk) -> bool:
    return any(
        "id" in call
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls") or ()
    )


def _claims_option(claims: Claims | None) -> dict[str, Any]:
    return {} if claims is None else {"claims": claims_in_code(claims)}


@attrs.frozen
class TranslatorSubject:
    """A translator under test. It is given chunks; the reference is `translated`."""

    function: Emit
    claims: Claims = attrs.field(factory=lambda: TRANSLATOR_CLAIMS)
    time_limit: float = 10.0
    call_it: Call = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "call_it", Call(self.function))

    def run(self, given: Iterable[Chunk]) -> _Stream | None:
        """The emitted stream; None if the translator refuses chunks that must be refused."""
        chunks = list(given)
        stream = _Stream.of(self.call_it(chunks))
        if translated(chunks) is None:
            return attrs.evolve(stream, violations=()) if stream.is_whole else None
        return stream

    def read(self, result: _Stream) -> str:
        """The message that the stream folds to, without empty texts."""
        return self._text(result.message)

    def _text(self, message: Any) -> str:
        if isinstance(message, dict):
            content = [block for block in message["content"] if block.get("text") != ""]
            message = {**message, "content": content}
        return comparable(claimed(message, self.claims))

    def violations(self, result: _Stream | None) -> tuple[Violation, ...]:
        """The rules that the stream breaks."""
        return () if result is None else result.violations

    def reference(self, given: list[Chunk]) -> str | None:
        """The message of the chunks; None if they are not whole."""
        message = translated(given)
        return None if message is None else self._text(message)

    def another(self, given: list[Chunk]) -> list[Chunk]:
        """The chunks of a text."""
        delta = {"content": "another"}
        choice = {"index": 0, "delta": delta, "finish_reason": "stop", "logprobs": None}
        return [{**chunk, "choices": [choice]} for chunk in given[:1]]

    def simpler(self, given: list[Chunk]) -> Iterator[list[Chunk]]:
        """Streams with one chunk fewer. A chunk that begins a call is kept."""
        for at in range(1, len(given)):
            if not _begins_a_call(given[at]):
                yield [*given[:at], *given[at + 1 :]]

    def call(self, given: list[Chunk]) -> str:
        """Python code that checks these chunks."""
        options = {} if self.claims is TRANSLATOR_CLAIMS else {"claims": dict(self.claims)}
        return call_text("check_chat", self.function, given, **options)

    def mismatch(
        self, finding: Finding, seed: int | None, others: tuple[Mismatch, ...] = ()
    ) -> EmitterMismatch:
        """The exception that reports the finding."""
        code = pasteable_test(self.function, self.call(finding.given))
        return EmitterMismatch(finding, name_of(self.function), code, seed, others)


_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def translated(chunks: Iterable[Mapping[str, Any]]) -> Message | None:
    """The message of a Chat Completions stream; None if the stream or a call is not whole.

    Texts come first, then the calls by their index. A finish reason `stop` with calls counts as
    `tool_calls`, because the client must run them. Arguments that the length limit cuts are read as
    partial JSON.

    >>> chunk = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    >>> translated([chunk])["content"], translated([chunk])["stop_reason"]
    ([{'type': 'text', 'text': 'Hi'}], 'end_turn')
    """
    text: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    finish: str | None = None
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            text.append(delta.get("content") or "")
            for piece in delta.get("tool_calls") or ():
                call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                function = piece.get("function") or {}
                call["id"] = piece.get("id") or call["id"]
                call["name"] = function.get("name") or call["name"]
                call["arguments"] += function.get("arguments") or ""
            finish = choice.get("finish_reason") or finish
    if finish is None:
        return None
    reason = "tool_use" if calls and finish == "stop" else _STOP_REASONS.get(finish, "end_turn")
    blocks: list[tuple[dict[str, Any], str]] = []
    if "".join(text):
        blocks.append(({"type": "text", "text": "".join(text)}, ""))
    for _, call in sorted(calls.items()):
        block = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {}}
        blocks.append((block, call["arguments"]))
    try:
        folded = fold(_events(blocks, reason)).message
    except InvalidToolInputError:
        return None
    return None if folded is None else folded.to_dict()


def _events(blocks: list[tuple[dict[str, Any], str]], reason: str) -> Iterator[Event]:
    """The events of these blocks, each complete in its start except for its input."""
    usage = {"input_tokens": 0, "output_tokens": 0}
    message = {"id": "msg", "type": "message", "role": "assistant", "model": "", "content": []}
    yield {"type": "message_start", "message": {**message, "usage": usage}}
    for index, (block, arguments) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        if arguments:
            delta = {"type": "input_json_delta", "partial_json": arguments}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if reason != "max_tokens":
            yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}
    yield {"type": "message_stop"}


def check_message(
    emit: Emit,
    message: Message,
    *,
    ignore: Collection[str] = (),
    claims: Claims | None = None,
    time_limit: float = 10.0,
) -> None:
    """Check an emitter with one message. Needs no Hypothesis.

    Args:
        emit: the emitter; see `check_emitter`.
        message: the message, as the API returns it unstreamed.
        ignore: see `check_emitter`.
        claims: see `check_emitter`.
        time_limit: see `check_emitter`.

    Raises:
        EmitterMismatch: the stream breaks a rule, or folds to another message.

    >>> from streamfold.reducer import Message, expand
    >>> message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
    ...     "model": "claude-opus-4-6", "stop_reason": "end_turn", "stop_sequence": None,
    ...     "usage": {"input_tokens": 1, "output_tokens": 1}}
    >>> check_message(lambda message: expand(Message.from_dict(message)), message)
    """
    __tracebackhide__ = True
    check_one(EmitterSubject(emit, ignore, claims, time_limit), [message])


def check_emitter(
    emit: Emit,
    *,
    max_examples: int = 200,
    seed: int | None = None,
    ignore: Collection[str] = (),
    claims: Claims | None = None,
    assume: Callable[[Message], bool] | None = None,
    first: bool = False,
    time_limit: float = 10.0,
    blocks: Collection[str] | None = None,
    unusual: Collection[Unusual] = (),
    watch: Watch = watch_nothing,
) -> ConformanceReport:
    """Check an emitter with many messages.

    Args:
        emit: takes a message, as the API returns it unstreamed (a dict), and returns its stream:
            events in any iterable, or the bytes of server-sent events, whole or in chunks. It may
            be async.
        max_examples: the number of messages.
        seed: draws the same messages each time; see `check_accumulator`.
        ignore: fields not to compare; see `check_accumulator`.
        claims: the blocks and fields to compare; see `check_accumulator`.
        assume: a condition that every message must meet.
        first: stop at the first finding.
        time_limit: the longest time of one call, in seconds; see `check_accumulator`.
        blocks: the kinds of content blocks to draw, some of `strategies.BLOCKS`. None draws all.
        unusual: content to draw that the API does not send, some of `strategies.UNUSUAL`.
        watch: see `check_accumulator`.

    Returns:
        The number of messages, and the seed.

    Raises:
        EmitterMismatch: a stream breaks a rule of `RULES`, or folds to another message.
        WrongUseError: `emit` cannot be called with one argument.
        ValueError: an option has an unknown name.
        ImportError: Hypothesis is not installed.

    >>> from streamfold.reducer import Message, expand
    >>> def emit(message):
    ...     return expand(Message.from_dict(message))
    >>> print(check_emitter(emit, max_examples=20, seed=1))
    20 streams, all as they should be (seed 1)
    """
    __tracebackhide__ = True
    from streamfold.adapters.strategies import BLOCKS, messages

    accept = None if assume is None else lambda given: assume(given[0])
    subject = EmitterSubject(emit, ignore, claims, time_limit)
    refuse_unknown(subject.ignore, fields_of_messages())
    refuse_unknown_claims(claims or {})
    search = Search(subject, seed, watch, first, accept)
    drawn = messages(blocks=BLOCKS if blocks is None else blocks, unusual=unusual)
    search.run(drawn.map(lambda message: [message]), max_examples)
    return search.report()


def check_chat(
    translate: Emit,
    chunks: Iterable[Chunk],
    *,
    claims: Claims = TRANSLATOR_CLAIMS,
    time_limit: float = 10.0,
) -> None:
    """Check a translator with one Chat Completions stream. Needs no Hypothesis.

    Args:
        translate: the translator; see `check_translator`.
        chunks: the chunks of the stream, without the final `[DONE]`.
        claims: see `check_translator`.
        time_limit: see `check_translator`.

    Raises:
        EmitterMismatch: see `check_translator`.
    """
    __tracebackhide__ = True
    check_one(TranslatorSubject(translate, claims, time_limit), chunks)


def check_translator(
    translate: Emit,
    *,
    max_examples: int = 200,
    seed: int | None = None,
    claims: Claims = TRANSLATOR_CLAIMS,
    assume: Callable[[list[Chunk]], bool] | None = None,
    first: bool = False,
    time_limit: float = 10.0,
    quirks: Collection[ChatQuirk] | None = None,
    watch: Watch = watch_nothing,
) -> ConformanceReport:
    """Check a translator of Chat Completions streams with many streams.

    Args:
        translate: takes the chunks of a Chat Completions stream (dicts, in a list) and returns the
            stream of a message: events in any iterable, or the bytes of server-sent events, whole
            or in chunks. It may be async.
        max_examples: the number of streams.
        seed: draws the same streams each time; see `check_accumulator`.
        claims: the blocks and fields to compare. Empty texts are not compared.
        assume: a condition that every stream must meet.
        first: stop at the first finding.
        time_limit: the longest time of one call, in seconds; see `check_accumulator`.
        quirks: the quirks of the streams, some of `strategies.CHAT_QUIRKS`. None draws all.
        watch: see `check_accumulator`.

    Returns:
        The number of streams, and the seed.

    Raises:
        EmitterMismatch: an emitted stream breaks a rule of `RULES`, folds to another message than
            `translated`, or presents a broken stream as a whole message.
        WrongUseError: `translate` cannot be called with one argument.
        ValueError: `quirks` or `claims` has an unknown name.
        ImportError: Hypothesis is not installed.
    """
    __tracebackhide__ = True
    from streamfold.adapters.strategies import CHAT_QUIRKS, openai_chunks

    refuse_unknown_claims(claims)
    search = Search(TranslatorSubject(translate, claims, time_limit), seed, watch, first, assume)
    drawn = openai_chunks(quirks=CHAT_QUIRKS if quirks is None else quirks)
    search.run(drawn, max_examples)
    return search.report()
