"""The command line as a whole: its flags, its imports, its output, and the way it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from streamfold.adapters import cli
from streamfold.adapters.cli.main import _parser

from tests.support.command_line import (
    ENVIRONMENT,
    PATIENCE,
    Screen,
    command,
    posix,
    read_all,
    read_until,
    write_until_read,
)
from tests.support.events import block_delta, body
from tests.support.transcripts import HELLO

RECORDINGS = Path(__file__).parents[2] / "recordings"


def test_an_interrupt_is_quiet(replay, monkeypatch):
    assert replay(HELLO, KeyboardInterrupt) == (130, "Hello", "")
    monkeypatch.setattr(sys, "stdout", screen := Screen())
    assert replay(HELLO, KeyboardInterrupt) == (130, "", "")
    assert screen.getvalue().endswith("Hello\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "--json", "--events", "-"],
        ["replay", "--js", "-"],
        ["replay", "-", "-"],
        ["unwind"],
    ],
)
def test_unusable_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(arguments)
    assert exit.value.code == 2
    assert "usage: streamfold" in capsys.readouterr().err


def test_without_a_command_it_prints_help(capsys):
    assert cli.main([]) == 2
    assert "replay" in capsys.readouterr().err


@pytest.mark.parametrize(("found", "shown"), [("1.2.3", "1.2.3"), (None, "(not installed)")])
def test_version(found, shown, capsys, monkeypatch):
    def version(name):
        if found is None:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr("importlib.metadata.version", version)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"streamfold {shown}\n"


@posix
def test_output_that_cannot_be_written(capsys, monkeypatch):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert cli.main(["replay", str(RECORDINGS / "tool.sse")]) == 1
    assert (
        capsys.readouterr().err == "streamfold: cannot write the output: No space left on device\n"
    )


@posix
def test_output_whose_reader_is_gone(capsys, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert cli.main(["replay", str(RECORDINGS / "tool.sse")]) == 141
    assert capsys.readouterr().err == ""


def test_importing_the_command_line_imports_no_heavy_library():
    heavy = ("httpx", "rich", "asyncio", "pydantic", "hypothesis", "importlib.metadata")
    code = f"import sys, streamfold.adapters.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT)
    assert done.stdout.decode() == "[]\n", done.stderr


def test_the_command_is_also_a_module():
    done = command("replay", "--json", str(RECORDINGS / "cut-text.sse"))
    assert done.returncode == 1
    assert json.loads(done.stdout) == json.loads((RECORDINGS / "cut-text.json").read_bytes())
    assert done.stderr == b"streamfold: the stream ended before the message was complete\n"
    done = command("replay", "--sideways", "-")
    assert (done.returncode, done.stdout) == (2, b"")


def test_the_module_exits_with_the_status_of_the_command():
    done = command("--version")
    assert done.returncode == 0
    assert done.stdout.startswith(b"streamfold ")
    assert command("--no-such-flag").returncode == 2


@posix
@pytest.mark.parametrize("flags", [(), ("--events",)])
def test_a_broken_pipe_is_quiet(running, flags):
    process = running("replay", *flags, "-")
    process.stdin.write(HELLO)
    read_until(process.stdout.fileno(), b"Hello")
    process.stdout.close()
    process.stdin.write(body(block_delta(0, type="text_delta", text=" again")))
    assert process.wait(PATIENCE) == 141
    assert process.stderr.read() == b""


@posix
def test_a_broken_pipe_of_standard_error_is_quiet(running):
    reading, writing = os.pipe()
    process = running("replay", "-", stderr=writing)
    os.close(writing)
    os.close(reading)
    process.stdin.write(HELLO)
    process.stdin.close()
    assert process.wait(PATIENCE) == 141


@posix
@pytest.mark.parametrize("flags", [(), ("--json",), ("--events",)])
def test_ctrl_c_is_quiet(running, flags):
    process = running("replay", *flags, "-")
    write_until_read(process, HELLO + b"event: x\n")
    if flags != ("--json",):  # which prints at the end only
        read_until(process.stdout.fileno(), b"Hello")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert process.stderr.read() == b""


def test_ctrl_c_on_a_terminal_ends_the_line(running, pty):
    process = running("replay", "-", stdout=pty.slave)
    os.close(pty.slave)
    process.stdin.write(HELLO)
    read_until(pty.master, b"Hello")
    process.send_signal(signal.SIGINT)
    assert read_all(pty.master).endswith(b"\r\n")
    assert process.wait(PATIENCE) == 130
    assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["replay", "--sped", "1", "x"], "usage: streamfold replay"),
        (["--sped"], "usage: streamfold"),
    ],
)
def test_an_unknown_flag_shows_the_usage_of_its_command(arguments, usage, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(arguments)
    assert exit.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(usage)
    assert "unrecognized arguments: --sped" in err


@pytest.mark.parametrize("command", _parser()[1])
def test_flags_have_no_abbreviations(command, capsys):
    """A flag of a later version could make an abbreviation ambiguous."""
    for flag, status in (("--help", 0), ("--hel", 2)):
        with pytest.raises(SystemExit) as left:
            cli.main([command, flag])
        assert left.value.code == status
