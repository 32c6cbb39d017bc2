"""The request for a message as a value: pure functions from a caller's arguments to bytes.

A `Call` holds everything that is sent, so that a retry sends the same bytes. Its headers hold the
keys; they are left out of its `repr`, and `conceal` removes them from a request that was sent,
because errors carry that request.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import Distribution
from typing import Any, Generic, TypeVar, cast
from urllib.parse import unquote_to_bytes

import attrs
import httpx
from streamfold.reducer import PartialMode, StreamfoldError
from streamfold.transports import REDACTION, check_stall_timeout
from streamfold.transports.recording import Redaction, is_harmless_header

from .json_body import UnreadBody, encode_body
from .parameters import (
    BETA_FIELDS,
    FIELDS,
    JSON,
    NOT_GIVEN,
    Maybe,
    NotGiven,
    Timeout,
    is_given,
    refuse_unknown,
)
from .structured import response_format, with_format

__all__ = ["Call", "Settings", "check_key", "conceal", "prepare", "user_agent"]

T = TypeVar("T")


def _endpoint(settings: Settings) -> httpx.URL:
    path, mark, rest = settings.base_url.raw_path.partition(b"?")
    path = path.rstrip(b"/") + b"/v1/messages" + mark + rest
    return settings.base_url.copy_with(raw_path=path, userinfo=b"")


def _own_headers(settings: Settings, *layers: Mapping[str, Any]) -> httpx.Headers:
    return _joined(_STANDARD, {"user-agent": user_agent()}, settings.credentials, *layers)


@attrs.frozen
class Settings:
    """The settings that all requests of a client share.

    Attributes:
        base_url: the API's address, without `/v1/messages`.
        credentials: the headers that carry the keys.
        headers: the caller's default headers; `None` removes a header.
        query: the caller's default parameters of the URL.
        timeout: seconds without a byte from the API, or httpx's own value; `None` for no limit.
        stall_timeout: seconds without progress; `None` for no limit.
        endpoint: the address of the Messages API, without user, password and `query`.
        own_headers: the headers of a request to which the caller adds none.
    """

    base_url: httpx.URL = attrs.field(repr=lambda url: repr(url.copy_with(userinfo=b"")))
    credentials: Mapping[str, str] = attrs.field(repr=False)
    headers: Mapping[str, str | None] = attrs.field(repr=False)
    query: Mapping[str, Any] = attrs.field(repr=False)
    timeout: Timeout
    stall_timeout: float | None = None
    endpoint: httpx.URL = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_endpoint, takes_self=True)
    )
    own_headers: httpx.Headers = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_own_headers, takes_self=True)
    )


@attrs.frozen
class Call(Generic[T]):
    """A request that is ready to be sent, and the options for reading its answer.

    Attributes:
        url: the endpoint.
        headers: all headers but those that httpx adds.
        content: the body, or an `UnreadBody` if it has files.
        timeout: seconds without a byte from the API, or httpx's own value; `None` for no limit.
        parse: turns the answer's text into `parsed_output`; `None` without an `output_format`.
        reading: the options of the `MessageStream` that reads the answer.
    """

    url: httpx.URL = attrs.field(repr=False)
    headers: httpx.Headers = attrs.field(repr=False)
    content: bytes | UnreadBody = attrs.field(repr=False)
    timeout: Timeout
    parse: Callable[[str], T] | None = attrs.field(repr=False)
    reading: Mapping[str, Any]

    def read(self) -> Call[T]:
        """The call with its files read. Reading may block.

        Raises:
            OSError: a file cannot be read.
        """
        if isinstance(self.content, bytes):
            return self
        return attrs.evolve(self, content=self.content.read())

    @property
    def stall_timeout(self) -> float | None:
        """The `stall_timeout` in seconds; `None` if httpx's own timeout is at most as long."""
        seconds: float | None = self.reading.get("stall_timeout")
        if seconds is None:
            return None
        read = httpx.Timeout(self.timeout).read
        return None if read is not None and read <= seconds else seconds

    @property
    def http_timeout(self) -> Timeout:
        """The timeout of httpx: silence ends a read no later than a stall does."""
        if self.stall_timeout is None:
            return self.timeout
        own = httpx.Timeout(self.timeout)
        return httpx.Timeout(
            connect=own.connect, read=self.stall_timeout, write=own.write, pool=own.pool
        )


