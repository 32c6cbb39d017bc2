"""Errors: the class for each failure, its attributes, and never a key of the request."""

from __future__ import annotations

import copy
import pickle
import traceback

import httpx
import pytest
from streamfold import transports
from streamfold.reducer import (
    IncompleteStreamError,
    InvalidToolInputError,
    ProtocolError,
    Snapshot,
    StreamfoldError,
    StreamState,
    feed,
    fold,
)
from streamfold.transports import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentTooLargeError,
    GatewayTimeoutError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServiceUnavailableError,
    UnprocessableEntityError,
    hide_causes,
    refuse_other_content,
    status_error,
)

from tests.support.events import block_stop, body, error_event, message_start, tool_block
from tests.support.loopback import (
    REQUEST_ID,
    api_error,
    close,
    event_stream,
    hold,
    html_error,
    response,
)
from tests.support.shells import BODY, EVENTS, KEY

pytestmark = pytest.mark.anyio

BY_TYPE = [
    ("invalid_request_error", BadRequestError, 400),
    ("authentication_error", AuthenticationError, 401),
    ("billing_error", PaymentRequiredError, 402),
    ("permission_error", PermissionDeniedError, 403),
    ("not_found_error", NotFoundError, 404),
    ("request_too_large", ContentTooLargeError, 413),
    ("rate_limit_error", RateLimitError, 429),
    ("api_error", InternalServerError, 500),
    ("timeout_error", GatewayTimeoutError, 504),
    ("overloaded_error", OverloadedError, 529),
    ("flux_capacitor_error", InternalServerError, 500),
]

