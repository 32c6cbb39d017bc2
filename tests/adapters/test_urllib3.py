"""`DefaultUrllib3Client`: its defaults, connections, timeouts, proxies and TLS.

`test_http_libraries` has the promises that hold over each library.
"""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import urllib3
from streamfold.adapters import anthropic
from streamfold.adapters.anthropic import Anthropic, IncompleteStreamError
from streamfold.adapters.urllib3 import DefaultUrllib3Client, Urllib3Transport
from streamfold.transports import MessageStream

from tests.support.clients import ANSWER, ASK
from tests.support.loopback import (
    PATIENCE,
    Connection,
    Server,
    close,
    event_stream,
    head,
    hold,
    reset,
    response,
    wait_for,
)
from tests.support.secrets import visible_of
from tests.support.shells import BODY, HALF, KEY, MESSAGE, NO_TLS
from tests.support.tls import TRUSTING, TLSServer, start_tls

BEGINNING = [*event_stream(HALF)[:-1]]
"""The first four events, and nothing after them."""

OPEN_END = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
"""The head of a body that ends with its connection."""


def http_client(**options: Any) -> DefaultUrllib3Client:
    return DefaultUrllib3Client(**{"verify": NO_TLS, "trust_env": False, **options})


def message(http: httpx.Client, url: str) -> Any:
    client = Anthropic(api_key=KEY, base_url=url, max_retries=0, http_client=http)
    with client.messages.stream(**ASK) as stream:  # type: ignore[call-overload]
        return stream.get_final_message()


# --- the name and the defaults --------------------------------------------------------------------


def test_without_the_extra_the_error_names_it() -> None:
    code = "import sys; sys.modules['urllib3'] = None\nimport streamfold.adapters.urllib3"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'streamfold[urllib3]'" in done.stderr.splitlines()[-1]


def test_defaults() -> None:
    client = http_client()
    assert client.timeout == anthropic.DEFAULT_TIMEOUT
    assert client.follow_redirects is False
    transport: Any = client._transport
    assert transport._manager.connection_pool_kw["maxsize"] == 1000
    assert http_client(timeout=3).timeout == httpx.Timeout(3)


def test_a_transport_of_the_caller() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    with http_client(transport=transport) as client:
        assert client.get("http://example.invalid").status_code == 204


# --- close() from another thread ------------------------------------------------------------------


@pytest.mark.parametrize("beginning", [BEGINNING, [OPEN_END, HALF]], ids=["chunked", "open end"])
@pytest.mark.parametrize("closed", ["stream", "response"])
def test_close_wakes_a_thread_that_waits_for_a_chunk(
    server: Server, beginning: Any, closed: str
) -> None:
    waits = threading.Event()
    server.answer([*beginning, lambda _: waits.set(), hold])
    with http_client() as http, http.stream("POST", server.url) as answer:
        stream = MessageStream(answer)
        assert [next(stream) for _ in range(5)]
        assert waits.wait(PATIENCE)
        closer = threading.Timer(0.05, {"stream": stream, "response": answer}[closed].close)
        closer.start()
        with pytest.raises((IncompleteStreamError, anthropic.APIConnectionError)):
            stream.until_done()
        closer.join()
        assert server.connections[0].left.wait(PATIENCE)


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [{"content-length": str(len(BODY))}, {"connection": "close"}])
def test_a_body_without_chunks_is_handed_out_as_it_arrives(server: Server, length: Any) -> None:
    gates = [threading.Event(), threading.Event()]  # none after the end, which a client foresees
    first, second, third = BODY[:100], BODY[100:200], BODY[200:]
    last = [close] if "connection" in length else []
    begin = head(200, {"content-type": "text/event-stream", **length})
    server.answer([begin, first, wait_for(gates[0]), second, wait_for(gates[1]), third, *last])
    with http_client() as http:
        for _ in range(2):
            for gate in gates:
                gate.clear()
            with http.stream("POST", server.url) as answer:
                chunks = answer.iter_raw()
                for piece, gate in zip([first, second], gates, strict=True):
                    assert next(chunks) == piece
                    gate.set()
                assert list(chunks) == [third]
    assert len(server.connections) == (2 if last else 1)


def test_a_body_of_known_length_that_is_cut(server: Server) -> None:
    length = str(len(BODY))
    server.answer([head(200, {"content-length": length}), HALF, close])
    with http_client() as http, http.stream("POST", server.url) as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == HALF
        with pytest.raises(httpx.RemoteProtocolError, match=f"{len(BODY) - len(HALF)} bytes befo"):
            next(chunks)


