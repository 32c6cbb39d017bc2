"""The transcript: the layout of a stream for people."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamfold.adapters import cli
from streamfold.adapters.cli.display import show_body
from streamfold.adapters.cli.transcript import Transcript
from streamfold.adapters.cli.visible import visible
from streamfold.reducer import (
    ContentBlockStopEvent,
    InputJsonEvent,
    RawContentBlockStartEvent,
    Snapshot,
    StreamfoldError,
    TextEvent,
)

from tests.support.events import block_delta, block_start, block_stop, body, message_start
from tests.support.transcripts import message_end, text_of, transcript, whole

RECORDINGS = Path(__file__).parents[2] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))
NAMES = tuple(INDEX)


@pytest.mark.parametrize("name", NAMES)
def test_all_of_the_message_is_shown(name, capsys):
    status = cli.main(["replay", str(RECORDINGS / f"{name}.sse")])
    out, err = capsys.readouterr()
    message = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    assert status == (INDEX[name]["ends"] != "complete")
    assert (err == "") == (status == 0)
    assert "\x1b" not in out
    assert out == "" or out.endswith("\n")
    assert not out.startswith("\n")
    if message is None:
        return
    sources = []
    for block in message["content"]:
        kind = block["type"]
        if kind == "text":
            assert visible(block["text"]) in out
            sources += block.get("citations") or ()
        elif kind == "thinking":
            assert all(line in out for line in block["thinking"].split("\n"))
        elif kind.endswith("tool_use"):
            assert re.search(rf"^▸ (.*/)?{re.escape(block['name'])} \{{", out, re.MULTILINE)
            assert all(f'"{key}"' in out for key in block["input"] if key.isascii())
        elif kind == "web_search_tool_result" and isinstance(block["content"], list):
            assert all(page["title"] in out and page["url"] in out for page in block["content"])
        elif "error_code" in (block.get("content") or ()):
            assert f": error {block['content']['error_code']}\n" in out
        elif kind in ("code_execution_tool_result", "bash_code_execution_tool_result"):
            content = block["content"]
            lines = [*content.get("stdout", "").splitlines(), *content["stderr"].splitlines()]
            assert all(f"  {line}\n" in out for line in lines)
            assert f": return code {content['return_code']}\n" in out
        elif kind not in OTHER_LAYOUTS:
            assert any(
                line.startswith("· ") and kind.split("_")[0] in line for line in out.splitlines()
            )
    assert all(source.get("cited_text", "") in out for source in sources)
    usage = message["usage"]
    last = out.splitlines()[-1]
    assert last.startswith(f"— {message['stop_reason'] or 'unfinished'} ")
    assert f"{usage['input_tokens']:,} input, {usage['output_tokens']:,} output" in last
    assert f"{usage['cache_read_input_tokens']:,} cache read" in last


OTHER_LAYOUTS = {
    "advisor_tool_result",
    "mcp_tool_listing",
    "mcp_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "web_fetch_tool_result",
}


def test_a_message_with_some_of_everything():
    assert transcript(
        message_start(),
        block_start(0, type="thinking", thinking="", signature=""),
        block_delta(0, type="thinking_delta", thinking="Look it\n\nup"),
        block_delta(0, type="thinking_delta", thinking="."),
        block_delta(0, type="signature_delta", signature="c2ln"),
        block_stop(0),
        block_start(1, type="text", text=""),
        block_delta(1, type="text_delta", text="One "),
        {"type": "heartbeat", "n": 1},
        block_delta(1, type="text_delta", text="moment."),
        block_stop(1),
        block_start(2, type="tool_use", id="toolu_1", name="weather", input={}),
        block_delta(2, type="input_json_delta", partial_json=""),
        block_delta(2, type="input_json_delta", partial_json='{"city": "Kra'),
        block_delta(2, type="input_json_delta", partial_json='ków"}'),
        block_stop(2),
        block_start(3, type="tool_use", id="toolu_2", name="time", input={}),
        block_stop(3),
        *message_end("tool_use", {"output_tokens": 1234, "cache_read_input_tokens": 0}),
    ) == (
        "│ Look it\n"
        "│ \n"
        "│ up.\n"
        "\n"
        "One moment.\n"
        "\n"
        '· heartbeat {"n": 1}\n'
        "\n"
        '▸ weather {"city": "Kraków"}\n'
        "▸ time {}\n"
        "\n"
        "— tool_use · tokens: 1,234 output, 0 cache read\n"
    )


def test_text_is_shown_as_it_is():
    words = "[bold]not bold[/bold] :smile: a\tb \\[x] https://example.org 'quoted' 12"
    assert transcript(*text_of(words[:9], words[9:])) == f"{words}\n\n— end_turn\n"


def test_a_text_block_continues_the_text_before_it():
    texts = [{"type": "text", "text": words} for words in ("One ", "sentence.", "\n\nTwo.\n")]
    assert transcript(message_start(), *whole(*texts), *message_end()).startswith(
        "One sentence.\n\nTwo.\n\n—"
    )


def test_line_feeds_at_the_start_of_a_text_count_as_the_blank_line_before_it():
    blocks = (
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "\n\nSo"},
    )
    assert transcript(message_start(), *whole(*blocks), *message_end()).startswith("│ hm\n\nSo\n")


def test_halves_of_a_character_are_joined_and_a_lone_half_is_an_escape():
    assert transcript(*text_of("a\ud83d", "\ude00b\ud83d", "c\ud83d")).startswith(
        "a😀b\\ud83dc\\ud83d\n"
    )


def test_half_a_character_does_not_wait_for_another_block():
    blocks = block_start(0, type="text", text="a"), block_start(1, type="text", text="b")
    half = block_delta(0, type="text_delta", text="\ud83d")
    events = [
        *blocks,
        half,
        block_delta(1, type="text_delta", text="\ude00"),
        block_stop(0),
        block_stop(1),
    ]
    assert transcript(message_start(), *events, *message_end()).startswith("ab\\ud83d\\ude00\n")


def test_blank_lines_are_counted_however_they_come():
    assert transcript(*text_of("a", "\n", "\n")) == "a\n\n— end_turn\n"
    assert transcript(*text_of("a\n", "\n", "\n")) == "a\n\n\n— end_turn\n"


def test_citations_are_footnotes_with_one_number_per_source():
    one = {"type": "char_location", "cited_text": "a\nb", "document_index": 3}
    one |= {"start_char_index": 0, "end_char_index": 2}
    two = {
        "type": "web_search_result_location",
        "cited_text": "c",
        "url": "u:",
        "encrypted_index": "",
    }
    assert (
        transcript(
            message_start(),
            block_start(0, type="text", text="A", citations=[one]),
            block_delta(0, type="citations_delta", citation=two),
            block_delta(0, type="citations_delta", citation=two),
            block_stop(0),
            *(block_start(1, type="text", text="B", citations=[two]), block_stop(1)),
            *(block_start(2, type="text", text="C", citations="none"), block_stop(2)),
            *message_end(),
        )
        == "A[1][2]B[2]C\n"
        "\n"
        "[1] document 3, characters 0–1\n    “a\n    b”\n"
        "[2] u:\n    “c”\n"
        "\n"
        "— end_turn\n"
    )


def test_results_name_the_call_they_belong_to():
    calls = [
        {"type": "mcp_tool_use", "id": "1", "name": "find", "server_name": "books", "input": {}},
        {"type": "server_tool_use", "id": "2", "name": "bash_code_execution", "input": {"a": 1}},
    ]
    failed = {
        "type": "bash_code_execution_result",
        "return_code": 3,
        "stdout": "x",
        "stderr": "y\n",
    }
    files = [{"type": "bash_code_execution_output", "file_id": "file_9"}]
    results = [
        {
            "type": "bash_code_execution_tool_result",
            "tool_use_id": "2",
            "content": {**failed, "content": files},
        },
        {"type": "mcp_tool_result", "tool_use_id": "1", "is_error": True, "content": "no\nway"},
        {"type": "mcp_tool_result", "tool_use_id": "?", "is_error": False, "content": [{"odd": 1}]},
    ]
    assert transcript(message_start(), *whole(*calls, *results), *message_end()).startswith(
        "▸ books/find {}\n"
        '▸ bash_code_execution {"a":1}\n'
        "◂ bash_code_execution: return code 3\n"
        "  x\n"
        "  stderr:\n"
        "  y\n"
        "  file file_9\n"
        "◂ books/find: error\n"
        "  no\n"
        "  way\n"
        "◂ mcp\n"
        '  {"odd": 1}\n'
        "\n"
    )


def test_content_that_comes_with_message_start_is_shown():
    text, call = (
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "1", "name": "f", "input": {}},
    )
    assert (
        transcript(message_start(content=[text, call]), *message_end())
        == "Hi\n\n▸ f {}\n\n— end_turn\n"
    )


def test_blocks_that_take_turns_stay_apart():
    call = {"type": "tool_use", "input": {}}
    assert (
        transcript(
            message_start(),
            block_start(0, **call, id="1", name="f"),
            block_start(1, **call, id="2", name="g"),
            block_delta(0, type="input_json_delta", partial_json='{"a":'),
            block_delta(1, type="input_json_delta", partial_json="{}"),
            block_delta(0, type="input_json_delta", partial_json="1}"),
            block_stop(1),
            block_stop(0),
            *message_end(),
        )
        == '▸ f \n▸ g \n▸ f {"a":\n▸ g {}\n▸ f 1}\n\n— end_turn\n'
    )


# --- kinds that are newer than the transcript -----------------------------------------------------


class AudioBlock:
    """A block of a kind that the reducer declares and the transcript does not know."""

    type = "audio"

    def to_dict(self):
        return {"type": "audio", "data": "UklGRg=="}


class AudioEvent:
    """A derived event of an unknown kind."""

    type = "audio"
    audio = "UklG"


def shown_around(*derived):
    """The transcript of a stream in which an audio block yields these derived events."""
    out = io.StringIO()
    display = Transcript(out)
    block = AudioBlock()
    begins = RawContentBlockStartEvent(index=0, content_block=block)
    display.show(
        [begins, *derived, ContentBlockStopEvent(index=0, content_block=block)], Snapshot()
    )
    display.close(Snapshot())
    return out.getvalue()


def test_a_new_kind_of_block_becomes_a_note_and_its_events_show_nothing():
    assert shown_around(AudioEvent(), AudioEvent()) == '· audio {"data": "UklGRg=="}\n'


def test_a_new_kind_of_block_may_grow_by_text_and_by_json():
    text = TextEvent(text="la", snapshot="la")
    assert shown_around(text) == 'la\n\n· audio {"data": "UklGRg=="}\n'
    call = InputJsonEvent(partial_json='{"a":1}', snapshot={"a": 1})
    assert shown_around(call) == '▸ audio {"a":1}\n\n· audio {"data": "UklGRg=="}\n'


@given(
    st.lists(st.sampled_from([*text_of("x"), *whole({"type": "fallback", "from": {}, "to": {}})]))
)
def test_any_order_of_events_is_shown_or_refused(events):
    out = io.StringIO()
    fault = show_body([body(*events)], Transcript(out))
    assert fault is None or isinstance(fault, StreamfoldError)
