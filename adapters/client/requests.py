"""The request for a message as a value: pure functions from what a caller says to bytes.

A `Call` is all that is sent, ready to be sent more than once. Its headers hold the keys; they stay
out of its `repr`, and `conceal` takes them out of a request that was sent, because errors carry it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from functools import cache
from importlib.metadata import Distribution
from typing import Any, Generic, TypedDict, TypeGuard, TypeVar, Union, cast

import attrs
import httpx
from streamfold.reducer import PartialMode, StreamfoldError, is_object
from streamfold.transports.recording import Redaction, is_secret_request_header

from .structured import response_format

__all__ = [
    "NOT_GIVEN",
    "BetaMessageRequest",
    "Call",
    "MessageRequest",
    "NotGiven",
    "Settings",
    "conceal",
    "prepare",
]

T = TypeVar("T")


class NotGiven:
    """The type of `NOT_GIVEN`: an argument that was left out, where `None` says something."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()


def given(value: Any) -> bool:
    """Whether an argument says anything."""
    return value is not None and not isinstance(value, NotGiven)


# --- what a caller says -------------------------------------------------------------------------

JSON = Mapping[str, Any]
Maybe = Union[T, NotGiven, None]
Timeout = Union[float, httpx.Timeout, None]


class _Needed(TypedDict):
    max_tokens: int
    messages: Iterable[JSON]
    model: str


class MessageRequest(_Needed, total=False):
    """The arguments of `messages.stream`: fields of the request's body, and how to send it.

    `user_profile_id` and `workspace_id` are sent as headers. `extra_headers`, `extra_query` and
    `extra_body` go before everything else; a header that is `None` is left out. `timeout` is in
    seconds. `partial_mode`, `limit` and `allow_incomplete` say how the answer is read: see
    `MessageStream`.
    """

    cache_control: Maybe[JSON]
    container: Maybe[str | JSON]
    diagnostics: Maybe[JSON]
    inference_geo: Maybe[str]
    metadata: Maybe[JSON]
    output_config: Maybe[JSON]
    service_tier: Maybe[str]
    speed: Maybe[str]
    stop_sequences: Maybe[Iterable[str]]
    system: Maybe[str | Iterable[JSON]]
    temperature: Maybe[float]
    thinking: Maybe[JSON]
    tool_choice: Maybe[JSON]
    tools: Maybe[Iterable[JSON]]
    top_k: Maybe[int]
    top_p: Maybe[float]
    user_profile_id: Maybe[str]
    workspace_id: Maybe[str]
    extra_headers: Maybe[Mapping[str, str | None]]
    extra_query: Maybe[JSON]
    extra_body: Maybe[JSON]
    timeout: Timeout | NotGiven
    partial_mode: Maybe[PartialMode]
    limit: Maybe[int]
    allow_incomplete: Maybe[bool]


class BetaMessageRequest(MessageRequest, total=False):
    """The arguments of `beta.messages.stream`: more fields, and the names of the betas."""

    betas: Maybe[Iterable[str]]
    billing_policy: Maybe[JSON]
    compaction: Maybe[JSON]
    context_management: Maybe[JSON]
    fallback_credit_token: Maybe[str]
    fallbacks: Maybe[Any]
    mcp_servers: Maybe[Iterable[JSON]]
    thread: Maybe[JSON]


@attrs.frozen
class Settings:
    """What all requests of a client share.

    Attributes:
        base_url: where the API is.
        credentials: the headers that carry the keys.
        headers: more headers.
        timeout: seconds, or httpx's own.
    """

    base_url: httpx.URL
    credentials: Mapping[str, str] = attrs.field(repr=False)
    headers: Mapping[str, str | None] = attrs.field(repr=False)
    timeout: Timeout


@attrs.frozen
class Call(Generic[T]):
    """A request, ready to be sent; and what makes `parsed_output` of the answer's text."""

    url: httpx.URL
    headers: httpx.Headers = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    timeout: Timeout
    parse: Callable[[str], T] | None = attrs.field(repr=False)
    reading: Mapping[str, Any]