def prepare(
    settings: Settings,
    *,
    method: str,
    beta: bool,
    stream: bool,
    max_tokens: int,
    messages: Iterable[JSON],
    model: str,
    output_format: Any = None,
    output_config: Maybe[JSON] = NOT_GIVEN,
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
    stall_timeout: Maybe[float] = None,
    **fields: Any,
) -> Call[Any]:
    """The call for these arguments: see `MessageRequest` and `BetaMessageRequest`.

    `method` is the name of the caller's method, for errors. `beta` admits the fields of the beta,
    `stream` asks for a streamed answer. `output_format` is the type of the answer. `fields` are all
    other fields of the body. A field that is `None` is sent as `null`, and one that is `NOT_GIVEN`
    is not sent. Other arguments count as not given if they are `None`.

    Raises:
        StreamfoldError: no key was given or found in the environment.
        TypeError: an argument is unknown, a value in the body does not stand for JSON, or
            `output_format` is not a type.
        ValueError: a number is NaN or infinite, a header has characters that headers cannot have,
            the answer's format is given twice, or `stall_timeout` is not above 0.
    """
    refuse_unknown(method, fields, BETA_FIELDS if beta else FIELDS)
    parse = None
    if is_given(output_format):
        format_field, parse = response_format(output_format)
        output_config = with_format(output_config, format_field)
    body = {
        "max_tokens": max_tokens,
        "messages": messages,
        "model": model,
        **fields,
        "output_config": output_config,
        **_mapping(extra_body),
    }
    body.pop("stream", None)
    if stream:
        body["stream"] = True
    named = {
        "anthropic-beta": ",".join(cast("Iterable[str]", betas)) if is_given(betas) else None,
        "anthropic-user-profile-id": user_profile_id,
        "anthropic-workspace-id": workspace_id,
    }
    layers = [settings.headers, _given(named), _mapping(extra_headers)]
    headers = _own_headers(settings, *layers) if any(layers) else settings.own_headers
    if not any(headers.get(name) for name in _CREDENTIALS):
        raise StreamfoldError(
            "the request needs an API key, got none: give api_key= or auth_token=, or set "
            "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN"
        )
    if settings.base_url.userinfo:  # in a header, because httpx logs the URL
        userinfo = base64.b64encode(unquote_to_bytes(settings.base_url.userinfo)).decode()
        headers = headers.copy()
        headers["authorization"] = f"Basic {userinfo}"
    patience = cast("float", stall_timeout) if is_given(stall_timeout) else settings.stall_timeout
    reading = {
        "partial_mode": partial_mode,
        "limit": limit,
        "allow_incomplete": allow_incomplete,
        "stall_timeout": check_stall_timeout(patience),
    }
    query = {**settings.query, **_mapping(extra_query)}
    return Call(
        url=_with_query(settings.endpoint, query),
        headers=headers,
        content=encode_body(body),
        timeout=settings.timeout if isinstance(timeout, NotGiven) else timeout,
        parse=parse,
        reading=_given(reading),
    )


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are neither `None` nor `NOT_GIVEN`."""
    return {name: value for name, value in arguments.items() if is_given(value)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if is_given(value) else {}


def _with_query(url: httpx.URL, query: Mapping[str, Any]) -> httpx.URL:
    pairs = tuple(pair for name, value in query.items() for pair in _pairs(name, value))
    return url.copy_merge_params(pairs) if pairs else url


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The parameters of a URL for one value, as the official client writes them.

    >>> list(_pairs("a", [1, True])), list(_pairs("b", {"c": "d", "e": None}))
    ([('a[]', '1'), ('a[]', 'true')], [('b[c]', 'd')])
    """
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, Any]", value).items():
            yield from _pairs(f"{name}[{key}]", item)
    elif isinstance(value, (list, tuple)):
        for item in cast("Iterable[Any]", value):
            yield from _pairs(f"{name}[]", item)
    elif is_given(value):
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


# --- headers ------------------------------------------------------------------------------------

_STANDARD = {
    "accept": "application/json",
    "anthropic-version": "2026-10-21",
    "content-type": "application/json",
}

_CREDENTIALS = ("authorization", "x-api-key")
"""The headers that carry a key."""


@cache
def user_agent() -> str:
    """The `user-agent` of our requests: `streamfold/` and the version of the distribution.

    The version is looked up once per process, because the look-up reads files.
    """
    versions = [found.version for found in Distribution.discover(name="streamfold")]
    return "/".join(["streamfold", *versions[:1]])


def _joined(*layers: Mapping[str, Any]) -> httpx.Headers:
    """The headers of all layers.

    A later layer replaces a header of an earlier one, and removes it with `None`. The values of
    `anthropic-beta` are joined instead, each beta once.
    """
    joined: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            key = name.lower()
            if not is_given(value):
                joined.pop(key, None)
            elif key == "anthropic-beta" and key in joined:
                joined[key] = name, f"{joined[key][1]},{_checked(name, value)}"
            else:
                joined[key] = name, _checked(name, value)
    if "anthropic-beta" in joined:
        name, betas = joined["anthropic-beta"]
        unique = dict.fromkeys(beta.strip() for beta in betas.split(",") if beta.strip())
        joined["anthropic-beta"] = name, ",".join(unique) or betas
    return httpx.Headers(list(joined.values()))


_VISIBLE = re.compile(r"[!-~]([ -~\t]*[!-~])?|")


def _checked(name: str, value: str) -> str:
    """`value` if a header can carry it. The error does not show it, because it may be a key."""
    if not _VISIBLE.fullmatch(value):
        raise ValueError(
            f"the value of the header {name} must be visible ASCII characters, without a line "
            "break and without white space around it; the value given (not shown: it may be a "
            "key) has others: remove them"
        )
    return value


def check_key(key: str) -> str:
    """A key that a header can carry. The error does not show it.

    Raises:
        ValueError: it has white space or characters outside ASCII.
    """
    if not re.fullmatch("[!-~]*", key):
        raise ValueError(
            "a key must be visible ASCII characters; the key given (not shown) has others: remove "
            "white space and line breaks"
        )
    return key


@lru_cache(maxsize=256)
def _is_harmless(name: bytes) -> bool:
    return is_harmless_header(name.decode("latin-1"))  # harmless names are ASCII


def conceal(request: httpx.Request) -> None:
    """Remove the secrets of a request that was sent, by the policy that recordings follow.

    The redaction that knows them stays in the extensions of the request, so that no error repeats
    them.
    """
    redaction = Redaction()
    headers = request.headers
    for raw_name, value in headers.raw:
        if not _is_harmless(raw_name):
            name = raw_name.decode(headers.encoding).lower()
            redaction.headers([(name, value.decode(headers.encoding))])
            headers[name] = "[secure]"
    request.extensions = {**request.extensions, REDACTION: redaction}
    url = request.url
    if url.query or url.userinfo or url.fragment:
        concealed = redaction.url(str(url), harmless=None)
        if concealed != str(url):
            request.url = type(url)(concealed)
