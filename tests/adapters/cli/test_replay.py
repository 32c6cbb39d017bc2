"""The command line: what it shows, what it says on standard error, how it exits.

First in this process, where every line can be reached; then as real processes with real pipes,
signals and terminals, because those are what a shell is about.
"""

import doctest
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamfold.adapters import cli
from streamfold.adapters.cli import displays, terminal
from streamfold.reducer import ProtocolError, Snapshot, StreamfoldError, StreamState, feed

from tests.support.command_line import ENVIRONMENT, Screen, command, posix, read_all, read_until

RECORDINGS = Path(__file__).parents[2] / "recordings"
INDEX = json.loads((RECORDINGS / "index.json").read_text("utf-8"))
NAMES = tuple(INDEX)

# --- streams ------------------------------------------------------------------------------------


def body(*events):
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


def start(*content, **fields):
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6"}
    return {"type": "message_start", "message": {**head, "content": list(content), **fields}}


def begin(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, kind, **fields):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index):
    return {"type": "content_block_stop", "index": index}


def whole(*blocks):
    """The events of blocks that come whole."""
    return [
        event
        for index, block in enumerate(blocks)
        for event in (begin(index, **block), stop(index))
    ]


def end(reason="end_turn", usage=None, **fields):
    delta = {"stop_reason": reason, "stop_sequence": None, **fields}
    return {"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}


def text_of(*pieces):
    return [
        start(),
        begin(0, type="text", text=""),
        *(delta(0, "text_delta", text=piece) for piece in pieces),
        stop(0),
        *end(),
    ]


HELLO = body(start(), begin(0, type="text", text=""), delta(0, "text_delta", text="Hello"))
"""The beginning of a message, to be continued."""

# --- ways to run it -----------------------------------------------------------------------------


class Source:
    """Standard input that arrives in these pieces; an exception among them is raised."""

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.buffer = self

    def read1(self, size):
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, (BaseException, type)):
            raise piece
        assert len(piece) <= size
        return piece


@pytest.fixture
def replay(monkeypatch, capsys):
    """Replay pieces that arrive on standard input: exit status, output, error output."""

    def run(*pieces, flags=()):
        monkeypatch.setattr(sys, "stdin", Source(pieces))
        status = cli.main(["replay", *flags, "-"])
        return status, *capsys.readouterr()

    return run


def shown(*events):
    """What people see of a stream of these events."""
    out = io.StringIO()
    transcript = terminal.Transcript(out)
    state, derived = feed(StreamState(), body(*events))
    transcript.show(derived, state.snapshot)
    transcript.close(state.snapshot)
    return out.getvalue()


# --- every recording ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_json_prints_the_message_and_the_status_says_how_it_ended(name, capsys):
    status = cli.main(["replay", "--json", str(RECORDINGS / f"{name}.sse")])
    out, err = capsys.readouterr()
    expected = (RECORDINGS / f"{name}.json").read_text("utf-8")
    assert json.loads(out or "null") == json.loads(expected)
    if INDEX[name]["ends"] == "complete":
        assert (status, err) == (0, "")
    else:
        assert status == 1
        assert re.fullmatch(r"streamfold: .+\n", err)


@pytest.mark.parametrize("name", NAMES)
def test_events_prints_what_feed_gives(name, capsys):
    stream = (RECORDINGS / f"{name}.sse").read_bytes()
    try:
        _, events = feed(StreamState(), stream)
    except ProtocolError as error:
        events = error.events
    status = cli.main(["replay", "--events", str(RECORDINGS / f"{name}.sse")])
    out, _ = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        json.loads(event.to_json()) for event in events
    ]
    assert status == (INDEX[name]["ends"] != "complete")


@pytest.mark.parametrize("name", NAMES)
def test_people_see_all_of_the_message(name, capsys):
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
            assert terminal.visible(block["text"]) in out
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
            told = block["content"]
            lines = [*told.get("stdout", "").splitlines(), *told["stderr"].splitlines()]
            assert all(f"  {line}\n" in out for line in lines)
            assert f": return code {told['return_code']}\n" in out
        elif kind not in RESULTS:
            assert any(
                line.startswith("· ") and kind.split("_")[0] in line for line in out.splitlines()
            )
    assert all(source.get("cited_text", "") in out for source in sources)
    usage = message["usage"]
    last = out.splitlines()[-1]
    assert last.startswith(f"— {message['stop_reason'] or 'unfinished'} ")
    assert f"{usage['input_tokens']:,} input, {usage['output_tokens']:,} output" in last
    assert f"{usage['cache_read_input_tokens']:,} cache read" in last


