"""The corpus of the coverage-guided fuzzer, checked without atheris."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.feed import LIMIT, check, read
from tests.fuzz.million import run

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_an_input_gives_results_or_documented_errors(path: Path) -> None:
    check(path.read_bytes())


def test_the_corpus_is_small_and_reaches_every_ending() -> None:
    inputs = [path.read_bytes() for path in CORPUS]
    assert len(inputs) <= 60
    assert sum(map(len, inputs)) < 100_000
    assert Counter(map(check, inputs)).keys() == {"message", "incomplete", "protocol"}


def test_how_an_input_is_read() -> None:
    first, body, size = read(b"\x0fdata")
    assert (body, size) == (b"data", 4)
    assert first.sse.limit == LIMIT
    assert first.snapshot.partial_mode == "trailing-strings"
    first, body, size = read(b"")
    assert (body, size) == (b"", 1)
    assert first.snapshot.partial_mode == "on"


def test_some_chunks_of_the_million() -> None:
    counted = run(60)
    ends = [name for name in counted if name.endswith("Error") or name == "messages"]
    assert counted["chunks"] >= 100
    assert {"messages", "ProtocolError", "IncompleteStreamError"} <= set(ends)
