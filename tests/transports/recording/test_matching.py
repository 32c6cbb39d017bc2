"""The comparison of requests, and the difference shown for a request without a recording."""

from __future__ import annotations

import attrs
import pytest
from streamfold.transports import RecordedRequest
from streamfold.transports.recording.matching import same_request, unmatched

from tests.support.recordings import REQUEST


def turn(*texts, **more):
    """A request body with these user messages."""
    return {"messages": [{"role": "user", "content": text} for text in texts], **more}


def asking(body, **parts):
    return attrs.evolve(REQUEST, body=body, **parts)


BODY = {"b": [1, {"x": None, "y": "ü"}], "a": 1.0}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (asking(BODY), asking({"a": 1.0, "b": [1, {"y": "ü", "x": None}]}), True),
        (asking(BODY), asking(BODY, headers={"x-a": "b"}), True),
        (asking(BODY), asking(BODY, method="PUT"), False),
        (asking(BODY), asking(BODY, url="https://example.com/v2"), False),
        (asking(BODY), asking({**BODY, "a": True}), False),
        (asking(BODY), asking({**BODY, "b": BODY["b"][::-1]}), False),
        (asking(None, content=b"a=b"), asking(None, content=b"a=b"), True),
        (asking(None, content=b"a=b"), asking(None, content=b"a=c"), False),
        (asking(None, content=b"\xff"), asking(None, content=b"\xfe"), False),
        (asking(None), asking(None, content=b"null?"), False),
    ],
)
def test_requests_with_the_same_method_url_and_body_are_the_same(one, other, same):
    assert same_request(one, other) == same_request(other, one) == same
    assert same_request(one, one)


def test_the_most_similar_recording_is_named_with_the_difference():
    recorded = [
        ("recording 1", asking(turn("Hello", max_tokens=10))),
        ("recording 2", asking(turn("Hello", "Again", max_tokens=10))),
        ("recording 3", asking(turn("Bye"), url="https://example.com/v2")),
    ]
    error = unmatched(asking(turn("Hello", "Anew", max_tokens=10)), recorded)
    assert error.nearest == "recording 2"
    assert str(error) == (
        "no recording fits POST https://example.com/v1/messages; the nearest of 3 is recording 2\n"
        "--- recorded\n"
        "+++ requested\n"
        "@@ -7,5 +7,5 @@\n"
        "     },\n"
        "     {\n"
        '-      "content": "Again",\n'
        '+      "content": "Anew",\n'
        '       "role": "user"\n'
        "     }"
    )


def test_another_target_is_named_too():
    asked = RecordedRequest("PUT", "https://example.com/v2", body={"stream": True})
    assert str(unmatched(asked, [("recording 1", REQUEST)])) == (
        "no recording fits PUT https://example.com/v2; the nearest of 1 is recording 1\n"
        "it answers POST https://example.com/v1/messages\n"
        "the bodies are the same"
    )


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true"])
def test_a_request_with_another_base_url_gets_advice(path):
    asked = asking(BODY, url=f"https://api.anthropic.com{path}")
    recorded = asking(BODY, url=f"http://127.0.0.1:8000/tool{path}")
    assert str(unmatched(asked, [("recording 1", recorded)])).splitlines()[1:] == [
        f"it answers POST http://127.0.0.1:8000/tool{path}",
        "the bodies are the same",
        "only the base URLs differ: set ANTHROPIC_BASE_URL or base_url= to "
        "http://127.0.0.1:8000/tool, or replay with match='order', which ignores requests",
    ]


@pytest.mark.parametrize(
    "recorded",
    [
        asking(BODY, url="http://127.0.0.1:8000/v1/models"),
        asking(BODY, url="http://127.0.0.1:8000/messages"),
        asking(BODY, url="http://127.0.0.1:8000/v1/messages", method="PUT"),
    ],
)
def test_a_request_with_another_path_or_method_gets_none(recorded):
    lines = str(unmatched(asking(BODY), [("recording 1", recorded)])).splitlines()
    assert lines[2:] == ["the bodies are the same"]


def test_without_recordings_there_is_no_difference_to_show():
    error = unmatched(REQUEST, [])
    assert error.nearest is None
    assert str(error) == (
        "no recording fits POST https://example.com/v1/messages: no recording has a request"
    )


@pytest.mark.parametrize("change", [0, 1, 2, 3000, 5999])
def test_the_difference_of_long_bodies_is_the_first_one(change):
    lines = [f"line {number}" for number in range(6000)]
    changed = [*lines[:change], "another", *lines[change + 1 :]]
    recorded = RecordedRequest("POST", "https://example.com", body=lines)
    asked = RecordedRequest("POST", "https://example.com", body=changed)
    text = str(unmatched(asked, [("one", recorded)]))
    assert f'-  "line {change}"' in text
    assert '+  "another"' in text
    assert f'   "line {change - 1}"' in text or change == 0
    assert len(text.splitlines()) < 15


@pytest.mark.parametrize("more", [1, 5000])
def test_the_difference_of_long_bodies_may_be_at_the_end(more):
    lines = [f"line {number}\n" for number in range(3000)]
    longer = [*lines, *["more\n"] * more]
    contents = ["".join(lines).encode(), "".join(longer).encode()]
    for (recorded, asked), sign in ((contents, "+"), (contents[::-1], "-")):
        error = unmatched(
            RecordedRequest("POST", "https://example.com", content=asked),
            [("one", RecordedRequest("POST", "https://example.com", content=recorded))],
        )
        text = str(error)
        assert f"{sign}more" in text
        assert " line 2999" in text


@pytest.mark.parametrize("lines", [40, 41, 60])
def test_a_long_difference_is_cut_after_40_lines(lines):
    recorded = RecordedRequest("POST", "https://example.com", content=b"")
    content = "\n".join(map(str, range(lines - 4))).encode()
    asked = RecordedRequest("POST", "https://example.com", content=content)
    shown = str(unmatched(asked, [("one", recorded)])).splitlines()[1:]
    assert shown[:5] == ["--- recorded", "+++ requested", shown[2], "-null", "+0"]
    if lines == 40:
        assert shown[39:] == ["+35"]
    else:
        assert shown[39:] == ["+35", f"… and {lines - 40} more lines"]


def test_a_wide_line_is_cut_after_160_characters():
    recorded = RecordedRequest("POST", "https://example.com", content=b"x" * 159)
    asked = RecordedRequest("POST", "https://example.com", content=b"y" * 160)
    shown = str(unmatched(asked, [("one", recorded)])).splitlines()
    assert shown[-2:] == [f"-{'x' * 159}", f"+{'y' * 159}…"]


def test_letters_of_any_language_are_readable_in_a_difference():
    error = unmatched(asking(turn("Grüße")), [("one", asking(turn("你好")))])
    assert '-      "content": "你好",' in str(error)
    assert '+      "content": "Grüße",' in str(error)