def test_reading_on_after_a_failure_gives_it_again(server: Server) -> None:
    server.answer([*BEGINNING, close])
    with http_client() as http, http.stream("POST", server.url) as answer:
        chunks: Any = answer.stream
        body = chunks._stream
        assert next(body) == HALF
        errors = []
        for _ in range(3):
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                next(body)
            errors.append(caught.value)
    assert errors[0] is errors[1] is errors[2]


def test_answers_without_a_body(server: Server) -> None:
    server.answer(
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
        [b"HTTP/1.1 200 Fine\r\ncontent-length: 9\r\n\r\n"],
        event_stream(b"")[:1],
    )
    with http_client() as http:
        assert http.post(server.url).content == b""
        assert http.head(server.url).reason_phrase == "Fine"
        assert http.head(server.url).headers["transfer-encoding"] == "chunked"
    assert len(server.connections) == 1


def test_the_rest_of_a_response(server: Server) -> None:
    server.answer([b"HTTP/1.0 200 Gr\xfc\xdfe\r\nA: 1\r\nset-cookie: b=2\r\nA: 3\r\n\r\n", close])
    with http_client() as http, http.stream("GET", server.url) as answer:
        assert answer.http_version == "HTTP/1.0"
        assert answer.extensions["reason_phrase"] == b"Gr\xfc\xdfe"
        assert answer.headers.multi_items() == [("a", "1"), ("a", "3"), ("set-cookie", "b=2")]
        network = answer.extensions["network_stream"]
        host, port = network.get_extra_info("socket").getpeername()
        assert f"http://{host}:{port}" == server.url
        assert network.get_extra_info("ssl_object") is None


def test_a_failure_has_its_request_and_nothing_of_urllib3(server: Server) -> None:
    server.answer([*BEGINNING, close], [reset])
    with http_client() as http:
        with (
            http.stream("POST", server.url) as answer,
            pytest.raises(httpx.RemoteProtocolError) as later,
        ):
            answer.read()
        with pytest.raises(httpx.ReadError) as early:
            http.post(server.url)
    for error in (later.value, early.value):
        assert error.__cause__ is error.__context__ is None
        assert error.request.url == server.url


def test_a_chunk_of_gigantic_size_takes_the_memory_of_its_bytes(server: Server) -> None:
    server.answer([event_stream(b"")[0], b"7fffffffffffffff\r\n" + HALF, close])
    with http_client() as http, http.stream("POST", server.url) as answer:
        chunks = answer.iter_raw()
        assert next(chunks) == HALF
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)


# --- connections ----------------------------------------------------------------------------------


def test_no_more_connections_than_the_limit(server: Server) -> None:
    server.answer(ANSWER)
    limits = httpx.Limits(max_connections=2)
    with http_client(limits=limits) as http, ThreadPoolExecutor(6) as threads:
        answers = threads.map(lambda _: message(http, server.url), range(12))
        assert list(answers) == [MESSAGE] * 12
    assert len(server.connections) <= 2


def test_without_a_limit_each_stream_has_a_connection(server: Server) -> None:
    server.answer([*BEGINNING, hold])
    with http_client(limits=httpx.Limits()) as http:
        answers = [http.send(http.build_request("POST", server.url), stream=True) for _ in range(3)]
        assert len(server.connections) == 3
        for answer in answers:
            answer.close()


def test_failures_give_their_connections_back(server: Server) -> None:
    with http_client(limits=httpx.Limits(max_connections=1), timeout=PATIENCE) as http:
        for answer in ([*BEGINNING, close], [OPEN_END, HALF, close], [reset]):
            server.answer(answer)
            with pytest.raises(anthropic.StreamfoldError):
                message(http, server.url)
        server.answer([*BEGINNING, hold], ANSWER)
        with http.stream("POST", server.url):
            pass
        assert message(http, server.url) == MESSAGE


def test_the_time_to_wait_for_a_connection(server: Server) -> None:
    server.answer([*BEGINNING, hold])
    timeout = httpx.Timeout(PATIENCE, pool=0.05)
    with (
        http_client(limits=httpx.Limits(max_connections=1), timeout=timeout) as http,
        http.stream("POST", server.url),
        pytest.raises(httpx.PoolTimeout),
    ):
        http.post(server.url)


@pytest.mark.parametrize(("expiry", "connections"), [(0.0, 2), (60.0, 1), (None, 1)])
def test_the_time_for_which_a_connection_may_be_idle(
    server: Server, expiry: float | None, connections: int
) -> None:
    server.answer(ANSWER)
    limits = httpx.Limits(max_connections=1, keepalive_expiry=expiry)
    with http_client(limits=limits) as http:
        for _ in range(2):
            assert message(http, server.url) == MESSAGE
    assert len(server.connections) == connections


