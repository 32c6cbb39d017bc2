"""The outcomes of attacks that cost no time and no memory: each runs one, and reports the result.

`OUTCOMES` has the attacks in the order of the page, each with the outcome from before the defences
were made. `python -m benchmarks.attack` writes them into its third table.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from .attack_events import (
    Event,
    block_delta,
    block_start,
    block_stop,
    body_of,
    message_delta,
    message_start,
    message_stop,
)

KEY = "sk-ant-api03-do-not-tell"
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
TEXT = {"type": "text", "text": ""}
HALVES = ('{"a":"\ud83d', '\\ude00"}')


def start(block: Event) -> list[Event]:
    return [message_start(), block_start(0, **block)]


def end(reason: str | None = "end_turn") -> list[Event]:
    return [block_stop(), message_delta(reason), message_stop()]


def tool_input(*pieces: str) -> list[Event]:
    return [block_delta(type="input_json_delta", partial_json=piece) for piece in pieces]


HELLO = body_of([*start(TEXT), block_delta(type="text_delta", text="Hello"), *end()])


def outcome(function: Callable[[], object]) -> str:
    """The name of the error that `function` raises, or its result."""
    try:
        return str(function())
    except Exception as error:
        return type(error).__name__


# --- streams ------------------------------------------------------------------------------------


def finished(events: list[Event]) -> Any:
    from streamfold.reducer import StreamState, feed, finish

    state, _ = feed(StreamState(), body_of(events))
    return finish(state)


def long_wait() -> str:
    from streamfold.adapters.client.retries import retry_after

    return "ignored" if retry_after({"retry-after": "999999"}, now=0) is None else "kept"


def deep_stack() -> str:
    """JSON of 50 levels, folded with every number of frames left from 450 down to 60."""
    from streamfold.reducer import StreamState, feed

    data = body_of([{"type": "unknown", "deep": json.loads("[" * 50 + "]" * 50)}])
    seen: set[str] = set()

    def fold() -> str:
        feed(StreamState(), data)
        return "folded"

    def deeper(left: int) -> None:
        if left > 60:
            seen.add(outcome(fold))
            deeper(left - 1)

    def descend(frames: int) -> None:
        if frames:
            descend(frames - 1)
        else:
            deeper(450)

    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    descend(sys.getrecursionlimit() - depth - 460)
    return " or ".join(sorted(seen))


def open_tool() -> str:
    events = [*start(TOOL), *tool_input('{"a": 1')]
    return outcome(lambda: finished([*events, {"type": "message_stop"}]))


def no_stop_reason() -> str:
    return outcome(lambda: finished([*start(TEXT), end()[0], end()[-1]]))


def not_a_number() -> str:
    return outcome(lambda: finished([*start(TOOL), *tool_input('{"a":NaN,"b":1e999}'), *end()]))


def meeting_halves() -> str:
    from streamfold.reducer import StreamState, feed

    state, _ = feed(StreamState(), body_of([*start(TOOL), *tool_input(*HALVES)]))
    message = state.snapshot.message
    assert message is not None
    partial: Any = message.content[0]
    final: Any = finished([*start(TOOL), *tool_input(*HALVES), *end("tool_use")])
    same = partial.input == final.content[0].input
    return f"the partial value {'equals' if same else 'differs from'} the final one"


def initialised_again() -> str:
    from streamfold.reducer import TextBlock

    block: Any = TextBlock(text="Hello")
    before = block.to_json()
    for change in (lambda: block.__init__(text="changed"), lambda: block.__setstate__({})):
        with suppress(Exception):
            change()
    return "unchanged" if block.to_json() == before else "changed"


# --- secrets ------------------------------------------------------------------------------------


def echoed_key() -> str:
    """The key in an answer of 401, in the base URL and in the request: where an error shows it."""
    import traceback

    import httpx
    from streamfold.adapters.client import Anthropic

    def answer(request: Any) -> Any:
        reason = {"type": "authentication_error", "message": f"bad key {KEY}"}
        return httpx.Response(401, json={"type": "error", "error": reason})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    address = f"https://user:{KEY}@example.com"
    client = Anthropic(api_key=KEY, base_url=address, http_client=http, max_retries=0)
    try:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])
    except Exception as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        frames = [f for f in frames if f.f_globals["__name__"].startswith("streamfold.")]
        assert frames
        shown = {
            "the message": str(error),
            "the body": repr(getattr(error, "body", "")),
            "the client's repr": repr(client),
            "the locals": repr([frame.f_locals for frame in frames]),
        }
        return ", ".join(place for place, text in shown.items() if KEY in text) or "nowhere"
    return "no error"


NAMES = (
    *("x-auth-token", "helicone-auth", "cf-access-client-secret", "ocp-apim-subscription-key"),
    *("x-litellm-api-key", "x-portkey-api-key", "cf-access-jwt-assertion", "agent-bearer"),
)
PARAMETERS = ("api_key", "key", "access_token")
WRITINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: "".join(f"%{ord(letter):02x}" for letter in text),
    lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    lambda text: "".join(f"&#{ord(letter)};" for letter in text),
)


def recorded_secrets() -> str:
    """A secret under each name, which the answer repeats in each writing: those that are kept."""
    from streamfold.transports import RecordedRequest, Recording

    kept = tried = 0
    for place in (*NAMES, *PARAMETERS):
        for writing in WRITINGS:
            echo = writing(KEY)
            query = f"?{place}={KEY}" if place in PARAMETERS else ""
            headers = {} if query else {place: KEY}
            asked = RecordedRequest("POST", f"https://example.com/{query}", headers, body=[echo])
            recording = Recording(
                Recording.of(f'data: "{echo}"\n\n'.encode()).chunks, request=asked
            )
            written = recording.redacted()
            tried += 1
            kept += KEY in repr(written) or echo.encode() in written.body
    return f"{kept} of {tried} written"


# --- files --------------------------------------------------------------------------------------


def command(*arguments: str) -> tuple[int, str]:
    from streamfold.adapters import cli

    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        status = cli.main(list(arguments))
    return status, out.getvalue()


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def hostile_folder() -> str:
    from streamfold.transports import Recording

    with folder() as place:
        (place / "fine.sse").write_bytes(HELLO)
        head, _, rest = Recording.of(HELLO).to_bytes().partition(b"\n")
        fields = json.loads(head)
        fields["response"]["headers"] = [["x", "\ud800"]]
        (place / "half.jsonl").write_bytes(json.dumps(fields).encode() + b"\n" + rest)
        fields["response"]["headers"], fields["request"] = [], {"url": "http://[::1"}
        (place / "url.jsonl").write_bytes(json.dumps(fields).encode() + b"\n" + rest)
        os.mkfifo(place / "pipe.sse")
        (place / "zero.sse").symlink_to("/dev/zero")
        return command("check", str(place))[1].strip().splitlines()[-1]


def named_device() -> str:
    with folder() as place:
        (place / "zero.sse").symlink_to("/dev/zero")
        status, _ = command("inspect", "-o", "-", str(place / "zero.sse"))
    return f"refused, exit status {status}"


def controls() -> str:
    error = {"type": "error", "error": {"type": "api_error", "message": "a\x9b\u202eb"}}
    with folder() as place:
        (place / "one.sse").write_bytes(body_of([*start(TEXT), error]))
        shown = command("check", str(place))[1] + command("check", "--json", str(place))[1]
    return "visible" if "\x9b" not in shown and "\u202e" not in shown else "written as they are"


# --- serve and replay ---------------------------------------------------------------------------


def served_answers() -> str:
    """The statuses for half a pair in a request, a large body, and a foreign host."""
    from starlette.testclient import TestClient
    from streamfold.adapters.cli.serve_application import TARGET, application
    from streamfold.transports import RecordedRequest, Recording
    from streamfold.transports.recording import RecordingStore

    with folder() as place:
        asked = RecordedRequest("POST", "https://example.com", body={"a": 1})
        Recording(Recording.of(HELLO).chunks, request=asked).save(place / "one.jsonl")
        store = RecordingStore(place, folder=place, target=TARGET)
    application_ = application(
        store, answers_all=False, speed=0, log=lambda _: None, hosts=["127.0.0.1"]
    )
    client = TestClient(application_, base_url="http://127.0.0.1", raise_server_exceptions=False)
    large = (b"x" * 2**20 for _ in range(40))
    answers = [
        client.post("/v1/messages", content=b'["\\ud800"]'),
        client.post("/v1/messages", content=large),
        client.post("/v1/messages", json={"a": 1}, headers={"host": "evil.example"}),
    ]
    return ", ".join(str(answer.status_code) for answer in answers)


def difference() -> str:
    """The seconds to find the difference of two requests of 8,000 items."""
    from streamfold.transports import RecordedRequest
    from streamfold.transports.recording.matching import unmatched

    ours = RecordedRequest("POST", "/", body=[f"a {number % 7}" for number in range(8000)])
    theirs = RecordedRequest("POST", "/", body=[f"b {number % 5}" for number in range(8000)])
    began = time.perf_counter()
    unmatched(ours, [("one", theirs)])
    return f"{time.perf_counter() - began:.1f} s"


def recorded_status() -> str:
    from streamfold.transports import Recording

    head, _, rest = Recording.of(HELLO).to_bytes().partition(b"\n")
    outcomes = []
    for change in ({"status": 99999}, {"headers": [["x", "1\r\ny: 2"]]}):
        fields = json.loads(head)
        fields["response"] |= change
        data = json.dumps(fields).encode() + b"\n" + rest
        outcomes.append(outcome(lambda data=data: Recording.from_bytes(data)))  # type: ignore[misc]
    return " and ".join(dict.fromkeys(outcomes))


def closed_elsewhere() -> str:
    """The seconds until a replay that sleeps for a minute ends, once another thread closes it."""
    from streamfold.transports import RecordedChunk, Recording, replay

    stream = replay(Recording.of([HELLO[:99], RecordedChunk(HELLO[99:], at=60.0)]), speed=1)
    reader = threading.Thread(target=lambda: outcome(lambda: list(stream)), daemon=True)
    reader.start()
    time.sleep(0.2)
    began = time.perf_counter()
    stream.close()
    reader.join(65)
    return f"after {time.perf_counter() - began:.1f} s"


OUTCOMES: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("`retry-after: 999999`", "sleeps a day, twice", long_wait),
    ("JSON of 50 levels on a deep stack of the caller", "`RecursionError`", deep_stack),
    ("`message_stop` inside a tool", "the partial input", open_tool),
    ("`message_stop` without a stop reason", "complete", no_stop_reason),
    ("a tool input with `NaN` and `1e999`", "accepted", not_a_number),
    ("a raw and an escaped half of a pair meet", "partial and final value differ", meeting_halves),
    ("`__init__` and `__setstate__` of a value again", "changes it", initialised_again),
    ("the key in a 401 and in the base URL is shown in", "all places", echoed_key),
    ("secrets under 11 names, repeated in 4 writings", "most are written", recorded_secrets),
    ("`check` on pipes, devices and broken files", "aborts or hangs", hostile_folder),
    ("`inspect` on a link to /dev/zero", "hangs", named_device),
    ("C1 and bidirectional controls in the output", "written as they are", controls),
    ("`serve`: half a pair, 40 MB, a foreign host", "500, 1.3 GB, answered", served_answers),
    ("`serve`: the difference of 8,000 items", "32 s", difference),
    ("a recorded status 99999, a line break in a header", "disconnects", recorded_status),
    ("`close()` from another thread during a replay", "wakes at the timeout", closed_elsewhere),
)
"""Name, the outcome before, and the attack."""
