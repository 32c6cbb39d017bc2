"""The gateway of the examples, as a process in front of a server, and an endless tool loop.

`test_pages` runs the other examples.
"""

from __future__ import annotations

import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from streamfold.adapters.anthropic import Anthropic
from streamfold.transports import Recording, ReplayTransport

from tests.support.loopback import Server, event_stream

ROOT = Path(__file__).parent.parent.parent
BODY = Recording.load(ROOT / "docs/examples/recordings/recipe.jsonl").body


@pytest.fixture
def gateway(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """The gateway in front of `server`; its address is in `ANTHROPIC_BASE_URL`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "ANTHROPIC_BASE_URL": server.url, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, ROOT / "docs/examples/gateway.py"], env=environment, stdout=subprocess.PIPE
    ) as process:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{port}")
        try:
            wait_until_it_listens(port)
            yield process
        finally:
            process.kill()


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the gateway does not listen"
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (BODY, "msg_01recipe: 180 tokens in, 71 out, complete\n"),
        (BODY[:1000], "msg_01recipe: 180 tokens in, 1 out, incomplete\n"),
    ],
    ids=["whole", "cut"],
)
def test_the_gateway_passes_a_stream_on_and_accounts_for_it(
    gateway: subprocess.Popen[bytes], server: Server, body: bytes, line: str
) -> None:
    server.answer(event_stream(body))
    url = f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages"
    answer = httpx.post(url, json={"stream": True}, headers={"x-api-key": "sk-ant-example"})
    assert answer.content == body
    assert server.requests[0].headers["x-api-key"] == "sk-ant-example"
    assert gateway.stdout is not None
    assert gateway.stdout.readline().decode() == line


def test_a_client_streams_through_the_gateway(
    gateway: subprocess.Popen[bytes], server: Server
) -> None:
    server.answer(event_stream(BODY))
    with (
        Anthropic(api_key="sk-ant-example", base_url=os.environ["ANTHROPIC_BASE_URL"]) as client,
        client.messages.stream(
            model="claude-opus-4-6",
            max_tokens=1000,
            messages=[{"role": "user", "content": "A simple cake, please."}],
        ) as stream,
    ):
        assert stream.get_final_message().usage.output_tokens == 71


def test_the_tool_loop_ends_although_the_model_asks_for_tools_again_and_again() -> None:
    example = runpy.run_path(str(ROOT / "docs/examples/tool_loop.py"))
    asks = Recording.of(Recording.load(ROOT / "docs/examples/recordings/weather/1.jsonl").body)
    with (
        httpx.Client(transport=ReplayTransport(asks)) as http,
        Anthropic(api_key="sk-ant-example", http_client=http) as client,
        pytest.raises(RuntimeError, match="still asks for tools after 3 turns"),
    ):
        example["answer"](client, "Is it sunny?", turns=3)
