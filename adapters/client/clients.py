"""The clients, `Anthropic` and `AsyncAnthropic`, in the shape of the official SDK's.

A client turns a caller's arguments into a `Call` (see `requests`), sends it, and returns the open
response as a `MessageStream`. It waits for the first event before it returns: until then nothing
was handed out, so a failed attempt can be repeated (see `retries`). The two clients differ in
`await` alone; their common part is `_Client`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast

import httpx
from streamfold.transports import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AsyncMessageStream,
    MessageStream,
    beginning_needed,
    response_error,
)

from .messages import AsyncBetaMessages, AsyncMessages, Beta, BetaMessages, Messages
from .parameters import NOT_GIVEN, NotGiven, Timeout
from .requests import Call, Settings, conceal
from .retries import retrying

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_MAX_RETRIES", "DEFAULT_TIMEOUT", "Anthropic", "AsyncAnthropic"]

DEFAULT_BASE_URL = "https://api.anthropic.com"
DEFAULT_MAX_RETRIES = 2
DEFAULT_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
"""600 seconds without a byte from the API, and 5 seconds to connect."""

_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
_HTTPX_DEFAULT_TIMEOUT = httpx.Timeout(5.0)

T = TypeVar("T")
HTTPClient = TypeVar("HTTPClient", httpx.Client, httpx.AsyncClient)


# --- the common part ----------------------------------------------------------------------------


class _Client(Generic[HTTPClient]):
    """All of a client but the sending."""

    _http_class: type[HTTPClient]
    _caller: ClassVar[Literal["RetryingCaller", "AsyncRetryingCaller"]]

    def __init__(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str | None] | None = None,
        http_client: HTTPClient | None = None,
    ) -> None:
        """Make a client.

        Args:
            api_key: the key, sent as `x-api-key`. Without it and without `auth_token`, the
                environment gives one: `ANTHROPIC_API_KEY`, else `ANTHROPIC_AUTH_TOKEN`.
            auth_token: the token, sent as `authorization: Bearer …`.
            base_url: the API's address; by default `ANTHROPIC_BASE_URL` from the environment, else
                `https://api.anthropic.com`.
            timeout: seconds without a byte from the API, or httpx's own value; `None` for no
                limit. By default 600 seconds and 5 to connect, or the timeout of `http_client` if
                that is not httpx's default.
            max_retries: the number of attempts after the first; 0 for none.
            default_headers: additional headers for each request; `None` removes one.
            http_client: the client that sends the requests. It stays open when this one closes.

        Raises:
            ImportError: `max_retries` is above 0 and stamina is not installed.
            ValueError: `base_url` is not an http URL, or `max_retries` is negative.
        """
        if api_key is None and auth_token is None:
            api_key = os.environ.get("ANTHROPIC_API_KEY") or None
            if api_key is None:
                auth_token = os.environ.get("ANTHROPIC_AUTH_TOKEN") or None
        url = httpx.URL(base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_BASE_URL)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                f"base_url must begin with http:// or https:// and name a host, got {url!r}"
            )
        if isinstance(timeout, NotGiven):
            timeout = DEFAULT_TIMEOUT
            if http_client is not None and http_client.timeout != _HTTPX_DEFAULT_TIMEOUT:
                timeout = http_client.timeout  # its maker chose it
        self._max_retries = max_retries
        self._settings = Settings(
            base_url=url,
            credentials={
                **({"x-api-key": api_key} if api_key else {}),
                **({"authorization": f"Bearer {auth_token}"} if auth_token else {}),
            },
            headers=default_headers or {},
            timeout=timeout,
        )
        self._retry = retrying(max_retries, self._caller)
        self._owned = http_client is None
        self._http: HTTPClient = http_client or self._http_class(timeout=timeout, limits=_LIMITS)

    @property
    def base_url(self) -> httpx.URL:
        """The API's address, without `/v1/messages`."""
        return self._settings.base_url

    @property
    def timeout(self) -> Timeout:
        """Seconds without a byte from the API, or httpx's own value; `None` for no limit."""
        return self._settings.timeout

    @property
    def max_retries(self) -> int:
        """The number of attempts after the first."""
        return self._max_retries

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r}, max_retries={self.max_retries})"

    def _request(self, call: Call[Any]) -> httpx.Request:
        return self._http.build_request(
            "POST", call.url, headers=call.headers, content=call.content, timeout=call.timeout
        )


def _connection_error(error: httpx.HTTPError, request: httpx.Request) -> APIConnectionError:
    """The error of a request whose answer did not come, or broke off before its first event."""
    timed_out = isinstance(error, httpx.TimeoutException)
    reason = "no answer in time" if timed_out else "the connection failed"
    cls = APITimeoutError if timed_out else APIConnectionError
    message = f"{request.url.host}: {reason} ({type(error).__name__}: {error})"
    return cls(message, request=request)


