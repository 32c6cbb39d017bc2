"""`streamfold serve`: the bytes on the wire, chunk by chunk, for raw sockets and real clients."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import anthropic
import httpx
import pytest
import uvicorn
from streamfold.adapters import cli
from streamfold.adapters.anthropic import Anthropic
from streamfold.adapters.cli import serve_application
from streamfold.transports import (
    APIConnectionError,
    NotFoundError,
    OverloadedError,
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
)

from tests.support.command_line import posix, read_until
from tests.support.shells import BODY, MESSAGE

RECORDINGS = Path(__file__).parents[2] / "recordings"
PATIENCE = 30
CHUNKS = [BODY[:1], BODY[1:100], BODY[100:]]
REQUEST = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}


def asking(content):
    """A recorded request with this content."""
    body = {**REQUEST, "messages": [{"role": "user", "content": content}], "stream": True}
    return RecordedRequest("POST", "https://api.anthropic.com/v1/messages", body=body)


def saying(text, **recorded):
    """A recording whose body is `text`."""
    return Recording.of([text]) if not recorded else Recording([RecordedChunk(text)], **recorded)


@pytest.fixture
def served(tmp_path):
    """The directory that is served."""
    return tmp_path


class Output:
    """Standard output that another thread waits for."""

    def __init__(self):
        self.lines = SimpleQueue()

    def write(self, text):
        if text.strip():
            self.lines.put(text.strip())

    def flush(self):
        pass

    def isatty(self):
        return False


@contextmanager
def serving(monkeypatch, *arguments):
    """Run the command in a thread of this process; the value is the URL that it prints."""
    servers = []

    class Server(uvicorn.Server):
        def __init__(self, config):
            super().__init__(config)
            servers.append(self)

    output = Output()
    with monkeypatch.context() as patch:
        patch.setattr(uvicorn, "Server", Server)
        patch.setattr(sys, "stdout", output)
        command = ["serve", "--port=0", *map(str, arguments)]
        statuses = []
        thread = threading.Thread(target=lambda: statuses.append(cli.main(command)), daemon=True)
        thread.start()
        url = output.lines.get(timeout=PATIENCE)
        try:
            yield url
        finally:
            servers[0].should_exit = True
            thread.join(PATIENCE)
    assert statuses == [0]


@pytest.fixture
def serve(monkeypatch, served):
    """A function that serves the directory without delay and returns the URL."""
    running = []

    def run(*flags, path=served):
        context = serving(monkeypatch, "--speed=0", *flags, path)
        running.append(context)
        return context.__enter__()

    yield run
    for context in running:
        context.__exit__(None, None, None)


def post(url, body=None, path="/v1/messages"):
    with httpx.Client(trust_env=False) as client:
        return client.post(f"{url}{path}", json=REQUEST if body is None else body)


def raw(url, path="/v1/messages", content=b"{}"):
    """The bytes on the wire until the connection is closed."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        request = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
        connection.sendall(f"{request}content-length: {len(content)}\r\n\r\n".encode() + content)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def message_of(url, *, client=Anthropic, **request):
    options = {"api_key": "none", "base_url": url, "max_retries": 0}
    with client(**options) as api, api.messages.stream(**{**REQUEST, **request}) as stream:
        return stream.get_final_message()


# --- over the wire --------------------------------------------------------------------------------


def test_each_recorded_chunk_is_one_chunk_of_the_response(serve, served):
    headers = (
        ("Content-Type", "text/event-stream"),
        ("request-id", "req_1"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("Content-Length", "1"),
        ("via", "Kraków"),
    )
    recording = Recording(
        [RecordedChunk(c) for c in CHUNKS], response=RecordedResponse(200, headers)
    )
    recording.save(served / "one.jsonl")
    head, _, body = raw(serve()).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert {line.lower() for line in lines[1:]} == {
        b"content-type: text/event-stream",
        b"request-id: req_1",
        "via: kraków".encode(),
        b"transfer-encoding: chunked",
        b"connection: close",
    }
    assert body == b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (*CHUNKS, b""))


