"""`streamfold replay`: its output and its exit status, for every recording and every input."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamfold.adapters import cli
from streamfold.reducer import ProtocolError, StreamState, feed
from streamfold.transports import RecordedChunk, Recording
from streamfold.transports.recording import playback

from tests.support.command_line import PATIENCE, posix, read_until
from tests.support.events import block_delta, block_stop, body
from tests.support.shells import BODY
from tests.support.transcripts import HELLO, message_end

RECORDINGS = Path(__file__).parents[2] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))
NAMES = tuple(INDEX)


@pytest.mark.parametrize("name", NAMES)
def test_json_prints_the_message_and_the_status_tells_its_end(name, capsys):
    status = cli.main(["replay", "--json", str(RECORDINGS / f"{name}.sse")])
    out, err = capsys.readouterr()
    expected = (RECORDINGS / f"{name}.json").read_text("utf-8")
    assert json.loads(out or "null") == json.loads(expected)
    if INDEX[name]["ends"] == "complete":
        assert (status, err) == (0, "")
    else:
        assert status == 1
        assert re.fullmatch(r"streamfold: .+\n", err)


@pytest.mark.parametrize("name", NAMES)
def test_events_prints_the_events_of_feed(name, capsys):
    stream = (RECORDINGS / f"{name}.sse").read_bytes()
    try:
        _, events = feed(StreamState(), stream)
    except ProtocolError as error:
        events = error.events
    status = cli.main(["replay", "--events", str(RECORDINGS / f"{name}.sse")])
    out, _ = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        json.loads(event.to_json()) for event in events
    ]
    assert status == (INDEX[name]["ends"] != "complete")


def test_an_input_that_cannot_be_read_to_its_end(replay):
    status, out, err = replay(HELLO, OSError(5, "Input/output error"))
    assert (status, out) == (1, "Hello\n\n— unfinished\n")
    assert err == "streamfold: cannot read the input to its end: Input/output error\n"


def test_unreadable_files(tmp_path, capsys, monkeypatch):
    missing = tmp_path / "missing.sse"
    assert cli.main(["replay", str(missing)]) == 2
    assert capsys.readouterr().err == f"streamfold: {missing}: No such file or directory\n"
    assert cli.main(["replay", str(tmp_path)]) == 2
    assert re.fullmatch(r"streamfold: .*: .+\n", capsys.readouterr().err)
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main(["replay", "-"]) == 2
    assert capsys.readouterr() == ("", "streamfold: -: standard input is closed: name a file\n")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path, capsys):
    (tmp_path / "secret").touch(0)
    assert cli.main(["replay", str(tmp_path / "secret")]) == 2
    assert "Permission denied" in capsys.readouterr().err


@posix
@pytest.mark.parametrize("flags", [(), ("--events",)])
def test_text_appears_before_the_input_ends(running, flags):
    process = running("replay", *flags, "-")
    for piece in (b"One ", b"after ", b"another."):
        first = HELLO if piece == b"One " else b""
        process.stdin.write(first + body(block_delta(0, type="text_delta", text=piece.decode())))
        read_until(process.stdout.fileno(), piece)
    assert process.poll() is None
    process.stdin.write(body(block_stop(0), *message_end()))
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == b""


def test_a_recording_without_delay_or_at_its_speed(tmp_path, monkeypatch, capsys):
    path = str(tmp_path / "late.jsonl")
    Recording.of([RecordedChunk(BODY[:500]), RecordedChunk(BODY[500:], at=3600)]).save(path)
    waited = []

    class Unset(threading.Event):
        def wait(self, timeout=None):
            waited.append(timeout)
            return False

    monkeypatch.setattr(playback, "threading", SimpleNamespace(Event=Unset))
    assert cli.main(["replay", path]) == 0
    assert waited == []
    at_once = capsys.readouterr()
    assert cli.main(["replay", "--speed", "0.5", path]) == 0
    assert 3600 < max(waited) <= 7200
    assert capsys.readouterr() == at_once


def test_files_that_are_not_recordings(tmp_path, capsys):
    path = tmp_path / "one.jsonl"
    assert cli.main(["replay", str(path)]) == 2
    assert capsys.readouterr().err == f"streamfold: {path}: No such file or directory\n"
    path.write_bytes(Recording.of([BODY]).to_bytes()[:-20])
    assert cli.main(["replay", str(path)]) == 2
    assert f"streamfold: {path}, line 2: " in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["fast", "-1", "nan", "inf"])
def test_unusable_speeds(speed, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["replay", f"--speed={speed}", "-"])
    assert exit.value.code == 2
    assert f"expected a number of at least 0 (0 = no delay), got {speed!r}" in (
        capsys.readouterr().err
    )


# --- the first minute -----------------------------------------------------------------------------


def test_an_unfinished_recording_shows_its_whole_chunks_and_then_the_reason(tmp_path, capsys):
    path = tmp_path / "half.jsonl"
    whole = Recording.of([BODY[:500], BODY[500:]])
    path.write_bytes(whole.to_bytes()[:-20])
    assert cli.main(["replay", "--json", str(path)]) == 2
    out, err = capsys.readouterr()
    message = fold_of(BODY[:500])
    assert json.loads(out) == message
    assert err.startswith(f"streamfold: {path}")
    for damaged in (b"", b"[]\n", b"{}\n", b"no JSON\n"):
        path.write_bytes(damaged)
        assert cli.main(["replay", str(path)]) == 2
        assert capsys.readouterr().out == ""


def fold_of(part):
    state, _ = feed(StreamState(), part)
    return state.snapshot.message.to_dict()


def test_a_file_that_is_no_stream_is_named(tmp_path, capsys):
    path = tmp_path / "notes.txt"
    path.write_text("Buy honey.\n")
    assert cli.main(["replay", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"streamfold: {path}: expected a message stream (server-sent events), found no event\n"
    )


def test_a_raw_body_has_a_pace_in_tokens(tmp_path, monkeypatch, capsys):
    path = str(tmp_path / "raw.sse")
    Path(path).write_bytes(BODY)
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    assert cli.main(["replay", "--tokens-per-second", "0.001", path]) == 0
    assert len(waited) == len(BODY.splitlines())
    assert max(waited) > len(BODY)
    paced = capsys.readouterr()
    assert cli.main(["replay", path]) == 0
    assert capsys.readouterr() == paced


@pytest.mark.parametrize(
    ("flags", "name", "advice"),
    [
        (["--speed=1"], "raw.sse", "give --tokens-per-second"),
        (["--tokens-per-second=9"], "one.jsonl", "give --speed"),
    ],
)
def test_a_pace_of_the_other_kind_of_file(flags, name, advice, capsys):
    assert cli.main(["replay", *flags, name]) == 2
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "inf"])
def test_unusable_tokens_per_second(text, capsys):
    with pytest.raises(SystemExit):
        cli.main(["replay", f"--tokens-per-second={text}", "-"])
    assert f"expected a number above 0, got {text!r}" in capsys.readouterr().err
