"""Classes for the objects of the API: declared fields that are checked, and all other JSON kept.

The API adds fields over time, so an object has two parts. Its declared fields are attrs attributes:
typed, and checked when the object is made from JSON. All other JSON is in `_rest`: the unknown
fields, and also each declared optional field that was sent with its default as its value (mostly
`null`). Together they give back the JSON exactly: an absent field stays absent, and a `null` stays
`null`.

    @declared(citation=parse_citation)          # parsers of fields that `freeze` does not parse
    class CitationsDelta(APIObject):
        type: Literal["citations_delta"] = "citations_delta"
        citation: TextCitation
        _rest: JSONObject = attrs.field(default=EMPTY, alias="rest")

Rules:

- A `type` with a value is the same for all objects of a class, and is not stored in each. Type
  checkers see it as an argument of the constructor, which accepts that value alone.
- Objects never change after they are made.
- An object is read by attribute (`block.text`) or by key (`block["text"]`); unknown fields too.
- A declared optional field that is absent reads as its default. An unknown field that is absent
  raises `AttributeError` or `KeyError`.
- The annotation of a required field decides which JSON it accepts (`_KINDS`). An optional field
  accepts any JSON and keeps it.
- A subclass of a declared class that is not declared itself equals objects of its base with the
  same content. The transports use this for objects with a `parsed_output`.

Cost: 1 to 2 µs for an object of three fields from JSON, more for nested objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs

from .frozen_json import (
    EMPTY,
    KEY_NOT_A_STRING,
    SCALARS,
    JSONObject,
    described,
    freeze,
    frozen_object,
    is_array,
    is_object,
    shorten,
)
from .model_methods import ModelMethods
from .sealed import sealed

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        return lambda decorator: decorator


__all__ = ["APIObject", "FieldError", "evolve"]

T = TypeVar("T")


class FieldError(ValueError):
    """A declared field is missing or has the wrong type.

    Attributes:
        path: the path of the field, such as `content[0].text`.
        reason: the rest of the message: the type that was expected, and the one that came.

    >>> raise FieldError("content[0].text", "is missing")
    Traceback (most recent call last):
    streamfold.reducer.declared.FieldError: `content[0].text` is missing
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"`{self.path}` {self.reason}"

    def below(self, parent: str) -> FieldError:
        """Return the same fault with its path seen from the object that holds it at `parent`."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return FieldError(f"{parent}{joint}{self.path}", self.reason)


# --- fields -------------------------------------------------------------------------------------

_MISSING = attrs.NOTHING
_NOT_JSON = frozenset({"_rest", "_input_json"})
"""Attributes that are not fields of the JSON."""

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
"""By annotation of a required field: the classes it accepts, and their name in error messages."""


@attrs.frozen
class Field:
    """One attribute of a declared class, and how it is read from JSON.

    Attributes:
        key: its key in the JSON; empty for an attribute that is not a field of the JSON.
        name: its name as an argument of the class.
        parse: makes its value from JSON.
        as_is: the classes of JSON values that need no parsing.
        kind: the classes a required field accepts, and their name in words; `None` for any JSON.
        default: its value when the JSON does not have it.
        get: reads it from an object.
        set: writes it into a new object, which is frozen for all other code.
        required: whether the JSON must have it.
        annotation: its type, as it is written in the class.
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
    annotation: str

    @classmethod
    def of(cls, attribute: attrs.Attribute[Any], slot: Any, parse: Any) -> Field:
        """Return the field of an attribute.

        Args:
            attribute: the attribute as attrs describes it.
            slot: the descriptor that stores it in objects of the class.
            parse: makes its value from JSON; `None` to freeze the JSON.
        """
        required = attribute.default is _MISSING
        kind = _KINDS.get(str(attribute.type)) if required else None
        as_is = frozenset[type]()
        if parse is None:
            as_is = SCALARS if kind is None else SCALARS & {kind[0]}
        hidden = attribute.name in _NOT_JSON
        return cls(
            # `from` is a keyword of Python, so the attribute for it is `from_`
            "" if hidden else attribute.name.strip("_"),
            attribute.name.lstrip("_"),
            parse or freeze,
            as_is,
            kind,
            attribute.default,
            slot.__get__,
            slot.__set__,
            required,
            str(attribute.type),
        )

    def read(self, raw: Any) -> Any:
        """Return the value of the field for the JSON `raw`.

        Raises:
            FieldError: the field does not accept this JSON.
        """
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


