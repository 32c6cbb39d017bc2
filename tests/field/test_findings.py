"""The findings in the field: the package and version, the smallest stream, and the defect.

Each finding was checked by hand against the API's reference, the HTML standard ("Interpreting an
event stream") or the source that a rule names. Each test reproduces one finding; none
is skipped.

Some packages cannot be installed together. `FIELD` names the group whose packages are installed,
"clients" or "gateways"; `run.sh` makes an environment for each. Without `FIELD` no test runs.

    tests/field/run.sh                                   # all
    tests/field/run.sh clients -k "opentelemetry"        # some of one group
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple

import pytest
from streamfold.adapters.conformance import (
    GA_CLAIMS,
    Mismatch,
    check_accumulator,
    check_chat,
    check_chunks,
    check_stream,
)

from tests.support.events import (
    MESSAGE_STOP,
    block_delta,
    block_start,
    block_stop,
    message_delta,
    message_start,
)

START = message_start(
    stop_reason=None, stop_sequence=None, usage={"input_tokens": 7, "output_tokens": 1}
)
END = [message_delta(usage={"output_tokens": 3}), MESSAGE_STOP]


def tool(kind: str, **fields: Any) -> list[Any]:
    """A stream of one tool block, whose input comes as a delta."""
    block = {"id": "toolu_1", "name": "search", "input": {}, **fields}
    delta = block_delta(0, "input_json_delta", partial_json='{"a":1}')
    return [START, block_start(0, kind, **block), delta, block_stop(0), *END]


SEARCH_RESULT = {
    "type": "search_result_location",
    "cited_text": "Hi",
    "source": "s",
    "title": None,
    "search_result_index": 0,
    "start_block_index": 0,
    "end_block_index": 1,
}


class Finding(NamedTuple):
    """A finding.

    Attributes:
        package: the name and version of the package.
        adapter: the module and function in this folder.
        given: the stream, the body or the chunks; for cost, the kind of long stream.
        found: the kind of the finding, or the rule that is broken.
        did: the defect, in words.
        claims: the fields that are compared.
    """

    package: str
    adapter: str
    given: Any
    found: str
    did: str
    claims: Any = None


def chat(delta: Any, finish: str | None = None) -> Any:
    """A chunk of a Chat Completions stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [choice]}


def call(index: int, *, first: bool = True, **function: Any) -> Any:
    """A chunk with a delta of a call."""
    piece: Any = {"index": index, "function": function}
    if first:
        piece.update(id=f"call_{index}", type="function")
    return chat({"tool_calls": [piece]})


ROLE = chat({"role": "assistant", "content": ""})
CUT_CHAT = [ROLE, chat({"content": "Hi"})]
FORCED = [ROLE, call(0, name="f", arguments="{}"), chat({}, "stop")]
INTERLEAVED = [
    ROLE,
    call(0, name="f", arguments='{"a"'),
    call(1, name="g", arguments='{"b"'),
    call(0, first=False, arguments=":1}"),
    call(1, first=False, arguments=":2}"),
    chat({}, "tool_calls"),
]
PARALLEL = [
    ROLE,
    call(0, name="f", arguments='{"a":1}'),
    call(1, name="g", arguments='{"b":2}'),
    chat({}, "tool_calls"),
]
SHORT = [ROLE, call(0, name="f", arguments='{"a"'), chat({}, "length")]

CITED = [
    START,
    block_start(0, "text", text="", citations=[]),
    block_delta(0, "citations_delta", citation=SEARCH_RESULT),
    block_delta(0, "text_delta", text="Hi"),
    block_stop(0),
    *END,
]

SDK, OPENAI, HTTPX_SSE = "anthropic 2.14.0", "openai 3.57.0", "httpx-sse 0.4.3"
SSECLIENT, OTEL = "sseclient-py 1.9.0", "opentelemetry-instrumentation-anthropic 0.62.4"
PYDANTIC_AI, ANY_LLM = "pydantic-ai-slim 2.68.0", "any-llm-sdk 1.40.2"
LITELLM, HAYSTACK = "litellm 1.110.2", "anthropic-haystack 8.0.1"
LLAMA_INDEX, STRANDS = "llama-index-llms-anthropic 0.12.3", "strands-agents 1.62.0"
ANT2OAI, AGENT_WIRE, CCPROXY = "ant2oai 0.1.6", "agent-wire-proxy 0.2.0", "ccproxy-api 0.2.10"

