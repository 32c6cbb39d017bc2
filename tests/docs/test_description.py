"""The README for a package index, which setup.py makes."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs" / "terminal.txt").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)]*)\)")


def description(source: str | None) -> str:
    function: Any = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")["description"]
    text: str = function(README, PICTURE, "1.2", source)
    return text


def test_without_an_address_the_text_of_the_picture_stands_for_it() -> None:
    text = description(None)
    assert PICTURE in text
    assert not [target for target in LINK.findall(text) if not target.startswith("https:")]
    assert "Tutorial: a first stream" in text
    assert "<!--" not in text


def test_with_an_address_every_link_and_picture_is_whole() -> None:
    text = description("https://git.example/streamfold/")
    targets = LINK.findall(text)
    assert "https://git.example/streamfold/raw/v1.2/docs/terminal.svg" in targets
    assert "https://git.example/streamfold/blob/v1.2/docs/tutorial/index.md" in targets
    assert all(target.startswith("https:") for target in targets)


def test_the_picture_is_of_the_newest_output() -> None:
    """`python docs/terminal.py` makes both files of the picture."""
    from tests.support.command_line import command

    shown = command("replay", "tests/recordings/web-search.sse", cwd=ROOT).stdout.decode()
    assert " ".join(shown.split()) in " ".join(PICTURE.split())
    svg = (ROOT / "docs" / "terminal.svg").read_text(encoding="utf-8")
    assert "@font-face" not in svg
    assert "It gained its last six metres" in svg.replace("&#160;", " ")
