"""`check` and `serve` under attack: files and requests that break their readers."""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from streamfold.adapters import cli
from streamfold.adapters.cli import serve_application
from streamfold.adapters.cli.serve import _hosts
from streamfold.adapters.cli.serve_application import MOST_BYTES, TARGET, application
from streamfold.adapters.cli.visible import BIDIRECTIONAL, visible
from streamfold.adapters.corpus import check
from streamfold.adapters.inspector import render
from streamfold.transports import RecordedRequest, Recording, RecordingError
from streamfold.transports.recording import RecordingStore
from streamfold.transports.recording.matching import unmatched

from tests.support.command_line import posix
from tests.support.effort import effort
from tests.support.events import body, error_event, message_start
from tests.support.shells import BODY

WHOLE = Recording.of(BODY)


def with_head(**fields):
    """The bytes of a recording whose head has these fields."""
    first, _, rest = WHOLE.to_bytes().partition(b"\n")
    head = json.loads(first)
    for name, value in fields.items():
        head[name] = {**(head[name] or {}), **value}
    return json.dumps(head).encode() + b"\n" + rest


REQUEST = {"method": "POST", "url": "https://example.com", "headers": [], "body": None}
BROKEN = {
    "half a pair in a header": with_head(response={"headers": [["x", "\ud800"]]}),
    "half a pair in a name": with_head(response={"headers": [["\udfff", "x"]]}),
    "a line break in a header": with_head(response={"headers": [["x", "1\r\nset-cookie: 2"]]}),
    "a NUL in a header": with_head(request={**REQUEST, "headers": [["x", "\0"]]}),
    "a broken URL": with_head(request={**REQUEST, "url": "http://[::1"}),
    "half a pair in a URL": with_head(request={**REQUEST, "url": "http://\ud800/"}),
    "a port that is not a number": with_head(request={**REQUEST, "url": "http://a:b/"}),
    "a line break in a method": with_head(request={**REQUEST, "method": "GET /\n"}),
    "a status of five digits": with_head(response={"status": 99999}),
    "a negative status": with_head(response={"status": -1}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_recording_is_refused_when_it_is_loaded(tmp_path, capsys, name):
    (tmp_path / "broken.jsonl").write_bytes(BROKEN[name])
    (tmp_path / "fine.sse").write_bytes(BODY)
    with pytest.raises(RecordingError, match="line 1: "):
        Recording.load(tmp_path / "broken.jsonl")
    assert cli.main(["check", str(tmp_path)]) == 1
    assert "1 complete, 1 unreadable" in capsys.readouterr().out


@posix
def test_pipes_devices_and_links_are_unreadable_and_the_others_are_checked(tmp_path, capsys):
    (tmp_path / "fine.sse").write_bytes(BODY)
    (tmp_path / "link.sse").symlink_to(tmp_path / "fine.sse")
    os.mkfifo(tmp_path / "pipe.sse")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    (tmp_path / "to-a-pipe.jsonl").symlink_to(tmp_path / "pipe.sse")
    assert cli.main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "2 complete, 3 unreadable" in out
    assert out.count("not a regular file") == 3
    assert check(tmp_path / "pipe.sse").reason == "not a regular file"
    with pytest.raises(OSError, match="not a regular file"):
        RecordingStore(tmp_path)


HEAD = st.dictionaries(
    st.sampled_from(["method", "url", "status", "headers", "body"]),
    st.text(max_size=5) | st.integers() | st.lists(st.lists(st.text(max_size=3), max_size=2)),
)


@effort(200)
@given(HEAD, HEAD)
def test_any_head_is_refused_or_can_be_replayed(tmp_path_factory, asked, answered):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    answered.pop("body", None)
    path.write_bytes(with_head(request={**REQUEST, **asked}, response=answered))
    assert check(path).outcome in ("complete", "unreadable", "error", "fault")


@pytest.mark.parametrize("character", [*BIDIRECTIONAL, "\x80", "\x9b", "\x9f"])
def test_controls_are_visible_in_every_output(tmp_path, capsys, character):
    (tmp_path / "one.sse").write_bytes(
        body(message_start(), error_event("api_error", f"a{character}b"))
    )
    for flags in ([], ["--json"]):
        cli.main(["check", *flags, str(tmp_path)])
    for command in (["replay"], ["replay", "--json"]):
        cli.main([*command, str(tmp_path / "one.sse")])
    captured = capsys.readouterr()
    assert character not in captured.out + captured.err
    assert character not in visible(character)


# --- serve --------------------------------------------------------------------------------------


def served(tmp_path, hosts=None):
    store = RecordingStore(tmp_path, folder=tmp_path, target=TARGET)
    app = application(store, answers_all=False, speed=0, log=print, hosts=hosts)
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture
def recorded(tmp_path):
    request = RecordedRequest("POST", "https://example.com", body={"a": 1})
    Recording(WHOLE.chunks, request=request).save(tmp_path / "one.jsonl")
    return tmp_path


@effort(100)
@given(st.text(st.characters(codec=None), max_size=5) | st.just("\ud800") | st.binary(max_size=9))
def test_any_request_gets_a_clear_answer(tmp_path_factory, asked):
    folder = tmp_path_factory.mktemp("served")
    request = RecordedRequest("POST", "https://example.com", body={"a": 1})
    Recording(WHOLE.chunks, request=request).save(folder / "one.jsonl")
    content = asked if isinstance(asked, bytes) else json.dumps([asked]).encode()
    answer = served(folder).post("/v1/messages", content=content)
    assert answer.status_code == 404
    assert "no recording fits" in answer.json()["error"]["message"]


def test_a_body_beyond_the_bound(recorded, monkeypatch, capsys):
    monkeypatch.setattr(serve_application, "MOST_BYTES", 1000)
    client = served(recorded)
    assert client.post("/v1/messages", content=b"x" * 1000).status_code == 404
    answer = client.post("/v1/messages", content=iter([b"x" * 600, b"y" * 600]))
    assert answer.status_code == 413
    assert capsys.readouterr().out.endswith("\n/v1/messages: refused, the body is too large\n")
    assert answer.json()["error"]["type"] == "request_too_large"
    assert MOST_BYTES == 32 * 1024 * 1024


def test_a_difference_of_thousands_of_items_is_soon_found():
    ours = RecordedRequest("POST", "/", body=[f"a {n % 7}" for n in range(8000)])
    theirs = RecordedRequest("POST", "/", body=[f"b {n % 5}" for n in range(8000)])
    start = time.process_time()
    message = str(unmatched(ours, [(str(n), theirs) for n in range(3)]))
    assert time.process_time() - start < 3
    assert "requested" in message
    near = RecordedRequest("POST", "/", body=[*ours.body[:5000], "other", *ours.body[5000:]])
    message = str(unmatched(ours, [("far", theirs), ("near", near)]))
    assert "the nearest of 2 is near" in message
    assert '-  "other",' in message
    shorter = RecordedRequest("POST", "/", body=[*ours.body[:7999]])
    assert "a 5" in str(unmatched(ours, [("one", shorter)]))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_on_a_loopback_address_all_loopback_names_are_allowed(address):
    assert set(_hosts(address, [])) == {address, "127.0.0.1", "localhost", "::1"}
    assert _hosts("0.0.0.0", []) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "evil.example:", "évil.example", "[::1"],
)
def test_a_foreign_host_is_refused(recorded, host):
    client = served(recorded, _hosts("127.0.0.1", ["proxy.internal"]))
    host = host.encode("latin-1")
    answer = client.post("/v1/messages", json={"a": 1}, headers={"host": host})
    assert answer.status_code == 403
    assert "--allow-host" in answer.json()["error"]["message"]
    assert client.get("/", headers={"host": host}).status_code == 403
    for allowed in ("127.0.0.1:8000", "localhost", "[::1]:80", "proxy.internal"):
        answer = client.post("/v1/messages", json={"a": 1}, headers={"host": allowed})
        assert answer.status_code == 200, allowed


