"""The words of a transcript: results, notes, refusals, and values of unknown shape."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from streamfold.reducer import ContentBlock

from tests.support.events import message_start
from tests.support.transcripts import message_end, transcript, whole


def result(kind, content):
    block = {"type": f"{kind}_tool_result", "tool_use_id": "1", "content": content}
    return transcript(message_start(), *whole(block), *message_end()).removesuffix("\n— end_turn\n")


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
    failed = {"type": "tool_search_tool_result_error", "error_code": "e", "error_message": "m"}
    assert result("tool_search", failed) == "◂ tool_search: error e\n  m\n"
    unknown = {"type": "sung_result", "notes": "la" * 200}
    assert result("advisor", unknown).startswith(
        '◂ advisor\n  {"type": "sung_result", "notes": "lala'
    )
    assert result("advisor", unknown).endswith("la… (436 characters)\n")


def test_notes():
    seen = transcript(
        message_start(),
        *whole(
            {"type": "compaction", "content": "So far:\n- a"},
            {"type": "compaction", "content": None},
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
            {"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": []},
            {"type": "thinking", "thinking": "", "signature": "x"},
            {"type": "hologram", "size": [1]},
        ),
        *message_end(stop_details={"type": "tired"}),
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


def test_a_refusal_shows_its_category_and_explanation():
    refusal = {"type": "refusal", "category": "bio", "explanation": "Not\nthis."}
    assert "· refused (bio): Not\n  this.\n\n— refusal\n" in transcript(
        message_start(), *message_end("refusal", stop_details=refusal)
    )
    assert "· refused\n" in transcript(
        message_start(), *message_end("refusal", stop_details={"type": "refusal"})
    )


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
        for kind in get_args(ContentBlock)
        if str(kind.type).endswith("tool_result") and kind.type != "mcp_tool_result"
    ]
)


CONTENT_TYPES = st.sampled_from(
    [
        "code_execution_result",
        "encrypted_code_execution_result",
        "bash_code_execution_result",
        "text_editor_code_execution_create_result",
        "text_editor_code_execution_view_result",
        "text_editor_code_execution_str_replace_result",
        "web_fetch_result",
        "tool_search_tool_search_result",
        "advisor_result",
        "advisor_redacted_result",
        "new_result",
        "some_error",
    ]
)


@given(RESULT_BLOCKS, CONTENT_TYPES, CONTENT, st.lists(CONTENT | JSON), JSON)
def test_no_shape_of_a_result_raises(kind, content_type, content, pages, details):
    fields = {"tool_use_id": "1", "is_error": bool(pages)}
    events = [
        message_start(),
        *whole(
            {"type": kind, **fields, "content": {**content, "type": content_type}},
            {"type": "web_search_tool_result", **fields, "content": pages},
            {"type": "mcp_tool_result", **fields, "content": pages},
            {"type": "mcp_tool_result", **fields, "content": "text"},
            {"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": pages},
            {"type": "fallback", "from": content, "to": content, "trigger": details},
            {"type": "compaction", "content": details},
        ),
        *message_end(stop_details=details, usage={"input_tokens": details}),
    ]
    seen = transcript(*events)
    assert seen.startswith("◂ ")
    assert "— end_turn" in seen