CUT = "returns the first part of a message as the final one when the stream is cut"
NO_DATA = "yields an event that has no data"
BOM = "does not strip the byte order mark, and so loses the first event"
NEGATIVE = "accepts -1 as a reconnection time"
BAD_UTF8 = "raises UnicodeDecodeError; the standard demands U+FFFD"
CHAT_CUT = "ends a message with `end_turn` when its backend's stream was cut"
EMPTY_CHAT = "turns an empty stream into a whole message"
STOP = "reports `end_turn` for a forced tool call, so the client does not run the tool"
OVERLAP = "starts a block while another is open"

TOOLS, TEXTS = {"tool_use": ["id", "name", "input"]}, {"text": ["text"]}
CITATIONS = {"text": ["citations"]}
TEXT_AND_TOOLS = {"text": ["text"], "tool_use": ["id", "name", "input"]}
TOKENS = {"message": ["usage.output_tokens"]}
THINKING = {"thinking": ["thinking", "signature"]}

CLIENTS = [
    Finding(SDK, "official:accumulate", [START], "accepts a fault", CUT),
    Finding(SDK, "official:accumulate_beta", [START], "accepts a fault", CUT),
    Finding(
        SDK,
        "official:accumulate",
        tool("mcp_tool_use", server_name="s"),
        "differs",
        "leaves the input of an `mcp_tool_use` block empty (the beta client does not)",
    ),
    Finding(SDK, "official:decode", [b"\xef\xbb\xbfdata: a\n\n"], "differs", BOM),
    Finding(SDK, "official:decode", [b"event: a\n\n"], "differs", NO_DATA),
    Finding(SDK, "official:decode", [b"retry: -1\ndata: a\n\n"], "differs", NEGATIVE),
    Finding(SDK, "official:decode", [b"data: \xff\n\n"], "raises", BAD_UTF8),
    Finding(HTTPX_SSE, "httpx_sse:decode", [b"\xef\xbb\xbfdata: a\n\n"], "differs", BOM),
    Finding(
        HTTPX_SSE,
        "httpx_sse:decode",
        [b"id: 1\ndata: a\n\n: keep-alive\n\n"],
        "differs",
        NO_DATA + ", so each comment yields one once an `id` has come",
    ),
    Finding(HTTPX_SSE, "httpx_sse:decode", [b"retry: -1\ndata: a\n\n"], "differs", NEGATIVE),
    Finding(
        SSECLIENT,
        "sseclient_py:decode",
        [b"data: a\n"],
        "differs",
        "yields an event that was cut off",
    ),
    Finding(
        SSECLIENT,
        "sseclient_py:decode",
        [b"id: 1\ndata: a\n\ndata: a\n\n"],
        "differs",
        "forgets the last event ID after its event",
    ),
    Finding(
        SSECLIENT,
        "sseclient_py:decode",
        [b"id: a\0b\ndata: a\n\n"],
        "differs",
        "accepts an `id` with NUL, which the standard ignores",
    ),
    Finding(SSECLIENT, "sseclient_py:decode", [b"data: \xff\n\n"], "raises", BAD_UTF8),
    Finding(
        OTEL,
        "opentelemetry_tokens:accumulate",
        [START, *END],
        "differs",
        "adds up cumulative token counts: 1 and 3 gives 4",
        TOKENS,
    ),
    Finding(PYDANTIC_AI, "pydantic_ai_model:accumulate", [START], "accepts a fault", CUT),
    Finding(
        HAYSTACK,
        "haystack_generator:accumulate",
        tool("mcp_tool_use", server_name="s"),
        "differs",
        "turns an `mcp_tool_use` block into a call without id and name for the client to run",
        TOOLS,
    ),
    Finding(
        HAYSTACK,
        "haystack_generator:accumulate",
        [START, block_start(0, "tool_use", id="toolu_1", name="search", input={})],
        "accepts a fault",
        "returns a call with an empty input when the stream is cut inside the call",
        TOOLS,
    ),
    Finding(LITELLM, "litellm_gateway:accumulate", [START], "accepts a fault", CUT),
    Finding(
        LITELLM,
        "litellm_gateway:accumulate",
        tool("server_tool_use"),
        "differs",
        "leaves the input of a `server_tool_use` block empty",
        {"server_tool_use": ["input"]},
    ),
    Finding(
        LITELLM,
        "litellm_gateway:accumulate",
        tool("mcp_tool_use", server_name="s"),
        "differs",
        "leaves the input of an `mcp_tool_use` block empty",
        {"mcp_tool_use": ["input"]},
    ),
    Finding(LITELLM, "litellm_gateway:accumulate", CITED, "differs", "loses citations", CITATIONS),
    Finding(
        LITELLM,
        "litellm_gateway:accumulate",
        [
            START,
            message_delta(usage={"output_tokens": 3, "input_tokens": None}),
            MESSAGE_STOP,
        ],
        "differs",
        "overwrites a count with the `null` of a `message_delta`",
        {"message": ["usage.input_tokens"]},
    ),
    Finding(LITELLM, "litellm_gateway:translate", CUT_CHAT, "accepts a fault", CHAT_CUT),
    Finding(LITELLM, "litellm_gateway:translate", [], "accepts a fault", EMPTY_CHAT),
    Finding(LITELLM, "litellm_gateway:translate", FORCED, "tool-use-stop", STOP),
    Finding(
        LITELLM,
        "litellm_gateway:translate",
        INTERLEAVED,
        "input-json",
        "joins the arguments of parallel calls, which interleave, in one block",
    ),
    Finding(
        LITELLM,
        "litellm_gateway:translate",
        [*FORCED[:1], call(0, name="f", arguments=""), *FORCED[1:]],
        "unique-tool-ids",
        "splits a call whose id and name come twice into two blocks, so the client runs it twice",
    ),
]

