"""The methods that the official client's objects have from pydantic, for ours, without pydantic.

`ModelMethods` answers `model_dump`, `model_dump_json`, `model_copy`, `model_fields_set`,
`model_extra` and `model_validate`, and `to_dict` and `to_json` with the official keywords. It also
tells pydantic how to validate, describe and serialise an object as a field of a model, which is
what FastAPI builds on. Pydantic asks for that by a method whose answer is a dict, so nothing of it
is imported.

Rules:

- `to_dict` and `to_json` without arguments give the JSON that came, at no extra cost.
- Dumps are plain JSON values in every mode: a time is text, as in the API.
- `model_dump` has the declared fields that are absent too, with their defaults, unless it excludes
  them. `model_dump` and `to_dict` of the official client differ in the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union

import attrs

from .frozen_json import FrozenMapping, described, is_array, is_object, thaw, to_json

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ModelMethods"]

Selection = Union[AbstractSet[str], Mapping[str, Any], None]
"""Names of fields; in a mapping, `True` for a whole field, or a selection inside it."""


@attrs.frozen
class _Dump:
    """The options of a dump, which hold at every level."""

    exclude_unset: bool = False
    exclude_defaults: bool = False
    exclude_none: bool = False

    def of(self, value: Any, include: Selection = None, exclude: Selection = None) -> Any:
        """Return `value` as plain JSON values."""
        root = [value]
        waiting: list[tuple[Any, Any, Any, Any]] = [(root, 0, include, exclude)]
        for holder, place, included, excluded in waiting:  # no recursion: see `thaw`
            item = holder[place]
            copy: Any
            if is_array(item):
                copy = list(item)
                waiting += [(copy, index, None, None) for index in range(len(copy))]
            elif is_object(item):
                copy = {}
                members = item._dumped(self) if isinstance(item, ModelMethods) else item.items()
                for key, member in members:
                    inside = True if included is None else _within(included, key)
                    outside = _within(excluded, key)
                    is_none = self.exclude_none and member is None
                    if not (outside is True or inside is None or is_none):
                        copy[key] = member
                        waiting.append((copy, key, None if inside is True else inside, outside))
            else:
                continue
            holder[place] = copy
        return root[0]


def _within(selection: Any, key: str) -> Any:
    """Return the selection inside `key`: `True` for all of it, `None` if it is not selected."""
    if isinstance(selection, Mapping):
        return selection.get(key)
    return True if selection is not None and key in selection else None


class ModelMethods(FrozenMapping):
    """The methods of the official objects, over the items of a mapping."""

    __slots__ = ()
    _tag: ClassVar[str] = ""
    _fields: ClassVar[Mapping[str, Any]] = {}
    if TYPE_CHECKING:

        @classmethod
        def _from_fields(cls, fields: Mapping[str, Any]) -> Self: ...

    def _dumped(self, options: _Dump) -> Iterator[tuple[str, Any]]:
        """Return the fields that a dump with these options has."""
        for key, value in self.items():
            field = self._fields.get(key)
            is_default = field is not None and not field.required and value == field.default
            if not (options.exclude_defaults and is_default):
                yield key, value
        if not (options.exclude_unset or options.exclude_defaults):
            for key, field in self._fields.items():
                if key not in self:
                    yield key, field.default

    def to_dict(
        self,
        *,
        mode: Literal["json", "python"] = "json",
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> dict[str, Any]:
        """Return the object as plain JSON in the API's own shape: a copy you can change.

        Args:
            mode: without effect: the values are those of JSON in both modes.
            use_api_names: without effect: the names are those of the API.
            exclude_unset: leave out declared fields that were not sent.
            exclude_defaults: leave out optional fields with their default as value.
            exclude_none: leave out fields that are `None`, at every level.
            warnings: without effect: a dump gives no warnings.
        """
        if exclude_unset and not (exclude_defaults or exclude_none):
            copy: dict[str, Any] = thaw(self)
            return copy
        dumped: dict[str, Any] = _Dump(exclude_unset, exclude_defaults, exclude_none).of(self)
        return dumped

    def to_json(
        self,
        indent: int | None = None,
        *,
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> str:
        """Return the object as JSON text in the API's own shape.

        Args:
            indent: the number of spaces per level; `None` for one compact line.
            use_api_names: see `to_dict`.
            exclude_unset: see `to_dict`.
            exclude_defaults: see `to_dict`.
            exclude_none: see `to_dict`.
            warnings: see `to_dict`.
        """
        if exclude_unset and not (exclude_defaults or exclude_none):
            return to_json(self, indent)
        return to_json(_Dump(exclude_unset, exclude_defaults, exclude_none).of(self), indent)

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Selection = None,
        exclude: Selection = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        round_trip: bool = False,
        warnings: bool | str = True,
        serialize_as_any: bool = False,
        context: Any = None,
        fallback: Callable[[Any], Any] | None = None,
        exclude_computed_fields: bool = False,
        polymorphic_serialization: bool | None = None,
    ) -> dict[str, Any]:
        """Return the object as plain JSON values, with the keywords of pydantic.

        Args:
            mode: without effect: the values are those of JSON in both modes.
            include: the fields to keep; by default all.
            exclude: the fields to leave out.
            by_alias: without effect: the names are those of the API.
            exclude_unset: leave out declared fields that were not sent.
            exclude_defaults: leave out optional fields with their default as value.
            exclude_none: leave out fields that are `None`, at every level.
            round_trip: without effect: a dump can always be read again.
            warnings: without effect: a dump gives no warnings.
            serialize_as_any: without effect: objects are dumped by their own class.
            context: without effect: no dump asks for it.
            fallback: without effect: every value is JSON.
            exclude_computed_fields: without effect: no field is computed.
            polymorphic_serialization: without effect: as `serialize_as_any`.

        >>> from streamfold.reducer import TextBlock
        >>> TextBlock(text="Hi").model_dump()
        {'type': 'text', 'text': 'Hi', 'citations': None}
        >>> TextBlock(text="Hi").model_dump(include={"text"})
        {'text': 'Hi'}
        """
        options = _Dump(exclude_unset, exclude_defaults, exclude_none)
        dumped: dict[str, Any] = options.of(self, include, exclude)
        return dumped

    def model_dump_json(
        self, *, indent: int | None = None, ensure_ascii: bool = False, **options: Any
    ) -> str:
        r"""Return the object as JSON text, with the keywords of `model_dump`.

        Args:
            indent: the number of spaces per level; `None` for one compact line.
            ensure_ascii: write characters outside ASCII as escapes.
            options: see `model_dump`.

        >>> from streamfold.reducer import TextBlock
        >>> TextBlock(text="Grüße").model_dump_json(exclude_none=True, ensure_ascii=True)
        '{"type":"text","text":"Gr\\u00fc\\u00dfe"}'
        """
        dumped = self.model_dump(**options)
        if ensure_ascii:
            separators = (",", ":") if indent is None else None
            return json.dumps(dumped, indent=indent, separators=separators)
        return to_json(dumped, indent)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed.

        Args:
            update: the new values, by the names of the fields.
            deep: without effect: nothing in the object can change.

        Raises:
            ValueError: a field does not accept its value.

        >>> from streamfold.reducer import TextBlock
        >>> TextBlock(text="Hello").model_copy(update={"text": "Hi"})
        TextBlock(text='Hi')
        """
        return self.model_validate({**dict(self), **update}) if update else self

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that were sent."""
        return {key for key in self if key != "type"} | ({"type"} if "type" in self else set())

    @property
    def model_extra(self) -> dict[str, Any]:
        """The fields that this version does not declare."""
        return {
            key: value for key, value in self.items() if key not in self._fields and key != "type"
        }

    @classmethod
    def model_validate(
        cls,
        obj: Any,
        *,
        strict: bool | None = None,
        extra: str | None = None,
        from_attributes: bool | None = None,
        context: Any = None,
        by_alias: bool | None = None,
        by_name: bool | None = None,
    ) -> Self:
        """Return the object for a mapping of its fields; an object of the class as it is.

        Args:
            obj: the mapping or the object.
            strict: without effect: the fields are checked in one way.
            extra: without effect: other fields are kept.
            from_attributes: without effect: a mapping is needed.
            context: without effect: no check asks for it.
            by_alias: without effect: the names are those of the API.
            by_name: without effect, as `by_alias`.

        Raises:
            ValueError: it is something else, its `type` is missing, or a field does not accept its
                value.
        """
        if isinstance(obj, cls):
            return obj
        if not is_object(obj):
            raise ValueError(f"{cls.__name__} must be an object, not {described(obj)}")
        if cls._tag and "type" not in obj:
            raise ValueError(f"`type` must be {cls._tag!r}, but it is missing")
        return cls._from_fields(obj)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes, **options: Any) -> Self:
        """Return the object for its JSON text.

        Args:
            json_data: the text.
            options: see `model_validate`.

        Raises:
            ValueError: the text is not JSON, or a field does not accept its value.
        """
        return cls.model_validate(json.loads(json_data), **options)

    # --- as a field of a pydantic model ---

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: Callable[[Any], Any]
    ) -> dict[str, Any]:
        """Return pydantic's description of how to validate and serialise a field of this class."""
        return {
            "type": "function-plain",
            "function": {"type": "no-info", "function": cls.model_validate},
            "serialization": {"type": "function-plain", "function": ModelMethods.to_dict},
        }

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: Callable[[Any], Any]
    ) -> dict[str, Any]:
        """Return the JSON schema of the class: its declared fields, and any others."""
        properties: dict[str, Any] = {}
        if cls._tag:
            properties["type"] = {"const": cls._tag, "type": "string"}
        for key, field in cls._fields.items():
            properties[key] = _schema_of(field.annotation)
        required = [key for key, field in cls._fields.items() if field.required]
        if cls._tag:
            required.insert(0, "type")
        return {
            "title": cls.__name__,
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            "additionalProperties": True,
        }