# --- classes ------------------------------------------------------------------------------------


class Value(ModelMethods):
    """The base of all declared classes: reading by key, equality by content, dumps.

    Class attributes:
        _tag: the `type` of every object of the class; empty if they have none or different ones.
        _kind: the declared class; objects of one kind are equal if their content is.
        _attributes: all attributes.
        _fields: the attributes that are fields of the JSON, by key.
        _content: returns the attributes that equality compares.
        _init: sets all attributes of a new object: `__init__` without the argument `type`.
    """

    __slots__ = ()
    _tag: ClassVar[str] = ""
    _kind: ClassVar[type[Any]]
    _attributes: ClassVar[tuple[Field, ...]] = ()
    _fields: ClassVar[Mapping[str, Field]] = {}
    _content: ClassVar[Any]
    _init: ClassVar[Callable[..., None]]

    def __getitem__(self, key: str) -> Any:
        return self._tag if key == "type" else getattr(self, self._fields[key].name)

    def __iter__(self) -> Iterator[str]:
        yield "type"
        yield from self._fields

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value) or self._kind is not other._kind:
            return NotImplemented
        return bool(self._content(self) == self._content(other))

    def __hash__(self) -> int:
        return hash((self._kind, self._content(self)))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        keys = (key for key in self if key != "type" or not self._tag)
        return f"{type(self).__name__}({', '.join(f'{key}={self._shown(key)}' for key in keys)})"

    def _shown(self, key: str) -> str:
        """Return the field `key` as the `repr` shows it."""
        return repr(self[key])

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any]) -> Self:
        return cls(**fields)


@dataclass_transform(
    frozen_default=True, kw_only_default=True, eq_default=False, field_specifiers=(attrs.field,)
)
def declared(**parsers: Callable[[Any], Any]) -> Callable[[type[T]], type[T]]:
    """Make a frozen attrs class of a subclass of `Value`.

    Args:
        parsers: by field name, the functions that make its value from JSON. Fields without one are
            frozen as they are.
    """

    def decorate(cls: type[Any]) -> Any:
        cls = attrs.frozen(
            kw_only=True, eq=False, repr=False, weakref_slot=False, field_transformer=_stored
        )(cls)
        tag = getattr(cls, "type", "")
        cls._tag = tag if isinstance(tag, str) else ""
        cls._kind = cls
        cls._attributes = tuple(
            Field.of(attribute, getattr(cls, attribute.name), parsers.get(attribute.name))
            for attribute in attrs.fields(cls)
        )
        cls._fields = {field.key: field for field in cls._attributes if field.key}
        cls._init = cls.__init__
        if cls._tag:
            cls.__init__ = _with_type(cls.__init__, cls._tag)
        compared = [field.name for field in attrs.fields(cls) if field.eq]
        cls._content = attrgetter(*compared)
        return sealed(cls)

    return decorate