RESULTS = {
    "advisor_tool_result",
    "mcp_tool_listing",
    "mcp_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "web_fetch_tool_result",
}


@pytest.mark.parametrize("name", NAMES)
def test_how_the_bytes_arrive_changes_nothing(name, replay):
    stream = (RECORDINGS / f"{name}.sse").read_bytes()
    half = len(stream) // 2
    at_once = replay(stream[:half], stream[half:])
    for size in (97,) if len(stream) > 20_000 else (1, 97):
        assert replay(*(stream[at : at + size] for at in range(0, len(stream), size))) == at_once


# --- what people see ----------------------------------------------------------------------------


def test_the_whole_picture():
    assert shown(
        start(),
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Look it\n\nup"),
        delta(0, "thinking_delta", thinking="."),
        delta(0, "signature_delta", signature="c2ln"),
        stop(0),
        begin(1, type="text", text=""),
        delta(1, "text_delta", text="One "),
        {"type": "heartbeat", "n": 1},
        delta(1, "text_delta", text="moment."),
        stop(1),
        begin(2, type="tool_use", id="toolu_1", name="weather", input={}),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json='{"city": "Kra'),
        delta(2, "input_json_delta", partial_json='ków"}'),
        stop(2),
        begin(3, type="tool_use", id="toolu_2", name="time", input={}),
        stop(3),
        *end("tool_use", {"output_tokens": 1234, "cache_read_input_tokens": 0}),
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
    assert shown(*text_of(words[:9], words[9:])) == f"{words}\n\n— end_turn\n"


def test_the_text_of_blocks_goes_on_where_it_stopped():
    texts = [{"type": "text", "text": words} for words in ("One ", "sentence.", "\n\nTwo.\n")]
    assert shown(start(), *whole(*texts), *end()).startswith("One sentence.\n\nTwo.\n\n—")


def test_line_feeds_at_the_start_of_a_text_count_as_the_blank_line_before_it():
    blocks = (
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "\n\nSo"},
    )
    assert shown(start(), *whole(*blocks), *end()).startswith("│ hm\n\nSo\n")


def test_control_characters_are_shown_not_sent():
    seen = shown(*text_of("\x1b[31mred\x07\x00\r\n", "\x9b2J\x7f\u202e"))
    assert seen.startswith("␛[31mred␇␀␍\n\\x9b2J␡\u202e\n")


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(terminal).failed == 0


def test_control_characters_are_shown_wherever_they_come_from():
    evil = "\x1b]0;pwned\x07"
    seen = shown(
        start(),
        *whole(
            {"type": "tool_use", "id": evil, "name": evil, "input": {evil: evil}},
            {"type": "web_search_tool_result", "tool_use_id": evil, "content": [{"title": evil}]},
            {"type": "redacted_thinking", "data": evil},
            {"type": evil, evil: evil},
            {"type": "text", "text": "", "citations": [{"type": evil}]},
        ),
        {"type": "x", evil: evil},
        *end(evil, stop_sequence=evil, stop_details={"type": "refusal", "explanation": evil}),
    )
    assert "pwned" in seen
    assert "\x1b" not in seen
    assert "\x07" not in seen


def test_halves_of_a_character_find_each_other_and_a_lone_one_is_an_escape():
    assert shown(*text_of("a\ud83d", "\ude00b\ud83d", "c\ud83d")).startswith(
        "a😀b\\ud83dc\\ud83d\n"
    )


def test_half_a_character_does_not_wait_for_another_block():
    blocks = begin(0, type="text", text="a"), begin(1, type="text", text="b")
    half = delta(0, "text_delta", text="\ud83d")
    events = [*blocks, half, delta(1, "text_delta", text="\ude00"), stop(0), stop(1)]
    assert shown(start(), *events, *end()).startswith("ab\\ud83d\\ude00\n")


