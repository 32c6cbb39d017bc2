"""The code that can be copied from the page runs where it is pasted."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from streamfold.transports import RecordedRequest, Recording

from tests.adapters.inspector.reference import RECORDINGS, answer, framed, recording_of
from tests.support.browser import ShownPage

Inspect = Callable[..., ShownPage]

BEDROCK = "/model/anthropic.claude-opus-4-6-v1:0/invoke-with-response-stream"

COPY = """async ([name, n]) => {
    await streamfold.goTo(n ?? streamfold.count);
    document.querySelectorAll("[role=tab]")[4].click();
    const taken = [];
    navigator.clipboard.writeText = async (text) => void taken.push(text);
    document.querySelector(`[aria-label="Copy: ${name}"]`).click();
    await Promise.resolve();
    return [taken[0], document.querySelector("#announcement").textContent];
}"""


def copied(page: ShownPage, name: str, n: int | None = None) -> str:
    """The text that a button of the page copies."""
    text, said = page.run(COPY, [name, n])
    assert said == f"Copied: {name}"
    return text


def executed(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "pasted.py", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("agent-turn", "server-sent events"),
        ("cut-tool", "server-sent events"),
        ("error-in-tool", "frames"),
        ("invalid-tool-input", "server-sent events"),
        ("invalid-tool-syntax", "frames"),
        ("unicode", "server-sent events"),
    ],
)
def test_a_pytest_test(name: str, form: str, inspect: Inspect) -> None:
    (path,) = [path for path in RECORDINGS if path.stem == name]
    recording = Recording.load(path)
    page = inspect(framed(recording.body) if form == "frames" else recording)
    for n in (None, 5, 0):
        names = executed(copied(page, "pytest test", n))
        assert len(names["EVENTS"]) == (page.run("streamfold.count") if n is None else n)
        names["test_stream"]()


def test_a_pytest_test_has_the_events_as_they_came(inspect: Inspect) -> None:
    events: list[Any] = answer("é\x00\x7f'\"\\\n\u2028\ud83d\U0001f600{", "</script>")
    events[4] |= {"big": 12345678901234567890123, "odd": [1.5, 1e300, True, None, {}]}
    events[4] |= {"__proto__": {"a": "b"}}
    page = inspect(recording_of([*events, {"type": "ping"}]))
    assert executed(copied(page, "pytest test"))["EVENTS"] == [*events, {"type": "ping"}]


def test_events_that_are_not_json_are_left_out_of_a_test(inspect: Inspect) -> None:
    page = inspect(Recording.of(recording_of(answer("a")).body + b"data: {\n\n"))
    code = copied(page, "pytest test")
    assert "# 1 event whose data is not a JSON object left out" in code
    executed(code)["test_stream"]()


def test_an_event_as_json(inspect: Inspect) -> None:
    page = inspect(Recording.of(b'data: { "type":\ndata:  "ping" }\n\ndata: {"a": 1.0}\n\n'))
    assert copied(page, "Event as JSON", 1) == '{ "type":\n "ping" }'
    assert copied(page, "Event as JSON", 2) == '{"a": 1.0}'


@pytest.mark.parametrize("form", ["server-sent events", "frames"])
def test_a_recording_cut_here(form: str, inspect: Inspect, tmp_path: Path) -> None:
    path = tmp_path / "one's é.jsonl"
    recording = recording_of(answer("a", "b"))
    if form == "frames":
        recording = framed(recording.body)
    recording.save(path)
    page = inspect(recording, name=str(path))
    for n in range(len(recording.chunks) + 1):
        cut = executed(copied(page, "Recording cut here", n))["recording"]
        assert cut.body == b"".join(chunk.data for chunk in recording.chunks[:n])
        assert cut.ended == "cut"


@pytest.mark.skipif(os.name != "posix" or not shutil.which("curl"), reason="needs a shell and curl")
@pytest.mark.parametrize("path_of_request", ["/elsewhere", BEDROCK])
def test_a_curl_command(path_of_request: str, inspect: Inspect, tmp_path: Path) -> None:
    path = tmp_path / "it's one.jsonl"
    body = {"messages": [{"role": "user", "content": "What's é\n$HOME `ls`?"}]}
    request = RecordedRequest("POST", f"https://example.com{path_of_request}", body=body)
    recording = attrs.evolve(recording_of(answer("a", "b"), every=0.001), request=request)
    if path_of_request == BEDROCK:
        recording = attrs.evolve(framed(recording.body, every=0.001), request=request)
    recording.save(path)
    command = copied(inspect(recording, name=str(path)), "curl command")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = command.replace("8000", str(port))
    assert (
        f"http://127.0.0.1:{port}{BEDROCK if path_of_request == BEDROCK else '/v1/messages'} "
        in command
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, env=environment, timeout=60, check=False
    )
    assert recording.body in done.stdout, done.stderr.decode()


def test_without_a_clipboard(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("a")))
    said = page.run(
        """async () => {
            document.querySelectorAll("[role=tab]")[4].click();
            navigator.clipboard.writeText = async () => { throw new Error("no"); };
            let selected;
            document.execCommand = () => {
                selected = document.activeElement.value;
                return true;
            };
            document.querySelector('[aria-label="Copy: Event as JSON"]').click();
            await new Promise((resolve) => setTimeout(resolve));
            const first = document.querySelector("#announcement").textContent;
            document.execCommand = () => false;
            document.querySelector('[aria-label="Copy: Event as JSON"]').click();
            await new Promise((resolve) => setTimeout(resolve));
            return [selected, first, document.querySelector("#announcement").textContent];
        }"""
    )
    data = '{"type":"message_stop"}'
    assert said == [data, "Copied: Event as JSON", "The browser does not allow copying"]
