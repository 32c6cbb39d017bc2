"""Immutable values stay so when their `__init__` or `__setstate__` is called again.

Both methods of a frozen attrs class write its attributes past its own `__setattr__`, and any code
can call them on a value that it holds. `sealed` lets each of them fill a new object only. Code of
this package that makes objects in other ways (`drafts`, `evolve`, `made`) pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

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
    slots = (name for base in reversed(cls.__mro__) for name in base.__dict__.get("__slots__", ()))
    first: Callable[[Any], Any] = getattr(cls, next(slots)).__get__
    for name in ("__init__", "__setstate__"):
        if name in cls.__dict__:
            setattr(cls, name, _once(cls.__dict__[name], first))
    return cls


def _once(method: Callable[..., None], first: Callable[[Any], Any]) -> Callable[..., None]:
    """Return `method`, which raises if the first slot of the object has a value."""

    @wraps(method)
    def sealed_method(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            first(self)
        except AttributeError:
            method(self, *args, **kwargs)
        else:
            raise TypeError(f"{type(self).__name__} is immutable")

    return sealed_method
