"""From recordings to pages."""

from __future__ import annotations

import html

from streamfold.transports import Recording

from .page import packed, page
from .parting import parting
from .trace import trace

__all__ = ["notebook", "render"]


def render(
    recording: Recording,
    other: Recording | None = None,
    *,
    name: str = "recording.jsonl",
    other_name: str = "other.jsonl",
) -> str:
    """The page that shows a recording, or two side by side, without their secrets.

    It is one HTML file that makes no request. Its size is about 120 KB, and what the recording
    takes compressed.

    Args:
        recording: what to show.
        other: what to compare it with.
        name: the path of the recording's file. The code that can be copied from the page loads it.
        other_name: the path of the other one's file.

    >>> page = render(Recording.load("tests/recordings/text.sse"), name="text.sse")
    >>> page[:15], "<title>text.sse" in page
    ('<!doctype html>', True)
    """
    traced = trace(recording)
    if other is None:
        return page([packed(traced, name)], f"{name} · streamfold inspector")
    traced_other = trace(other)
    packs = [
        packed(traced, name, parting(traced, traced_other)),
        packed(traced_other, other_name),
    ]
    return page(packs, f"{name} and {other_name} · streamfold inspector")


def notebook(recording: Recording) -> str:
    """The page inside a frame, as notebooks show it: it cannot reach the notebook."""
    content = html.escape(render(recording))
    return (
        '<iframe sandbox="allow-scripts" style="width: 100%; height: 720px; border: 0" '
        f'title="streamfold inspector" srcdoc="{content}"></iframe>'
    )
