"""The clients, `Anthropic` and `AsyncAnthropic`, in the shape of the official SDK's.

A client turns a caller's arguments into a `Call` (see `requests`), sends it, and returns the open
response as a `MessageStream`. It waits for the first event before it returns: until then the caller
has received nothing, so a failed attempt can be repeated (see `retries`). The two clients differ in
`await` alone; their common part is `_Client`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

import httpx
from streamfold.reducer import DEFAULT_LIMIT, Message
from streamfold.transports import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncClosing,
    AsyncMessageStream,
    Closing,
    HTTPResponse,
    MessageStream,
    check_stall_timeout,
    clock_from_now,
    hide_causes,
    refuse_other_message,
    stalled_error,
)
from streamfold.transports.recording import AsyncDecompressed, decompressed

from .http_clients import AsyncHTTPClient, Connections, library_of, post_request
from .messages import AsyncBetaMessages, AsyncMessages, Beta, BetaMessages, Messages
from .parameters import NOT_GIVEN, NotGiven, Timeout
from .requests import Call, Settings, check_key, conceal
from .retries import retrying
from .unsupported import PointsToOfficialClient

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "Anthropic",
    "AsyncAnthropic",
]

DEFAULT_BASE_URL = "https://api.anthropic.com"
DEFAULT_MAX_RETRIES = 2
DEFAULT_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
"""600 seconds without a byte from the API, and 5 seconds to connect."""

DEFAULT_CONNECTION_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
"""1,000 connections at most, of which 100 are kept open between requests."""

_HTTPX_DEFAULT_TIMEOUT = httpx.Timeout(5.0).as_dict()
_QUOTED = 200
"""The number of bytes of an answer that an error quotes."""

T = TypeVar("T")


# --- the common part ----------------------------------------------------------------------------


class _Client(PointsToOfficialClient):
    """Everything in a client except sending."""

    _http_class: ClassVar[type[Any]]
    _caller: ClassVar[Literal["RetryingCaller", "AsyncRetryingCaller"]]

    def __init__(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        stall_timeout: float | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str | None] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: Any = None,
    ) -> None:
        """Make a client.

        Args:
            api_key: the key, sent as `authorization: Bearer …`. Without it and without
                `auth_token`, the environment gives one: `ANTHROPIC_API_KEY`, else
                `ANTHROPIC_AUTH_TOKEN`.
            auth_token: a token, sent in the same way if `api_key` is missing.
            base_url: the API's address; by default `ANTHROPIC_BASE_URL` from the environment, else
                `https://api.anthropic.com`.
            timeout: seconds without a byte from the API, or httpx's own value; `None` for no
                limit. By default 600 seconds and 5 to connect, or the timeout of `http_client` if
                that is not httpx's default.
            stall_timeout: seconds without progress, for which pings do not count; `None` for no
                limit. A stall is retried if nothing of the answer was handed out.
            max_retries: the number of attempts after the first; 0 for none.
            default_headers: additional headers for each request; `None` removes one.
            default_query: additional parameters of the URL for each request.
            http_client: the client of httpx or httpx2 that sends the requests. It stays open when
                this one closes.

        Raises:
            ImportError: `max_retries` is above 0 and stamina is not installed.
            TypeError: `http_client` is a client of another kind.
            ValueError: `base_url` is not an http URL, `max_retries` is negative, `stall_timeout` is
                not above 0, a header cannot carry the key, or both `api_key` and `auth_token` are
                given.
        """
        if api_key and auth_token:
            raise ValueError(
                "give api_key or auth_token, not both: each is sent as the header authorization"
            )
        if api_key is None and auth_token is None:
            api_key = os.environ.get("ANTHROPIC_API_KEY") or None
            if api_key is None:
                auth_token = os.environ.get("ANTHROPIC_AUTH_TOKEN") or None
        key = check_key(api_key or auth_token or "")
        url = httpx.URL(base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_BASE_URL)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                f"base_url must begin with http:// or https:// and name a host, got {url!r}"
            )
        library = httpx if http_client is None else library_of(http_client, self._http_class)
        if isinstance(timeout, NotGiven):
            timeout = DEFAULT_TIMEOUT
            if http_client is not None and http_client.timeout.as_dict() != _HTTPX_DEFAULT_TIMEOUT:
                timeout = cast("httpx.Timeout", http_client.timeout)  # the caller chose it
        self._max_retries = max_retries
        self._settings = Settings(
            base_url=url,
            credentials={"authorization": f"Bearer {key}"} if key else {},
            headers=default_headers or {},
            query=default_query or {},
            timeout=timeout,
            stall_timeout=check_stall_timeout(stall_timeout),
        )
        self._retry = retrying(max_retries, self._caller)
        self._owned = http_client is None
        self._http: Any = http_client or self._http_class(
            timeout=timeout, limits=DEFAULT_CONNECTION_LIMITS
        )
        self._connections = Connections(self._http) if self._owned else None
        self._library: Any = library

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

    def copy(
        self,
        *,
        api_key: str | None = None,
        auth_token: str | None = None,
        base_url: str | httpx.URL | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        http_client: Any = None,
        max_retries: int | NotGiven = NOT_GIVEN,
        default_headers: Mapping[str, str | None] | None = None,
        set_default_headers: Mapping[str, str | None] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
    ) -> Self:
        """A client with other settings over the same connections. `with_options` is the same.

        The connections are those of this client: closing the copy leaves them open.

        Args:
            api_key: another key.
            auth_token: another token.
            base_url: another address.
            timeout: another timeout; `None` for no limit.
            http_client: another client of httpx or httpx2.
            max_retries: another number of attempts after the first.
            default_headers: headers that are added to this client's.
            set_default_headers: headers in place of this client's.
            default_query: parameters of the URL that are added to this client's.
            set_default_query: parameters in place of this client's.

        Raises:
            ValueError: headers, or parameters, are given in both ways.

        >>> client = Anthropic(api_key="sk-ant-example", max_retries=0)
        >>> client.with_options(timeout=5.0).timeout, client.timeout.read
        (5.0, 600.0)
        """
        if default_headers is not None and set_default_headers is not None:
            raise ValueError("give default_headers to add or set_default_headers, not both")
        if default_query is not None and set_default_query is not None:
            raise ValueError("give default_query to add or set_default_query, not both")
        own = self._settings
        key = own.credentials.get("authorization", "").removeprefix("Bearer ")
        headers = {**own.headers, **(default_headers or {})}
        query = {**own.query, **(default_query or {})}
        copy = type(self)(
            auth_token=api_key or auth_token or key or None,
            base_url=base_url or own.base_url,
            timeout=own.timeout if isinstance(timeout, NotGiven) else timeout,
            stall_timeout=own.stall_timeout,
            max_retries=self._max_retries if isinstance(max_retries, NotGiven) else max_retries,
            default_headers=headers if set_default_headers is None else set_default_headers,
            default_query=query if set_default_query is None else set_default_query,
            http_client=http_client or self._http,
        )
        if http_client is None:
            copy._connections = self._connections
        return copy

    with_options = copy

    def _connection_error(
        self, error: Exception, request: Any, call: Call[Any]
    ) -> APIConnectionError:
        """The error of a request whose answer did not come, or broke off before its first event."""
        hide_causes(error, request)
        if isinstance(error, self._library.ReadTimeout) and call.stall_timeout is not None:
            return stalled_error(call.stall_timeout, None, request=request)
        timed_out = isinstance(error, self._library.TimeoutException)
        reason = "no answer in time" if timed_out else "the connection failed"
        cls = APITimeoutError if timed_out else APIConnectionError
        message = f"{request.url.host}: {reason} ({type(error).__name__}: {error})"
        return cls(message, request=request)


def _limit(call: Call[Any]) -> int:
    """The maximum size of an unstreamed answer, in bytes: the limit for an event of a stream."""
    limit: int = call.reading.get("limit", DEFAULT_LIMIT)
    return limit


def _answer(
    body: bytes | bytearray, response: HTTPResponse, limit: int
) -> Message | APIResponseValidationError:
    """The message in an unstreamed answer, or the error of another answer.

    The error is returned, not raised, so that no traceback has a frame with the body, which may
    repeat the key.
    """
    if len(body) > limit:
        return APIResponseValidationError(
            f"the answer is longer than the limit of {limit:,} bytes: stream it, or raise limit=",
            response=response,
        )
    try:
        fields = json.loads(body)
        if not isinstance(fields, dict):
            raise ValueError("it is not an object")
        return Message.from_dict(cast("dict[str, Any]", fields))
    except (ValueError, RecursionError) as error:
        return refuse_other_message(response, body[:_QUOTED].decode("utf-8", "replace"), str(error))


# --- the sync client ----------------------------------------------------------------------------


class Anthropic(_Client, Closing):
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
        """The Messages API: its calls are `stream`, `create` and `parse`, see `Messages`."""
        return Messages(self._settings, self._open, self._fetch)

    @cached_property
    def beta(self) -> Beta[BetaMessages]:
        """The beta of the API: `beta.messages`."""
        return Beta(BetaMessages(self._settings, self._open, self._fetch))

    def _open(self, call: Call[T]) -> MessageStream[T]:
        """The open stream of the first attempt that brings an event."""
        return cast("MessageStream[T]", self._retry(self._open_once, call.read()))

    def _fetch(self, call: Call[Any]) -> Message:
        """The message of the first attempt that brings one."""
        return cast("Message", self._retry(self._fetch_once, call.read()))

    def _send(self, call: Call[Any]) -> Any:
        """The open response to a call, with any status."""
        request = post_request(self._http, self._library, call)
        try:
            return self._http.send(request, stream=True, follow_redirects=False)
        except self._library.HTTPError as error:
            raise self._connection_error(error, request, call) from error
        finally:
            conceal(request)

    def _open_once(self, call: Call[T]) -> MessageStream[T]:
        clock = clock_from_now()
        response = self._send(call)
        stream: MessageStream[T] = MessageStream(
            response, parse=call.parse, clock=clock, **call.reading
        )
        stream.__dict__["_connections"] = self._connections  # open as long as the stream is
        try:
            stream.await_first_event()
        except BaseException:
            stream.close()
            raise
        return stream

    def _fetch_once(self, call: Call[Any]) -> Message:
        response = self._send(call)
        try:
            if not response.is_success:
                MessageStream[Any](response).await_first_event()  # raises the status's error
            answer = self._read(response, _limit(call))
        except self._library.HTTPError as error:
            raise self._connection_error(error, response.request, call) from error
        finally:
            response.close()
        if isinstance(answer, APIResponseValidationError):
            raise answer
        return answer

    def _read(self, response: Any, limit: int) -> Message | APIResponseValidationError:
        body = bytearray()
        for piece in decompressed(response, self._library, limit):
            body += piece
            if len(body) > limit:
                break
        return _answer(body, response, limit)

    def close(self) -> None:
        """Close the connections. An `http_client` that was passed in stays open."""
        if self._owned:
            self._http.close()


# --- the async client ---------------------------------------------------------------------------


async def _aread(call: Call[T]) -> Call[T]:
    """The call with its files read, in a thread."""
    if isinstance(call.content, bytes):
        return call
    from anyio.to_thread import run_sync

    return await run_sync(call.read)


class AsyncAnthropic(_Client, AsyncClosing):
    """A client of the Messages API, for asyncio and trio: see `Anthropic`."""

    _http_class = AsyncHTTPClient
    _caller = "AsyncRetryingCaller"

    @cached_property
    def messages(self) -> AsyncMessages:
        """The Messages API: its calls are those of `AsyncMessages`."""
        return AsyncMessages(self._settings, self._open, self._fetch)

    @cached_property
    def beta(self) -> Beta[AsyncBetaMessages]:
        """The beta of the API: `beta.messages`."""
        return Beta(AsyncBetaMessages(self._settings, self._open, self._fetch))

    async def _open(self, call: Call[T]) -> AsyncMessageStream[T]:
        """The open stream of the first attempt that brings an event."""
        return cast("AsyncMessageStream[T]", await self._retry(self._open_once, await _aread(call)))

    async def _fetch(self, call: Call[Any]) -> Message:
        """The message of the first attempt that brings one."""
        return cast("Message", await self._retry(self._fetch_once, await _aread(call)))

    async def _send(self, call: Call[Any]) -> Any:
        """The open response to a call, with any status."""
        request = post_request(self._http, self._library, call)
        if self._connections is not None:
            self._connections.used()
        try:
            return await self._http.send(request, stream=True, follow_redirects=False)
        except self._library.HTTPError as error:
            raise self._connection_error(error, request, call) from error
        finally:
            conceal(request)

    async def _open_once(self, call: Call[T]) -> AsyncMessageStream[T]:
        clock = clock_from_now()
        response = await self._send(call)
        stream: AsyncMessageStream[T] = AsyncMessageStream(
            response, parse=call.parse, clock=clock, **call.reading
        )
        stream.__dict__["_connections"] = self._connections  # open as long as the stream is
        try:
            await stream.await_first_event()
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _fetch_once(self, call: Call[Any]) -> Message:
        response = await self._send(call)
        try:
            if not response.is_success:
                await AsyncMessageStream[Any](response).await_first_event()
            answer = await self._read(response, _limit(call))
        except self._library.HTTPError as error:
            raise self._connection_error(error, response.request, call) from error
        finally:
            await response.aclose()
        if isinstance(answer, APIResponseValidationError):
            raise answer
        return answer

    async def _read(self, response: Any, limit: int) -> Message | APIResponseValidationError:
        body = bytearray()
        pieces = AsyncDecompressed(response, self._library, limit)
        async for piece in pieces:
            body += piece
            if len(body) > limit:
                await pieces.aclose()
                break
        return _answer(body, response, limit)

    async def close(self) -> None:
        """Close the connections. An `http_client` that was passed in stays open."""
        if self._owned:
            await self._http.aclose()