BY_STATUS = [
    (400, BadRequestError),
    (401, AuthenticationError),
    (402, PaymentRequiredError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
    (405, APIStatusError),
    (408, RequestTimeoutError),
    (409, ConflictError),
    (413, ContentTooLargeError),
    (418, APIStatusError),
    (422, UnprocessableEntityError),
    (429, RateLimitError),
    (500, InternalServerError),
    (502, InternalServerError),
    (503, ServiceUnavailableError),
    (504, GatewayTimeoutError),
    (529, OverloadedError),
]


async def failure(stream):
    """The events of `stream`, and the error that ended it."""
    events = []
    try:
        while True:
            events.append(await stream.__anext__())
    except StreamfoldError as error:
        return events, error


async def whole(response):
    """Read the body of `response`."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        await response.aread()
    else:
        response.read()
    return response


def shown_by(error):
    """All text that a log may show of an error."""
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    for part in (error.snapshot, *vars(error).values()):
        shown += [str(part), repr(part)]
    return "\n".join(shown)


def check_keeps_and_pickles(error):
    """Check that no key is shown, and that copies are equal."""
    assert KEY not in shown_by(error)
    for made in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(made) is type(error)
        assert (str(made), made.args, made.message) == (str(error), error.args, error.message)
        assert made.snapshot == error.snapshot
        if isinstance(error, APIError):
            for name in ("type", "body", "request_id"):
                assert getattr(made, name) == getattr(error, name)
            assert made.request.url == error.request.url
            assert made.response.status_code == error.response.status_code
        assert getattr(made, "status_code", None) == getattr(error, "status_code", None)
        assert KEY not in shown_by(made)


# --- error events ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "error_class", "status"), BY_TYPE)
@pytest.mark.parametrize("before", [0, 4])
async def test_an_error_event(shell, server, kind, error_class, status, before):
    failure_event = {**error_event(kind, "not today"), "request_id": "req_of_the_event"}
    sent = body(*EVENTS[:before], failure_event)
    server.answer(event_stream(sent, chunks=len(sent)))
    async with shell.client() as client, await client.open(server) as stream:
        events, error = await failure(stream)
        assert events == list(feed(StreamState(), body(*EVENTS[:before]))[1])
        assert type(error) is error_class
        assert (error.status_code, error.type, error.body) == (status, kind, failure_event)
        assert str(error) == error.message == f"{kind}: not today"
        assert error.request.url == f"{server.url}/v1/messages"
        assert error.response is stream.response
        assert error.response.status_code == 200
        assert error.request_id == stream.request_id == REQUEST_ID
        assert error.snapshot == stream.snapshot
        assert error.snapshot.message == fold(EVENTS[:before]).message
        assert error.snapshot.error.to_dict() == failure_event
        for again in (stream.until_done, stream.get_final_message, stream.get_final_text):
            with pytest.raises(error_class) as caught:
                await again()
            assert caught.value is error
        check_keeps_and_pickles(error)


@pytest.mark.parametrize("size", [1, 50, 10_000])
@pytest.mark.parametrize("consume", ["until_done", "get_final_message", "get_final_text"])
async def test_an_error_event_without_events(shell, size, consume):
    sent = body(*EVENTS[:4], error_event("overloaded_error"), {"type": "later"})
    chunks = [sent[at : at + size] for at in range(0, len(sent), size)]
    stream = shell.stream(chunks)
    with pytest.raises(OverloadedError) as caught:
        await getattr(stream, consume)()
    assert caught.value.snapshot.message == fold(EVENTS[:4]).message
    assert (caught.value.request, caught.value.response, caught.value.request_id) == (None,) * 3
    assert (await failure(stream)) == ([], caught.value)


@pytest.mark.parametrize("size", [1, 50, 10_000])
@pytest.mark.parametrize("consume", ["until_done", "__anext__"])
async def test_what_comes_after_an_error_event_changes_nothing(shell, size, consume):
    sent = body(error_event("rate_limit_error")) + b"data: no JSON\n\n"
    stream = shell.stream([sent[at : at + size] for at in range(0, len(sent), size)])
    with pytest.raises(RateLimitError):
        await getattr(stream, consume)()


async def test_an_error_event_without_type_or_message(shell):
    for fields, message in [({}, "None: None"), ({"type": 7}, "7: None")]:
        error = (await failure(shell.stream([body({"type": "error", "error": fields})])))[1]
        assert type(error) is InternalServerError
        assert str(error) == message
    event = {**error_event("overloaded_error"), "request_id": "req_of_the_event"}
    error = (await failure(shell.stream([body(event)])))[1]
    assert error.request_id == "req_of_the_event"


# --- faults of the protocol -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 100, 10_000])
@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        (body(block_stop(7)), "no such block has started"),
        (body(message_start()), "the message has started already"),
        (b"data: {\n\n", "JSON"),
    ],
)
async def test_a_fault_comes_after_the_events_before_it(shell, server, faulty, reason, size):
    server.answer(event_stream(body(*EVENTS[:4]) + faulty + body(*EVENTS[4:]), chunks=size))
    async with shell.client() as client, await client.open(server) as stream:
        events, error = await failure(stream)
        assert events == list(feed(StreamState(), body(*EVENTS[:4]))[1])
        assert type(error) is ProtocolError
        assert reason in str(error)
        assert error.snapshot == fold(EVENTS[:4]) == stream.snapshot
        assert (await failure(stream)) == ([], error)
        with pytest.raises(ProtocolError) as caught:
            await stream.get_final_message()
        assert caught.value is error
        check_keeps_and_pickles(error)


@pytest.mark.parametrize("consume", ["__anext__", "get_final_message"])
async def test_invalid_tool_input(shell, server, consume):
    sent = [message_start(), *tool_block(0, '{"city": ', "Köln}")]
    server.answer(event_stream(body(*sent)))
    async with shell.client() as client, await client.open(server) as stream:
        if consume == "__anext__":
            events, error = await failure(stream)
            assert events == list(feed(StreamState(), body(*sent[:-1]))[1])
        else:
            with pytest.raises(InvalidToolInputError) as caught:
                await stream.get_final_message()
            error = caught.value
        assert isinstance(error, ProtocolError)
        assert isinstance(error, ValueError)
        assert error.input_json == '{"city": Köln}'
        assert error.snapshot == fold(sent[:-1])
        assert stream.current_message_snapshot.content[0].input == {}
        check_keeps_and_pickles(error)


# --- lost connections -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "error_class"), [(close, APIConnectionError), (hold, APITimeoutError)]
)
async def test_a_lost_connection(shell, server, last, error_class):
    server.answer([*event_stream(body(*EVENTS[:4]))[:-1], last])
    async with (
        shell.client(timeout=httpx.Timeout(10, read=0.1)) as client,
        await client.open(server) as stream,
    ):
        error = (await failure(stream))[1]
        assert type(error) is error_class
        assert str(error).startswith("the connection was lost: ")
        assert len(str(error)) > len("the connection was lost: ")
        assert error.snapshot == fold(EVENTS[:4])
        assert (error.type, error.body, error.request_id) == (None, None, REQUEST_ID)
        assert error.request is stream.response.request
        assert error.response is stream.response
        check_keeps_and_pickles(error)


def test_a_lost_connection_without_a_message_is_named_by_its_class():
    def chunks():
        raise httpx.ReadError("")
        yield

    with pytest.raises(APIConnectionError, match="lost: ReadError"):
        transports.MessageStream(chunks()).until_done()


async def test_an_incomplete_stream_shows_no_key(shell, server):
    server.answer(event_stream(body(*EVENTS[:4])))
    async with shell.client() as client, await client.open(server) as stream:
        error = (await failure(stream))[1]
        assert type(error) is IncompleteStreamError
        check_keeps_and_pickles(error)
        assert KEY not in repr(stream.snapshot)
        assert KEY not in repr(getattr(stream, "sync", stream))


# --- error statuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "error_class"), BY_STATUS)
async def test_an_error_status_with_json(shell, server, status, error_class):
    server.answer(api_error(status, "some_error", "read the manual", headers={"retry-after": "7"}))
    async with shell.client() as client:
        error = status_error(await whole(await client.send(server)))
    assert type(error) is error_class
    assert str(error) == error.message == f"{status}: read the manual"
    assert (error.status_code, error.type, error.request_id) == (status, "some_error", REQUEST_ID)
    assert error.body["error"] == {"type": "some_error", "message": "read the manual"}
    assert error.request.url == f"{server.url}/v1/messages"
    assert error.response.headers["retry-after"] == "7"
    assert error.snapshot is None
    check_keeps_and_pickles(error)


@pytest.mark.parametrize(("status", "error_class"), BY_STATUS)
async def test_an_error_status_with_html(shell, server, status, error_class):
    server.answer(html_error(status))
    async with shell.client() as client:
        error = status_error(await whole(await client.send(server)))
    assert type(error) is error_class
    assert str(error).startswith(f"{status}: <html><body><h1>{status} ")
    assert error.body.startswith("<html>")
    assert (error.status_code, error.type, error.request_id) == (status, None, None)
    check_keeps_and_pickles(error)


@pytest.mark.parametrize(
    ("sent", "message", "body"),
    [
        (b"", "503: Service Unavailable", ""),
        (b"x" * 201, f"503: {'x' * 200}…", "x" * 201),
        (b"x" * 200, f"503: {'x' * 200}", "x" * 200),
        (b"[1, 2]", "503: [1, 2]", [1, 2]),
        (b'{"error": "down"}', '503: {"error": "down"}', {"error": "down"}),
        (b'{"error": {"type": "x"}}', '503: {"error": {"type": "x"}}', {"error": {"type": "x"}}),
        (b"\xff", "503: \ufffd", "\ufffd"),
        (b"[" * 200_000, f"503: {'[' * 200}…", "[" * 200_000),
    ],
)
def test_an_error_status_with_another_body(sent, message, body):
    request = httpx.Request("POST", "http://localhost")
    error = status_error(httpx.Response(503, content=sent, request=request))
    assert type(error) is ServiceUnavailableError
    assert (str(error), error.body) == (message, body)
    assert error.request is request


def test_an_error_status_takes_the_request_id_from_the_body_if_there_is_no_header():
    sent = {"error": {"type": "api_error", "message": "oh"}, "request_id": "req_of_the_body"}
    error = status_error(httpx.Response(500, json=sent))
    assert error.request_id == "req_of_the_body"
    assert error.request is None
    header = {"request-id": "req_of_the_header"}
    assert status_error(httpx.Response(500, json=sent, headers=header)).request_id == (
        "req_of_the_header"
    )


@pytest.mark.parametrize(
    ("headers", "kind"), [({"content-type": "text/html"}, "text/html"), ({}, "no content type")]
)
def test_a_success_with_other_content(headers, kind):
    request = httpx.Request("POST", "http://localhost", headers={"x-api-key": KEY})
    received = httpx.Response(200, headers=headers, request=request)
    error = refuse_other_content(received, "<html>" + "x" * 300)
    assert type(error) is APIResponseValidationError
    assert str(error) == f"expected text/event-stream, got {kind}: '<html>{'x' * 194}'"
    assert error.body == "<html>" + "x" * 300
    assert (error.request, error.response) == (request, received)
    check_keeps_and_pickles(error)


# --- secrets --------------------------------------------------------------------------------------

PASSWORD = "correct-horse-battery"
SECRET_REQUEST = httpx.Request(
    "POST", f"http://me:{PASSWORD}@localhost", headers={"authorization": f"Bearer {KEY}"}
)


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_the_error_of_an_answer_that_repeats_a_secret_does_not_show_it(secret):
    answer = {"error": {"type": "authentication_error", "message": f"invalid key: {secret}"}}
    error = status_error(httpx.Response(401, json=answer, request=SECRET_REQUEST))
    assert str(error) == "401: invalid key: [secret]"
    assert error.body["error"]["message"] == "invalid key: [secret]"
    received = httpx.Response(200, text=f"no {secret}", request=SECRET_REQUEST)
    error = refuse_other_content(received, received.text)
    assert str(error) == "expected text/event-stream, got text/plain; charset=utf-8: 'no [secret]'"
    assert error.body == "no [secret]"


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_the_error_of_a_stream_that_repeats_a_secret_does_not_show_it(secret):
    sent = body(message_start(), error_event("api_error", f"invalid key: {secret}"))
    stream = transports.MessageStream(httpx.Response(200, content=sent, request=SECRET_REQUEST))
    with pytest.raises(InternalServerError) as caught:
        stream.until_done()
    assert str(caught.value) == "api_error: invalid key: [secret]"
    assert caught.value.body["error"]["message"] == "invalid key: [secret]"


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "hex", "no-such"])
def test_an_encoding_that_cannot_be_decoded(charset, status):
    """Python has codecs that ignore `errors="replace"`."""
    headers = {"content-type": f"text/plain; charset={charset}"}
    answer = httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"no \xff"))
    with pytest.raises(APIError, match="no \ufffd"):
        transports.MessageStream(answer).until_done()


def test_a_lost_connection_does_not_show_the_password_of_a_proxy():
    error = APIConnectionError("no route to http://me:secret@proxy:80", request=SECRET_REQUEST)
    assert str(error) == error.message == "no route to http://proxy:80"
    assert str(APIError("no route to http://me@proxy:80")) == "no route to http://proxy:80"


# --- the classes ----------------------------------------------------------------------------------


def test_every_error_is_exported_documented_and_an_api_error():
    errors = {name for name in transports.errors.__all__ if name.endswith("Error")}
    assert len(errors & set(transports.__all__)) == len(errors) == 20
    for error in (getattr(transports, name) for name in errors):
        assert issubclass(error, APIError)
        assert issubclass(error, StreamfoldError)
        assert error.__doc__
    assert issubclass(APITimeoutError, APIConnectionError)
    for error in (ServiceUnavailableError, GatewayTimeoutError, OverloadedError):
        assert issubclass(error, InternalServerError)
    assert not issubclass(APIConnectionError, APIStatusError)


def test_an_error_by_itself():
    error = APIConnectionError("no route to host")
    assert (error.request, error.response, error.body, error.type) == (None,) * 4
    assert (error.request_id, error.snapshot) == (None, None)
    request = httpx.Request("POST", "http://localhost", headers={"x-api-key": KEY})
    error = APITimeoutError("too slow", request=request, snapshot=Snapshot())
    assert (error.request, error.snapshot) == (request, Snapshot())
    assert KEY not in shown_by(error)


def test_a_response_that_came_whole_is_a_stream_too(server):
    server.answer(response(200, BODY, "text/event-stream"))
    with httpx.Client() as client:
        request = client.build_request("POST", server.url)
        assert transports.MessageStream(client.send(request)).get_final_text() == "Grüß dich 😀"


def test_the_key_is_removed_from_causes_and_contexts() -> None:
    first, second, third = (ValueError(f"{number}: {KEY}", number) for number in range(3))
    third.__cause__, second.__context__ = second, first
    hide_causes(third, httpx.Request("POST", "https://example.com", headers={"x-api-key": KEY}))
    assert [error.args for error in (first, second, third)] == [
        ("0: [secret]", 0),
        ("1: [secret]", 1),
        ("2: [secret]", 2),
    ]