def test_a_client_that_is_closed_or_dropped_closes_its_connections(server: Server) -> None:
    server.answer(ANSWER)
    http = http_client()
    message(http, server.url)
    http.close()
    server.wait_closed()
    dropped = http_client()
    message(dropped, server.url)
    del dropped
    gc.collect()
    server.wait_closed()


def test_a_stream_outlives_its_client(server: Server) -> None:
    go_on = threading.Event()
    first, *rest = event_stream(BODY, chunks=100)
    server.answer([first, rest[0], wait_for(go_on), *rest[1:]])
    http = http_client()
    answer = http.send(http.build_request("POST", server.url), stream=True)
    http.close()
    go_on.set()
    assert MessageStream(answer).get_final_message() == MESSAGE
    server.wait_closed()


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["ftp://example.invalid", "http:///path"])
def test_a_url_that_cannot_be_requested(url: str) -> None:
    with Urllib3Transport(verify=NO_TLS) as transport, pytest.raises(httpx.UnsupportedProtocol):
        transport.handle_request(httpx.Request("GET", url))


def test_a_request_without_the_headers_of_a_client(server: Server) -> None:
    server.answer(response(200, b"", "text/plain"))
    with Urllib3Transport(verify=NO_TLS) as transport:
        transport.handle_request(httpx.Request("POST", server.url, content=b"x")).close()
        transport.handle_request(httpx.Request("GET", server.url)).close()
    assert [set(request.headers) for request in server.requests] == [
        {"host", "content-length"},
        {"host"},
    ]


def test_a_request_whose_body_is_made_while_it_is_sent(server: Server) -> None:
    server.answer(response(200, b"", "text/plain"))
    pieces = [b"some ", b"pieces"]
    with http_client() as http:
        length = {"content-length": "11"}
        assert http.post(server.url, content=iter(pieces), headers=length).status_code == 200
    assert server.requests[0].body == b"some pieces"

    def fail() -> Iterator[bytes]:
        yield b"some "
        raise LookupError("no more pieces")

    with http_client() as http:
        with pytest.raises(LookupError):
            http.post(server.url, content=fail())
        assert http.get(server.url).status_code == 200


def test_an_illegal_header_is_not_shown(server: Server) -> None:
    with (
        http_client(headers={"x-api-key": f"{KEY}\n"}) as http,
        pytest.raises(httpx.LocalProtocolError, match="header 'x-api-key'") as caught,
    ):
        http.post(server.url)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None


# --- time -----------------------------------------------------------------------------------------


