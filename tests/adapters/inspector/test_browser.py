"""The page in a real browser: what it shows is the fold, and it stays in its bounds."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from streamfold.reducer import encode_event_stream, encode_sse
from streamfold.transports import (
    RecordedChunk,
    RecordedError,
    RecordedRequest,
    RecordedResponse,
    Recording,
)

from tests.adapters.inspector.reference import (
    RECORDINGS,
    answer,
    folded,
    framed,
    message_start,
    recording_of,
    text_deltas,
)
from tests.support.browser import ShownPage
from tests.support.event_stream_frames import ALL_TYPES, frame

Inspect = Callable[..., ShownPage]


def path_of(name: str) -> Path:
    """The recording of this name."""
    return RECORDINGS[0].with_name(f"{name}.sse")


# --- what it shows is the fold ------------------------------------------------------------------

STATES = """() => {
    const forward = Array.from({length: streamfold.count + 1}, (_, n) => streamfold.messageAt(n));
    for (let n = streamfold.count; n >= 0; n--) {
        const back = JSON.stringify(streamfold.messageAt(n));
        if (back !== JSON.stringify(forward[n])) return `another message on the way back to ${n}`;
    }
    return forward;
}"""
"""The message after each number of events."""
STEP = """async (steps) => {
    const tabs = document.querySelectorAll("[role=tab]");
    const stride = Math.ceil((streamfold.count + 1) / steps);
    for (const [message, details] of [[0, 2], [1, 3], [0, 4]]) {
        tabs[message].click();
        tabs[details].click();
        for (let n = 0; n <= streamfold.count; n += stride) await streamfold.goTo(n);
    }
}"""
"""Shows events with every tab: two are open at a time."""
DERIVED = "() => Array.from({length: streamfold.count}, (_, n) => streamfold.derivedAt(n + 1))"


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_each_state_is_that_of_the_fold(path: Path, inspect: Inspect) -> None:
    recording = Recording.load(path)
    expected = folded(recording.body)
    page = inspect(recording)
    assert page.json(STATES) == expected.messages
    assert page.json(DERIVED) == expected.events
    # each tab can show each event, of long streams every so many
    page.run(STEP, 60)


@pytest.mark.parametrize(
    "name", ["agent-turn", "error-in-tool", "invalid-tool-syntax", "unicode", "unknown-everything"]
)
def test_each_state_of_a_stream_in_frames(name: str, inspect: Inspect) -> None:
    recording = framed(Recording.load(path_of(name)).body).rechunk(100)
    expected = folded(recording.body)
    page = inspect(recording, name="bedrock.jsonl")
    assert page.json(STATES) == expected.messages
    assert page.json(DERIVED) == expected.events
    page.run(STEP, 60)


def test_the_same_stream_in_both_framings(inspect: Inspect) -> None:
    plain = Recording.load(path_of("tools-parallel"))
    page = inspect(framed(plain.body), plain)
    assert "Both lead to the same message." in page.text(".parting")
    both = page.json(
        "() => streamfold.inspectors.map(({ stream }) => stream.messageAt(stream.count))"
    )
    assert both[0] == both[1] == folded(plain.body).messages[-1]


def test_a_message_that_was_given_is_the_readers(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("Hel", "lo")))
    taken = page.json(
        """() => {
            const early = streamfold.messageAt(3);
            streamfold.messageAt(7).content[0].text = "changed";
            return [early, streamfold.messageAt(7), streamfold.messageAt(0)];
        }"""
    )
    assert taken[0]["content"] == [{"type": "text", "text": "Hel"}]
    assert taken[1]["content"] == [{"type": "text", "text": "Hello"}]
    assert taken[2] is None


def test_there_is_no_event_outside_of_the_stream(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("Hello")))
    for n in (-1, 7, 1.5, "'1'"):
        script = f"streamfold.goTo({n}).catch((error) => `${{error.name}}: ${{error.message}}`)"
        assert re.match("RangeError: expected a whole number from 0 to 6, got ", page.run(script))


NUMBERS = '{"big": 123456789012345678901234567890, "list": [-9007199254740993, 1e300, 0.1, true]}'
KEYS = '{"__proto__": {"a": 1}, "constructor": 2, "10": "b", "2": "a", "": {}}'


@pytest.mark.parametrize("text", [NUMBERS, KEYS, '{"deep": ' + "[" * 150 + "]" * 150 + "}"])
def test_numbers_and_keys_that_are_not_those_of_javascript(text: str, inspect: Inspect) -> None:
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    recording = recording_of([message_start(), *tool(*pieces)])
    page = inspect(recording)
    assert page.json(STATES) == folded(recording.body).messages


def test_infinity_is_shown(inspect: Inspect) -> None:
    recording = recording_of([message_start(), *tool('{"a": [Infinity, ', "NaN, -Infinity", "]}")])
    page = inspect(recording)
    expected = folded(recording.body).messages[-1]["content"][0]["input"]["a"]
    got = page.run("streamfold.messageAt(streamfold.count).content[0].input.a.map(String)")
    assert got == ["Infinity", "NaN", "-Infinity"]
    assert [str(number) for number in expected] == ["inf", "nan", "-inf"]


def tool(*pieces: str, name: str = "save") -> list[dict[str, Any]]:
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    return [
        {"type": "content_block_start", "index": 0, "content_block": block},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": piece},
            }
            for piece in pieces
        ),
        {"type": "content_block_stop", "index": 0},
    ]


# --- content stays text -------------------------------------------------------------------------

HOSTILE = {
    "script": "</script><script>window.harmed = 1</script>",
    "handler": '<img src="x" onerror="window.harmed = 1"><svg onload="window.harmed = 1">',
    "comment": "<!--<script>",
    "entities": "&lt;b&gt; &amp;",
    "template": "{{data}} ${window.harmed = 1} `",
    "bidi": "user\u202e\u2066 resu \u2069",
    "control": "a\x00b\x1b[31mc\x7f\x85\u2028d",
    "halves": "\ud83d and \ude00",
    "quotes": "'\"\\",
    "link": "javascript:window.harmed=1",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_content_stays_text(text: str, inspect: Inspect) -> None:
    events = [
        message_start(id=text, model=text),
        *text_deltas(text, text[:3]),
        *({**event, "index": 1} for event in tool(json.dumps({text: text}), name=text)),
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {
                "type": "web_search_tool_result",
                "tool_use_id": text,
                "content": [{"type": "web_search_result", "title": text, "url": text}],
            },
        },
        {"type": text, text: text},
        {"type": "message_delta", "delta": {"stop_reason": text}, "usage": {text: text}},
        {"type": "error", "error": {"type": text, "message": text}},
    ]
    recording = recording_of(events)
    page = inspect(recording, name=text)
    assert page.json(STATES) == folded(recording.body).messages
    elements = page.run("document.querySelectorAll('*').length")
    page.run(STEP, 1000)
    assert page.run("window.harmed") is None
    foreign = (
        "document.querySelectorAll('main img, main a, main script, main svg:not(.marks, .icon)')"
    )
    assert page.run(f"{foreign}.length") == 0
    assert elements > 100


def test_controls_that_reorder_text_are_shown_as_tokens(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("user\u202eresu", "\x00")))
    assert "user" in page.text(".prose")
    assert page.run(
        "[...document.querySelectorAll('.prose .unseen')].map((e) => e.textContent)"
    ) == [
        "U+202E",
        "U+0000",
    ]


def test_a_string_of_ten_megabytes(inspect: Inspect) -> None:
    text = "0123456789abcdef" * 640 * 1024
    page = inspect(recording_of(answer(text, "end")))
    assert (
        page.run("streamfold.messageAt(streamfold.count).content[0].text.length") == len(text) + 3
    )
    assert len(page.text(".prose")) < 50_000
    assert page.text(".prose").endswith("end")
    for tab in range(5):
        page.run("(i) => document.querySelectorAll('[role=tab]')[i].click()", tab)
    assert page.run("document.body.textContent.length") < 500_000


def test_nothing_but_the_page_itself_may_run(inspect: Inspect, page: ShownPage) -> None:
    inspect(recording_of(answer("Hello")))
    outcome = page.run(
        """async () => {
            const blocked = [];
            const note = (event) => blocked.push(event.effectiveDirective);
            addEventListener("securitypolicyviolation", note);
            const script = document.createElement("script");
            script.textContent = "window.harmed = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<p style='color: red'>");
            await fetch("https://example.com/").catch(() => {});
            for (let waits = 0; waits < 600 && new Set(blocked).size < 3; waits++) {
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            return [window.harmed, ...new Set(blocked)];
        }"""
    )
    assert outcome[0] is None
    assert {"script-src-elem", "style-src-attr", "connect-src"} <= set(outcome)
    page.messages.clear()  # of the policy, about these three
    page.requests.clear()


# --- where it opens -----------------------------------------------------------------------------


def where(page: ShownPage) -> str:
    return page.text(".place")


@pytest.mark.parametrize(
    ("name", "place", "fault"),
    [
        ("text", "Event 33 of 33", None),
        (
            "invalid-tool-syntax",
            "Event 13 of 18",
            "InvalidToolInputError Unable to parse tool parameter JSON",
        ),
        ("error-overloaded", "Event 9 of 9", "OverloadedError overloaded_error: Overloaded"),
        (
            "cut-text",
            "Behind event 20: partial event",
            "IncompleteStreamError the stream ended before",
        ),
        ("unknown-events", "Event 17 of 17", "it came after the end"),
        ("empty-body", "Before the first of 0 events", "IncompleteStreamError"),
    ],
)
def test_it_opens_at_the_gravest_fault(
    name: str, place: str, fault: str | None, inspect: Inspect
) -> None:
    page = inspect(Recording.load(path_of(name)))
    assert where(page).startswith(place)
    if fault is None:
        assert page.run("document.querySelector('.fault-here')") is None
    else:
        assert fault in page.text(".faults-here")


def test_faults_can_be_reached(inspect: Inspect) -> None:
    page = inspect(Recording.load(path_of("unknown-events")))
    page.do("click", ".faults li:first-child button")
    assert where(page).startswith("Event 1 of 17")
    page.press("f")
    assert where(page).startswith("Event 4 of 17")


def test_a_connection_that_failed_is_shown_at_the_end(inspect: Inspect) -> None:
    whole = recording_of(answer("Hello"), every=1)
    recording = Recording(
        whole.chunks[:3], ended="error", error=RecordedError("ReadTimeout", "too slow"), duration=9
    )
    page = inspect(recording)
    assert "APITimeoutError" in page.text(".faults-here")
    assert "nothing came for 6.0 s after event 3, until the end" in page.text(".faults-here")
    assert page.run("document.querySelectorAll('.marks .stall').length") == 1
    assert "Longest gap\n6.000 s" in page.text(".metrics")


def test_bytes_behind_the_last_event_are_on_the_wire(inspect: Inspect) -> None:
    body = recording_of(answer("Hello")).body
    page = inspect(Recording.of(body[:-8]))
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    assert page.text(".wire .unfinished").startswith("event: message_stop")


def test_a_cut_is_on_the_wire(inspect: Inspect) -> None:
    body = recording_of(answer("Hello")).body
    begun = body.rindex(b"event: message_delta")
    for end, rest in ((begun + 30, ["event: message_delta", "data: {"]), (begun, [])):
        page = inspect(Recording.of(body[:end]))
        page.run("document.querySelectorAll('[role=tab]')[3].click()")
        assert "IncompleteStreamError" in page.text(".wire .fault-here")
        assert page.run("document.querySelector('.wire > :last-child').matches('.fault-here')")
        marked = page.run("[...document.querySelectorAll('.wire mark')].map((e) => e.innerText)")
        assert "".join(marked).startswith(rest[0] if rest else "event: content_block_stop")
        assert page.run("document.querySelectorAll('.wire .unfinished').length") == len(rest)
        assert all(part in page.text(".wire") for part in rest)


@pytest.mark.parametrize(("byte", "part"), [(5, "the prelude of a frame"), (60, "a frame")])
def test_a_damaged_frame_is_on_the_wire(byte: int, part: str, inspect: Inspect) -> None:
    recording = framed(encode_sse(answer("Hello", " you")), every=1)
    data = bytearray(recording.chunks[3].data)
    data[byte] ^= 1
    chunks = [*recording.chunks[:3], RecordedChunk(bytes(data), 4), *recording.chunks[4:]]
    page = inspect(attrs.evolve(recording, chunks=chunks))
    assert where(page) == "Behind event 3: unreadable bytes · 4.000 s"
    assert f"ProtocolError {part} has the checksum" in page.text(".reading .faults-here")
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    assert f"{part} has the checksum" in page.text(".wire .fault-here")
    behind = page.run("document.querySelector('.wire .fault-here').nextElementSibling.textContent")
    assert behind.startswith("chunk 4 · 4.000 s")
    assert page.run("document.querySelectorAll('.wire .unfinished').length") > 5
    flag = page.run("document.querySelector('.marks .flag').getBBox().x")
    plot = page.run("document.querySelector('.timeline').clientWidth")
    assert flag / plot == pytest.approx(4 / 7, abs=0.02)


def test_an_exception_frame_is_a_fault_at_its_event(inspect: Inspect) -> None:
    whole = framed(encode_sse(answer("Hello")))
    exception = {"message": "Wait", "exception_type": "throttlingException"}
    last = encode_event_stream([{"type": "error", "error": exception}])
    chunks = [*whole.chunks[:3], RecordedChunk(last, 1)]
    page = inspect(attrs.evolve(whole, chunks=chunks, duration=1))
    assert where(page).startswith("Event 4 of 4 · error")
    assert "RateLimitError" in page.text(".reading .faults-here")
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    assert ":exception-type throttlingException" in page.text(".wire")


# --- the wire -----------------------------------------------------------------------------------


def test_the_wire_shows_chunks_and_control_characters(inspect: Inspect) -> None:
    body = b'\xef\xbb\xbf: hi\r\ndata: {"type":\t"ping"}\r\n\r\ndata: \xff\xf0\x9f\n\n'
    page = inspect(Recording([RecordedChunk(body[:30], 0.5), RecordedChunk(body[30:], 1)]))
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    page.run("streamfold.goTo(1)")
    wire = page.text(".wire")
    assert "U+FEFF" in wire
    assert "chunk 1 · 0.500 s · 30 bytes" in wire
    assert "chunk 2 · 1.000 s" in wire
    tokens = page.run("[...document.querySelectorAll('.wire .control')].map((e) => e.textContent)")
    assert tokens == ["CR", "LF", "TAB", "CR", "LF", "CR", "LF", "LF", "LF"]
    page.do("click", ".wire [data-event='2']")
    assert where(page).startswith("Event 2 of 2")
    assert "FFF09F" in page.text(".wire").replace("\n", "")
    page.do("check", ".detail .check input")
    assert "EF BB BF 3A" in page.text(".wire")


def test_the_wire_shows_frames_in_their_parts(inspect: Inspect) -> None:
    recording = framed(encode_sse(answer("Hello")))
    sizes = [20, 20, 100, *(len(chunk.data) for chunk in recording.chunks)]
    page = inspect(recording.rechunk(sizes))
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    page.run("streamfold.goTo(1)")
    wire = page.text(".wire")
    size = len(recording.chunks[0].data)
    assert f"prelude\n{size} bytes, 75 of headers, checksum 0x" in wire
    assert ":content-type application/json" in wire
    assert 'payload\n{"bytes":"ey' in wire
    assert 'decoded\n{"type":"message_start"' in wire
    parts = page.run("[...document.querySelectorAll('.part-name')].map((e) => e.textContent)")
    assert parts[:8] == ["prelude", "header", "", "header", "", "header", "payload", ""]
    page.do("click", ".wire [data-event='2']")
    assert where(page).startswith("Event 2 of 6")
    page.do("check", ".detail .check input")
    assert "3A 65 76 65 6E 74" in page.text(".wire")  # `:event`


def test_a_long_frame_makes_few_elements(inspect: Inspect) -> None:
    page = inspect(framed(encode_sse(answer("x" * 300_000, "y" * 300_000))).rechunk(50))
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    for n in range(8):
        page.run(f"streamfold.goTo({n})")
        assert page.run("document.querySelectorAll('.wire *').length") < 1500
    assert "decoded" in page.text(".wire")


def test_headers_of_every_type_are_on_the_wire(inspect: Inspect) -> None:
    payload = json.dumps({"bytes": b64encode(b'{"type":"ping"}').decode()})
    kinds = {":message-type": "event", ":event-type": "chunk"}
    page = inspect(Recording.of(frame({**ALL_TYPES, **kinds}, payload)))
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    keys = page.run("[...document.querySelectorAll('.wire .key')].map((e) => e.textContent)")
    assert keys == [*ALL_TYPES, *kinds]


def test_a_character_leads_to_its_event(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("Alpha ", "beta ", "gamma")))
    expected = [3, 3, 4, 5]
    got = page.run(
        """() => [0, 5, 6, 15].map((offset) => {
            const [{ stream }] = streamfold.inspectors;
            const path = ["message", "content", 0, "text"];
            return stream.sourceOfCharacter(path, offset, stream.count);
        })"""
    )
    assert got == expected
    page.do("click", ".prose", position={"x": 5, "y": 10})
    assert where(page).startswith("Event 3 of 8")


def test_a_line_of_the_json_leads_to_its_event(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("Alpha ", "beta")))
    page.run("document.querySelectorAll('[role=tab]')[1].click()")
    page.do("click", ".json-lines .row:has-text('stop_reason')")
    assert where(page).startswith("Event 6 of 7")
    assert "stop_reason" in page.text(".change-box")
    assert page.run("document.querySelectorAll('.json-lines .changed').length") == 2


def test_a_value_of_the_message_leads_to_its_bytes(inspect: Inspect) -> None:
    page = inspect(recording_of([message_start(), *tool('{"a": 1, ', '"b": [2', "]}")]))
    page.do("click", ".reading .json .line:has-text('\"b\"')")
    assert where(page).startswith("Event 4 of 6")
    assert "partial_json" in page.text(".wire mark:has-text('data')")
    page.run("streamfold.goTo(5)")
    page.do("click", ".raw", position={"x": 14, "y": 16})  # its first character
    assert where(page).startswith("Event 3 of 6")
    page.do("click", ".message-head [data-path]:nth-child(2)")
    assert where(page).startswith("Event 1 of 6")


# --- keyboard, themes, paper ---------------------------------------------------------------------


def test_the_keyboard_alone(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("a", "b", "c")))
    for keys, place in (
        (["Home"], "Before the first of 8 events"),
        (["ArrowRight", "ArrowRight"], "Event 2 of 8"),
        (["ArrowLeft"], "Event 1 of 8"),
        (["End"], "Event 8 of 8"),
    ):
        page.press(*keys)
        assert where(page).startswith(place)
    page.press("/")
    page.do("fill", "[type=search]", "text_delta")
    page.wait("document.querySelector('.found').textContent === '3 of 8'")
    page.run("document.querySelector('.events [role=listbox]').focus()")
    page.press("Home", "ArrowDown")
    assert where(page).startswith("Event 4 of 8")
    active = page.run(
        """() => {
            const list = document.querySelector(".events [role=listbox]");
            const row = document.getElementById(list.getAttribute("aria-activedescendant"));
            const names = ["aria-selected", "aria-posinset"];
            return [...names.map((name) => row.getAttribute(name)), row.textContent];
        }"""
    )
    assert active[:2] == ["true", "2"]
    assert "text_delta" in active[2]
    page.run("document.querySelector('[role=tab]').focus()")
    page.press("ArrowRight")
    assert page.run("document.activeElement.textContent") == "JSON and changes"
    assert page.run("document.activeElement.getAttribute('aria-selected')") == "true"
    page.run("document.querySelector('.slider').focus()")
    page.press("ArrowRight")
    assert page.run("document.querySelector('.slider').getAttribute('aria-valuetext')").startswith(
        "Event 5 of 8"
    )
    page.press("?")
    assert page.run("document.querySelector('dialog').open") is True
    page.press("Escape")
    assert page.run("document.querySelector('dialog').open") is False
    page.run("document.querySelector('#shortcuts').checked = false")
    page.run("document.activeElement.blur()")
    page.press("End")
    assert where(page).startswith("Event 5 of 8")


def test_every_control_has_a_name_and_can_be_reached(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("Hello")))
    nameless = page.run(
        """() => [...document.querySelectorAll(
                "button, input, select, section, [role=listbox], [role=tabpanel]")]
            .filter((e) => !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")
                || e.textContent.trim() || e.closest("label")?.textContent.trim()))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    reached: set[str] = set()
    for _ in range(60):
        page.press("Tab")
        reached.add(
            page.run(
                """(() => {
                    const element = document.activeElement;
                    return element.getAttribute("aria-label") ?? element.textContent.trim();
                })()"""
            )
        )
    assert {"Playhead: events received", "Play", "Events", "Message", "Event"} <= reached


