"""The displays for programs: in every encoding, on a terminal, and without a message."""

from __future__ import annotations

import io
import json
import sys

import pytest
from streamfold.adapters import cli
from streamfold.adapters.cli.json_display import EventLines, FinalMessage
from streamfold.reducer import Snapshot

from tests.support.command_line import Screen, Source
from tests.support.events import body
from tests.support.transcripts import text_of


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("flags", [(), ("--json",), ("--events",)])
def test_encodings_that_lack_characters(encoding, flags, monkeypatch):
    pieces = "é😀€ 漢字", "\ud83d half"
    monkeypatch.setattr(sys, "stdin", Source([body(*text_of(*pieces))]))
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    assert cli.main(["replay", *flags, "-"]) == 0
    written = out.buffer.getvalue().decode(encoding)
    if flags == ("--json",):
        assert json.loads(written)["content"][0]["text"] == "".join(pieces)
    elif flags:
        texts = [json.loads(line).get("text") for line in written.splitlines()]
        assert [text for text in texts if text is not None] == list(pieces)
    else:
        expected = "".join(pieces).encode(encoding, "backslashreplace").decode(encoding)
        assert written.startswith(f"{expected}\n")


def test_json_on_a_terminal_has_no_control_characters(monkeypatch):
    for flags in (["--json"], ["--events"]):
        monkeypatch.setattr(sys, "stdin", Source([body(*text_of("a\x9b\x7f\x1bé"))]))
        monkeypatch.setattr(sys, "stdout", screen := Screen())
        assert cli.main(["replay", *flags, "-"]) == 0
        assert r"a\u009b\u007f\u001bé" in screen.getvalue()
        assert screen.getvalue().isprintable() is False  # line feeds
        assert screen.getvalue().replace("\n", "").isprintable()


def test_without_a_message_nothing_is_written():
    out = io.StringIO()
    FinalMessage(out).close(Snapshot())
    EventLines(out).close(Snapshot())
    assert out.getvalue() == ""
