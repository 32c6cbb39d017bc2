"""JSON objects as immutable values: what every event, block and message is made of.

The API's objects are open: tomorrow's have fields that today's do not. So an object here is two
things at once. Its *declared* fields are attrs fields, typed, checked where a stream depends on
them. Everything else the JSON said is in `_rest`: unknown fields, and the declared optional ones
which were there although they say no more than their default (`null`, mostly). Together they give
the JSON back as it was: an absent field stays absent, a `null` stays `null`.

Rules:

- Nothing here changes after it was made. JSON below the declared fields is frozen into `JSONObject`
  and `JSONArray`: a dict and a list that can be read, compared and serialised like any, and not
  written.
- An object is read by attribute (`block.text`) and by key (`block["text"]`), unknown fields
  included.
- A declared optional field that is absent reads as its default; an unknown one raises.
- Nesting deeper than `MAX_DEPTH` is refused, so that no value can exhaust the stack of whoever
  walks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeGuard, TypeVar

import attrs

from .errors import shorten
from .growing import HALVES

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        return lambda decorator: decorator


__all__ = ["MAX_DEPTH", "APIObject", "FieldError", "JSONArray", "JSONObject", "Value"]

T = TypeVar("T")

MAX_DEPTH = 200
"""How deep JSON may nest: as deep as jiter goes. A fixed number, because Python's own limit
depends on the stack of the caller, and the same input must give the same output."""


class FieldError(ValueError):
    """A declared field is missing or of the wrong type. `path` leads to it, `reason` says which.

    >>> raise FieldError("content[0].text", "is missing")
    Traceback (most recent call last):
    streamfold.reducer.objects.FieldError: `content[0].text` is missing
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"`{self.path}` {self.reason}"

    def below(self, parent: str) -> FieldError:
        """The same fault as seen from the object that holds this one at `parent`."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return FieldError(f"{parent}{joint}{self.path}", self.reason)


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether `value` is a JSON object, of whatever class."""
    return value.__class__ is dict or isinstance(value, Mapping)


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Whether `value` is a JSON array, of whatever class."""
    return isinstance(value, (list, tuple))


# --- plain JSON, frozen -------------------------------------------------------------------------


def _immutable(self: object, *_: Any, **__: Any) -> NoReturn:
    raise TypeError(f"{type(self).__name__} is immutable; to_dict() makes a copy you can change")


class JSONObject(dict[str, Any]):
    """An immutable JSON object, read by key and by attribute. It equals the plain dict of its
    content.

    A key that is also a dict method (`items`, `keys`, …) is read by key only.

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
        """A plain copy, all the way down, that you can change."""
        copy: dict[str, Any] = thaw(self)
        return copy

    def to_json(self, indent: int | None = None) -> str:
        """The object as JSON text."""
        return to_json(self, indent)


class JSONArray(list[Any]):
    """An immutable JSON array. It equals the plain list of its content.

    >>> freeze([1, [2]]) == [1, [2]]
    True
    """

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _immutable
    append = clear = extend = insert = pop = remove = reverse = sort = _immutable

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return JSONArray, (list(self),)

    def to_dict(self) -> list[Any]:
        """A plain copy, all the way down, that you can change."""
        copy: list[Any] = thaw(self)
        return copy


EMPTY = JSONObject()
"""The object without fields."""

_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})


def freeze(value: Any, _depth: int = 0) -> Any:
    """JSON made immutable, all the way down. What is immutable already is returned as it is.

    Args:
        value: anything `json.loads` returns, mappings and sequences of other types included.

    Raises:
        ValueError: nested deeper than `MAX_DEPTH`, or a key that is not a string.
        TypeError: something in it is not JSON.
    """
    kind: type[Any] = value.__class__
    if kind in _SCALARS or isinstance(value, Value):
        return value
    if _depth == 0 and (kind is JSONObject or kind is JSONArray):
        return value
    if _depth >= MAX_DEPTH:
        raise ValueError(f"JSON is nested deeper than {MAX_DEPTH} levels")
    if is_object(value):
        for key in value:
            if type(key) is not str:
                raise ValueError(_KEY_NOT_A_STRING)
        return JSONObject({key: freeze(item, _depth + 1) for key, item in value.items()})
    if is_array(value):
        return JSONArray([freeze(item, _depth + 1) for item in value])
    if isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{kind.__name__} is not JSON")


_KEY_NOT_A_STRING = "a JSON object has a key that is not a string"


