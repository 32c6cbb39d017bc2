"""Conformance checks: compare any implementation of the streaming protocol with this library's.

check_accumulator   any function from the events of a stream to its message
check_decoder       any function from chunks of bytes to server-sent events
check_emitter       any function from a message to its stream
check_translator    any function from a Chat Completions stream to the stream of a message
check_same          an implementation's streamed result against its own unstreamed one
conform             the streams of a live gateway against the rules
lint, lint_body     the rules of a legal stream (`RULES`), applied to events or bytes
measure             the cost of an accumulator or decoder as streams become longer

The checks draw streams with Hypothesis, collect the distinct findings, and shrink each. They raise
an `AssertionError` whose text contains a test to paste for each finding: a call of `check_stream`,
`check_chunks`, `check_message`, `check_chat` or `check_same_stream`, which check one stream. In a
failure, pytest shows this text without the frames of the checks.
"""

from .accumulators import check_accumulator, check_stream
from .calls import Takes, WrongUseError
from .claims import CHAT_CLAIMS, GA_CLAIMS, Claims
from .comparison import as_json, comparable
from .cost import BODIES, STREAMS, Growth, long_body, long_stream, measure
from .decoders import check_chunks, check_decoder
from .differentials import check_same, check_same_stream
from .emitters import (
    TRANSLATOR_CLAIMS,
    check_chat,
    check_emitter,
    check_message,
    check_translator,
    translated,
)
from .findings import (
    AccumulatorMismatch,
    ConformanceReport,
    DecoderMismatch,
    EmitterMismatch,
    Finding,
    Mismatch,
)
from .gateways import REQUESTS, GatewayReport, conform
from .lint import lint, lint_body
from .rules import RULES, Rule, Violation

__all__ = [
    "BODIES",
    "CHAT_CLAIMS",
    "GA_CLAIMS",
    "REQUESTS",
    "RULES",
    "STREAMS",
    "TRANSLATOR_CLAIMS",
    "AccumulatorMismatch",
    "Claims",
    "ConformanceReport",
    "DecoderMismatch",
    "EmitterMismatch",
    "Finding",
    "GatewayReport",
    "Growth",
    "Mismatch",
    "Rule",
    "Takes",
    "Violation",
    "WrongUseError",
    "as_json",
    "check_accumulator",
    "check_chat",
    "check_chunks",
    "check_decoder",
    "check_emitter",
    "check_message",
    "check_same",
    "check_same_stream",
    "check_stream",
    "check_translator",
    "comparable",
    "conform",
    "lint",
    "lint_body",
    "long_body",
    "long_stream",
    "measure",
    "translated",
]
