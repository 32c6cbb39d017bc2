"""A pytest plugin that redirects the imports of the official package's own tests to streamfold.

Every public name of the package that `streamfold.adapters.anthropic` has too becomes ours: in all
public modules before the tests are imported, and in the tests themselves, wherever they import it
from. Other names stay the package's own.
httpx becomes httpx2, as in the package's own test run, because its tests mock that library.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType
from typing import Any

import httpx2

httpx2.alias_httpx()

import anthropic  # noqa: E402
import anthropic.lib.streaming  # noqa: E402
import anthropic.types  # noqa: E402
from streamfold.adapters import anthropic as ours  # noqa: E402


class Anthropic(ours.Anthropic):
    """Our client, without the private option that the tests pass."""

    def __init__(self, *, _strict_response_validation: bool = False, **options: Any) -> None:
        super().__init__(**options)


class AsyncAnthropic(ours.AsyncAnthropic):
    def __init__(self, *, _strict_response_validation: bool = False, **options: Any) -> None:
        super().__init__(**options)


REPLACED = {"Anthropic": Anthropic, "AsyncAnthropic": AsyncAnthropic}


def is_public(module: str) -> bool:
    return module.split(".")[0] == "anthropic" and "._" not in module


def redirect(module: ModuleType) -> None:
    for name in set(ours.__all__) & set(vars(module)):
        setattr(module, name, REPLACED.get(name, getattr(ours, name)))


for found in pkgutil.walk_packages(anthropic.types.__path__, "anthropic.types."):
    importlib.import_module(found.name)
for name, module in list(sys.modules.items()):
    if is_public(name):
        redirect(module)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for module in {item.module for item in items}:
        redirect(module)