def test_blank_lines_are_counted_however_they_come():
    assert shown(*text_of("a", "\n", "\n")) == "a\n\n— end_turn\n"
    assert shown(*text_of("a\n", "\n", "\n")) == "a\n\n\n— end_turn\n"


def test_citations_are_footnotes_and_the_same_source_is_told_once():
    one = {"type": "char_location", "cited_text": "a\nb", "document_index": 3}
    one |= {"start_char_index": 0, "end_char_index": 2}
    two = {
        "type": "web_search_result_location",
        "cited_text": "c",
        "url": "u:",
        "encrypted_index": "",
    }
    assert (
        shown(
            start(),
            begin(0, type="text", text="A", citations=[one]),
            delta(0, "citations_delta", citation=two),
            delta(0, "citations_delta", citation=two),
            stop(0),
            *(begin(1, type="text", text="B", citations=[two]), stop(1)),
            *(begin(2, type="text", text="C", citations="none"), stop(2)),
            *end(),
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
    assert shown(start(), *whole(*calls, *results), *end()).startswith(
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


def result(kind, content):
    block = {"type": f"{kind}_tool_result", "tool_use_id": "1", "content": content}
    return shown(start(), *whole(block), *end()).removesuffix("\n— end_turn\n")


def test_results_of_each_kind():
    assert result("web_search", [{"title": "T", "url": "u:", "page_age": "1 day"}, 7]) == (
        "◂ web_search: 1 result\n  T (1 day)\n    u:\n"
    )
    assert result("web_search", []) == "◂ web_search: 0 results\n"
    edited = "text_editor_code_execution"
    assert result(edited, {"type": f"{edited}_create_result"}) == f"◂ {edited}: created\n"
    viewed = {"type": f"{edited}_view_result", "file_type": "image", "content": "iVBORw0KGgo="}
    assert result(edited, viewed) == f"◂ {edited}: image\n"
    replaced = {"type": f"{edited}_str_replace_result"}
    assert result(edited, replaced) == f"◂ {edited}: replaced\n"
    assert result(edited, {**replaced, "lines": ["-a", "+b"]}).endswith(": replaced\n  -a\n  +b\n")
    told = {"type": "tool_search_tool_result_error", "error_code": "e", "error_message": "m"}
    assert result("tool_search", told) == "◂ tool_search: error e\n  m\n"
    unheard_of = {"type": "sung_result", "notes": "la" * 200}
    assert result("advisor", unheard_of).startswith(
        '◂ advisor\n  {"type": "sung_result", "notes": "lala'
    )
    assert result("advisor", unheard_of).endswith("la… (436 characters)\n")


def test_notes():
    seen = shown(
        start(),
        *whole(
            {"type": "compaction", "content": "So far:\n- a"},
            {"type": "compaction", "content": None},
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
            {"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": []},
            {"type": "thinking", "thinking": "", "signature": "x"},
            {"type": "hologram", "size": [1]},
        ),
        *end(stop_details={"type": "tired"}),
    )
    assert seen == (
        "· compaction\n  So far:\n  - a\n"
        "· compaction, without a summary\n"
        "· fallback a → b\n"
        "· tools of s: none\n"
        "· thinking, not shown\n"
        '· hologram {"size": [1]}\n'
        '· stop details {"type": "tired"}\n'
        "\n"
        "— end_turn\n"
    )


def test_a_refusal_says_as_much_as_it_knows():
    told = {"type": "refusal", "category": "bio", "explanation": "Not\nthis."}
    assert "· refused (bio): Not\n  this.\n\n— refusal\n" in shown(
        start(), *end("refusal", stop_details=told)
    )
    assert "· refused\n" in shown(start(), *end("refusal", stop_details={"type": "refusal"}))


def test_content_that_comes_with_message_start_is_shown():
    text, call = (
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "1", "name": "f", "input": {}},
    )
    assert shown(start(text, call), *end()) == "Hi\n\n▸ f {}\n\n— end_turn\n"


def test_blocks_that_take_turns_stay_apart():
    call = {"type": "tool_use", "input": {}}
    assert (
        shown(
            start(),
            begin(0, **call, id="1", name="f"),
            begin(1, **call, id="2", name="g"),
            delta(0, "input_json_delta", partial_json='{"a":'),
            delta(1, "input_json_delta", partial_json="{}"),
            delta(0, "input_json_delta", partial_json="1}"),
            stop(1),
            stop(0),
            *end(),
        )
        == '▸ f \n▸ g \n▸ f {"a":\n▸ g {}\n▸ f 1}\n\n— end_turn\n'
    )


def test_what_is_still_open_at_the_end_is_shown(replay):
    for block, seen in (
        ({"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}, '▸ f {"a":1}\n'),
        ({"type": "compaction", "content": "So far"}, "· compaction\n  So far\n"),
        ({"type": "text", "text": "Hi"}, "Hi\n"),
    ):
        status, out, err = replay(body(start(), begin(0, **block)))
        assert (status, out) == (1, f"{seen}\n— unfinished\n")
        assert err == "streamfold: the stream ended before the message was complete\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "stdout",
        "stderr",
        "return_code",
        "content",
        "is_file_update",
        "file_type",
        "lines",
        "url",
        "title",
        "tool_references",
        "text",
        "error_code",
        "error_message",
        "page_age",
        "from",
        "to",
        "model",
        "category",
        "explanation",
        "trigger",
        "tools",
    ]
)
CONTENT = st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON)), max_size=5)
RESULT_BLOCKS = st.sampled_from(
    [
        kind.type
        for kind in terminal._STOPS
        if "result" in kind.type and kind.type != "mcp_tool_result"
    ]
)
CONTENT_TYPES = st.sampled_from([*terminal._RESULTS, "new_result", "some_error"])