def prepare(
    settings: Settings,
    *,
    beta: bool,
    max_tokens: int,
    messages: Iterable[JSON],
    model: str,
    output_format: Any = None,
    output_config: Maybe[JSON] = None,
    betas: Maybe[Iterable[str]] = None,
    user_profile_id: Maybe[str] = None,
    workspace_id: Maybe[str] = None,
    extra_headers: Maybe[Mapping[str, str | None]] = None,
    extra_query: Maybe[JSON] = None,
    extra_body: Maybe[JSON] = None,
    timeout: Timeout | NotGiven = NOT_GIVEN,
    partial_mode: Maybe[PartialMode] = None,
    limit: Maybe[int] = None,
    allow_incomplete: Maybe[bool] = None,
    **fields: Any,
) -> Call[Any]:
    """The request that these arguments ask for: see `MessageRequest` and `BetaMessageRequest`.

    `beta` says whether it goes to the beta of the API, `output_format` what type the answer is to
    have. `fields` are all other fields of the body; those that are `None` or `NOT_GIVEN` are left
    out.

    Raises:
        StreamfoldError: there is no key.
        TypeError: something in the body is not JSON, or `output_format` is no type.
        ValueError: a number is not JSON, a header has characters that headers cannot have, or the
            answer's format is given twice.
    """
    parse = None
    if given(output_format):
        asked, parse = response_format(output_format)
        output_config = _with_format(output_config, asked)
    body = {
        "max_tokens": max_tokens,
        "messages": messages,
        "model": model,
        **{name: value for name, value in fields.items() if given(value)},
        **({"output_config": output_config} if given(output_config) else {}),
        **_mapping(extra_body),
        "stream": True,
    }
    told = {
        "anthropic-beta": ",".join(cast("Iterable[str]", betas)) if given(betas) else None,
        "anthropic-user-profile-id": user_profile_id,
        "anthropic-workspace-id": workspace_id,
    }
    headers = _headers(
        _STANDARD,
        {"user-agent": _user_agent()},
        settings.credentials,
        settings.headers,
        {name: value for name, value in told.items() if given(value)},
        _mapping(extra_headers),
    )
    if not any(headers.get(name) for name in _SECRET):
        raise StreamfoldError(
            "there is no API key: give api_key= or auth_token=, or set ANTHROPIC_API_KEY or "
            "ANTHROPIC_AUTH_TOKEN"
        )
    reading = {"partial_mode": partial_mode, "limit": limit, "allow_incomplete": allow_incomplete}
    query = {**({"beta": "true"} if beta else {}), **_mapping(extra_query)}
    return Call(
        url=_endpoint(settings.base_url, query),
        headers=headers,
        content=_encode(body),
        timeout=settings.timeout if isinstance(timeout, NotGiven) else timeout,
        parse=parse,
        reading={name: value for name, value in reading.items() if given(value)},
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if given(value) else {}


def _with_format(output_config: Maybe[JSON], asked: JSON) -> JSON:
    config = _mapping(output_config)
    if config.get("format") is not None:
        raise ValueError("give output_format or output_config['format'], not both")
    return {**config, "format": asked}


def _endpoint(base_url: httpx.URL, query: Mapping[str, Any]) -> httpx.URL:
    path, mark, rest = base_url.raw_path.partition(b"?")
    url = base_url.copy_with(raw_path=path.rstrip(b"/") + b"/v1/messages" + mark + rest)
    return url.copy_merge_params(query) if query else url


# --- headers ------------------------------------------------------------------------------------

_STANDARD = {
    "accept": "text/event-stream",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
}

_SECRET = ("x-api-key", "authorization")
"""The headers that carry a key."""


@cache
def _user_agent() -> str:
    versions = [found.version for found in Distribution.discover(name="streamfold")]
    return "/".join(["streamfold", *versions[:1]])


def _headers(*layers: Mapping[str, Any]) -> httpx.Headers:
    """The headers of all layers: a later one replaces an earlier one, or joins it if it names
    betas; one that is `None` takes it away if the layer is the caller's own.
    """
    headers = httpx.Headers()
    for layer in layers:
        for name, value in layer.items():
            if given(value):
                joined = name.lower() == "anthropic-beta" and name in headers
                headers[name] = _checked(name, f"{headers[name]},{value}" if joined else value)
            else:
                headers.pop(name, None)
    betas = headers.get("anthropic-beta", "").split(",")
    named = dict.fromkeys(beta.strip() for beta in betas if beta.strip())
    if named:
        headers["anthropic-beta"] = ",".join(named)
    return headers


def _checked(name: str, value: str) -> str:
    """`value`, which a header can carry. The error does not show it: it may be a key."""
    if not re.fullmatch(r"[!-~]([ -~\t]*[!-~])?|", value):
        raise ValueError(
            f"the value given for the header {name} has what a header cannot have: a line break, "
            "white space around it, or characters beyond ASCII"
        )
    return value


def conceal(request: httpx.Request) -> None:
    """Remove the secrets of a request that was sent, by the policy that recordings follow."""
    for name in request.headers:
        if is_secret_request_header(name):
            request.headers[name] = "[secure]"
    url = str(request.url)
    concealed = Redaction().url(url)
    if concealed != url:
        request.url = httpx.URL(concealed)


# --- the body -----------------------------------------------------------------------------------


def _encode(body: JSON) -> bytes:
    """`body` as JSON.

    Half a surrogate pair, which a model's own JSON can hold, has no UTF-8. It can only stand in a
    string, where `backslashreplace` writes just what JSON would: `\\ud83d`.
    """
    text = json.dumps(_plain(body, ""), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any, path: str) -> Any:
    """`value` as plain JSON: blocks and other values of streams by their JSON fields."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not JSON")
    if value is None or isinstance(value, (str, int, float)):
        return value
    if is_object(value):
        below = f"{path}." if path else ""
        return {name: _plain(item, f"{below}{name}") for name, item in value.items()}
    if _is_array(value):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    raise TypeError(f"{path}: {type(value).__name__} is not JSON")


def _is_array(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether `value` has the items of an array. Not all that is iterable does: bytes and pydantic
    models are iterable too.
    """
    return isinstance(value, (Sequence, Iterator, ValuesView)) and not isinstance(value, bytes)
