"""What was found in the field: the least stream of each finding, and the package and version that
it was found in.

Each was checked by hand against the API's reference, or the HTML standard ("Interpreting an event
stream"). These tests say that the checks find it, in that version; they are skipped for any other.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import pytest
from streamfold.adapters.conformance import (
    Mismatch,
    check_accumulator,
    check_chunks,
    check_stream,
    measure,
)
from streamfold.adapters.strategies import BLOCKS

from tests.support.model import (
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
CITATION = {
    "type": "char_location",
    "cited_text": "a",
    "document_index": 0,
    "start_char_index": 0,
    "end_char_index": 1,
}


def tool(kind: str, **fields: Any) -> list[Any]:
    """A stream of one tool block, whose input comes as a delta."""
    block = {"id": "toolu_1", "name": "search", "input": {}, **fields}
    delta = block_delta(0, "input_json_delta", partial_json='{"a":1}')
    return [START, block_start(0, kind, **block), delta, block_stop(0), *END]


class Finding(NamedTuple):
    """Package and version, the adapter, the stream or the body, the kind, and what it did."""

    package: str
    version: str
    adapter: str
    given: Any
    kind: str
    did: str


SDK, LITELLM, LANGCHAIN = "anthropic", "litellm", "langchain-anthropic"
CUT = "gives the first part of a message as the final one when the stream is cut"
NO_DATA = "hands on an event that has no data"
BOM = "does not take off a byte order mark, and so loses the first event"
NEGATIVE = "takes -1 for a reconnection time"
ONCE_MORE = "parses all of a tool's input again at each delta"
BAD_UTF8 = "raises UnicodeDecodeError where the standard has U+FFFD"

FINDINGS = [
    Finding(SDK, "2.12.0", "official:accumulate", [START], "accepts a fault", CUT),
    Finding(SDK, "2.12.0", "official:accumulate_beta", [START], "accepts a fault", CUT),
    Finding(
        SDK,
        "2.12.0",
        "official:accumulate",
        tool("mcp_tool_use", server_name="s"),
        "differs",
        "leaves the input of an `mcp_tool_use` block empty (the beta client does not)",
    ),
    Finding(
        SDK,
        "2.12.0",
        "official:accumulate",
        "tool_use",
        "grows quadratically",
        ONCE_MORE,
    ),
    Finding(
        SDK,
        "2.12.0",
        "official:accumulate_beta",
        "tool_use",
        "grows quadratically",
        ONCE_MORE,
    ),
    Finding(SDK, "2.12.0", "official:decode", [b"\xef\xbb\xbfdata: a\n\n"], "differs", BOM),
    Finding(SDK, "2.12.0", "official:decode", [b"event: a\n\n"], "differs", NO_DATA),
    Finding(SDK, "2.12.0", "official:decode", [b"retry: -1\ndata: a\n\n"], "differs", NEGATIVE),
    Finding(SDK, "2.12.0", "official:decode", [b"data: \xff\n\n"], "raises", BAD_UTF8),
    Finding("httpx-sse", "0.4.3", "httpx_sse:decode", [b"\xef\xbb\xbfdata: a\n\n"], "differs", BOM),
    Finding(
        "httpx-sse",
        "0.4.3",
        "httpx_sse:decode",
        [b"id: 1\ndata: a\n\n: keep-alive\n\n"],
        "differs",
        NO_DATA + ", and so one for each comment once an `id` has come",
    ),
    Finding(
        "httpx-sse", "0.4.3", "httpx_sse:decode", [b"retry: -1\ndata: a\n\n"], "differs", NEGATIVE
    ),
    Finding("openai", "3.3.0", "openai_decoder:decode", [b"event: a\n\n"], "differs", NO_DATA),
    Finding(
        "openai", "3.3.0", "openai_decoder:decode", [b"\xef\xbb\xbfdata: a\n\n"], "differs", BOM
    ),
    Finding(
        "sseclient-py",
        "1.9.0",
        "sseclient_py:decode",
        [b"data: a\n"],
        "differs",
        "hands on an event that was cut off",
    ),
    Finding(
        "sseclient-py",
        "1.9.0",
        "sseclient_py:decode",
        [b"id: 1\ndata: a\n\ndata: a\n\n"],
        "differs",
        "forgets the last event ID behind its event",
    ),
    Finding(
        "sseclient-py",
        "1.9.0",
        "sseclient_py:decode",
        [b"id: a\0b\ndata: a\n\n"],
        "differs",
        "takes an `id` with NUL",
    ),
    Finding(
        "sseclient-py", "1.9.0", "sseclient_py:decode", [b"data: \xff\n\n"], "raises", BAD_UTF8
    ),
    Finding(
        LITELLM,
        "1.106.2",
        "litellm_proxy:accumulate",
        tool("server_tool_use"),
        "differs",
        "leaves the input of a `server_tool_use` block empty",
    ),
    Finding(
        LITELLM,
        "1.106.2",
        "litellm_proxy:accumulate",
        tool("mcp_tool_use", server_name="s"),
        "differs",
        "leaves the input of an `mcp_tool_use` block empty",
    ),
    Finding(
        LITELLM,
        "1.106.2",
        "litellm_proxy:accumulate",
        [
            START,
            block_start(0, "text", text=""),
            block_delta(0, "text_delta", text="Hi"),
            block_delta(0, "citations_delta", citation=CITATION),
            block_stop(0),
            *END,
        ],
        "differs",
        "loses citations",
    ),
    Finding(
        LITELLM,
        "1.106.2",
        "litellm_proxy:accumulate",
        [START, block_start(0, "text", text="Hi"), block_stop(0), *END],
        "differs",
        "loses the text that a block starts with",
    ),
    Finding(
        LITELLM,
        "1.106.2",
        "litellm_proxy:accumulate",
        [START, message_delta(usage={"input_tokens": None, "output_tokens": 3}), MESSAGE_STOP],
        "differs",
        "overwrites a count with `null`",
    ),
    Finding(LITELLM, "1.106.2", "litellm_proxy:accumulate", [START], "accepts a fault", CUT),
    Finding(
        LANGCHAIN,
        "1.7.7",
        "langchain:accumulate",
        "tool_use",
        "grows quadratically",
        "puts together and parses all of a tool's input again for each chunk that is added",
    ),
]


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "finding", FINDINGS, ids=lambda finding: f"{finding.adapter}: {finding.did}"
)
def test_it_is_found(finding: Finding) -> None:
    if installed(finding.package) != finding.version:
        pytest.skip(f"needs {finding.package} {finding.version}")
    module, name = finding.adapter.split(":")
    function = getattr(import_module(f"field.{module}"), name)
    if finding.kind == "grows quadratically":
        assert measure(function, finding.given).work_order > 1.4
        return
    check: Any = check_chunks if name == "decode" else check_stream
    with pytest.raises(Mismatch) as found:
        check(function, finding.given)
    assert found.value.kind == finding.kind


BETA_BLOCKS = {"mcp_tool_use", "compaction", "fallback"}
BETA_FIELDS = [
    "context_management",
    "input_transformations",
    "usage.iterations",
    "usage.fallback_credit",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("accumulator", "claims"),
    [
        ("accumulate", {"blocks": set(BLOCKS) - BETA_BLOCKS, "ignore": BETA_FIELDS}),
        ("accumulate_beta", {}),
    ],
)
def test_nobody_is_blamed_for_what_the_api_does_not_send(
    accumulator: str, claims: dict[str, Any]
) -> None:
    """The official SDK reads every stream of what it claims to know as we do."""
    if installed(SDK) != "2.12.0":
        pytest.skip("needs anthropic 2.12.0")
    function = getattr(import_module("field.official"), accumulator)
    assert check_accumulator(function, seed=0, growth=False, **claims).examples == 200