@settings(deadline=None)
@given(RESULT_BLOCKS, CONTENT_TYPES, CONTENT, st.lists(CONTENT | JSON), JSON)
def test_nothing_in_a_result_raises(kind, told_as, content, pages, details):
    fields = {"tool_use_id": "1", "is_error": bool(pages)}
    events = [
        start(),
        *whole(
            {"type": kind, **fields, "content": {**content, "type": told_as}},
            {"type": "web_search_tool_result", **fields, "content": pages},
            {"type": "mcp_tool_result", **fields, "content": pages},
            {"type": "mcp_tool_result", **fields, "content": "text"},
            {"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": pages},
            {"type": "fallback", "from": content, "to": content, "trigger": details},
            {"type": "compaction", "content": details},
        ),
        *end(stop_details=details, usage={"input_tokens": details}),
    ]
    seen = shown(*events)
    assert seen.startswith("◂ ")
    assert "— end_turn" in seen


@given(
    st.lists(st.sampled_from([*text_of("x"), *whole({"type": "fallback", "from": {}, "to": {}})]))
)
def test_any_order_of_events_is_shown_or_refused(events):
    out = io.StringIO()
    fault = displays.show_body([body(*events)], terminal.Transcript(out))
    assert fault is None or isinstance(fault, StreamfoldError)


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "seen"),
    [
        ((), "Hello, you\n\n— unfinished\n"),
        (("--json",), '"text": "Hello, you"'),
        (("--events",), '"snapshot":"Hello, you"'),
    ],
)
def test_what_came_before_a_fault_in_the_same_chunk_is_shown(replay, flags, seen):
    status, out, err = replay(
        HELLO + body(delta(0, "text_delta", text=", you"), stop(7)), flags=flags
    )
    assert status == 1
    assert seen in out
    assert err == "streamfold: content_block_stop (index 7): no such block has started\n"


def test_a_reason_is_one_line_without_control_characters(replay):
    error = {"type": "api_error", "message": "one\ntwo\x1b[31m"}
    assert replay(body({"type": "error", "error": error})) == (
        1,
        "",
        "streamfold: the stream failed with api_error: one␊two␛[31m\n",
    )


def test_an_input_that_breaks_off(replay):
    status, out, err = replay(HELLO, OSError(5, "Input/output error"))
    assert (status, out) == (1, "Hello\n\n— unfinished\n")
    assert err == "streamfold: the input broke off: Input/output error\n"