def thaw(value: Any) -> Any:
    """The plain, mutable JSON (dicts and lists) that `value` stands for: the reverse of
    `freeze`.
    """
    if is_object(value):
        return {key: thaw(item) for key, item in value.items()}
    if is_array(value):
        return [thaw(item) for item in value]
    return value


def to_json(
    value: Any, indent: int | None = None, separators: tuple[str, str] | None = None
) -> str:
    """`value` as JSON text: compact, or indented by `indent` spaces; non-ASCII characters as they
    are.

    `separators` stand between items and after keys, as in `json.dumps`. Half of a surrogate pair
    becomes an escape, because UTF-8 cannot express it. NaN and the infinities, which only a tool's
    input can hold, are written as Python writes them.
    """
    if separators is None and indent is None:
        separators = (",", ":")
    text = json.dumps(thaw(value), ensure_ascii=False, indent=indent, separators=separators)
    return HALVES.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


# --- objects with declared fields ---------------------------------------------------------------


_MISSING = attrs.NOTHING


@attrs.frozen
class Field:
    """One attribute of a declared class, and the JSON it is made of.

    Attributes:
        key: its JSON key; empty for an attribute that is no field of the JSON.
        name: its name in calls.
        parse: makes its value of JSON.
        as_is: the classes of JSON that are values already.
        kind: the classes that a required field takes, and their name in words.
        default: its value where the JSON has none.
        required: whether the JSON must have it.
        get, set: read it off an object, and put it into a new one past the frozenness of that.
    """

    key: str
    name: str
    parse: Callable[[Any], Any]
    as_is: frozenset[type]
    kind: tuple[Any, str] | None
    default: Any
    get: Callable[[Any], Any]
    set: Callable[[Any, Any], None]
    required: bool

    @classmethod
    def of(cls, attribute: attrs.Attribute[Any], slot: Any, parse: Any) -> Field:
        """The field for an attribute of a class, its slot there, and what parses it, if anything
        special does.
        """
        required = attribute.default is _MISSING
        kind = _KINDS.get(str(attribute.type)) if required else None
        as_is = frozenset[type]()
        if parse is None:
            as_is = _SCALARS if kind is None else _SCALARS & {kind[0]}
        hidden = attribute.name in _UNTOLD
        return cls(
            "" if hidden else attribute.name.strip("_"),  # `from_` is `from`, a word of Python's
            attribute.name.lstrip("_"),
            parse or freeze,
            as_is,
            kind,
            attribute.default,
            slot.__get__,
            slot.__set__,
            required,
        )

    def read(self, raw: Any) -> Any:
        """The value of the field whose JSON is `raw`."""
        if raw.__class__ in self.as_is:
            return raw
        if self.kind is not None:
            kind, words = self.kind
            if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
                raise FieldError(self.key, f"must be {words}, not {described(raw)}")
        try:
            return self.parse(raw)
        except FieldError as fault:
            raise fault.below(self.key) from None


_ARRAY = (list, tuple)
_KINDS: dict[str, tuple[Any, str]] = {
    "str": (str, "a string"),
    "Literal['assistant']": (str, "a string"),
    "int": (int, "an integer"),
    "bool": (bool, "a boolean"),
    "JSONObject": (Mapping, "an object"),
    "JSONArray": (_ARRAY, "an array"),
    "JSONArray | JSONObject": ((*_ARRAY, Mapping), "an array or an object"),
    "str | JSONArray": ((str, *_ARRAY), "a string or an array"),
}
"""What JSON a required field takes, by its annotation. Optional ones are kept, whatever they
hold."""


class Value(Mapping[str, Any]):
    """What all typed objects share: reading by key, equality by content, `to_dict`, `to_json`."""

    __slots__ = ()
    _tag: ClassVar[str] = ""
    """The `type` of every object of the class; empty where they have none, or each its own."""
    _attributes: ClassVar[tuple[Field, ...]] = ()
    _fields: ClassVar[Mapping[str, Field]] = {}
    _content: ClassVar[Any]

    def __getitem__(self, key: str) -> Any:
        return self._tag if key == "type" else getattr(self, self._fields[key].name)

    def __iter__(self) -> Iterator[str]:
        yield "type"
        yield from self._fields

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return bool(self._content(self) == self._content(other))

    def __hash__(self) -> int:
        return hash((type(self), self._content(self)))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        keys = (key for key in self if key != "type" or not self._tag)
        return f"{type(self).__name__}({', '.join(f'{key}={self._shown(key)}' for key in keys)})"

    def _shown(self, key: str) -> str:
        return repr(self[key])

    def to_dict(self) -> dict[str, Any]:
        """The object as plain JSON values in the API's own shape: a copy you can change."""
        copy: dict[str, Any] = thaw(self)
        return copy

    def to_json(self, indent: int | None = None) -> str:
        """The object as JSON text in the API's own shape.

        Args:
            indent: spaces per level; `None` (the default) for one compact line.
        """
        return to_json(self, indent)


