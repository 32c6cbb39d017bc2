"""The names of the official SDK's streaming interface."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import metadata
from typing import Any

import anthropic.lib.streaming as official_streaming
import anthropic.types as official_types
import pytest
from streamfold.adapters import anthropic

STREAMING_INTERFACE = """
    MessageStream AsyncMessageStream MessageStreamManager AsyncMessageStreamManager
    BetaMessageStream BetaAsyncMessageStream BetaMessageStreamManager BetaAsyncMessageStreamManager
    TextEvent CitationEvent ThinkingEvent SignatureEvent InputJsonEvent CompactionEvent
    MessageStopEvent ContentBlockStopEvent MessageStreamEvent
    ParsedMessageStopEvent ParsedContentBlockStopEvent ParsedMessageStreamEvent
    BetaTextEvent BetaCitationEvent BetaThinkingEvent BetaSignatureEvent BetaInputJsonEvent
    BetaCompactionEvent BetaMessageStopEvent BetaContentBlockStopEvent BetaMessageStreamEvent
    ParsedBetaTextEvent ParsedBetaMessageStopEvent ParsedBetaContentBlockStopEvent
    ParsedBetaMessageStreamEvent
    RawMessageStreamEvent RawMessageStartEvent RawMessageDeltaEvent RawMessageStopEvent
    RawContentBlockStartEvent RawContentBlockDeltaEvent RawContentBlockStopEvent
    BetaRawMessageStreamEvent BetaRawMessageStartEvent BetaRawMessageDeltaEvent
    BetaRawMessageStopEvent BetaRawContentBlockStartEvent BetaRawContentBlockDeltaEvent
    BetaRawContentBlockStopEvent
    Message ParsedMessage ParsedTextBlock ParsedContentBlock
    BetaMessage ParsedBetaMessage ParsedBetaTextBlock ParsedBetaContentBlock
    Anthropic AsyncAnthropic AnthropicError APIError APIStatusError
"""


@pytest.mark.parametrize("name", STREAMING_INTERFACE.split())
def test_every_name_of_the_streaming_interface(name) -> None:
    assert name in anthropic.__all__


def test_all_names_are_there() -> None:
    assert len(set(anthropic.__all__)) == len(anthropic.__all__)
    for name in anthropic.__all__:
        assert getattr(anthropic, name) is not None


@pytest.mark.parametrize("name", anthropic.__all__)
def test_the_names_with_beta_are_those_without(name) -> None:
    plain = getattr(anthropic, name.replace("Beta", ""), None)
    if "Beta" in name and plain is not None and name not in _PARAMETERS:
        assert getattr(anthropic, name) is plain or getattr(anthropic, name) == plain


_PARAMETERS = {"BetaMessageStopEvent", "BetaContentBlockStopEvent", "BetaMessageStreamEvent"}
"""Beta names that the interface itself gives to the `Parsed…` class."""


@pytest.mark.parametrize(
    "name",
    [
        "MessageStream", "AsyncMessageStream", "MessageStreamManager", "AsyncMessageStreamManager",
        "BetaMessageStream", "BetaAsyncMessageStream", "BetaMessageStreamManager",
        "BetaAsyncMessageStreamManager", "ParsedMessage", "ParsedBetaMessage", "ParsedTextBlock",
        "ParsedBetaTextBlock", "ParsedContentBlock", "ParsedBetaContentBlock",
        "ParsedMessageStopEvent", "ParsedBetaMessageStopEvent", "ParsedContentBlockStopEvent",
        "ParsedBetaContentBlockStopEvent", "ParsedMessageStreamEvent",
        "ParsedBetaMessageStreamEvent", "BetaMessageStreamEvent",
    ],
)  # fmt: skip
def test_generic_names_take_a_type(name) -> None:
    assert getattr(anthropic, name)[int] is not None


def test_every_streaming_name_of_the_official_sdk_is_here() -> None:
    official = pytest.importorskip("anthropic.lib.streaming")
    names = {name.partition("[")[0] for name in vars(official) if name[0].isupper()}
    assert names - {"TypeAlias"} <= set(anthropic.__all__)
    assert metadata.version("anthropic")


def test_importing_the_names_imports_no_extra() -> None:
    code = (
        "import sys, streamfold.adapters.anthropic;"
        "print([n for n in ('pydantic', 'stamina', 'trio', 'asyncio') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.strip() in (b"[]", b"['asyncio']")


def parameters(function: Any) -> set[str]:
    found = inspect.signature(function).parameters.values()
    return {parameter.name for parameter in found if parameter.kind is not parameter.VAR_KEYWORD}


@pytest.mark.parametrize(
    "name",
    [
        *("MessageStream", "AsyncMessageStream", "MessageStreamManager", "TextEvent"),
        *("AsyncMessageStreamManager", "BetaMessageStream", "BetaAsyncMessageStream", "TextBlock"),
        *("BetaMessageStreamManager", "BetaAsyncMessageStreamManager", "Message", "Usage"),
    ],
)
def test_the_methods_have_the_parameters_of_the_official_ones(name: str) -> None:
    official = getattr(official_streaming, name, None) or getattr(official_types, name)
    mine = getattr(anthropic, name)
    compared = {"__enter__", "__exit__", "__aenter__", "__aexit__", *STREAM_METHODS, *VALUE_METHODS}
    compared &= {method for method in dir(official) if callable(getattr(official, method))}
    assert len(compared) > 1
    for method in compared:
        theirs = parameters(getattr(official, method))
        assert theirs <= parameters(getattr(mine, method)) | OPTIONS.get(method, set()), method


STREAM_METHODS = (
    *("close", "until_done", "get_final_message", "get_final_text"),
    *("__iter__", "__next__", "__aiter__", "__anext__"),
)
VALUE_METHODS = (
    *("model_dump", "model_dump_json", "model_copy", "model_validate", "model_validate_json"),
    *("to_dict", "to_json", "to_param", "parsed_snapshot"),
)
OPTIONS = {
    "model_dump_json": parameters(anthropic.Message.model_dump),
    "model_validate_json": parameters(anthropic.Message.model_validate),
}
"""The parameters that these methods pass on."""
