"""Every example in the docstrings and in the README runs, and gives what it says."""

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
README = (ROOT / "README.md").read_text(encoding="utf-8")

MODULES = [
    module.name
    for package in (streamfold.reducer, streamfold.transports, streamfold.adapters)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]


@pytest.fixture(autouse=True)
def least_of_all() -> Iterator[None]:
    """What `find` gives is the least, not one of the variations that "explain" tries on it."""
    usual = settings.get_current_profile_name()
    settings.register_profile("documentation", database=None, phases=[Phase.generate, Phase.shrink])
    settings.load_profile("documentation")
    yield
    settings.load_profile(usual)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_to_run() -> None:
    attempted = doctest.testmod(importlib.import_module("streamfold.reducer.reduce")).attempted
    assert attempted > 5


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_readme(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if ">>>" in code:
        test = doctest.DocTestParser().get_doctest(code, {}, "README", "README.md", 0)
        assert doctest.DocTestRunner().run(test).failed == 0
    else:
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_every_public_object_has_a_docstring_and_every_function_an_example() -> None:
    for name in streamfold.reducer.__all__:
        public = getattr(streamfold.reducer, name)
        if callable(public) and getattr(public, "__module__", "").startswith("streamfold"):
            assert public.__doc__, name
    for function in ("decode_sse", "parse_event", "reduce", "feed", "expand", "encode_sse"):
        assert ">>>" in getattr(streamfold.reducer, function).__doc__, function
