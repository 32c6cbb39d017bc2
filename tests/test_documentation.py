"""The examples of the docstrings run, and the map of the code is complete.

`tests/docs` runs the examples of the README and of the documentation.
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamfold.adapters
import streamfold.reducer
import streamfold.transports
from hypothesis import Phase, settings

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

MODULES = [
    module.name
    for package in (streamfold.reducer, streamfold.transports, streamfold.adapters)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]

# --- examples -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples read files by paths relative to the checkout."""
    monkeypatch.chdir(ROOT)


@pytest.fixture(autouse=True)
def repeatable_find() -> Iterator[None]:
    """Make `hypothesis.find` in an example return the same minimal value in every run."""
    usual = settings.get_current_profile_name()
    settings.register_profile(
        "documentation",
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],  # "explain" would return a variation of the value
    )
    settings.load_profile("documentation")
    yield
    settings.load_profile(usual)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_to_run() -> None:
    attempted = doctest.testmod(importlib.import_module("streamfold.reducer.reduce")).attempted
    assert attempted > 5


def test_every_public_object_has_a_docstring_and_every_function_an_example() -> None:
    for name in streamfold.reducer.__all__:
        public = getattr(streamfold.reducer, name)
        if callable(public) and getattr(public, "__module__", "").startswith("streamfold"):
            assert public.__doc__, name
    for function in ("decode_sse", "parse_event", "reduce", "feed", "expand", "encode_sse"):
        assert ">>>" in getattr(streamfold.reducer, function).__doc__, function


# --- the map of the code ------------------------------------------------------------------------

MAP = re.findall(r"^### `([\w/]+)/`.*?\n(.*?)(?=^##|\Z)", CONTRIBUTING, re.DOTALL | re.MULTILINE)


def test_the_map_covers_every_folder_of_code() -> None:
    tops = ("reducer", "transports", "adapters", "benchmarks", "docs")
    folders = {path.parent for top in tops for path in (ROOT / top).rglob("*.py")}
    folders.add(ROOT / "tests" / "support")
    assert [folder for folder, _ in MAP] == list(dict(MAP))
    assert {ROOT / folder for folder, _ in MAP} == folders


@pytest.mark.parametrize(("folder", "section"), MAP, ids=[folder for folder, _ in MAP])
def test_the_map_has_one_line_for_each_module(folder: str, section: str) -> None:
    listed = re.findall(r"^- `(\w+\.py)`: .", section, re.MULTILINE)
    modules = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py", "__main__.py"}
    assert len(listed) == len(set(listed))
    assert set(listed) == modules
