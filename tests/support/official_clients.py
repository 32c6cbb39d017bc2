"""Every client class of the official `anthropic` package, connected to the loopback server, and the
answers in the framing that its server uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anthropic
import attrs
import httpx2
from streamfold.reducer import encode_event_stream, encode_sse
from streamfold.transports import MessageStream

from tests.support.events import body, message_start, text_block, tool_block
from tests.support.loopback import Step, event_stream

AWS_EVENT_STREAM = "application/vnd.amazon.eventstream"
PARAMETERS: dict[str, Any] = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}


def end(stop_reason: str) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop_reason}
    usage = {"input_tokens": 3, "output_tokens": 9}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


BEGINNING = message_start(
    usage={"input_tokens": 3, "output_tokens": 1}
)  # which the official client needs
EVENTS = [
    BEGINNING,
    *text_block(0, "Grüß", " dich", " 😀"),
    *tool_block(1, '{"city": "Kö', 'ln"}'),
    *end("tool_use"),
]
BODY = body(*EVENTS)
MESSAGE = MessageStream([BODY]).get_final_message()

_SECRETS = {"aws_access_key": "AKIAEXAMPLE", "aws_secret_key": "example", "aws_region": "eu-west-1"}


def _vertex(path: str) -> Callable[..., Any]:
    """The constructor of `anthropic.AnthropicVertex`, whose base URL ends in the version."""

    def make(cls: type[Any], url: str, **options: Any) -> Any:
        return cls(base_url=url + path, region="eu", project_id="p", access_token="t", **options)

    return make


def _make(**settings: Any) -> Callable[..., Any]:
    def make(cls: type[Any], url: str, **options: Any) -> Any:
        return cls(base_url=url, **settings, **options)

    return make


@attrs.frozen
class Official:
    """A pair of client classes, sync and async.

    Attributes:
        name: the name of the sync class; the async one has `Async` before it.
        path: the path of its requests for a stream, those for the beta included.
        make: the function that makes a client of one of the classes for a URL.
        framed: whether its server answers in Amazon's event stream.
    """

    name: str
    path: str
    make: Callable[..., Any] = attrs.field(repr=False)
    framed: bool = False

    def sync(self, url: str, **options: Any) -> Any:
        options.setdefault("http_client", httpx2.Client(trust_env=False))
        return self.make(getattr(anthropic, self.name), url, **options)

    def asynchronous(self, url: str, **options: Any) -> Any:
        options.setdefault("http_client", httpx2.AsyncClient(trust_env=False))
        return self.make(getattr(anthropic, f"Async{self.name}"), url, **options)

    def answer(self, events: Iterable[Mapping[str, Any]], **options: Any) -> list[Step]:
        """The answer of its server that streams these events."""
        if not self.framed:
            return event_stream(encode_sse(events), **options)
        headers = {"content-type": AWS_EVENT_STREAM, "x-amzn-requestid": "amzn_1"}
        return event_stream(encode_event_stream(events), headers=headers, **options)


_FIRST_PARTY = "/v1/messages"

OFFICIAL = [
    Official("Anthropic", _FIRST_PARTY, _make(api_key="k")),
    Official("AnthropicAWS", _FIRST_PARTY, _make(api_key="k", workspace_id="w", aws_region="r")),
    Official(
        "AnthropicBedrock",
        "/model/claude-opus-4-6/invoke-with-response-stream",
        _make(**_SECRETS),
        framed=True,
    ),
    Official("AnthropicBedrockMantle", _FIRST_PARTY, _make(api_key="k", aws_region="r")),
    Official("AnthropicFoundry", _FIRST_PARTY, _make(api_key="k")),
    Official("AnthropicGoogleCloud", _FIRST_PARTY, _make(skip_auth=True)),
    Official(
        "AnthropicVertex",
        "/v1/projects/p/locations/eu/publishers/anthropic/models/claude-opus-4-6:streamRawPredict",
        _vertex("/v1"),
    ),
]

BY_NAME = {official.name: official for official in OFFICIAL}