GATEWAYS = [
    Finding(OPENAI, "openai_decoder:decode", [b"event: a\n\n"], "differs", NO_DATA),
    Finding(OPENAI, "openai_decoder:decode", [b"\xef\xbb\xbfdata: a\n\n"], "differs", BOM),
    Finding(OPENAI, "openai_decoder:decode", [b"data: \xff\n\n"], "raises", BAD_UTF8),
    Finding(ANY_LLM, "any_llm_gateway:translate", CUT_CHAT, "accepts a fault", CHAT_CUT),
    Finding(ANY_LLM, "any_llm_gateway:translate", FORCED, "tool-use-stop", STOP),
    Finding(ANY_LLM, "any_llm_gateway:translate", PARALLEL, "one-block-at-a-time", OVERLAP),
    Finding(
        LLAMA_INDEX,
        "llama_index_llm:accumulate",
        CITED,
        "raises",
        "fails on a citation of a search result without a title",
        TEXTS,
    ),
    Finding(
        LLAMA_INDEX,
        "llama_index_llm:accumulate",
        [START, block_start(0, "text", text=""), block_delta(0, "text_delta", text="Hi")],
        "accepts a fault",
        CUT,
    ),
    Finding(
        STRANDS,
        "strands_model:accumulate",
        [START, block_start(0, "tool_use", id="toolu_1", name="search", input={})],
        "accepts a fault",
        "reports `end_turn` for a stream that was cut inside a tool",
        {"message": ["stop_reason"]},
    ),
    Finding(ANT2OAI, "ant2oai_proxy:translate", CUT_CHAT, "accepts a fault", CHAT_CUT),
    Finding(ANT2OAI, "ant2oai_proxy:translate", [], "accepts a fault", EMPTY_CHAT),
    Finding(ANT2OAI, "ant2oai_proxy:translate", FORCED, "tool-use-stop", STOP),
    Finding(ANT2OAI, "ant2oai_proxy:translate", INTERLEAVED, "one-block-at-a-time", OVERLAP),
    Finding(AGENT_WIRE, "agent_wire:translate", CUT_CHAT, "accepts a fault", CHAT_CUT),
    Finding(AGENT_WIRE, "agent_wire:translate", [], "accepts a fault", EMPTY_CHAT),
    Finding(AGENT_WIRE, "agent_wire:translate", PARALLEL, "one-block-at-a-time", OVERLAP),
    Finding(
        AGENT_WIRE,
        "agent_wire:translate",
        SHORT,
        "input-json",
        "reports `tool_use` for a call that the length cut, so the client runs half a call",
    ),
    Finding(CCPROXY, "ccproxy_adapter:translate", FORCED, "tool-use-stop", STOP),
    Finding(
        CCPROXY,
        "ccproxy_adapter:translate",
        SHORT,
        "differs",
        'wraps an unfinished input as `{"arguments": …}`',
    ),
]

