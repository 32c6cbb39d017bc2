"""Colours: where they appear, and that they change nothing else."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from streamfold.adapters import cli
from streamfold.adapters.cli.display import show_body
from streamfold.adapters.cli.transcript import Transcript

from tests.support.command_line import ENVIRONMENT, PATIENCE, Screen, command, read_all
from tests.support.events import body, message_start
from tests.support.transcripts import message_end, text_of, whole

RECORDINGS = Path(__file__).parents[2] / "recordings"


def uncoloured(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def on_screen(stream):
    screen = Screen()
    assert show_body([stream], Transcript(screen)) is None
    return screen.getvalue()


@pytest.mark.parametrize("name", ["agent-turn", "citations", "refusal", "unicode", "mcp"])
def test_colours_change_nothing_but_the_colour(name, monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    cli.main(["replay", str(RECORDINGS / f"{name}.sse")])
    plain = capsys.readouterr().out
    coloured = on_screen((RECORDINGS / f"{name}.sse").read_bytes())
    assert "\x1b[" in coloured
    assert uncoloured(coloured) == plain


def test_rich_changes_no_markup_and_no_tabs(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    words = "[bold]\t:smile:[/bold] \x1b[31m 12 'x' http://a.b " + "long " * 60
    assert on_screen(body(*text_of(words))).startswith(words.replace("\x1b", "␛"))


@pytest.mark.parametrize(
    "unset",
    [{"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}, {"NO_COLOR": "", "rich": "absent"}],
)
def test_no_colours_without_a_colour_terminal_or_rich(unset, monkeypatch):
    monkeypatch.setenv("TERM", unset.get("TERM", "xterm-256color"))
    monkeypatch.setenv("NO_COLOR", unset["NO_COLOR"])
    if "rich" in unset:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    assert "\x1b" not in on_screen((RECORDINGS / "agent-turn.sse").read_bytes())


def test_colours_on_a_terminal(running, pty):
    pytest.importorskip("rich")
    stream = body(
        message_start(),
        *whole(
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "\x1b[2J[red]a\tb"},
            {"type": "tool_use", "id": "1", "name": "f", "input": {}},
        ),
        *message_end(),
    )
    process = running("replay", "-", stdout=pty.slave)
    os.close(pty.slave)
    process.stdin.write(stream)
    process.stdin.close()
    seen = read_all(pty.master).decode().replace("\r\n", "\n")
    assert process.wait(PATIENCE) == 0
    assert "\x1b[2m│ hm" in seen
    assert "\x1b[1;36m▸ f" in seen
    assert "\x1b[2J" not in seen
    assert uncoloured(seen) == command("replay", "-", input=stream).stdout.decode()


def test_no_color_on_a_terminal(running, pty):
    environment = {**ENVIRONMENT, "NO_COLOR": "1"}
    name = str(RECORDINGS / "agent-turn.sse")
    process = running("replay", name, stdout=pty.slave, env=environment)
    os.close(pty.slave)
    seen = read_all(pty.master).decode().replace("\r\n", "\n")
    assert process.wait(PATIENCE) == 0
    assert seen == command("replay", name).stdout.decode()


def test_no_colours_in_a_pipe():
    done = command("replay", str(RECORDINGS / "agent-turn.sse"))
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