def _schema_of(annotation: str) -> dict[str, Any]:
    """Return the JSON schema of a field, by its annotation.

    >>> _schema_of("tuple[TextCitation, ...] | None")
    {'anyOf': [{'type': 'array', 'items': {'type': 'object'}}, {'type': 'null'}]}
    """
    schemas: list[dict[str, Any]] = []
    for name in _OUTSIDE_BRACKETS.split(annotation):
        if name.startswith("tuple["):
            items = _schema_of(name.removeprefix("tuple[").removesuffix(", ...]"))
            schema = {"type": "array", "items": items}
        else:
            schema = _SCHEMAS.get(name, {"type": "object"})
        if schema not in schemas:
            schemas.append(schema)
    return dict(schemas[0]) if len(schemas) == 1 else {"anyOf": schemas}


_OUTSIDE_BRACKETS = re.compile(r" \| (?![^\[]*\])")
"""The signs between the members of a union, but for those inside brackets."""

_SCHEMAS: dict[str, dict[str, Any]] = {
    "Any": {},
    "str": {"type": "string"},
    "datetime": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "StopReason": {"type": "string"},
    "Literal['assistant']": {"const": "assistant", "type": "string"},
    "JSONArray": {"type": "array"},
    "Text": {"type": "string"},
    "Growing[TextCitation]": {"type": "array", "items": {"type": "object"}},
    "PartialJSON": {},
}
"""The JSON schemas of the annotations that are not objects."""