@dataclass_transform(
    frozen_default=True, kw_only_default=True, eq_default=False, field_specifiers=(attrs.field,)
)
def declared(**parsers: Callable[[Any], Any]) -> Callable[[type[T]], type[T]]:
    """Make an attrs class of a `Value`; `parsers` turn the JSON of the fields they name into
    values.
    """

    def decorate(cls: type[Any]) -> Any:
        cls = attrs.frozen(kw_only=True, eq=False, repr=False, weakref_slot=False)(cls)
        tag = getattr(cls, "type", "")
        cls._tag = tag if isinstance(tag, str) else ""
        cls._attributes = tuple(
            Field.of(attribute, getattr(cls, attribute.name), parsers.get(attribute.name))
            for attribute in attrs.fields(cls)
        )
        cls._fields = {field.key: field for field in cls._attributes if field.key}
        compared = [field.name for field in attrs.fields(cls) if field.eq]
        cls._content = attrgetter(*compared)
        return cls

    return decorate


_UNTOLD = frozenset({"_rest", "_input_json"})
"""Attributes that are no field of the JSON."""


class APIObject(Value):
    """An object of the API: declared fields, and in `_rest` whatever else its JSON said."""

    __slots__ = ()
    _rest: JSONObject

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._rest:
            return self._rest[name]
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __getitem__(self, key: str) -> Any:
        field = self._fields.get(key)
        if field is None:
            return self._tag if key == "type" and self._tag else self._rest[key]
        if self._says(field):
            return getattr(self, field.name)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        if self._tag:
            yield "type"
        for key, field in self._fields.items():
            if self._says(field):
                yield key
        for key in self._rest:
            if key not in self._fields:
                yield key

    def _says(self, field: Field) -> bool:
        """Whether the JSON of this object has the declared `field`."""
        return field.key in self._rest or getattr(self, field.name) != field.default

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The object that `data`, plain JSON, describes; `to_dict` gives an equal dict back.

        `data` may leave out a `type` that the class implies; `to_dict` tells it.

        Raises:
            ValueError: a required field is missing or of the wrong type, or `data` is nested too
                deep.
        """
        fields = cls._fields
        told: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key, raw in data.items():
            field = fields.get(key)
            if field is not None:
                value = told[key] = field.read(raw)
                if not field.required and value == field.default:
                    rest[key] = value
            elif key != "type" or not cls._tag:
                if type(key) is not str:
                    raise ValueError(_KEY_NOT_A_STRING)
                rest[key] = freeze(raw, 1)
            elif raw != cls._tag:
                found = shorten(raw) if isinstance(raw, str) else described(raw)
                raise FieldError("type", f"must be {cls._tag!r}, not {found}")
        made = object.__new__(cls)
        for field in cls._attributes:
            value = told.get(field.key, field.default)
            if value is _MISSING:
                raise FieldError(field.key, "is missing")
            field.set(made, value)
        if rest:
            object.__setattr__(made, "_rest", JSONObject(rest))
        return made

    def replace(self, **fields: Any) -> Self:
        """The object with these JSON fields set.

        >>> from streamfold.reducer import TextBlock
        >>> TextBlock(text="Hello").replace(text="Hi", citations=None).to_dict()
        {'type': 'text', 'text': 'Hi', 'citations': None}
        """
        return self.from_dict({**dict(self), **fields})


def evolve(value: Any, as_class: Any = None, /, **attributes: Any) -> Any:
    """`value`, of a declared class, with these attributes set, named as in calls.

    The result is an object of `as_class`, if that is told: a subclass without further attributes.
    """
    cls: type[Any] = value.__class__
    made = object.__new__(as_class or cls)
    for field in cls._attributes:
        name = field.name
        field.set(made, attributes[name] if name in attributes else field.get(value))
    return made


def described(raw: Any) -> str:
    """What kind of JSON `raw` is, in words, for errors."""
    return next((words for kind, words in _WORDS if isinstance(raw, kind)), type(raw).__name__)


_WORDS: tuple[tuple[Any, str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (Mapping, "an object"),
    ((list, tuple), "an array"),
)
