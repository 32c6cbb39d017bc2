"""The content of the results of the API's own tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]
Tagged = Callable[..., Strategy]

__all__ = ["tool_results"]


def tool_results(
    text: Strategy, maybe: Strategy, count: Strategy, tagged: Tagged
) -> dict[str, Strategy]:
    """The content of each kind of tool result, as the API sends it.

    Args:
        text: any text.
        maybe: any text, or None.
        count: any count.
        tagged: makes objects of a `type` with required and optional fields.
    """
    some_counts = st.none() | count
    source = tagged("text", {"media_type": st.just("text/plain"), "data": text}) | tagged(
        "base64", {"media_type": st.just("application/pdf"), "data": text}
    )
    ran = {"stdout": text, "stderr": text, "return_code": count}

    def several(items: Strategy) -> Strategy:
        return st.lists(items, max_size=2)

    contents = {
        "web_search": several(
            tagged(
                "web_search_result",
                {"url": text, "title": text, "encrypted_content": text},
                page_age=maybe,
            )
        ),
        "web_fetch": tagged(
            "web_fetch_result",
            {"url": text, "content": tagged("document", {"source": source}, title=maybe)},
            retrieved_at=maybe,
        ),
        "code_execution": tagged(
            "code_execution_result",
            {**ran, "content": several(tagged("code_execution_output", {"file_id": text}))},
        ),
        "bash_code_execution": tagged(
            "bash_code_execution_result",
            {**ran, "content": several(tagged("bash_code_execution_output", {"file_id": text}))},
        ),
        "text_editor_code_execution": st.one_of(
            tagged(
                "text_editor_code_execution_view_result",
                {"content": text, "file_type": st.sampled_from(["text", "image", "pdf"])},
                num_lines=some_counts,
                start_line=some_counts,
            ),
            tagged("text_editor_code_execution_create_result", {"is_file_update": st.booleans()}),
            tagged(
                "text_editor_code_execution_str_replace_result",
                {},
                lines=st.none() | several(text),
                old_start=some_counts,
            ),
        ),
        "tool_search": tagged(
            "tool_search_tool_search_result",
            {"tool_references": several(tagged("tool_reference", {"tool_name": text}))},
        ),
        "advisor": st.one_of(
            tagged("advisor_result", {"text": text}, stop_reason=maybe),
            tagged("advisor_redacted_result", {"encrypted_content": text}, stop_reason=maybe),
        ),
    }
    codes = {"error_code": st.sampled_from(["unavailable", "too_many_requests"])}
    return {
        f"{tool}_tool_result": content | tagged(f"{tool}_tool_result_error", codes)
        for tool, content in contents.items()
    }
