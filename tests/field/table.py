"""The table of findings in `docs/explanation/found-in-the-field.md`.

python -m tests.field.table
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .test_findings import CLIENTS, GATEWAYS, Finding

KINDS = {"decode": "decoder", "translate": "translator"}


def table() -> str:
    """The findings as a table in Markdown, by package."""
    rows = sorted({_row(finding): None for finding in (*CLIENTS, *GATEWAYS)}, key=_package_of)
    head = ["| package | kind | smallest input | behaviour |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _row(finding: Finding) -> str:
    kind = KINDS.get(finding.adapter.split(":")[1], "accumulator")
    return f"| {finding.package} | {kind} | {_words(finding.given)} | {finding.did} |"


def _package_of(row: str) -> str:
    return row.split("|")[1]


def _words(given: list[Any]) -> str:
    if not given:
        return "nothing"
    if isinstance(given[0], bytes):
        return f"`{b''.join(given)!r}`".replace("b'", "").replace("'`", "`")
    return ", ".join(part for item in given for part in _parts(item))


def _parts(item: dict[str, Any]) -> Iterator[str]:
    """An event, or a chunk of Chat Completions, in words."""
    kind = item.get("type")
    if kind == "content_block_start":
        yield f"`{item['content_block']['type']}` starts"
    elif kind == "content_block_delta":
        yield f"`{item['delta']['type']}`"
    elif kind == "content_block_stop":
        yield "stops"
    elif kind == "message_delta":
        yield "`message_delta`" + " with `null`" * (None in item["usage"].values())
    elif kind == "message_start":
        yield "`message_start`"
    for choice in item.get("choices", ()):
        delta = choice["delta"]
        if delta.get("content"):
            yield "a text"
        for call in delta.get("tool_calls", ()):
            yield f"call {call['index']}: `{call['function']['arguments']}`".replace(": ``", "")
        if choice["finish_reason"]:
            yield f"finish reason `{choice['finish_reason']}`"


if __name__ == "__main__":
    print(table())