def _stored(cls: type[Any], attributes: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Return the attributes that each object stores: all but a `type` with a value."""
    return [field for field in attributes if field.name != "type" or field.default is _MISSING]


def _with_type(init: Callable[..., None], tag: str) -> Callable[..., None]:
    """Return the constructor `init` with the further argument `type`, which must be `tag`."""

    @wraps(init)
    def __init__(  # noqa: N807
        self: Any,
        *,
        type: str = tag,  # noqa: A002
        **attributes: Any,
    ) -> None:
        if type != tag:
            raise FieldError("type", f"must be {tag!r}, not {type!r}")
        init(self, **attributes)

    return __init__


def made(cls: type[Any], **attributes: Any) -> Any:
    """Return `cls(**attributes)` for a declared class, in less time."""
    new = object.__new__(cls)
    cls._init(new, **attributes)
    return new


class APIObject(Value):
    """An object of the API: its declared fields, and all other fields of its JSON in `_rest`."""

    __slots__ = ()
    _rest: JSONObject

    if not TYPE_CHECKING:  # pragma: no branch (type checkers report an undeclared field)

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and name in self._rest:
                return self._rest[name]
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __getitem__(self, key: str) -> Any:
        field = self._fields.get(key)
        if field is None:
            return self._tag if key == "type" and self._tag else self._rest[key]
        if self._has(field):
            return field.get(self)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        if self._tag:
            yield "type"
        for key, field in self._fields.items():
            if self._has(field):
                yield key
        for key in self._rest:
            if key not in self._fields:
                yield key

    def _has(self, field: Field) -> bool:
        """Return whether the JSON of this object has the declared `field`."""
        return field.key in self._rest or field.get(self) != field.default

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the object for `data`, decoded JSON; its `to_dict` gives an equal dict back.

        Args:
            data: the fields. A `type` that the class implies may be absent; `to_dict` adds it.

        Raises:
            FieldError: a required field is missing or has the wrong type.
            ValueError: the nesting is too deep, or a key is not a string.
        """
        fields = cls._fields
        values: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key, raw in data.items():
            field = fields.get(key)
            if field is not None:
                value = values[key] = raw if raw.__class__ in field.as_is else field.read(raw)
                if not field.required and value == field.default:
                    rest[key] = value
            elif key != "type" or not cls._tag:
                if type(key) is not str:
                    raise ValueError(KEY_NOT_A_STRING)
                rest[key] = freeze(raw, 1)
            elif raw != cls._tag:
                found = shorten(raw) if isinstance(raw, str) else described(raw)
                raise FieldError("type", f"must be {cls._tag!r}, not {found}")
        new = object.__new__(cls)
        for field in cls._attributes:
            value = values.get(field.key, field.default)
            if value is _MISSING:
                raise FieldError(field.key, "is missing")
            field.set(new, value)
        if rest:
            object.__setattr__(new, "_rest", frozen_object(rest))
        return new

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any]) -> Self:
        return cls.from_dict(fields)

    def replace(self, **fields: Any) -> Self:
        """Return the object with these JSON fields set.

        Raises:
            FieldError: a field does not accept its value.

        >>> from streamfold.reducer import TextBlock
        >>> TextBlock(text="Hello").replace(text="Hi", citations=None).to_dict()
        {'type': 'text', 'text': 'Hi', 'citations': None}
        """
        attributes: dict[str, Any] = {}
        rest: dict[str, Any] | None = None
        for key, raw in fields.items():
            field = self._fields.get(key)
            if field is not None:
                value = attributes[field.name] = field.read(raw)
                in_rest = not field.required and value == field.default
            elif key == "type" and self._tag:
                self.from_dict({**self, "type": raw})
                continue
            else:
                value, in_rest = freeze(raw, 1), True
            if in_rest or key in self._rest:
                rest = dict(self._rest) if rest is None else rest
                rest.pop(key, None)
                if in_rest:
                    rest[key] = value
        if rest is not None:
            attributes["rest"] = frozen_object(rest) if rest else EMPTY
        return evolve(self, **attributes)  # type: ignore[no-any-return]


def evolve(value: Any, as_class: Any = None, /, **attributes: Any) -> Any:
    """Return `value`, an object of a declared class, with these attributes set, unchecked.

    Args:
        value: the object; it stays as it is.
        as_class: the class of the result, if it differs: a subclass without further attributes.
        attributes: the new values, named as the arguments of the class.

    >>> from streamfold.reducer import TextBlock
    >>> evolve(TextBlock(text="Hello"), text="Hi")
    TextBlock(text='Hi')
    """
    cls: type[Any] = value.__class__
    new = object.__new__(as_class or cls)
    for field in cls._attributes:
        name = field.name
        field.set(new, attributes[name] if name in attributes else field.get(value))
    return new


