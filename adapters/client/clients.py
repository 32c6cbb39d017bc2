"""Clients in the shape of the official SDK's: `messages.stream(…)`, sync and async.

A client turns what its caller says into a `Call` (see `requests`), sends it, and hands the open
response over as a `MessageStream`. Before it does, it waits for the first event: until then nothing
was handed out, and an attempt that fails can be made again (see `retries`). The two clients differ
in `await` alone; what both need stands once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast, overload

import attrs
import httpx
from streamfold.transports import (
    EVENT_STREAM,
    APIConnectionError,
    APITimeoutError,
    AsyncMessageStream,
    AsyncMessageStreamManager,
    MessageStream,
    MessageStreamManager,
    refuse_other_content,
    status_error,
)

from .requests import (
    NOT_GIVEN,
    BetaMessageRequest,
    Call,
    MessageRequest,
    NotGiven,
    Settings,
    Timeout,
    conceal,
    prepare,
)
from .retries import retrying

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = [
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "Anthropic",
    "AsyncAnthropic",
    "AsyncBetaMessages",
    "AsyncMessages",
    "BetaMessages",
    "Messages",
]

DEFAULT_BASE_URL = "https://api.anthropic.com"
DEFAULT_MAX_RETRIES = 2
DEFAULT_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
"""Seconds without a byte from the API; and to connect."""

_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
_SHOWN = 200
"""How many bytes of a response that is no event stream are waited for, to be shown."""

T = TypeVar("T")
HTTPClient = TypeVar("HTTPClient", httpx.Client, httpx.AsyncClient)
MessagesT = TypeVar("MessagesT")


# --- what both clients share --------------------------------------------------------------------


class _Client(Generic[HTTPClient]):
    """Everything but the sending."""

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
            api_key: the key, sent as `x-api-key`. When neither it nor `auth_token` is given:
                `ANTHROPIC_API_KEY`, else `ANTHROPIC_AUTH_TOKEN`, from the environment.
            auth_token: the token, sent as `authorization: Bearer …`.
            base_url: where the API is; else `ANTHROPIC_BASE_URL` from the environment, else
                Anthropic's own.
            timeout: seconds without a byte from the API, or httpx's own; `None` for no limit. By
                default 600, and 5 to connect; or those of `http_client`, if it was given some.
            max_retries: how often to try again at most; 0 for never.
            default_headers: more headers for each request.
            http_client: the client to send with. It stays open when this one is closed.

        Raises:
            ImportError: there are to be retries, and stamina is not installed.
            ValueError: `base_url` is no http URL, or `max_retries` is negative.
        """
        if api_key is None and auth_token is None:
            api_key = os.environ.get("ANTHROPIC_API_KEY") or None
            if api_key is None:
                auth_token = os.environ.get("ANTHROPIC_AUTH_TOKEN") or None
        url = httpx.URL(base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_BASE_URL)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"base_url must begin with http:// or https:// and a host: {url!r}")
        if isinstance(timeout, NotGiven):
            timeout = DEFAULT_TIMEOUT
            if http_client is not None and http_client.timeout != httpx.Timeout(5.0):
                timeout = http_client.timeout  # it was chosen: 5 seconds is httpx's own default
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
        """Where the API is."""
        return self._settings.base_url

    @property
    def timeout(self) -> Timeout:
        """Seconds, or httpx's own."""
        return self._settings.timeout

    @property
    def max_retries(self) -> int:
        """How often to try again at most."""
        return self._max_retries

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r}, max_retries={self.max_retries})"

    def _request(self, call: Call[Any]) -> httpx.Request:
        return self._http.build_request(
            "POST", call.url, headers=call.headers, content=call.content, timeout=call.timeout
        )


def _connection_error(error: httpx.HTTPError, request: httpx.Request) -> APIConnectionError:
    """The error of a request that got no whole answer."""
    timed_out = isinstance(error, httpx.TimeoutException)
    why = "no answer in time" if timed_out else "the connection failed"
    cls = APITimeoutError if timed_out else APIConnectionError
    shown = f"{request.url.host}: {why} ({type(error).__name__}: {error})"
    return cls(shown, request=request)


