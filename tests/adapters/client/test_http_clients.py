"""The request of a call equals the one that the client's own `build_request` makes."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters.client.http_clients import post_request
from streamfold.adapters.client.requests import Call

URL = "https://api.example.com:8443/v1/messages?beta=true"

header_names = st.sampled_from(
    ["accept", "Accept", "User-Agent", "x-mine", "X-Mine", "Host", "content-length", "Cookie",
     "Transfer-Encoding", "Connection", "authorization"]
)  # fmt: skip
headers = st.lists(st.tuples(header_names, st.sampled_from(["a", "b", "7"])), max_size=4)
timeouts = st.sampled_from([None, 3.0, httpx.Timeout(600.0, connect=5.0)])
names_and_values = st.dictionaries(st.sampled_from(["a", "b"]), st.just("1"), max_size=1)


def call_with(
    own: list[tuple[str, str]], content: bytes = b"{}", timeout: Any = None, **reading: Any
) -> Call[Any]:
    return Call(httpx.URL(URL), httpx.Headers(own), content, timeout, None, reading)


def parts(request: Any) -> tuple[object, ...]:
    """Everything of a request that is sent, and its class."""
    return (
        type(request),
        request.method,
        str(request.url),
        request.headers.raw,
        request.content,
        b"".join(request.stream),
        request.extensions,
    )


@given(
    library=st.sampled_from([httpx, httpx2]),
    own=headers,
    theirs=headers,
    cookies=names_and_values,
    params=names_and_values,
    content=st.sampled_from([b"{}", '{"text":"ü"}'.encode()]),
    timeout=timeouts,
)
def test_a_request_is_the_one_of_the_client(
    library: Any,
    own: Any,
    theirs: Any,
    cookies: dict[str, str],
    params: dict[str, str],
    content: bytes,
    timeout: Any,
) -> None:
    http = library.Client(headers=theirs, cookies=cookies, params=params, trust_env=False)
    expected = http.build_request(
        "POST",
        URL,
        headers=own,
        content=content,
        timeout=library.Timeout(**timeout.as_dict())
        if isinstance(timeout, httpx.Timeout)
        else timeout,
    )
    made = post_request(http, library, call_with(own, content, timeout))
    assert parts(made) == parts(expected)
    assert pickle.loads(pickle.dumps(made)).content == content


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_client_that_builds_its_own_requests_builds_these(library: Any) -> None:
    class Signing(library.Client):
        def build_request(self, *args: Any, **kwargs: Any) -> Any:
            request = super().build_request(*args, **kwargs)
            request.headers["x-signature"] = str(len(request.content))
            return request

    request = post_request(Signing(), library, call_with([("accept", "a")], b"[1]"))
    assert request.headers["x-signature"] == "3"
    patched = library.AsyncClient()
    patched.build_request = lambda method, url, **kwargs: (method, str(url), kwargs["content"])
    assert post_request(patched, library, call_with([])) == ("POST", URL, b"{}")


METHODS = ["build_request", "_merge_url", "_merge_headers", "_merge_cookies", "_merge_queryparams"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_method_of_the_library_that_was_patched_is_called(
    library: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = getattr(library.Client, method), []

    def traced(*args: Any, **kwargs: Any) -> Any:
        calls.append(method)
        return original(*args, **kwargs)

    call, client = call_with([("accept", "a")]), library.Client()
    expected = post_request(client, library, call)
    assert calls == []
    monkeypatch.setattr(library.Client, method, traced)
    assert parts(post_request(client, library, call)) == parts(expected)
    assert calls == [method]


def test_a_proxy_of_a_client_builds_the_requests_itself() -> None:
    class Proxy:
        __class__: Any = httpx.Client  # so that `isinstance` takes it for a client

        def __init__(self, client: httpx.Client) -> None:
            self.client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self.client, name)

        def build_request(self, method: str, url: object, **kwargs: Any) -> Any:
            return method, str(url), kwargs["content"]

    proxy = Proxy(httpx.Client())
    assert post_request(proxy, httpx, call_with([])) == ("POST", URL, b"{}")


def test_a_change_of_the_client_shows_in_the_next_request() -> None:
    http, call = httpx.Client(), call_with([("accept", "a")])
    assert "x-later" not in post_request(http, httpx, call).headers
    http.headers["x-later"] = "1"
    assert post_request(http, httpx, call).headers["x-later"] == "1"
    http.cookies.set("seen", "yes")
    assert post_request(http, httpx, call).headers["cookie"] == "seen=yes"


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_headers_have_the_order_of_the_library(library: Any) -> None:
    http = library.Client(cookies={"seen": "yes"})
    request = post_request(http, library, call_with([("accept", "a")]))
    names = [name for name, _ in request.headers.raw]
    assert names == [
        b"Host", b"Accept-Encoding", b"Connection", b"User-Agent", b"accept", b"Cookie",
        b"Content-Length",
    ]  # fmt: skip
