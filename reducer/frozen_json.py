"""Immutable JSON, for every field of an event or a message that has no declared class.

`freeze` turns decoded JSON into `JSONObject` and `JSONArray`: a dict and a list that can be read,
compared and serialised like any other, and that refuse every change. `thaw` copies them back into
plain dicts and lists, and `to_json` writes any of them as text.

Rules:

- An object can be read by key (`place["city"]`) and by attribute (`place.city`).
- Nesting deeper than `MAX_DEPTH` raises `ValueError`, so that no value can exhaust the stack of
  code that walks it.

- `freeze` and `thaw` do not recurse, so the stack of the caller never changes their result.

Cost: `freeze` copies its input once. It returns strings, numbers and values that are frozen already
as they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from .growing import SURROGATES

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "MAX_DEPTH",
    "JSONArray",
    "JSONObject",
    "described",
    "freeze",
    "is_object",
    "thaw",
    "to_json",
]

MAX_DEPTH = 200
"""The deepest nesting of JSON that is accepted: the limit of jiter, too.

It is a fixed number because Python's own limit depends on the depth of the caller's stack, and the
same input must give the same result everywhere.
"""


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return whether `value` is a JSON object: a mapping of any class.

    >>> is_object({}), is_object(freeze({})), is_object([])
    (True, True, False)
    """
    return value.__class__ is dict or isinstance(value, Mapping)


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Return whether `value` is a JSON array: a list or a tuple."""
    return isinstance(value, (list, tuple))


# --- values -------------------------------------------------------------------------------------


def _immutable(self: object, *_: Any, **__: Any) -> NoReturn:
    raise TypeError(f"{type(self).__name__} is immutable; to_dict() makes a copy you can change")


class JSONObject(dict[str, Any]):
    """An immutable JSON object. It equals the plain dict with the same content.

    Read it by key or by attribute. A key that is also the name of a dict method (`items`, `keys`,
    …) can be read by key only.

    >>> place = freeze({"city": "Paris", "at": {"lat": 48.9}})
    >>> place["city"], place.at.lat
    ('Paris', 48.9)
    >>> place["city"] = "Rome"
    Traceback (most recent call last):
    TypeError: JSONObject is immutable; to_dict() makes a copy you can change
    """

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _immutable
    clear = pop = popitem = setdefault = update = _immutable
    __setattr__ = __delattr__ = _immutable

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Fill the object here, because `__init__` can be called again at any time."""
        new = super().__new__(cls)
        dict.update(new, *args, **kwargs)
        return new

    def __init__(self, *_: Any, **__: Any) -> None:
        """Do nothing: the object is filled already."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"this JSON object has no field {name!r}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return JSONObject, (dict(self),)

    def to_dict(self) -> dict[str, Any]:
        """Return a deep copy made of plain dicts and lists, which you can change."""
        copy: dict[str, Any] = thaw(self)
        return copy

    def to_json(self, indent: int | None = None) -> str:
        """Return the object as JSON text; `indent` is the number of spaces per level."""
        return to_json(self, indent)


class JSONArray(list[Any]):
    """An immutable JSON array. It equals the plain list with the same content.

    >>> freeze([1, [2]]) == [1, [2]]
    True
    """

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _immutable
    append = clear = extend = insert = pop = remove = reverse = sort = _immutable

    def __new__(cls, items: Iterable[Any] = ()) -> Self:
        """Fill the array here, because `__init__` can be called again at any time."""
        new = super().__new__(cls)
        list.extend(new, items)
        return new

    def __init__(self, _: Iterable[Any] = ()) -> None:
        """Do nothing: the array is filled already."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return JSONArray, (list(self),)

    def to_dict(self) -> list[Any]:
        """Return a deep copy made of plain dicts and lists, which you can change."""
        copy: list[Any] = thaw(self)
        return copy


class _ObjectDraft(dict[str, Any]):
    __slots__ = ()


class _ArrayDraft(list[Any]):
    __slots__ = ()


def frozen_object(items: Any) -> JSONObject:
    """Return `JSONObject(items)`, in a third of the time: see `drafts`."""
    draft: Any = _ObjectDraft(items)
    draft.__class__ = JSONObject
    made: JSONObject = draft
    return made


def frozen_array(items: Any) -> JSONArray:
    """Return `JSONArray(items)`, in a third of the time: see `drafts`."""
    draft: Any = _ArrayDraft(items)
    draft.__class__ = JSONArray
    made: JSONArray = draft
    return made


if TYPE_CHECKING:
    _Mapping = Mapping[str, Any]
else:
    _Mapping = object


class FrozenMapping(_Mapping):
    """The base of immutable mappings other than `JSONObject`; `freeze` returns them as they are.

    It is registered as a `Mapping`. Below an abstract base class, `isinstance` would take four
    times as long, and `import streamfold.reducer` 3 % longer.
    """

    __slots__ = ()

    if not TYPE_CHECKING:  # pragma: no branch
        get, keys, items, values = Mapping.get, Mapping.keys, Mapping.items, Mapping.values
        __contains__, __reversed__ = Mapping.__contains__, None


