"""The HTML: one file, its bounds, and what is in it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

from streamfold.adapters.inspector import notebook, render
from streamfold.adapters.inspector.page import packed, page
from streamfold.adapters.inspector.trace import trace
from streamfold.transports import RecordedRequest, Recording

from tests.adapters.inspector.reference import answer, message_start, recording_of, text_deltas


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the body of a packed recording."""
    plain = zlib.decompress(data)
    end = 4 + int.from_bytes(plain[:4], "big")
    return json.loads(plain[4:end]), plain[end:]


def about(recording: Recording) -> dict[str, Any]:
    return unpacked(packed(trace(recording), "recording.jsonl"))[0]


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_it_is_at_most_200_kilobytes_beside_the_data() -> None:
    assert len(page([], "").encode()) < 200 * 1024


def test_nothing_in_it_is_loaded_from_elsewhere() -> None:
    shown = render(recording_of(answer("Hello")))
    for tag, attributes in Tags(shown).tags:
        assert attributes.get("src") is None
        assert tag != "link" or attributes["href"] == "data:,"


def test_the_policy_allows_its_own_script_and_style_only() -> None:
    shown = render(recording_of(answer("Hello")))
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in Tags(shown).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        ((text,)) = re.findall(f"<{element}>(.*?)</{element}>", shown, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy


def test_its_title_is_text() -> None:
    shown = render(Recording([]), name="</title>{{data}}\udc80.sse")
    assert "<title>&lt;/title&gt;{{data}}?.sse" in shown
    assert shown.encode()  # with no half of a character


def test_no_secret_is_in_it() -> None:
    request = RecordedRequest("POST", "https://x", [("x-api-key", "sk-ant-1234567890")], {"a": 1})
    recording = Recording(recording_of(answer("sk-ant-1234567890")).chunks, request=request)
    about, body = unpacked(packed(trace(recording), "recording.jsonl"))
    assert "sk-ant" not in json.dumps(about)
    assert b"sk-ant" not in body
    assert about["request"]["body"] == {"a": 1}


def test_its_size_grows_with_the_stream() -> None:
    words = [f"{number * 7919 % 10007} " for number in range(2000)]
    block = {"type": "tool_use", "id": "t", "name": "n", "input": {}}

    def tool(pieces: list[str]) -> list[dict[str, Any]]:
        deltas = [
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": piece},
            }
            for piece in ['{"a": [0', *[f", {piece}" for piece in pieces], "]}"]
        ]
        start = {"type": "content_block_start", "index": 0, "content_block": block}
        return [message_start(), start, *deltas, {"type": "content_block_stop", "index": 0}]

    for events in (answer, tool):
        sizes = [
            len(packed(trace(recording_of(events(words[:count]))), "x"))  # type: ignore[arg-type]
            if events is tool
            else len(packed(trace(recording_of(answer(*words[:count]))), "x"))
            for count in (500, 1000, 2000)
        ]
        assert sizes[2] - sizes[1] < 2.5 * (sizes[1] - sizes[0])


def test_data_that_is_not_in_the_body_as_it_is() -> None:
    body = b'data: {"type":\ndata: "ping"}\n\ndata: \xff\n\ndata: {"type":"ping"}\n\n'
    events = about(Recording.of(body))["events"]
    assert events["text"] == {"1": '{"type":\n"ping"}', "2": "\ufffd"}
    assert events["data"] == [-1, -1, 6]


def test_numbers_that_javascript_does_not_hold() -> None:
    fields = {"a": 2**53, "b": [2**53 + 1, -(2**60)], "c": 1.5}
    changes = about(recording_of([message_start(**fields)]))["changes"]
    assert changes["odd"] == [[0, ["b", 0], str(2**53 + 1)], [0, ["b", 1], str(-(2**60))]]
    assert changes["value"][0]["a"] == 2**53
    assert changes["value"][0]["b"] == [0, 0]


def test_numbers_that_json_does_not_hold() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": '{"a": [NaN, Infinity, -Infinity'}
    events = [
        message_start(),
        {"type": "content_block_start", "index": 0, "content_block": tool},
        {"type": "content_block_delta", "index": 0, "delta": delta},
    ]
    changes = about(recording_of(events))["changes"]
    assert [text for _, _, text in changes["odd"]] == ["NaN", "Infinity", "-Infinity"]
    assert changes["value"][-1] == [0, 0, 0]


def test_blocks_have_their_first_and_last_event() -> None:
    whole = [{"type": "text", "text": "a"}]
    tool = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    start = {"type": "content_block_start", "index": 2, "content_block": tool}
    odd = {"type": "content_block_start", "index": 3, "content_block": {"type": "x", "name": 7}}
    events = [message_start(content=whole), *text_deltas("b", index=1), start, odd]
    assert about(recording_of(events))["blocks"] == {
        "0": {"type": "text", "name": "", "start": 1, "stop": 1},
        "1": {"type": "text", "name": "", "start": 2, "stop": 4},
        "2": {"type": "tool_use", "name": "look", "start": 5, "stop": None},
        "3": {"type": "x", "name": "", "start": 6, "stop": None},
    }


def test_times_are_those_of_the_recording() -> None:
    recording = recording_of(answer("a", "b"), every=1)
    times = about(recording)["timing"]
    assert times["first_content"] == recording.timing.first_content == 3
    assert times["longest_gap"] == 1


def test_a_page_of_two() -> None:
    recording = recording_of(answer("Hello"))
    shown = render(recording, recording, name="a.jsonl", other_name="b.jsonl")
    assert "<title>a.jsonl and b.jsonl · streamfold inspector</title>" in shown
    assert shown.count("data-recording>") == 2


def test_a_notebook_has_it_in_a_frame_of_its_own() -> None:
    frame = notebook(recording_of(answer("Hello")))
    ((tag, attributes),) = Tags(frame).tags
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["srcdoc"] == render(recording_of(answer("Hello")))
    assert html.escape("<script>") in frame


def test_its_parts_are_installed() -> None:
    names = {
        file.name for file in files("streamfold.adapters.inspector").joinpath("assets").iterdir()
    }
    assert {"page.html", "page.css", "main.js", "stream.js"} <= names


def test_a_recording_shows_itself_in_a_notebook() -> None:
    recording = recording_of(answer("Hello"))
    assert recording._repr_html_() == notebook(recording)