def _is_event_stream(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == EVENT_STREAM


@attrs.frozen
class _Beta(Generic[MessagesT]):
    """`client.beta`."""

    messages: MessagesT


class _Messages:
    """The messages of a client: what their four kinds share."""

    def __init__(self, client: Anthropic | AsyncAnthropic) -> None:
        self._client = client

    def _opening(self, **request: Any) -> Callable[[], Any]:
        """What sends `request` and opens the stream of its answer, each time that it is called."""
        return partial(self._client._open, prepare(self._client._settings, **request))


# --- the sync client ----------------------------------------------------------------------------


class Anthropic(_Client[httpx.Client]):
    """A client of the Messages API.

    >>> from streamfold.reducer import Message, encode_sse, expand
    >>> body = encode_sse(expand(Message.from_dict({
    ...     "id": "msg_1", "role": "assistant", "model": "claude-opus-4-6",
    ...     "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"})))
    >>> def api(request):
    ...     return httpx.Response(200, headers={"content-type": EVENT_STREAM}, content=body)
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
        """The messages of the API."""
        return Messages(self)

    @cached_property
    def beta(self) -> _Beta[BetaMessages]:
        """The beta of the API: `beta.messages`."""
        return _Beta(BetaMessages(self))

    def _open(self, call: Call[T]) -> MessageStream[T]:
        """The stream of the answer to `call`, from the attempt that brought a first event."""
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
            self._begin(stream)
        except BaseException as error:
            stream.close()
            if isinstance(error, httpx.HTTPError):
                raise _connection_error(error, request) from error
            raise
        return stream

    def _begin(self, stream: MessageStream[Any]) -> None:
        """Wait for the first event; or raise what came in its place."""
        response = stream.response
        if not response.is_success:
            response.read()
            raise status_error(response)
        if not _is_event_stream(response):
            beginning = b""
            while len(beginning) < _SHOWN and (chunk := next(stream._chunks, b"")):
                beginning += chunk
            raise refuse_other_content(response, beginning.decode(errors="replace"))
        stream.await_first_event()

    def close(self) -> None:
        """Close the connections, but for those of a client that was handed in."""
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


class Messages(_Messages):
    """`client.messages`."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[MessageRequest]
    ) -> MessageStreamManager[Any]: ...
    def stream(self, *, output_format: Any = None, **request: Any) -> MessageStreamManager[Any]:
        """Ask for a message, and stream it: the request is sent on entering the `with` block.

        Args:
            output_format: the type that the answer is to have: any that pydantic's `TypeAdapter`
                takes. `parsed_output` of the message and of its text block has it.
            request: the fields of the request's body: `max_tokens`, `messages`, `model` and any
                other. See `MessageRequest`.

        Raises:
            StreamfoldError: there is no key.
            TypeError: a field is missing or is not JSON, or `output_format` is no type.
            ValueError: the answer's format is given twice, or a header cannot be sent.

        Entering the block raises what ends the attempt, and all that may follow it, before the
        first event: `APIStatusError`, `APIConnectionError`, `APITimeoutError`,
        `APIResponseValidationError`, `IncompleteStreamError`, `ProtocolError`.
        """
        return MessageStreamManager(
            self._opening(beta=False, output_format=output_format, **request)
        )


class BetaMessages(_Messages):
    """`client.beta.messages`."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[BetaMessageRequest]
    ) -> MessageStreamManager[Any]: ...
    def stream(self, *, output_format: Any = None, **request: Any) -> MessageStreamManager[Any]:
        """Ask for a message, and stream it: see `Messages.stream`.

        `betas` join the `anthropic-beta` header.
        """
        return MessageStreamManager(
            self._opening(beta=True, output_format=output_format, **request)
        )


# --- the async client ---------------------------------------------------------------------------


class AsyncAnthropic(_Client[httpx.AsyncClient]):
    """A client of the Messages API, for asyncio and trio: see `Anthropic`."""

    _http_class = httpx.AsyncClient
    _caller = "AsyncRetryingCaller"

    @cached_property
    def messages(self) -> AsyncMessages:
        """The messages of the API."""
        return AsyncMessages(self)

    @cached_property
    def beta(self) -> _Beta[AsyncBetaMessages]:
        """The beta of the API: `beta.messages`."""
        return _Beta(AsyncBetaMessages(self))

    async def _open(self, call: Call[T]) -> AsyncMessageStream[T]:
        """The stream of the answer to `call`, from the attempt that brought a first event."""
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
            await self._begin(stream)
        except BaseException as error:
            await stream.close()
            if isinstance(error, httpx.HTTPError):
                raise _connection_error(error, request) from error
            raise
        return stream

    async def _begin(self, stream: AsyncMessageStream[Any]) -> None:
        """Wait for the first event; or raise what came in its place."""
        response = stream.response
        if not response.is_success:
            await response.aread()
            raise status_error(response)
        if not _is_event_stream(response):
            beginning = b""
            while len(beginning) < _SHOWN and (chunk := await anext(stream._chunks, b"")):
                beginning += chunk
            raise refuse_other_content(response, beginning.decode(errors="replace"))
        await stream.await_first_event()

    async def close(self) -> None:
        """Close the connections, but for those of a client that was handed in."""
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


class AsyncMessages(_Messages):
    """`client.messages`, for asyncio and trio."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[MessageRequest]
    ) -> AsyncMessageStreamManager[Any]: ...
    def stream(
        self, *, output_format: Any = None, **request: Any
    ) -> AsyncMessageStreamManager[Any]:
        """Ask for a message, and stream it: see `Messages.stream`."""
        return AsyncMessageStreamManager(
            self._opening(beta=False, output_format=output_format, **request)
        )


class AsyncBetaMessages(_Messages):
    """`client.beta.messages`, for asyncio and trio."""

    @overload
    def stream(
        self, *, output_format: NotGiven | None = None, **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[None]: ...
    @overload
    def stream(
        self, *, output_format: type[T], **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[T]: ...
    @overload
    def stream(
        self, *, output_format: Any, **request: Unpack[BetaMessageRequest]
    ) -> AsyncMessageStreamManager[Any]: ...
    def stream(
        self, *, output_format: Any = None, **request: Any
    ) -> AsyncMessageStreamManager[Any]:
        """Ask for a message, and stream it: see `BetaMessages.stream`."""
        return AsyncMessageStreamManager(
            self._opening(beta=True, output_format=output_format, **request)
        )