def test_hosts_of_a_network_address():
    assert _hosts("0.0.0.0", []) is None
    assert _hosts("192.168.0.2", ["me"]) == ["192.168.0.2", "me"]
    assert _hosts("127.0.0.2", []) == ["127.0.0.2", "127.0.0.1", "localhost", "::1"]


# --- files named on the command line -------------------------------------------------------------


@posix
@pytest.mark.parametrize("name", ["pipe.sse", "zero.sse", "pipe.jsonl", "zero.jsonl"])
@pytest.mark.parametrize(
    "command", [["inspect", "-o", "-"], ["replay"], ["record", "-o", "new.jsonl"], ["serve"]]
)
def test_a_command_refuses_a_pipe_and_a_device(tmp_path, monkeypatch, capsys, command, name):
    monkeypatch.chdir(tmp_path)
    for suffix in ("sse", "jsonl"):
        os.mkfifo(f"pipe.{suffix}")
        os.symlink("/dev/zero", f"zero.{suffix}")
    assert cli.main([*command, name]) == 2
    assert f"{name}: not a regular file" in capsys.readouterr().err


@posix
def test_a_file_that_the_shell_has_opened_is_read(capsys):
    for command in (["replay", "--json"], ["inspect", "-o", "-"]):
        source, target = os.pipe()
        name = f"/dev/fd/{source}"
        os.write(target, BODY)
        os.close(target)
        assert cli.main([*command, name]) == 0
        os.close(source)
        out = capsys.readouterr().out
        assert "get_weather" in out or out == render(WHOLE, name=name)