def test_an_interrupt_is_quiet(replay, monkeypatch):
    assert replay(HELLO, KeyboardInterrupt) == (130, "Hello", "")
    monkeypatch.setattr(sys, "stdout", screen := Screen())
    assert replay(HELLO, KeyboardInterrupt) == (130, "", "")
    assert screen.getvalue().endswith("Hello\n")


def test_files_that_make_no_sense(tmp_path, capsys, monkeypatch):
    missing = tmp_path / "missing.sse"
    assert cli.main(["replay", str(missing)]) == 2
    assert capsys.readouterr().err == f"streamfold: {missing}: No such file or directory\n"
    assert cli.main(["replay", str(tmp_path)]) == 2
    assert re.fullmatch(r"streamfold: .*: .+\n", capsys.readouterr().err)
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main(["replay", "-"]) == 2
    assert capsys.readouterr() == ("", "streamfold: -: standard input is closed\n")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path, capsys):
    (tmp_path / "secret").touch(0)
    assert cli.main(["replay", str(tmp_path / "secret")]) == 2
    assert "Permission denied" in capsys.readouterr().err


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
def test_flags_that_make_no_sense(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(arguments)
    assert exit.value.code == 2
    assert "usage: streamfold" in capsys.readouterr().err


def test_alone_it_prints_help(capsys):
    assert cli.main([]) == 2
    assert "replay" in capsys.readouterr().err


@pytest.mark.parametrize(("found", "told"), [("1.2.3", "1.2.3"), (None, "(not installed)")])
def test_version(found, told, capsys, monkeypatch):
    def version(name):
        if found is None:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr("importlib.metadata.version", version)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"streamfold {told}\n"


# --- the output ---------------------------------------------------------------------------------


@posix
def test_output_that_cannot_be_written(capsys, monkeypatch):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert cli.main(["replay", str(RECORDINGS / "tool.sse")]) == 1
    assert capsys.readouterr().err == "streamfold: cannot write: No space left on device\n"


@posix
def test_output_that_nobody_reads(capsys, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert cli.main(["replay", str(RECORDINGS / "tool.sse")]) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("flags", [(), ("--json",), ("--events",)])
def test_encodings_that_cannot_say_everything(encoding, flags, monkeypatch):
    pieces = "é😀€ 漢字", "\ud83d half"
    monkeypatch.setattr(sys, "stdin", Source([body(*text_of(*pieces))]))
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    assert cli.main(["replay", *flags, "-"]) == 0
    written = out.buffer.getvalue().decode(encoding)
    if flags == ("--json",):
        assert json.loads(written)["content"][0]["text"] == "".join(pieces)
    elif flags:
        texts = [json.loads(line).get("text") for line in written.splitlines()]
        assert [text for text in texts if text is not None] == list(pieces)
    else:
        said = "".join(pieces).encode(encoding, "backslashreplace").decode(encoding)
        assert written.startswith(f"{said}\n")


def test_json_on_a_terminal_has_no_control_characters(monkeypatch):
    for flags in (["--json"], ["--events"]):
        monkeypatch.setattr(sys, "stdin", Source([body(*text_of("a\x9b\x7f\x1bé"))]))
        monkeypatch.setattr(sys, "stdout", screen := Screen())
        assert cli.main(["replay", *flags, "-"]) == 0
        assert r"a\u009b\u007f\u001bé" in screen.getvalue()
        assert screen.getvalue().isprintable() is False  # line feeds
        assert screen.getvalue().replace("\n", "").isprintable()


def uncoloured(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def on_screen(stream):
    screen = Screen()
    assert displays.show_body([stream], terminal.Transcript(screen)) is None
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


def test_markup_and_tabs_go_past_rich_untouched(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    words = "[bold]\t:smile:[/bold] \x1b[31m 12 'x' http://a.b " + "long " * 60
    assert on_screen(body(*text_of(words))).startswith(words.replace("\x1b", "␛"))


@pytest.mark.parametrize(
    "unset",
    [{"NO_COLOR": "1"}, {"NO_COLOR": "", "TERM": "dumb"}, {"NO_COLOR": "", "rich": "absent"}],
)
def test_no_colours_where_none_are_wanted(unset, monkeypatch):
    monkeypatch.setenv("TERM", unset.get("TERM", "xterm-256color"))
    monkeypatch.setenv("NO_COLOR", unset["NO_COLOR"])
    if "rich" in unset:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    assert "\x1b" not in on_screen((RECORDINGS / "agent-turn.sse").read_bytes())


# --- real processes -----------------------------------------------------------------------------


def test_importing_it_is_cheap():
    heavy = ("httpx", "rich", "asyncio", "pydantic", "hypothesis", "importlib.metadata")
    code = f"import sys, streamfold.adapters.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT)
    assert done.stdout.decode() == "[]\n", done.stderr


def test_the_command_is_a_module_too():
    done = command("replay", "--json", str(RECORDINGS / "cut-text.sse"))
    assert done.returncode == 1
    assert json.loads(done.stdout) == json.loads((RECORDINGS / "cut-text.json").read_bytes())
    assert done.stderr == b"streamfold: the stream ended before the message was complete\n"
    done = command("replay", "--sideways", "-")
    assert (done.returncode, done.stdout) == (2, b"")


def test_no_colours_in_a_pipe():
    done = command("replay", str(RECORDINGS / "agent-turn.sse"))
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout


@posix
@pytest.mark.parametrize("flags", [(), ("--events",)])
def test_text_appears_before_the_input_ends(running, flags):
    process = running("replay", *flags, "-")
    for piece in (b"One ", b"after ", b"another."):
        first = HELLO if piece == b"One " else b""
        process.stdin.write(first + body(delta(0, "text_delta", text=piece.decode())))
        read_until(process.stdout.fileno(), piece)
    assert process.poll() is None
    process.stdin.write(body(stop(0), *end()))
    process.stdin.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""


@posix
@pytest.mark.parametrize("flags", [(), ("--events",)])
def test_a_broken_pipe_is_quiet(running, flags):
    process = running("replay", *flags, "-")
    process.stdin.write(HELLO)
    read_until(process.stdout.fileno(), b"Hello")
    process.stdout.close()
    process.stdin.write(body(delta(0, "text_delta", text=" again")))
    assert process.wait(30) == 141
    assert process.stderr.read() == b""


@posix
def test_a_broken_pipe_for_the_reason_is_quiet_too(running):
    reading, writing = os.pipe()
    process = running("replay", "-", stderr=writing)
    os.close(writing)
    os.close(reading)
    process.stdin.write(HELLO)
    process.stdin.close()
    assert process.wait(30) == 141


@posix
@pytest.mark.parametrize("flags", [(), ("--json",), ("--events",)])
def test_ctrl_c_is_quiet(running, flags):
    process = running("replay", *flags, "-")
    process.stdin.write(HELLO + b"event: x\n")
    if flags == ("--json",):
        time.sleep(1)  # it shows nothing yet by which to know that it reads
    else:
        read_until(process.stdout.fileno(), b"Hello")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read() == b""


def test_colours_on_a_terminal(running, pty):
    pytest.importorskip("rich")
    stream = body(
        start(),
        *whole(
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "\x1b[2J[red]a\tb"},
            {"type": "tool_use", "id": "1", "name": "f", "input": {}},
        ),
        *end(),
    )
    process = running("replay", "-", stdout=pty.slave)
    os.close(pty.slave)
    process.stdin.write(stream)
    process.stdin.close()
    seen = read_all(pty.master).decode().replace("\r\n", "\n")
    assert process.wait(30) == 0
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
    assert process.wait(30) == 0
    assert seen == command("replay", name).stdout.decode()


def test_ctrl_c_on_a_terminal_ends_the_line(running, pty):
    process = running("replay", "-", stdout=pty.slave)
    os.close(pty.slave)
    process.stdin.write(HELLO)
    read_until(pty.master, b"Hello")
    process.send_signal(signal.SIGINT)
    assert read_all(pty.master).endswith(b"\r\n")
    assert process.wait(30) == 130
    assert process.stderr.read() == b""


def test_a_display_is_asked_for_events_and_for_the_end():
    out = io.StringIO()
    displays.FinalMessage(out).close(Snapshot())
    displays.EventLines(out).close(Snapshot())
    assert out.getvalue() == ""