@pytest.mark.parametrize(
    "end",
    [{"ended": "cut"}, {"ended": "error", "error": RecordedError("ReadError", "gone")}],
    ids=["cut", "error"],
)
def test_a_cut_recording_ends_with_the_connection_broken_off(end, serve, served):
    Recording([RecordedChunk(BODY[:300])], **end).save(served / "cut.jsonl")
    url = serve()
    assert raw(url).endswith(BODY[:300] + b"\r\n")
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        post(url)
    with pytest.raises(APIConnectionError):
        message_of(url)
    assert post(url, path="/missing/v1/messages").status_code == 404  # it still serves


def test_headers_of_the_recorded_connection_are_not_sent(serve, served):
    names = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length",
    ]  # fmt: skip
    headers = [("content-type", "text/event-stream"), ("via", "1")]
    headers += [(name.title(), "recorded") for name in names]
    recording = Recording([RecordedChunk(CHUNKS[1])], response=RecordedResponse(headers=headers))
    recording.save(served / "one.jsonl")
    received = raw(serve()).partition(b"\r\n\r\n")[0].lower()
    assert b"via: 1" in received
    assert b"recorded" not in received
    assert b"[secret]" not in received


def test_an_error_of_the_api_is_answered_as_it_was(serve, served):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    content = json.dumps(error).encode()
    headers = (("content-type", "application/json"), ("content-length", str(len(content))))
    response = RecordedResponse(529, headers)
    Recording([RecordedChunk(content)], response=response).save(served / "one.jsonl")
    url = serve()
    answer = post(url)
    assert (answer.status_code, answer.json()) == (529, error)
    with pytest.raises(OverloadedError):
        message_of(url)


def test_clients_get_the_message(serve):
    url = serve(path=RECORDINGS / "tool.sse")
    ours, official = message_of(url), message_of(url, client=anthropic.Anthropic)
    official_json = official.to_dict(mode="json")
    assert ours.content[-1].input.location == "Lisboa, Portugal"
    assert official_json["content"] == [block.to_dict() for block in ours.content]
    assert official_json["usage"]["output_tokens"] == ours.usage.output_tokens
    assert (official_json["id"], official_json["stop_reason"]) == (ours.id, "tool_use")


# --- which recording ------------------------------------------------------------------------------


def test_a_request_is_answered_by_the_recording_of_its_body(serve, served):
    for word in ("one", "two"):
        saying(word.encode(), request=asking(word)).save(served / "below" / f"{word}.jsonl")
    url = serve()
    for word in ("two", "one", "two"):
        body = asking(word).body
        assert post(url, body).text == word
        assert post(url, dict(reversed(body.items())), "/below/v1/messages").text == word


def test_an_unmatched_request_gets_the_nearest_recording_in_the_error(serve, served, capsys):
    saying(b"one", request=asking("one potato, two potato")).save(served / "one.jsonl")
    saying(b"two", request=asking("a very long story")).save(served / "two.jsonl")
    url = serve()
    answer = post(url, asking("one potato, two tomatoes").body)
    assert answer.status_code == 404
    error = answer.json()
    assert error["type"] == "error"
    assert error["error"]["type"] == "not_found_error"
    assert "the nearest of 2 is one.jsonl" in error["error"]["message"]
    assert '-      "content": "one potato, two potato"' in error["error"]["message"]
    assert '+      "content": "one potato, two tomatoes"' in error["error"]["message"]
    with pytest.raises(NotFoundError, match="one potato, two tomatoes"):
        message_of(url, messages=[{"role": "user", "content": "one potato, two tomatoes"}])
    assert raw(url, content=b"no JSON").startswith(b"HTTP/1.1 404 ")
    assert "the nearest of 2 is one.jsonl" in capsys.readouterr().err


