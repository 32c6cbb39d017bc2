"""`streamfold conform`: the reports, the exit status, and `streamfold serve` as a gateway."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamfold.adapters import cli
from streamfold.adapters.cli.conform import _seconds
from streamfold.adapters.conformance import REQUESTS
from streamfold.reducer import encode_sse

from tests.support.loopback import Server, event_stream
from tests.support.planted.emitters import Right

RECORDINGS = Path(__file__).parents[2] / "recordings"
LEGAL = encode_sse(
    Right.emit(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-6",
            "content": [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 3},
        }
    )
)


@pytest.fixture
def conform(capsys: pytest.CaptureFixture[str]) -> Any:
    """A function that runs the command: exit status, output, error output."""

    def run(*arguments: str) -> tuple[Any, ...]:
        status = cli.main(["conform", *arguments])
        return status, *capsys.readouterr()

    return run


def test_legal_streams_are_success(
    conform: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")
    server.answer(event_stream(LEGAL))
    status, out, err = conform(server.url, "--model", "m", "--timeout", "5")
    assert (status, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()] == list(REQUESTS)
    assert all(line.endswith("events, legal") for line in out.splitlines())
    assert {request.headers["x-api-key"] for request in server.requests} == {"a-key"}
    assert {request.json()["model"] for request in server.requests} == {"m"}


def test_broken_rules_are_listed_and_fail(conform: Any, server: Server) -> None:
    server.answer(event_stream(LEGAL.replace(b"event: message_stop\n", b"")))
    status, out, _ = conform(server.url)
    assert status == 1
    assert "event-name: the event must be named 'message_stop', got 'message'" in out
    status, out, _ = conform(server.url, "--json")
    assert status == 1
    reports = [json.loads(line) for line in out.splitlines()]
    assert [report["request"] for report in reports] == list(REQUESTS)
    assert {each["rule"] for report in reports for each in report["violations"]} == {"event-name"}


def test_the_own_server_serves_legal_streams(conform: Any, tmp_path: Path) -> None:
    for name in ("text", "tool", "tools-parallel", "thinking-interleaved"):
        shutil.copy(RECORDINGS / f"{name}.sse", tmp_path)
    with serving_process(tmp_path) as url:
        status, out, _ = conform(url)
    assert status == 0
    assert out.count("events, legal") == len(REQUESTS)


@contextmanager
def serving_process(directory: Path) -> Iterator[str]:
    """`streamfold serve` as a process of its own, and its URL."""
    pytest.importorskip("uvicorn")
    arguments = ["serve", str(directory), "--port", "0", "--speed", "0"]
    command = [sys.executable, "-m", "streamfold.adapters.cli", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def test_a_gateway_that_is_not_there_fails(conform: Any) -> None:
    status, out, _ = conform("http://127.0.0.1:9")
    assert status == 1
    assert out.startswith("text: ConnectError: ")
    assert out.endswith(": is the gateway running at http://127.0.0.1:9/v1/messages?\n")
    assert out.count("\n") == 1


def test_unusable_arguments(conform: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = conform("localhost")
    assert (status, err) == (
        2,
        "streamfold: url must begin with http:// or https://, got 'localhost'\n",
    )
    with pytest.raises(SystemExit):
        cli.main(["conform", "http://localhost", "--timeout", "0"])
    assert "expected a number of seconds above 0, got 0" in capsys.readouterr().err


def test_the_timeout_is_above_0_seconds() -> None:
    assert _seconds("0.5") == 0.5
    for text in ("0", "-1", "inf", "nan"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"above 0, got {text}"):
            _seconds(text)
