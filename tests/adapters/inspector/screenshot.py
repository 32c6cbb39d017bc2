"""Draws `docs/inspector.png`, the picture of the inspector in the README.

    python -m tests.adapters.inspector.screenshot

It shows a recording of the tests with made-up times, which are the same in every run.
"""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

from streamfold.adapters.inspector import render
from streamfold.transports import (
    RecordedChunk,
    RecordedRequest,
    RecordedResponse,
    Recording,
)

from tests.support.browser import open_browser

ROOT = Path(__file__).parents[3]


def timed(body: bytes) -> Recording:
    """A recording of `body` in chunks of one to three events, with a stall before its end."""
    drawn = random.Random(7)
    pieces = re.split(rb"(?<=\n\n)", body)
    chunks: list[RecordedChunk] = []
    at, start = 0.62, 0
    while start < len(pieces) - 1:
        size = drawn.choice([1, 1, 2, 3])
        chunks.append(RecordedChunk(b"".join(pieces[start : start + size]), round(at, 3)))
        at += drawn.expovariate(30) + (2.4 if start < len(pieces) * 2 // 3 <= start + size else 0)
        start += size
    body_sent = {"model": "claude-sonnet-4-5", "max_tokens": 4096, "stream": True}
    return Recording(
        chunks,
        request=RecordedRequest("POST", "https://api.anthropic.com/v1/messages", body=body_sent),
        response=RecordedResponse(at=0.4),
    )


def main() -> None:
    """Write the picture."""
    recording = timed((ROOT / "tests" / "recordings" / "web-search.sse").read_bytes())
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        file = Path(folder) / "page.html"
        file.write_text(render(recording, name="recordings/test_tower.jsonl"), "utf-8")
        with browser.page(viewport={"width": 1280, "height": 760}) as page:
            page.open(file)
            page.run("streamfold.goTo(31)")
            page.run("document.querySelectorAll('[role=tab]')[3].click()")
            page.do("wait_for_timeout", 200)
            page.do("screenshot", path=ROOT / "docs" / "inspector.png")


if __name__ == "__main__":
    main()