# --- parsers of fields --------------------------------------------------------------------------


def object_or_raw(cls: type[APIObject]) -> Callable[[Any], Any]:
    """Return a parser for an optional object of class `cls`; it keeps any other JSON as it is."""

    def parse(raw: Any) -> Any:
        if is_object(raw):
            try:
                return cls.from_dict(raw)
            except FieldError:
                pass
        return freeze(raw, 1)

    return parse


def one_of(*classes: Any) -> Callable[[Any], Any]:
    """Return a parser that picks the class of an object by its `type`.

    It keeps any other JSON as it is: objects of another type or with wrong fields, too.

    Args:
        classes: the known classes, and unions of them.
    """
    known = [cls for given in classes for cls in getattr(given, "__args__", (given,))]
    by_tag = {cls._tag: object_or_raw(cls) for cls in known}

    def parse(value: Any) -> Any:
        kind = value.get("type") if is_object(value) else None
        return by_tag.get(kind, raw)(value) if isinstance(kind, str) else raw(value)

    return parse


def raw(value: Any) -> Any:
    """Return JSON that no class describes as it is, frozen."""
    return freeze(value, 1)


def checked(shape: str, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a parser for a required field that accepts JSON of one shape only.

    Args:
        shape: a key of `_KINDS`.
        parse: the parser for that JSON.
    """
    kind, words = _KINDS[shape]

    def parse_checked(raw: Any) -> Any:
        if not isinstance(raw, kind):
            raise FieldError("", f"must be {words}, not {described(raw)}")
        return parse(raw)

    return parse_checked


def an_object(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `parse` for a required field, which must be an object."""
    return checked("JSONObject", parse)


def array_or(
    parse_item: Callable[[Any], Any], parse_other: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """Return a parser for an array of items, or for other JSON."""
    parse_array = list_of(parse_item, optional=False)
    return lambda raw: parse_array(raw) if is_array(raw) else parse_other(raw)


def object_of(cls: type[APIObject], *, nullable: bool = False) -> Callable[[Any], Any]:
    """Return a parser that accepts only an object of class `cls`, and `null` if `nullable`."""

    def parse(raw: Any) -> Any:
        if raw.__class__ is cls:
            return raw
        if is_object(raw):
            return cls.from_dict(raw)
        if nullable and raw is None:
            return None
        raise FieldError("", f"must be an object, not {described(raw)}")

    return parse


def list_of(parse_item: Callable[[Any], Any], *, optional: bool) -> Callable[[Any], Any]:
    """Return a parser for an array, which becomes a tuple of parsed items.

    Args:
        parse_item: the parser of each item.
        optional: whether to keep JSON that is not an array; otherwise it is an error.
    """

    def parse(raw: Any) -> Any:
        if not is_array(raw):
            if optional:
                return freeze(raw, 1)
            raise FieldError("", f"must be an array, not {described(raw)}")
        items: list[Any] = []
        for position, item in enumerate(raw):
            try:
                items.append(parse_item(item))
            except FieldError as fault:
                raise fault.below(f"[{position}]") from None
        return tuple(items)

    return parse


def classes_of(union: Any) -> dict[str, type[APIObject]]:
    """Return the classes of a union by their `type`."""
    return {cls.type: cls for cls in union.__args__}


def by_type(union: Any, unknown: type[APIObject]) -> Callable[[Any], Any]:
    """Return a parser that picks the class of an object by its `type`.

    Args:
        union: the union of the known classes.
        unknown: the class for any other `type`.
    """
    kinds = classes_of(union)

    def parse(raw: Any) -> Any:
        if isinstance(raw, APIObject):
            return raw
        if not is_object(raw):
            raise FieldError("", f"must be an object, not {described(raw)}")
        if "type" not in raw:
            raise FieldError("type", "is missing")
        kind = raw["type"]
        if not isinstance(kind, str):
            raise FieldError("type", f"must be a string, not {described(kind)}")
        return kinds.get(kind, unknown).from_dict(raw)

    return parse