def test_keys_in_the_body_do_not_keep_a_request_from_its_recording(serve, served):
    def with_token(token):
        servers = [{"type": "url", "url": "https://x", "authorization_token": token}]
        return {**REQUEST, "mcp_servers": servers}

    request = RecordedRequest("POST", "https://x", body=with_token("the one of production"))
    saying(b"one", request=request).save(served / "one.jsonl")
    assert b"production" not in (served / "one.jsonl").read_bytes()
    assert post(serve(), with_token("the one of a test")).text == "one"


def test_several_that_fit_are_played_in_order_and_the_last_of_them_again(serve, served):
    for number in (1, 2, 10):
        recording = saying(str(number).encode(), request=asking("x"))
        recording.save(served / f"turn-{number}.jsonl")
    url = serve()
    assert [post(url, asking("x").body).text for _ in range(5)] == ["1", "2", "10", "10", "10"]


def test_raw_bodies_answer_what_no_other_fits(serve, served):
    saying(b"known", request=asking("x")).save(served / "known.jsonl")
    for name in ("a", "b"):
        (served / f"{name}.sse").write_text(name)
    url = serve()
    answers = [post(url, body).text for body in ({}, asking("x").body, {}, {})]
    assert answers == ["a", "known", "b", "b"]


def test_a_conversation_begins_with_the_first_raw_body_of_its_folder(serve, served):
    (served / "trip").mkdir()
    for name in ("1", "2"):
        (served / "trip" / f"{name}.sse").write_text(name)
    url = serve()
    question = {"role": "user", "content": "Hi"}
    conversation = [question, {"role": "assistant", "content": "1"}, question]

    def ask(messages):
        return post(url, {**REQUEST, "messages": messages}, "/trip/v1/messages").text

    for _ in range(3):
        assert [ask([question]), ask(conversation), ask(conversation)] == ["1", "2", "2"]
    assert [ask([question]) for _ in range(5)] == ["1", "2", "1", "2", "1"]
    for content in (b"[]", b"no JSON", b'{"messages": 1}', b"{}"):
        assert b"\r\n2\r\n" in raw(url, "/trip/v1/messages", content)


def test_a_request_without_a_recording_gets_advice(serve, served, capsys):
    (served / "weather").mkdir()
    saying(b"rain", request=asking("x")).save(served / "weather" / "1.jsonl")
    url = serve()
    expected = (
        f"for weather/1.jsonl whatever the request, use the base URL {url}/weather/1; "
        "the recordings were read at the start: restart the server to add one"
    )
    error = post(url, asking("y").body).json()["error"]
    assert error["message"].splitlines()[-1] == expected
    assert post(url, asking("y").body, "/weather/1/v1/messages").text == "rain"
    assert capsys.readouterr().err.splitlines()[-2] == expected
    error = post(url, {}, "/snow/v1/messages").json()["error"]
    assert error["message"].splitlines()[-1] == expected.partition("; ")[2]


def test_the_base_url_may_name_the_recording(serve, served):
    (served / "weather").mkdir()
    (served / "weather" / "rain.sse").write_bytes(BODY)
    saying(b"sun", request=asking("x")).save(served / "weather" / "sun.jsonl")
    url = serve()
    for _ in range(2):
        assert message_of(f"{url}/weather/rain") == MESSAGE
        assert post(url, {}, "/weather/sun/v1/messages").text == "sun"
    missing = post(url, {}, "/weather/snow/v1/messages")
    assert missing.status_code == 404
    assert "no recording called 'weather/snow'" in missing.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "corrected"),
    [("/v1", "/"), ("/sun/v1", "/sun"), ("/sun.jsonl", "/sun"), ("/sun.sse/v1", "/sun")],
)
def test_a_base_url_with_too_much_gets_the_right_one(path, corrected, serve, served):
    saying(b"sun", request=asking("x")).save(served / "sun.jsonl")
    missing = post(serve(), {}, f"{path}/v1/messages")
    assert missing.status_code == 404
    assert f"Use the base URL with the path '{corrected}':" in missing.json()["error"]["message"]


