"""Pages of the inspector for failing tests that use `recorded_streams`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["written_pages"]


def written_pages(recordings: Iterable[Path], folder: Path) -> str:
    """Write a page for each recording of a test; return lines that name the pages.

    Args:
        recordings: the recordings that the test made or replayed. One that cannot be read is left
            out, because reading it is what the test failed with.
        folder: the folder for the pages.
    """
    from streamfold.transports import Recording, RecordingError

    from .inspector import render

    lines: list[str] = []
    for path in recordings:
        try:
            page = render(Recording.load(path), name=str(path))
        except RecordingError:
            continue
        target = folder / f"{path.stem}.html"
        target.write_text(page, encoding="utf-8")
        lines.append(f"{target.as_uri()}\n")
    return "".join(lines)