Mapping.register(FrozenMapping)  # type: ignore[type-abstract]


EMPTY = JSONObject()
"""The JSON object without fields."""

# --- numbers ------------------------------------------------------------------------------------


def refuse_constant(name: str) -> Any:
    """Refuse `NaN` and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def finite(digits: str) -> float:
    """Return the number, if a float can hold it.

    Raises:
        ValueError: it is out of range, so that it could not be written as JSON again.
    """
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {shorten(digits, 20)} is out of range")
    return number


# --- from plain JSON and back -------------------------------------------------------------------

SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})

KEY_NOT_A_STRING = "a JSON object has a key that is not a string"


def freeze(value: Any, _depth: int = 0) -> Any:
    """Return `value` as immutable JSON, at every level. Immutable values are returned as they are.

    Args:
        value: decoded JSON; mappings, lists and tuples of any class are accepted.

    Raises:
        ValueError: the nesting is deeper than `MAX_DEPTH`, or a key is not a string.
        TypeError: a part of `value` is not JSON.

    >>> freeze({"days": [1, 2]}).days
    [1, 2]
    """
    kind: type[Any] = value.__class__
    if kind in SCALARS or (_depth == 0 and (kind is JSONObject or kind is JSONArray)):
        return value
    if kind is not dict and isinstance(value, FrozenMapping):
        return value
    root = [value]
    drafts: list[Any] = []
    waiting: list[tuple[Any, Any, int]] = [(root, 0, _depth)]
    for holder, place, depth in waiting:  # a loop, because the stack of the caller may be deep
        item = holder[place]
        draft: Any
        if isinstance(item, (FrozenMapping, str, int, float)):
            continue
        if depth >= MAX_DEPTH and (is_object(item) or is_array(item)):
            raise ValueError(f"JSON is nested deeper than {MAX_DEPTH} levels")
        if is_object(item):
            draft = _ObjectDraft(item)
            for key, member in draft.items():
                if type(key) is not str:
                    raise ValueError(KEY_NOT_A_STRING)
                if member.__class__ not in SCALARS:
                    waiting.append((draft, key, depth + 1))
        elif is_array(item):
            draft = _ArrayDraft(item)
            for index, member in enumerate(draft):
                if member.__class__ not in SCALARS:
                    waiting.append((draft, index, depth + 1))
        else:
            raise TypeError(f"{item.__class__.__name__} is not JSON")
        holder[place] = draft
        drafts.append(draft)
    for draft in drafts:
        draft.__class__ = JSONObject if draft.__class__ is _ObjectDraft else JSONArray
    return root[0]


def thaw(value: Any) -> Any:
    """Return `value` as plain dicts and lists, which you can change: the reverse of `freeze`.

    >>> thaw(freeze({"days": [1, 2]}))
    {'days': [1, 2]}
    """
    root = [value]
    waiting: list[tuple[Any, Any]] = [(root, 0)]
    for holder, place in waiting:  # a loop, because the stack of the caller may be deep
        item = holder[place]
        copy: Any
        if is_object(item):
            copy = dict(item)
            waiting += [
                (copy, key) for key, member in copy.items() if member.__class__ not in SCALARS
            ]
        elif is_array(item):
            copy = list(item)
            waiting += [
                (copy, index)
                for index, member in enumerate(copy)
                if member.__class__ not in SCALARS
            ]
        else:
            continue
        holder[place] = copy
    return root[0]


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(
    value: Any, indent: int | None = None, separators: tuple[str, str] | None = None
) -> str:
    """Return `value` as JSON text, with non-ASCII characters as they are.

    A lone half of a surrogate pair is written as an escape, because UTF-8 cannot encode it. NaN and
    the infinities, which only a tool's input can hold, are written as Python writes them.

    Args:
        value: JSON, frozen or plain.
        indent: the number of spaces per level; `None` for one compact line.
        separators: the text between items and after keys, as in `json.dumps`.

    Raises:
        RecursionError: the stack of the caller leaves too few levels for the nesting.

    >>> to_json({"city": "Zürich", "days": [1]})
    '{"city":"Zürich","days":[1]}'
    """
    if separators is None and indent is None:
        text = _compact.encode(thaw(value))
    else:
        text = json.dumps(thaw(value), ensure_ascii=False, indent=indent, separators=separators)
    return SURROGATES.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


# --- for error messages -------------------------------------------------------------------------


def described(value: Any) -> str:
    """Return the kind of JSON that `value` is, in words, for error messages.

    >>> described([]), described(None)
    ('an array', 'null')
    """
    return next((words for kind, words in _WORDS if isinstance(value, kind)), type(value).__name__)


_WORDS: tuple[tuple[Any, str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (Mapping, "an object"),
    ((list, tuple), "an array"),
)

_SHOWN = 120
"""The number of characters of a text that an error message shows."""


def shorten(text: str, length: int = _SHOWN) -> str:
    """Return `text` in quotes, cut to `length` characters and with its full length in words."""
    if len(text) <= length:
        return repr(text)
    return f"{text[:length]!r}… ({len(text):,} characters)"
