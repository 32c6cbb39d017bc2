"""Immutable values stay so when their `__init__` or `__setstate__` is called again.

Both methods of a frozen attrs class write its attributes past its own `__setattr__`, and any code
can call them on a value that it holds. `sealed` lets each of them fill a new object only. Code of
this package that makes objects in other ways (`drafts`, `evolve`, `made`) pays nothing for it.

Rule: an object counts as filled when its first attribute has a value. So all code that makes an
object must set that attribute: the first one of an attrs class, the first slot of another class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import attrs

__all__ = ["sealed"]

T = TypeVar("T")


def sealed(cls: type[T]) -> type[T]:
    """Make `__init__` and `__setstate__` of a class with slots raise for an object that is filled.

    >>> import attrs
    >>> @sealed
    ... @attrs.frozen
    ... class Point:
    ...     x: int
    >>> Point(1).__init__(2)
    Traceback (most recent call last):
    TypeError: Point is immutable
    """
    name = attrs.fields(cls)[0].name if attrs.has(cls) else cls.__dict__["__slots__"][0]
    first: Callable[[Any], Any] = getattr(cls, name).__get__
    for method in ("__init__", "__setstate__"):
        if method in cls.__dict__:
            setattr(cls, method, _once(cls.__dict__[method], first))
    return cls


def _once(method: Callable[..., None], first: Callable[[Any], Any]) -> Callable[..., None]:
    """Return `method`, which raises if `first` finds a value in the object."""

    @wraps(method)
    def sealed_method(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            first(self)
        except AttributeError:
            method(self, *args, **kwargs)
        else:
            raise TypeError(f"{type(self).__name__} is immutable")

    return sealed_method
