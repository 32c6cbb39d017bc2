"""The names of functions under test, in findings and in tests to paste."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["expression", "module_of", "name_of"]


def name_of(function: Callable[..., Any]) -> str:
    """The module and the name of a function.

    A partial function has the name of the function that it calls, a method that of its class, and
    an object that can be called that of its class.

    >>> from functools import partial
    >>> name_of(partial(sorted, reverse=True)), name_of([].append), name_of(json_of := str)
    ('builtins.sorted (partial)', 'builtins.list.append', 'builtins.str')
    """
    if isinstance(function, functools.partial):
        return f"{name_of(function.func)} (partial)"
    module, name = _module_and_name(function)
    return f"{module}.{name}"


def module_of(function: Callable[..., Any]) -> str:
    """The module that a test imports the function from."""
    return _module_and_name(function)[0]


def _module_and_name(function: Any) -> tuple[str, str]:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # a class method, perhaps inherited
        return owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    named = function if hasattr(function, "__qualname__") else type(function)
    if named.__module__ is None:  # a method of a class in C
        return type(owner).__module__, named.__qualname__
    return named.__module__, named.__qualname__


def expression(function: Callable[..., Any]) -> str:
    """The name of the function in a pasted test; "function" if it cannot be imported."""
    module, name = _module_and_name(function)
    found: Any = sys.modules.get(module) if module != "__main__" else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found == function else "function"
