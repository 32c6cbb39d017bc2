"""`streamfold record`: what is sent, shown and written; and `streamfold replay` of what was."""

from __future__ import annotations

import json
import signal
import sys

import pytest
from streamfold.adapters import cli
from streamfold.transports import RecordedChunk, Recording

from tests.support.command_line import ENVIRONMENT, posix, read_until
from tests.support.loopback import api_error, chunk, event_stream, head, hold, html_error, reset
from tests.support.shells import BODY, EVENTS, KEY, MESSAGE, body, error_event

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
    """Where the recording goes."""
    return tmp_path / "below" / "answer.jsonl"


@pytest.fixture
def record(server, asked, written, monkeypatch, capsys):
    """Record an answer of the server: exit status, output, error output."""
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
    """No file of any test here has the key."""
    yield
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()


# --- what is sent, shown and written ------------------------------------------------------------


def test_it_sends_shows_and_writes(server, record, written, capsys):
    server.answer(event_stream(BODY, chunks=CHUNKS))
    status, out, err = record()
    assert (status, err) == (0, "")
    (sent,) = server.requests
    assert sent.path == "/v1/messages"
    assert sent.json() == {**REQUEST, "stream": True}
    assert sent.headers["x-api-key"] == KEY
    recording = Recording.load(written)
    assert [chunk.data for chunk in recording.chunks] == CHUNKS
    assert recording.ended == "complete"
    assert recording.request.body == sent.json()
    assert cli.main(["replay", str(written)]) == 0
    assert capsys.readouterr() == (out, "")


@pytest.mark.parametrize("flag", ["--events", "--json"])
def test_it_shows_what_replay_shows(flag, server, record, written, capsys):
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
    assert sent.path == "/v1/messages?beta=true"
    assert sent.headers["anthropic-beta"] == "one,two,three"
    assert sent.json() == {**REQUEST, "thinking": {"type": "adaptive"}, "stream": True}


def test_the_base_url_of_the_flag_goes_first(server, record, monkeypatch):
    server.answer(event_stream(BODY))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert record("--base-url", f"{server.url}/proxy")[0] == 0
    assert server.requests[0].path == "/proxy/v1/messages"


def test_fields_that_only_the_sdk_knows_are_fields_of_the_body(server, record, asked):
    server.answer(event_stream(BODY))
    asked.write_text(
        json.dumps({**REQUEST, "timeout": 1, "client": 1, "stream": False, "betas": None})
    )
    assert record()[0] == 0
    sent = server.requests[0].json()
    assert sent == {**REQUEST, "timeout": 1, "client": 1, "stream": True}


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_recording_that_is_there_is_not_replaced_unless_that_is_asked_for(
    server, record, written
):
    server.answer(event_stream(BODY))
    written.parent.mkdir()
    written.write_text("dear")
    assert record() == (2, "", f"streamfold: {written}: it is there already; --force replaces it\n")
    assert written.read_text() == "dear"
    assert server.requests == []
    assert record("--force")[0] == 0
    assert Recording.load(written).body == BODY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "a request is a JSON object"),
        ('{"model": "m", "stream": true}', "the request has no max_tokens and no messages"),
        (b"\xff", "codec can't decode"),
        ("[" * 100_000, "recursion"),
        (json.dumps({**REQUEST, "betas": "one"}), "betas is not a list of names: 'one'"),
        (json.dumps({**REQUEST, "top_p": float("nan")}), "top_p: nan is not JSON"),
    ],
)
def test_what_is_no_request_is_not_sent(text, reason, server, record, asked, written):
    asked.write_bytes(text if isinstance(text, bytes) else text.encode())
    status, out, err = record()
    assert (status, out) == (2, "")
    assert reason in err
    assert len(err.splitlines()) == 1
    assert server.requests == []
    assert not written.exists()


def test_a_name_that_no_recording_has(server, record, asked, tmp_path, capsys):
    assert cli.main(["record", str(asked), "-o", str(tmp_path / "answer.sse")]) == 2
    assert "*.jsonl" in capsys.readouterr().err
    assert cli.main(["record", str(tmp_path / "none"), "-o", str(tmp_path / "a.jsonl")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert server.requests == []


def test_without_a_key_nothing_is_sent(server, record, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    status, _, err = record()
    assert status == 1
    assert err.startswith("streamfold: there is no API key")
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


def test_a_key_that_the_api_says_back_is_not_shown(server, record, written):
    server.answer(api_error(401, "authentication_error", f"invalid x-api-key: {KEY}"))
    status, _, err = record()
    assert status == 1
    assert "invalid x-api-key: [secret]" in err
    server.answer(event_stream(body(*EVENTS[:3], error_event("api_error", f"who is {KEY}?"))))
    assert "who is [secret]?" in record("--force")[2]


def test_what_is_no_event_stream(server, record, written):
    server.answer(html_error(502))
    assert record()[0] == 1
    assert Recording.load(written).response.status == 502


def test_an_error_event_and_a_lost_connection_leave_what_came(server, record, written, capsys):
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


def test_nobody_answers(record, written):
    status, _, err = record("--base-url", "http://127.0.0.1:1")
    assert status == 1
    assert "127.0.0.1" in err
    assert len(err.splitlines()) == 1
    assert not written.exists()
    assert record("--base-url", "ftp://x")[0] == 2


# --- as it comes --------------------------------------------------------------------------------


@posix
def test_text_is_shown_while_the_server_goes_on_and_ctrl_c_keeps_what_came(
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


# --- replay of recordings -----------------------------------------------------------------------


def test_replay_at_once_or_in_time(tmp_path, monkeypatch, capsys):
    path = str(tmp_path / "late.jsonl")
    Recording.of([RecordedChunk(BODY[:500]), RecordedChunk(BODY[500:], at=3600)]).save(path)
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    assert cli.main(["replay", path]) == 0
    assert waited == []
    at_once = capsys.readouterr()
    assert cli.main(["replay", "--speed", "0.5", path]) == 0
    assert 3600 < max(waited) <= 7200
    assert capsys.readouterr() == at_once


def test_replay_of_what_is_no_recording(tmp_path, capsys):
    path = tmp_path / "one.jsonl"
    assert cli.main(["replay", str(path)]) == 2
    assert capsys.readouterr().err == f"streamfold: {path}: No such file or directory\n"
    path.write_bytes(Recording.of([BODY]).to_bytes()[:-20])
    assert cli.main(["replay", str(path)]) == 2
    assert f"streamfold: {path}, line 2: " in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["fast", "-1", "nan", "inf"])
def test_speeds_that_make_no_sense(speed, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["replay", f"--speed={speed}", "-"])
    assert exit.value.code == 2
    assert "not a number, 0 or more" in capsys.readouterr().err
