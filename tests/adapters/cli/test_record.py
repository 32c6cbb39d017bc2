"""`streamfold record`: the request that is sent, the output, and the recording that is written."""

from __future__ import annotations

import json
import signal
import sys

import pytest
from streamfold.adapters import cli
from streamfold.transports import Recording

from tests.support.command_line import ENVIRONMENT, posix, read_until
from tests.support.events import (
    block_stop,
    body,
    error_event,
    input_delta,
    message_delta,
    message_start,
    text_block,
    tool_start,
)
from tests.support.loopback import api_error, chunk, event_stream, head, hold, html_error, reset
from tests.support.shells import BODY, EVENTS, KEY, MESSAGE

REQUEST = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Grüß dich"}]}
CHUNKS = [BODY[at : at + 97] for at in range(0, len(BODY), 97)]


@pytest.fixture
def asked(tmp_path):
    """A request in a file."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(REQUEST), "utf-8")
    return path


@pytest.fixture
def written(tmp_path):
    """The path of the recording."""
    return tmp_path / "below" / "answer.jsonl"


@pytest.fixture
def record(server, asked, written, monkeypatch, capsys):
    """A function that records an answer of the server: exit status, output, error output."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)

    def run(*flags, request=asked):
        status = cli.main(["record", str(request), "-o", str(written), *flags])
        out, err = capsys.readouterr()
        assert KEY not in out + err
        return status, out, err

    return run


@pytest.fixture(autouse=True)
def _no_key_is_written(tmp_path):
    """No test here writes the key to a file."""
    yield
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()


# --- request, output, recording -------------------------------------------------------------------


def test_a_stream_is_sent_for_shown_and_recorded(server, record, written, capsys):
    server.answer(event_stream(BODY, chunks=CHUNKS))
    status, out, err = record()
    assert (status, err) == (0, "")
    (sent,) = server.requests
    assert sent.path == "/v1/messages"
    assert sent.json() == {**REQUEST, "stream": True}
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    recording = Recording.load(written)
    assert [chunk.data for chunk in recording.chunks] == CHUNKS
    assert recording.ended == "complete"
    assert recording.request.body == sent.json()
    assert cli.main(["replay", str(written)]) == 0
    assert capsys.readouterr() == (out, "")


@pytest.mark.parametrize("flag", ["--events", "--json"])
def test_the_output_is_that_of_replay(flag, server, record, written, capsys):
    server.answer(event_stream(BODY))
    _, out, _ = record(flag)
    assert cli.main(["replay", flag, str(written)]) == 0
    assert capsys.readouterr().out == out
    if flag == "--json":
        assert json.loads(out) == MESSAGE.to_dict()


def test_the_request_comes_on_standard_input(server, record, written, monkeypatch, asked):
    server.answer(event_stream(BODY))
    with open(asked) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert record(request="-")[0] == 0
    assert Recording.load(written).body == BODY


def test_betas_of_the_file_and_of_the_flags_are_sent(server, record, asked):
    server.answer(event_stream(BODY))
    asked.write_text(json.dumps({**REQUEST, "betas": ["one"], "thinking": {"type": "adaptive"}}))
    assert record("--beta", "two", "--beta", "three")[0] == 0
    (sent,) = server.requests
    assert sent.path == "/v1/messages"
    assert sent.headers["anthropic-beta"] == "one,two,three"
    assert sent.json() == {**REQUEST, "thinking": {"type": "adaptive"}, "stream": True}


def test_the_flag_overrides_the_base_url_of_the_environment(server, record, monkeypatch):
    server.answer(event_stream(BODY))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert record("--base-url", f"{server.url}/proxy")[0] == 0
    assert server.requests[0].path == "/proxy/v1/messages"


def test_all_fields_of_the_file_are_fields_of_the_body(server, record, asked):
    server.answer(event_stream(BODY))
    asked.write_text(
        json.dumps({**REQUEST, "timeout": 1, "client": 1, "stream": False, "betas": None})
    )
    assert record()[0] == 0
    sent = server.requests[0].json()
    assert sent == {**REQUEST, "timeout": 1, "client": 1, "stream": True}


# --- failures -------------------------------------------------------------------------------------


def test_an_existing_file_is_replaced_with_force_only(server, record, written):
    server.answer(event_stream(BODY))
    written.parent.mkdir()
    written.write_text("dear")
    assert record() == (
        2,
        "",
        f"streamfold: {written}: the file exists: pass --force to replace it, or name another\n",
    )
    assert written.read_text() == "dear"
    assert server.requests == []
    assert record("--force")[0] == 0
    assert Recording.load(written).body == BODY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "expected the request as a JSON object, got list"),
        ('{"model": "m", "stream": true}', "the request lacks max_tokens and messages: add them"),
        (b"\xff", "codec can't decode"),
        ("[" * 100_000, "recursion"),
        (json.dumps({**REQUEST, "betas": "one"}), "betas must be a list of strings, got 'one'"),
        (json.dumps({**REQUEST, "top_p": float("nan")}), "top_p: nan is not JSON"),
    ],
)
def test_files_without_a_request_are_not_sent(text, reason, server, record, asked, written):
    asked.write_bytes(text if isinstance(text, bytes) else text.encode())
    status, out, err = record()
    assert (status, out) == (2, "")
    assert reason in err
    assert len(err.splitlines()) == 1
    assert server.requests == []
    assert not written.exists()