# --- the sync client ----------------------------------------------------------------------------


class Anthropic(_Client[httpx.Client]):
    """A client of the Messages API.

    >>> from streamfold.reducer import Message, encode_sse, expand
    >>> body = encode_sse(expand(Message.from_dict({
    ...     "id": "msg_1", "role": "assistant", "model": "claude-opus-4-6",
    ...     "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"})))
    >>> def api(request):
    ...     return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    >>> client = Anthropic(
    ...     api_key="sk-ant-example", max_retries=0,
    ...     http_client=httpx.Client(transport=httpx.MockTransport(api)))
    >>> with client.messages.stream(
    ...     model="claude-opus-4-6", max_tokens=100,
    ...     messages=[{"role": "user", "content": "Say hello"}],
    ... ) as stream:
    ...     for text in stream.text_stream:
    ...         print(text)
    Hello
    >>> client
    Anthropic(base_url=URL('https://api.anthropic.com'), max_retries=0)
    """

    _http_class = httpx.Client
    _caller = "RetryingCaller"

    @cached_property
    def messages(self) -> Messages:
        """The Messages API."""
        return Messages(self._settings, self._open)

    @cached_property
    def beta(self) -> Beta[BetaMessages]:
        """The beta of the API: `beta.messages`."""
        return Beta(BetaMessages(self._settings, self._open))

    def _open(self, call: Call[T]) -> MessageStream[T]:
        """The open stream of the first attempt that brings an event."""
        return cast("MessageStream[T]", self._retry(self._send, call))

    def _send(self, call: Call[T]) -> MessageStream[T]:
        request = self._request(call)
        try:
            response = self._http.send(request, stream=True, follow_redirects=False)
        except httpx.HTTPError as error:
            raise _connection_error(error, request) from error
        finally:
            conceal(request)
        stream = MessageStream(response, parse=call.parse, **call.reading)
        try:
            refused = _other_answer(stream)
            if refused is not None:
                raise refused
            stream.await_first_event()
        except BaseException as error:
            stream.close()
            if isinstance(error, httpx.HTTPError):
                raise _connection_error(error, request) from error
            raise
        return stream

    def close(self) -> None:
        """Close the connections. An `http_client` that was passed in stays open."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _other_answer(stream: MessageStream[Any]) -> APIError | None:
    """The error of an answer that is not an event stream: of its status, or of its content.

    It is returned, not raised, so that no traceback has a frame with the body, which may repeat the
    key.
    """
    response = stream.response
    if size := beginning_needed(response):
        beginning = bytearray()
        while len(beginning) < size and (chunk := next(stream._chunks, b"")):
            beginning += chunk
        return response_error(response, bytes(beginning[:size]))
    return None


# --- the async client ---------------------------------------------------------------------------


class AsyncAnthropic(_Client[httpx.AsyncClient]):
    """A client of the Messages API, for asyncio and trio: see `Anthropic`."""

    _http_class = httpx.AsyncClient
    _caller = "AsyncRetryingCaller"

    @cached_property
    def messages(self) -> AsyncMessages:
        """The Messages API."""
        return AsyncMessages(self._settings, self._open)

    @cached_property
    def beta(self) -> Beta[AsyncBetaMessages]:
        """The beta of the API: `beta.messages`."""
        return Beta(AsyncBetaMessages(self._settings, self._open))

    async def _open(self, call: Call[T]) -> AsyncMessageStream[T]:
        """The open stream of the first attempt that brings an event."""
        return cast("AsyncMessageStream[T]", await self._retry(self._send, call))

    async def _send(self, call: Call[T]) -> AsyncMessageStream[T]:
        request = self._request(call)
        try:
            response = await self._http.send(request, stream=True, follow_redirects=False)
        except httpx.HTTPError as error:
            raise _connection_error(error, request) from error
        finally:
            conceal(request)
        stream = AsyncMessageStream(response, parse=call.parse, **call.reading)
        try:
            refused = await _other_answer_async(stream)
            if refused is not None:
                raise refused
            await stream.await_first_event()
        except BaseException as error:
            await stream.close()
            if isinstance(error, httpx.HTTPError):
                raise _connection_error(error, request) from error
            raise
        return stream

    async def close(self) -> None:
        """Close the connections. An `http_client` that was passed in stays open."""
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def _other_answer_async(stream: AsyncMessageStream[Any]) -> APIError | None:
    """The error of an answer that is not an event stream: see `_other_answer`."""
    response = stream.response
    if size := beginning_needed(response):
        beginning = bytearray()
        while len(beginning) < size and (chunk := await anext(stream._chunks, b"")):
            beginning += chunk
        return response_error(response, bytes(beginning[:size]))
    return None
