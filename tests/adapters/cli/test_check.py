"""`streamfold check`: the outcomes of recordings, the table, and the lines of JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters import cli
from streamfold.adapters.corpus import check
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedResponse,
    Recording,
)

from tests.support.command_line import Screen, posix, read_all
from tests.support.effort import effort
from tests.support.events import body, error_event, message_start
from tests.support.shells import BODY

RECORDINGS = Path(__file__).parents[2] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))
OUTCOMES = {
    name: entry["ends"].replace("invalid_tool_input", "fault").rpartition("_")[2]
    for name, entry in INDEX.items()
}

UNKNOWN = body({"type": "heartbeat"}, {"type": "heartbeat"}, {"type": "pulse"})
WHOLE = Recording.of([BODY])


@pytest.fixture
def checked(capsys):
    """A function that runs the command: exit status, output, error output."""

    def run(*arguments):
        status = cli.main(["check", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def reports(out):
    return [json.loads(line) for line in out.splitlines()]


# --- one recording --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INDEX)
def test_every_recording_has_the_outcome_of_the_index(name):
    report = check(RECORDINGS / f"{name}.sse")
    message = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    assert report.outcome == OUTCOMES[name]
    assert report.stop_reason == (message or {}).get("stop_reason")
    assert (report.reason is None) == (report.outcome == "complete") == (not report.fails())


def test_a_recording_that_was_cut_or_failed_is_incomplete(tmp_path):
    path = tmp_path / "one.jsonl"
    WHOLE.cut(len(BODY) // 2).save(path)
    assert check(path).outcome == "incomplete"
    late = RecordedError("ReadTimeout", "too late")
    Recording([RecordedChunk(BODY[:200])], ended="error", error=late).save(path)
    report = check(path)
    assert report.outcome == "incomplete"
    assert "too late" in report.reason


def test_a_message_that_was_whole_when_the_connection_failed_is_complete(tmp_path):
    WHOLE.cut(len(BODY)).save(tmp_path / "one.jsonl")
    assert check(tmp_path / "one.jsonl").outcome == "complete"


def test_an_error_response_has_the_message_of_the_api(tmp_path):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    json_type = (("content-type", "application/json"),)
    Recording(
        [RecordedChunk(json.dumps(error).encode())], response=RecordedResponse(529, json_type)
    ).save(tmp_path / "one.jsonl")
    report = check(tmp_path / "one.jsonl")
    assert report.outcome == "error"
    assert "Overloaded" in report.reason


@given(st.binary(max_size=300))
def test_no_bytes_at_all_break_it(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    for suffix in (".jsonl", ".sse"):
        path = folder / f"any{suffix}"
        path.write_bytes(data)
        report = check(path)
        assert report.fails()
        assert report.outcome != "unreadable" or suffix == ".jsonl"


@given(st.data())
@effort(50)
def test_a_recording_that_was_cut_short_is_unreadable(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "less.jsonl"
    whole = WHOLE.rechunk(100).to_bytes()
    path.write_bytes(whole)
    assert check(path).outcome == "complete"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
    report = check(path)
    assert report.outcome == "unreadable"
    assert str(path) not in report.reason


@posix
def test_a_file_that_cannot_be_read_is_reported(tmp_path, checked):
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    assert check(tmp_path / "loop.jsonl").outcome == "unreadable"
    status, out, _ = checked(tmp_path)
    assert status == 1
    assert "symbolic links" in out


# --- the command ----------------------------------------------------------------------------------


def test_complete_recordings(tmp_path, checked):
    WHOLE.save(tmp_path / "one.jsonl")
    (tmp_path / "two.sse").write_bytes(BODY)
    assert checked(tmp_path) == (0, "2 recordings: 2 complete\n", "")
    assert checked(tmp_path / "one.jsonl") == (0, "1 recording: 1 complete\n", "")


def test_the_table_has_a_line_for_each_remark(tmp_path, checked, monkeypatch):
    WHOLE.save(tmp_path / "fine.jsonl")
    (tmp_path / "cut.sse").write_bytes(BODY[:300])
    (tmp_path / "failed.sse").write_bytes(
        body(message_start(), error_event("api_error", "a\nb\x1b"))
    )
    (tmp_path / "fault.sse").write_bytes(b"data: {}\n\n")
    (tmp_path / "none.jsonl").write_bytes(b"{}\n")
    (tmp_path / "unknown.sse").write_bytes(UNKNOWN + BODY)
    monkeypatch.chdir(tmp_path)
    assert checked(".") == (
        1,
        "cut.sse      incomplete  the stream ended before the message was complete\n"
        "failed.sse   error       api_error: a␊b␛\n"
        "fault.sse    fault       an event must have a `type` that is a string\n"
        "none.jsonl   unreadable  line 1: `format` is missing\n"
        "unknown.sse  complete    unfolded: heartbeat, pulse (3)\n"
        "\n"
        "6 recordings: 2 complete, 1 incomplete, 1 error, 1 fault, 1 unreadable, "
        "1 with unfolded events\n",
        "",
    )


def test_unfolded_events_fail_with_strict_only(tmp_path, checked):
    (tmp_path / "unknown.sse").write_bytes(UNKNOWN + BODY)
    assert checked(tmp_path)[0] == 0
    assert checked("--strict", tmp_path)[0] == 1
    (tmp_path / "unknown.sse").write_bytes((RECORDINGS / "text.sse").read_bytes())
    assert checked("--strict", tmp_path)[0] == 0


def test_broken_rules_are_listed_and_fail_with_strict_only(tmp_path, checked):
    legal = (RECORDINGS / "text.sse").read_bytes()
    (tmp_path / "nameless.sse").write_bytes(legal.replace(b"event: message_stop\n", b""))
    status, out, _ = checked(tmp_path)
    assert (status, "breaks" in out) == (0, False)
    status, out, _ = checked("--strict", tmp_path)
    assert status == 1
    assert "complete  breaks event-name\n" in out.replace("    ", "  ")
    _, out, _ = checked("--strict", "--json", tmp_path)
    assert json.loads(out)["violations"] == ["event-name"]


@pytest.mark.parametrize(
    "response",
    [
        RecordedResponse(529, {"content-type": "text/event-stream"}),
        RecordedResponse(200, {"content-type": "application/vnd.amazon.eventstream"}),
        RecordedResponse(200, {"content-encoding": "gzip"}),
    ],
)
def test_other_bodies_are_not_judged(tmp_path, response):
    path = tmp_path / "other.jsonl"
    Recording(response=response, chunks=(RecordedChunk(b"event: x"),)).save(path)
    assert check(path, strict=True).violations == ()


def test_json_is_a_line_for_each(tmp_path, checked):
    status, out, _ = checked("--json", RECORDINGS)
    assert status == 1
    assert {Path(report["file"]).stem: report["outcome"] for report in reports(out)} == OUTCOMES
    WHOLE.save(tmp_path / "one.jsonl")
    assert reports(checked("--json", tmp_path)[1]) == [
        {
            "file": str(tmp_path / "one.jsonl"),
            "outcome": "complete",
            "reason": None,
            "stop_reason": "tool_use",
            "unfolded": [],
        }
    ]


def test_directories_are_searched_and_each_file_is_checked_once(tmp_path, checked):
    for name in ("turn.jsonl", "turn-2.jsonl", "turn-10.jsonl", "below/raw.sse"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (WHOLE.save(tmp_path / name) if name.endswith("l") else (tmp_path / name).write_bytes(BODY))
    (tmp_path / "notes.txt").write_text("no recording")
    out = checked("--json", tmp_path, tmp_path / "turn.jsonl", tmp_path)[1]
    names = [Path(report["file"]).name for report in reports(out)]
    assert sorted(names) == ["raw.sse", "turn-10.jsonl", "turn-2.jsonl", "turn.jsonl"]
    assert names.index("turn-2.jsonl") < names.index("turn-10.jsonl")


def test_a_file_that_is_named_is_checked_whatever_its_suffix(tmp_path, checked):
    (tmp_path / "body").write_bytes(BODY)
    assert checked(tmp_path / "body")[0] == 0


def test_names_without_recordings(tmp_path, checked):
    missing = tmp_path / "missing"
    assert checked(missing) == (2, "", f"streamfold: {missing}: no such file or directory\n")
    assert checked(tmp_path) == (
        2,
        "",
        f"streamfold: {tmp_path}: expected recordings (*.jsonl, *.sse) in it, found none\n",
    )


def test_a_directory_that_cannot_be_searched(tmp_path, checked, monkeypatch):
    def walk(folder, onerror):
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "below")))

    monkeypatch.setattr("os.walk", walk)
    below = tmp_path / "below"
    assert checked(tmp_path) == (2, "", f"streamfold: {below}: Permission denied\n")


# --- many -----------------------------------------------------------------------------------------


def many(folder, count):
    """This many recordings in `folder`; one of them is cut."""
    whole = WHOLE.to_bytes()
    for number in range(count - 1):
        (folder / f"{number}.jsonl").write_bytes(whole)
    WHOLE.cut(300).save(folder / "cut.jsonl")
    return folder


def test_thousands_of_files(tmp_path, checked):
    status, out, err = checked(many(tmp_path, 2000))
    assert status == 1
    assert out.endswith("\n2,000 recordings: 1,999 complete, 1 incomplete\n")
    assert len(out.splitlines()) == 3
    assert err == ""


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_progress_is_shown_on_a_terminal_and_leaves_the_output_alone(
    tmp_path, checked, flags, monkeypatch
):
    pytest.importorskip("rich")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    plain = checked(*flags, many(tmp_path, 200))[1]
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    assert checked(*flags, tmp_path)[1] == plain
    assert "Checking" in screen.getvalue()


def test_few_files_show_no_progress(tmp_path, checked, monkeypatch):
    WHOLE.save(tmp_path / "one.jsonl")
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    assert checked(tmp_path)[0] == 0
    assert screen.getvalue() == ""


def test_colours_on_a_terminal(running, pty):
    pytest.importorskip("rich")
    process = running("check", str(RECORDINGS / "cut-text.sse"), stdout=pty.slave)
    os.close(pty.slave)
    seen = read_all(pty.master).decode()
    assert process.wait(30) == 1
    assert "\x1b[33mincomplete" in seen