def test_unusable_names_of_files(server, record, asked, tmp_path, capsys):
    assert cli.main(["record", str(asked), "-o", str(tmp_path / "answer.sse")]) == 2
    assert "*.jsonl" in capsys.readouterr().err
    assert cli.main(["record", str(tmp_path / "none"), "-o", str(tmp_path / "a.jsonl")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert server.requests == []


def test_without_a_key_nothing_is_sent(server, record, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    status, _, err = record()
    assert status == 1
    assert err.startswith("streamfold: the request needs an API key")
    assert len(err.splitlines()) == 1
    assert server.requests == []


def test_an_error_of_the_api_is_one_line_and_a_recording(server, record, written, capsys):
    server.answer(api_error(401, "authentication_error", "invalid\nx-api-key"))
    status, out, err = record()
    assert (status, out) == (1, "")
    assert "invalid␊x-api-key" in err
    assert len(err.splitlines()) == 1
    assert len(server.requests) == 1
    assert Recording.load(written).response.status == 401
    assert cli.main(["replay", str(written)]) == 1
    assert capsys.readouterr() == ("", err)


def test_a_key_that_the_api_quotes_is_not_shown(server, record, written):
    server.answer(api_error(401, "authentication_error", f"invalid x-api-key: {KEY}"))
    status, _, err = record()
    assert status == 1
    assert "invalid x-api-key: [secret]" in err
    server.answer(event_stream(body(*EVENTS[:3], error_event("api_error", f"who is {KEY}?"))))
    assert "who is [secret]?" in record("--force")[2]


PIECES = {
    "whole": [KEY],
    "split": [KEY[:3], KEY[3:20], KEY[20:]],
    "percent-encoded": ["".join(f"%{ord(character):02x}" for character in KEY)],
    "percent-encoded and split": ["my %7", *(f"%{ord(c):02x}" for c in KEY)],
    "escaped and split": ["\\", *(f"u{ord(c):04x}\\" for c in KEY)],
    "cut": [KEY[:-1]],
}


@pytest.mark.parametrize("flags", [(), ("--events",), ("--json",)], ids=str)
@pytest.mark.parametrize("kind", PIECES)
def test_a_key_that_the_stream_echoes_is_not_shown(kind, flags, server, record, written):
    answer = body(
        message_start(),
        *text_block(0, "Here: ", *PIECES[kind], "!"),
        tool_start(1),
        *(input_delta(1, piece) for piece in ['{"a": "', *PIECES[kind]]),
        block_stop(1),
        message_delta("tool_use"),
    )
    server.answer(event_stream(answer))
    status, out, err = record(*flags)
    assert status == 1
    assert "is not JSON" in err
    assert "[secret]" in out
    for text in (out, err):
        for piece in PIECES[kind]:
            assert piece not in text or len(piece) < 10
        assert "".join(PIECES[kind]) not in text
    assert KEY[:-1].encode() not in Recording.load(written).body


def test_other_secrets_of_the_request_are_not_shown(server, record, asked, written):
    token, password, cookie = "mcp-token-0123456789", "pass-word-0123456789", "cookie-0123456789ab"
    servers = [{"type": "url", "authorization_token": token}]
    asked.write_text(json.dumps({**REQUEST, "mcp_servers": servers}))
    answer = body(message_start(), *text_block(0, token, password, cookie), message_delta())
    headers = {
        "content-type": "text/event-stream",
        "content-length": str(len(answer)),
        "set-cookie": f"session={cookie}; path=/",
    }
    server.answer([head(200, headers), answer])
    host = server.url.removeprefix("http://")
    _, out, err = record("--base-url", f"http://me:{password}@{host}")
    assert out.count("[secret]") == 3
    for secret in (token, password, cookie):
        assert secret not in out + err
        assert secret not in written.read_text()


def test_an_answer_that_is_not_an_event_stream(server, record, written):
    server.answer(html_error(502))
    assert record()[0] == 1
    assert Recording.load(written).response.status == 502


def test_an_error_event_and_a_lost_connection_leave_the_part_that_came(
    server, record, written, capsys
):
    server.answer(event_stream(body(*EVENTS[:3], error_event("overloaded_error"))))
    status, out, err = record()
    assert status == 1
    assert out.startswith("Grüß")
    assert "overloaded_error" in err
    server.answer([head(200, {"content-type": "text/event-stream"}), BODY[:300], reset])
    assert record("--force")[0] == 1
    recording = Recording.load(written)
    assert (recording.body, recording.ended) == (BODY[:300], "error")
    assert cli.main(["replay", str(written)]) == 1
    assert "the connection was lost" in capsys.readouterr().err


def test_a_server_that_cannot_be_reached(record, written):
    status, _, err = record("--base-url", "http://127.0.0.1:1")
    assert status == 1
    assert "127.0.0.1" in err
    assert len(err.splitlines()) == 1
    assert not written.exists()
    assert record("--base-url", "ftp://x")[0] == 2


# --- as it comes ----------------------------------------------------------------------------------


@posix
def test_text_is_shown_as_it_comes_and_ctrl_c_keeps_the_part_that_came(
    server, asked, written, running
):
    beginning = body(*EVENTS[:3])
    stream = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
    server.answer([head(200, stream), chunk(beginning), hold])
    environment = {**ENVIRONMENT, "ANTHROPIC_API_KEY": KEY, "NO_PROXY": "*"}
    process = running(
        *("record", str(asked), "-o", str(written), "--base-url", server.url), env=environment
    )
    read_until(process.stdout.fileno(), "Grüß".encode())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read() == b""
    recording = Recording.load(written)
    assert (recording.body, recording.ended) == (beginning, "cut")


def test_on_a_terminal_the_name_of_the_recording_is_shown(server, record, written, monkeypatch):
    server.answer(event_stream(BODY))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    status, _, err = record()
    assert (status, err) == (0, f"saved as {written}\n")
