"""The command line in this process, and as a process of its own with real pipes and terminals."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, Union

import pytest
from streamfold.adapters import cli

posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes and terminals of POSIX")

# --- in this process ------------------------------------------------------------------------------

Outcome = tuple[int, str, str]
"""Exit status, output, error output."""


class Screen(io.StringIO):
    """A text stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class Source:
    """Standard input that arrives in these pieces. An exception among them is raised."""

    def __init__(self, pieces: Iterable[Union[bytes, BaseException, type[BaseException]]]) -> None:
        self.pieces = list(pieces)
        self.buffer = self

    def read1(self, size: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if not isinstance(piece, bytes):
            raise piece
        assert len(piece) <= size
        return piece


@pytest.fixture
def replay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """A function that runs `streamfold replay` on pieces that arrive on standard input."""

    def run(*pieces: Any, flags: Iterable[str] = ()) -> Outcome:
        monkeypatch.setattr(sys, "stdin", Source(pieces))
        status = cli.main(["replay", *flags, "-"])
        return status, *capsys.readouterr()

    return run


# --- as a process of its own ----------------------------------------------------------------------

COMMAND = (sys.executable, "-m", "streamfold.adapters.cli")
UNSET = ("NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED")
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key not in UNSET},
    "PYTHONUTF8": "1",
    "TERM": "xterm-256color",
}

PATIENCE = 30.0
"""Seconds that a test waits for another process before it fails."""


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end."""
    options = {"capture_output": True, "timeout": 2 * PATIENCE, "env": ENVIRONMENT, **options}
    return subprocess.run([*COMMAND, *arguments], **options)


@pytest.fixture
def running() -> Iterator[Callable[..., Any]]:
    """A function that starts the command with pipes. Its processes are killed after the test."""
    started: list[subprocess.Popen[bytes]] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        options = {"bufsize": 0, "env": ENVIRONMENT, **pipes, **options}
        process: subprocess.Popen[bytes] = subprocess.Popen([*COMMAND, *arguments], **options)
        started.append(process)
        return process

    yield run
    signal.signal(signal.SIGINT, before)
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def write_until_read(process: Any, data: bytes) -> None:
    """Write `data` to the input of `process`, and return once the process reads its input.

    A comment of the event stream follows `data`. It is longer than the buffer of any pipe, so the
    process must have read a part of it, and all of `data`, before the last byte can be written.
    """
    remaining = memoryview(data + b": " + b"x" * (4 << 20) + b"\n")
    while remaining:
        remaining = remaining[process.stdin.write(remaining) :]


def read_until(source: int, wanted: bytes, seconds: float = PATIENCE) -> bytes:
    """Read the file descriptor `source` until `wanted` is in the output."""
    seen = b""
    deadline = time.monotonic() + seconds
    while wanted not in seen:
        ready, _, _ = select.select([source], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"no {wanted!r} in {seen!r}"
        piece = os.read(source, 65536)
        assert piece, f"the output ended: {seen!r}"
        seen += piece
    return seen


def read_all(master: int) -> bytes:
    """Read a pseudo-terminal until its other end closes."""
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the end, on Linux: EIO
            return seen
        if not piece:
            return seen
        seen += piece


@pytest.fixture
def pty() -> Iterator[SimpleNamespace]:
    """A pseudo-terminal: `master` is the user's end, `slave` that of the program."""
    if os.name != "posix":
        pytest.skip("needs pseudo-terminals")
    master, slave = os.openpty()
    yield SimpleNamespace(master=master, slave=slave)
    os.close(master)