def test_it_plays(inspect: Inspect) -> None:
    page = inspect(recording_of(answer(*"abcdef"), every=1))
    page.press("Home")
    page.do("select_option", ".controls select", "100")
    page.press("Escape")
    page.run("document.activeElement.blur()")
    page.press(" ")
    page.wait("document.querySelector('.place').textContent.startsWith('Event 11')")
    page.do("wait_for_selector", "[aria-label=Play]")
    assert page.text(".prose") == "abcdef"


def test_the_playhead_can_be_dragged(inspect: Inspect) -> None:
    page = inspect(recording_of(answer(*"abcdef"), every=1))
    width = page.run("document.querySelector('.timeline').clientWidth")
    page.do("click", ".timeline", position={"x": width / 2, "y": 30})
    assert where(page).startswith("Event 5 of 11")
    page.do(
        "drag_and_drop",
        ".timeline",
        ".timeline",
        source_position={"x": width / 2, "y": 30},
        target_position={"x": width * 0.95, "y": 30},
    )
    assert where(page).startswith("Event 10 of 11")
    page.do("hover", ".timeline", position={"x": width / 2, "y": 30})
    assert re.fullmatch(r"5\.\d{3} s · event 5 · text_delta", page.text(".pointed"))


def contrast(page: ShownPage, selector: str) -> float:
    """The ratio of WCAG between an element's text and what is behind it."""
    ratio: float = page.run(
        """(selector) => {
            const element = document.querySelector(selector);
            const light = (css) => {
                const canvas = document.createElement("canvas").getContext("2d");
                canvas.fillStyle = css;
                canvas.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) => {
                    const part = c / 255;
                    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            let behind = element;
            const paper = () => getComputedStyle(behind).backgroundColor;
            while (paper() === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            const both = [getComputedStyle(element).color, paper()];
            const [dark, bright] = both.map(light).sort((a, b) => a - b);
            return (bright + 0.05) / (dark + 0.05);
        }""",
        selector,
    )
    return ratio


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_can_be_read(theme: Any, inspect: Inspect, page: ShownPage) -> None:
    page.media(color_scheme=theme)
    broken = {"type": "content_block_stop", "index": 7}
    inspect(recording_of([message_start(), *text_deltas("Hello")[:-1], broken]))
    background = page.run("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 384) == (theme == "light")
    for selector in (
        ".prose", ".message-head", ".verdict", ".fault-here strong", ".fault-here", ".row .label",
        ".row .preview", ".row-names", ".legend", ".metrics dt", ".tabs [aria-selected=false]",
        ".state", ".plain", "button.link", ".json .key", ".json .number", ".place", ".tag",
    ):  # fmt: skip
        assert contrast(page, selector) >= 4.5, selector


@pytest.mark.parametrize("form", ["one", "two", "frames"])
def test_a_narrow_window_needs_no_scrolling_to_the_side(
    form: str, inspect: Inspect, page: ShownPage
) -> None:
    recording = Recording.load(path_of("agent-turn"))
    shown = {
        "one": [attrs.evolve(recording, duration=20)],
        "two": [recording, Recording.load(path_of("web-search"))],
        "frames": [framed(recording.body)],
    }
    page.resize(360, 740)
    inspect(*shown[form])
    for tab in page.run("[...document.querySelectorAll('[role=tab]')].map((_, i) => i)"):
        page.run("(i) => document.querySelectorAll('[role=tab]')[i].click()", tab)
        assert page.run("document.documentElement.scrollWidth") <= 360


def test_paper_has_the_whole_message(inspect: Inspect, page: ShownPage) -> None:
    inspect(recording_of(answer("first ", "word " * 8000, "last")))
    assert not page.text(".prose").startswith("first")
    page.media(media="print")
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.text(".prose").startswith("first")
    assert page.run("getComputedStyle(document.querySelector('.list')).display") == "none"


# --- much -----------------------------------------------------------------------------------------


def test_many_events_make_few_elements(inspect: Inspect) -> None:
    page = inspect(recording_of(answer(*["word "] * 6000), every=0.01))
    assert page.run("streamfold.count") == 6005
    for n in (0, 3000, 6005, 3):
        page.run(f"streamfold.goTo({n})")
        assert page.run("document.querySelectorAll('*').length") < 3000
    assert page.run("streamfold.messageAt(3002).content[0].text.length") == 15_000


# --- two ------------------------------------------------------------------------------------------


def test_two_recordings_side_by_side(inspect: Inspect) -> None:
    first = recording_of(answer("The answer ", "is 42", "."))
    second = recording_of(answer("The ", "answer is ", "41."), every=0.2)
    page = inspect(first, second, name="a.jsonl", other_name="b.jsonl")
    assert "They part at content[0].text, character 15" in page.text(".parting")
    assert "event 4 of the first, event 5 of the second" in page.text(".parting")
    page.do("click", ".parting > button:last-child")
    places = page.run("[...document.querySelectorAll('.place')].map((e) => e.textContent)")
    assert places[0].startswith("Event 4 of 8")
    assert places[1].startswith("Event 5 of 8")
    ends = page.run("streamfold.inspectors.map((i) => i.timeline.part(8))")
    assert ends == pytest.approx([0.5, 1])
    axes = page.json(
        """() => [...document.querySelectorAll(".axes .timeline")].map((timeline) => {
            const {left, width} = timeline.getBoundingClientRect();
            return [left, width, timeline.querySelectorAll(".parting-line").length];
        })"""
    )
    assert axes[0] == axes[1]
    assert axes[0][2] == 1


def test_one_playhead_moves_the_other(inspect: Inspect) -> None:
    page = inspect(
        recording_of(answer("The answer ", "is 42", ".")),
        recording_of(answer("The ", "answer is ", "41."), every=0.2),
    )
    places = "[...document.querySelectorAll('.place')].map((e) => e.textContent)"
    page.press("Home", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    assert [text[:12] for text in page.run(places)] == ["Event 4 of 8", "Event 2 of 8"]
    page.do("click", ".axis:nth-child(2) [aria-label='To the start']")
    assert [text[:6] for text in page.run(places)] == ["Before", "Before"]
    page.do("uncheck", ".comparison input[type=checkbox]")
    page.run("document.activeElement.blur()")
    page.press("End")  # the keys are for the one that was used last
    assert [text[:12] for text in page.run(places)] == ["Before the f", "Event 8 of 8"]


# --- the event ------------------------------------------------------------------------------------


def test_the_details_of_an_event(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("Hel", "lo"), every=1))
    page.run("streamfold.goTo(4)")
    details = page.text(".details")
    for part in ("Event 4", "text_delta", "4.000 s", "SSE name\ncontent_block_delta"):
        assert part in details
    assert 'content[0].text + "lo"' in details
    page.do("click", ".derived li:last-child summary")
    page.do("wait_for_selector", ".derived .json")
    assert '"snapshot": "Hello"' in page.text(".derived")
    page.press("ArrowLeft")
    assert '"snapshot": "Hel"' in page.text(".derived")  # it stays open


# --- the consequences of a fault ------------------------------------------------------------------

USAGE = {"input_tokens": 7, "output_tokens": 1}


def block_delta(index: int, text: str) -> dict[str, Any]:
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def test_events_after_a_fault_are_not_applied(inspect: Inspect) -> None:
    broken, behind = block_delta(9, "b"), text_deltas("c", index=1)
    page = inspect(recording_of([message_start(), *text_deltas("a")[:2], broken, *behind]))
    assert "Only block 0 is open." in page.text(".faults")
    assert "not applied" not in page.text(".reading") + page.text(".details")
    page.press("ArrowRight", "ArrowRight")
    for selector in (".reading .faults-here", ".details", ".change-box"):
        if selector == ".change-box":
            page.run("document.querySelectorAll('[role=tab]')[1].click()")
        assert "not applied: reading stopped at event 4" in page.text(selector)
    choices = page.run("[...document.querySelectorAll('.events option')].map((e) => e.innerText)")
    assert choices == ["All blocks", "0 text", "1 (never started)", "9 (never started)"]
    page.do("select_option", ".events select", "9")
    assert page.text(".found") == "1 of 7"


def test_unfinished_blocks_are_marked(inspect: Inspect) -> None:
    cut = [{**event, "index": 1} for event in tool('{"a": ', "1}")[:-1]]
    page = inspect(recording_of([message_start(), *text_deltas("a"), *cut]))
    states = """() => Array.from({ length: streamfold.count + 1 }, (_, n) => {
        streamfold.goTo(n);
        return [...document.querySelectorAll(".part")].map(
            (part) => part.querySelector(".state")?.innerText ?? "");
    })"""
    opened, cut_short = "open: no content_block_stop yet", "unfinished: input incomplete"
    assert page.json(states) == [
        [], [], [opened], [opened], [""], ["", opened], ["", opened], ["", cut_short],
    ]  # fmt: skip
    page = inspect(recording_of([message_start(), *text_deltas("a")[:-1]]))
    assert page.json(states)[-1] == ["unfinished: no content_block_stop came"]


def test_the_usage_is_that_of_the_last_event_with_one(inspect: Inspect) -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": USAGE}
    page = inspect(recording_of([message_start(usage=USAGE), *text_deltas("a"), end]))
    assert page.text(".usage caption") == "Usage"
    page.press("ArrowLeft")
    assert page.text(".usage caption") == "Usage as of message_start"


# --- every byte can be reached --------------------------------------------------------------------


def test_a_partial_event_has_a_row_of_its_own(inspect: Inspect) -> None:
    whole = recording_of([*answer("Hello")[:3], {"type": "ping"}, *answer("Hello")[3:]], every=1)
    size = sum(len(chunk.data) for chunk in whole.chunks[:4])
    page = inspect(whole.cut(at_byte=size + 20))
    assert where(page) == "Behind event 4: partial event · 5.000 s"
    assert page.run("streamfold.count") == 4
    for call in ("goTo(5)", "messageAt(5)"):
        script = f"(async () => streamfold.{call})().catch((error) => error.name)"
        assert page.run(script) == "RangeError"
    assert page.text(".found") == "4 events"
    rows = page.run("[...document.querySelectorAll('.faulty')].map((e) => e.innerText)")
    assert [row.replace("\n", " ")[:22] for row in rows] == ["– 5.000 partial event "]
    assert page.run("document.querySelectorAll('.events.partial').length") == 1
    assert f"{size}–{size + 19}" in page.text(".details")
    assert "event: content_block" in page.text(".details")
    page.press("Home")
    page.do("click", ".faults button:has-text('Go to the partial event')")
    assert where(page).startswith("Behind event 4")
    page.press("ArrowLeft")
    assert where(page).startswith("Event 4 of 4 · ping")
    page.run("document.querySelectorAll('[role=tab]')[3].click()")
    page.do("click", ".wire .unfinished")
    assert where(page).startswith("Behind event 4")
    page.press("Home", "End")
    assert where(page).startswith("Behind event 4")


def test_a_flag_leads_to_its_event(inspect: Inspect) -> None:
    events = [message_start(), *text_deltas("a")[:2], block_delta(9, "b"), {"type": "ping"}]
    one_chunk = [RecordedChunk(encode_sse(events), 1), RecordedChunk(encode_sse([events[4]]), 2)]
    page = inspect(Recording(one_chunk))
    for part in (".marks .leads text", ".marks .leads"):
        page.press("End")
        page.do("hover", part)
        assert page.run(TIP_COVERS, part) is False
        page.do("click", part)
        assert where(page).startswith("Event 4 of 6")


TIP_COVERS = """(selector) => {
    const [label, tip] = [selector, ".pointed span"].map((name) =>
        document.querySelector(name).getBoundingClientRect());
    return tip.top < label.bottom && label.top < tip.bottom;
}"""
IN_VIEW = """(selector) => {
    const made = document.querySelector(selector);
    const view = made.closest(".panel, .long-list").getBoundingClientRect();
    const { top, bottom } = made.getBoundingClientRect();
    return view.top <= top && bottom <= Math.min(view.bottom, innerHeight) && view.top < bottom;
}"""


def test_the_row_and_the_bytes_are_in_view(inspect: Inspect, page: ShownPage) -> None:
    page.resize(1280, 800)
    start = encode_sse([message_start(), *text_deltas(*["word "] * 300)[:-1]])
    for text in ("short", "long " * 300, "longer " * 3000):
        data = json.dumps(block_delta(0, text))[:-3].encode()
        broken = b"event: content_block_delta\ndata: " + data + b"\n\n"
        stop = encode_sse([{"type": "content_block_stop", "index": 0}] * 50)
        inspect(Recording.of(start + broken + stop))
        plain = f"The data ends early at byte {len(start + broken) - 2:,} of the body; "
        assert plain + "the event was closed, and the stream went on." in page.text(".faults")
        page.run("document.querySelectorAll('[role=tab]')[3].click()")
        for selector in (".ends-here", ".events [aria-selected=true]"):
            page.wait(f"({IN_VIEW})({selector!r})")
    page.do("check", ".detail .check input")
    page.wait(f"({IN_VIEW})('.ends-here')")
    page.press("Home")
    page.wait("document.querySelector('.events .long-list').scrollTop === 0")
    page.press("End")
    page.wait(f"({IN_VIEW})('.events [aria-selected=true]')")


def test_the_keys_work_after_a_click_on_a_tab(inspect: Inspect) -> None:
    broken = {"type": "content_block_stop", "index": 9}
    pings = [{"type": "ping"}] * 995  # enough to play for 99 seconds: the tests pause before that
    page = inspect(recording_of([*answer("a", "b")[:4], broken, *pings]))
    for tab in range(5):
        page.do("click", f"[role=tab] >> nth={tab}")
        for key, place in (
            ("Home", "Before the first"), ("ArrowRight", "Event 1 of"), ("End", "Event 1,000 of"),
            ("ArrowLeft", "Event 999 of"), ("Home", "Before the first"), ("f", "Event 5 of"),
        ):  # fmt: skip
            page.press(key)
            assert where(page).startswith(place)
        page.press("Space")
        assert page.run("document.querySelectorAll('[aria-label=Pause]').length") == 1
        page.press("Space")
        assert page.run("document.querySelectorAll('[aria-label=Pause]').length") == 0
    page.press("Shift+Tab")  # by the keyboard the tab is reached again, and keeps the arrows
    assert page.run("document.activeElement.textContent") == "Copy"
    page.press("ArrowLeft", "f")
    assert page.run("document.activeElement.textContent") == "Wire"
    assert where(page).startswith("Event 5 of 1,000")


# --- small parts ----------------------------------------------------------------------------------


def test_both_models_are_named_if_they_differ(inspect: Inspect) -> None:
    request = RecordedRequest("POST", "https://x/v1/messages", body={"model": "claude-haiku-4-5"})
    headers = {"content-type": "text/event-stream"}
    page = inspect(
        attrs.evolve(
            recording_of(answer("a")), request=request, response=RecordedResponse(200, headers)
        )
    )
    assert "requested claude-haiku-4-5, answered claude-opus-4-6" in page.text(".exchange summary")
    page.do("click", ".exchange summary")
    response = page.text(".exchange-body").partition("Response\n")[2]
    assert response.split() == [
        "content-type",
        "text/event-stream",
        "Other",
        "headers",
        "were",
        "not",
        "recorded.",
    ]
    why = page.run("document.querySelector('.metrics [title]').title")
    assert why == "No message_delta brought the number of output tokens."
    same = attrs.evolve(request, body={"model": "claude-opus-4-6"})
    page = inspect(attrs.evolve(recording_of(answer("a")), request=same))
    assert "answered" not in page.text(".exchange summary")


def test_changes_have_one_number(inspect: Inspect) -> None:
    page = inspect(recording_of([message_start(), *tool('{"a": ', "1", "}")]))
    page.run("document.querySelectorAll('[role=tab]')[1].click()")
    numbers = """() => Array.from({ length: streamfold.count }, (_, n) => {
        streamfold.goTo(n + 1);
        return [...document.querySelectorAll(".change-box h3, .details h3")]
            .map((e) => e.innerText).filter((text) => !text.startsWith("Derived"))
            .map((text) => /\\((\\d)\\)/.exec(text)?.[1]);
    })"""
    assert page.json(numbers) == [
        ["1", None, "1"], ["1", None, "1"], ["0", None, "0"], ["1", None, "1"], ["0", None, "0"],
        ["0", None, "0"],
    ]  # fmt: skip
    page.run("streamfold.goTo(3)")
    assert 'Input of block 0, as received: + "{\\"a\\": "' in page.text(".details")


def test_what_is_copied_is_shown_under_its_entry(inspect: Inspect) -> None:
    page = inspect(recording_of(answer("a")))
    page.run("document.querySelectorAll('[role=tab]')[4].click()")
    for name in ("pytest test", "Event as JSON", "Recording cut here", "curl command"):
        page.do("click", f"[aria-label='Show: {name}']")
        above = page.run(
            "document.querySelector('.copies .preview').previousElementSibling.innerText"
        )
        assert above.startswith(name)
