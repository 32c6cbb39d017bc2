"""Control characters anywhere in a stream are printed as visible ones."""

from __future__ import annotations

from tests.support.events import message_start
from tests.support.transcripts import message_end, text_of, transcript, whole


def test_control_characters_of_a_text_are_visible():
    seen = transcript(*text_of("\x1b[31mred\x07\x00\r\n", "\x9b2J\x7f\u202e"))
    assert seen.startswith("␛[31mred␇␀␍\n\\x9b2J␡\\u202e\n")


def test_control_characters_are_visible_in_every_field():
    evil = "\x1b]0;pwned\x07"
    seen = transcript(
        message_start(),
        *whole(
            {"type": "tool_use", "id": evil, "name": evil, "input": {evil: evil}},
            {"type": "web_search_tool_result", "tool_use_id": evil, "content": [{"title": evil}]},
            {"type": "redacted_thinking", "data": evil},
            {"type": evil, evil: evil},
            {"type": "text", "text": "", "citations": [{"type": evil}]},
        ),
        {"type": "x", evil: evil},
        *message_end(
            evil, stop_sequence=evil, stop_details={"type": "refusal", "explanation": evil}
        ),
    )
    assert "pwned" in seen
    assert "\x1b" not in seen
    assert "\x07" not in seen
