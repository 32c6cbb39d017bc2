"""The command as a process of its own, with the pipes and terminals that people have it on."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and terminals as POSIX has them")


class Screen(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self):
        return True


COMMAND = (sys.executable, "-m", "streamfold.adapters.cli")
UNSET = ("NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED")
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if key not in UNSET},
    "PYTHONUTF8": "1",
    "TERM": "xterm-256color",
}


def command(*arguments, **options):
    """The command as a process of its own, run to its end."""
    options = {"capture_output": True, "timeout": 60, "env": ENVIRONMENT, **options}
    return subprocess.run([*COMMAND, *arguments], **options)


@pytest.fixture
def running():
    """The command as a process of its own, with pipes to talk to it."""
    started = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments, **options):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        options = {"bufsize": 0, "env": ENVIRONMENT, **pipes, **options}
        process = subprocess.Popen([*COMMAND, *arguments], **options)
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


def read_until(source, wanted, seconds=30):
    """What the file descriptor `source` gives until `wanted` is in it."""
    seen = b""
    deadline = time.monotonic() + seconds
    while wanted not in seen:
        ready, _, _ = select.select([source], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"no {wanted!r} in {seen!r}"
        piece = os.read(source, 65536)
        assert piece, f"the output ended: {seen!r}"
        seen += piece
    return seen


def read_all(master):
    """What is written on a pseudo-terminal until its other end closes."""
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux says EIO at the end
            return seen
        if not piece:
            return seen
        seen += piece


@pytest.fixture
def pty():
    """A pseudo-terminal: what people hold, and what programs do."""
    if os.name != "posix":
        pytest.skip("no pseudo-terminals here")
    master, slave = os.openpty()
    yield SimpleNamespace(master=master, slave=slave)
    os.close(master)