class LateServer(Server):
    """A server that reads no request before it is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = threading.Event()

    def _serve(self, connection: Connection) -> None:
        self.ready.wait(PATIENCE)
        super()._serve(connection)


def test_the_time_to_send_is_not_that_to_connect() -> None:
    with LateServer() as server:
        server.answer(response(200, b"", "text/plain"))
        timeout = httpx.Timeout(PATIENCE, connect=0.1)
        threading.Timer(0.3, server.ready.set).start()
        with http_client(timeout=timeout) as http:
            assert http.post(server.url, content=b"x" * 8_000_000).status_code == 200


def test_the_time_to_send() -> None:
    with LateServer() as server:
        timeout = httpx.Timeout(PATIENCE, write=0.05)
        with http_client(timeout=timeout) as http, pytest.raises(httpx.WriteTimeout):
            http.post(server.url, content=b"x" * 8_000_000)
        server.ready.set()


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture
def tls_server() -> Iterator[TLSServer]:
    with TLSServer() as running:
        yield running


def test_tls(tls_server: TLSServer) -> None:
    tls_server.answer(ANSWER)
    with http_client(verify=TRUSTING) as http:
        for _ in range(2):
            assert message(http, tls_server.url) == MESSAGE
    assert len(tls_server.connections) == 1


def test_close_wakes_a_thread_that_waits_over_tls(tls_server: TLSServer) -> None:
    tls_server.answer([*BEGINNING, hold])
    with http_client(verify=TRUSTING) as http, http.stream("POST", tls_server.url) as answer:
        stream = MessageStream(answer)
        closer = threading.Timer(0.05, stream.close)
        closer.start()
        with pytest.raises((IncompleteStreamError, anthropic.APIConnectionError)):
            stream.until_done()
        closer.join()
        assert tls_server.connections[0].left.wait(PATIENCE)


def test_an_unknown_authority(tls_server: TLSServer) -> None:
    with (
        http_client() as http,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        http.get(tls_server.url)


def test_certificates_that_are_not_verified(tls_server: TLSServer) -> None:
    tls_server.answer(ANSWER)
    with (
        http_client(verify=False) as http,
        pytest.warns(urllib3.exceptions.InsecureRequestWarning),
    ):
        assert message(http, tls_server.url) == MESSAGE


@contextmanager
def no_tls(step: Any) -> Iterator[str]:
    """The URL of a server that takes a connection, and does `step` instead of TLS.

    It waits for the first bytes, because `ssl` would not close a socket that was reset before them.
    """
    with Server() as server:

        def serve(connection: Connection) -> None:
            connection.receive()
            step(connection)
            connection.socket.close()

        server._serve = serve  # type: ignore[method-assign]
        yield server.url.replace("http:", "https:")


def test_the_time_of_the_handshake_is_part_of_connecting() -> None:
    timeout = httpx.Timeout(PATIENCE, connect=0.05)
    with (
        no_tls(hold) as url,
        http_client(timeout=timeout) as http,
        pytest.raises(httpx.ConnectTimeout),
    ):
        http.get(url)


def test_a_handshake_that_is_broken_off() -> None:
    with no_tls(reset) as url, http_client() as http, pytest.raises(httpx.ConnectError):
        http.get(url)


# --- proxies --------------------------------------------------------------------------------------

TUNNEL = [b"HTTP/1.1 200 OK\r\n\r\n", start_tls]
"""The answer to CONNECT: the server then is the host that was asked for."""


PASSWORD = "do-not-show"


def proxy_of(server: Server) -> str:
    return server.url.replace("://", f"://me:{PASSWORD}@")


def test_a_proxy_with_a_password(server: Server) -> None:
    server.answer(ANSWER)
    with http_client(proxy=httpx.Proxy(proxy_of(server), headers={"via": "us"})) as http:
        assert message(http, "http://me:key@example.invalid") == MESSAGE
    (request,) = server.requests
    assert request.path == "http://example.invalid/v1/messages"
    assert request.headers["proxy-authorization"] == "Basic bWU6ZG8tbm90LXNob3c="
    assert request.headers["via"] == "us"
    assert request.headers["accept"] == "application/json"


def test_a_tunnel_through_a_proxy(server: Server) -> None:
    server.answer(TUNNEL, ANSWER)
    with http_client(proxy=proxy_of(server), verify=TRUSTING) as http:
        for _ in range(2):
            assert message(http, "https://localhost:1234") == MESSAGE
    connect, *requests = server.requests
    assert (connect.method, connect.path) == ("CONNECT", "localhost:1234")
    assert connect.headers["proxy-authorization"] == "Basic bWU6ZG8tbm90LXNob3c="
    assert [request.path for request in requests] == ["/v1/messages"] * 2
    assert not any("proxy-authorization" in request.headers for request in requests)
    assert len(server.connections) == 1


def test_a_proxy_from_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer(ANSWER)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    with http_client(trust_env=True) as http:
        assert message(http, "http://example.invalid") == MESSAGE


def test_a_proxy_over_tls(tls_server: TLSServer) -> None:
    tls_server.answer(ANSWER)
    for proxy in (tls_server.url, httpx.Proxy(tls_server.url, ssl_context=TRUSTING)):
        with Urllib3Transport(verify=TRUSTING, proxy=proxy) as transport:
            http = http_client(transport=transport)
            assert message(http, "http://example.invalid") == MESSAGE


def test_a_proxy_that_refuses(server: Server) -> None:
    server.answer([b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", close])
    with (
        http_client(proxy=proxy_of(server)) as http,
        pytest.raises(httpx.ProxyError, match="407 Proxy Authentication Required"),
    ):
        http.get("https://localhost:1234")


@pytest.mark.parametrize("url", ["http://example.invalid", "https://example.invalid"])
def test_a_proxy_that_cannot_be_reached(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        http_client(proxy=f"http://me:{PASSWORD}@127.0.0.1:{port}") as http,
        pytest.raises(httpx.TransportError) as caught,
    ):
        http.get(url)
    assert isinstance(caught.value, (httpx.ProxyError, httpx.ConnectError))
    assert PASSWORD not in visible_of(caught.value)


def test_a_proxy_that_urllib3_does_not_speak_to() -> None:
    with pytest.raises(ValueError, match=r"got socks5://: use httpx\.Client"):
        Urllib3Transport(verify=NO_TLS, proxy="socks5://127.0.0.1:1")
