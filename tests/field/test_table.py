"""The documentation has every finding that the tests show."""

from __future__ import annotations

from pathlib import Path

from .table import table

PAGE = Path(__file__).parents[2] / "docs/explanation/found-in-the-field.md"


def test_the_page_has_the_table() -> None:
    assert table() in PAGE.read_text(), "run python -m tests.field.table and paste its output"