def test_a_file_alone_answers_everything(serve, served):
    saying(b"alone", request=asking("x")).save(served / "alone.jsonl")
    saying(b"other").save(served / "other.jsonl")
    url = serve(path=served / "alone.jsonl")
    assert post(url).text == post(url, {}, "/anything/v1/messages").text == "alone"
    assert raw(url, content=b"").endswith(b"alone\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/messages", 405), ("POST", "/v1/complete", 404)]
)
def test_other_requests_are_refused_in_the_api_s_own_shape(method, path, status, serve, served):
    (served / "a.sse").write_bytes(BODY)
    with httpx.Client(trust_env=False) as client:
        answer = client.request(method, f"{serve()}{path}")
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert path in answer.json()["error"]["message"]


def test_the_recorded_connection_is_not_served(serve, served):
    """Its headers would contradict the connection of the server."""
    kept = (("content-type", "text/plain"), ("X-Request-Id", "1"))
    names = [
        "Connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    ]  # fmt: skip
    response = RecordedResponse(200, (*kept, *((name, "close") for name in names)))
    saying(b"alone", response=response).save(served / "alone.jsonl")
    answer = post(serve())
    assert answer.text == "alone"
    headers = {name: value for name, value in answer.headers.items() if value != "chunked"}
    assert headers == {"content-type": "text/plain", "x-request-id": "1"}


def test_an_error_is_json_and_names_the_request(serve, served):
    saying(b"sun", request=asking("x")).save(served / "sun.jsonl")
    answer = post(serve(), {})
    assert answer.headers["content-type"] == "application/json"
    message = answer.json()["error"]["message"]
    assert message.startswith("no recording fits POST /v1/messages; the nearest of 1 is sun.jsonl")


# --- in time --------------------------------------------------------------------------------------


def test_chunks_come_when_they_are_due(serve, served):
    """The second chunk is due in an hour: the first one is here, and Ctrl-C does not wait."""
    chunks = [RecordedChunk(CHUNKS[1], 0.05), RecordedChunk(CHUNKS[2], 3600)]
    Recording(chunks, response=RecordedResponse(at=0.05)).save(served / "slow.jsonl")
    url = serve("--speed=1")
    with (
        httpx.Client(trust_env=False, timeout=PATIENCE) as client,
        client.stream("POST", f"{url}/v1/messages", json=REQUEST) as response,
    ):
        assert next(response.iter_raw()) == CHUNKS[1]


@pytest.mark.parametrize("speed", [1, 2])
def test_head_chunks_and_end_come_at_their_times(speed, serve, served):
    chunks = [RecordedChunk(CHUNKS[1], 0.2), RecordedChunk(CHUNKS[2], 0.3)]
    recording = Recording(chunks, response=RecordedResponse(at=0.1), duration=0.4)
    recording.save(served / "slow.jsonl")
    url = serve(f"--speed={speed}")
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        client.get(url)  # connects, and starts what starts with the first request
        start = time.monotonic()
        with client.stream("POST", f"{url}/v1/messages", json=REQUEST) as response:
            came = [time.monotonic() - start]
            came += [time.monotonic() - start for _ in response.iter_raw()]
            came.append(time.monotonic() - start)
    for at, due in zip(came, (0.1, 0.2, 0.3, 0.4), strict=True):
        assert due / speed - 0.01 <= at <= due / speed + 5


@pytest.mark.parametrize(
    ("flags", "speed"), [([], 1.0), (["--speed=2"], 2.0), (["--speed=0"], 0.0)]
)
def test_the_speed_is_that_of_the_flag(flags, speed, served, monkeypatch):
    given = []

    def application(store, **options):
        given.append(options["speed"])
        raise KeyboardInterrupt

    monkeypatch.setattr(serve_application, "application", application)
    (served / "a.sse").write_bytes(BODY)
    assert cli.main(["serve", *flags, str(served)]) == 130
    assert given == [speed]


@pytest.mark.parametrize(
    ("flags", "address"),
    [([], ("127.0.0.1", 8000)), (["--host=::1", "--port=0"], ("::1", 0))],
)
def test_the_address_is_that_of_the_flags(flags, address, served, monkeypatch):
    given = []

    def listen(*address):
        given.append(address)
        raise KeyboardInterrupt

    monkeypatch.setattr("streamfold.adapters.cli.serve._listen", listen)
    (served / "a.sse").write_bytes(BODY)
    assert cli.main(["serve", *flags, str(served)]) == 130
    assert given == [address]


@posix
def test_a_process_of_its_own(running, served):
    chunks = [RecordedChunk(CHUNKS[1]), RecordedChunk(CHUNKS[2], 3600)]
    Recording(chunks).save(served / "slow.jsonl")
    process = running("serve", str(served), "--port", "0")
    url = read_until(process.stdout.fileno(), b"\n").decode().strip()
    with (
        httpx.Client(trust_env=False, timeout=PATIENCE) as client,
        client.stream("POST", f"{url}/v1/messages", json=REQUEST) as response,
    ):
        assert next(response.iter_raw()) == CHUNKS[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert process.stdout.read() == b""
    logged = process.stderr.read().decode().splitlines()
    assert logged == ["1 to serve; Ctrl-C ends it", "/v1/messages: slow.jsonl"]


# --- unusable arguments ---------------------------------------------------------------------------


def test_paths_without_recordings(tmp_path, capsys):
    assert cli.main(["serve", str(tmp_path)]) == 2
    assert "expected recordings (*.jsonl, *.sse) in it, found none" in capsys.readouterr().err
    missing = tmp_path / "missing.sse"
    assert cli.main(["serve", str(missing)]) == 2
    assert capsys.readouterr().err == f"streamfold: {missing}: No such file or directory\n"
    (tmp_path / "none.jsonl").write_text("{}")
    assert cli.main(["serve", str(tmp_path)]) == 2
    assert "none.jsonl, line 1: " in capsys.readouterr().err


def test_a_port_that_is_taken(tmp_path, capsys):
    (tmp_path / "a.sse").write_bytes(BODY)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert cli.main(["serve", str(tmp_path), "--port", port]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}: " in capsys.readouterr().err


@pytest.mark.parametrize("port", ["70000", "-1", "http", "1.5"])
def test_unusable_ports(port, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["serve", ".", f"--port={port}"])
    assert exit.value.code == 2
    assert f"expected a port from 0 to 65535, got {port!r}" in capsys.readouterr().err


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_address_of_ipv6(serve, served):
    (served / "a.sse").write_bytes(BODY)
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    url = serve("--host=::1")
    assert url.startswith("http://[::1]:")
    assert message_of(url) == MESSAGE


@pytest.mark.parametrize("library", ["uvicorn", "starlette.applications"])
def test_without_the_extra_the_error_names_it(library, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.sse").write_bytes(BODY)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "streamfold.adapters.cli.serve_application", raising=False)
    assert cli.main(["serve", str(tmp_path)]) == 1
    assert "pip install 'streamfold[serve]'" in capsys.readouterr().err


def test_the_recordings_are_listed_with_their_base_urls(serve, served):
    Recording.of([BODY]).save(served / "below" / "hello.jsonl")
    url = serve()
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"{url}/")
        listed = answer.json()
        refused = client.get(f"{url}/", headers={"host": "evil.example"})
    assert refused.status_code == 403
    assert "evil.example" in refused.json()["error"]["message"]
    assert answer.headers["content-type"] == "application/json"
    assert listed == {"recordings": {"below/hello.jsonl": f"{url}/below/hello"}}
    assert post(listed["recordings"]["below/hello.jsonl"]).content == BODY