GROUPS = {"clients": CLIENTS, "gateways": GATEWAYS}
CHECKS = {"decode": check_chunks, "translate": check_chat}


def without(*parts: str) -> Callable[[Any], bool]:
    """A condition: the stream has none of these names."""
    return lambda events: not any(part in json.dumps(events) for part in parts)


def has_one_text(events: list[Any]) -> bool:
    """Whether a reply that joins all texts can be compared."""
    return [event.get("content_block", {}).get("type") for event in events].count("text") < 2


OTHERWISE_RIGHT = {
    "clients": [
        ("official:accumulate", GA_CLAIMS, None),
        ("official:accumulate_beta", None, None),
        ("langchain:accumulate", {**TEXT_AND_TOOLS, **THINKING}, None),
        ("openinference_spans:accumulate", GA_CLAIMS, None),
        ("pydantic_ai_model:accumulate", {**TEXT_AND_TOOLS, **THINKING}, None),
        ("litellm_gateway:accumulate", {**TEXT_AND_TOOLS, **THINKING}, None),
        (
            "haystack_generator:accumulate",
            {**TEXT_AND_TOOLS, **TOKENS},
            lambda events: has_one_text(events) and without("mcp_tool_use")(events),
        ),
    ],
    "gateways": [
        (
            "llama_index_llm:accumulate",
            {**TEXT_AND_TOOLS, **THINKING},
            without("search_result_location"),
        ),
        (
            "strands_model:accumulate",
            {**TEXT_AND_TOOLS, **THINKING, "message": ["stop_reason", "usage.output_tokens"]},
            # strands sends no beta header for a compaction, and goes on by itself after a pause
            without("compaction", "pause_turn"),
        ),
    ],
}


FIELD = os.environ.get("FIELD")
if FIELD is not None:

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize(
        "finding", GROUPS[FIELD], ids=lambda finding: f"{finding.adapter}: {finding.did}"
    )
    def test_it_is_found(finding: Finding) -> None:
        package, wanted = finding.package.split()
        assert version(package) == wanted
        module, name = finding.adapter.split(":")
        function = getattr(import_module(f"tests.field.{module}"), name)
        check: Any = CHECKS.get(name, check_stream)
        options = {} if finding.claims is None else {"claims": finding.claims}
        with pytest.raises(Mismatch) as found:
            check(function, finding.given, **options)
        kinds = {each for one in found.value.findings for each in (one.kind, one.rule)}
        assert finding.found in kinds

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize(("adapter", "claims", "assume"), OTHERWISE_RIGHT[FIELD])
    def test_nothing_else_is_blamed(adapter: str, claims: Any, assume: Any) -> None:
        """These read all other streams that the API sends as the reference does."""
        module, name = adapter.split(":")
        function = getattr(import_module(f"tests.field.{module}"), name)
        report = check_accumulator(
            function, seed=0, max_examples=60, growth=False, claims=claims, assume=assume
        )
        assert report.examples == 60
